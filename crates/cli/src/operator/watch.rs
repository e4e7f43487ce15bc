//! `lifeboat watch`: follows a run until it ends.
//!
//! Purpose: Step Functions tells which states were entered and left, the journal which resource is called and what came of
//! it. Guarantees: only reads; an answer that does not come is told and asked for again; what is shown comes from the
//! history and the journal alone. Effects: none. Fails when: AWS refuses, forgets the run, or is silent for half an hour.

mod ended;
mod follow;
mod journal;
mod line;
mod screen;
pub mod view;

use std::pin::pin;

use futures_util::future::{Either, select};
use lifeboat_model::execution::{ExecutionArn, StateMachine};
use lifeboat_model::journal::Entry;
use lifeboat_model::lock::LockState;
use lifeboat_model::{Period, Plan, Timestamp};
use lifeboat_ports::{Bookmark, CallError, Clock, Execution, Fault, Journals, Locks, PlanStore, RunEvent, Runs};

use super::{history, stored};
use crate::exit::Failure;

pub use ended::Ended;
pub use follow::Follow;
pub use line::{Line, What};
pub(crate) use screen::Screen;

/// Between two looks.
const LOOK: Period = Period::seconds(1);
/// Between two pictures.
const TICK: Period = Period::ms(250);
/// Pictures between two looks.
const TICKS: i64 = LOOK.as_ms() / TICK.as_ms();
/// The journal is read with every so many looks: it may be long.
const JOURNAL_EVERY: u64 = 3;
/// How long an execution that was just started may be unknown to Step Functions, whose reads follow its writes.
const UNKNOWN_AT_FIRST: Period = Period::seconds(30);
/// How long AWS may be silent before nobody follows any more.
const SILENCE_MAX: Period = Period::seconds(1800);
/// Among so many of the newest runs the newest that has ended is looked for: one goes on, and perhaps some rehearsals.
const ENDED_AMONG: usize = 5;
/// How often the plan is asked for: without it the view has no objective and no names.
const PLAN_TRIES: u32 = 3;

/// Where a run is followed.
pub struct Ports<'a> {
    /// Executions.
    pub runs: &'a dyn Runs,
    /// Journals.
    pub journals: &'a dyn Journals,
    /// Stored plans.
    pub plans: &'a dyn PlanStore,
    /// The clock.
    pub clock: &'a dyn Clock,
}

/// Shows what is known at a moment, and what is new since the last time.
pub type Show<'a> = &'a mut dyn FnMut(&Follow, &[Line], Timestamp);

/// The run of `plan` to follow: the one that holds it, or else its newest.
///
/// # Errors
/// It had none, or nobody answered.
pub async fn find(
    plan: &Plan,
    machine: &StateMachine,
    locks: &dyn Locks,
    runs: &dyn Runs,
) -> Result<ExecutionArn, Failure> {
    let lock = locks.lock(&plan.name).await.map_err(Failure::of_read)?;
    let last = lock.as_ref().and_then(|lock| lock.run.run_id.parse::<ExecutionArn>().ok());
    match (lock.map(|lock| lock.state), last) {
        (Some(LockState::Held), Some(holder)) => Ok(holder),
        (_, last) => {
            // A rehearsal holds no lock, and a refused run never held it.
            let newest = history::of(plan, machine, 1, runs).await;
            match (newest.map(|found| found.runs.into_iter().next()), last) {
                (Ok(Some(newest)), _) => Ok(newest.run),
                (Ok(None) | Err(_), Some(last)) => Ok(last),
                (Ok(None), None) => Err(Failure::NotPossible(format!(
                    "plan {} has had no run that AWS remembers; start one: lifeboat start {} --target REGION --mode MODE",
                    plan.name, plan.name
                ))),
                (Err(failure), None) => Err(failure),
            }
        }
    }
}

/// The newest run of `plan` that has ended.
///
/// # Errors
/// None has, or nobody answered.
pub async fn last_ended(
    plan: &Plan,
    machine: &StateMachine,
    locks: &dyn Locks,
    runs: &dyn Runs,
) -> Result<ExecutionArn, Failure> {
    let found = history::of(plan, machine, ENDED_AMONG, runs).await;
    let none = || {
        Failure::NotPossible(format!(
            "plan {} has no run that has ended, as far as AWS remembers; for an older one: lifeboat report --run ARN",
            plan.name
        ))
    };
    match found {
        Ok(found) => found.runs.into_iter().find(|run| run.ended.is_some()).map(|run| run.run).ok_or_else(none),
        // The lock knows the last one too, unless it goes on.
        Err(failure) => match locks.lock(&plan.name).await {
            Ok(Some(lock)) if lock.state != LockState::Held => lock.run.run_id.parse().map_err(|_| failure),
            Ok(Some(_) | None) | Err(_) => Err(failure),
        },
    }
}

