//! Lambda: functions as the binaries that ship, and the Invoke API.
//!
//! Purpose: the simulated machine calls the shipped binaries, each a process that is served the Lambda Runtime API.
//! Guarantees: one invocation at a time in an environment, which is used again when it ended well; a process ends at its
//! step's hard timeout and with its host; it gets the environment that the template gives it, and of ours only the PATH.
//! Effects: starts processes, writes a file of host names. Fails when: a binary is missing or does not start.

mod environment;
mod host;
mod invoke;
mod names;
mod runtime;

pub use host::{Host, HostError, HostOptions, own_variables};
pub use invoke::LambdaService;
pub use names::{functions_see_the_dns, with_fixed_names};
