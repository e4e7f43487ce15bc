//! The main run's own report, over every scenario: the form that a real run leaves, and the drill's.

use lifeboat_cli::{MACHINE, html, plan_file};
use lifeboat_model::journal::Effect;
use lifeboat_model::report::Outcome;
use lifeboat_simulator::machine::Machine;
use lifeboat_simulator::{DrillOptions, Played, Scenario, play};

fn played(scenario: Scenario) -> Played {
    let plan = plan_file::load(None).expect("the example");
    let options = DrillOptions::of(scenario, plan, Machine::read(MACHINE).expect("the shipped machine").into(), 1);
    play(&options, |_| {}).expect("a drill")
}

#[test]
fn every_concluded_run_leaves_its_report_and_the_drill_carries_that_of_the_main_one() {
    for scenario in Scenario::ALL {
        let Played { report, world } = played(scenario);
        let run = report.run_report.as_ref().unwrap_or_else(|| panic!("{}: no report", scenario.name()));
        assert_eq!(Some(run.outcome), report.outcome, "{}", scenario.name());
        let json = serde_json::to_string_pretty(run).expect("JSON") + "\n";
        let state = world.state();
        let stored = state.messages.stored.iter().filter(|o| o.key.ends_with("report.json"));
        assert!(stored.clone().any(|o| o.body == json), "{}: the drilled run stored another report", scenario.name());
        assert_eq!(stored.count(), report.runs.len(), "{}", scenario.name());
        assert_eq!(state.messages.printed.len(), report.runs.len(), "{}", scenario.name());
    }
}

#[test]
fn every_call_of_a_completed_run_has_its_request_id_in_the_report_and_on_the_drills_page() {
    let report = played(Scenario::RegionalOutage).report;
    let page = html::page(&report);
    let run = report.run_report.expect("a report");
    assert_eq!(run.outcome, Outcome::Completed);
    assert!(run.calls.iter().any(|c| c.effect == Effect::Accepted));
    for call in run.calls.iter().filter(|c| c.effect == Effect::Accepted) {
        let id = call.request_id.as_deref().unwrap_or_else(|| panic!("{call:?}"));
        assert!(page.contains(id), "{id}");
    }
}

#[test]
fn what_the_run_saw_is_close_to_what_clients_saw() {
    let report = played(Scenario::RegionalOutage).report;
    let run = report.run_report.expect("a report");
    let (measured_s, seen_s) = (report.rto_s.expect("recovered"), run.measured.rto_s.expect("recovered"));
    // The run knows of an outage by canaries, which look once a minute.
    assert!((seen_s - measured_s).abs() <= 120.0, "{seen_s} against {measured_s}");
}

#[test]
fn people_hear_of_every_run_that_an_alarm_started_or_that_began() {
    for scenario in [Scenario::RegionalOutage, Scenario::PromotionStalls, Scenario::TargetUnhealthy] {
        let Played { report, world } = played(scenario);
        let outcome = report.outcome.expect("an outcome").as_str();
        let state = world.state();
        let mut told = state.messages.published.iter().filter(|m| m.subject.starts_with("Lifeboat: "));
        assert!(told.any(|m| m.body.starts_with(&format!("Outcome: {outcome}\nWhat next: "))), "{}", scenario.name());
    }
}
