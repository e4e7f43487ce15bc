//! Executes a machine.

use std::rc::Rc;

use async_trait::async_trait;
use futures_util::future::{Either, LocalBoxFuture, select, try_join_all};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lifeboat_model::{Period, Timestamp};
use serde_json::{Value, json};

use super::definition::{Machine, MapState, Parallel, State, States, Task};
use super::history::{AnswerBy, What};
use super::retry::Retries;
use super::scope::{
    Counters, Item, Scope, Step, evaluated, failed, limit_data, not_a, onward, output_of, settle, with,
};

/// What the runner needs of the world around it.
#[async_trait(?Send)]
pub trait Functions {
    /// Invokes a function by the name that the definition gives it.
    async fn invoke(&self, invocation: Invocation<'_>) -> Result<Value, StateError>;
    /// A new task token.
    fn new_token(&self, execution: &Execution, state: &str) -> String;
    /// What somebody answers with `token`; waits for it.
    async fn answer(&self, token: &str) -> Result<Value, StateError>;
    /// Now.
    fn now(&self) -> Timestamp;
    /// Returns after `period`.
    async fn sleep(&self, period: Period);
    /// The time that one state transition takes.
    fn transition_time(&self) -> Period;
    /// A number from 0 to 1, for jitter.
    fn chance(&self) -> f64;
}

/// One call of a function.
pub struct Invocation<'a> {
    /// The function, as the definition names it.
    pub function: &'a str,
    /// The payload.
    pub payload: Value,
    /// The execution that calls.
    pub execution: &'a Execution,
}

/// Hears of what an execution does.
pub trait Observer {
    /// A state is entered; `item` tells the iterations of a map apart.
    fn entered(&self, execution: &Execution, state: &str, item: Option<&str>);
    /// A state is left, after a retry or for good; `problem` is its error.
    fn left(&self, execution: &Execution, state: &str, item: Option<&str>, problem: Option<&StateError>);
    /// A state's task failed and is tried again.
    fn retries(&self, execution: &Execution, state: &str, item: Option<&str>, error: &StateError, after: Period);
    /// Something belongs into the history, after the event with the number `previous`; its own number. Who keeps no history
    /// does not ask what.
    fn notes(&self, _execution: &Execution, previous: u64, _what: impl FnOnce() -> What) -> u64 {
        previous
    }
}

/// An execution of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// Its ARN.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its input.
    pub input: Value,
    /// When it started.
    pub started_at: Timestamp,
}

/// An error with its name and cause, as Step Functions has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError {
    /// The name.
    pub error: String,
    /// The cause.
    pub cause: String,
}

impl StateError {
    /// An error.
    pub fn new(error: &str, cause: impl Into<String>) -> Self {
        Self { error: error.to_owned(), cause: cause.into() }
    }
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Its output, or its error.
    pub result: Result<Value, StateError>,
    /// How many state transitions it made.
    pub transitions: u64,
    /// How many events its history has.
    pub history_events: u64,
    /// What ended it.
    pub by: EndedBy,
}

/// What ended an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Its own last state, or an error that no state caught.
    Itself,
    /// Its time limit.
    TimeLimit,
    /// Somebody stopped it.
    Stop,
}

/// What people call an item of a map: its text, the resources that it names, or its number.
fn label_of(value: &Value, index: usize) -> String {
    let resources = value.get("resources").and_then(Value::as_array);
    let names: Vec<&str> = resources.into_iter().flatten().filter_map(Value::as_str).collect();
    match (value.as_str(), names.as_slice()) {
        (Some(text), _) => text.to_owned(),
        (None, []) => index.to_string(),
        (None, [name]) => (*name).to_owned(),
        (None, [first, more @ ..]) => format!("{first} and {} more", more.len()),
    }
}

/// Executes one machine.
pub struct Runner<F, O> {
    machine: Rc<Machine>,
    functions: F,
    observer: O,
}

impl<F: Functions, O: Observer> Runner<F, O> {
    /// A runner of `machine`.
    pub fn new(machine: Rc<Machine>, functions: F, observer: O) -> Self {
        Self { machine, functions, observer }
    }

