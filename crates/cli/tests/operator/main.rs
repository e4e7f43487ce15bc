//! The operator's commands, with an AWS that only pretends and remembers what it was told to change.

mod pretended;

mod acknowledge;
mod apply;
mod history;
mod report;
mod start;
mod stop;
mod watch;
mod wire;
