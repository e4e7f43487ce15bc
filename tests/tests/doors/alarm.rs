//! The alarm: the source goes dark, the alarm in the surviving Region calls `start-run`, and nobody else does anything.

use serde_json::json;

use crate::world::{Functions, SOURCE, Served, TARGET, plan_for_processes};

#[test]
fn the_alarm_starts_one_run_that_completes_on_the_built_binaries_however_often_it_calls() {
    let world = Served::begin(plan_for_processes(), 1, Functions::Binaries);
    world.control("break", &json!({"region": SOURCE}));
    let started = (0..1200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(500));
        world.state()["runs"].as_array()?.first().cloned()
    });
    let started = started.expect("the alarm starts a run within ten minutes");
    assert_eq!(started["started_by"], "alarm");
    assert_eq!(started["region"], TARGET);
    let name = started["execution"].as_str().and_then(|arn| arn.rsplit(':').next()).expect("a name").to_owned();
    let run = world.ended_run(&name);
    assert_eq!(run["outcome"], "Completed", "{run:#}");
    world.assert_moved();
    assert_eq!(world.state()["runs"].as_array().map(Vec::len), Some(1));
}
