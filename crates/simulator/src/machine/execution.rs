//! An execution, what the runner needs for it, and who hears of it.

use async_trait::async_trait;
use lifeboat_model::{Period, Timestamp};
use serde_json::Value;

use super::history::What;

/// What the runner needs of the world around it.
#[async_trait(?Send)]
pub trait Functions {
    /// Invokes a function by the name that the definition gives it.
    async fn invoke(&self, invocation: Invocation<'_>) -> Result<Value, StateError>;
    /// A new task token.
    fn new_token(&self, execution: &Execution, state: &str) -> String;
    /// What somebody answers with `token`; waits for it.
    async fn answer(&self, token: &str) -> Result<Value, StateError>;
    /// Now.
    fn now(&self) -> Timestamp;
    /// Returns after `period`.
    async fn sleep(&self, period: Period);
    /// The time that one state transition takes.
    fn transition_time(&self) -> Period;
    /// A number from 0 to 1, for jitter.
    fn chance(&self) -> f64;
}

/// One call of a function.
pub struct Invocation<'a> {
    /// The function, as the definition names it.
    pub function: &'a str,
    /// The payload.
    pub payload: Value,
    /// The execution that calls.
    pub execution: &'a Execution,
}

/// Hears of what an execution does.
pub trait Observer {
    /// A state is entered; `item` tells the iterations of a map apart.
    fn entered(&self, execution: &Execution, state: &str, item: Option<&str>);
    /// A state is left, after a retry or for good; `problem` is its error.
    fn left(&self, execution: &Execution, state: &str, item: Option<&str>, problem: Option<&StateError>);
    /// A state's task failed and is tried again.
    fn retries(&self, execution: &Execution, state: &str, item: Option<&str>, error: &StateError, after: Period);
    /// Something belongs into the history, after the event with the number `previous`; its own number. Who keeps no history
    /// does not ask what.
    fn notes(&self, _execution: &Execution, previous: u64, _what: impl FnOnce() -> What) -> u64 {
        previous
    }
}

/// An execution of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its input.
    pub input: Value,
    /// When it started.
    pub started_at: Timestamp,
}

/// An error with its name and cause, as Step Functions has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError {
    /// The name.
    pub error: String,
    /// The cause.
    pub cause: String,
}

impl StateError {
    /// An error.
    pub fn new(error: &str, cause: impl Into<String>) -> Self {
        Self { error: error.to_owned(), cause: cause.into() }
    }
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Its output, or its error.
    pub result: Result<Value, StateError>,
    /// How many state transitions it made.
    pub transitions: u64,
    /// How many events its history has.
    pub history_events: u64,
    /// What ended it.
    pub by: EndedBy,
}

/// What ended an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Its own last state, or an error that no state caught.
    Itself,
    /// Its time limit.
    TimeLimit,
    /// Somebody stopped it.
    Stop,
}