/// What one look brought.
struct Look {
    execution: Option<Execution>,
    events: Vec<RunEvent>,
    bookmark: Bookmark,
    journal: Option<Result<Vec<Entry>, CallError>>,
}

/// Follows `follow`'s run to its end.
///
/// # Errors
/// AWS refused, there is no such run, or AWS was silent for too long.
pub async fn follow(follow: &mut Follow, ports: &Ports<'_>, show: Show<'_>) -> Result<Ended, Failure> {
    let began = ports.clock.now();
    let (mut bookmark, mut answered_at, mut plan_tries) = (Bookmark::default(), began, 0);
    for n in 0_u64.. {
        let run = follow.run().clone();
        let looked = {
            let mut looking = pin!(look(&run, &bookmark, n % JOURNAL_EVERY == 0, ports));
            loop {
                match select(looking.as_mut(), ports.clock.sleep(TICK)).await {
                    Either::Left((looked, _)) => break looked,
                    Either::Right(((), _)) => show(follow, &[], ports.clock.now()),
                }
            }
        };
        let now = ports.clock.now();
        let lines = match looked {
            Ok(Look { execution: None, .. }) if now < began.plus(UNKNOWN_AT_FIRST) => Vec::new(),
            Ok(Look { execution: None, .. }) => return Err(forgotten(&run)),
            Ok(Look { execution: Some(execution), events, bookmark: at, journal }) => {
                (bookmark, answered_at) = (at, now);
                let mut lines = follow.answered();
                follow.see(&execution);
                if follow.plan().is_none()
                    && plan_tries < PLAN_TRIES
                    && let Some(name) = follow.plan_name()
                {
                    plan_tries += 1;
                    if let Ok(stored) = stored::plan(&name, None, ports.plans).await {
                        follow.know(stored.plan);
                    }
                }
                lines.extend(follow.hear(&events));
                match journal {
                    Some(Ok(entries)) => lines.extend(follow.read(&entries)),
                    Some(Err(error)) => lines.extend(follow.silent(answered_at, &error)),
                    None => {}
                }
                lines.extend(follow.end(&execution));
                lines
            }
            Err(error) if is_final(&error) => return Err(Failure::of_read(error)),
            Err(error) if now >= answered_at.plus(SILENCE_MAX) => return Err(Failure::of_read(error)),
            Err(error) => follow.silent(answered_at, &error),
        };
        show(follow, &lines, now);
        if let Some(ended) = follow.ended() {
            return Ok(ended.clone());
        }
        for _ in 0..TICKS {
            ports.clock.sleep(TICK).await;
            show(follow, &[], ports.clock.now());
        }
    }
    Err(forgotten(follow.run()))
}

/// What asking again would not change.
fn is_final(error: &CallError) -> bool {
    match error.fault {
        Fault::Denied | Fault::Invalid | Fault::NotFound => true,
        Fault::Unreachable
        | Fault::Throttled
        | Fault::Unavailable
        | Fault::Conflict
        | Fault::TimedOut
        | Fault::Internal => false,
    }
}

fn forgotten(run: &ExecutionArn) -> Failure {
    Failure::NotPossible(format!(
        "Step Functions knows no execution {run}: look at the ARN, and for one older than 90 days: lifeboat report --run {run}"
    ))
}

/// The state first, so that of a run that has ended all events are read after it.
async fn look(run: &ExecutionArn, from: &Bookmark, with_journal: bool, ports: &Ports<'_>) -> Result<Look, CallError> {
    let execution = ports.runs.execution(run).await?;
    let Some(execution) = execution else {
        return Ok(Look { execution: None, events: Vec::new(), bookmark: from.clone(), journal: None });
    };
    let (events, bookmark) = ports.runs.events(run, from).await?;
    let journal = if with_journal || !history::is_open(&execution.status) {
        Some(ports.journals.journal(run.as_str()).await)
    } else {
        None
    };
    Ok(Look { execution: Some(execution), events, bookmark, journal })
}
