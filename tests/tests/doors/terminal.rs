//! The terminal: `lifeboat start`, followed to its end, and what an operator does afterwards.

use std::process::Output;

use crate::world::{Functions, Served, TARGET, binaries, plan_for_processes};

/// The command with `arguments`, as an operator in front of `world` gives it.
pub fn lifeboat(world: &Served, arguments: &[&str]) -> Output {
    let mut command = world.program(&binaries().join("lifeboat"));
    command.env("USER", "on-call").args(arguments).output().expect("the command")
}

/// What it said.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn from_the_terminal_a_switchover_is_started_followed_to_completed_reported_and_acknowledged() {
    let world = Served::begin(plan_for_processes(), 1, Functions::Binaries);
    let started = ["start", "retail-store", "--target", TARGET, "--mode", "switchover", "--yes", "--watch"];
    let followed = lifeboat(&world, &started);
    assert_eq!(followed.status.code(), Some(0), "{}", said(&followed));
    assert!(said(&followed).contains("Completed"), "{}", said(&followed));
    world.assert_moved();

    let history = lifeboat(&world, &["history", "retail-store"]);
    assert_eq!(history.status.code(), Some(0), "{}", said(&history));
    assert!(said(&history).contains("Completed"), "{}", said(&history));
    let report = lifeboat(&world, &["report", "retail-store", "--bucket", &format!("lifeboat-reports-{TARGET}")]);
    assert_eq!(report.status.code(), Some(0), "{}", said(&report));
    assert!(said(&report).contains("Completed"), "{}", said(&report));
    for arguments in [
        ["acknowledge", "retail-store", "--reason", "looked", "--yes"].as_slice(),
        &["stop", "retail-store", "--reason", "for the night"],
        &["resume", "retail-store", "--yes"],
    ] {
        let done = lifeboat(&world, arguments);
        assert_eq!(done.status.code(), Some(0), "{arguments:?}: {}", said(&done));
    }
}

#[test]
fn what_the_terminal_refuses_names_the_field_and_the_remedy_and_starts_nothing() {
    let world = Served::begin(plan_for_processes(), 1, Functions::Unused);
    let failover = ["start", "retail-store", "--target", TARGET, "--mode", "failover", "--yes"];
    let cases: [(&[&str], u8, &str); 14] = [
        (&["start", "retail-store", "--mode", "switchover", "--yes"], 2, "--target"),
        (&["start", "retail-store", "--target", "west", "--mode", "switchover", "--yes"], 2, "--target"),
        (&["start", "retail-store", "--target", "eu-west-1", "--mode", "switchover", "--yes"], 2, "us-west-2"),
        (&["start", "retail-store", "--target", TARGET, "--mode", "move", "--yes"], 2, "--mode"),
        (&["start", "Retail Store", "--target", TARGET, "--mode", "switchover", "--yes"], 2, "Retail Store"),
        (&["start", "no-such-plan", "--target", TARGET, "--mode", "switchover", "--yes"], 1, "no-such-plan"),
        (&["start", "retail-store", "--target", TARGET, "--mode", "switchover"], 2, "--yes"),
        (&failover, 2, "--max-data-loss"),
        (&[failover.as_slice(), &["--max-data-loss", "a bit", "--reason", "x"]].concat(), 2, "--max-data-loss"),
        (&[failover.as_slice(), &["--max-data-loss", "30s"]].concat(), 2, "--reason"),
        (&["stop", "retail-store", "--run", "--reason", "why"], 1, "retail-store"),
        (&["acknowledge", "retail-store", "--reason", "why", "--yes"], 1, "retail-store"),
        (&["approve", "retail-store", "--reason", "why"], 1, "waits for approval"),
        (&["plan", "apply", "no-such-file.yaml"], 2, "no-such-file.yaml"),
    ];
    for (arguments, code, word) in cases {
        let refused = lifeboat(&world, arguments);
        let said = said(&refused);
        assert_eq!(refused.status.code(), Some(i32::from(code)), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
    assert_eq!(world.state()["runs"], serde_json::json!([]));
}
