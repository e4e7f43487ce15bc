//! The Lambda function of `assess`: which adapters the step gets.

use assess::{Ports, handle};
use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{
    AuroraDatabases, CloudWatchMetrics, ClusterRouting, DynamoLedger, Environment, OsChance, SystemClock,
};
use lifeboat_model::limits::Step;

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let databases = AuroraDatabases::new(&env);
    let metrics = CloudWatchMetrics::new(&env);
    let routing = ClusterRouting::new(&env);
    let ports = Ports {
        ledger: &ledger,
        clock: &SystemClock,
        databases: &databases,
        metrics: &metrics,
        routing: &routing,
        chance: &OsChance,
    };
    serve(Step::Assess, |event| handle(event, &ports)).await
}
