//! One function for each kind of input that comes from outside.
//!
//! Guarantees: each takes every input, and panics only where the code under it broke a promise: it panicked, it gave no
//! answer, it refused without a reason, it broke an invariant, or what it wrote does not read as what it was. Effects: none
//! outside of a simulated world that is thrown away.

use std::cell::RefCell;
use std::rc::Rc;

use lifeboat_cli::{MACHINE, plan_file, plan_show};
use lifeboat_model::decide::Answer;
use lifeboat_model::limits::Step;
use lifeboat_model::read::Problem;
use lifeboat_model::request::Request;
use lifeboat_model::{Direction, Plan, Region, StepError};
use lifeboat_simulator::World;
use lifeboat_simulator::machine::Machine;
use serde_json::Value;

pub use crate::requests::{expression, http};

/// What takes one kind of input.
pub type Take = fn(&[u8]);

/// Every kind by its name, which its fuzz target and its corpus have too.
pub const ALL: [(&str, Take); 7] = [
    ("alarm_event", alarm_event),
    ("answer", answer),
    ("expression", expression),
    ("http", http),
    ("plan", plan),
    ("request", request),
    ("step_event", step_event),
];

thread_local! {
    static SHIPPED: RefCell<Option<(Plan, Rc<Machine>)>> = const { RefCell::new(None) };
}

/// A world of the shipped plan in which nothing has happened yet.
pub(crate) fn world() -> World {
    let (plan, machine) = SHIPPED.with_borrow_mut(|shipped| {
        let read = || {
            let machine = Machine::read(MACHINE).expect("the shipped machine is one");
            (plan_file::load(None).expect("the example plan is one"), Rc::new(machine))
        };
        shipped.get_or_insert_with(read).clone()
    });
    let [source, target] = plan.regions.clone();
    World::new(plan, Direction { source, target }, machine, 1)
}

/// Where runs of [`world`] execute.
pub(crate) fn home() -> Region {
    "us-west-2".parse().expect("a Region's name")
}

/// A refusal says what is wrong, and steers no terminal.
fn assert_told(problems: &[Problem]) {
    assert!(!problems.is_empty(), "refused without a reason");
    for problem in problems {
        assert_printable(&problem.to_string());
    }
}

fn assert_printable(text: &str) {
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "steers a terminal: {text:?}");
}

/// A plan, as `lifeboat plan check` and `plan show` take it. What is accepted reads again as what it is.
///
/// # Panics
/// See the module's documentation.
pub fn plan(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match plan_file::parse("plan.yaml", text) {
        Ok(plan) => {
            for shown in [plan_show::yaml(&plan), plan_show::json(&plan)] {
                let shown = shown.expect("a plan can be shown");
                let read = plan_file::parse("shown.yaml", &shown);
                assert_eq!(read.as_ref().ok(), Some(&plan), "{shown}\n{read:?}");
            }
        }
        Err(error) => assert_printable(&error.to_string()),
    }
}

/// The input of an execution.
///
/// # Panics
/// See the module's documentation.
pub fn request(input: &[u8]) {
    let Ok(input) = serde_json::from_slice::<Value>(input) else { return };
    if let Err(problems) = Request::read(&input) {
        assert_told(&problems);
    }
}

/// A person's answer to a run that asks.
///
/// # Panics
/// See the module's documentation.
pub fn answer(input: &[u8]) {
    let Ok(input) = serde_json::from_slice::<Value>(input) else { return };
    match Answer::read(&input) {
        Ok(answer) => assert_eq!(Answer::read(&answer.output()), Ok(answer)),
        Err(problems) => assert_told(&problems),
    }
}

/// What calls `start-run`: an alarm in any of its forms, or anything else.
///
/// # Panics
/// See the module's documentation.
pub fn alarm_event(input: &[u8]) {
    invoke(Step::StartRun, input);
}

/// What calls another function. The first byte says which one.
///
/// # Panics
/// See the module's documentation.
pub fn step_event(input: &[u8]) {
    let Some((first, event)) = input.split_first() else { return };
    let step = Step::ALL.get(usize::from(first.wrapping_sub(b'a'))).copied();
    let Some(step) = step.filter(|step| *step != Step::StartRun) else { return };
    invoke(step, event);
}

/// Invokes `step` with `event` in a world in which no run has been admitted.
fn invoke(step: Step, event: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(event) else { return };
    let world = world();
    let inner = world.clone();
    let reply = world.executor().run(async move { inner.invoke(step, &home(), "", event).await });
    if let Err(error) = reply {
        assert!(StepError::NAMES.contains(&error.error.as_str()), "{step}: {}: {}", error.error, error.cause);
        assert!(!error.cause.is_empty(), "{step} failed without a cause");
    }
    let state = world.state();
    let moved = !state.aurora.promotions.is_empty() || !state.traffic.changes.is_empty();
    assert!(!moved, "{step} moved something without a run");
    assert_eq!(state.invariants.violations(), 0, "{step} broke an invariant");
    drop(state);
    world.executor().shut_down();
}
