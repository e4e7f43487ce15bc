//! The Lambda function of `promote-database`: which adapters the step gets.

use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{AuroraDatabases, DynamoLedger, Environment, SystemClock};
use lifeboat_model::limits::Step;
use promote_database::{Ports, handle};

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let databases = AuroraDatabases::new(&env);
    let ports = Ports { ledger: &ledger, clock: &SystemClock, databases: &databases };
    serve(Step::PromoteDatabase, |event| handle(event, &ports)).await
}
