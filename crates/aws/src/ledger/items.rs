//! The items of the table: how plans, settings, locks and journals are stored.
//!
//! Purpose: one place knows the names of keys and attributes. Guarantees: what cannot be read in full is an error with the
//! attribute's name, never a default (S9). Effects: none. Fails when: an item is not as this code writes it.
//!
//! | pk | sk | attributes |
//! |---|---|---|
//! | `plan#<name>` | `current` | `version` N |
//! | `plan#<name>` | `version#<12 digits>` | `body` S: the plan as JSON |
//! | `plan#<name>` | `settings` | `disabled` S, optional: why |
//! | `plan#<name>` | `lock` | see [`lock_item`]; `stopped` S, optional: who stopped the run, and why; once acknowledged also `acknowledged_by` S: who, when and why |
//! | `plan#<name>` | `approval` | see [`approval_item`] |
//! | `settings` | `all` | `disabled` S, optional: why |
//! | `alarm#<name>` | `plan` | `plan` S: the plan's name |
//! | `run#<run id>` | the entry's key | `body` S: the entry as JSON |

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use lifeboat_model::journal::Entry;
use lifeboat_model::lock::{Admission, Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::read::Node;
use lifeboat_model::{Plan, Timestamp};
use lifeboat_ports::AskedApproval;

/// An item of the table.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Why an item cannot be read or written: names the attribute and what is wrong with it.
#[derive(Debug)]
pub(super) struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(super) fn current(plan: &Name) -> Self {
        Self::new(format!("plan#{plan}"), "current")
    }

    pub(super) fn version(plan: &Name, version: u64) -> Self {
        Self::new(format!("plan#{plan}"), format!("version#{version:012}"))
    }

    pub(super) fn lock(plan: &Name) -> Self {
        Self::new(format!("plan#{plan}"), "lock")
    }

    pub(super) fn approval(plan: &Name) -> Self {
        Self::new(format!("plan#{plan}"), "approval")
    }

    pub(super) fn settings_of(plan: &Name) -> Self {
        Self::new(format!("plan#{plan}"), "settings")
    }

    pub(super) fn settings_of_all() -> Self {
        Self::new("settings", "all")
    }

    pub(super) fn alarm(alarm: &str) -> Self {
        Self::new(format!("alarm#{alarm}"), "plan")
    }

    pub(super) fn entry(entry: &Entry) -> Self {
        Self::new(journal_pk(&entry.run_id), entry.key())
    }

    /// The key as attributes.
    pub(super) fn into_item(self) -> Item {
        Item::from([("pk".to_owned(), string(self.pk)), ("sk".to_owned(), string(self.sk))])
    }
}

/// The partition that holds the journal of a run.
pub(super) fn journal_pk(run_id: &str) -> String {
    format!("run#{run_id}")
}

pub(super) fn string(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(n: impl fmt::Display) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

pub(super) fn time(at: Timestamp) -> AttributeValue {
    number(at.as_ms())
}

pub(super) const fn word(state: LockState) -> &'static str {
    match state {
        LockState::Held => "held",
        LockState::Free => "free",
        LockState::NeedsOperator => "needs-operator",
    }
}

/// The number of the plan's current version.
pub(super) fn read_current(item: &Item) -> Result<u64, Unreadable> {
    read_number(item, "version")
}

/// A plan in one version. It obeys every rule of a plan, or it is not read.
pub(super) fn read_plan(item: &Item, name: &Name) -> Result<Plan, Unreadable> {
    let body: serde_json::Value = read_json(item, "body")?;
    let plan = Plan::read(&Node::from(&body)).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Unreadable(format!("the stored plan is wrong: {}", problems.join("; ")))
    })?;
    if &plan.name == name {
        Ok(plan)
    } else {
        Err(Unreadable(format!("the plan stored as {name} is called {}", plan.name)))
    }
}

/// A plan in one version as it is stored, whether it obeys the rules or not.
#[cfg(feature = "operator")]
pub(super) fn read_body(item: &Item) -> Result<String, Unreadable> {
    read_string(item, "body").map(str::to_owned)
}

/// A plan in one version.
#[cfg(feature = "operator")]
pub(super) fn plan_item(plan: &Plan, version: u64) -> Result<Item, Unreadable> {
    let body = serde_json::to_string(plan).map_err(|error| Unreadable(format!("attribute body: {error}")))?;
    let mut item = Key::version(&plan.name, version).into_item();
    item.insert("body".to_owned(), string(body));
    Ok(item)
}

/// The name of the plan that an alarm starts.
pub(super) fn read_plan_name(item: &Item) -> Result<Name, Unreadable> {
    read_string(item, "plan")?.parse().map_err(|expected| Unreadable(format!("attribute plan: {expected}")))
}

/// Why runs are switched off; `None` when they are not. Anything but a text there is unreadable, not "on".
pub(super) fn read_disabled(item: &Item) -> Result<Option<String>, Unreadable> {
    read_why(item, "disabled")
}