    /// Runs `execution` to its end.
    pub async fn execute(&self, execution: &Execution) -> Ended {
        let counters = Counters::default();
        let scope = Scope::new(execution, &counters);
        let last = Rc::clone(&scope.last_event);
        self.note(&scope, || What::ExecutionStarted { input: execution.input.clone() });
        let work = self.run_states(&self.machine.start_at, &self.machine.states, execution.input.clone(), scope);
        let limit = self.functions.sleep(Period::seconds(self.machine.timeout_seconds));
        let (result, by) = match select(work, limit).await {
            Either::Left((result, _)) => (result, EndedBy::Itself),
            Either::Right(((), _)) => {
                (Err(StateError::new("States.Timeout", "the execution ran out of time")), EndedBy::TimeLimit)
            }
        };
        self.observer.notes(execution, last.get(), || match (&result, by) {
            (Ok(output), _) => What::ExecutionSucceeded { output: output.clone() },
            (Err(error), EndedBy::TimeLimit) => What::ExecutionTimedOut(error.clone()),
            (Err(error), EndedBy::Itself | EndedBy::Stop) => What::ExecutionFailed(error.clone()),
        });
        Ended { result, transitions: counters.transitions.get(), history_events: counters.events.get() + 2, by }
    }

    /// Notes what belongs into the history next.
    fn note(&self, scope: &Scope<'_>, what: impl FnOnce() -> What) {
        scope.last_event.set(self.observer.notes(scope.execution, scope.last_event.get(), what));
    }

