//! The Lambda function of `shift-traffic`: which adapters the step gets.

use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{ClusterRouting, DynamoLedger, Environment, OsChance, SystemClock};
use lifeboat_model::limits::Step;
use shift_traffic::{Ports, handle};

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let routing = ClusterRouting::new(&env);
    let ports = Ports { ledger: &ledger, clock: &SystemClock, routing: &routing, chance: &OsChance };
    serve(Step::ShiftTraffic, |event| handle(event, &ports)).await
}
