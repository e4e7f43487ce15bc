//! `conclude`: how the run ended, from the journal and the lock; releases the lock or holds the plan for a person.
//!
//! Guarantees: never reports a failure as success (S11); knows the run by its execution's ARN alone, so that it also
//! concludes a run whose `admit` failed, or took the lock and could not say so.
//! Effects: the outcome in the journal, then the lock: free with a cool-down, free, or waiting for a person (S7).
//! Fails when: `Transient` or `Ambiguous` (table): called again it records the same outcome.

use futures_util::future::try_join3;
use lifeboat_model::decide::{Failure, conclude};
use lifeboat_model::journal::{Entry, Note};
use lifeboat_model::limits::{READ_TIMEOUT, Step};
use lifeboat_model::lock::Lock;
use lifeboat_model::plan::Name;
use lifeboat_model::report::Outcome;
use lifeboat_model::{Period, StepError};
use lifeboat_ports::{CallError, Clock, Fault, Ledger, Swap, within};
use lifeboat_step::parse;
use serde::Deserialize;
use serde_json::{Value, json};

/// The cool-down of a run whose plan cannot be read any more.
const COOL_DOWN_WITHOUT_PLAN: Period = Period::seconds(3600);

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    /// The execution's input, whatever it is: the first state may have rejected it.
    request: Value,
    execution: Execution,
    #[serde(default)]
    failure: Option<Failure>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Execution {
    id: String,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let event: Event = parse(&event)?;
    let run_id = event.execution.id.as_str();
    let Some(plan) = event.request.get("plan").and_then(Value::as_str).and_then(|name| name.parse::<Name>().ok())
    else {
        // Without a plan's name no lock was taken: `admit` refuses such a request before it reads anything.
        return Ok(answer(Outcome::Unchanged, event.failure.as_ref()));
    };
    let journal = read(ports, "dynamodb:Query", ports.ledger.journal(run_id));
    let lock = read(ports, "dynamodb:GetItem", ports.ledger.lock(&plan));
    let stored = read(ports, "dynamodb:GetItem", ports.ledger.plan(&plan, None));
    let (journal, lock, stored) = try_join3(journal, lock, stored).await?;
    let cool_down = stored.map_or(COOL_DOWN_WITHOUT_PLAN, |s| s.plan.automation.cool_down);
    let now = ports.clock.now();
    let conclusion = conclude(run_id, lock.as_ref(), &journal, event.failure.as_ref(), cool_down, now);
    record(run_id, &plan, lock.as_ref(), &journal, conclusion.outcome, ports).await?;
    if let Some(new) = conclusion.lock {
        release(&plan, lock.as_ref(), &new, ports).await?;
    }
    Ok(answer(conclusion.outcome, event.failure.as_ref()))
}

async fn record(
    run_id: &str,
    plan: &Name,
    lock: Option<&Lock>,
    journal: &[Entry],
    outcome: Outcome,
    ports: &Ports<'_>,
) -> Result<(), StepError> {
    if journal.iter().any(|e| e.note == Note::Concluded { outcome }) {
        return Ok(());
    }
    let entry = Entry {
        run_id: run_id.to_owned(),
        epoch: lock.filter(|l| l.run.run_id == run_id).map_or(0, |l| l.epoch),
        step: Step::Conclude,
        resource: plan.to_string(),
        at: ports.clock.now(),
        note: Note::Concluded { outcome },
    };
    read(ports, "dynamodb:PutItem", ports.ledger.append(&entry)).await.map(|_| ())
}

async fn release(plan: &Name, read: Option<&Lock>, new: &Lock, ports: &Ports<'_>) -> Result<(), StepError> {
    let swap = within(ports.clock, READ_TIMEOUT, ports.ledger.replace_lock(plan, read, new)).await;
    let swap = swap.unwrap_or_else(|| Err(CallError::new("dynamodb:PutItem", "the table", Fault::TimedOut)));
    match swap.map_err(|e| e.while_changing())? {
        Swap::Stored => Ok(()),
        Swap::Changed => Err(StepError::Transient(format!("the lock of plan {plan} changed while it was released"))),
    }
}

async fn read<T>(
    ports: &Ports<'_>,
    operation: &str,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, StepError> {
    let answer = within(ports.clock, READ_TIMEOUT, call).await;
    answer
        .unwrap_or_else(|| Err(CallError::new(operation, "the table", Fault::TimedOut)))
        .map_err(|e| e.while_reading())
}

fn answer(outcome: Outcome, failure: Option<&Failure>) -> Value {
    let what_next = match outcome {
        Outcome::Completed => "nothing: the target serves; the way back is a switchover that a person starts",
        Outcome::Unchanged => "the workload is as it was; the cause says what to mend before starting again",
        Outcome::NeedsOperator => "look at what the cause names, then acknowledge the run; nothing starts before that",
    };
    let cause = failure.map(|f| format!("{}: {}", f.error, words_of(&f.cause)));
    json!({"outcome": outcome, "cause": cause, "what_next": what_next})
}

/// Step Functions gives a function's error as the JSON of its payload; people want its message.
fn words_of(cause: &str) -> String {
    let payload: Option<Value> = serde_json::from_str(cause).ok();
    let message = payload.as_ref().and_then(|p| p.get("errorMessage")).and_then(Value::as_str);
    message.unwrap_or(cause).to_owned()
}
