//! The safety invariants, checked against what is true in the world, not against what a step believes.
//!
//! `World::check_call` runs after every simulated call, the others at every mutation, lock change and ending. A
//! violation is counted and kept; a drill that has one does not pass.

mod endings;
mod mutations;
mod resources;

use std::collections::BTreeMap;

use lifeboat_model::evidence::Switch;
use lifeboat_model::journal::Entry;
use lifeboat_model::limits::Step;
use lifeboat_model::lock::Lock;
use lifeboat_model::plan::{Broker, Cache, Database, Service};
use lifeboat_model::report::InvariantResult;
use lifeboat_model::request::Mode;
use lifeboat_model::{Arn, Region, Timestamp};
use serde_json::Value;

use crate::world::{CallRecord, Caller, World};

pub(crate) use endings::{OUTCOME_UNKNOWN, resources_are_in};

/// Each invariant's id and statement; SAFETY.md says more on each.
pub const STATEMENTS: [(&str, &str); 17] = [
    ("S1", "no database has two clusters that take writes and can be reached"),
    (
        "S2",
        "at least one Region is On, and both controls change in one batch; the source leaves before the writers moved only \
         where the target is On",
    ),
    ("S3", "the target is switched On only after a fresh read, under the lock, showed every writer in the target"),
    ("S4", "one run per plan acts at a time, over Regions, directions and triggers"),
    ("S5", "whoever acts holds the lock's epoch, with a lease that outlives the call"),
    (
        "S6",
        "data loss only under scoped, unexpired, sufficient consent; a switchover never becomes a failover; nothing is \
         changed before a person who is asked has said yes",
    ),
    ("S7", "nothing starts in a cool-down or unacknowledged; no automatic failback"),
    ("S8", "every promotion follows a look at that resource in the same invocation, and a fresh verdict"),
    ("S9", "a failover only while the source is down, on a verdict to go"),
    ("S10", "a database, cache or broker is promoted at most once in a run, whatever is repeated"),
    ("S11", "the ending is true; after the point of no return a run only goes forward"),
    ("S12", "nothing is asked of the source but the switchover itself and a look that may fail"),
    ("S13", "calls, transitions, history and time of a run are bounded"),
    (
        "S14",
        "the kill switch is read just before every mutation; a run that a person stopped before its point of no return \
         never passes it",
    ),
    ("S15", "the intent is in the journal before every mutation"),
    ("S16", "only the plan's resources are changed, and capacity only upwards"),
    ("S17", "a rehearsal changes nothing: no mutating call, no lock, no setting"),
];

/// The most calls that one invocation may make: 60 s of one-second looks at a plan's resources, with room.
const CALLS_PER_INVOCATION_MAX: usize = 20_000;
/// The calls that move data or traffic: a run that made one has changed something.
const MOVES: [&str; 5] = [
    "rds:FailoverGlobalCluster",
    "rds:SwitchoverGlobalCluster",
    "elasticache:FailoverGlobalReplicationGroup",
    "mq:Promote",
    "route53-recovery-cluster:UpdateRoutingControlStates",
];
/// The other calls that change something: capacity, and what the table knows of the lock.
const CHANGES: [&str; 3] =
    ["application-autoscaling:RegisterScalableTarget", "ecs:UpdateService", "dynamodb:UpdateItem"];

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

    /// How often each invariant was checked.
    pub fn checks(&self) -> Vec<(&'static str, u64)> {
        self.results.iter().map(|(id, result)| (*id, result.checks)).collect()
    }

    /// How many checks failed.
    pub fn violations(&self) -> u64 {
        self.results.values().map(|r| r.violations).sum()
    }
}

