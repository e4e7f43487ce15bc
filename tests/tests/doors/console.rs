//! The console: `StartExecution` with the smallest input, which is what the console sends.

use serde_json::{Value, json};

use crate::world::{ACCOUNT, Functions, Served, TARGET, plan_for_processes};

fn start(world: &Served, name: &str, input: &Value) -> Value {
    let machine = format!("arn:aws:states:{TARGET}:{ACCOUNT}:stateMachine:lifeboat-failover");
    let input = input.to_string();
    let arguments = ["--state-machine-arn", &machine, "--name", name, "--input", &input];
    world.aws(&[["stepfunctions", "start-execution"].as_slice(), arguments.as_slice()].concat())
}

#[test]
fn from_the_console_a_rehearsal_and_then_a_switchover_complete_on_the_built_binaries() {
    let world = Served::begin(plan_for_processes(), 1, Functions::Binaries);
    let rehearsal = json!({"plan": "retail-store", "target": TARGET, "mode": "rehearse"});
    start(&world, "rehearsal", &rehearsal);
    let run = world.ended_run("rehearsal");
    assert_eq!(run["outcome"], "Rehearsed", "{run:#}");

    let started = start(&world, "planned", &json!({"plan": "retail-store", "target": TARGET, "mode": "switchover"}));
    let run = world.ended_run("planned");
    assert_eq!(run["outcome"], "Completed", "{run:#}");
    world.assert_moved();
    let arn = started["executionArn"].as_str().expect("an ARN");
    let described = world.aws(&["stepfunctions", "describe-execution", "--execution-arn", arn]);
    assert_eq!(described["status"], "SUCCEEDED");
    assert!(described["output"].as_str().is_some_and(|output| output.contains("Completed")), "{described:#}");
}
