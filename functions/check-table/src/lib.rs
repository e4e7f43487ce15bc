//! `check-table`: holds each DynamoDB global table of its share to what the plan says of it, and in a planned move waits
//! until the target has what was written to the source.
//!
//! Guarantees: changes nothing, since each replica of a global table takes writes anyway; never asks the source in a
//! failover (S12), and in a switchover no longer than [`SOURCE_TIMEOUT`]; an unknown latency is never taken for none (S9).
//! Effects: lease; the note in the journal that the table is ready.
//! Fails when: `Refused` (table-not-ready, table-behind), `Transient` (the target does not answer: call again).

use std::rc::Rc;

use futures_util::future::join;
use lifeboat_model::decide::{TableCheck, check_table, source_left_at};
use lifeboat_model::evidence::{GlobalTable, Point};
use lifeboat_model::journal::Note;
use lifeboat_model::limits::{LAG_FRESH, READ_TIMEOUT, SOURCE_TIMEOUT, Step, WATCH};
use lifeboat_model::plan::{Consistency, Table};
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{StepError, Timestamp};
use lifeboat_ports::{Clock, Ledger, Metrics, Tables, timely, within};
use lifeboat_step::{Pace, Reply, Run, ShareMessage, parse, see_to_all};
use serde_json::{Value, json};

/// What this step needs.
pub struct Ports<'a> {
    /// The table of plans, locks and journals.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The workload's tables.
    pub tables: &'a dyn Tables,
    /// How far their replicas are behind.
    pub metrics: &'a dyn Metrics,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: ShareMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let tables = ShareMessage::resolve(&message.resources, "table", |name| run.plan.table(name))?;
    let journal = run.journal(ports.ledger, ports.clock).await?;
    let left_at = source_left_at(&run.plan, &journal);
    see_to_all(&tables, run.plan.tables.len(), ports.clock, |table, pace| see_to(&run, table, left_at, pace, ports))
        .await
}

async fn see_to(
    run: &Run,
    table: &Table,
    left_at: Option<Timestamp>,
    pace: Rc<Pace>,
    ports: &Ports<'_>,
) -> Result<Reply, StepError> {
    let began = ports.clock.now();
    loop {
        let (seen, latency_ms) = join(describe(run, table, ports), latency_ms(run, table, left_at, ports)).await;
        let seen = seen?;
        let now = ports.clock.now();
        let decision = check_table(table, &run.lock.run, &seen, &latency_ms, left_at, &run.plan.limits, now);
        match (decision, run.purpose) {
            (TableCheck::Done(what), Purpose::Act | Purpose::Rehearse) => {
                let note = Note::Ready { what: what.clone() };
                run.note(Step::CheckTable, table.name.as_str(), note, ports.ledger, ports.clock).await?;
                return Ok(Reply::done(false, evidence(table, &seen, &latency_ms, &what)));
            }
            (TableCheck::Watch(what), Purpose::Rehearse) => {
                return Ok(Reply::done(false, evidence(table, &seen, &latency_ms, &format!("would wait: {what}"))));
            }
            (TableCheck::Refuse(reason), Purpose::Rehearse) => {
                return Ok(Reply::done(false, evidence(table, &seen, &latency_ms, &format!("would refuse: {reason}"))));
            }
            (TableCheck::Refuse(reason), Purpose::Act) => return Err(StepError::Refused(vec![reason])),
            (TableCheck::Watch(what), Purpose::Act) if now >= began.plus(WATCH) => {
                return Ok(Reply::pending(false, evidence(table, &seen, &latency_ms, &what)));
            }
            (TableCheck::Watch(_), Purpose::Act) => {}
        }
        pace.wait(ports.clock).await;
    }
}

async fn describe(run: &Run, table: &Table, ports: &Ports<'_>) -> Result<GlobalTable, StepError> {
    let look = ports.tables.describe(table, run.target());
    let operation = "dynamodb:DescribeTable";
    timely(ports.clock, READ_TIMEOUT, operation, run.target(), look).await.map_err(|e| e.while_reading())
}

/// What the source reports of its replication to the target; nothing when it does not answer, when it is not asked, and
/// for a table that has no such metric.
async fn latency_ms(run: &Run, table: &Table, left_at: Option<Timestamp>, ports: &Ports<'_>) -> Vec<Point> {
    match (run.lock.run.mode, table.consistency) {
        (Mode::Switchover, Consistency::Eventual) => {
            let since = left_at.unwrap_or_else(|| ports.clock.now()).minus(LAG_FRESH);
            let look = ports.metrics.table_latency_ms(table, run.source(), run.target(), since);
            within(ports.clock, SOURCE_TIMEOUT, look).await.and_then(Result::ok).unwrap_or_default()
        }
        (Mode::Switchover, Consistency::Strong) | (Mode::Failover, Consistency::Eventual | Consistency::Strong) => {
            Vec::new()
        }
    }
}

fn evidence(table: &Table, seen: &GlobalTable, latency_ms: &[Point], what: &str) -> Value {
    json!({
        "table": table.name,
        "what": what,
        "status": seen.status,
        "consistency": seen.consistency,
        "latency_ms": latency_ms.last(),
        "observed_at": seen.observed_at,
    })
}
