//! The Lambda function of `check-table`: which adapters the step gets.

use check_table::{Ports, handle};
use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{CloudWatchMetrics, DynamoLedger, DynamoTables, Environment, SystemClock};
use lifeboat_model::limits::Step;

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let (tables, metrics) = (DynamoTables::new(&env), CloudWatchMetrics::new(&env));
    let ports = Ports { ledger: &ledger, clock: &SystemClock, tables: &tables, metrics: &metrics };
    serve(Step::CheckTable, |event| handle(event, &ports)).await
}
