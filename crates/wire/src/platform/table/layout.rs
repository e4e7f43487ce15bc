//! How plans, settings, locks, questions and journals stand in items: the same layout as the shipped adapter's
//! (`crates/aws/src/ledger/items.rs`), read just as strictly.

use lifeboat_model::journal::Entry;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::read::Node;
use lifeboat_model::{Plan, Timestamp};
use lifeboat_ports::AskedApproval;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::store::Key;
use super::value::{Item, Number, Value};

/// What an item is, by its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Which version of a plan counts.
    Current(Name),
    /// A version of a plan.
    Version(Name, u64),
    /// The kill switch of a plan.
    SettingsOf(Name),
    /// The kill switch of all plans.
    Settings,
    /// The lock of a plan.
    Lock(Name),
    /// The newest question about a plan.
    Approval(Name),
    /// Which plan an alarm starts.
    Alarm(String),
    /// A line of the journal of a run.
    Journal(String),
    /// Nothing that Lifeboat reads.
    Other,
}

impl Place {
    /// What stands under these keys.
    pub fn of(key: &Key) -> Self {
        let (pk, sk) = (key.pk.as_str(), key.sk.as_str());
        if let Some(name) = pk.strip_prefix("plan#").and_then(|name| name.parse::<Name>().ok()) {
            let version = sk.strip_prefix("version#").filter(|v| v.len() == 12).and_then(|v| v.parse().ok());
            return match (sk, version) {
                (_, Some(version)) => Self::Version(name, version),
                ("current", None) => Self::Current(name),
                ("settings", None) => Self::SettingsOf(name),
                ("lock", None) => Self::Lock(name),
                ("approval", None) => Self::Approval(name),
                (_, None) => Self::Other,
            };
        }
        match (pk.strip_prefix("alarm#"), pk.strip_prefix("run#"), sk) {
            (Some(alarm), _, "plan") => Self::Alarm(alarm.to_owned()),
            (_, Some(run), _) => Self::Journal(run.to_owned()),
            (_, _, "all") if pk == "settings" => Self::Settings,
            (_, _, _) => Self::Other,
        }
    }

    /// What the record of calls says that a call was about: the steps' own words, which the invariants look for.
    pub const fn resource(&self) -> &'static str {
        match self {
            Self::Current(_) | Self::Version(_, _) => "plan",
            Self::SettingsOf(_) | Self::Settings => "settings",
            Self::Lock(_) => "lock",
            Self::Approval(_) => "approval",
            Self::Alarm(_) => "alarm",
            Self::Journal(_) => "journal",
            Self::Other => "item",
        }
    }
}

/// The key of an item of `plan`.
pub fn key_of(plan: &Name, sk: impl Into<String>) -> Key {
    Key { pk: format!("plan#{plan}"), sk: sk.into() }
}

/// The key of a version of `plan`.
pub fn version_key(plan: &Name, version: u64) -> Key {
    key_of(plan, format!("version#{version:012}"))
}

/// The key of the item of `alarm`.
pub fn alarm_key(alarm: &str) -> Key {
    Key { pk: format!("alarm#{alarm}"), sk: "plan".to_owned() }
}

/// The key of all plans' kill switch.
pub fn settings_key() -> Key {
    Key { pk: "settings".to_owned(), sk: "all".to_owned() }
}

/// The key of a line of a journal.
pub fn entry_key(entry: &Entry) -> Key {
    Key { pk: format!("run#{}", entry.run_id), sk: entry.key() }
}

fn text(text: impl Into<String>) -> Value {
    Value::S(text.into())
}

fn number(number: impl ToString) -> Value {
    Number::read(&number.to_string()).map_or(Value::Null, Value::N)
}

fn json(value: &impl Serialize) -> Value {
    // What the model writes is plain data: it always is JSON.
    serde_json::to_string(value).map_or(Value::Null, Value::S)
}

