//! Whether one DynamoDB global table is as the run needs it: nothing is called, since each replica takes writes anyway.

use super::authority::acting_since;
use crate::evidence::{GlobalTable, Point, TableStatus};
use crate::facts::TABLE_DRAIN_LATENCIES;
use crate::journal::{Entry, Note, newest};
use crate::limits::LAG_FRESH;
use crate::lock::Admission;
use crate::plan::{Consistency, Limits, Table};
use crate::request::Mode;
use crate::{Period, Plan, Reason, ReasonCode, Timestamp};

/// What to do about one table.
#[derive(Clone, Debug, PartialEq)]
pub enum TableCheck {
    /// The target's replica serves, and in a planned move has what was written to the source. What was seen, for people.
    Done(String),
    /// Not yet; what is missing, for people.
    Watch(String),
    /// Stop.
    Refuse(Reason),
}

/// When the last client had left the source of the run whose `journal` this is: some keep the old answer of a name for as
/// long as its TTL. `None` when traffic moves after the writers.
pub fn source_left_at(plan: &Plan, journal: &[Entry]) -> Option<Timestamp> {
    let ttl = plan.dns.iter().map(|d| d.ttl).max().unwrap_or(Period::ms(0));
    newest(journal, |note| *note == Note::SourceLeft).map(|at| at.plus(ttl))
}

/// Decides about `table` as the target tells it (`seen`).
///
/// `latency_ms` is the replication latency from source to target, oldest first; a switchover of an eventually consistent
/// table rests on it, a failover never asks the source for it (S12). `left_at` is when the last
/// client had left the source, where that comes first ([`source_left_at`]). `limits.table` bounds the wait.
pub fn check_table(
    table: &Table,
    run: &Admission,
    seen: &GlobalTable,
    latency_ms: &[Point],
    left_at: Option<Timestamp>,
    limits: &Limits,
    now: Timestamp,
) -> TableCheck {
    let since = acting_since(run, left_at);
    let is_late = now > since.plus(limits.table);
    let missing = |code, detail: String| {
        if is_late {
            TableCheck::Refuse(reason(table, code, format!("{detail}, {} after {since}", limits.table)))
        } else {
            TableCheck::Watch(detail)
        }
    };
    match obstacle(table, run, seen) {
        Some(Obstacle::Stays(detail)) => {
            return TableCheck::Refuse(reason(table, ReasonCode::TableNotReady, detail));
        }
        Some(Obstacle::Passes(detail)) => return missing(ReasonCode::TableNotReady, detail),
        None => {}
    }
    let replicated = match (table.consistency, run.mode) {
        (Consistency::Strong, Mode::Switchover | Mode::Failover) => {
            Ok("active; strongly consistent: whatever was acknowledged is here".to_owned())
        }
        (Consistency::Eventual, Mode::Failover) => {
            Ok("active; writes to the source that have not arrived are not known \
             here: they arrive when the source is back, and for each item the last writer wins"
                .to_owned())
        }
        (Consistency::Eventual, Mode::Switchover) => match left_at {
            Some(left_at) => drained(latency_ms, left_at, now),
            None => keeps_up(latency_ms, limits.switchover_lag, now),
        },
    };
    match replicated {
        Ok(what) => TableCheck::Done(what),
        Err(what) => missing(ReasonCode::TableBehind, what),
    }
}

/// Why `table` would not serve in the run's target, as the target tells it; `None` when it would.
pub fn table_readiness(table: &Table, run: &Admission, seen: &GlobalTable) -> Option<Reason> {
    obstacle(table, run, seen).map(|obstacle| match obstacle {
        Obstacle::Stays(detail) | Obstacle::Passes(detail) => reason(table, ReasonCode::TableNotReady, detail),
    })
}

