//! `verify-traffic`: waits until DNS points to the target and its canaries have been green for the plan's window.
//!
//! Guarantees: never rolls back by itself (S11); asks nothing of the source (S12).
//! Effects: lease; the note in the journal without which a run is not Completed.
//! Fails when: `Refused` (traffic-not-verified, with everything that is missing), `Transient` (metrics do not answer).

use futures_util::future::{FutureExt, try_join};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lifeboat_model::decide::{Traffic, verify_traffic};
use lifeboat_model::evidence::CanaryResults;
use lifeboat_model::journal::{Attempts, Note, newest};
use lifeboat_model::limits::{CANARY_FRESH, POLL, READ_TIMEOUT, READS_AT_ONCE, Step, WATCH};
use lifeboat_model::plan::Canary;
use lifeboat_model::request::Purpose;
use lifeboat_model::{Period, Region, StepError, Timestamp};
use lifeboat_ports::{Clock, Ledger, Metrics, Names, timely};
use lifeboat_step::names::look_up_all;
use lifeboat_step::{Reply, Run, RunMessage, parse};
use serde_json::{Value, json};

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Canaries.
    pub metrics: &'a dyn Metrics,
    /// Name resolution.
    pub names: &'a dyn Names,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: RunMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let began = ports.clock.now();
    let moved_at = moved_at(&run, ports).await?;
    match run.purpose {
        Purpose::Act => {}
        Purpose::Rehearse => return rehearsed(&run, moved_at, ports).await,
    }
    loop {
        let (names, canaries) =
            try_join(look_up_all(&run, ports.names, ports.clock).map(Ok), canaries(&run, moved_at, ports)).await?;
        let now = ports.clock.now();
        match verify_traffic(&names, &canaries, &run.plan.limits, moved_at, now) {
            Traffic::Verified => {
                let resource = run.plan.name.as_str();
                run.note(Step::VerifyTraffic, resource, Note::TrafficVerified, ports.ledger, ports.clock).await?;
                return Reply::done(false, json!({"serves": run.target(), "since": moved_at})).into_json();
            }
            Traffic::Expired(reasons) => return Err(StepError::Refused(reasons)),
            Traffic::Pending(missing, _) if now >= began.plus(WATCH) => {
                return Reply::pending(false, json!({"waiting_for": missing})).into_json();
            }
            Traffic::Pending(_, window_ends) => ports.clock.sleep(next_look(window_ends, now)).await,
        }
    }
}

/// Traffic has not moved, so there is nothing to wait for: only that names and canaries can be read.
async fn rehearsed(run: &Run, moved_at: Timestamp, ports: &Ports<'_>) -> Result<Value, StepError> {
    let (names, canaries) =
        try_join(look_up_all(run, ports.names, ports.clock).map(Ok), canaries(run, moved_at, ports)).await?;
    let evidence = json!({
        "rehearsed": true,
        "names_that_resolve": names.iter().filter(|n| !n.now.is_empty() && !n.target.is_empty()).count(),
        "names": names.len(),
        "canaries_that_report": canaries.iter().filter(|c| !c.points.is_empty()).count(),
        "canaries": canaries.len(),
    });
    Reply::done(false, evidence).into_json()
}

/// A poll from now, or the end of the window where that is sooner.
fn next_look(window_ends: Option<Timestamp>, now: Timestamp) -> Period {
    let left_ms = window_ends.map_or(i64::MAX, |end| end.ms_since(now));
    u32::try_from(left_ms).map_or(POLL, |left| POLL.min(Period::ms(left.max(1))))
}

/// When traffic was told to move; where it had moved before the run, when its writers were verified.
async fn moved_at(run: &Run, ports: &Ports<'_>) -> Result<Timestamp, StepError> {
    match run.purpose {
        Purpose::Act => {}
        Purpose::Rehearse => return Ok(ports.clock.now()),
    }
    let journal = run.journal(ports.ledger, ports.clock).await?;
    let told = Attempts::of(&journal, Step::ShiftTraffic, run.plan.name.as_str());
    let verified = newest(&journal, |note| *note == Note::WritersVerified);
    told.accepted_at.or(told.unknown_at).or(verified).ok_or_else(|| {
        StepError::malformed("run", &run.reference.run_id, "a run whose writers were verified before its traffic is")
    })
}

/// The canaries that watch the target, less those that run in the source, which may be gone.
async fn canaries(run: &Run, moved_at: Timestamp, ports: &Ports<'_>) -> Result<Vec<CanaryResults>, StepError> {
    let relevant: Vec<&Canary> =
        run.plan.canaries.iter().filter(|c| &c.watches == run.target() && &c.runs_in != run.source()).collect();
    let mut regions: Vec<&Region> = relevant.iter().map(|c| &c.runs_in).collect();
    regions.sort();
    regions.dedup();
    let relevant = &relevant;
    let since = moved_at.minus(CANARY_FRESH);
    let reads = regions.into_iter().map(|region| async move {
        let here: Vec<&Canary> = relevant.iter().filter(|c| &c.runs_in == region).copied().collect();
        let results = ports.metrics.canary_results(region, &here, since);
        let operation = "cloudwatch:GetMetricData";
        timely(ports.clock, READ_TIMEOUT, operation, region, results).await.map_err(|e| e.while_reading())
    });
    let results: Vec<Vec<CanaryResults>> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
    Ok(results.into_iter().flatten().collect())
}
