//! The report of one run: the same form for a real run and for a drilled one. `lifeboat-report` makes it from the plan
//! and the run's journal, and nothing else.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Objectives, Outcome};
use crate::journal::Effect;
use crate::limits::Step;
use crate::plan::{Consent, Name};
use crate::request::{Mode, Purpose, Trigger};
use crate::{Reason, Region, Timestamp};

/// The report of one run. Times ending in `_s` are seconds; those of events count from `began_at`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RunReport {
    /// The form of this document: 1.
    pub version: u32,
    /// How the run ended.
    pub outcome: Outcome,
    /// What a person does next.
    pub what_next: String,
    /// The error that ended the run, with its message; absent when no state failed.
    pub cause: Option<String>,
    /// The plan's name.
    pub plan: Name,
    /// The version of the plan that the run went by.
    pub plan_version: u64,
    /// The execution's ARN.
    pub run_id: String,
    /// The Region that served before.
    pub source: Region,
    /// The Region that shall serve.
    pub target: Region,
    /// How the workload was to be moved.
    pub mode: Mode,
    /// Whether the run was to do it, or only to say what it would do.
    pub purpose: Purpose,
    /// Who or what asked for the run.
    pub trigger: Trigger,
    /// The person who approved it; absent when nobody was asked, or nobody said yes.
    pub approver: Option<Approver>,
    /// Who stopped it before its point of no return, and why, as `NAME: reason`; absent when nobody did. A run that
    /// completed all the same had nothing left to change when the stop came.
    pub stopped: Option<String>,
    /// The consent to data loss that it acted under; of a run that was not admitted, the one that was offered.
    pub consent: Option<Consent>,
    /// When it took the lock; absent when it was refused before, when it was a rehearsal, and when another run had taken
    /// the plan over before this one was concluded.
    pub admitted_at: Option<Timestamp>,
    /// When it was admitted; without an admission, when it wrote its first line.
    pub began_at: Timestamp,
    /// When its outcome was recorded.
    pub ended_at: Timestamp,
    /// From `began_at` to `ended_at`.
    pub run_s: f64,
    /// What the plan asks for.
    pub objectives: Objectives,
    /// What the run's newest assessment said; absent when it was not assessed.
    pub predicted: Option<Predicted>,
    /// Recovery time and data loss, as far as the run could see them.
    pub measured: Measured,
    /// The journal, in the order of time.
    pub timeline: Vec<Line>,
    /// Every mutating call, in the order of time.
    pub calls: Vec<CallMade>,
    /// In a rehearsal: every mutating call that would have been made.
    pub would_call: Vec<WouldCall>,
    /// Resources that the run did not see as it needs them. Empty when it changed nothing.
    pub left_behind: Vec<LeftBehind>,
    /// Services whose scale-in the run suspended, or may have, and did not resume.
    pub still_suspended: Vec<String>,
}

/// A person who approved a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Approver {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What an assessment said.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Predicted {
    /// When its evidence was complete.
    pub at: Timestamp,
    /// The data that would be lost; absent when it could not be known.
    pub rpo_s: Option<f64>,
    /// From the source's first failure, or from the assessment, to clients served by the target.
    pub rto_s: f64,
    /// Since when canaries saw the source fail; absent when they did not.
    pub impaired_since: Option<Timestamp>,
    /// Why not to go; empty means go.
    pub reasons: Vec<Reason>,
    /// What was not well without being a reason to refuse.
    pub warnings: Vec<Reason>,
}

/// Recovery time and data loss, as far as a run can see them.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Measured {
    /// Measured: from `rto_from` until DNS and canaries agreed that the target serves. Clients were served earlier, by up
    /// to the plan's green window and a canary's minute. Absent when that was never seen.
    pub rto_s: Option<f64>,
    /// What `rto_s` counts from; absent with it.
    pub rto_from: Option<RtoFrom>,
    /// `rto_s` against the objective; absent when it is not known.
    pub rto: Option<Standing>,
    /// A bound, not a measurement, and from lag metrics: the loss that the verdict behind the first promotion predicted.
    /// 0 for a completed switchover, which AWS lets finish only when replication has caught up. Absent when no promotion
    /// was or may have been accepted, when the loss could not be predicted, and for a switchover that did not complete.
    pub rpo_s: Option<f64>,
    /// `rpo_s` against the objective; absent when it is not known.
    pub rpo: Option<Standing>,
}

/// What a recovery time counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RtoFrom {
    /// The first canary result that showed the source failing.
    Impairment,
    /// The run's beginning: no canary saw the source fail.
    Run,
}

/// How a figure stands against its objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Within it.
    Met,
    /// Beyond it.
    Missed,
}

impl Standing {
    /// How `seconds` stand against an objective.
    pub fn of(seconds: f64, objective_s: f64) -> Self {
        if seconds <= objective_s { Self::Met } else { Self::Missed }
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
        }
    }
}

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Line {
    /// When it was written.
    pub at: Timestamp,
    /// The same, counted from `began_at`.
    pub at_s: f64,
    /// The step that wrote it.
    pub step: Step,
    /// What it is about: a resource of the plan, or the plan itself.
    pub resource: String,
    /// What it says.
    pub text: String,
}

/// A mutating call.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CallMade {
    /// When it was intended.
    pub at: Timestamp,
    /// The same, counted from `began_at`.
    pub at_s: f64,
    /// From the intent to the word of what came of it; absent when that was never written.
    pub took_s: Option<f64>,
    /// The step that made it.
    pub step: Step,
    /// The resource of the plan that it was about.
    pub resource: String,
    /// Counted from 1 for each resource.
    pub attempt: u32,
    /// The call; absent when its intent is missing from the journal.
    pub call: Option<WhatCall>,
    /// What came of it. `unknown` also when nobody wrote it down.
    pub effect: Effect,
    /// The service's id of the request, when it accepted the call and gave one.
    pub request_id: Option<String>,
    /// Why it was not accepted, or not known to be.
    pub error: Option<String>,
}

/// A mutating call that a rehearsal would have made.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WouldCall {
    /// The step.
    pub step: Step,
    /// The resource of the plan.
    pub resource: String,
    /// The call.
    pub call: WhatCall,
}

/// A call as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WhatCall {
    /// The operation, such as `rds:FailoverGlobalCluster`.
    pub operation: String,
    /// The Region or endpoint that it is sent to.
    pub region: Region,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
}

/// A resource that the run did not see as it needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LeftBehind {
    /// The step that should have seen to it.
    pub step: Step,
    /// Its name in the plan.
    pub resource: String,
    /// Whether traffic was to wait for it.
    pub required: bool,
}
