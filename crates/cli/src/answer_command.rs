//! `lifeboat approve` and `lifeboat deny`: arguments and environment made into a question and its answer.

use lifeboat_model::decide::{Answer, Decision};

use crate::answer::Said;
use crate::args::{AnswerArgs, ApproveArgs};
use crate::exit::{Exit, Failure};

pub(crate) fn approve(args: &ApproveArgs) -> Result<Exit, Failure> {
    let said = said(Decision::Approve, &args.answer);
    send(&args.answer, &Said { max_data_loss: args.max_data_loss, ..said }.into_answer()?)
}

pub(crate) fn deny(args: &AnswerArgs) -> Result<Exit, Failure> {
    send(args, &said(Decision::Deny, args).into_answer()?)
}

fn said(decision: Decision, args: &AnswerArgs) -> Said {
    let user = || ["USER", "LOGNAME"].into_iter().find_map(set);
    Said { decision, by: args.by.clone().or_else(user), reason: args.reason.clone(), max_data_loss: None }
}

/// A variable of the environment. An empty one counts as missing.
fn set(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

#[cfg(not(feature = "aws"))]
fn send(_: &AnswerArgs, _: &Answer) -> Result<Exit, Failure> {
    Err(Failure::WithoutAws)
}

#[cfg(feature = "aws")]
fn send(args: &AnswerArgs, answer: &Answer) -> Result<Exit, Failure> {
    let environment = environment(args)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Failure::Environment(format!("failed to start a runtime: {e}")))?;
    runtime.block_on(ask_and_answer(args, answer, &environment))
}

#[cfg(feature = "aws")]
async fn ask_and_answer(
    args: &AnswerArgs,
    answer: &Answer,
    environment: &lifeboat_aws::Environment,
) -> Result<Exit, Failure> {
    use lifeboat_ports::Clock;

    use crate::answer::{Question, outlook};
    use crate::exit::print;

    let approvals = lifeboat_aws::SfnApprovals::new(environment).map_err(wrong)?;
    let question = Question::about(&args.plan, &approvals, lifeboat_aws::SystemClock.now()).await?;
    if !args.json {
        print(&question.in_lines())?;
    }
    question.answer(answer, &approvals).await?;
    print(&if args.json { format!("{:#}\n", question.as_json(answer)) } else { outlook(answer) })?;
    Ok(Exit::AsExpected)
}

#[cfg(feature = "aws")]
fn wrong(error: lifeboat_aws::ConfigError) -> Failure {
    Failure::Environment(format!("failed to {error}"))
}

/// What the adapters need: the arguments, and of the environment only what is AWS's own.
#[cfg(feature = "aws")]
fn environment(args: &AnswerArgs) -> Result<lifeboat_aws::Environment, Failure> {
    let named = args.region.as_ref().map(ToString::to_string);
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
        "LIFEBOAT_TABLE" => Some(args.table.clone()),
        "LIFEBOAT_TABLE_REGION" => args.table_region.as_ref().map(ToString::to_string),
        variable if variable.starts_with("AWS_") => set(variable),
        _ => None,
    };
    lifeboat_aws::Environment::read(lookup).map_err(wrong)
}