    fn run_states<'a>(
        &'a self,
        start_at: &'a str,
        states: &'a States,
        input: Value,
        mut scope: Scope<'a>,
    ) -> LocalBoxFuture<'a, Result<Value, StateError>> {
        Box::pin(async move {
            let mut name = start_at.to_owned();
            let mut input = input;
            loop {
                let state = states
                    .get(&name)
                    .ok_or_else(|| StateError::new("States.Runtime", format!("state {name} does not exist")))?;
                scope.counters.transitions.set(scope.counters.transitions.get() + 1);
                scope.counters.count(2)?;
                self.functions.sleep(self.functions.transition_time()).await;
                let label = scope.item.as_ref().map(|i| i.label.clone());
                self.observer.entered(scope.execution, &name, label.as_deref());
                self.note(&scope, || What::StateEntered {
                    kind: state.kind(),
                    state: name.clone(),
                    input: input.clone(),
                });
                limit_data(&input)?;
                let result = self.run_state(&name, state, input, &mut scope).await;
                let problem = match &result {
                    Ok(Step::Caught(_, _, error)) | Err(error) => Some(error),
                    Ok(Step::To(..) | Step::End(_)) => None,
                };
                self.observer.left(scope.execution, &name, label.as_deref(), problem);
                let step = result?;
                self.note(&scope, || What::StateExited {
                    kind: state.kind(),
                    state: name.clone(),
                    output: step.output().clone(),
                });
                match step {
                    Step::To(next, output) | Step::Caught(next, output, _) => {
                        limit_data(&output)?;
                        (name, input) = (next, output);
                    }
                    Step::End(output) => return Ok(output),
                }
            }
        })
    }

    async fn run_state<'a>(
        &'a self,
        name: &str,
        state: &'a State,
        input: Value,
        scope: &mut Scope<'a>,
    ) -> Result<Step, StateError> {
        let states = scope.states(name, &input);
        match state {
            State::Task(task) => {
                let result = self.try_task(name, task, &states, scope).await;
                settle(result, &task.catch, &states, scope, |result, states, scope| {
                    let seen = with(states, "result", result.clone());
                    let output = output_of(task.output.as_ref(), result, states, scope)?;
                    scope.assign(task.assign.as_ref(), &seen)?;
                    Ok(onward(task.next.as_ref(), output))
                })
            }
            State::Map(map) => {
                let result = self.try_map(name, map, &states, scope).await;
                settle(result, &map.catch, &states, scope, |result, states, scope| {
                    let output = output_of(map.output.as_ref(), result, states, scope)?;
                    Ok(onward(map.next.as_ref(), output))
                })
            }
            State::Parallel(parallel) => {
                let result = self.try_parallel(name, parallel, &states, scope).await;
                settle(result, &parallel.catch, &states, scope, |result, states, scope| {
                    let output = output_of(parallel.output.as_ref(), result, states, scope)?;
                    Ok(onward(parallel.next.as_ref(), output))
                })
            }
            State::Choice(choice) => {
                for rule in &choice.choices {
                    match evaluated(&Value::String(rule.condition.clone()), &states, scope)? {
                        Value::Bool(true) => return Ok(Step::To(rule.next.clone(), input)),
                        Value::Bool(false) => {}
                        other => return Err(not_a("a condition", "true or false", &other)),
                    }
                }
                Ok(Step::To(choice.default.clone(), input))
            }
            State::Wait(wait) => {
                let seconds = evaluated(&wait.seconds, &states, scope)?;
                let whole = seconds.as_f64().filter(|s| (0.0..=99_999_999.0).contains(s) && s.fract() == 0.0);
                let whole = whole.ok_or_else(|| not_a("Seconds", "a whole number from 0", &seconds))?;
                self.functions.sleep(Period::ms((whole * 1000.0) as u32)).await;
                Ok(Step::To(wait.next.clone(), input))
            }
            State::Pass(pass) => {
                let output = match &pass.output {
                    Some(output) => evaluated(output, &states, scope)?,
                    None => input,
                };
                scope.assign(pass.assign.as_ref(), &states)?;
                Ok(onward(pass.next.as_ref(), output))
            }
            State::Succeed(succeed) => match &succeed.output {
                Some(output) => Ok(Step::End(evaluated(output, &states, scope)?)),
                None => Ok(Step::End(input)),
            },
            State::Fail(fail) => Err(failed(fail, &states, scope)?),
        }
    }

    async fn try_task(&self, name: &str, task: &Task, states: &Value, scope: &Scope<'_>) -> Result<Value, StateError> {
        let mut retries = Retries::new(&task.retry);
        loop {
            let result = self.call(name, task, states, scope).await;
            let Err(error) = result else { return result };
            let Some(delay) = retries.delay(&error.error, self.functions.chance()) else { return Err(error) };
            let label = scope.item.as_ref().map(|i| i.label.as_str());
            self.observer.retries(scope.execution, name, label, &error, delay);
            self.functions.sleep(delay).await;
        }
    }

    async fn call(&self, name: &str, task: &Task, states: &Value, scope: &Scope<'_>) -> Result<Value, StateError> {
        let token = task.waits_for_token().then(|| self.functions.new_token(scope.execution, name));
        let states = match &token {
            Some(token) => {
                let mut context = states.get("context").cloned().unwrap_or_else(|| json!({}));
                if let Some(fields) = context.as_object_mut() {
                    fields.insert("Task".to_owned(), json!({"Token": token}));
                }
                with(states, "context", context)
            }
            None => states.clone(),
        };
        let arguments = evaluated(&task.arguments, &states, scope)?;
        limit_data(&arguments)?;
        let seconds = evaluated(&task.timeout_seconds, &states, scope)?;
        let whole = seconds.as_u64().and_then(|s| u32::try_from(s).ok()).filter(|s| (1..=99_999_999).contains(s));
        let whole = whole.ok_or_else(|| not_a("TimeoutSeconds", "a whole number from 1", &seconds))?;
        scope.counters.count(3)?;
        let answer = if token.is_some() { AnswerBy::Token } else { AnswerBy::Function };
        self.note(scope, || What::TaskScheduled { parameters: arguments.clone(), timeout_s: whole, answer });
        self.note(scope, || What::TaskStarted(answer));
        let limit = self.functions.sleep(Period::ms(whole.saturating_mul(1000)));
        let work = self.invoke(&arguments, token.as_deref(), scope);
        match select(std::pin::pin!(work), limit).await {
            Either::Left((Ok(output), _)) => {
                self.note(scope, || What::TaskSucceeded { output: output.clone(), answer });
                limit_data(&output)?;
                Ok(output)
            }
            Either::Left((Err(error), _)) => {
                self.note(scope, || What::TaskFailed { error: error.clone(), answer });
                Err(error)
            }
            Either::Right(((), _)) => {
                // Step Functions gives a task's time-out no words.
                let error = StateError::new("States.Timeout", "");
                self.note(scope, || What::TaskTimedOut { error: error.clone(), answer });
                Err(error)
            }
        }
    }

    async fn invoke(&self, arguments: &Value, token: Option<&str>, scope: &Scope<'_>) -> Result<Value, StateError> {
        let function = arguments.get("FunctionName").and_then(Value::as_str).unwrap_or_default();
        let payload = arguments.get("Payload").cloned().unwrap_or_else(|| json!({}));
        let invocation = Invocation { function, payload, execution: scope.execution };
        let result = self.functions.invoke(invocation).await?;
        let output = json!({"Payload": result, "StatusCode": 200, "ExecutedVersion": "$LATEST"});
        match token {
            None => Ok(output),
            Some(token) => {
                self.note(scope, || What::TaskSubmitted { output });
                self.functions.answer(token).await
            }
        }
    }

    async fn try_map<'a>(
        &'a self,
        name: &str,
        map: &'a MapState,
        states: &Value,
        scope: &Scope<'a>,
    ) -> Result<Value, StateError> {
        let mut retries = Retries::new(&map.retry);
        loop {
            let result = self.run_map(name, map, states, scope).await;
            let Err(error) = result else { return result };
            let Some(delay) = retries.delay(&error.error, self.functions.chance()) else { return Err(error) };
            self.observer.retries(scope.execution, name, None, &error, delay);
            self.functions.sleep(delay).await;
        }
    }

    async fn try_parallel<'a>(
        &'a self,
        name: &str,
        parallel: &'a Parallel,
        states: &Value,
        scope: &Scope<'a>,
    ) -> Result<Value, StateError> {
        let input = states.get("input").cloned().unwrap_or(Value::Null);
        let mut retries = Retries::new(&parallel.retry);
        loop {
            scope.counters.count(2)?;
            self.note(scope, || What::ParallelStarted);
            let branches = parallel.branches.iter();
            let (scopes, lasts) = scope.branches(parallel.branches.len());
            let runs = branches.zip(scopes).map(|(b, s)| self.run_states(&b.start_at, &b.states, input.clone(), s));
            let joined = try_join_all(runs).await;
            scope.join(&lasts);
            let error = match joined {
                Ok(results) => {
                    self.note(scope, || What::ParallelSucceeded);
                    return Ok(Value::Array(results));
                }
                Err(error) => error,
            };
            self.note(scope, || What::ParallelFailed(error.clone()));
            let Some(delay) = retries.delay(&error.error, self.functions.chance()) else { return Err(error) };
            self.observer.retries(scope.execution, name, None, &error, delay);
            self.functions.sleep(delay).await;
        }
    }

    /// Every item, in order, at most so many at once; the first error ends them all.
    async fn run_map<'a>(
        &'a self,
        name: &str,
        map: &'a MapState,
        states: &Value,
        scope: &Scope<'a>,
    ) -> Result<Value, StateError> {
        let items = match evaluated(&map.items, states, scope)? {
            Value::Array(items) => items,
            other => return Err(not_a("Items", "a list", &other)),
        };
        scope.counters.count(2 + 2 * items.len() as u64)?;
        self.note(scope, || What::MapStarted { length: items.len() });
        let (scopes, lasts) = scope.branches(items.len());
        let iterations = items.into_iter().zip(scopes).enumerate().map(|(index, (value, mut inner))| {
            let label = label_of(&value, index);
            inner.item = Some(Item { index, value: value.clone(), label });
            let states = with(states, "context", inner.context(""));
            async move {
                let state = || name.to_owned();
                self.note(&inner, || What::IterationStarted { state: state(), index });
                let result = self.run_item(map, value, &states, inner.clone()).await;
                self.note(&inner, || match &result {
                    Ok(_) => What::IterationSucceeded { state: state(), index },
                    Err(_) => What::IterationFailed { state: state(), index },
                });
                Ok::<(usize, Value), StateError>((index, result?))
            }
        });
        // Unordered, so that the first error ends the map whichever item it is of.
        let ended = stream::iter(iterations).buffer_unordered(map.max_concurrency).try_collect().await;
        scope.join(&lasts);
        self.note(scope, || match &ended {
            Ok(_) => What::MapSucceeded,
            Err(error) => What::MapFailed(StateError::clone(error)),
        });
        let mut results: Vec<(usize, Value)> = ended?;
        results.sort_by_key(|(index, _)| *index);
        let results = Value::Array(results.into_iter().map(|(_, output)| output).collect());
        limit_data(&results)?;
        Ok(results)
    }

    async fn run_item<'a>(
        &'a self,
        map: &'a MapState,
        value: Value,
        states: &Value,
        inner: Scope<'a>,
    ) -> Result<Value, StateError> {
        let input = match &map.item_selector {
            Some(selector) => evaluated(selector, states, &inner)?,
            None => value,
        };
        let processor = &map.item_processor;
        self.run_states(&processor.start_at, &processor.states, input, inner).await
    }
}