/// The lock of a plan: what conditions look at as attributes of its own, the rest of the run as JSON.
pub(super) fn lock_item(plan: &Name, lock: &Lock) -> Result<Item, Unreadable> {
    let mut item = Key::lock(plan).into_item();
    let run = serde_json::to_string(&lock.run).map_err(|error| Unreadable(format!("attribute run: {error}")))?;
    let attributes = [
        ("epoch", number(lock.epoch)),
        ("state", string(word(lock.state))),
        ("run_id", string(&lock.run.run_id)),
        ("lease_expires_at", time(lock.lease_expires_at)),
        ("acknowledged", AttributeValue::Bool(lock.acknowledged)),
        ("past_point_of_no_return", AttributeValue::Bool(lock.past_point_of_no_return)),
        ("inherits_change", AttributeValue::Bool(lock.inherits_change)),
        ("run", string(run)),
    ];
    item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
    if let Some(until) = lock.cool_down_until {
        item.insert("cool_down_until".to_owned(), time(until));
    }
    if let Some(why) = &lock.stopped {
        item.insert("stopped".to_owned(), string(why));
    }
    Ok(item)
}

/// The lock of a plan.
pub(super) fn read_lock(item: &Item) -> Result<Lock, Unreadable> {
    let run: Admission = read_json(item, "run")?;
    if read_string(item, "run_id")? != run.run_id {
        return Err(Unreadable("attributes run_id and run name different runs".to_owned()));
    }
    Ok(Lock {
        epoch: read_number(item, "epoch")?,
        state: read_state(item)?,
        lease_expires_at: read_time(item, "lease_expires_at")?,
        run,
        past_point_of_no_return: read_bool(item, "past_point_of_no_return")?,
        inherits_change: read_bool(item, "inherits_change")?,
        cool_down_until: match item.get("cool_down_until") {
            Some(_) => Some(read_time(item, "cool_down_until")?),
            None => None,
        },
        acknowledged: read_bool(item, "acknowledged")?,
        stopped: read_why(item, "stopped")?,
    })
}

/// A question for approval. The newest replaces the one before: only its token answers for a task that still waits.
pub(super) fn approval_item(plan: &Name, asked: &AskedApproval) -> Item {
    let mut item = Key::approval(plan).into_item();
    let attributes = [
        ("run_id", string(&asked.run_id)),
        ("token", string(&asked.token)),
        ("asked_at", time(asked.asked_at)),
        ("expires_at", time(asked.expires_at)),
    ];
    item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
    item
}

/// A question for approval.
#[cfg(feature = "sfn")]
pub(super) fn read_approval(item: &Item) -> Result<AskedApproval, Unreadable> {
    Ok(AskedApproval {
        run_id: read_string(item, "run_id")?.to_owned(),
        token: read_string(item, "token")?.to_owned(),
        asked_at: read_time(item, "asked_at")?,
        expires_at: read_time(item, "expires_at")?,
    })
}

/// A line of a journal.
pub(super) fn entry_item(entry: &Entry) -> Result<Item, Unreadable> {
    let body = serde_json::to_string(entry).map_err(|error| Unreadable(format!("attribute body: {error}")))?;
    let mut item = Key::entry(entry).into_item();
    item.insert("body".to_owned(), string(body));
    Ok(item)
}

/// A line of a journal.
pub(super) fn read_entry(item: &Item) -> Result<Entry, Unreadable> {
    read_json(item, "body")
}

fn read_state(item: &Item) -> Result<LockState, Unreadable> {
    match read_string(item, "state")? {
        "held" => Ok(LockState::Held),
        "free" => Ok(LockState::Free),
        "needs-operator" => Ok(LockState::NeedsOperator),
        other => Err(Unreadable(format!("attribute state is {other:?}; expected held, free or needs-operator"))),
    }
}

fn read_string<'a>(item: &'a Item, name: &str) -> Result<&'a str, Unreadable> {
    match item.get(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        Some(_) | None => Err(Unreadable(format!("attribute {name} is missing or no text"))),
    }
}

/// What a person may have written there.
fn read_why(item: &Item, name: &str) -> Result<Option<String>, Unreadable> {
    match item.get(name) {
        None => Ok(None),
        Some(AttributeValue::S(why)) => Ok(Some(why.clone())),
        Some(_) => Err(Unreadable(format!("attribute {name} is no text"))),
    }
}

fn read_number<T: std::str::FromStr>(item: &Item, name: &str) -> Result<T, Unreadable> {
    let unreadable = || Unreadable(format!("attribute {name} is missing or no whole number"));
    match item.get(name) {
        Some(AttributeValue::N(digits)) => digits.parse().map_err(|_| unreadable()),
        Some(_) | None => Err(unreadable()),
    }
}

fn read_time(item: &Item, name: &str) -> Result<Timestamp, Unreadable> {
    read_number(item, name).map(Timestamp::from_ms)
}

fn read_bool(item: &Item, name: &str) -> Result<bool, Unreadable> {
    match item.get(name) {
        Some(AttributeValue::Bool(value)) => Ok(*value),
        Some(_) | None => Err(Unreadable(format!("attribute {name} is missing or neither true nor false"))),
    }
}

fn read_json<T: serde::de::DeserializeOwned>(item: &Item, name: &str) -> Result<T, Unreadable> {
    serde_json::from_str(read_string(item, name)?).map_err(|error| Unreadable(format!("attribute {name}: {error}")))
}
