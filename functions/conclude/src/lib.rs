//! `conclude`: how the run ended, from the journal and the lock; releases the lock or holds the plan for a person.
//!
//! Guarantees: never reports a failure as success (S11); knows the run by its execution's ARN alone, so that it also
//! concludes a run whose `admit` failed, or took the lock and could not say so.
//! Effects: after a failure, an epoch of its own, which fences out the run's other functions; the outcome in the journal, then the lock: free with a cool-down, free, or waiting for a person (S7).
//! Then, best effort: metrics to the log, the report to the archive, a message to people. What of that fails is named in
//! the answer, and changes nothing else.
//! Fails when: `Transient` or `Ambiguous` (table): called again it records the same outcome.

mod report;

use futures_util::future::{join, try_join3};
use lifeboat_model::decide::{Failure, conclude};
use lifeboat_model::ending::Ending;
use lifeboat_model::journal::{Entry, Note, has_call_under_way};
use lifeboat_model::limits::{CALLS_END, POLL, READ_TIMEOUT, Step};
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::report::Outcome;
use lifeboat_model::request::Purpose;
use lifeboat_model::{Request, StepError, Timestamp};
use lifeboat_ports::{Archive, CallError, Clock, Ledger, Notices, StoredPlan, Swap, timely};
use lifeboat_step::parse;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::report::Told;

/// How often the lock is read again when a function of the run renews it meanwhile, or a person stops the run.
const TRIES: u32 = 5;

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Messages to people.
    pub notices: &'a dyn Notices,
    /// Where reports are kept.
    pub archive: &'a dyn Archive,
    /// Takes the line of metrics: the function's standard output.
    pub metrics_out: &'a dyn Fn(&str),
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
    let began = ports.clock.now();
    let event: Event = parse(&event)?;
    let run_id = event.execution.id.as_str();
    let cause = event.failure.as_ref().map(Failure::in_words);
    let ended = |outcome| Ended { run_id, request: &event.request, outcome, cause: cause.as_deref(), began };
    let Some(plan) = event.request.get("plan").and_then(Value::as_str).and_then(|name| name.parse::<Name>().ok())
    else {
        // Without a plan's name no lock was taken: `admit` refuses such a request before it reads anything.
        return Ok(ended(Outcome::Unchanged).answer(report::tell(&ended(Outcome::Unchanged), None, &[], ports).await));
    };
    let lock = read(ports, "dynamodb:GetItem", ports.ledger.lock(&plan));
    let stored = read(ports, "dynamodb:GetItem", ports.ledger.plan(&plan, None));
    // After a failure the journal counts only from the moment on that nobody else of the run can write to it.
    let early = async {
        match event.failure {
            None => settled_journal(run_id, false, ports).await.map(Some),
            Some(_) => Ok(None),
        }
    };
    let (lock, stored, early) = try_join3(lock, stored, early).await?;
    let lock = match lock {
        Some(lock) if event.failure.is_some() => Some(alone(run_id, &plan, lock, ports).await?),
        lock => lock,
    };
    let admitted_with = lock.as_ref().filter(|l| l.run.run_id == run_id).map(|l| l.run.plan_version);
    let stored = match (stored, admitted_with) {
        // The plan was changed while the run went on.
        (Some(stored), Some(version)) if stored.version != version => {
            read(ports, "dynamodb:GetItem", ports.ledger.plan(&plan, Some(version))).await?
        }
        (stored, _) => stored,
    };
    let journal = match early {
        Some(journal) => journal,
        None => settled_journal(run_id, true, ports).await?,
    };
    let request = Request::read(&event.request).ok();
    // A request that cannot be read started nothing but a refusal.
    let purpose = request.as_ref().map_or(Purpose::Act, |r| r.purpose);
    let now = ports.clock.now();
    let whole = stored.as_ref().map(|s| &s.plan);
    let conclusion = conclude(run_id, purpose, lock.as_ref(), &journal, event.failure.as_ref(), whole, now);
    let mine = lock.as_ref().filter(|l| l.run.run_id == run_id);
    let entry = Entry {
        run_id: run_id.to_owned(),
        epoch: mine.map_or(0, |l| l.epoch),
        step: Step::Conclude,
        resource: plan.to_string(),
        at: ports.clock.now(),
        note: Note::Concluded {
            outcome: conclusion.outcome,
            ending: ending(mine, request.as_ref(), stored.as_ref(), cause.clone()).map(Box::new),
        },
    };
    let journal = record(entry, journal, ports).await?;
    let ended = ended(conclusion.outcome);
    let released = async {
        match (&lock, &conclusion.lock) {
            (Some(read), Some(new)) => {
                let failure = event.failure.as_ref();
                let as_concluded =
                    |lock: &Lock| conclude(run_id, purpose, Some(lock), &journal, failure, whole, now).lock;
                release(&plan, read.clone(), new.clone(), as_concluded, ports).await
            }
            (None, _) | (_, None) => Ok(()),
        }
    };
    // People hear of it even when the lock cannot be freed now: that is tried again, and they are told again.
    let (released, told) = join(released, report::tell(&ended, whole, &journal, ports)).await;
    released?;
    Ok(ended.answer(told))
}

