//! The `lifeboat` command: drills the shipped state machine in a simulated world, checks and stores plans, starts, follows,
//! answers and stops runs.
//!
//! Guarantees: what a drill writes depends on the plan, the scenario, the mode, the direction and the seed, and on
//! nothing else: no clock, no path, no network. Standard output carries results, standard error progress and problems.
//! Architecture invariants: a drill compiles no AWS SDK and no server. What calls AWS is in a binary built with the feature
//! `aws`, in `answer_command` and `operator`; what serves a simulated world on loopback in one with the feature `simulate`. Whoever uses it needs their own permission; no task token is printed. No picture, table
//! or report decides anything; the report of the simulator is the only source of what they show.

pub mod answer;
mod answer_command;
pub mod args;
#[cfg(feature = "aws")]
mod aws;
mod cause;
mod compare_command;
pub mod compare_picture;
pub mod compare_table;
mod drill_command;
pub mod exit;
pub mod html;
mod live;
#[cfg(feature = "aws")]
pub mod operator;
mod pages;
pub mod picture;
mod plan_command;
pub mod plan_file;
pub mod plan_parameters;
pub mod plan_show;
pub mod schema;
mod simulate_command;
mod story;
pub mod summary;
pub mod who;
mod yaml;

use args::{Args, Command, Rehearsal};
use exit::{Exit, Failure};

/// The state machine that ships, and that is drilled.
pub const MACHINE: &str = include_str!("../../../statemachine/failover.asl.json");

/// Runs the command. What goes wrong is told on standard error.
pub fn run(args: Args) -> Exit {
    let done = match args.command {
        Command::Drill(args) => drill_command::run(&args),
        Command::Compare(args) => compare_command::run(&args),
        Command::Rehearse(args) => match args.into_rehearsal() {
            Ok(Rehearsal::Drill(args)) => drill_command::run(&args),
            Ok(Rehearsal::Run(args)) => operator::rehearse(&args),
            Err(failure) => Err(failure),
        },
        Command::Start(args) => operator::start(&args),
        Command::Watch(args) => operator::watch(&args),
        Command::Approve(args) => answer_command::approve(&args),
        Command::Deny(args) => answer_command::deny(&args),
        Command::Simulate(args) => simulate_command::run(&args),
        Command::Stop(args) => operator::stop(&args),
        Command::Resume(args) => operator::resume(&args),
        Command::Acknowledge(args) => operator::acknowledge(&args),
        Command::History(args) => operator::history(&args),
        Command::Report(args) => operator::report(&args),
        Command::Completions { shell } => pages::completions(shell),
        Command::Man { out } => pages::man(out.as_deref()),
        Command::Plan(args) => plan_command::run(&args),
    };
    done.unwrap_or_else(|failure: Failure| {
        // It may hold the words of a plan, of a service or of somebody who gave a reason.
        eprintln!("{}", lifeboat_report::text::clean_lines(&failure.to_string()));
        failure.exit()
    })
}

/// What a binary without AWS says of the commands that need it.
#[cfg(not(feature = "aws"))]
mod operator {
    use crate::args::{
        AcknowledgeArgs, ApplyArgs, HistoryArgs, ReportArgs, ResumeArgs, StartArgs, StopArgs, WatchArgs,
    };
    use crate::exit::{Exit, Failure};

    macro_rules! without_aws {
        ($($command:ident($args:ty)),+) => {
            $(pub(crate) fn $command(_: &$args) -> Result<Exit, Failure> { Err(Failure::WithoutAws) })+
        };
    }

    without_aws!(
        rehearse(StartArgs),
        start(StartArgs),
        watch(WatchArgs),
        stop(StopArgs),
        resume(ResumeArgs),
        acknowledge(AcknowledgeArgs),
        history(HistoryArgs),
        report(ReportArgs),
        apply(ApplyArgs)
    );
}
