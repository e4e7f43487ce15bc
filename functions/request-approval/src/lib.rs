//! `request-approval`: asks a person whether a run that an alarm started may go on, and records the answer.
//!
//! Purpose: the verdict, what would be lost and how long it would take, and how to answer, go to the people who decide. The
//! state waits for `SendTaskSuccess` with the answer, and expires; then the step is called again with the answer.
//! Guarantees: never decides by itself; an answer that cannot be read is a problem that names its field, not a yes; a
//! consent that comes with it holds for this run, its bound and an hour (S6).
//! Effects: lease until the answer is due; the question in the table and to the topic; the answer in lock and journal.
//! Fails when: `Rejected` (answer), `Refused` (approval-denied, consent-missing), `Transient` (table or topic silent).

mod question;

use lifeboat_model::decide::{Answer, Answered, approve};
use lifeboat_model::journal::{Note, newest_verdict};
use lifeboat_model::limits::{CALL_TIMEOUT, LEASE, READ_TIMEOUT, Step};
use lifeboat_model::{ReasonCode, StepError};
use lifeboat_ports::{AskedApproval, Clock, Ledger, Notices, Swap, timely};
use lifeboat_step::{Reply, Run, RunRef, parse};
use serde::Deserialize;
use serde_json::{Value, json};

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The topic.
    pub notices: &'a dyn Notices,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    run: RunRef,
    /// The task token, when the question is to be asked.
    #[serde(default)]
    token: Option<String>,
    /// The answer, when it has come.
    #[serde(default)]
    answer: Option<Value>,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let event: Event = parse(&event)?;
    let run = Run::enter(event.run, ports.ledger, ports.clock).await?;
    match (event.token, event.answer) {
        (Some(token), None) => ask(&run, token, ports).await,
        (None, Some(answer)) => record(&run, &answer, ports).await,
        (Some(_), Some(_)) | (None, None) => {
            Err(StepError::malformed("event", "a token and an answer, or neither", "one of the two"))
        }
    }
}

async fn ask(run: &Run, token: String, ports: &Ports<'_>) -> Result<Value, StepError> {
    let journal = run.journal(ports.ledger, ports.clock).await?;
    let verdict = newest_verdict(&journal).ok_or_else(|| {
        let plan = format!("plan {}", run.plan.name);
        StepError::refused(ReasonCode::VerdictStale, plan, "there is no verdict in the journal to ask about")
    })?;
    let asked_at = ports.clock.now();
    let expires_at = asked_at.plus(run.plan.limits.approval);
    // The run gives no sign of life while it waits for a person.
    run.hold_until(expires_at.plus(LEASE), ports.ledger, ports.clock).await?;
    let asked = AskedApproval { run_id: run.reference.run_id.clone(), token, asked_at, expires_at };
    let question = ports.ledger.ask_approval(&run.plan.name, &asked);
    timely(ports.clock, READ_TIMEOUT, "dynamodb:PutItem", "the table", question)
        .await
        .map_err(|e| StepError::Transient(e.to_string()))?;
    let (subject, body) = question::of(run, verdict, expires_at);
    let told = ports.notices.publish(&subject, &body);
    // Asked twice is better than not asked: a message of unknown fate is sent again.
    timely(ports.clock, CALL_TIMEOUT, "sns:Publish", run.target(), told).await.map_err(|e| e.while_changing())?;
    Reply::done(false, json!({"asked_at": asked_at, "expires_at": expires_at})).into_json()
}

async fn record(run: &Run, answer: &Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let answer = Answer::read(answer).map_err(StepError::Rejected)?;
    let new = match approve(&run.lock, &answer, ports.clock.now()) {
        Answered::Already => return done(&answer),
        Answered::Stop(reason) => return Err(StepError::Refused(vec![reason])),
        Answered::Go(lock) => lock,
    };
    let note = Note::Approved { by: answer.by.clone(), reason: answer.reason.clone() };
    run.note(Step::RequestApproval, run.plan.name.as_str(), note, ports.ledger, ports.clock).await?;
    let swap = ports.ledger.replace_lock(&run.plan.name, Some(&run.lock), &new);
    match timely(ports.clock, READ_TIMEOUT, "dynamodb:PutItem", "the table", swap).await {
        Ok(Swap::Stored) => done(&answer),
        Ok(Swap::Changed) => Err(StepError::Transient("the lock changed while the answer was recorded".to_owned())),
        // Recorded or not: called again, the step finds the approval in the lock, or records it.
        Err(error) => Err(error.while_changing()),
    }
}

fn done(answer: &Answer) -> Result<Value, StepError> {
    Reply::done(false, json!({"approved_by": answer.by, "reason": answer.reason})).into_json()
}
