//! The Lambda function of `verify-writers`: which adapters the step gets.

use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{AuroraDatabases, DynamoLedger, Environment, SystemClock};
use lifeboat_model::limits::Step;
use verify_writers::{Ports, handle};

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let databases = AuroraDatabases::new(&env);
    let ports = Ports { ledger: &ledger, clock: &SystemClock, databases: &databases };
    serve(Step::VerifyWriters, |event| handle(event, &ports)).await
}
