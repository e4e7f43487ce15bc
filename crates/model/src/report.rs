//! The report of a drill: what happened, measured. Its JSON form is documented by `schemas/report.schema.json`.

mod run;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use run::{
    Approver, CallMade, LeftBehind, Line, Measured, Predicted, RtoFrom, RunReport, Standing, WhatCall, WouldCall,
};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Outcome {
    /// The target serves: writers, DNS and canaries were verified.
    Completed,
    /// Nothing was changed.
    Unchanged,
    /// Something was or may have been changed, and the run could not finish: a person must look.
    NeedsOperator,
    /// Every step was walked through and said what it would call; nothing was changed.
    Rehearsed,
}

impl Outcome {
    /// The word in reports, messages and RUNBOOK.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "Completed",
            Self::Unchanged => "Unchanged",
            Self::NeedsOperator => "NeedsOperator",
            Self::Rehearsed => "Rehearsed",
        }
    }

    /// What a person does next.
    pub const fn what_next(self) -> &'static str {
        match self {
            Self::Completed => {
                "the target serves; look, then acknowledge the run: until then no alarm moves the workload back"
            }
            Self::Unchanged => "the workload is as it was; the cause says what to mend before starting again",
            Self::Rehearsed => "nothing was changed; the evidence of each state says what it would have called",
            Self::NeedsOperator => "look at what the cause names, then acknowledge the run; nothing starts before that",
        }
    }
}

/// The report of one drill. Times ending in `_s` are seconds; those of events count from the drill's start.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The form of this document: 1.
    pub version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// The order in which the workload was moved: `lifeboat` is ours.
    pub order: String,
    /// The seed of every chance in it.
    pub seed: u64,
    /// The plan's name.
    pub plan: String,
    /// The Region that served when the drill began.
    pub source: String,
    /// The Region that the main run moved to.
    pub target: String,
    /// `switchover` or `failover`.
    pub mode: String,
    /// The outcome of the main run; absent when none was started.
    pub outcome: Option<Outcome>,
    /// The outcome that the scenario should have.
    pub expected: String,
    /// Whether the drill went as it should: the expected ending, and no invariant violated.
    pub passed: bool,
    /// What was not as expected; empty when `passed`.
    pub complaints: Vec<String>,
    /// The virtual time at which the drill began, RFC 3339.
    pub began_at: String,
    /// When the first outage began; absent without one.
    pub outage_at_s: Option<f64>,
    /// When the main run changed routing; absent when it did not.
    pub routing_changed_at_s: Option<f64>,
    /// From the outage's start to the alarm; absent without an outage or an alarm.
    pub detection_s: Option<f64>,
    /// From the alarm to the main run's first promotion call or refusal.
    pub decision_s: Option<f64>,
    /// From the main run's first promotion call to the last writer in place, as the simulated services did it.
    pub promotion_s: Option<f64>,
    /// From the change of routing to the last client served by the target.
    pub propagation_s: Option<f64>,
    /// The longest disruption, from the first failed request to the last client served again; absent when clients were
    /// not all served again.
    pub rto_s: Option<f64>,
    /// The time span of the writes that were acknowledged and lost, over all databases.
    pub rpo_s: f64,
    /// The main run, from its start to its end.
    pub run_s: f64,
    /// The longest chain of the simulated services' own times within the main run: each database's promotion from
    /// call to end, then routing, DNS and the canaries' green window.
    pub critical_path_s: f64,
    /// `run_s` less `critical_path_s`: state transitions, cold starts, reads, polls.
    pub overhead_s: f64,
    /// What the plan asks for.
    pub objectives: Objectives,
    /// Requests that clients made.
    pub requests_total: u64,
    /// Requests that failed.
    pub requests_failed: u64,
    /// Writes that were acknowledged.
    pub writes_acknowledged: u64,
    /// How many of them were lost.
    pub writes_lost: u64,
    /// How many writes to caches were acknowledged and lost. Caches replicate after the write and no promotion of theirs
    /// waits for it, so a planned move loses some too; they count neither as `writes_lost` nor for `rpo_s`.
    pub cache_writes_lost: u64,
    /// How many writes two writers took for one database at the same time.
    pub writes_conflicting: u64,
    /// Each lost or conflicting write.
    pub damaged_writes: Vec<DamagedWrite>,
    /// Invariant id to what was checked.
    pub invariants: BTreeMap<String, InvariantResult>,
    /// Every execution that was started.
    pub runs: Vec<RunSummary>,
    /// The main run's own report, in the form that a real run leaves; absent when none was started or concluded.
    pub run_report: Option<RunReport>,
    /// What happened, in order.
    pub timeline: Vec<Event>,
    /// Requests that succeeded and failed in each second.
    pub availability: Vec<AvailabilitySecond>,
}

/// A plan's objectives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Objectives {
    /// Recovery time objective.
    pub rto_s: f64,
    /// Recovery point objective.
    pub rpo_s: f64,
}

/// A write that was lost or that conflicts.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DamagedWrite {
    /// The write's number.
    pub id: u64,
    /// The database.
    pub database: String,
    /// The Region whose writer took it.
    pub region: String,
    /// When it was acknowledged.
    pub at_s: f64,
    /// `lost` or `conflicting`.
    pub damage: String,
}

/// How often an invariant was checked, and how often it did not hold.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct InvariantResult {
    /// What it says.
    pub statement: String,
    /// How often it was checked.
    pub checks: u64,
    /// How often it did not hold.
    pub violations: u64,
    /// The first violation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_violation: Option<String>,
}

/// One execution of the state machine.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RunSummary {
    /// The execution's name.
    pub name: String,
    /// The Region it executed in.
    pub region: String,
    /// Who or what started it.
    pub started_by: String,
    /// Its outcome.
    pub outcome: Option<Outcome>,
    /// The name of the error that it failed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The error's cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// When it started.
    pub started_s: f64,
    /// When it ended.
    pub ended_s: Option<f64>,
    /// How many state transitions it made.
    pub transitions: u64,
    /// How many events its history has; Step Functions ends a run at 25,000.
    pub history_events: u64,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Event {
    /// When it began.
    pub at_s: f64,
    /// When it ended; absent for a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_s: Option<f64>,
    /// The lane of the timeline it belongs to.
    pub lane: Lane,
    /// What happened.
    pub text: String,
}

/// A lane of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// What the drill did to the world.
    World,
    /// Canaries and alarms.
    Detection,
    /// The run's states.
    Run,
    /// Tasks of services as they came.
    Capacity,
    /// Promotions of databases, caches and brokers as the services did them.
    Databases,
    /// Routing and DNS.
    Traffic,
    /// People.
    Operator,
}

/// Requests in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AvailabilitySecond {
    /// Requests that succeeded.
    pub ok: u32,
    /// Requests that failed.
    pub failed: u32,
}
