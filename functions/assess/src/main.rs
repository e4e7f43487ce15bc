//! The Lambda function of `assess`: which adapters the step gets.

use assess::{Ports, handle};
use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{
    AuroraDatabases, CloudWatchMetrics, ClusterRouting, DynamoLedger, DynamoTables, EcsCompute, ElastiCacheCaches,
    Environment, MqBrokers, OsChance, SystemClock,
};
use lifeboat_model::limits::Step;

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let (databases, metrics) = (AuroraDatabases::new(&env), CloudWatchMetrics::new(&env));
    let (routing, caches) = (ClusterRouting::new(&env), ElastiCacheCaches::new(&env));
    let (tables, brokers, compute) = (DynamoTables::new(&env), MqBrokers::new(&env), EcsCompute::new(&env));
    let (ledger, clock, chance) = (&ledger, &SystemClock, &OsChance);
    let (databases, metrics, routing, caches) = (&databases, &metrics, &routing, &caches);
    let (tables, brokers, compute) = (&tables, &brokers, &compute);
    let ports = Ports { ledger, clock, databases, metrics, routing, chance, caches, tables, brokers, compute };
    serve(Step::Assess, |event| handle(event, &ports)).await
}
