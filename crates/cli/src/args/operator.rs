//! The arguments of the commands that start, follow and stop runs.

use std::path::PathBuf;

use lifeboat_model::execution::{ExecutionArn, StateMachine};
use lifeboat_model::plan::Name;
use lifeboat_model::request::Mode;
use lifeboat_model::{Period, Region};

use super::{mode_parser, parse};

/// Where Lifeboat is, the same for every command that calls AWS. Credentials come from the environment only:
/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "AWS")]
pub struct AwsArgs {
    /// The Region that is asked: the one that shall serve, or does [default: AWS_REGION or AWS_DEFAULT_REGION]
    #[arg(long, value_name = "REGION", value_parser = parse::<Region>)]
    pub region: Option<Region>,
    /// The table's name [default: LIFEBOAT_TABLE, or lifeboat]
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,
    /// The table's Region, where it has no replica in --region [default: LIFEBOAT_TABLE_REGION, or that Region]
    #[arg(long, value_name = "REGION", value_parser = parse::<Region>)]
    pub table_region: Option<Region>,
    /// The state machine: its name, if it is in the account of the plan's databases, or its ARN in either Region
    /// [default: LIFEBOAT_STATE_MACHINE, or lifeboat-failover]
    #[arg(long, value_name = "NAME|ARN", value_parser = parse::<StateMachine>)]
    pub state_machine: Option<StateMachine>,
    /// The bucket of the reports in --region: the stack's output ReportsBucket [default: LIFEBOAT_BUCKET]
    #[arg(long, value_name = "NAME")]
    pub bucket: Option<String>,
    /// Print JSON on standard output, and nothing else there
    #[arg(long)]
    pub json: bool,
}

/// Who says something, and why.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WhoArgs {
    /// Who says so [default: USER or LOGNAME of the environment]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// What a failover may lose.
#[derive(Clone, Debug, clap::Args)]
pub struct ConsentArgs {
    /// Of a failover: the most data that may be lost, as time, such as 30s. The run refuses when it would be more
    #[arg(long, value_name = "PERIOD", value_parser = parse::<Period>)]
    pub max_data_loss: Option<Period>,
    /// How long that consent holds from now
    #[arg(long, value_name = "PERIOD", value_parser = parse::<Period>, default_value = "1h")]
    pub expires: Period,
}

/// Which run to start.
#[derive(Clone, Debug, clap::Args)]
pub struct StartArgs {
    /// The plan's name
    #[arg(value_parser = parse::<Name>)]
    pub plan: Name,
    /// The Region that shall serve; the run executes there
    #[arg(long, value_name = "REGION", value_parser = parse::<Region>)]
    pub target: Region,
    /// How the workload is moved
    #[arg(long, value_parser = mode_parser())]
    pub mode: Mode,
    /// The consent.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Who and why.
    #[command(flatten)]
    pub who: WhoArgs,
    /// Do not ask; needed where nobody can be asked
    #[arg(long, short)]
    pub yes: bool,
    /// Follow it at once
    #[arg(long)]
    pub watch: bool,
    /// AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// Which run to follow.
#[derive(Clone, Debug, clap::Args)]
pub struct WatchArgs {
    /// The plan's name: the run that holds it, or else its newest
    #[arg(value_parser = parse::<Name>, required_unless_present = "run")]
    pub plan: Option<Name>,
    /// This run
    #[arg(long, value_name = "ARN", value_parser = parse::<ExecutionArn>, conflicts_with = "plan")]
    pub run: Option<ExecutionArn>,
    /// AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// What to stop.
#[derive(Clone, Debug, clap::Args)]
pub struct StopArgs {
    /// The plan's name
    #[arg(value_parser = parse::<Name>, required_unless_present = "all")]
    pub plan: Option<Name>,
    /// The runs of all plans
    #[arg(long, conflicts_with = "plan")]
    pub all: bool,
    /// Only the run under way, and only before its point of no return: it ends before its next change
    #[arg(long, requires = "plan")]
    pub run: bool,
    /// Who and why.
    #[command(flatten)]
    pub who: WhoArgs,
    /// AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// What to allow again.
#[derive(Clone, Debug, clap::Args)]
pub struct ResumeArgs {
    /// The plan's name
    #[arg(value_parser = parse::<Name>, required_unless_present = "all")]
    pub plan: Option<Name>,
    /// The runs of all plans
    #[arg(long, conflicts_with = "plan")]
    pub all: bool,
    /// Do not ask; needed where nobody can be asked
    #[arg(long, short)]
    pub yes: bool,
    /// AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// Which run is acknowledged.
#[derive(Clone, Debug, clap::Args)]
pub struct AcknowledgeArgs {
    /// The plan's name
    #[arg(value_parser = parse::<Name>)]
    pub plan: Name,
    /// Who and why.
    #[command(flatten)]
    pub who: WhoArgs,
    /// Do not ask; needed where nobody can be asked
    #[arg(long, short)]
    pub yes: bool,
    /// AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// Whose runs are listed.
#[derive(Clone, Debug, clap::Args)]
pub struct HistoryArgs {
    /// The plan's name
    #[arg(value_parser = parse::<Name>)]
    pub plan: Name,
    /// How many, at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub limit: u8,
    /// AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// Which report, and in which form.
#[derive(Clone, Debug, clap::Args)]
pub struct ReportArgs {
    /// The plan's name: its newest run that has ended
    #[arg(value_parser = parse::<Name>, required_unless_present = "run")]
    pub plan: Option<Name>,
    /// This run
    #[arg(long, value_name = "ARN", value_parser = parse::<ExecutionArn>)]
    pub run: Option<ExecutionArn>,
    /// The directory for report.html and report.json, instead of standard output
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The page
    #[arg(long, group = "form")]
    pub html: bool,
    /// Plain text, as it is sent to people; this unless another is asked for
    #[arg(long, group = "form")]
    pub text: bool,
    /// AWS; `--json` is a form of the report.
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// The plan to store.
#[derive(Clone, Debug, clap::Args)]
pub struct ApplyArgs {
    /// The plan
    pub file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,
    /// AWS.
    #[command(flatten)]
    pub aws: AwsArgs,
}
