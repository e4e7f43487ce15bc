//! The Lambda function of `admit`: which adapters the step gets.

use admit::{Ports, handle};
use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{DynamoLedger, Environment, SystemClock};
use lifeboat_model::limits::Step;

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let ports = Ports { ledger: &ledger, clock: &SystemClock, home: env.home() };
    serve(Step::Admit, |event| handle(event, &ports)).await
}
