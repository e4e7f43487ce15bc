//! The command line.

mod answer;
mod operator;
mod rehearse;
mod simulate;

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use lifeboat_model::read::Expected;
use lifeboat_model::request::Mode;
use lifeboat_model::{Direction, Plan, Region};
use lifeboat_simulator::explore::Choices;
use lifeboat_simulator::world::clients::CLIENTS;
use lifeboat_simulator::{Order, Scenario};

pub use self::answer::{AnswerArgs, ApproveArgs};
pub use self::operator::{
    AcknowledgeArgs, ApplyArgs, AwsArgs, ConsentArgs, HistoryArgs, ReportArgs, ResumeArgs, StartArgs, StopArgs,
    WatchArgs, WhoArgs,
};
pub use self::rehearse::{Rehearsal, RehearseArgs};
pub use self::simulate::SimulateArgs;
use crate::exit::{EXIT_CODES, Failure};

/// How a binary gets to AWS, as the help of each command that needs it tells.
const NEEDS_AWS: &str = "Needs a binary built with AWS (--features aws) and credentials in the environment: \
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, if they are temporary, AWS_SESSION_TOKEN. Profiles and SSO are not read; \
    the AWS CLI puts them there: eval \"$(aws configure export-credentials --format env)\"";

/// Fails a two-Region AWS workload over, and back.
#[derive(Debug, Parser)]
#[command(name = "lifeboat", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the command can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plays an outage against the shipped state machine, on this machine, and reports what happened
    ///
    /// Nothing is called outside this machine. The same plan, scenario, mode and seed give the same report, to the byte.
    #[command(after_help = EXIT_CODES)]
    Drill(DrillArgs),
    /// Plays the same outages by our order and by two published ones, and prints what each cost
    ///
    /// Nothing is called outside this machine. The same plan, scenario and number of seeds give the same table and picture,
    /// to the byte.
    #[command(after_help = EXIT_CODES)]
    Compare(CompareArgs),
    /// Walks through a run that changes nothing: what it would call, lose and take
    ///
    /// Every step reads, decides, and says what it would call with which parameters. With --drill in the simulated world, on
    /// this machine; without, against AWS, by the state machine in the target Region.
    #[command(after_help = EXIT_CODES)]
    Rehearse(RehearseArgs),
    /// Starts a run in the target Region
    ///
    /// A switchover loses nothing and needs both Regions well. A failover is for a source that is down, and needs your consent
    /// to a bounded loss of data: --max-data-loss and --reason. It says what it will do and asks.
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    Start(StartArgs),
    /// Follows a run until it ends
    ///
    /// A live view on a terminal, elsewhere a line for each thing that happens. It only looks: ending it leaves the run alone.
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    Watch(WatchArgs),
    /// Says yes to a run that waits for approval
    ///
    /// After a yes the run assesses everything anew, and refuses when more would be lost than --max-data-loss.
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    Approve(ApproveArgs),
    /// Says no to a run that waits for approval: it ends, and nothing is changed
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    Deny(AnswerArgs),
    /// Serves a simulated world on this machine: the AWS CLI, SDKs and the functions talk to it as they talk to AWS
    ///
    /// Needs a binary built with it (--features simulate). It listens on loopback and calls nobody, keeps pace with this
    /// machine's clock, and lives until it is ended with Ctrl-C or SIGTERM. What AWS has no operation for is done on the
    /// same port: GET /simulator/state; POST /simulator/break, mend, fault, lag and endpoint.
    #[command(after_help = EXIT_CODES)]
    Simulate(SimulateArgs),
    /// Sets the kill switch: no run starts, and one under way changes nothing more
    ///
    /// It does not stop what AWS has already accepted, and a run past its point of no return is left half-way: of such a one a
    /// person has to see to the rest. With --run only the run under way ends, only before its point of no return, and others
    /// may start.
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    Stop(StopArgs),
    /// Clears the kill switch: runs are allowed again
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    Resume(ResumeArgs),
    /// Says that a person has looked at the last run: ends its cool-down, or lets runs start after a NeedsOperator
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    Acknowledge(AcknowledgeArgs),
    /// Lists a plan's runs of both Regions, newest first
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    History(HistoryArgs),
    /// Gets the report of a run: as it was stored, or made anew from the run's journal
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    Report(ReportArgs),
    /// Reads and stores plans
    #[command(subcommand, after_help = EXIT_CODES)]
    Plan(PlanCommand),
    /// Prints what makes a shell complete this command
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Prints the manual page, or writes one for each command
    Man {
        /// The directory for the pages
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

fn after_aws() -> String {
    format!("{NEEDS_AWS}\n\n{EXIT_CODES}")
}

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// What to drill, and where the report goes.
#[derive(Debug, Default, clap::Args)]
pub struct DrillArgs {
    /// What happens [default: regional-outage; with --mode switchover: planned-switchover]
    #[arg(long, value_name = "NAME", value_parser = scenario_parser(), hide_default_value = true)]
    pub scenario: Option<Scenario>,
    /// How the workload is moved [default: as the scenario asks]
    #[arg(long, value_parser = mode_parser())]
    pub mode: Option<Mode>,
    /// Who moves the workload; the others than ours only in regional-outage and planned-switchover
    #[arg(long, value_name = "NAME", value_parser = order_parser(), default_value = Order::Lifeboat.name())]
    pub order: Order,
    /// The Region that serves when the drill begins [default: the plan's first; with --scenario failback its second]
    #[arg(long, value_name = "REGION", value_parser = parse::<Region>)]
    pub source: Option<Region>,
    /// Every chance in the drill is drawn from it
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,
    /// How many clients make requests
    #[arg(long, value_name = "N", default_value_t = CLIENTS, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub clients: u16,
    /// What takes AWS seconds takes the simulated services a tenth of it
    #[arg(long)]
    pub quick_services: bool,
    /// What goes wrong at which call, as a failed test of the exploration prints it: 17:lost-reply,42:kill-switch
    #[arg(long, value_name = "LIST", value_parser = Choices::from_str)]
    pub choices: Option<Choices>,
    /// The plan [default: the example, plans/retail-store.yaml, which is built in]
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The directory for report.html and report.json
    #[arg(long, value_name = "DIR", default_value = "out/drill")]
    pub out: PathBuf,
    /// Print the report as JSON on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
    /// No progress on standard error; the summary only
    #[arg(long)]
    pub quiet: bool,
    /// Write the picture of the timeline to this file, and no report
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Print the JSON Schema of the report, and drill nothing
    #[arg(long)]
    pub schema: bool,
}

/// What to compare, and where the results go.
#[derive(Debug, clap::Args)]
pub struct CompareArgs {
    /// How many drills each order plays, with the seeds from 1
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub seeds: u64,
    /// What happens: regional-outage or planned-switchover
    #[arg(long, value_name = "NAME", value_parser = scenario_parser(), default_value = Scenario::RegionalOutage.name(),
        hide_possible_values = true)]
    pub scenario: Scenario,
    /// The plan [default: the example, plans/retail-store.yaml, which is built in]
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Print the comparison as JSON on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Write the picture to this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write the table to this file, as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// What can be done with a plan. FILE is the example, plans/retail-store.yaml, unless given.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Names every problem of a plan at once, as file:line: field: value found, expected ...
    Check {
        /// The plan [default: the example, which is built in]
        file: Option<PathBuf>,
        /// Print the result as JSON: {"good": ..., "problems": [...]}
        #[arg(long)]
        json: bool,
    },
    /// Prints a plan as it was read, with the defaults filled in
    Show {
        /// The plan [default: the example, which is built in]
        file: Option<PathBuf>,
        /// As JSON instead of YAML
        #[arg(long)]
        json: bool,
    },
    /// Prints what the stacks of template.yaml need of a plan as their parameters, as JSON: {"us-east-1": {...}, ...}
    Parameters {
        /// The plan [default: the example, which is built in]
        file: Option<PathBuf>,
    },
    /// Stores a plan in the table, as a new version, and puts it in force; says what changed
    ///
    /// A plan that is stored already, field for field, is left as it is. A run under way keeps to the version that it was
    /// admitted with.
    #[command(after_help = EXIT_CODES, after_long_help = after_aws())]
    Apply(ApplyArgs),
    /// Prints the JSON Schema of plans
    Schema,
}

