//! The safety invariants, checked against what is true in the world, not against what a step believes.
//!
//! `World::check_call` runs after every simulated call, the others at every mutation, lock change and ending. A
//! violation is counted and kept; a drill that has one does not pass.

use std::collections::BTreeMap;

use lifeboat_model::evidence::Switch;
use lifeboat_model::journal::{Note, intends, newest, newest_verdict};
use lifeboat_model::limits::{CALL_TIMEOUT, Step, VERDICT_FRESH};
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::plan::Database;
use lifeboat_model::report::{InvariantResult, Outcome};
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::{Arn, Period, Region, Timestamp};

use crate::world::{CallRecord, Caller, World};

/// Each invariant's id and statement; SAFETY.md says more on each.
pub const STATEMENTS: [(&str, &str); 16] = [
    ("S1", "no database has two clusters that take writes and can be reached"),
    ("S2", "at least one Region is On, and both controls change in one batch"),
    ("S3", "traffic moves only after a fresh read, under the lock, showed every writer in the target"),
    ("S4", "one run per plan acts at a time, over Regions, directions and triggers"),
    ("S5", "whoever acts holds the lock's epoch, with a lease that outlives the call"),
    ("S6", "data loss only under scoped, unexpired, sufficient consent; a switchover never becomes a failover"),
    ("S7", "nothing starts in a cool-down or unacknowledged; no automatic failback"),
    ("S8", "every promotion follows a look at that database in the same invocation, and a fresh verdict"),
    ("S9", "a failover only while the source is down, on a verdict to go"),
    ("S10", "a database is promoted at most once in a run, whatever is repeated"),
    ("S11", "the ending is true; after the point of no return a run only goes forward"),
    ("S12", "nothing is asked of the source but the switchover itself and a look that may fail"),
    ("S13", "calls, transitions, history and time of a run are bounded"),
    ("S14", "the kill switch is read just before every mutation"),
    ("S15", "the intent is in the journal before every mutation"),
    ("S16", "only the plan's resources are changed"),
];

/// The most calls that one invocation may make: 60 s of one-second looks at a plan's resources, with room.
const CALLS_PER_INVOCATION_MAX: usize = 20_000;
/// How fresh the look before a promotion has to be.
const LOOK_FRESH: Period = Period::seconds(30);
/// How long before a mutation the kill switch may have been read.
const KILL_SWITCH_FRESH: Period = Period::seconds(5);
/// How long after the source's return a failover that was decided before may still be called: the verdict's freshness.
const DOWN_RECENTLY: Period = VERDICT_FRESH;

/// The counts.
#[derive(Debug, Default)]
pub struct Invariants {
    results: BTreeMap<&'static str, InvariantResult>,
}

impl Invariants {
    fn check(&mut self, id: &'static str, holds: bool, detail: impl FnOnce() -> String) {
        let result = self.results.entry(id).or_default();
        result.checks += 1;
        if !holds {
            result.violations += 1;
            result.first_violation.get_or_insert_with(detail);
        }
    }

    /// The counts of all invariants by id, those never checked included.
    pub fn results(&self) -> BTreeMap<String, InvariantResult> {
        let of = |(id, statement): &(&str, &str)| {
            let mut result = self.results.get(id).cloned().unwrap_or_default();
            result.statement = (*statement).to_owned();
            ((*id).to_owned(), result)
        };
        STATEMENTS.iter().map(of).collect()
    }

    /// How many checks failed.
    pub fn violations(&self) -> u64 {
        self.results.values().map(|r| r.violations).sum()
    }
}

/// A call that changes the workload.
pub(crate) enum Mutation<'a> {
    /// A switchover or failover.
    Promotion { database: &'a Database, target: &'a Arn, loses_data: bool },
    /// A change of routing controls.
    Routing { changes: &'a [(Arn, Switch)] },
}

/// What is true around a mutation.
struct Around {
    now: Timestamp,
    lock: Option<Lock>,
    journal: Vec<lifeboat_model::journal::Entry>,
}

impl World {
    fn check(&self, id: &'static str, holds: bool, detail: impl FnOnce() -> String) {
        self.state_mut().invariants.check(id, holds, detail);
    }

    fn around(&self, caller: &Caller) -> Around {
        let state = self.state();
        Around {
            now: self.now(),
            lock: state.table.locks.get(&state.plan.name).cloned(),
            journal: state.table.journal_of(&caller.run_id),
        }
    }

