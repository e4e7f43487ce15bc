//! `verify-writers`: proves by a fresh read, after the lock, that every writer is in the target (S3).
//!
//! Guarantees: trusts no earlier step; reads every database of the plan; in a switchover, where the source is well, also
//! hears the source, without waiting long for it (S12).
//! Effects: lease; the note in the journal without which traffic does not move.
//! Fails when: `Refused` (writer-not-verified, for each database), `Transient` (the target does not answer).

use futures_util::future::join;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lifeboat_model::decide::verify_writers;
use lifeboat_model::journal::Note;
use lifeboat_model::limits::{POLL, READ_TIMEOUT, READS_AT_ONCE, SOURCE_TIMEOUT, Step, VERIFY_WRITERS_WINDOW};
use lifeboat_model::plan::Database;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Reason, StepError};
use lifeboat_ports::{Clock, Databases, Ledger, timely, within};
use lifeboat_step::{Reply, Run, RunMessage, parse};
use serde_json::{Value, json};

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Aurora.
    pub databases: &'a dyn Databases,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: RunMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let until = ports.clock.now().plus(VERIFY_WRITERS_WINDOW);
    loop {
        let objections = look(&run, ports).await?;
        match run.purpose {
            Purpose::Act => {}
            // The writers have not moved; what counts is that they can be seen.
            Purpose::Rehearse => {
                let evidence = json!({"rehearsed": true, "not_in_the_target_yet": objections.len(), "databases": run.plan.databases.len()});
                return Reply::done(false, evidence).into_json();
            }
        }
        if objections.is_empty() {
            run.note(Step::VerifyWriters, run.plan.name.as_str(), Note::WritersVerified, ports.ledger, ports.clock)
                .await?;
            return Reply::done(false, json!({"writers_in": run.target(), "databases": run.plan.databases.len()}))
                .into_json();
        }
        if ports.clock.now() >= until {
            return Err(StepError::Refused(objections));
        }
        ports.clock.sleep(POLL).await;
    }
}

async fn look(run: &Run, ports: &Ports<'_>) -> Result<Vec<Reason>, StepError> {
    let looks = run.plan.databases.iter().map(|database| look_at(run, database, ports));
    let found: Vec<Option<Reason>> = stream::iter(looks).buffered(READS_AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

async fn look_at(run: &Run, database: &Database, ports: &Ports<'_>) -> Result<Option<Reason>, StepError> {
    let (clock, target, source) = (ports.clock, run.target(), run.source());
    let look = ports.databases.describe(database, target);
    let in_target = timely(clock, READ_TIMEOUT, "rds:DescribeGlobalClusters", target, look);
    let in_source = async {
        match run.lock.run.mode {
            Mode::Failover => None,
            Mode::Switchover => within(clock, SOURCE_TIMEOUT, ports.databases.describe(database, source)).await,
        }
    };
    let (in_target, in_source) = join(in_target, in_source).await;
    let in_target = in_target.map_err(|e| e.while_reading())?;
    // A source that does not answer neither confirms nor denies; the target's word is what counts.
    let in_source = in_source.and_then(Result::ok);
    Ok(verify_writers(database, &run.lock.run.direction, &in_target, in_source.as_ref()))
}
