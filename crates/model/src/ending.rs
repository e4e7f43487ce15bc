//! What `conclude` writes down of a run beside its outcome, so that the journal alone is enough for the run's report.
//!
//! The lock moves on with the next run, and a run that was refused or rehearsed never held it.

use serde::{Deserialize, Serialize};

use crate::lock::{Approval, Lock};
use crate::plan::Consent;
use crate::request::{Mode, Purpose, Trigger};
use crate::{Direction, Plan, Request, Timestamp};

/// What a run was asked and allowed to do, and why it ended as it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// Whether it was to do what it says.
    pub purpose: Purpose,
    /// The version of the plan that it went by.
    pub plan_version: u64,
    /// From where to where.
    pub direction: Direction,
    /// How.
    pub mode: Mode,
    /// Who or what asked.
    pub trigger: Trigger,
    /// The consent to data loss that it acted under; of a run that was not admitted, the one that was offered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub consent: Option<Consent>,
    /// Whether a person had to say yes, and did.
    #[serde(default)]
    pub approval: Approval,
    /// When it took the lock; absent when it never did (it was refused before, or it was a rehearsal) and when another run
    /// has taken the plan over since.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub admitted_at: Option<Timestamp>,
    /// Who stopped it before its point of no return, and why; absent when nobody did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped: Option<String>,
    /// The error that ended it, with its message; absent when no state failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<String>,
}

impl Ending {
    /// Of a run that holds `lock`, or held it last.
    pub fn of_admitted(lock: &Lock, cause: Option<String>) -> Self {
        let admission = &lock.run;
        Self {
            purpose: Purpose::Act,
            plan_version: admission.plan_version,
            direction: admission.direction.clone(),
            mode: admission.mode,
            trigger: admission.trigger.clone(),
            consent: admission.consent.clone(),
            approval: admission.approval.clone(),
            admitted_at: Some(admission.admitted_at),
            stopped: lock.stop_in_force().map(str::to_owned),
            cause,
        }
    }

    /// Of a run that never took the lock, from what it asked for. `None` when it asked for a Region that `plan` has not.
    pub fn of_request(request: &Request, plan: &Plan, plan_version: u64, cause: Option<String>) -> Option<Self> {
        Some(Self {
            purpose: request.purpose,
            plan_version,
            direction: plan.direction_to(&request.target)?,
            mode: request.mode,
            trigger: request.trigger.clone(),
            consent: request.consent.clone(),
            approval: Approval::NotNeeded,
            admitted_at: None,
            stopped: None,
            cause,
        })
    }
}
