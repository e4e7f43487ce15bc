//! `lifeboat history`.

use lifeboat_cli::exit::Exit;
use lifeboat_cli::operator::history::of;
use lifeboat_cli::operator::watch::{find, last_ended};
use lifeboat_model::Period;
use lifeboat_model::execution::StateMachine;
use lifeboat_ports::{Execution, ExecutionStatus, Fault, Listed};
use serde_json::json;

use crate::pretended::{NOW, Pretended, failing, now, plan};

fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:states:{region}:111122223333:execution:lifeboat-failover:{name}")
}

fn add(world: &Pretended, region: &str, name: &str, ago_s: u32, plan: &str, ended: Option<(&str, &str)>) {
    let (run, started_at) = (arn(region, name), NOW.minus(Period::seconds(ago_s)));
    let listed = Listed { run: run.parse().expect("an execution"), started_at };
    let mut all = world.listed.borrow_mut();
    all.entry(region.to_owned()).or_insert(Ok(Vec::new())).as_mut().expect("a list").push(listed);
    let input =
        json!({"plan": plan, "target": region, "mode": "switchover", "trigger": {"kind": "operator", "name": "me"}});
    let execution = Execution {
        status: match ended {
            None => ExecutionStatus::Running,
            Some(("", _)) => ExecutionStatus::Succeeded,
            Some(_) => ExecutionStatus::Failed,
        },
        started_at,
        stopped_at: ended.map(|_| started_at.plus(Period::seconds(93))),
        input: Some(input.to_string()),
        output: ended.filter(|(error, _)| error.is_empty()).map(|(_, o)| json!({"outcome": o}).to_string()),
        error: ended.filter(|(error, _)| !error.is_empty()).map(|(error, _)| error.to_owned()),
        cause: None,
    };
    world.by_arn.borrow_mut().insert(run, execution);
}

fn machine() -> StateMachine {
    "lifeboat-failover".parse().expect("a name")
}

#[test]
fn the_runs_of_both_regions_are_listed_newest_first_and_those_of_other_plans_are_not() {
    let world = Pretended::default();
    add(&world, "us-west-2", "one", 900, "retail-store", Some(("", "Completed")));
    add(&world, "us-east-1", "two", 600, "retail-store", Some(("Lifeboat.Unchanged", "")));
    add(&world, "us-east-1", "other", 500, "other-store", Some(("", "Completed")));
    add(&world, "us-west-2", "three", 300, "retail-store", None);
    let found = now(of(&plan(), &machine(), 20, &world)).expect("a list");
    let names: Vec<&str> = found.runs.iter().map(|run| run.run.name()).collect();
    assert_eq!(names, ["three", "two", "one"]);
    let told = found.told(&plan());
    assert!(told.text.lines().all(|line| line.chars().count() <= 110), "{}", told.text);
    for words in
        ["switchover, me", "us-east-1 -> us-west-2", "us-west-2 -> us-east-1", "1 min 33 s", "Unchanged", "runs"]
    {
        assert!(told.text.contains(words), "{words}: {}", told.text);
    }
    assert_eq!(told.json["runs"][2]["outcome"], "Completed");
    let newest = now(of(&plan(), &machine(), 1, &world)).expect("a list");
    assert_eq!((newest.runs.len(), newest.more), (1, true));
}

#[test]
fn a_region_that_is_silent_is_named_and_does_not_hide_the_other() {
    let world = Pretended::default();
    add(&world, "us-west-2", "one", 900, "retail-store", Some(("", "Completed")));
    let silent = || Err(failing("states:ListExecutions", Fault::TimedOut));
    world.listed.borrow_mut().insert("us-east-1".to_owned(), silent());
    let found = now(of(&plan(), &machine(), 20, &world)).expect("a list");
    assert!(found.told(&plan()).text.contains("us-east-1 did not answer"), "{}", found.told(&plan()).text);
    world.listed.borrow_mut().insert("us-west-2".to_owned(), silent());
    assert_eq!(now(of(&plan(), &machine(), 20, &world)).expect_err("nobody").exit(), Exit::NotDone);
}

#[test]
fn the_newest_report_is_of_a_run_that_has_ended() {
    let world = Pretended::default();
    add(&world, "us-west-2", "one", 900, "retail-store", Some(("", "Completed")));
    add(&world, "us-east-1", "two", 600, "retail-store", Some(("Lifeboat.Unchanged", "")));
    add(&world, "us-west-2", "three", 300, "retail-store", None);
    let newest = now(last_ended(&plan(), &machine(), &world, &world)).expect("a run");
    assert_eq!(newest.name(), "two");
    assert_eq!(now(find(&plan(), &machine(), &world, &world)).expect("a run").name(), "three");
}
