//! What a step answers.

use lifeboat_model::StepError;
use lifeboat_model::limits::PENDING_WAIT_S;
use serde::Serialize;
use serde_json::Value;

/// A step's answer: what is true now, not what was done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reply {
    /// Whether the step is done.
    pub status: Status,
    /// Whether this run changed the resource.
    pub changed: bool,
    /// How long to wait before the step is called again, in seconds; 0 when it is done.
    pub wait_s: u32,
    /// What was seen, for people and the report.
    pub evidence: Value,
}

/// Whether a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// The goal of the step holds.
    Done,
    /// It does not hold yet; call again.
    Pending,
}

impl Reply {
    /// The goal holds.
    pub fn done(changed: bool, evidence: Value) -> Self {
        Self { status: Status::Done, changed, wait_s: 0, evidence }
    }

    /// The goal does not hold yet.
    pub fn pending(changed: bool, evidence: Value) -> Self {
        Self::pending_for(PENDING_WAIT_S, changed, evidence)
    }

    /// The goal does not hold yet, and will not within `wait_s` seconds.
    pub fn pending_for(wait_s: u32, changed: bool, evidence: Value) -> Self {
        Self { status: Status::Pending, changed, wait_s, evidence }
    }

    /// As the state machine reads it.
    ///
    /// # Errors
    /// `Lifeboat.Rejected` if it cannot be written as JSON, which no reply of ours causes.
    pub fn into_json(self) -> Result<Value, StepError> {
        serde_json::to_value(self).map_err(|error| StepError::malformed("reply", error, "a reply that is JSON"))
    }
}
