//! The terminal: `lifeboat start`, followed to its end, and what an operator does afterwards.

use std::process::Output;

use crate::world::{Functions, Served, TARGET, binaries, plan_for_processes};

fn lifeboat(world: &Served, arguments: &[&str]) -> Output {
    let mut command = world.program(&binaries().join("lifeboat"));
    command.env("USER", "on-call").args(arguments).output().expect("the command")
}

fn said(output: &Output) -> String {
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
