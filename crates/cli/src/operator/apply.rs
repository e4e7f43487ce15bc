//! `lifeboat plan apply`: stores a plan as a new version and puts it in force.
//!
//! Guarantees: the order of the writes is version, alarm, what is in force, alarms that are no longer. Until the third the
//! old plan is in force, whatever becomes of the others: an alarm that starts a plan which does not name it starts nothing.
//! An alarm of another plan is refused before anything is written. The same again finds what is done and does the rest.
//! Effects: at most four kinds of items. Fails when: the table refuses or does not answer; somebody else applies too.

use std::collections::BTreeSet;

use lifeboat_model::Plan;
use lifeboat_ports::{Append, CallError, PlanStore, Swap};
use lifeboat_report::text::clean;
use serde_json::{Value, json};

use super::Told;
use super::diff::{Change, changes};
use crate::exit::Failure;

/// How many numbers are tried for a new version: those that are taken are left from applies that did not end.
const NUMBERS_MAX: u64 = 20;
/// How many versions before the one in force are looked at for alarms that are no longer its.
const VERSIONS_BACK: u64 = 5;

/// Whether to do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// Only say what would change.
    None,
    /// Do it.
    All,
}

/// What became of it.
#[derive(Clone, Debug)]
pub struct Applied {
    plan: Plan,
    /// The version that was in force before, and what is in force now; the same when nothing changed.
    before: Option<u64>,
    now: Option<u64>,
    writes: Writes,
    changes: Vec<Change>,
    /// Alarms that start the plan no longer.
    released: Vec<String>,
}

/// Stores `plan` and puts it in force.
///
/// # Errors
/// Its alarm starts another plan, somebody else applied meanwhile, or the table refused or did not answer.
pub async fn apply(plan: &Plan, writes: Writes, plans: &dyn PlanStore) -> Result<Applied, Failure> {
    let new = serde_json::to_value(plan).map_err(|e| Failure::Output(e.into()))?;
    let before = plans.current_version(&plan.name).await.map_err(Failure::of_read)?;
    let old = match before {
        Some(version) => body(plan, version, plans).await?,
        None => None,
    };
    // A version that cannot be read as JSON differs in everything.
    let changes = changes(old.as_ref().unwrap_or(&Value::Null), &new);
    let alarm = plan.automation.alarm.name.as_str();
    if let Some(other) = plans.plan_of_alarm(alarm).await.map_err(Failure::of_read)?
        && other != plan.name
    {
        return Err(taken(alarm, Some(other.as_str())));
    }
    let mut applied = Applied { plan: plan.clone(), before, now: before, writes, changes, released: Vec::new() };
    if writes == Writes::None {
        return Ok(applied);
    }
    let unclear = |error| in_doubt(plan, error);
    let version = match before {
        Some(version) if applied.changes.is_empty() => version,
        Some(_) | None => add(plan, &new, before.map_or(1, |v| v + 1), plans).await?,
    };
    if plans.claim_alarm(alarm, &plan.name).await.map_err(unclear)? == Swap::Changed {
        return Err(taken(alarm, None));
    }
    if before != Some(version)
        && plans.make_current(&plan.name, before, version).await.map_err(unclear)? == Swap::Changed
    {
        return Err(Failure::NotPossible(format!(
            "somebody else applied another version of plan {} meanwhile; look at it with lifeboat plan apply --dry-run, then \
             apply again",
            plan.name
        )));
    }
    applied.now = Some(version);
    applied.released = release(plan, version, plans).await?;
    Ok(applied)
}

