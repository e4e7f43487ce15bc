//! How a run ended, from what its journal and the lock say; never from how it feels.

use serde::{Deserialize, Serialize};

use crate::journal::{self, Entry, Note};
use crate::limits::Step;
use crate::lock::{Lock, LockState};
use crate::plan::{Name, Requirement};
use crate::report::Outcome;
use crate::request::Purpose;
use crate::{Period, Plan, Timestamp};

/// The error that led a run to `conclude`, as the state machine hands it over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The error's name, such as `Lifeboat.Refused` or `States.Timeout`.
    pub error: String,
    /// Its cause.
    pub cause: String,
}

impl Failure {
    /// The error's name and its message. Step Functions gives a function's error as the JSON of its payload; people want
    /// the message in it. A time-out it gives no words.
    pub fn in_words(&self) -> String {
        let payload: Option<serde_json::Value> = serde_json::from_str(&self.cause).ok();
        let message = payload.as_ref().and_then(|p| p.get("errorMessage")).and_then(serde_json::Value::as_str);
        let said = message.unwrap_or(&self.cause);
        let words = if said.is_empty() { "no cause was given; the execution's history shows the state" } else { said };
        format!("{}: {words}", self.error)
    }
}

/// What `conclude` records.
#[derive(Clone, Debug, PartialEq)]
pub struct Conclusion {
    /// The outcome.
    pub outcome: Outcome,
    /// The lock to store, if this run holds it; `None` when there is nothing to release.
    pub lock: Option<Lock>,
}

/// The cool-down of a run whose plan cannot be read any more.
const COOL_DOWN_WITHOUT_PLAN: Period = Period::seconds(3600);

/// Decides the outcome of run `run_id` and what becomes of the lock. `plan` is the one that the run was admitted with;
/// without it nobody can say that everything in it was seen to, so that such a run is not Completed.
pub fn conclude(
    run_id: &str,
    purpose: Purpose,
    lock: Option<&Lock>,
    entries: &[Entry],
    failure: Option<&Failure>,
    plan: Option<&Plan>,
    now: Timestamp,
) -> Conclusion {
    let cool_down = plan.map_or(COOL_DOWN_WITHOUT_PLAN, |p| p.automation.cool_down);
    if purpose == Purpose::Rehearse && !calls_were_intended(entries) {
        let first_word = if failure.is_none() { Outcome::Rehearsed } else { Outcome::Unchanged };
        let outcome = already_concluded(entries).unwrap_or(first_word);
        return Conclusion { outcome, lock: None };
    }
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
        None if is_verified(entries)
            && plan.is_some_and(|p| left_behind(p, Requirement::Required, entries).is_empty()) =>
        {
            Outcome::Completed
        }
        None | Some(_) => without_success(changed || lock.inherits_change),
    };
    Conclusion { outcome, lock: Some(released(lock, outcome, cool_down, now)) }
}

fn released(lock: &Lock, outcome: Outcome, cool_down: Period, now: Timestamp) -> Lock {
    match outcome {
        Outcome::Completed => lock.clone().completed(now.plus(cool_down)),
        Outcome::Unchanged => lock.clone().unchanged(),
        // No rehearsal holds a lock; one that did would be looked at by a person.
        Outcome::NeedsOperator | Outcome::Rehearsed => lock.clone().needs_operator(),
    }
}

fn calls_were_intended(entries: &[Entry]) -> bool {
    entries.iter().any(|e| matches!(e.note, Note::Intent { .. }))
}

/// The resources of `plan` beside the databases that are `requirement` and that no step saw as the run needs them.
pub fn left_behind<'p>(plan: &'p Plan, requirement: Requirement, entries: &[Entry]) -> Vec<(Step, &'p Name)> {
    let steps = [Step::ScaleCompute, Step::PromoteCache, Step::PromoteBroker, Step::CheckTable];
    let all = steps.into_iter().flat_map(|step| plan.resources_of(step, requirement).map(move |name| (step, name)));
    all.filter(|(step, name)| !journal::is_ready(entries, *step, name.as_str())).collect()
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
    entries.iter().find_map(|e| e.note.conclusion()).map(|(outcome, _)| outcome)
}