/// Why a planned move would have to wait for `table` now, whose writes in the source took `latency_ms` to arrive; `None` when
/// it would not. A strongly consistent table is never behind; a failover does not ask the source.
pub fn table_is_behind(
    table: &Table,
    run: &Admission,
    latency_ms: &[Point],
    limit: Period,
    now: Timestamp,
) -> Option<Reason> {
    match (table.consistency, run.mode) {
        (Consistency::Eventual, Mode::Switchover) => {
            keeps_up(latency_ms, limit, now).err().map(|what| reason(table, ReasonCode::TableBehind, what))
        }
        (Consistency::Eventual, Mode::Failover) | (Consistency::Strong, Mode::Switchover | Mode::Failover) => None,
    }
}

fn reason(table: &Table, code: ReasonCode, detail: String) -> Reason {
    Reason::new(code, format!("table {}", table.name), detail)
}

/// What keeps a table from serving.
enum Obstacle {
    /// It is another table than the plan's: waiting does not help.
    Stays(String),
    /// It may end by itself.
    Passes(String),
}

fn obstacle(table: &Table, run: &Admission, seen: &GlobalTable) -> Option<Obstacle> {
    let (source, target) = (&run.direction.source, &run.direction.target);
    if &seen.vantage != target {
        return Some(Obstacle::Stays(format!("it was described by {}, not by {target}", seen.vantage)));
    }
    match seen.consistency {
        None => return Some(Obstacle::Stays("AWS does not say how its replicas agree".to_owned())),
        Some(consistency) if consistency != table.consistency => {
            let detail = format!("its consistency is {}, the plan says {}", word(consistency), word(table.consistency));
            return Some(Obstacle::Stays(detail));
        }
        Some(_) => {}
    }
    if let TableStatus::Other(status) = &seen.status {
        return Some(Obstacle::Passes(format!("its replica in {target} is {status}")));
    }
    let of_source = seen.replicas.iter().find(|r| r.region == source.as_str()).map(|r| &r.status);
    match (run.mode, of_source) {
        (Mode::Failover, _) | (Mode::Switchover, Some(TableStatus::Active)) => None,
        (Mode::Switchover, None) => Some(Obstacle::Stays(format!("it has no replica in {source}"))),
        (Mode::Switchover, Some(TableStatus::Other(status))) => {
            Some(Obstacle::Passes(format!("its replica in {source} is {status}")))
        }
    }
}

const fn word(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::Eventual => "eventual",
        Consistency::Strong => "strong",
    }
}

/// The latencies from `from` to `until`. One of zero is no latency: AWS says that the metric drops to zero when
/// replication stands still.
fn known(points: &[Point], from: Timestamp, until: Timestamp) -> impl DoubleEndedIterator<Item = f64> {
    points
        .iter()
        .filter(move |p| p.at >= from && p.at <= until && p.value.is_finite() && p.value > 0.0)
        .map(|p| p.value)
}

/// Nobody writes to the source any more. The latency that counts is that of the last writes, and of any later one; a
/// source to which nobody writes may report none.
fn drained(latency_ms: &[Point], left_at: Timestamp, now: Timestamp) -> Result<String, String> {
    let from = left_at.minus(LAG_FRESH);
    let Some(worst_ms) = known(latency_ms, from, now).reduce(f64::max) else {
        return Err(format!("its replication latency from {from} on is not known"));
    };
    let (quiet_ms, needed_ms) = (now.ms_since(left_at) as f64, TABLE_DRAIN_LATENCIES * worst_ms);
    let figures = format!("{:.1} s of {:.1} s since traffic left the source", quiet_ms / 1000.0, needed_ms / 1000.0);
    if quiet_ms >= needed_ms { Ok(format!("drained: {figures}")) } else { Err(format!("draining: {figures}")) }
}

/// Writes go on until traffic moves: the target must be close behind.
fn keeps_up(latency_ms: &[Point], limit: Period, now: Timestamp) -> Result<String, String> {
    let from = now.minus(LAG_FRESH);
    let Some(newest_ms) = known(latency_ms, from, now).next_back() else {
        return Err(format!("its replication latency from {from} on is not known"));
    };
    let figures = format!("{newest_ms:.0} ms, the limit is {limit}");
    if newest_ms <= limit.as_ms() as f64 {
        Ok(format!("writes arrive within {figures}"))
    } else {
        Err(format!("writes arrive only after {figures}"))
    }
}
