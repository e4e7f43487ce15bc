//! The `lifeboat` command: drills the shipped state machine in a simulated world, reads plans, and answers a run that asks.
//!
//! Guarantees: what a drill writes depends on the plan, the scenario, the mode, the direction and the seed, and on
//! nothing else: no clock, no path, no network. Standard output carries results, standard error progress and problems.
//! Architecture invariant: only `approve` and `deny` call AWS, and only in a binary built with the feature `aws`: a drill
//! compiles no AWS SDK, and no server, which stands behind the feature `simulate` and listens on loopback. Whoever answers needs their own permission; no task token is printed. No picture, table or report decides anything; the report of the
//! simulator is the only source of what they show.

pub mod answer;
mod answer_command;
pub mod args;
mod cause;
mod compare_command;
pub mod compare_picture;
pub mod compare_table;
mod drill_command;
pub mod exit;
pub mod html;
mod live;
pub mod picture;
mod plan_command;
pub mod plan_file;
pub mod schema;
mod simulate_command;
mod story;
pub mod summary;
mod yaml;

use args::{Args, Command};
use exit::{Exit, Failure};

/// The state machine that ships, and that is drilled.
pub const MACHINE: &str = include_str!("../../../statemachine/failover.asl.json");

/// Runs the command. What goes wrong is told on standard error.
pub fn run(args: Args) -> Exit {
    let done = match args.command {
        Command::Drill(args) => drill_command::run(&args),
        Command::Compare(args) => compare_command::run(&args),
        Command::Rehearse(args) => drill_command::run(&args.into_drill()),
        Command::Approve(args) => answer_command::approve(&args),
        Command::Deny(args) => answer_command::deny(&args),
        Command::Simulate(args) => simulate_command::run(&args),
        Command::Plan(args) => plan_command::run(&args),
    };
    done.unwrap_or_else(|failure: Failure| {
        eprintln!("{failure}");
        failure.exit()
    })
}
