//! The Lambda function of `isolate-source`: which adapters the step gets.

use isolate_source::{Ports, handle};
use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{ClusterRouting, DynamoLedger, Environment, OsChance, SystemClock, SystemNames};
use lifeboat_model::limits::Step;

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let routing = ClusterRouting::new(&env);
    let ports =
        Ports { ledger: &ledger, clock: &SystemClock, routing: &routing, names: &SystemNames, chance: &OsChance };
    serve(Step::IsolateSource, |event| handle(event, &ports)).await
}
