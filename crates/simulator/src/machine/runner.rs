//! Executes a machine: from state to state.

mod branches;
mod task;

use std::cell::RefCell;
use std::rc::Rc;

use futures_util::future::{Either, LocalBoxFuture, select};
use lifeboat_model::Period;
use serde_json::Value;

use super::definition::{Machine, Retrier, State, States};
use super::execution::{Ended, EndedBy, Execution, Functions, Observer, StateError};
use super::expression::Variables;
use super::history::What;
use super::retry::Retries;
use super::scope::{Counters, Scope, Step, evaluated, failed, limit_data, not_a, onward, output_of, settle};
use super::states::{Context, States as Seen};

/// Executes one machine.
pub struct Runner<F, O> {
    machine: Rc<Machine>,
    functions: F,
    observer: O,
    /// The state of the machine itself that was entered last; those of its branches begin anew with it.
    reached: RefCell<Option<Progress>>,
}

/// Where an execution is: a state that it enters, and with what.
#[derive(Clone)]
struct Progress {
    state: String,
    input: Value,
    variables: Rc<Variables>,
}

/// A visit to a state: which one, what its expressions see, and where in the execution it is.
struct Visit<'v, 'a> {
    name: &'v str,
    states: Seen<'v>,
    scope: &'v Scope<'a>,
}

impl<F: Functions, O: Observer> Runner<F, O> {
    /// A runner of `machine`.
    pub fn new(machine: Rc<Machine>, functions: F, observer: O) -> Self {
        Self { machine, functions, observer, reached: RefCell::default() }
    }

    /// Runs `execution` to its end.
    pub async fn execute(&self, execution: &Execution) -> Ended {
        self.execute_from(self.beginning(execution), execution).await
    }

    /// Where every execution begins.
    fn beginning(&self, execution: &Execution) -> Progress {
        Progress { state: self.machine.start_at.clone(), input: execution.input.clone(), variables: Rc::default() }
    }

    /// Runs `execution` on from the state of the machine that it had entered last, as `RedriveExecution` does; from the
    /// beginning, when it had entered none.
    pub async fn redrive(&self, execution: &Execution) -> Ended {
        let reached = self.reached.borrow().clone();
        self.execute_from(reached.unwrap_or_else(|| self.beginning(execution)), execution).await
    }

    async fn execute_from(&self, from: Progress, execution: &Execution) -> Ended {
        let counters = Counters::default();
        let scope = Scope { variables: from.variables, ..Scope::new(execution, &counters) };
        let last = Rc::clone(&scope.last_event);
        self.note(&scope, || What::ExecutionStarted { input: execution.input.clone() });
        let work = self.run_states(from.state, &self.machine.states, from.input, scope);
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
        start_at: String,
        states: &'a States,
        input: Value,
        mut scope: Scope<'a>,
    ) -> LocalBoxFuture<'a, Result<Value, StateError>> {
        Box::pin(async move {
            let mut name = start_at;
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
                if std::ptr::eq(states, &self.machine.states) {
                    let variables = Rc::clone(&scope.variables);
                    *self.reached.borrow_mut() =
                        Some(Progress { state: name.clone(), input: input.clone(), variables });
                }
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
        let context = Context::new(scope.execution, scope.item.as_ref().map(Rc::clone), name);
        let states = Seen { input: &input, context: &context, came_to: None };
        match state {
            State::Task(task) => {
                let result = self.try_task(task, &Visit { name, states, scope }).await;
                settle(result, &task.catch, states, scope, |result, scope| {
                    let output = output_of(task.output.as_ref(), &result, states, scope)?;
                    scope.assign(task.assign.as_ref(), states.with("result", &result))?;
                    Ok(onward(task.next.as_ref(), output))
                })
            }
            State::Map(map) => {
                let result = self.try_map(map, &Visit { name, states, scope }).await;
                settle(result, &map.catch, states, scope, |result, scope| {
                    let output = output_of(map.output.as_ref(), &result, states, scope)?;
                    Ok(onward(map.next.as_ref(), output))
                })
            }
            State::Parallel(parallel) => {
                let result = self.try_parallel(parallel, &Visit { name, states, scope }).await;
                settle(result, &parallel.catch, states, scope, |result, scope| {
                    let output = output_of(parallel.output.as_ref(), &result, states, scope)?;
                    Ok(onward(parallel.next.as_ref(), output))
                })
            }
            State::Choice(choice) => {
                for rule in &choice.choices {
                    match evaluated(&Value::String(rule.condition.clone()), states, scope)? {
                        Value::Bool(true) => return Ok(Step::To(rule.next.clone(), input)),
                        Value::Bool(false) => {}
                        other => return Err(not_a("a condition", "true or false", &other)),
                    }
                }
                Ok(Step::To(choice.default.clone(), input))
            }
            State::Wait(wait) => {
                let seconds = evaluated(&wait.seconds, states, scope)?;
                let whole = seconds.as_f64().filter(|s| (0.0..=99_999_999.0).contains(s) && s.fract() == 0.0);
                let whole = whole.ok_or_else(|| not_a("Seconds", "a whole number from 0", &seconds))?;
                self.functions.sleep(Period::ms((whole * 1000.0) as u32)).await;
                Ok(Step::To(wait.next.clone(), input))
            }
            State::Pass(pass) => {
                let output = match &pass.output {
                    Some(output) => evaluated(output, states, scope)?,
                    None => input.clone(),
                };
                scope.assign(pass.assign.as_ref(), states)?;
                Ok(onward(pass.next.as_ref(), output))
            }
            State::Succeed(succeed) => match &succeed.output {
                Some(output) => Ok(Step::End(evaluated(output, states, scope)?)),
                None => Ok(Step::End(input)),
            },
            State::Fail(fail) => Err(failed(fail, states, scope)?),
        }
    }

    /// Tries until `attempt` succeeds, or `retriers` give up.
    async fn with_retries(
        &self,
        retriers: &[Retrier],
        visit: &Visit<'_, '_>,
        attempt: impl AsyncFn() -> Result<Value, StateError>,
    ) -> Result<Value, StateError> {
        let mut retries = Retries::new(retriers);
        loop {
            let result = attempt().await;
            let Err(error) = result else { return result };
            let Some(delay) = retries.delay(&error.error, self.functions.chance()) else { return Err(error) };
            let label = visit.scope.item.as_ref().map(|i| i.label.as_str());
            self.observer.retries(visit.scope.execution, visit.name, label, &error, delay);
            self.functions.sleep(delay).await;
        }
    }
}
