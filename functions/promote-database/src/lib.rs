//! `promote-database`: moves the writer of each Aurora global database of its share to the target, by switchover or
//! consented failover.
//!
//! Guarantees: done means that the target is the only writer, available, with nothing under way; never escalates from
//! switchover to failover (S6); at most one call of unknown or accepted fate at a time (S10).
//! Effects: `SwitchoverGlobalCluster` in the source (AWS requires the writer's Region) or `FailoverGlobalCluster` in the
//! target; lease and journal.
//! Fails when: `Refused` (the decision says why), `Transient` or `Ambiguous` (call again: it looks first).

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::try_join;
use lifeboat_model::decide::{Promotion, promote_database};
use lifeboat_model::evidence::GlobalDatabase;
use lifeboat_model::journal::{Attempts, Call};
use lifeboat_model::limits::{CALL_TIMEOUT, READ_TIMEOUT, SETTLE, Step, WATCH};
use lifeboat_model::plan::Database;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Arn, ReasonCode, StepError};
use lifeboat_ports::{Clock, Databases, Ledger, Mark, timely};
use lifeboat_step::{Called, Mutation, Pace, Reply, Run, ShareMessage, SharedJournal, parse, see_to_all};
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
    let message: ShareMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let databases = ShareMessage::resolve(&message.resources, "database", |name| run.plan.database(name))?;
    let journal = run.shared_journal(ports.ledger, ports.clock);
    let see_to = |database, pace| see_to(&run, database, journal.clone(), pace, ports);
    see_to_all(&databases, run.plan.databases.len(), ports.clock, see_to).await
}

async fn see_to(
    run: &Run,
    database: &Database,
    journal: SharedJournal<'_>,
    pace: Rc<Pace>,
    ports: &Ports<'_>,
) -> Result<Reply, StepError> {
    let began = ports.clock.now();
    let (journal, mut state) = try_join(journal, describe(run, database, ports)).await?;
    let mut attempts = Attempts::of(&journal, Step::PromoteDatabase, database.name.as_str());
    let verdict = run.verdict(&journal);
    let mut lost_since = None;
    loop {
        let now = ports.clock.now();
        let limit = run.plan.limits.promotion;
        let decision = promote_database(database, &run.lock, &state, &attempts, verdict.as_ref(), limit, now);
        lost_since = if is_lost(&decision) { lost_since.or(Some(now)) } else { None };
        match decision {
            Promotion::Watch(what) if run.purpose == Purpose::Rehearse => {
                return Ok(Reply::done(false, seen(database, &state, &format!("would wait: {what}"))));
            }
            Promotion::Refuse(reason) if run.purpose == Purpose::Rehearse => {
                return Ok(Reply::done(false, seen(database, &state, &format!("would refuse: {reason}"))));
            }
            // One look may be stale. A promotion is lost when nothing is seen of it for as long as a call needs to show.
            Promotion::Refuse(reason) if lost_since.is_some_and(|since| now <= since.plus(SETTLE)) => {
                if now >= began.plus(WATCH) {
                    return Ok(Reply::pending(true, seen(database, &state, &reason.detail)));
                }
            }
            Promotion::Done => return Ok(Reply::done(attempts.count > 0, seen(database, &state, "done"))),
            Promotion::Refuse(reason) => return Err(StepError::Refused(vec![reason])),
            Promotion::Watch(what) if now >= began.plus(WATCH) => {
                return Ok(Reply::pending(attempts.count > 0, seen(database, &state, &what)));
            }
            Promotion::Watch(_) => {}
            Promotion::Call(attempt) => match call(run, database, attempt, ports).await? {
                Called::Rehearsed => {
                    return Ok(Reply::done(false, seen(database, &state, "rehearsed: nothing was called")));
                }
                Called::LookAgain(effect) => attempts = attempts.and(now, effect),
            },
        }
        pace.wait(ports.clock).await;
        state = describe(run, database, ports).await?;
    }
}

fn is_lost(decision: &Promotion) -> bool {
    match decision {
        Promotion::Refuse(reason) => reason.code == ReasonCode::PromotionLost,
        Promotion::Done | Promotion::Watch(_) | Promotion::Call(_) => false,
    }
}

async fn describe(run: &Run, database: &Database, ports: &Ports<'_>) -> Result<GlobalDatabase, StepError> {
    let look = ports.databases.describe(database, run.target());
    let operation = "rds:DescribeGlobalClusters";
    timely(ports.clock, READ_TIMEOUT, operation, run.target(), look).await.map_err(|e| e.while_reading())
}

async fn call(run: &Run, database: &Database, attempt: u32, ports: &Ports<'_>) -> Result<Called, StepError> {
    let target = cluster_in_target(run, database)?;
    let mutation = |operation: &str, region| Mutation {
        run,
        step: Step::PromoteDatabase,
        resource: database.name.as_str(),
        attempt,
        call: Call {
            operation: operation.to_owned(),
            region,
            parameters: parameters(run.lock.run.mode, database, target),
        },
        timeout: CALL_TIMEOUT,
        mark: Mark::PointOfNoReturn,
    };
    let result = match run.lock.run.mode {
        Mode::Switchover => {
            let send = ports.databases.switchover(database, target, run.source());
            mutation("rds:SwitchoverGlobalCluster", run.source().clone())
                .perform(ports.ledger, ports.clock, send)
                .await?
        }
        Mode::Failover => {
            let send = ports.databases.failover(database, target, run.target());
            mutation("rds:FailoverGlobalCluster", run.target().clone()).perform(ports.ledger, ports.clock, send).await?
        }
    };
    result.called()
}

/// The parameters of the call. Without `AllowDataLoss` AWS would take a failover for a switchover.
fn parameters(mode: Mode, database: &Database, target: &Arn) -> BTreeMap<String, String> {
    let allows_loss = match mode {
        Mode::Switchover => None,
        Mode::Failover => Some(("AllowDataLoss".to_owned(), "true".to_owned())),
    };
    let named = [
        ("GlobalClusterIdentifier".to_owned(), database.global_cluster.clone()),
        ("TargetDbClusterIdentifier".to_owned(), target.to_string()),
    ];
    named.into_iter().chain(allows_loss).collect()
}

fn cluster_in_target<'a>(run: &Run, database: &'a Database) -> Result<&'a Arn, StepError> {
    let target = run.target();
    database
        .clusters
        .get(target)
        .ok_or_else(|| StepError::malformed("database", &database.name, "a database with a cluster in the target"))
}

fn seen(database: &Database, state: &GlobalDatabase, what: &str) -> Value {
    json!({
        "database": database.name,
        "what": what,
        "writer": state.writer(),
        "operation": state.operation,
        "observed_at": state.observed_at,
    })
}
