//! Refusals, as the JSON protocols say them.

use http::StatusCode;
use lifeboat_ports::{CallError, Fault};
use serde_json::{Map, Value, json};

use crate::reply::Reply;

/// The content type of AWS JSON 1.0.
const JSON_1_0: &str = "application/x-amz-json-1.0";

/// Why a service does not do what it is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// It says why.
    Said {
        /// The status.
        status: StatusCode,
        /// The error's code.
        code: String,
        /// Its words.
        message: String,
        /// What else the error's structure has.
        more: Map<String, Value>,
    },
    /// Nobody is there.
    Gone,
    /// Nobody answers.
    Silent,
}

impl Refusal {
    /// A refusal with the status 400.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::BAD_REQUEST, code, message)
    }

    /// A refusal with another status.
    pub fn with_status(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self::Said { status, code: code.to_owned(), message: message.into(), more: Map::new() }
    }

    /// The same with another field in the error's structure.
    #[must_use]
    pub fn saying(mut self, field: &str, value: Value) -> Self {
        match &mut self {
            Self::Said { more, .. } => drop(more.insert(field.to_owned(), value)),
            Self::Gone | Self::Silent => {}
        }
        self
    }

    /// A request that is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    /// An operation that the service does not have.
    pub fn unknown_operation(operation: &str) -> Self {
        Self::new("UnknownOperationException", format!("the simulator does not serve {operation}"))
    }

    /// The refusal as AWS JSON 1.0.
    pub async fn into_reply(self, shape: &str) -> Reply {
        match self {
            Self::Said { status, code, message, mut more } => {
                more.insert("__type".to_owned(), json!(format!("{shape}#{code}")));
                more.insert("message".to_owned(), json!(message));
                Reply::new(status, JSON_1_0, Value::Object(more).to_string()).with("x-amzn-errortype", code)
            }
            Self::Gone => Reply::Gone,
            // Whoever asks has a deadline, and hangs up.
            Self::Silent => std::future::pending().await,
        }
    }
}

impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        let said = |status, code: &str| {
            let code = if error.code.is_empty() || error.code == "Injected" { code } else { &error.code };
            Self::with_status(status, code, error.to_string())
        };
        match error.fault {
            Fault::Unreachable => Self::Gone,
            Fault::TimedOut => Self::Silent,
            Fault::Throttled => said(StatusCode::BAD_REQUEST, "ThrottlingException"),
            // The one word that says: not now, and nothing was done.
            Fault::Unavailable => said(StatusCode::SERVICE_UNAVAILABLE, "EndpointTemporarilyUnavailableException"),
            Fault::Denied => said(StatusCode::BAD_REQUEST, "AccessDeniedException"),
            Fault::NotFound => said(StatusCode::BAD_REQUEST, "ResourceNotFoundException"),
            Fault::Conflict => said(StatusCode::BAD_REQUEST, "ConflictException"),
            Fault::Invalid => said(StatusCode::BAD_REQUEST, "ValidationException"),
            Fault::Internal => said(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        }
    }
}

/// An answer in AWS JSON 1.0.
pub fn json_1_0(body: &Value) -> Reply {
    Reply::new(StatusCode::OK, JSON_1_0, body.to_string())
}
