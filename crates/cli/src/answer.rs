//! A person's answer to a run that waits for approval.
//!
//! Purpose: reads the newest question about a plan, shows what it is about, and answers it. Guarantees: what is malformed,
//! was never asked or has expired is refused before anything is sent; one answer is sent, once; the token is never shown.
//! Effects: one `SendTaskSuccess` in the Region of the run. Fails when: see [`Failure`].

use lifeboat_model::decide::{Answer, Decision, Unanswerable, answer_belongs_in};
use lifeboat_model::journal::Effect;
use lifeboat_model::plan::Name;
use lifeboat_model::{Period, Timestamp};
use lifeboat_ports::{Approvals, AskedApproval, CallError, Delivery};
use lifeboat_report::text::clean;
use serde_json::{Value, json};

use crate::exit::Failure;

/// What a person said on the command line, before it is known to be an answer.
#[derive(Clone, Debug)]
pub struct Said {
    /// Yes or no.
    pub decision: Decision,
    /// Who; `None` when neither the arguments nor the environment say so.
    pub by: Option<String>,
    /// Why.
    pub reason: String,
    /// The most data that may be lost.
    pub max_data_loss: Option<Period>,
}

impl Said {
    /// The answer that it is, by the rules of the step that will read it: what is refused here would end the run.
    ///
    /// # Errors
    /// Every problem of it, under the names of the options.
    pub fn into_answer(self) -> Result<Answer, Failure> {
        let Some(by) = self.by else {
            let problem = "--by: nothing found, expected a name; the environment has neither USER nor LOGNAME";
            return Err(Failure::Arguments(problem.to_owned()));
        };
        let Self { decision, reason, max_data_loss, .. } = self;
        let output = Answer { decision, by, reason, max_data_loss }.output();
        Answer::read(&output).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(|p| format!("--{p}")).collect();
            Failure::Arguments(problems.join("; "))
        })
    }
}

/// An open question about a plan, and where its answer belongs.
#[derive(Debug)]
pub struct Question {
    plan: Name,
    asked: AskedApproval,
    region: lifeboat_model::Region,
}

impl Question {
    /// The open question about `plan`.
    ///
    /// # Errors
    /// Nobody was asked, the time to answer is over, or the table did not answer.
    pub async fn about(plan: &Name, approvals: &dyn Approvals, now: Timestamp) -> Result<Self, Failure> {
        let asked = approvals.asked(plan).await.map_err(Failure::Call)?;
        let none = || format!("no run of plan {plan} waits for approval, by the table that was read");
        let asked = asked.ok_or_else(|| Failure::NotPossible(none()))?;
        match answer_belongs_in(&asked.run_id, asked.expires_at, now) {
            Ok(region) => Ok(Self { plan: plan.clone(), asked, region }),
            Err(Unanswerable::Expired) => Err(Failure::NotPossible(format!(
                "the question about plan {plan} expired at {}, and it is {now}; the run that asked, {}, ends Unchanged",
                asked.expires_at, asked.run_id
            ))),
            Err(Unanswerable::NoSuchRun) => Err(Failure::NotPossible(format!(
                "the question about plan {plan} is of {:?}, which is no execution; mend the item plan#{plan} approval",
                asked.run_id
            ))),
        }
    }

    /// What it is about, for a person.
    pub fn in_lines(&self) -> String {
        let Self { plan, asked, .. } = self;
        format!(
            "plan     {plan}\nrun      {}\nasked    {}\nexpires  {}\n",
            clean(&asked.run_id),
            asked.asked_at,
            asked.expires_at
        )
    }

    /// What it is about and what was answered, for a script.
    pub fn as_json(&self, answer: &Answer) -> Value {
        json!({
            "plan": self.plan,
            "run": self.asked.run_id,
            "asked_at": self.asked.asked_at,
            "expires_at": self.asked.expires_at,
            "answer": answer.output(),
        })
    }

    /// Answers it.
    ///
    /// # Errors
    /// The question is no longer open, AWS refused, or nobody knows.
    pub async fn answer(&self, answer: &Answer, approvals: &dyn Approvals) -> Result<(), Failure> {
        let run = &self.asked.run_id;
        match approvals.answer(&self.region, &self.asked.token, &answer.output()).await {
            Ok(Delivery::Taken) => Ok(()),
            Ok(Delivery::NotOpen) => Err(Failure::NotPossible(format!(
                "the question about plan {} is no longer open: it was answered, its time is over, or its run ended or asked \
                 again; look at the run, {run}",
                self.plan
            ))),
            Err(error) => Err(failed(run, error)),
        }
    }
}

fn failed(run: &str, error: CallError) -> Failure {
    match error.effect() {
        Effect::None => Failure::Call(error),
        Effect::Unknown | Effect::Accepted => Failure::FateUnknown { run: run.to_owned(), error: Box::new(error) },
    }
}

/// What happens next, for a person.
pub fn outlook(answer: &Answer) -> String {
    match (answer.decision, answer.max_data_loss) {
        (Decision::Deny, _) => "denied: the run ends and changes nothing\n".to_owned(),
        (Decision::Approve, Some(bound)) => {
            format!("approved: the run assesses everything anew, and goes on unless more than {bound} would be lost\n")
        }
        (Decision::Approve, None) => {
            "approved: the run assesses everything anew; what may be lost is what the plan's consent says, if one holds\n"
                .to_owned()
        }
    }
}
