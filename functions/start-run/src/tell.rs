//! The message about an alarm that called in vain.
//!
//! Guarantees: one message for each transition, however often and in whichever form it is delivered: the intent to send it
//! is in the table before, under a key that only one delivery can write, and what came of it after. A message of unknown
//! fate is sent again by the next delivery: twice is better than not at all.
//! Fails when: `Transient`, `Ambiguous` or `Refused` (table, topic; or another delivery is sending at this moment). Lambda
//! delivers the event again then.

use std::collections::BTreeMap;

use lifeboat_model::decide::{NotStarted, Transition};
use lifeboat_model::journal::{Attempts, Call, Effect, Entry, Note};
use lifeboat_model::limits::{CALL_TIMEOUT, READ_TIMEOUT, Step};
use lifeboat_model::{Plan, StepError};
use lifeboat_ports::Append;
use lifeboat_report::alarm::{Call as AlarmCall, message};
use serde_json::{Value, json};

use crate::{Ports, call};

const PUBLISH: &str = "sns:Publish";

/// What the lines about a message are about.
const NOTICE: &str = "notice";

/// Tells people, unless an earlier delivery did.
pub(crate) async fn tell(
    transition: &Transition,
    plan: Option<&Plan>,
    not_started: &NotStarted,
    ports: &Ports<'_>,
) -> Result<Value, StepError> {
    let told = json!({"status": "told", "reason": not_started.why});
    let id = journal_id(transition);
    let journal = call(ports, READ_TIMEOUT, "dynamodb:Query", ports.ledger.journal(&id)).await;
    let earlier = Attempts::of(&journal.map_err(|e| e.while_reading())?, Step::StartRun, NOTICE);
    if earlier.accepted_at.is_some() {
        return Ok(told);
    }
    // Whoever intended to send it may do so as long as a function lives.
    let now = ports.clock.now();
    if earlier.unknown_at.is_some_and(|at| at.plus(Step::StartRun.timeout()) > now) {
        return Err(sending(transition));
    }
    let attempt = earlier.count + 1;
    let parameters = BTreeMap::from([("alarm".to_owned(), transition.alarm.clone())]);
    let publish = Call { operation: PUBLISH.to_owned(), region: ports.home.clone(), parameters };
    if note(&id, Note::Intent { attempt, call: publish }, ports).await? == Append::AlreadyThere {
        return Err(sending(transition));
    }
    let of = AlarmCall {
        alarm: &transition.alarm,
        home: ports.home,
        at: transition.at,
        saw: &transition.saw,
        plan,
        why: &not_started.why,
        what_next: &not_started.what_next,
        state_machine: ports.state_machine,
        now,
    };
    let message = message(&of);
    let sent = call(ports, CALL_TIMEOUT, PUBLISH, ports.notices.publish(&message.subject, &message.body)).await;
    let (effect, detail) = match &sent {
        Ok(receipt) => (Effect::Accepted, receipt.request_id.clone()),
        Err(error) => (error.effect(), error.to_string()),
    };
    let noted = note(&id, Note::Outcome { attempt, effect, detail }, ports).await;
    sent.map_err(|e| e.while_changing())?;
    // Not noted, it would be sent again: that is for the next delivery to find out, so this one fails.
    noted.map(|_| told)
}

/// The journal of a transition. No execution has such an id: those begin with `arn:`.
fn journal_id(transition: &Transition) -> String {
    format!("alarm:{}:{}:{}", transition.region, transition.alarm, transition.at)
}

fn sending(transition: &Transition) -> StepError {
    let alarm = &transition.alarm;
    StepError::Transient(format!("another delivery of the transition of alarm {alarm} is telling people of it"))
}

async fn note(id: &str, note: Note, ports: &Ports<'_>) -> Result<Append, StepError> {
    let (step, resource, at) = (Step::StartRun, NOTICE.to_owned(), ports.clock.now());
    let entry = Entry { run_id: id.to_owned(), epoch: 0, step, resource, at, note };
    let append = call(ports, READ_TIMEOUT, "dynamodb:PutItem", ports.ledger.append(&entry)).await;
    append.map_err(|e| e.while_changing())
}
