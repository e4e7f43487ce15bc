//! `lifeboat acknowledge`: a person has looked at the last run. Ends its cool-down, or lets runs start after a NeedsOperator.

use lifeboat_model::Timestamp;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_ports::{Locks, Swap};
use serde_json::json;

use super::{Confirm, Told};
use crate::exit::Failure;

/// Acknowledges the last run of `plan`, after it was shown. `who` is who and why, as it is kept beside the lock.
///
/// # Errors
/// A run is alive, the plan never had one, the person said no, the lock changed meanwhile, or the table refused or did not
/// answer.
pub async fn acknowledge(
    plan: &Name,
    who: &str,
    locks: &dyn Locks,
    now: Timestamp,
    confirm: Confirm<'_>,
) -> Result<Told, Failure> {
    let lock = locks.lock(plan).await.map_err(Failure::of_read)?;
    let Some(lock) = lock else {
        return Err(Failure::NotPossible(format!(
            "plan {plan} never had a run, by the table that was read: there is nothing to acknowledge; look at --table and \
             --region if that is not so"
        )));
    };
    let run = &lock.run.run_id;
    let told = |text: String, changed| Told { text, json: json!({"plan": plan, "run": run, "acknowledged": changed}) };
    match lock.state {
        LockState::Held if lock.lease_expires_at >= now => {
            return Err(Failure::NotPossible(format!(
                "run {run} holds plan {plan} until {} at least: it has not ended, so there is nothing to acknowledge; follow \
                 it: lifeboat watch {plan}",
                lock.lease_expires_at
            )));
        }
        LockState::Free if lock.acknowledged => {
            return Ok(told(format!("acknowledged already: run {run}; runs may start\n"), false));
        }
        LockState::Free if lock.cool_down_until.is_none() => {
            return Ok(told(format!("nothing waits for an acknowledgement of run {run}; runs may start\n"), false));
        }
        LockState::Held | LockState::Free | LockState::NeedsOperator => {}
    }
    confirm(&shown(plan, &lock, now))?;
    let stored = locks.acknowledge(plan, &lock, &format!("{who}, at {now}"), now).await.map_err(|error| {
        Failure::of_change(error, || format!("it is acknowledged; acknowledge again: twice does no harm (plan {plan})"))
    })?;
    match stored {
        Swap::Stored => {
            let next = format!(
                "next   lifeboat history {plan}; the way back is a switchover that you start: lifeboat start {plan} --target \
                 {} --mode switchover\n",
                lock.run.direction.source
            );
            Ok(told(format!("acknowledged: runs of plan {plan} may start, by alarms too\n{next}"), true))
        }
        Swap::Changed => Err(Failure::NotPossible(format!(
            "the lock of plan {plan} is no longer as it was shown: a run started, or somebody else acknowledged; look: lifeboat \
             watch {plan}"
        ))),
    }
}

/// What is acknowledged, for a person.
fn shown(plan: &Name, lock: &Lock, now: Timestamp) -> String {
    let run = &lock.run;
    let state = match (lock.state, lock.cool_down_until) {
        (LockState::NeedsOperator, _) => "it needs a person: nothing starts before this".to_owned(),
        (LockState::Held, _) if lock.past_point_of_no_return || lock.inherits_change => {
            "it died after its point of no return: look at writers and traffic first".to_owned()
        }
        (LockState::Held, _) => "it died; nothing shows that it changed data or traffic".to_owned(),
        (LockState::Free, Some(until)) if until > now => format!("it ended well; nothing starts before {until}"),
        (LockState::Free, Some(_) | None) => {
            "a change before stands unacknowledged: until then no alarm moves the workload back".to_owned()
        }
    };
    format!(
        "plan     {plan}\nrun      {}\nwas      {} {}, admitted {}\nstands   {state}\n\
         After this runs of the plan may start, by alarms too, in either direction.",
        run.run_id,
        run.mode.as_str(),
        run.direction,
        run.admitted_at
    )
}
