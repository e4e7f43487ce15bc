//! The Lambda function of `start-run`: which adapters the step gets.

use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{DynamoLedger, Environment, SfnExecutions, SnsNotices, SystemClock};
use lifeboat_model::limits::Step;
use start_run::{Ports, handle};

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let executions = SfnExecutions::new(&env)?;
    let notices = SnsNotices::new(&env)?;
    let (home, state_machine) = (env.home(), env.state_machine()?);
    let ports =
        Ports { ledger: &ledger, clock: &SystemClock, executions: &executions, notices: &notices, home, state_machine };
    serve(Step::StartRun, |event| handle(event, &ports)).await
}
