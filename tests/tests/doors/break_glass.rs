//! RUNBOOK, "Break-glass": its commands, as they stand there, with the table down.

use std::path::Path;

use serde_json::json;

use crate::world::{ACCOUNT, Functions, SOURCE, Served, TARGET, plan, root};

/// The commands of the section, in their order.
fn commands() -> String {
    let runbook = std::fs::read_to_string(root().join("RUNBOOK.md")).expect("RUNBOOK.md");
    let (_, section) = runbook.split_once("\n## Break-glass\n").expect("the section");
    let section = section.split("\n## ").next().expect("its text");
    let blocks: Vec<&str> = section.split("```sh\n").skip(1).filter_map(|block| block.split("```").next()).collect();
    assert_eq!(blocks.len(), 6, "a command was added or taken away: see that it is tried here");
    blocks.concat()
}

#[test]
fn with_the_table_down_the_commands_of_the_runbook_move_the_workload_by_hand_in_the_safe_order() {
    let world = Served::begin(plan(), 20, Functions::Unused);
    world.control("break", &json!({"region": SOURCE}));
    for operation in ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"] {
        world.control("fault", &json!({"operation": operation, "kind": "unavailable", "times": 1_000_000}));
    }
    let done = world
        .program(Path::new("bash"))
        .args(["-euo", "pipefail", "-c", &commands()])
        .envs([("TARGET", TARGET), ("ACCOUNT", ACCOUNT), ("ENDPOINT", world.url().as_str())])
        .envs([("ENDPOINT_REGION", "eu-west-1"), ("OTHER_ENDPOINT_REGION", "ap-southeast-2")])
        .output()
        .expect("bash and the AWS CLI, which `make .venv/installed` installs");
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.trim_end().ends_with("On"), "the other endpoint tells that the target is On: {said}");

    let state = world.once_clients_are_served();
    for (name, database) in state["databases"].as_object().expect("databases") {
        assert_eq!(database["writer"], json!(TARGET), "{name}");
    }
    assert_eq!(state["routing"]["controls"], json!({SOURCE: "Off", TARGET: "On"}));
}
