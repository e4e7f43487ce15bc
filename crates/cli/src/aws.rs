//! Arguments and environment made into what the adapters need.
//!
//! Purpose: every command that calls AWS finds it in the same way. Guarantees: an option wins over its variable, a variable
//! over the default; what is missing or malformed is told before anything is sent. Effects: reads environment variables.
//! Fails when: Region, credentials or a name are missing or malformed.

use lifeboat_aws::{ConfigError, Environment};
use lifeboat_model::execution::StateMachine;
use lifeboat_model::{Arn, Region};

use crate::args::AwsArgs;
use crate::exit::{Exit, Failure};
use crate::who::set;

/// Runs `work` to its end on this thread.
pub(crate) fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Failure::Environment(format!("failed to start a runtime: {e}")))?.block_on(work)
}

pub(crate) fn wrong(error: ConfigError) -> Failure {
    Failure::Environment(format!("failed to {error}"))
}

/// What the adapters need in `region`, which is the one of the arguments unless given; with `state_machine` where runs are
/// started.
pub(crate) fn environment(
    args: &AwsArgs,
    region: Option<&Region>,
    state_machine: Option<&Arn>,
) -> Result<Environment, Failure> {
    let named = region.or(args.region.as_ref()).map(ToString::to_string);
    let Some(region) = named.or_else(|| ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(set)) else {
        let problem = "--region: nothing found, expected the Region that shall serve; or set AWS_REGION";
        return Err(Failure::Environment(problem.to_owned()));
    };
    if let Some(missing) = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].into_iter().find(|v| set(v).is_none()) {
        return Err(Failure::Environment(format!(
            "{missing} is not set, and profiles and SSO are not read; the AWS CLI puts them into the environment: \
             eval \"$(aws configure export-credentials --format env)\""
        )));
    }
    let lookup = |variable: &str| match variable {
        "AWS_REGION" => Some(region.clone()),
        "LIFEBOAT_TABLE" => Some(args.table.clone().or_else(|| set(variable)).unwrap_or_else(|| "lifeboat".to_owned())),
        "LIFEBOAT_TABLE_REGION" => args.table_region.as_ref().map(ToString::to_string).or_else(|| set(variable)),
        "LIFEBOAT_BUCKET" => args.bucket.clone().or_else(|| set(variable)),
        "LIFEBOAT_STATE_MACHINE" => state_machine.map(ToString::to_string),
        variable if variable.starts_with("AWS_") => set(variable),
        _ => None,
    };
    Environment::read(lookup).map_err(wrong)
}

/// The state machine that is meant.
pub(crate) fn state_machine(args: &AwsArgs) -> Result<StateMachine, Failure> {
    match (&args.state_machine, set("LIFEBOAT_STATE_MACHINE")) {
        (Some(named), _) => Ok(named.clone()),
        (None, Some(text)) => text
            .parse()
            .map_err(|expected| Failure::Environment(format!("LIFEBOAT_STATE_MACHINE: {text:?} found, {expected}"))),
        (None, None) => Ok(StateMachine::Named("lifeboat-failover".to_owned())),
    }
}