    /// After every simulated call.
    pub(crate) fn check_call(&self, call: &CallRecord) {
        let split: Option<String> = {
            let state = self.state();
            let two = |accepting: &[Region]| accepting.iter().filter(|r| !state.dark.contains_key(*r)).count() > 1;
            state.aurora.databases.values().find(|db| two(&db.accepting)).map(|db| db.database.name.to_string())
        };
        self.check("S1", split.is_none(), || format!("{} has two writers", split.unwrap_or_default()));
        let any_on = self.state().traffic.any_on();
        self.check("S2", any_on, || "no Region is On".to_owned());
        let (calls, source) = {
            let state = self.state();
            let calls = state.lambda.calls.iter().rev().filter(|c| c.invocation == call.invocation).count();
            let lock = state.table.locks.get(&state.plan.name);
            let source = lock.filter(|l| l.run.run_id == call.run_id).map(|l| l.run.direction.source.clone());
            (calls, source)
        };
        self.check("S13", calls < CALLS_PER_INVOCATION_MAX, || format!("{} made {calls} calls", call.step));
        let may_go_to_source = match call.operation {
            "rds:SwitchoverGlobalCluster" => true,
            "rds:DescribeGlobalClusters" => call.step == Step::VerifyWriters,
            // The five endpoints are one service; the one in the source is asked like any other.
            operation => operation.starts_with("route53-recovery-cluster:"),
        };
        let to_source = source.as_ref() == Some(&call.place);
        self.check("S12", !to_source || may_go_to_source, || {
            format!("{} asked {} of {}", call.step, call.operation, call.place)
        });
    }

    /// Just before a mutation takes effect.
    pub(crate) fn check_before(&self, mutation: &Mutation<'_>, caller: &Caller) {
        let around = self.around(caller);
        let who = || format!("{} of {}", caller.step, caller.run_id);
        let mine = around.lock.as_ref().filter(|l| l.state == LockState::Held && l.run.run_id == caller.run_id);
        self.check("S4", mine.is_some(), || format!("{} acts, and another run or none holds the plan", who()));
        let alive = mine.is_some_and(|l| l.lease_expires_at >= around.now.plus(CALL_TIMEOUT));
        self.check("S5", alive, || format!("{} acts with a lease that is over or about to be", who()));
        let read = self.newest_call(caller, "dynamodb:GetItem", "settings");
        let fresh = read.is_some_and(|at| at >= around.now.minus(KILL_SWITCH_FRESH));
        self.check("S14", fresh, || format!("{} acts without a fresh look at the kill switch", who()));
        let marked = mine.is_some_and(|l| l.past_point_of_no_return);
        let plan = self.state().plan.name.clone();
        let resource = match mutation {
            Mutation::Promotion { database, .. } => &database.name,
            Mutation::Routing { .. } => &plan,
        };
        let intended = intends(&around.journal, caller.step, resource.as_str());
        self.check("S15", marked && intended, || {
            format!("{} acts on {resource} without an intent in the journal", who())
        });
        match mutation {
            Mutation::Promotion { database, target, loses_data } => {
                self.check_promotion(database, target, *loses_data, caller, mine, &around);
            }
            Mutation::Routing { changes } => self.check_routing(changes, caller, mine, &around),
        }
    }

    fn check_promotion(
        &self,
        database: &Database,
        target: &Arn,
        loses_data: bool,
        caller: &Caller,
        lock: Option<&Lock>,
        around: &Around,
    ) {
        let name = &database.name;
        let (in_plan, missing_ms, down) = {
            let state = self.state();
            let in_plan =
                state.plan.databases.iter().any(|d| d == database && d.clusters.values().any(|c| c == target));
            let db = state.aurora.databases.get(name);
            let dark_since = db.and_then(|db| state.dark.get(&db.writer).copied());
            let cut = dark_since.unwrap_or(around.now);
            let oldest = db.and_then(|db| db.missing_elsewhere(dark_since, around.now).map(|w| w.at).min());
            let recently = |until: Option<Timestamp>| until.is_none_or(|u| u.plus(DOWN_RECENTLY) > around.now);
            let source = lock.map(|l| &l.run.direction.source);
            let down = state.outages.iter().any(|o| Some(&o.region) == source && recently(o.until));
            (in_plan, oldest.map_or(0, |at| cut.ms_since(at)), down)
        };
        self.check("S16", in_plan, || format!("{name} or {target} is not in the plan"));
        let forward = lock.is_some_and(|l| database.clusters.get(&l.run.direction.target) == Some(target));
        self.check("S11", forward, || format!("{name} is moved to {target}, which is not the run's target"));
        let consent = lock.and_then(|l| l.run.consent.as_ref());
        let consented = match (loses_data, lock.map(|l| l.run.mode)) {
            (true, Some(Mode::Failover)) => {
                consent.is_some_and(|c| c.expires > around.now && c.max_data_loss.as_ms() >= missing_ms)
            }
            (false, Some(Mode::Switchover)) => true,
            (true, Some(Mode::Switchover)) | (false, Some(Mode::Failover)) | (_, None) => false,
        };
        self.check("S6", consented, || format!("{name}: {missing_ms} ms of writes would be lost without consent"));
        let looked = self.newest_call(caller, "rds:DescribeGlobalClusters", name.as_str());
        let fresh = looked.is_some_and(|at| at >= around.now.minus(LOOK_FRESH));
        let verdict = newest_verdict(&around.journal);
        let go = verdict.is_some_and(|v| v.go());
        self.check("S8", fresh && go, || format!("{name} is promoted without a fresh look or a verdict to go"));
        if loses_data {
            self.check("S9", go && down, || format!("{name} is failed over while the source is up"));
        }
    }

