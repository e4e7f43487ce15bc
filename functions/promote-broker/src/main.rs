//! The Lambda function of `promote-broker`: which adapters the step gets.

use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{CloudWatchMetrics, DynamoLedger, Environment, MqBrokers, SystemClock};
use lifeboat_model::limits::Step;
use promote_broker::{Ports, handle};

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let brokers = MqBrokers::new(&env);
    let metrics = CloudWatchMetrics::new(&env);
    let ports = Ports { ledger: &ledger, clock: &SystemClock, brokers: &brokers, metrics: &metrics };
    serve(Step::PromoteBroker, |event| handle(event, &ports)).await
}
