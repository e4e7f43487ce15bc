//! `lifeboat approve` and `lifeboat deny`: arguments and environment made into a question and its answer.

use lifeboat_model::decide::{Answer, Decision};

use crate::answer::Said;
use crate::args::{AnswerArgs, ApproveArgs};
use crate::exit::{Exit, Failure};
use crate::who::user;

pub(crate) fn approve(args: &ApproveArgs) -> Result<Exit, Failure> {
    let said = said(Decision::Approve, &args.answer);
    send(&args.answer, &Said { max_data_loss: args.max_data_loss, ..said }.into_answer()?)
}

pub(crate) fn deny(args: &AnswerArgs) -> Result<Exit, Failure> {
    send(args, &said(Decision::Deny, args).into_answer()?)
}

fn said(decision: Decision, args: &AnswerArgs) -> Said {
    Said { decision, by: args.by.clone().or_else(user), reason: args.reason.clone(), max_data_loss: None }
}

#[cfg(not(feature = "aws"))]
fn send(_: &AnswerArgs, _: &Answer) -> Result<Exit, Failure> {
    Err(Failure::WithoutAws)
}

#[cfg(feature = "aws")]
fn send(args: &AnswerArgs, answer: &Answer) -> Result<Exit, Failure> {
    let environment = crate::aws::environment(&args.aws, None, None)?;
    crate::aws::block_on(ask_and_answer(args, answer, &environment))
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

    let approvals = lifeboat_aws::SfnApprovals::new(environment).map_err(crate::aws::wrong)?;
    let question = Question::about(&args.plan, &approvals, lifeboat_aws::SystemClock.now()).await?;
    if !args.aws.json {
        print(&question.in_lines())?;
    }
    question.answer(answer, &approvals).await?;
    print(&if args.aws.json { format!("{:#}\n", question.as_json(answer)) } else { outlook(answer) })?;
    Ok(Exit::AsExpected)
}
