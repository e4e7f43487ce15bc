//! Where in an execution we are: its variables, its counters, the item of a map; and how a state is left.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::definition::{Catcher, Fail};
use super::execution::{Execution, StateError};
use super::expression::{Variables, fill};
use super::retry::catcher;
use super::states::{Item, States};

/// The most bytes of one input or output (Step Functions quota).
const DATA_MAX: usize = 256 * 1024;
/// The most events of one history (Step Functions quota): the execution fails when it is reached.
const HISTORY_MAX: u64 = 25_000;

/// Where in an execution we are.
#[derive(Clone)]
pub(super) struct Scope<'a> {
    pub(super) execution: &'a Execution,
    pub(super) counters: &'a Counters,
    pub(super) variables: Rc<Variables>,
    pub(super) item: Option<Rc<Item>>,
    /// The number of the event of the history that led here. Clones of a scope share it; branches have one each.
    pub(super) last_event: Rc<Cell<u64>>,
}

#[derive(Default)]
pub(super) struct Counters {
    pub(super) transitions: Cell<u64>,
    pub(super) events: Cell<u64>,
}

impl Counters {
    pub(super) fn count(&self, events: u64) -> Result<(), StateError> {
        self.events.set(self.events.get() + events);
        if self.events.get() > HISTORY_MAX {
            return Err(StateError::new("States.Runtime", format!("the history has more than {HISTORY_MAX} events")));
        }
        Ok(())
    }
}

/// Where a state leads.
pub(super) enum Step {
    To(String, Value),
    /// By a catcher, after this error.
    Caught(String, Value, StateError),
    End(Value),
}

impl Step {
    pub(super) const fn output(&self) -> &Value {
        match self {
            Self::To(_, output) | Self::Caught(_, output, _) | Self::End(output) => output,
        }
    }
}

impl<'a> Scope<'a> {
    pub(super) fn new(execution: &'a Execution, counters: &'a Counters) -> Self {
        Self { execution, counters, variables: Rc::default(), item: None, last_event: Rc::default() }
    }

    /// The scopes of so many branches, and where each of them has come to in the history.
    pub(super) fn branches(&self, count: usize) -> (Vec<Self>, Vec<Rc<Cell<u64>>>) {
        let lasts: Vec<Rc<Cell<u64>>> = (0..count).map(|_| Rc::new(Cell::new(self.last_event.get()))).collect();
        let scopes = lasts.iter().map(|last| Self { last_event: Rc::clone(last), ..self.clone() }).collect();
        (scopes, lasts)
    }

    /// Goes on after the newest event of the branches.
    pub(super) fn join(&self, lasts: &[Rc<Cell<u64>>]) {
        let newest = lasts.iter().map(|last| last.get()).max().unwrap_or_default();
        self.last_event.set(self.last_event.get().max(newest));
    }
}

impl Scope<'_> {
    pub(super) fn assign(&mut self, assign: Option<&Map<String, Value>>, states: States<'_>) -> Result<(), StateError> {
        let Some(assign) = assign else { return Ok(()) };
        // Expressions see the variables as they were when the state was entered.
        let values: Result<Vec<(String, Value)>, StateError> =
            assign.iter().map(|(name, template)| Ok((name.clone(), evaluated(template, states, self)?))).collect();
        Rc::make_mut(&mut self.variables).extend(values?);
        Ok(())
    }
}

/// The way on from a task or map: by its result, or by the catcher that its error meets.
pub(super) fn settle<'a>(
    result: Result<Value, StateError>,
    catch: &[Catcher],
    states: States<'_>,
    scope: &mut Scope<'a>,
    well: impl FnOnce(Value, &mut Scope<'a>) -> Result<Step, StateError>,
) -> Result<Step, StateError> {
    let error = match result.and_then(|value| well(value, scope)) {
        Ok(step) => return Ok(step),
        Err(error) => error,
    };
    let Some(catcher) = catcher(catch, &error.error) else { return Err(error) };
    let error_output = json!({"Error": error.error, "Cause": error.cause});
    let states = states.with("errorOutput", &error_output);
    let output = match &catcher.output {
        Some(output) => evaluated(output, states, scope)?,
        None => error_output.clone(),
    };
    scope.assign(catcher.assign.as_ref(), states)?;
    Ok(Step::Caught(catcher.next.clone(), output, error))
}

pub(super) fn output_of(
    template: Option<&Value>,
    result: &Value,
    states: States<'_>,
    scope: &Scope<'_>,
) -> Result<Value, StateError> {
    match template {
        Some(template) => evaluated(template, states.with("result", result), scope),
        None => Ok(result.clone()),
    }
}

pub(super) fn onward(next: Option<&String>, output: Value) -> Step {
    match next {
        Some(next) => Step::To(next.clone(), output),
        None => Step::End(output),
    }
}

pub(super) fn evaluated(template: &Value, states: States<'_>, scope: &Scope<'_>) -> Result<Value, StateError> {
    fill(template, states, &scope.variables).map_err(|cause| StateError::new("States.QueryEvaluationError", cause))
}

pub(super) fn failed(fail: &Fail, states: States<'_>, scope: &Scope<'_>) -> Result<StateError, StateError> {
    let text = |template: &str| match evaluated(&Value::String(template.to_owned()), states, scope)? {
        Value::String(text) => Ok(text),
        other => Err(not_a("Error or Cause", "a text", &other)),
    };
    Ok(StateError { error: text(&fail.error)?, cause: text(&fail.cause)? })
}

pub(super) fn not_a(what: &str, expected: &str, found: &Value) -> StateError {
    StateError::new("States.QueryEvaluationError", format!("{what} is not {expected} but {found}"))
}

pub(super) fn limit_data(data: &Value) -> Result<(), StateError> {
    let bytes = bytes_of(data);
    if bytes > DATA_MAX {
        return Err(StateError::new("States.DataLimitExceeded", format!("{bytes} bytes are more than {DATA_MAX}")));
    }
    Ok(())
}

/// The length of `data` as text.
fn bytes_of(data: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting fails at nothing, and a value is JSON already.
    serde_json::to_writer(&mut count, data).map_or(usize::MAX, |()| count.0)
}