/// How a run ended.
struct Ended<'e> {
    run_id: &'e str,
    /// The execution's input, whatever it is.
    request: &'e Value,
    outcome: Outcome,
    cause: Option<&'e str>,
    /// When this invocation began.
    began: Timestamp,
}

impl Ended<'_> {
    fn answer(&self, told: Told) -> Value {
        json!({
            "outcome": self.outcome,
            "cause": self.cause,
            "what_next": self.outcome.what_next(),
            "report": {"stored": told.stored, "problem": told.problem()},
        })
    }
}

/// What the run was: by the lock, if it is still this run's; else by what was asked for.
fn ending(
    mine: Option<&Lock>,
    request: Option<&Request>,
    stored: Option<&StoredPlan>,
    cause: Option<String>,
) -> Option<Ending> {
    match (mine, request, stored) {
        (Some(lock), _, _) => Some(Ending::of_admitted(lock, cause)),
        (None, Some(request), Some(stored)) => Ending::of_request(request, &stored.plan, stored.version, cause),
        (None, None, _) | (None, _, None) => None,
    }
}

/// Fences out the run's other functions: one that has not passed its fence by now will not, and one that has wrote its
/// intent before, where the journal shows it.
async fn alone(run_id: &str, plan: &Name, lock: Lock, ports: &Ports<'_>) -> Result<Lock, StepError> {
    let mut lock = lock;
    for _ in 0..TRIES {
        if lock.run.run_id != run_id || lock.state != LockState::Held {
            return Ok(lock);
        }
        let fenced = lock.clone().fencing_out_its_steps(ports.clock.now());
        match swap(plan, &lock, &fenced, ports).await? {
            Swap::Stored => return Ok(fenced),
            // A function of the run renewed the lease meanwhile, or a person stopped it.
            Swap::Changed => match read(ports, "dynamodb:GetItem", ports.ledger.lock(plan)).await? {
                Some(now) => lock = now,
                None => return Err(StepError::Transient(format!("the lock of plan {plan} vanished"))),
            },
        }
    }
    Err(StepError::Transient(format!("the lock of plan {plan} changed {TRIES} times while the run was concluded")))
}

/// The journal, once every call of a failed run has its outcome in it, or has had the time to get one.
async fn settled_journal(run_id: &str, failed: bool, ports: &Ports<'_>) -> Result<Vec<Entry>, StepError> {
    let until = ports.clock.now().plus(CALLS_END);
    loop {
        let journal = read(ports, "dynamodb:Query", ports.ledger.journal(run_id)).await?;
        if !failed || !has_call_under_way(&journal) || ports.clock.now() >= until {
            return Ok(journal);
        }
        ports.clock.sleep(POLL).await;
    }
}

/// Writes the conclusion, unless an earlier call did; answers the journal with it.
async fn record(entry: Entry, mut journal: Vec<Entry>, ports: &Ports<'_>) -> Result<Vec<Entry>, StepError> {
    if !journal.iter().any(|e| matches!(e.note, Note::Concluded { .. })) {
        read(ports, "dynamodb:PutItem", ports.ledger.append(&entry)).await?;
        journal.push(entry);
    }
    Ok(journal)
}

/// Replaces the lock `seen` by `new`. Where a stop came in between, or a late sign of life, it is read again and replaced by
/// what `as_concluded` makes of it: the run ends anyway.
async fn release(
    plan: &Name,
    mut seen: Lock,
    mut new: Lock,
    as_concluded: impl Fn(&Lock) -> Option<Lock>,
    ports: &Ports<'_>,
) -> Result<(), StepError> {
    for _ in 0..TRIES {
        match swap(plan, &seen, &new, ports).await? {
            Swap::Stored => return Ok(()),
            Swap::Changed => {}
        }
        let now = read(ports, "dynamodb:GetItem", ports.ledger.lock(plan)).await?;
        // It was released already, or another run has the plan: there is nothing left to release.
        let Some((lock, concluded)) = now.and_then(|lock| as_concluded(&lock).map(|new| (lock, new))) else {
            return Ok(());
        };
        (seen, new) = (lock, concluded);
    }
    Err(StepError::Transient(format!("the lock of plan {plan} changed {TRIES} times while it was released")))
}

async fn swap(plan: &Name, read: &Lock, new: &Lock, ports: &Ports<'_>) -> Result<Swap, StepError> {
    let swap = ports.ledger.replace_lock(plan, Some(read), new);
    timely(ports.clock, READ_TIMEOUT, "dynamodb:PutItem", "the table", swap).await.map_err(|e| e.while_changing())
}

async fn read<T>(
    ports: &Ports<'_>,
    operation: &str,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, StepError> {
    timely(ports.clock, READ_TIMEOUT, operation, "the table", call).await.map_err(|e| e.while_reading())
}
