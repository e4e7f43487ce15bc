//! What a person's answer makes of a run that waits for it.

use std::str::FromStr;

use serde_json::json;

use crate::lock::{Approval, Lock};
use crate::plan::{Consent, bounded_text};
use crate::read::{Cursor, Expected, Node, Problem, Problems};
use crate::request::Mode;
use crate::{Arn, Period, Reason, ReasonCode, Region, Timestamp};

/// How long a consent that comes with an approval holds: for this run, and not for another night.
pub const CONSENT_OF_APPROVAL: Period = Period::seconds(3600);

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Yes or no.
    pub decision: Decision,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The most data that may be lost, as time: the consent that a failover needs and the plan may lack.
    pub max_data_loss: Option<Period>,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Approve,
    /// Stop; nothing has been changed.
    Deny,
}

impl Decision {
    /// The word for it in an answer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        }
    }
}

impl FromStr for Decision {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text {
            "approve" => Ok(Self::Approve),
            "deny" => Ok(Self::Deny),
            _ => Err(Expected("approve or deny")),
        }
    }
}

impl Answer {
    /// Reads an answer, as `SendTaskSuccess` brought it.
    ///
    /// # Errors
    /// Every problem of it.
    pub fn read(output: &serde_json::Value) -> Result<Self, Vec<Problem>> {
        let document = Node::from(output);
        let problems = Problems::default();
        let answer = read_answer(&problems.root("answer", &document));
        match (answer, problems.into_sorted()) {
            (Some(answer), problems) if problems.is_empty() => Ok(answer),
            (_, problems) => Err(problems),
        }
    }
}

impl Answer {
    /// The answer as `SendTaskSuccess` takes it; [`Answer::read`] reads it again.
    pub fn output(&self) -> serde_json::Value {
        let mut output = json!({"decision": self.decision.as_str(), "by": self.by, "reason": self.reason});
        if let Some(bound) = self.max_data_loss {
            output["max_data_loss"] = json!(bound);
        }
        output
    }
}

/// Why a question cannot be answered, before anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswerable {
    /// Its time is over.
    Expired,
    /// The run that asked is no execution of a Region, so that nobody knows where the answer belongs.
    NoSuchRun,
}

/// Decides where an answer to the question of `run_id`, which counts until `expires_at`, has to be sent: to the Region in
/// which the run executes, since a task token is worth nothing anywhere else.
///
/// # Errors
/// The question cannot be answered.
pub fn answer_belongs_in(run_id: &str, expires_at: Timestamp, now: Timestamp) -> Result<Region, Unanswerable> {
    let run: Arn = run_id.parse().map_err(|_| Unanswerable::NoSuchRun)?;
    let is_execution = run.service() == "states" && run.resource().starts_with("execution:");
    let region = run.region().parse().ok().filter(|_| is_execution).ok_or(Unanswerable::NoSuchRun)?;
    if now < expires_at { Ok(region) } else { Err(Unanswerable::Expired) }
}

fn read_answer(root: &Cursor<'_>) -> Option<Answer> {
    let f = root.fields(&["decision", "by", "reason", "max_data_loss"])?;
    let decision = f.required("decision").and_then(|c| c.parse());
    let by = f.required("by").and_then(|c| bounded_text(&c, 200));
    let reason = f.required("reason").and_then(|c| bounded_text(&c, 500));
    let max_data_loss = f.or("max_data_loss", None, |c| c.parse().map(Some));
    Some(Answer { decision: decision?, by: by?, reason: reason?, max_data_loss: max_data_loss? })
}

/// What becomes of the run's lock.
#[derive(Clone, Debug, PartialEq)]
pub enum Answered {
    /// Store this: the run may go on, under a consent that is its own.
    Go(Box<Lock>),
    /// The answer is recorded already.
    Already,
    /// The run ends.
    Stop(Reason),
}

/// Decides what `answer` makes of the run that holds `lock`. A consent that comes with it is scoped to this run, since it
/// stands in the run's lock, to the bound that was given, and to an hour (S6).
pub fn approve(lock: &Lock, answer: &Answer, now: Timestamp) -> Answered {
    let who = format!("run {}", lock.run.run_id);
    match (&lock.run.approval, answer.decision) {
        (Approval::Given { .. } | Approval::NotNeeded, _) => return Answered::Already,
        (Approval::Awaited, Decision::Deny) => {
            let detail = format!("{} denied it: {}", answer.by, answer.reason);
            return Answered::Stop(Reason::new(ReasonCode::ApprovalDenied, who, detail));
        }
        (Approval::Awaited, Decision::Approve) => {}
    }
    let given = answer.max_data_loss.map(|max_data_loss| Consent {
        max_data_loss,
        accepted_by: answer.by.clone(),
        reason: answer.reason.clone(),
        expires: now.plus(CONSENT_OF_APPROVAL),
    });
    let standing = lock.run.consent.clone().filter(|c| c.expires > now);
    let consent = match (lock.run.mode, given.or(standing)) {
        (Mode::Switchover, _) => None,
        (Mode::Failover, Some(consent)) => Some(consent),
        (Mode::Failover, None) => {
            let detail = "the approval names no max_data_loss, and the plan has no consent that holds";
            return Answered::Stop(Reason::new(ReasonCode::ConsentMissing, who, detail));
        }
    };
    let mut lock = lock.clone();
    lock.run.consent = consent;
    lock.run.approval = Approval::Given { by: answer.by.clone(), reason: answer.reason.clone(), at: now };
    Answered::Go(Box::new(lock))
}
