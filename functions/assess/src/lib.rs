//! `assess`: reads everything fresh, after the lock, from the target; predicts RPO and RTO; go or refuse.
//!
//! Guarantees: never mutates the workload; a failover asks nothing of the source, a planned move takes one look that may
//! fail at how far its tables are ahead (S12); what did not answer is unknown, and
//! unknown never means go (S9). Every reason to refuse is named at once.
//! Effects: renews the lease; writes the verdict into the journal.
//! Fails when: `Refused` (the verdict, or a call that AWS refused), `Transient` (something in the target is silent). In a
//! rehearsal the verdict refuses nothing: it is what is rehearsed for.

mod resources;

use futures_util::future::{try_join, try_join3};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lifeboat_model::decide::{DatabaseSeen, Seen, assess, is_older_outage};
use lifeboat_model::evidence::CanaryResults;
use lifeboat_model::journal::Note;
use lifeboat_model::limits::{CANARY_HISTORY, LAG_FRESH, OUTAGE_HISTORY, READ_TIMEOUT, READS_AT_ONCE, Step};
use lifeboat_model::plan::{Canary, Database};
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Period, Reason, Region, StepError};
use lifeboat_ports::{
    Brokers, Caches, CallError, Chance, Clock, Compute, Databases, Ledger, Metrics, Routing, Tables, timely,
};
use lifeboat_step::routing::{read_states, rotation};
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
    /// Lag and canaries.
    pub metrics: &'a dyn Metrics,
    /// The routing-control cluster.
    pub routing: &'a dyn Routing,
    /// Picks the endpoint to ask first.
    pub chance: &'a dyn Chance,
    /// ElastiCache.
    pub caches: &'a dyn Caches,
    /// The workload's tables.
    pub tables: &'a dyn Tables,
    /// Amazon MQ.
    pub brokers: &'a dyn Brokers,
    /// Amazon ECS.
    pub compute: &'a dyn Compute,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: RunMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let endpoints = rotation(&run.plan.routing, ports.chance);
    let states = read_states(&run.plan.routing, &endpoints, ports.routing, ports.clock);
    let (recent, resources, routing) =
        try_join3(metered(&run, ports, CANARY_HISTORY), resources::all(&run, ports), states).await?;
    let (databases, canaries) = match run.lock.run.mode {
        Mode::Failover if is_older_outage(&run.plan, run.source(), &recent.1, ports.clock.now()) => {
            metered(&run, ports, OUTAGE_HISTORY).await?
        }
        Mode::Failover | Mode::Switchover => recent,
    };
    let seen = Seen { databases, resources, canaries, routing };
    let verdict = assess(&run.plan, &run.lock, &seen, ports.clock.now());
    let note = Note::Assessed { verdict: verdict.clone() };
    run.note(Step::Assess, run.plan.name.as_str(), note, ports.ledger, ports.clock).await?;
    match run.purpose {
        Purpose::Act if !verdict.go() => return Err(StepError::Refused(verdict.reasons)),
        // A rehearsal walks on: it says what a run would meet.
        Purpose::Act | Purpose::Rehearse => {}
    }
    let evidence = json!({
        "would_be_refused_now": bounded(&verdict.reasons),
        "warnings": bounded(&verdict.warnings),
        "predicted_rpo_s": verdict.predicted_rpo_s,
        "predicted_rto_s": verdict.predicted_rto_s,
        "impaired_since": verdict.impaired_since,
        "routing": seen.routing.states,
    });
    Reply::done(false, evidence).into_json()
}

/// The first of so many reasons: the journal has them all, and a state's output has its bounds.
fn bounded(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().take(20).map(Reason::to_string).collect()
}

/// What has a history, read as far back as `history`.
async fn metered<'p>(
    run: &'p Run,
    ports: &Ports<'_>,
    history: Period,
) -> Result<(Vec<DatabaseSeen<'p>>, Vec<CanaryResults>), StepError> {
    try_join(databases(run, ports, history), canaries(run, ports, history)).await
}

async fn databases<'p>(run: &'p Run, ports: &Ports<'_>, history: Period) -> Result<Vec<DatabaseSeen<'p>>, StepError> {
    let reads = run.plan.databases.iter().map(|database| database_seen(database, run.target(), ports, history));
    stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await
}

async fn database_seen<'p>(
    database: &'p Database,
    target: &Region,
    ports: &Ports<'_>,
    history: Period,
) -> Result<DatabaseSeen<'p>, StepError> {
    let since = ports.clock.now().minus(history).minus(LAG_FRESH);
    let describe = read("rds:DescribeGlobalClusters", target, ports, ports.databases.describe(database, target));
    let lag =
        read("cloudwatch:GetMetricData", target, ports, ports.metrics.replication_lag_ms(database, target, since));
    let (state, lag_ms) = try_join(describe, lag).await?;
    Ok(DatabaseSeen { database, state, lag_ms })
}

/// The canaries' results by the Region that they run in. The source is not asked. A third Region that does not answer
/// leaves its canaries without results, which is to say unknown; the target has to answer.
async fn canaries(run: &Run, ports: &Ports<'_>, history: Period) -> Result<Vec<CanaryResults>, StepError> {
    let mut regions: Vec<&Region> =
        run.plan.canaries.iter().map(|c| &c.runs_in).filter(|r| *r != run.source()).collect();
    regions.sort();
    regions.dedup();
    let since = ports.clock.now().minus(history);
    let reads = regions.into_iter().map(|region| async move {
        let here: Vec<&Canary> = run.plan.canaries.iter().filter(|c| &c.runs_in == region).collect();
        let answer =
            read("cloudwatch:GetMetricData", region, ports, ports.metrics.canary_results(region, &here, since)).await;
        match answer {
            Ok(results) => Ok(results),
            Err(error) if region == run.target() => Err(error),
            Err(_) => Ok(here.into_iter().map(silent).collect()),
        }
    });
    let results: Vec<Vec<CanaryResults>> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
    Ok(results.into_iter().flatten().collect())
}

fn silent(canary: &Canary) -> CanaryResults {
    CanaryResults { canary: canary.name.clone(), runs_in: canary.runs_in.clone(), points: Vec::new() }
}

async fn read<T>(
    operation: &str,
    region: &Region,
    ports: &Ports<'_>,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, StepError> {
    timely(ports.clock, READ_TIMEOUT, operation, region, call).await.map_err(|e| e.while_reading())
}
