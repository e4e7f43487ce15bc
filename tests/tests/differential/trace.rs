//! What became of a case: in one form for both interpreters, out of the history that each of them writes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::cases::Expected;

/// An event of a history, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub id: u64,
    pub previous: u64,
    #[serde(rename = "type")]
    pub kind: String,
    pub at_ms: u64,
    pub name: Option<String>,
    pub index: Option<usize>,
}

/// A call of a function.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub at_ms: u64,
    pub function: String,
    pub payload: Value,
}

/// How it ended: its output, or its error and cause.
pub type Outcome = Result<Value, (String, String)>;

/// What became of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    pub outcome: Outcome,
    pub ends_at_s: f64,
    /// By branch, each state with its time.
    pub entered: BTreeMap<String, Vec<String>>,
    /// In the order of time, and of names where that is the same.
    pub calls: Vec<String>,
    pub payloads: Vec<Value>,
}

/// In what two traces differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// The output, or the error's name.
    Outcome,
    /// The error's cause.
    Cause,
    /// The time of the end.
    End,
    /// The states entered, or their times.
    Entered,
    /// The functions called, or their times.
    Calls,
    /// What they were given.
    Payloads,
}

fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

impl Trace {
    pub fn new(definition: &Value, outcome: Outcome, ended_ms: u64, events: &[Event], mut calls: Vec<Call>) -> Self {
        calls.sort_by_key(|c| (c.at_ms, c.function.clone(), c.payload.to_string()));
        Self {
            outcome,
            ends_at_s: seconds(ended_ms),
            entered: entered(definition, events),
            calls: calls.iter().map(|c| format!("{} {}", seconds(c.at_ms), c.function)).collect(),
            payloads: calls.into_iter().map(|c| c.payload).collect(),
        }
    }

    /// In what it is not as expected.
    pub fn differs_from(&self, expected: &Expected) -> Vec<Aspect> {
        let (outcome, cause) = match (&self.outcome, &expected.error) {
            (Ok(output), None) => (*output == expected.output.clone().unwrap_or_default(), true),
            (Err((error, cause)), Some(name)) => (error == name, expected.cause.as_ref().is_none_or(|c| c == cause)),
            (Ok(_), Some(_)) | (Err(_), None) => (false, true),
        };
        let payloads = expected.payloads.as_ref().is_none_or(|p| *p == self.payloads);
        aspects([
            outcome,
            cause,
            self.ends_at_s == expected.ends_at_s,
            self.entered == expected.entered,
            self.calls == expected.calls,
            payloads,
        ])
    }

    /// In what it differs from another.
    pub fn differs_from_other(&self, other: &Self) -> Vec<Aspect> {
        let (outcome, cause) = match (&self.outcome, &other.outcome) {
            (Ok(ours), Ok(theirs)) => (ours == theirs, true),
            (Err((ours, our_cause)), Err((theirs, their_cause))) => (ours == theirs, our_cause == their_cause),
            (Ok(_), Err(_)) | (Err(_), Ok(_)) => (false, true),
        };
        aspects([
            outcome,
            cause,
            self.ends_at_s == other.ends_at_s,
            self.entered == other.entered,
            self.calls == other.calls,
            self.payloads == other.payloads,
        ])
    }
}

fn aspects(same: [bool; 6]) -> Vec<Aspect> {
    let all = [Aspect::Outcome, Aspect::Cause, Aspect::End, Aspect::Entered, Aspect::Calls, Aspect::Payloads];
    all.into_iter().zip(same).filter(|(_, same)| !same).map(|(aspect, _)| aspect).collect()
}

/// Where a state stands: in which branch of which parallel state, in an item of which map.
#[derive(Clone)]
enum Within {
    Branch(String, usize),
    Map(String),
}

fn places(states: &Map<String, Value>, within: &[Within], found: &mut BTreeMap<String, Vec<Within>>) {
    for (name, state) in states {
        found.insert(name.clone(), within.to_vec());
        let mut go_on = |inner: &Value, more: Within| {
            let states = inner["States"].as_object().expect("states");
            places(states, &[within, &[more]].concat(), found);
        };
        for (n, branch) in state["Branches"].as_array().into_iter().flatten().enumerate() {
            go_on(branch, Within::Branch(name.clone(), n));
        }
        if let Some(processor) = state.get("ItemProcessor") {
            go_on(processor, Within::Map(name.clone()));
        }
    }
}

/// The name of a branch; `items` are the numbers of the items that it is in, from the outermost map on.
fn branch(within: &[Within], items: &[usize]) -> String {
    let mut items = items.iter();
    let parts = within.iter().map(|w| match w {
        Within::Branch(parallel, n) => format!("{parallel}/{n}"),
        Within::Map(map) => format!("{map}[{}]", items.next().expect("an item of the map")),
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "top".to_owned() } else { parts.join(" ") }
}

fn entered(definition: &Value, events: &[Event]) -> BTreeMap<String, Vec<String>> {
    let mut within = BTreeMap::new();
    places(definition["States"].as_object().expect("states"), &[], &mut within);
    let depth = |name: &str| within[name].iter().filter(|w| matches!(w, Within::Map(_))).count();
    // The items that each event is in; what follows a map still names them, and so is cut to its own depth.
    let mut items: BTreeMap<u64, Vec<usize>> = BTreeMap::from([(0, Vec::new())]);
    let mut entered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in events {
        let mut of = items.get(&event.previous).cloned().unwrap_or_default();
        if let Some(name) = event.name.as_deref().filter(|name| within.contains_key(*name)) {
            of.truncate(depth(name));
            if event.kind == "MapIterationStarted" {
                of.push(event.index.expect("its number"));
            } else if event.kind.ends_with("StateEntered") {
                let line = format!("{} {name}", seconds(event.at_ms));
                entered.entry(branch(&within[name], &of)).or_default().push(line);
            }
        }
        items.insert(event.id, of);
    }
    entered
}
