//! Why an operation gives no answer, and how each service says it.

use lifeboat_ports::{CallError, Fault};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An error.
    Error {
        /// The status.
        status: u16,
        /// The code.
        code: String,
        /// The words.
        message: String,
    },
    /// Nothing: the connection closes.
    Gone,
}

impl Refusal {
    /// An error.
    pub fn new((status, code): Code, message: impl Into<String>) -> Self {
        Self::Error { status, code: code.to_owned(), message: message.into() }
    }

    /// What a service with these `codes` says of `trouble` with its `operation`.
    pub fn of(trouble: Trouble, operation: &str, codes: &Codes) -> Self {
        match trouble {
            Trouble::Call(error) => Self::of_call(&error, codes),
            Trouble::Input(problem) => Self::new(codes.invalid, problem.to_string()),
            Trouble::NoSuchOperation => {
                let message = format!("The action {operation} is not valid for this web service.");
                Self::new(codes.unknown_operation, message)
            }
            Trouble::Said(code, message) => Self::new(code, message),
        }
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
        Self::Error { status, code: code.to_owned(), message: error.to_string() }
    }
}
