//! What is true when the lock changes hands and when an execution ends.

use lifeboat_model::evidence::{ReplicationRole, Switch};
use lifeboat_model::journal::{Note, newest};
use lifeboat_model::lock::{Approval, Lock, LockState};
use lifeboat_model::plan::{Engine, Requirement};
use lifeboat_model::report::Outcome;
use lifeboat_model::request::Trigger;
use lifeboat_model::{Period, Region, Timestamp};

use super::{CHANGES, MOVES};
use crate::service_times::ROUTING_PROPAGATION;
use crate::world::{State, World};

/// How long a change by hand may be unseen: DNS has to tell of it.
const UNSEEN: Period = Period::ms(ROUTING_PROPAGATION.max_ms);

/// The error of an execution whose outcome the table did not take.
pub(crate) const OUTCOME_UNKNOWN: &str = "Lifeboat.OutcomeUnknown";

/// What an execution left behind.
struct Left {
    /// The target serves, and has every writer, every required cache and every required broker.
    moved: bool,
    /// A call of it moved data or traffic.
    changed: bool,
    /// A call of it changed anything at all.
    touched: bool,
}

impl World {
    /// After the lock was replaced.
    pub(crate) fn check_lock(&self, before: Option<&Lock>, after: &Lock) {
        if after.state != LockState::Held {
            return;
        }
        let now = self.now();
        let free = before.is_none_or(|b| match b.state {
            LockState::Held => b.run.run_id == after.run.run_id || b.lease_expires_at <= now,
            LockState::Free | LockState::NeedsOperator => true,
        });
        self.check("S4", free, || "the lock was taken from a run that was alive".to_owned());
        let automatic = matches!(after.run.trigger, Trigger::Alarm { .. });
        let allowed = before.is_none_or(|b| match b.state {
            LockState::NeedsOperator => false,
            LockState::Held => true,
            LockState::Free => {
                let rested = b.acknowledged || b.cool_down_until.is_none_or(|until| until <= now);
                let back = automatic
                    && b.cool_down_until.is_some()
                    && !b.acknowledged
                    && b.run.direction != after.run.direction;
                rested && !back
            }
        });
        self.check("S7", allowed, || format!("run {} started too early or back by itself", after.run.run_id));
        // Only a person's answer changes what a run holds under its epoch, once, from asked to given.
        let answered = before.is_some_and(|b| {
            let given = matches!(after.run.approval, Approval::Given { .. });
            (b.epoch, &b.run.run_id) == (after.epoch, &after.run.run_id) && b.run.approval == Approval::Awaited && given
        });
        let grows = before.is_none_or(|b| after.epoch > b.epoch);
        self.check("S5", grows || answered, || "the epoch did not grow".to_owned());
    }

    /// After an execution ended.
    pub(crate) fn check_ending(&self, run_id: &str) {
        let (outcome, named, left, history) = {
            let state = self.state();
            let Some(run) = state.runs.iter().find(|r| r.execution.id == run_id) else { return };
            let history = run.ended.as_ref().map_or(0, |(_, ended)| ended.history_events);
            let error = run.ended.as_ref().and_then(|(_, ended)| ended.result.as_ref().err());
            let named = error.is_some_and(|e| e.error == OUTCOME_UNKNOWN);
            (run.outcome(), named, left_by(&state, run_id, &run.region), history)
        };
        // What a person moves by hand after the run's last look is not the run's to know.
        let verified = {
            let state = self.state();
            newest(&state.table.journal_of(run_id), |note| *note == Note::TrafficVerified)
        };
        let until_seen = |at: Timestamp| at.plus(UNSEEN).plus(self.clock_error());
        let overruled = self.moved_by_hand().zip(verified).is_some_and(|(at, seen)| until_seen(at) >= seen);
        let honest = match outcome {
            Some(Outcome::Completed) => left.moved || overruled,
            Some(Outcome::Unchanged) => !left.changed,
            Some(Outcome::Rehearsed) => !left.touched,
            Some(Outcome::NeedsOperator) => true,
            // It claims nothing: the table took no outcome, and said so to the end.
            None => named,
        };
        self.check("S11", honest, || {
            format!("{run_id} ended as {outcome:?}; moved {}, changed {}", left.moved, left.changed)
        });
        self.check("S13", history < 25_000, || format!("{run_id} has {history} events"));
    }
}

fn left_by(state: &State, run_id: &str, target: &Region) -> Left {
    let serves = state.plan.routing.controls.iter().all(|(region, control)| {
        let wanted = if region == target { Switch::On } else { Switch::Off };
        state.traffic.controls.get(control) == Some(&wanted)
    });
    let answers = state.traffic.healthy.iter().eq([target]);
    let writers = state.aurora.databases.values().all(|db| db.accepting == [target.clone()]);
    let made = |operations: &[&str]| {
        let by_run = |c: &&crate::world::CallRecord| c.run_id == run_id && c.effective;
        state.lambda.calls.iter().filter(by_run).any(|c| operations.contains(&c.operation))
    };
    let changed = made(&MOVES);
    Left {
        moved: serves && writers && answers && resources_are_in(state, target),
        changed,
        touched: changed || made(&CHANGES),
    }
}

/// Whether each cache and broker that traffic may not move without is in the target.
pub(crate) fn resources_are_in(state: &State, target: &Region) -> bool {
    let caches = state.caches.datastores.values().all(|d| match d.cache.requirement {
        Requirement::Required => d.primary == *target,
        Requirement::BestEffort => true,
    });
    let brokers = state.brokers.pairs.values().all(|p| match (p.broker.requirement, &p.broker.engine) {
        (Requirement::Required, Engine::ActiveMq) => {
            p.members.get(target).is_some_and(|m| m.role == ReplicationRole::Primary)
        }
        (Requirement::Required, Engine::RabbitMq { .. }) | (Requirement::BestEffort, _) => true,
    });
    caches && brokers
}
