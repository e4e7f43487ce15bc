//! What the history of an execution says, event by event.

use lifeboat_model::Timestamp;
use serde_json::Value;

use super::execution::StateError;

/// An event of an execution's history.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its number, from 1 on.
    pub id: u64,
    /// The number of the event that led to it; 0 for the first.
    pub previous: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The execution began.
    ExecutionStarted {
        /// Its input.
        input: Value,
    },
    /// It ended well.
    ExecutionSucceeded {
        /// Its output.
        output: Value,
    },
    /// It ended badly.
    ExecutionFailed(StateError),
    /// Its time was over.
    ExecutionTimedOut(StateError),
    /// It was stopped.
    ExecutionAborted(StateError),
    /// A state was entered.
    StateEntered {
        /// Its type, such as `Task`.
        kind: &'static str,
        /// Its name.
        state: String,
        /// Its input.
        input: Value,
    },
    /// A state was left, by its own way on or by a catcher's.
    StateExited {
        /// Its type.
        kind: &'static str,
        /// Its name.
        state: String,
        /// Its output.
        output: Value,
    },
    /// A function is to be called.
    TaskScheduled {
        /// With what.
        parameters: Value,
        /// Its time limit.
        timeout_s: u32,
        /// How its answer comes.
        answer: AnswerBy,
    },
    /// The call began.
    TaskStarted(AnswerBy),
    /// The function answered, and the task waits for its token.
    TaskSubmitted {
        /// What the function answered.
        output: Value,
    },
    /// The call succeeded.
    TaskSucceeded {
        /// What came of it.
        output: Value,
        /// How its answer came.
        answer: AnswerBy,
    },
    /// The call failed.
    TaskFailed {
        /// Why.
        error: StateError,
        /// How its answer would have come.
        answer: AnswerBy,
    },
    /// The call's time was over.
    TaskTimedOut {
        /// Why.
        error: StateError,
        /// How its answer would have come.
        answer: AnswerBy,
    },
    /// A map begins.
    MapStarted {
        /// How many items it has.
        length: usize,
    },
    /// An item of a map begins.
    IterationStarted {
        /// The map.
        state: String,
        /// The item's number.
        index: usize,
    },
    /// An item of a map is done.
    IterationSucceeded {
        /// The map.
        state: String,
        /// The item's number.
        index: usize,
    },
    /// An item of a map failed.
    IterationFailed {
        /// The map.
        state: String,
        /// The item's number.
        index: usize,
    },
    /// All items are done.
    MapSucceeded,
    /// The map failed.
    MapFailed(StateError),
    /// Branches begin.
    ParallelStarted,
    /// All branches are done.
    ParallelSucceeded,
    /// A branch failed.
    ParallelFailed(StateError),
}

/// How the answer to a task comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerBy {
    /// The function gives it.
    Function,
    /// Somebody sends it with the task's token.
    Token,
}
