//! How a run ended, from what its journal and the lock say; never from how it feels.

use serde::{Deserialize, Serialize};

use crate::journal::{self, Entry, Note};
use crate::limits::Step;
use crate::lock::{Lock, LockState};
use crate::report::Outcome;
use crate::{Period, Timestamp};

/// The error that led a run to `conclude`, as the state machine hands it over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The error's name, such as `Lifeboat.Refused` or `States.Timeout`.
    pub error: String,
    /// Its cause.
    pub cause: String,
}

/// What `conclude` records.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    /// The outcome.
    pub outcome: Outcome,
    /// The lock to store, if this run holds it; `None` when there is nothing to release.
    pub lock: Option<Lock>,
}

/// Decides the outcome of run `run_id` and what becomes of the lock.
pub fn conclude(
    run_id: &str,
    lock: Option<&Lock>,
    entries: &[Entry],
    failure: Option<&Failure>,
    cool_down: Period,
    now: Timestamp,
) -> Conclusion {
    let changed = journal::may_have_changed_something(entries);
    let without_success = |changed: bool| {
        if changed { Outcome::NeedsOperator } else { Outcome::Unchanged }
    };
    if let Some(outcome) = already_concluded(entries) {
        let still_held = lock.filter(|l| l.run.run_id == run_id && l.state == LockState::Held);
        return Conclusion { outcome, lock: still_held.map(|l| released(l, outcome, cool_down, now)) };
    }
    let Some(lock) = lock.filter(|l| l.run.run_id == run_id && l.state == LockState::Held) else {
        return Conclusion { outcome: without_success(changed), lock: None };
    };
    let outcome = match failure {
        None if is_verified(entries) => Outcome::Completed,
        None | Some(_) => without_success(changed || lock.inherits_change),
    };
    Conclusion { outcome, lock: Some(released(lock, outcome, cool_down, now)) }
}

fn released(lock: &Lock, outcome: Outcome, cool_down: Period, now: Timestamp) -> Lock {
    match outcome {
        Outcome::Completed => lock.clone().completed(now.plus(cool_down)),
        Outcome::Unchanged => lock.clone().unchanged(),
        Outcome::NeedsOperator => lock.clone().needs_operator(),
    }
}

/// Writers first, then traffic, and no mutation of a database after its writers were verified (S11).
fn is_verified(entries: &[Entry]) -> bool {
    let is_promotion = |e: &&Entry| e.step == Step::PromoteDatabase && matches!(e.note, Note::Intent { .. });
    let promoted = entries.iter().filter(is_promotion).map(|e| e.at).max();
    let traffic = journal::newest(entries, |n| *n == Note::TrafficVerified);
    // A late copy of verify-writers may confirm them once more; the first word after the last promotion is what counts.
    let is_good = |e: &Entry| e.note == Note::WritersVerified && promoted < Some(e.at) && Some(e.at) <= traffic;
    entries.iter().any(is_good)
}

fn already_concluded(entries: &[Entry]) -> Option<Outcome> {
    entries.iter().find_map(|e| match &e.note {
        Note::Concluded { outcome } => Some(*outcome),
        Note::Intent { .. }
        | Note::Outcome { .. }
        | Note::Assessed { .. }
        | Note::WritersVerified
        | Note::TrafficVerified => None,
    })
}