fn scenario_parser() -> impl TypedValueParser<Value = Scenario> {
    let values = Scenario::ALL.map(|s| PossibleValue::new(s.name()).help(s.about()));
    PossibleValuesParser::new(values).try_map(|name| scenario_named(&name).ok_or("no such scenario"))
}

/// The scenario called `name`.
pub fn scenario_named(name: &str) -> Option<Scenario> {
    Scenario::ALL.into_iter().find(|s| s.name() == name)
}

fn order_parser() -> impl TypedValueParser<Value = Order> {
    let values = Order::ALL.map(|o| PossibleValue::new(o.name()).help(o.about()));
    PossibleValuesParser::new(values)
        .try_map(|name| Order::ALL.into_iter().find(|o| o.name() == name).ok_or("no such order"))
}

fn mode_parser() -> impl TypedValueParser<Value = Mode> {
    let values = [
        PossibleValue::new(Mode::Failover.as_str())
            .help("the source is down; a person accepted a bounded loss of data"),
        PossibleValue::new(Mode::Switchover.as_str()).help("planned: replication catches up first, nothing is lost"),
    ];
    PossibleValuesParser::new(values).try_map(|name| name.parse().map_err(|e: Expected| e.to_string()))
}

fn parse<T: FromStr<Err = Expected>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: Expected| e.to_string())
}

