//! The Lambda function of `request-approval`: which adapters the step gets.

use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{DynamoLedger, Environment, SnsNotices, SystemClock};
use lifeboat_model::limits::Step;
use request_approval::{Ports, handle};

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let notices = SnsNotices::new(&env)?;
    let ports = Ports { ledger: &ledger, clock: &SystemClock, notices: &notices };
    serve(Step::RequestApproval, |event| handle(event, &ports)).await
}
