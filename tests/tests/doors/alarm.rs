//! The alarm: the source goes dark, the alarm in the surviving Region calls `start-run`, and nobody else does anything.

use std::time::Duration;

use lifeboat_model::plan::Policy;
use serde_json::json;

use crate::terminal::{lifeboat, said};
use crate::world::{Functions, SOURCE, Served, TARGET, plan_for_processes};

/// The run that the alarm starts, within ten minutes.
fn name_of_run_started_by_the_alarm(world: &Served) -> String {
    let started = (0..1200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(500));
        world.state()["runs"].as_array()?.first().cloned()
    });
    let started = started.expect("the alarm starts a run");
    assert_eq!(started["started_by"], "alarm");
    assert_eq!(started["region"], TARGET);
    started["execution"].as_str().and_then(|arn| arn.rsplit(':').next()).expect("a name").to_owned()
}

#[test]
fn the_alarm_starts_one_run_that_completes_on_the_built_binaries_however_often_it_calls() {
    let world = Served::begin(plan_for_processes(), 1, Functions::Binaries);
    world.control("break", &json!({"region": SOURCE}));
    let run = world.ended_run(&name_of_run_started_by_the_alarm(&world));
    assert_eq!(run["outcome"], "Completed", "{run:#}");
    world.assert_moved();
    assert_eq!(world.state()["runs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn under_policy_approve_the_alarms_run_waits_for_the_yes_of_a_terminal_and_then_completes() {
    let mut plan = plan_for_processes();
    plan.automation.policy = Policy::Approve;
    let world = Served::begin(plan, 1, Functions::Binaries);
    world.control("break", &json!({"region": SOURCE}));
    let name = name_of_run_started_by_the_alarm(&world);
    let yes = ["approve", "retail-store", "--reason", "the store must sell", "--max-data-loss", "30s"];
    let answered = (0..120).find_map(|_| {
        std::thread::sleep(Duration::from_secs(1));
        let answer = lifeboat(&world, &yes);
        let nobody_asks_yet = answer.status.code() == Some(1);
        (!nobody_asks_yet).then_some(answer)
    });
    let answered = answered.expect("a question within two minutes");
    assert_eq!(answered.status.code(), Some(0), "{}", said(&answered));
    let run = world.ended_run(&name);
    assert_eq!(run["outcome"], "Completed", "{run:#}");
    world.assert_moved();
}