fn item<const N: usize>(key: &Key, attributes: [(&str, Value); N]) -> Item {
    let keys = [("pk", text(&key.pk)), ("sk", text(&key.sk))];
    keys.into_iter().chain(attributes).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Which version of a plan counts.
pub fn current_item(plan: &Name, version: u64) -> Item {
    item(&key_of(plan, "current"), [("version", number(version))])
}

/// A version of a plan.
pub fn plan_item(plan: &Plan, version: u64) -> Item {
    item(&version_key(&plan.name, version), [("body", json(plan))])
}

/// Which plan an alarm starts.
pub fn alarm_item(alarm: &str, plan: &Name) -> Item {
    item(&alarm_key(alarm), [("plan", text(plan.as_str()))])
}

/// A kill switch that is set.
pub fn settings_item(key: &Key, why: &str) -> Item {
    item(key, [("disabled", text(why))])
}

/// A lock.
pub fn lock_item(plan: &Name, lock: &Lock) -> Item {
    let state = match lock.state {
        LockState::Held => "held",
        LockState::Free => "free",
        LockState::NeedsOperator => "needs-operator",
    };
    let mut item = item(
        &key_of(plan, "lock"),
        [
            ("epoch", number(lock.epoch)),
            ("state", text(state)),
            ("run_id", text(&lock.run.run_id)),
            ("lease_expires_at", number(lock.lease_expires_at.as_ms())),
            ("acknowledged", Value::Bool(lock.acknowledged)),
            ("past_point_of_no_return", Value::Bool(lock.past_point_of_no_return)),
            ("inherits_change", Value::Bool(lock.inherits_change)),
            ("run", json(&lock.run)),
        ],
    );
    if let Some(until) = lock.cool_down_until {
        item.insert("cool_down_until".to_owned(), number(until.as_ms()));
    }
    if let Some(why) = &lock.stopped {
        item.insert("stopped".to_owned(), text(why));
    }
    item
}

/// A question.
pub fn approval_item(plan: &Name, asked: &AskedApproval) -> Item {
    item(
        &key_of(plan, "approval"),
        [
            ("run_id", text(&asked.run_id)),
            ("token", text(&asked.token)),
            ("asked_at", number(asked.asked_at.as_ms())),
            ("expires_at", number(asked.expires_at.as_ms())),
        ],
    )
}

/// A line of a journal.
pub fn entry_item(entry: &Entry) -> Item {
    item(&entry_key(entry), [("body", json(entry))])
}

/// Which version of a plan counts.
pub fn read_current(item: &Item) -> Result<u64, String> {
    read_number(item, "version")
}

/// A version of a plan.
pub fn read_plan(item: &Item, name: &Name) -> Result<Plan, String> {
    let body: serde_json::Value = read_json(item, "body")?;
    let plan = Plan::read(&Node::from(&body)).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        format!("the plan is wrong: {}", problems.join("; "))
    })?;
    if &plan.name == name { Ok(plan) } else { Err(format!("the plan stored as {name} is called {}", plan.name)) }
}

/// Which plan an alarm starts.
pub fn read_alarm(item: &Item) -> Result<Name, String> {
    read_text(item, "plan")?.parse().map_err(|expected| format!("attribute plan: {expected}"))
}

/// Why runs are switched off.
pub fn read_disabled(item: &Item) -> Result<Option<String>, String> {
    match item.get("disabled") {
        None => Ok(None),
        Some(Value::S(why)) => Ok(Some(why.clone())),
        Some(_) => Err("attribute disabled is no text".to_owned()),
    }
}

/// A lock.
pub fn read_lock(item: &Item) -> Result<Lock, String> {
    let run: lifeboat_model::lock::Admission = read_json(item, "run")?;
    if read_text(item, "run_id")? != run.run_id {
        return Err("attributes run_id and run name different runs".to_owned());
    }
    let state = match read_text(item, "state")? {
        "held" => LockState::Held,
        "free" => LockState::Free,
        "needs-operator" => LockState::NeedsOperator,
        other => return Err(format!("attribute state is {other:?}; expected held, free or needs-operator")),
    };
    let cool_down_until = match item.get("cool_down_until") {
        Some(_) => Some(read_time(item, "cool_down_until")?),
        None => None,
    };
    Ok(Lock {
        epoch: read_number(item, "epoch")?,
        state,
        lease_expires_at: read_time(item, "lease_expires_at")?,
        run,
        past_point_of_no_return: read_truth(item, "past_point_of_no_return")?,
        inherits_change: read_truth(item, "inherits_change")?,
        cool_down_until,
        acknowledged: read_truth(item, "acknowledged")?,
        stopped: match item.get("stopped") {
            Some(_) => Some(read_text(item, "stopped")?.to_owned()),
            None => None,
        },
    })
}

/// A question.
pub fn read_approval(item: &Item) -> Result<AskedApproval, String> {
    Ok(AskedApproval {
        run_id: read_text(item, "run_id")?.to_owned(),
        token: read_text(item, "token")?.to_owned(),
        asked_at: read_time(item, "asked_at")?,
        expires_at: read_time(item, "expires_at")?,
    })
}

/// A line of a journal.
pub fn read_entry(item: &Item) -> Result<Entry, String> {
    read_json(item, "body")
}

fn read_text<'a>(item: &'a Item, name: &str) -> Result<&'a str, String> {
    match item.get(name) {
        Some(Value::S(text)) => Ok(text),
        Some(_) | None => Err(format!("attribute {name} is missing or no text")),
    }
}

fn read_number<T: std::str::FromStr>(item: &Item, name: &str) -> Result<T, String> {
    let wrong = || format!("attribute {name} is missing or no whole number");
    match item.get(name) {
        Some(Value::N(number)) => number.as_str().parse().map_err(|_| wrong()),
        Some(_) | None => Err(wrong()),
    }
}

fn read_time(item: &Item, name: &str) -> Result<Timestamp, String> {
    read_number(item, name).map(Timestamp::from_ms)
}

fn read_truth(item: &Item, name: &str) -> Result<bool, String> {
    match item.get(name) {
        Some(Value::Bool(truth)) => Ok(*truth),
        Some(_) | None => Err(format!("attribute {name} is missing or neither true nor false")),
    }
}

fn read_json<T: DeserializeOwned>(item: &Item, name: &str) -> Result<T, String> {
    serde_json::from_str(read_text(item, name)?).map_err(|error| format!("attribute {name}: {error}"))
}
