//! `lifeboat stop` and `lifeboat resume`: the kill switch, and the safe stop of one run.
//!
//! Two commands, and no `stop --off`: to clear the switch takes no reason and is asked about, to set it takes a reason and
//! is done at once; and a script that lost its `--off` would stop what it was to free.

use lifeboat_model::Timestamp;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_ports::{KillSwitch, Locks, Scope, Swap};
use lifeboat_report::text::clean;
use serde_json::json;

use super::{Confirm, Told};
use crate::exit::Failure;
use crate::who::Who;

/// What a scope is called, as an argument and in words.
fn named(scope: Scope<'_>) -> (String, String) {
    match scope {
        Scope::Plan(plan) => (plan.to_string(), format!("plan {plan}")),
        Scope::AllPlans => ("--all".to_owned(), "all plans".to_owned()),
    }
}

/// Sets the kill switch.
///
/// # Errors
/// The table refused or did not answer.
pub async fn stop(scope: Scope<'_>, who: &Who, switch: &dyn KillSwitch) -> Result<Told, Failure> {
    let (argument, words) = named(scope);
    let why = format!("stopped by {}: {}", who.by, who.reason);
    switch.set(scope, &why).await.map_err(|error| {
        Failure::of_change(error, || format!("the kill switch of {words} is set; set it again: twice does no harm"))
    })?;
    let text = format!(
        "stopped: of {words} no run starts, and one under way changes nothing more\n\
         what AWS has accepted already goes on; a run past its point of no return is left half-way, and ends as \
         NeedsOperator\n\
         next   lifeboat resume {argument}\n"
    );
    Ok(Told { text, json: json!({"stopped": words, "why": why}) })
}

/// Clears the kill switch, as it is shown.
///
/// # Errors
/// The person said no, it was set anew meanwhile, or the table refused or did not answer.
pub async fn resume(scope: Scope<'_>, switch: &dyn KillSwitch, confirm: Confirm<'_>) -> Result<Told, Failure> {
    let (_, words) = named(scope);
    let Some(why) = switch.why(scope).await.map_err(Failure::of_read)? else {
        let text = format!("the kill switch of {words} is not set\n");
        return Ok(Told { text, json: json!({"resumed": words, "why": null}) });
    };
    confirm(&format!("The kill switch of {words} is set: {}.\nRuns are allowed again, by alarms too.", clean(&why)))?;
    let cleared = switch.clear(scope, &why).await.map_err(|error| {
        Failure::of_change(error, || format!("the kill switch of {words} is cleared; resume again: twice does no harm"))
    })?;
    match cleared {
        Swap::Stored => {
            let mut text = format!("resumed: the kill switch of {words} is cleared\n");
            if matches!(scope, Scope::Plan(_)) && switch.why(Scope::AllPlans).await.is_ok_and(|why| why.is_some()) {
                text.push_str("the kill switch of all plans is still set: lifeboat resume --all\n");
            }
            Ok(Told { text, json: json!({"resumed": words, "why": why}) })
        }
        Swap::Changed => Err(Failure::NotPossible(format!(
            "the kill switch of {words} is no longer as it was shown: somebody set it anew or cleared it; resume again to see"
        ))),
    }
}

/// Asks the run that holds `plan` to end before its next change: only before its point of no return.
///
/// # Errors
/// No run holds the plan, the run is past its point of no return or dead, or the table refused or did not answer.
pub async fn stop_run(plan: &Name, who: &Who, locks: &dyn Locks, now: Timestamp) -> Result<Told, Failure> {
    let lock = locks.lock(plan).await.map_err(Failure::of_read)?;
    let run = stoppable(plan, lock.as_ref(), now)?.run.run_id.clone();
    let why = format!("stopped by {}: {}", who.by, who.reason);
    let stopped = locks.stop_run(plan, &run, &why).await.map_err(|error| {
        Failure::of_change(error, || {
            format!("run {run} is asked to end; ask again: twice does no harm. Follow it: lifeboat watch --run {run}")
        })
    })?;
    match stopped {
        Swap::Stored => Ok(Told {
            text: format!(
                "asked: the run ends before its next change, as Unchanged, and the plan is free\nrun    {run}\n\
                 next   lifeboat watch --run {run}\n"
            ),
            json: json!({"plan": plan, "run": run, "why": why}),
        }),
        Swap::Changed => {
            let lock = locks.lock(plan).await.map_err(Failure::of_read)?;
            // What has changed is told, if it can be seen.
            stoppable(plan, lock.as_ref(), now)?;
            Err(Failure::NotPossible(format!("the lock of plan {plan} changed while it was read; stop again")))
        }
    }
}

fn stoppable<'l>(plan: &Name, lock: Option<&'l Lock>, now: Timestamp) -> Result<&'l Lock, Failure> {
    let none = || {
        Failure::NotPossible(format!(
            "no run holds plan {plan}, so there is none to stop; to keep others from starting: lifeboat stop {plan} --reason \
             WHY"
        ))
    };
    let lock = lock.ok_or_else(none)?;
    let run = &lock.run.run_id;
    match lock.state {
        LockState::Free | LockState::NeedsOperator => Err(none()),
        LockState::Held if lock.past_point_of_no_return => Err(Failure::NotPossible(format!(
            "run {run} has passed its point of no return: data or traffic are moving, and ending it now would leave them \
             half-way. Let it end: lifeboat watch {plan}. If it must change nothing more, whatever that leaves behind: \
             lifeboat stop {plan} --reason WHY, then see to the rest as its report says"
        ))),
        LockState::Held if lock.lease_expires_at < now => Err(Failure::NotPossible(format!(
            "run {run} has shown no sign of life since its lease ended at {}: it is dead, and there is nothing to stop; look \
             at the databases, then lifeboat acknowledge {plan}",
            lock.lease_expires_at
        ))),
        LockState::Held => Ok(lock),
    }
}
