//! The state machine's definition, read strictly.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use super::expression;

/// Why a definition is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DefinitionError {
    /// It is not JSON of the subset.
    #[error("the state machine cannot be read: {0}")]
    Unreadable(String),
    /// It is, and makes no sense.
    #[error("state {state}: {problem}")]
    Senseless {
        /// The state.
        state: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// A state machine.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Machine {
    #[expect(dead_code, reason = "read so that it is allowed to stand there")]
    comment: Option<String>,
    query_language: String,
    pub(super) start_at: String,
    pub(super) timeout_seconds: u32,
    pub(super) states: States,
}

/// States by name.
pub type States = BTreeMap<String, State>;

/// A state.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "Type")]
pub enum State {
    /// Calls a function.
    Task(Box<Task>),
    /// Branches.
    Choice(Choice),
    /// Waits.
    Wait(Wait),
    /// Passes on.
    Pass(Pass),
    /// Runs states for each item.
    Map(Box<MapState>),
    /// Runs branches beside each other.
    Parallel(Box<Parallel>),
    /// Ends well.
    Succeed(Succeed),
    /// Ends badly.
    Fail(Fail),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Task {
    #[expect(dead_code, reason = "read so that it is allowed to stand there")]
    comment: Option<String>,
    resource: String,
    pub(super) arguments: Value,
    pub(super) timeout_seconds: Value,
    pub(super) assign: Option<Map<String, Value>>,
    pub(super) output: Option<Value>,
    #[serde(default)]
    pub(super) retry: Vec<Retrier>,
    #[serde(default)]
    pub(super) catch: Vec<Catcher>,
    pub(super) next: Option<String>,
    pub(super) end: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Retrier {
    pub(super) error_equals: Vec<String>,
    pub(super) interval_seconds: u32,
    pub(super) backoff_rate: f64,
    pub(super) max_attempts: u32,
    pub(super) max_delay_seconds: u32,
    pub(super) jitter_strategy: Jitter,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Jitter {
    Full,
    None,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Catcher {
    pub(super) error_equals: Vec<String>,
    pub(super) output: Option<Value>,
    pub(super) assign: Option<Map<String, Value>>,
    pub(super) next: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Choice {
    #[expect(dead_code, reason = "read so that it is allowed to stand there")]
    comment: Option<String>,
    pub(super) choices: Vec<Rule>,
    pub(super) default: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Rule {
    pub(super) condition: String,
    pub(super) next: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Wait {
    #[expect(dead_code, reason = "read so that it is allowed to stand there")]
    comment: Option<String>,
    pub(super) seconds: Value,
    pub(super) next: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Pass {
    #[expect(dead_code, reason = "read so that it is allowed to stand there")]
    comment: Option<String>,
    pub(super) assign: Option<Map<String, Value>>,
    pub(super) output: Option<Value>,
    pub(super) next: Option<String>,
    pub(super) end: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct MapState {
    #[expect(dead_code, reason = "read so that it is allowed to stand there")]
    comment: Option<String>,
    pub(super) items: Value,
    pub(super) item_selector: Option<Value>,
    pub(super) max_concurrency: usize,
    pub(super) item_processor: Processor,
    pub(super) output: Option<Value>,
    #[serde(default)]
    pub(super) retry: Vec<Retrier>,
    #[serde(default)]
    pub(super) catch: Vec<Catcher>,
    pub(super) next: Option<String>,
    pub(super) end: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Parallel {
    #[expect(dead_code, reason = "read so that it is allowed to stand there")]
    comment: Option<String>,
    pub(super) branches: Vec<Branch>,
    pub(super) output: Option<Value>,
    #[serde(default)]
    pub(super) retry: Vec<Retrier>,
    #[serde(default)]
    pub(super) catch: Vec<Catcher>,
    pub(super) next: Option<String>,
    pub(super) end: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Branch {
    pub(super) start_at: String,
    pub(super) states: States,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Processor {
    processor_config: ProcessorConfig,
    pub(super) start_at: String,
    pub(super) states: States,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ProcessorConfig {
    mode: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Succeed {
    #[expect(dead_code, reason = "read so that it is allowed to stand there")]
    comment: Option<String>,
    pub(super) output: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Fail {
    #[expect(dead_code, reason = "read so that it is allowed to stand there")]
    comment: Option<String>,
    pub(super) error: String,
    pub(super) cause: String,
}

/// Calls a function and takes its answer.
const LAMBDA_INVOKE: &str = "arn:aws:states:::lambda:invoke";
/// Calls a function, and takes what somebody sends with the task's token for the answer.
const LAMBDA_INVOKE_TOKEN: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";
/// The most iterations that an inline map runs at once (Step Functions quota).
const INLINE_MAP_MAX: usize = 40;

impl Machine {
    /// Reads a definition and checks that it makes sense.
    ///
    /// # Errors
    /// The first thing in it that the runner does not know or that cannot work.
    pub fn read(text: &str) -> Result<Self, DefinitionError> {
        let machine: Self = serde_json::from_str(text).map_err(|e| DefinitionError::Unreadable(e.to_string()))?;
        if machine.query_language != "JSONata" {
            return Err(DefinitionError::Unreadable(format!(
                "QueryLanguage {} is not JSONata",
                machine.query_language
            )));
        }
        let mut names = BTreeSet::new();
        check_states(&machine.start_at, &machine.states, &BTreeSet::new(), &mut names)?;
        Ok(machine)
    }

    /// The function and the hard time limit, in seconds, of each task that names its function outright; no limit where an
    /// expression gives it.
    pub fn tasks(&self) -> Vec<(String, Option<u32>)> {
        let mut found = Vec::new();
        collect_tasks(&self.states, &mut found);
        found
    }
}

fn collect_tasks(states: &States, found: &mut Vec<(String, Option<u32>)>) {
    for state in states.values() {
        if let State::Task(task) = state
            && let Some(function) = task.function().filter(|f| !f.starts_with("{%"))
        {
            let seconds = task.timeout_seconds.as_u64().and_then(|s| u32::try_from(s).ok());
            found.push((function.to_owned(), seconds));
        }
        for (_, inner) in state.inner() {
            collect_tasks(inner, found);
        }
    }
}

impl Task {
    /// Whether its answer comes with the task's token.
    pub(super) fn waits_for_token(&self) -> bool {
        self.resource == LAMBDA_INVOKE_TOKEN
    }

    /// The function that it calls, as its arguments name it.
    pub(super) fn function(&self) -> Option<&str> {
        self.arguments.get("FunctionName").and_then(Value::as_str)
    }
}

fn check_states(
    start_at: &str,
    states: &States,
    outer: &BTreeSet<String>,
    names: &mut BTreeSet<String>,
) -> Result<(), DefinitionError> {
    let senseless = |state: &str, problem: String| DefinitionError::Senseless { state: state.to_owned(), problem };
    if !states.contains_key(start_at) {
        return Err(senseless(start_at, "StartAt names no state".to_owned()));
    }
    let assigned: BTreeSet<String> = states.values().flat_map(assigned_names).collect();
    if let Some(name) = assigned.intersection(outer).next() {
        return Err(senseless(start_at, format!("assigns ${name}, which an outer scope owns")));
    }
    let visible: BTreeSet<String> = outer.union(&assigned).cloned().collect();
    for (name, state) in states {
        if !names.insert(name.clone()) {
            return Err(senseless(name, "stands twice".to_owned()));
        }
        let wrong = |problem: String| senseless(name, problem);
        for next in state.successors() {
            if !states.contains_key(next) {
                return Err(wrong(format!("leads to {next}, which does not exist")));
            }
        }
        state.check().map_err(wrong)?;
        for (start_at, inner) in state.inner() {
            check_states(start_at, inner, &visible, names)?;
        }
    }
    Ok(())
}

fn assigned_names(state: &State) -> Vec<String> {
    let keys = |assign: &Option<Map<String, Value>>| assign.iter().flat_map(|m| m.keys().cloned()).collect::<Vec<_>>();
    let caught = |catch: &[Catcher]| catch.iter().flat_map(|c| keys(&c.assign)).collect::<Vec<_>>();
    match state {
        State::Task(task) => [keys(&task.assign), caught(&task.catch)].concat(),
        State::Pass(pass) => keys(&pass.assign),
        State::Map(map) => caught(&map.catch),
        State::Parallel(parallel) => caught(&parallel.catch),
        State::Choice(_) | State::Wait(_) | State::Succeed(_) | State::Fail(_) => Vec::new(),
    }
}

impl State {
    /// Its type, as the definition writes it.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Task(_) => "Task",
            Self::Choice(_) => "Choice",
            Self::Wait(_) => "Wait",
            Self::Pass(_) => "Pass",
            Self::Map(_) => "Map",
            Self::Parallel(_) => "Parallel",
            Self::Succeed(_) => "Succeed",
            Self::Fail(_) => "Fail",
        }
    }

    /// The states within a map or a parallel state, and where each begins.
    fn inner(&self) -> Vec<(&str, &States)> {
        match self {
            Self::Map(m) => vec![(m.item_processor.start_at.as_str(), &m.item_processor.states)],
            Self::Parallel(p) => p.branches.iter().map(|b| (b.start_at.as_str(), &b.states)).collect(),
            Self::Task(_) | Self::Choice(_) | Self::Wait(_) | Self::Pass(_) | Self::Succeed(_) | Self::Fail(_) => {
                Vec::new()
            }
        }
    }

    fn successors(&self) -> Vec<&str> {
        match self {
            Self::Task(t) => t.next.iter().map(String::as_str).chain(t.catch.iter().map(|c| c.next.as_str())).collect(),
            Self::Map(m) => m.next.iter().map(String::as_str).chain(m.catch.iter().map(|c| c.next.as_str())).collect(),
            Self::Parallel(p) => {
                p.next.iter().map(String::as_str).chain(p.catch.iter().map(|c| c.next.as_str())).collect()
            }
            Self::Choice(c) => c.choices.iter().map(|r| r.next.as_str()).chain([c.default.as_str()]).collect(),
            Self::Wait(w) => vec![&w.next],
            Self::Pass(p) => p.next.iter().map(String::as_str).collect(),
            Self::Succeed(_) | Self::Fail(_) => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Task(task) => {
                if task.resource != LAMBDA_INVOKE && !task.waits_for_token() {
                    return Err(format!("resource {} is not {LAMBDA_INVOKE}", task.resource));
                }
                if task.function().is_none() {
                    return Err("names no function".to_owned());
                }
                one_way_on(task.next.as_ref(), task.end)?;
                check_catch(&task.catch)?;
                check_templates([Some(&task.arguments), Some(&task.timeout_seconds), task.output.as_ref()])?;
                check_assign(task.assign.as_ref())
            }
            Self::Map(map) => {
                if map.item_processor.processor_config.mode != "INLINE" {
                    return Err(format!("mode {} is not INLINE", map.item_processor.processor_config.mode));
                }
                if !(1..=INLINE_MAP_MAX).contains(&map.max_concurrency) {
                    return Err(format!("MaxConcurrency is not from 1 to {INLINE_MAP_MAX}"));
                }
                one_way_on(map.next.as_ref(), map.end)?;
                check_catch(&map.catch)?;
                check_templates([Some(&map.items), map.item_selector.as_ref(), map.output.as_ref()])
            }
            Self::Parallel(parallel) => {
                if parallel.branches.is_empty() {
                    return Err("has no branches".to_owned());
                }
                one_way_on(parallel.next.as_ref(), parallel.end)?;
                check_catch(&parallel.catch)?;
                check_templates([parallel.output.as_ref()])
            }
            Self::Choice(choice) => choice.choices.iter().try_for_each(|rule| expression::check_text(&rule.condition)),
            Self::Wait(wait) => check_templates([Some(&wait.seconds)]),
            Self::Pass(pass) => {
                one_way_on(pass.next.as_ref(), pass.end)?;
                check_templates([pass.output.as_ref()])?;
                check_assign(pass.assign.as_ref())
            }
            Self::Succeed(succeed) => check_templates([succeed.output.as_ref()]),
            Self::Fail(fail) => expression::check_text(&fail.error).and_then(|()| expression::check_text(&fail.cause)),
        }
    }
}

fn one_way_on(next: Option<&String>, end: Option<bool>) -> Result<(), String> {
    match (next, end) {
        (Some(_), None) | (None, Some(true)) => Ok(()),
        (Some(_), Some(_)) | (None, Some(false) | None) => Err("needs either Next or End: true".to_owned()),
    }
}

fn check_catch(catch: &[Catcher]) -> Result<(), String> {
    catch.iter().try_for_each(|c| {
        check_templates([c.output.as_ref()])?;
        check_assign(c.assign.as_ref())
    })
}

fn check_assign(assign: Option<&Map<String, Value>>) -> Result<(), String> {
    assign.into_iter().flat_map(Map::values).try_for_each(expression::check)
}

fn check_templates<const N: usize>(templates: [Option<&Value>; N]) -> Result<(), String> {
    templates.into_iter().flatten().try_for_each(expression::check)
}