impl DrillArgs {
    /// The scenario and the mode that are meant.
    ///
    /// # Errors
    /// The two cannot be drilled together.
    pub fn what(&self) -> Result<(Scenario, Mode), Failure> {
        let scenario = self.scenario.unwrap_or(match self.mode {
            Some(Mode::Switchover) => Scenario::PlannedSwitchover,
            Some(Mode::Failover) | None => Scenario::RegionalOutage,
        });
        let mode = self.mode.unwrap_or(scenario.mode());
        if self.order.plays(scenario, mode) {
            return Ok((scenario, mode));
        }
        if scenario.expected(mode).is_some() {
            let drills = Scenario::ALL.map(|s| self.order.plays(s, s.mode()).then_some(s.name()));
            return Err(Failure::Arguments(format!(
                "--order {} cannot be drilled with --scenario {} and --mode {}; possible: {}, each in its own mode",
                self.order.name(),
                scenario.name(),
                mode.as_str(),
                listed(&drills),
            )));
        }
        let modes = [Mode::Failover, Mode::Switchover].map(|m| scenario.expected(m).map(|_| m.as_str()));
        let others = Scenario::ALL.map(|s| s.expected(mode).map(|_| s.name()));
        Err(Failure::Arguments(format!(
            "--scenario {scenario} cannot be drilled with --mode {mode}; with --scenario {scenario} possible: {modes}; \
             with --mode {mode} possible: {others}",
            scenario = scenario.name(),
            mode = mode.as_str(),
            modes = listed(&modes),
            others = listed(&others),
        )))
    }

    /// From where to where, by `plan`.
    ///
    /// # Errors
    /// `--source` is not a Region of the plan.
    pub fn direction(&self, scenario: Scenario, plan: &Plan) -> Result<Direction, Failure> {
        let [first, second] = &plan.regions;
        let begins = if scenario.begins_away_from_home() { second } else { first };
        direction_from(self.source.as_ref().unwrap_or(begins), plan)
    }
}

fn direction_from(source: &Region, plan: &Plan) -> Result<Direction, Failure> {
    let [first, second] = plan.regions.clone();
    match source {
        s if *s == first => Ok(Direction { source: first, target: second }),
        s if *s == second => Ok(Direction { source: second, target: first }),
        other => Err(Failure::Arguments(format!(
            "--source: {other} found, expected {first} or {second}, the Regions of plan {}",
            plan.name
        ))),
    }
}

fn listed(words: &[Option<&str>]) -> String {
    words.iter().flatten().copied().collect::<Vec<_>>().join(", ")
}
