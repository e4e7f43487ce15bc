//! The Lambda function of `conclude`: which adapters the step gets.

use conclude::{Ports, handle};
use lifeboat_aws::lambda::{Error, print, run, serve};
use lifeboat_aws::{DynamoLedger, Environment, S3Archive, SnsNotices, SystemClock};
use lifeboat_model::limits::Step;

fn main() -> Result<(), Error> {
    run(wire())
}

async fn wire() -> Result<(), Error> {
    let env = Environment::from_env()?;
    let ledger = DynamoLedger::new(&env)?;
    let (notices, archive) = (SnsNotices::new(&env)?, S3Archive::new(&env)?);
    let ports =
        Ports { ledger: &ledger, clock: &SystemClock, notices: &notices, archive: &archive, metrics_out: &print };
    serve(Step::Conclude, |event| handle(event, &ports)).await
}
