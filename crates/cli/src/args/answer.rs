//! The arguments of an answer to a run that asks.

use lifeboat_model::Period;
use lifeboat_model::plan::Name;

use super::{AwsArgs, parse};

/// A yes.
#[derive(Debug, clap::Args)]
pub struct ApproveArgs {
    /// The question, and who answers it.
    #[command(flatten)]
    pub answer: AnswerArgs,
    /// The most data that may be lost, as time, such as 30s: the consent for this run [default: the plan's, if one holds]
    #[arg(long, value_name = "PERIOD", value_parser = parse::<Period>)]
    pub max_data_loss: Option<Period>,
}

/// Which question is answered, by whom, and where it is found.
#[derive(Debug, clap::Args)]
pub struct AnswerArgs {
    /// The plan's name
    #[arg(value_parser = parse::<Name>)]
    pub plan: Name,
    /// Why; it stands in the journal and in the report
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who answers [default: USER or LOGNAME of the environment]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// AWS; `--region` is where the question is read: the target, as the source is down.
    #[command(flatten)]
    pub aws: AwsArgs,
}
