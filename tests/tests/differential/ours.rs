//! The runner that ships, given a script.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use async_trait::async_trait;
use lifeboat_model::{Period, Timestamp};
use lifeboat_simulator::executor::Executor;
use lifeboat_simulator::machine::{Execution, Functions, Invocation, Machine, Observer, Runner, StateError, What};
use serde_json::{Value, json};

use crate::cases::{Answer, Script};
use crate::trace::{Call, Event, Trace};

fn after(seconds: f64) -> Period {
    Period::ms((seconds * 1000.0) as u32)
}

struct Scripted {
    executor: Executor,
    script: Rc<Script>,
    asked: RefCell<BTreeMap<String, usize>>,
    calls: Rc<RefCell<Vec<Call>>>,
    tokens: Cell<usize>,
    answers: Cell<usize>,
}

impl Scripted {
    /// The nth answer of the function for this share of resources, if it has such, or the nth of all; the last one stays.
    fn answer_of(&self, function: &str, payload: &Value) -> Answer {
        let share = format!("{function} {}", payload["resources"][0].as_str().unwrap_or_default());
        let key = if self.script.functions.contains_key(&share) { share } else { function.to_owned() };
        let answers = self.script.functions.get(&key).unwrap_or_else(|| panic!("no answers of {key}"));
        let mut asked = self.asked.borrow_mut();
        let n = asked.entry(key).or_default();
        *n += 1;
        answers[(*n).min(answers.len()) - 1].clone()
    }
}

#[async_trait(?Send)]
impl Functions for Scripted {
    async fn invoke(&self, invocation: Invocation<'_>) -> Result<Value, StateError> {
        let (function, payload) = (invocation.function.to_owned(), invocation.payload);
        let answer = self.answer_of(&function, &payload);
        self.calls.borrow_mut().push(Call { at_ms: self.executor.now().as_ms() as u64, function, payload });
        self.executor.sleep(after(answer.after_s)).await;
        match (answer.returns, answer.error, answer.unavailable) {
            (Some(reply), None, None) => Ok(reply),
            (None, Some(error), None) => {
                let said = json!({"errorMessage": answer.message.unwrap_or_default(), "errorType": error});
                Err(StateError::new(&error, said.to_string()))
            }
            (None, None, Some(code)) => Err(StateError::new(&format!("Lambda.{code}"), "unavailable")),
            other => panic!("not one answer: {other:?}"),
        }
    }

    fn new_token(&self, _: &Execution, _: &str) -> String {
        self.tokens.set(self.tokens.get() + 1);
        format!("token-{}", self.tokens.get())
    }

    async fn answer(&self, _: &str) -> Result<Value, StateError> {
        let n = self.answers.get();
        self.answers.set(n + 1);
        let Some(answer) = self.script.tokens.get(n) else { return std::future::pending().await };
        self.executor.sleep(after(answer.after_s)).await;
        match &answer.error {
            Some(error) => Err(StateError::new(error, answer.cause.clone().unwrap_or_default())),
            None => Ok(answer.output.clone().unwrap_or_default()),
        }
    }

    fn now(&self) -> Timestamp {
        self.executor.now()
    }

    async fn sleep(&self, period: Period) {
        self.executor.sleep(period).await;
    }

    fn transition_time(&self) -> Period {
        Period::ms(0)
    }

    fn chance(&self) -> f64 {
        self.script.chance
    }
}

struct Historian {
    executor: Executor,
    events: Rc<RefCell<Vec<Event>>>,
}

impl Observer for Historian {
    fn entered(&self, _: &Execution, _: &str, _: Option<&str>) {}
    fn left(&self, _: &Execution, _: &str, _: Option<&str>, _: Option<&StateError>) {}
    fn retries(&self, _: &Execution, _: &str, _: Option<&str>, _: &StateError, _: Period) {}

    fn notes(&self, _: &Execution, previous: u64, what: impl FnOnce() -> What) -> u64 {
        let what = what();
        let (kind, name, index) = if let What::StateEntered { kind, state, .. } = what {
            (format!("{kind}StateEntered"), Some(state), None)
        } else if let What::IterationStarted { state, index } = what {
            ("MapIterationStarted".to_owned(), Some(state), Some(index))
        } else {
            ("of no interest here".to_owned(), None, None)
        };
        let mut events = self.events.borrow_mut();
        let id = events.len() as u64 + 1;
        events.push(Event { id, previous, kind, at_ms: self.executor.now().as_ms() as u64, name, index });
        id
    }
}

/// What the shipped runner makes of it.
pub fn run(script: &Script) -> Trace {
    let machine = Machine::read(&script.definition.to_string()).expect("a machine that the runner accepts");
    let executor = Executor::new(Timestamp::from_ms(0));
    let (calls, events) = (Rc::<RefCell<Vec<Call>>>::default(), Rc::<RefCell<Vec<Event>>>::default());
    let functions = Scripted {
        executor: executor.clone(),
        script: Rc::new(script.clone()),
        asked: RefCell::default(),
        calls: Rc::clone(&calls),
        tokens: Cell::default(),
        answers: Cell::default(),
    };
    let historian = Historian { executor: executor.clone(), events: Rc::clone(&events) };
    let runner = Runner::new(Rc::new(machine), functions, historian);
    let execution = Execution {
        id: "arn:aws:states:us-west-2:111122223333:execution:machine:run".into(),
        name: "run".into(),
        input: script.input.clone(),
        started_at: Timestamp::from_ms(0),
    };
    let ended = executor.run(async move { runner.execute(&execution).await });
    let outcome = ended.result.map_err(|e| (e.error, e.cause));
    let ended_ms = executor.now().as_ms() as u64;
    let calls = calls.borrow().clone();
    Trace::new(&script.definition, outcome, ended_ms, &events.borrow(), calls)
}
