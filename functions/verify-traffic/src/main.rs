//! The Lambda function of `verify-traffic`: which adapters the step gets.

use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{CloudWatchMetrics, DynamoLedger, Environment, SystemClock, SystemNames};
use lifeboat_model::limits::Step;
use verify_traffic::{Ports, handle};

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let metrics = CloudWatchMetrics::new(&env);
    let ports = Ports { ledger: &ledger, clock: &SystemClock, metrics: &metrics, names: &SystemNames };
    serve(Step::VerifyTraffic, |event| handle(event, &ports)).await
}
