//! The runner: executes `statemachine/*.asl.json` itself, in virtual time.
//!
//! Guarantees: a strict subset of the Amazon States Language with JSONata; a field, a state type, a resource or an
//! expression that it does not know is an error when the machine is read, not a surprise while it runs.

mod definition;
mod execution;
mod expression;
mod history;
mod retry;
mod runner;
mod scope;
mod states;

pub use definition::{DefinitionError, Machine};
pub use execution::{Ended, EndedBy, Execution, Functions, Invocation, Observer, StateError};
pub use history::{AnswerBy, Event, What};
pub use runner::Runner;