async fn body(plan: &Plan, version: u64, plans: &dyn PlanStore) -> Result<Option<Value>, Failure> {
    let text = plans.body(&plan.name, version).await.map_err(Failure::of_read)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Stores the plan under the first number from `first` on that is free, or that holds the same already.
async fn add(plan: &Plan, new: &Value, first: u64, plans: &dyn PlanStore) -> Result<u64, Failure> {
    for version in first..first + NUMBERS_MAX {
        let added = plans.add_version(plan, version).await.map_err(|error| in_doubt(plan, error))?;
        let same = match added {
            Append::Written => true,
            Append::AlreadyThere => body(plan, version, plans).await?.as_ref() == Some(new),
        };
        if same {
            return Ok(version);
        }
    }
    Err(Failure::NotPossible(format!(
        "versions {first} to {} of plan {} are taken by applies that never ended; delete those items",
        first + NUMBERS_MAX - 1,
        plan.name
    )))
}

/// Takes from the plan the alarms of the versions before, which it names no longer.
async fn release(plan: &Plan, version: u64, plans: &dyn PlanStore) -> Result<Vec<String>, Failure> {
    let mut alarms = BTreeSet::new();
    for earlier in version.saturating_sub(VERSIONS_BACK).max(1)..version {
        let alarm = body(plan, earlier, plans).await?;
        let alarm = alarm.as_ref().and_then(|body| body.pointer("/automation/alarm/name")).and_then(Value::as_str);
        alarms.extend(alarm.filter(|name| *name != plan.automation.alarm.name).map(str::to_owned));
    }
    let mut released = Vec::new();
    for alarm in alarms {
        let owner = plans.plan_of_alarm(&alarm).await.map_err(Failure::of_read)?;
        if owner.as_ref() != Some(&plan.name) {
            continue;
        }
        match plans.release_alarm(&alarm, &plan.name).await.map_err(|error| in_doubt(plan, error))? {
            Swap::Stored => released.push(alarm),
            // Another plan has taken it meanwhile: it is no longer ours.
            Swap::Changed => {}
        }
    }
    Ok(released)
}

fn taken(alarm: &str, other: Option<&str>) -> Failure {
    let other = other.map_or_else(|| "another plan".to_owned(), |name| format!("plan {name}"));
    Failure::NotPossible(format!(
        "automation.alarm.name: {alarm:?} starts {other} already, and an alarm starts one plan; name another alarm here, or \
         give that plan another one first"
    ))
}

fn in_doubt(plan: &Plan, error: CallError) -> Failure {
    Failure::of_change(error, || {
        format!(
            "the plan in force is the old one or the new one; apply the same file again: it finds what is done and does the \
             rest (plan {})",
            plan.name
        )
    })
}

impl Applied {
    /// For a person and for a script.
    pub fn told(&self) -> Told {
        let name = &self.plan.name;
        let version = |v: Option<u64>| v.map_or_else(|| "none".to_owned(), |v| v.to_string());
        let (before, now) = (version(self.before), version(self.now));
        let unchanged = self.before.is_some() && self.changes.is_empty();
        let mut text = match self.writes {
            _ if unchanged => format!("plan {name}: unchanged, version {before} is in force\n"),
            Writes::None if self.before.is_none() => format!("plan {name} is new; nothing was stored\n"),
            Writes::None => format!("plan {name} would change from version {before}; nothing was stored\n"),
            Writes::All if self.before.is_none() => format!("plan {name} is new: version {now} is in force\n"),
            Writes::All => format!("plan {name}: version {now} is in force, after version {before}\n"),
        };
        if self.before.is_some() {
            self.changes.iter().for_each(|change| text.push_str(&format!("  {change}\n")));
        }
        for alarm in &self.released {
            text.push_str(&format!("alarm {} starts it no longer\n", clean(alarm)));
        }
        if self.writes == Writes::All && !unchanged {
            let target = &self.plan.regions[1];
            text.push_str(&format!("next   lifeboat rehearse {name} --target {target} --watch\n"));
        }
        let json = json!({
            "plan": name, "before": self.before, "now": self.now, "unchanged": unchanged,
            "stored": self.writes == Writes::All && !unchanged, "changes": self.changes, "released_alarms": self.released,
        });
        Told { text, json }
    }
}
