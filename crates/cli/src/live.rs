//! Progress of a drill on standard error: a view that moves on a terminal, lines elsewhere.
//!
//! A drill takes milliseconds, too quick to be watched: it is played first and shown afterwards, on a terminal at a pace
//! that an eye can follow, elsewhere at once. Standard output is never touched.

mod board;
mod lines;
pub(crate) mod rows;
mod screen;
pub(crate) mod steps;

use std::io::{self, IsTerminal};

use lifeboat_model::Plan;
use lifeboat_model::report::Report;
use lifeboat_simulator::world::Happening;

/// Something that happened, and when, in seconds since the drill began.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) at_s: f64,
    pub(crate) happening: Happening,
}

/// Shows what happened, in the way that suits whoever looks.
pub(crate) fn show(report: &Report, plan: &Plan, moments: &[Moment]) {
    if io::stderr().is_terminal() {
        screen::show(report, plan, moments);
    } else {
        lines::show(report, moments);
    }
}
