//! The commands with which a person starts, follows, stops and acknowledges runs, and stores plans.
//!
//! Purpose: each command is a file: what was typed becomes rich types, is held against what AWS says, shown, and done.
//! Guarantees: what is malformed or cannot be is refused before anything is changed, with what to do instead; one call
//! changes something, once; of a call whose fate nobody knows, that is said.
//! Effects: those of the ports in `lifeboat_ports` that a command takes. Fails when: see [`Failure`].
//!
//! `command` is the shell: it makes the adapters, asks the person and prints. The rest is tested with ports that pretend.

pub mod acknowledge;
pub mod apply;
mod command;
pub mod diff;
pub mod history;
pub mod report;
pub mod start;
pub mod stop;
pub mod stored;
pub mod watch;

use serde_json::Value;

use crate::exit::Failure;

pub(crate) use command::{acknowledge, apply, history, rehearse, report, resume, start, stop, watch};

/// What a command has to say in the end: to a person, and to a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// For a person.
    pub text: String,
    /// For a script.
    pub json: Value,
}

/// Shows a person what is about to be done, and asks whether to do it. An error when they said no or cannot be asked.
pub type Confirm<'a> = &'a dyn Fn(&str) -> Result<(), Failure>;
