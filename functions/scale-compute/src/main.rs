//! The Lambda function of `scale-compute`: which adapters the step gets.

use lifeboat_aws::lambda::{Error, run, serve};
use lifeboat_aws::{DynamoLedger, EcsCompute, Environment, SystemClock};
use lifeboat_model::limits::Step;
use scale_compute::{Ports, handle};

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let compute = EcsCompute::new(&env);
    let ports = Ports { ledger: &ledger, clock: &SystemClock, compute: &compute };
    serve(Step::ScaleCompute, |event| handle(event, &ports)).await
}