/// A call that changes the workload.
pub(crate) enum Mutation<'a> {
    /// A switchover or failover of a database.
    Promotion { database: &'a Database, target: &'a Arn, loses_data: bool },
    /// The promotion of a cache's member.
    CachePromotion { cache: &'a Cache, target: &'a Region },
    /// The promotion of a broker.
    BrokerPromotion { broker: &'a Broker, target: &'a Region, mode: Mode },
    /// A change of a service's size.
    Compute { service: &'a Service, region: &'a Region, to: Size },
    /// A change of routing controls.
    Routing { changes: &'a [(Arn, Switch)] },
}

/// What a service's size is changed to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Size {
    /// At least so many tasks.
    Minimum(u32),
    /// So many tasks.
    Desired(u32),
    /// As it is, and it may shrink again by itself.
    ScalesIn,
}

/// What is true around a mutation.
struct Around {
    now: Timestamp,
    /// When the call was sent.
    sent: Timestamp,
    lock: Option<Lock>,
    journal: Vec<Entry>,
}

impl World {
    fn check(&self, id: &'static str, holds: bool, detail: impl FnOnce() -> String) {
        self.state_mut().invariants.check(id, holds, detail);
    }

    fn around(&self, caller: &Caller, sent: Timestamp) -> Around {
        let state = self.state();
        Around {
            now: self.now(),
            sent,
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
        let calls = self.state_mut().lambda.count_call(call.invocation);
        self.check("S13", calls < CALLS_PER_INVOCATION_MAX, || format!("{} made {calls} calls", call.step));
        self.check_source(call);
        self.check_rehearsal(call);
    }

    /// What is asked of the source (S12).
    fn check_source(&self, call: &CallRecord) {
        let run = {
            let state = self.state();
            let lock = state.table.locks.get(&state.plan.name);
            lock.filter(|l| l.run.run_id == call.run_id).map(|l| (l.run.direction.source.clone(), l.run.mode))
        };
        let planned = run.as_ref().is_some_and(|(_, mode)| match mode {
            Mode::Switchover => true,
            Mode::Failover => false,
        });
        let may_go_to_source = match call.operation {
            "rds:SwitchoverGlobalCluster" => true,
            "rds:DescribeGlobalClusters" | "rds:DescribeDBClusters" => call.step == Step::VerifyWriters,
            "ecs:DescribeServices" => planned && call.step == Step::ScaleCompute,
            "cloudwatch:GetMetricData" => {
                let steps = [Step::Assess, Step::CheckTable, Step::PromoteBroker, Step::PromoteCache];
                planned && steps.contains(&call.step)
            }
            // The five endpoints are one service; the one in the source is asked like any other.
            operation => operation.starts_with("route53-recovery-cluster:"),
        };
        let to_source = run.is_some_and(|(source, _)| source == call.place);
        self.check("S12", !to_source || may_go_to_source, || {
            format!("{} asked {} of {}", call.step, call.operation, call.place)
        });
    }

    /// What a rehearsal calls (S17). A call counts whether it took effect or not.
    fn check_rehearsal(&self, call: &CallRecord) {
        if !self.is_rehearsal(&call.run_id) {
            return;
        }
        let changes = MOVES.contains(&call.operation)
            || CHANGES.contains(&call.operation)
            || call.operation == "dynamodb:PutItem" && call.resource == "lock";
        self.check("S17", !changes, || format!("{} of a rehearsal called {}", call.step, call.operation));
    }

    /// Whether the execution with this id was asked to change nothing.
    fn is_rehearsal(&self, run_id: &str) -> bool {
        let state = self.state();
        let run = state.runs.iter().find(|r| r.execution.id == run_id);
        run.is_some_and(|r| r.execution.input.get("mode").and_then(Value::as_str) == Some("rehearse"))
    }

    fn newest_call(&self, caller: &Caller, operation: &str, resource: &str) -> Option<Timestamp> {
        let state = self.state();
        let same = |c: &&CallRecord| {
            c.invocation == caller.invocation && c.operation == operation && c.resource == resource && c.effective
        };
        state.lambda.calls.iter().rev().find(same).map(|c| c.at)
    }
}
