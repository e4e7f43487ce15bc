//! Why an operation gives no answer, and how each service says it.

use http::StatusCode;
use lifeboat_ports::{CallError, Fault};
use serde_json::{Map, Value};

use crate::input::Problem;

/// An error's status and code.
pub type Code = (u16, &'static str);

/// What a service calls each class of failure. `lifeboat_aws::errors` reads each back as the class that it stands for, with
/// one exception: of a status of 503 it believes only the routing cluster's own word that nothing was done.
#[derive(Clone, Copy, Debug)]
pub struct Codes {
    /// The service asks for patience.
    pub throttled: Code,
    /// The service is not available now.
    pub unavailable: Code,
    /// The service failed inside.
    pub internal: Code,
    /// No permission.
    pub denied: Code,
    /// No such thing.
    pub not_found: Code,
    /// The thing's state forbids it.
    pub conflict: Code,
    /// The request is wrong.
    pub invalid: Code,
    /// There is no such operation.
    pub unknown_operation: Code,
}

impl Codes {
    /// Those of a service of the query protocol, but for what it says of its own things.
    pub const QUERY: Self = Self {
        throttled: (400, "Throttling"),
        unavailable: (503, "ServiceUnavailable"),
        internal: (500, "InternalFailure"),
        denied: (403, "AccessDenied"),
        not_found: (404, "ResourceNotFound"),
        conflict: (409, "OperationAborted"),
        invalid: (400, "InvalidParameterValue"),
        unknown_operation: (400, "InvalidAction"),
    };

    /// Those of a service of the JSON protocols, but for what it says of its own things.
    pub const JSON: Self = Self {
        throttled: (400, "ThrottlingException"),
        unavailable: (503, "ServiceUnavailable"),
        internal: (500, "InternalServerError"),
        denied: (400, "AccessDeniedException"),
        not_found: (400, "ResourceNotFoundException"),
        conflict: (400, "ConflictException"),
        invalid: (400, "ValidationException"),
        unknown_operation: (400, "UnknownOperationException"),
    };
}

/// An operation that gives no answer of its own kind.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// The call failed in the world.
    Call(CallError),
    /// A parameter is missing or wrong.
    Input(Problem),
    /// The service has no such operation.
    NoSuchOperation,
    /// The service says this.
    Said(Code, String),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<Problem> for Trouble {
    fn from(problem: Problem) -> Self {
        Self::Input(problem)
    }
}

/// What a caller gets instead of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The service says why.
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
    /// Nothing: the connection closes.
    Gone,
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
            Self::Gone => {}
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

    /// What a service with these `codes` says of `trouble` with its `operation`.
    pub fn of(trouble: Trouble, operation: &str, codes: &Codes) -> Self {
        match trouble {
            Trouble::Call(error) => Self::of_call(&error, codes),
            Trouble::Input(problem) => Self::coded(codes.invalid, problem.to_string()),
            Trouble::NoSuchOperation => {
                let message = format!("The action {operation} is not valid for this web service.");
                Self::coded(codes.unknown_operation, message)
            }
            Trouble::Said(code, message) => Self::coded(code, message),
        }
    }

    fn coded((status, code): (u16, &str), message: String) -> Self {
        Self::with_status(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), code, message)
    }

    fn of_call(error: &CallError, codes: &Codes) -> Self {
        let (status, class) = match error.fault {
            // A call that found nobody, or was not answered: the world took the time that it takes to notice.
            Fault::Unreachable | Fault::TimedOut => return Self::Gone,
            Fault::Throttled => codes.throttled,
            Fault::Unavailable => codes.unavailable,
            Fault::Internal => codes.internal,
            Fault::Denied => codes.denied,
            Fault::NotFound => codes.not_found,
            Fault::Conflict => codes.conflict,
            Fault::Invalid => codes.invalid,
        };
        // The world's services say their own code; a fault that was put in says none of a service.
        let code = match error.code.as_str() {
            "" | "Injected" => class,
            code => code,
        };
        Self::coded((status, code), error.to_string())
    }
}

impl From<CallError> for Refusal {
    /// As the services say it on which Lifeboat stands.
    fn from(error: CallError) -> Self {
        Self::of_call(&error, &Codes::JSON)
    }
}