    fn check_routing(&self, changes: &[(Arn, Switch)], caller: &Caller, lock: Option<&Lock>, around: &Around) {
        let (whole, known, on_before, writers_there) = {
            let state = self.state();
            let controls: Vec<&Arn> = state.plan.routing.controls.values().collect();
            let whole = controls.iter().all(|c| changes.iter().any(|(changed, _)| &changed == c));
            let known = changes.iter().all(|(changed, _)| controls.contains(&changed));
            let target = lock.map(|l| l.run.direction.target.clone());
            let on = target.as_ref().and_then(|t| state.plan.routing.controls.get(t));
            let on_before = on.and_then(|c| state.traffic.controls.get(c)) == Some(&Switch::On);
            let there = |accepting: &[Region]| accepting.len() == 1 && accepting.first() == target.as_ref();
            (whole, known, on_before, state.aurora.databases.values().all(|db| there(&db.accepting)))
        };
        self.check("S2", whole, || "a change names one control only".to_owned());
        self.check("S16", known, || "a change names a control that is not in the plan".to_owned());
        let verified = newest(&around.journal, |n| *n == Note::WritersVerified);
        let after_lock = verified.is_some_and(|at| lock.is_some_and(|l| at >= l.run.admitted_at));
        self.check("S3", on_before || writers_there && after_lock, || {
            format!("{} moves traffic before the writers: there {writers_there}, verified {after_lock}", caller.run_id)
        });
    }

    /// Just after a mutation took effect.
    pub(crate) fn check_after(&self, mutation: &Mutation<'_>, caller: &Caller) {
        match mutation {
            Mutation::Promotion { database, .. } => {
                let accepted = {
                    let state = self.state();
                    let by_run = |c: &&CallRecord| {
                        c.run_id == caller.run_id
                            && c.effective
                            && c.resource == database.name.as_str()
                            && matches!(c.operation, "rds:FailoverGlobalCluster" | "rds:SwitchoverGlobalCluster")
                    };
                    state.lambda.calls.iter().filter(by_run).count()
                };
                self.check("S10", accepted == 1, || {
                    format!("{} was promoted {accepted} times in one run", database.name)
                });
            }
            Mutation::Routing { .. } => {
                let any_on = self.state().traffic.any_on();
                self.check("S2", any_on, || "no Region is On after a change".to_owned());
            }
        }
    }

    fn newest_call(&self, caller: &Caller, operation: &str, resource: &str) -> Option<Timestamp> {
        let state = self.state();
        let same = |c: &&CallRecord| {
            c.invocation == caller.invocation && c.operation == operation && c.resource == resource && c.effective
        };
        state.lambda.calls.iter().rev().find(same).map(|c| c.at)
    }

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
        let grows = before.is_none_or(|b| after.epoch > b.epoch);
        self.check("S5", grows, || "the epoch did not grow".to_owned());
    }

    /// After an execution ended.
    pub(crate) fn check_ending(&self, run_id: &str) {
        let (outcome, truth, history) = {
            let state = self.state();
            let Some(run) = state.runs.iter().find(|r| r.execution.id == run_id) else { return };
            let target = &run.region;
            let serves = state.plan.routing.controls.iter().all(|(region, control)| {
                let wanted = if region == target { Switch::On } else { Switch::Off };
                state.traffic.controls.get(control) == Some(&wanted)
            });
            let writers = state.aurora.databases.values().all(|db| db.accepting == [target.clone()]);
            let answers = state.traffic.healthy.iter().eq([target]);
            let changed = state.lambda.calls.iter().any(|c| {
                let changes = [
                    "rds:FailoverGlobalCluster",
                    "rds:SwitchoverGlobalCluster",
                    "route53-recovery-cluster:UpdateRoutingControlStates",
                ];
                c.run_id == run_id && c.effective && changes.contains(&c.operation)
            });
            let history = run.ended.as_ref().map_or(0, |(_, ended)| ended.history_events);
            (run.outcome(), (serves && writers && answers, changed), history)
        };
        let (moved, changed) = truth;
        let honest = match outcome {
            Some(Outcome::Completed) => moved,
            Some(Outcome::Unchanged | Outcome::Rehearsed) => !changed,
            Some(Outcome::NeedsOperator) => true,
            None => false,
        };
        self.check("S11", honest, || format!("{run_id} ended as {outcome:?}; moved {moved}, changed {changed}"));
        self.check("S13", history < 25_000, || format!("{run_id} has {history} events"));
    }
}
