//! The Lambda function of `promote-cache`: which adapters the step gets.

use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{CloudWatchMetrics, DynamoLedger, ElastiCacheCaches, Environment, SystemClock};
use lifeboat_model::limits::Step;
use promote_cache::{Ports, handle};

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let caches = ElastiCacheCaches::new(&env);
    let metrics = CloudWatchMetrics::new(&env);
    let ports = Ports { ledger: &ledger, clock: &SystemClock, caches: &caches, metrics: &metrics };
    serve(Step::PromoteCache, |event| handle(event, &ports)).await
}
