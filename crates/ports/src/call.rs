//! How a call to a service can fail, and what that says about its effect.

use lifeboat_model::journal::Effect;
use lifeboat_model::{Reason, ReasonCode, StepError};
use thiserror::Error;

/// An accepted mutating call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The service's id of the request, for the audit; empty when it gave none.
    pub request_id: String,
}

/// A call that failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{operation} in {place} {fault}{}", detail(.code, .message))]
pub struct CallError {
    /// The operation, such as `rds:DescribeGlobalClusters`.
    pub operation: String,
    /// The Region or endpoint that it was sent to.
    pub place: String,
    /// The class of the failure.
    pub fault: Fault,
    /// The service's error code; empty when there is none.
    pub code: String,
    /// The service's words; empty when there are none.
    pub message: String,
}

fn detail(code: &str, message: &str) -> String {
    match (code, message) {
        ("", "") => String::new(),
        ("", message) => format!(" ({message})"),
        (code, "") => format!(" ({code})"),
        (code, message) => format!(" ({code}: {message})"),
    }
}

/// The classes of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The request never got there: no address, no connection.
    Unreachable,
    /// The service asked for patience.
    Throttled,
    /// The service or the endpoint is not available now and said so before doing anything.
    Unavailable,
    /// The service refused: no permission.
    Denied,
    /// The service refused: no such thing.
    NotFound,
    /// The service refused: the thing's state forbids it, or somebody else changes it.
    Conflict,
    /// The service refused: the request is wrong.
    Invalid,
    /// No answer in time.
    TimedOut,
    /// The service failed inside, or its answer cannot be read.
    Internal,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unreachable => "could not be reached",
            Self::Throttled => "was throttled",
            Self::Unavailable => "is not available",
            Self::Denied => "was denied",
            Self::NotFound => "found nothing",
            Self::Conflict => "conflicts with the present state",
            Self::Invalid => "was refused as invalid",
            Self::TimedOut => "gave no answer in time",
            Self::Internal => "failed inside the service",
        })
    }
}

impl CallError {
    /// A failure without the service's words.
    pub fn new(operation: &str, place: impl ToString, fault: Fault) -> Self {
        Self {
            operation: operation.to_owned(),
            place: place.to_string(),
            fault,
            code: String::new(),
            message: String::new(),
        }
    }

    /// The same with the service's words.
    #[must_use]
    pub fn saying(mut self, code: impl Into<String>, message: impl Into<String>) -> Self {
        self.code = code.into();
        self.message = message.into();
        self
    }

    /// What a mutating call that failed this way may have done.
    pub const fn effect(&self) -> Effect {
        match self.fault {
            Fault::Unreachable
            | Fault::Throttled
            | Fault::Unavailable
            | Fault::Denied
            | Fault::NotFound
            | Fault::Conflict
            | Fault::Invalid => Effect::None,
            Fault::TimedOut | Fault::Internal => Effect::Unknown,
        }
    }

    /// The error of a step whose *read* failed this way.
    pub fn while_reading(&self) -> StepError {
        match self.fault {
            Fault::Unreachable
            | Fault::Throttled
            | Fault::Unavailable
            | Fault::Conflict
            | Fault::TimedOut
            | Fault::Internal => StepError::Transient(self.to_string()),
            Fault::Denied | Fault::NotFound | Fault::Invalid => self.refused(),
        }
    }

    /// The error of a step whose *mutation* failed this way.
    pub fn while_changing(&self) -> StepError {
        match self.fault {
            Fault::Unreachable | Fault::Throttled | Fault::Unavailable | Fault::Conflict => {
                StepError::Transient(self.to_string())
            }
            Fault::TimedOut | Fault::Internal => StepError::Ambiguous(self.to_string()),
            Fault::Denied | Fault::NotFound | Fault::Invalid => self.refused(),
        }
    }

    fn refused(&self) -> StepError {
        StepError::Refused(vec![Reason::new(ReasonCode::CallRefused, &self.place, self.to_string())])
    }
}
