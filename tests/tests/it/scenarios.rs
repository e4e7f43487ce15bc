//! Every scenario of `lifeboat drill`, with the shipped state machine and the shipped steps.

use std::collections::BTreeMap;

use lifeboat_model::limits::{ENDPOINT_TIMEOUT, Step};
use lifeboat_model::report::{Outcome, Report};
use lifeboat_model::request::Mode;
use lifeboat_simulator::invariants::STATEMENTS;
use lifeboat_simulator::{Scenario, drill, play};

use crate::common::{assert_invariants_hold, options, played};

/// Seeds for each scenario: enough that slow and fast promotions, dead endpoints and late canaries all come up.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=12;

fn report(scenario: Scenario, seed: u64) -> Report {
    let played = played(scenario, seed, |_| {});
    assert_invariants_hold(&played, &format!("{} seed {seed}", scenario.name()));
    played.report
}

#[test]
fn every_scenario_ends_as_it_should_with_every_invariant_kept() {
    let mut checks: BTreeMap<String, u64> = BTreeMap::new();
    for scenario in Scenario::ALL {
        for seed in SEEDS {
            let report = report(scenario, seed);
            assert!(report.passed, "{} seed {seed}: {:?}", scenario.name(), report.complaints);
            for (id, result) in report.invariants {
                *checks.entry(id).or_default() += result.checks;
            }
        }
    }
    for (id, _) in STATEMENTS {
        assert!(checks.get(id).is_some_and(|n| *n > 0), "{id} was never checked");
    }
}

#[test]
fn s6_a_switchover_in_an_outage_is_refused_and_never_becomes_a_failover() {
    for seed in SEEDS {
        let mut options = options(Scenario::RegionalOutage, seed);
        options.mode = Mode::Switchover;
        let report = drill(&options, |_, _| {}).expect("this pair can be drilled");
        assert!(report.passed, "seed {seed}: {:?}", report.complaints);
        assert_eq!(report.outcome, Some(Outcome::Unchanged));
        let cause = report.runs.first().and_then(|r| r.cause.clone()).unwrap_or_default();
        assert!(cause.contains("source-unhealthy"), "{cause}");
    }
}

#[test]
fn s9_a_failover_of_a_healthy_source_is_refused() {
    for seed in SEEDS {
        let mut options = options(Scenario::PlannedSwitchover, seed);
        options.mode = Mode::Failover;
        let report = drill(&options, |_, _| {}).expect("this pair can be drilled");
        assert!(report.passed, "seed {seed}: {:?}", report.complaints);
        let cause = report.runs.first().and_then(|r| r.cause.clone()).unwrap_or_default();
        assert!(cause.contains("source-healthy"), "{cause}");
    }
}

#[test]
fn a_failover_loses_no_more_than_was_in_flight_and_than_was_consented_to() {
    for seed in SEEDS {
        let report = report(Scenario::RegionalOutage, seed);
        assert!(report.writes_lost > 0, "an outage with writes in flight loses some");
        assert!(report.rpo_s > 0.0 && report.rpo_s <= report.objectives.rpo_s, "rpo {}", report.rpo_s);
        assert_eq!(report.writes_conflicting, 0);
        assert_eq!(report.damaged_writes.len() as u64, report.writes_lost);
    }
}

#[test]
fn a_planned_switchover_loses_nothing_and_a_failback_neither() {
    for scenario in [Scenario::PlannedSwitchover, Scenario::Failback] {
        for seed in SEEDS {
            let report = report(scenario, seed);
            assert_eq!((report.writes_lost, report.writes_conflicting, report.rpo_s), (0, 0, 0.0), "seed {seed}");
        }
    }
}

#[test]
fn s3_a_stalled_promotion_leaves_traffic_where_it_is_and_calls_a_person() {
    for seed in SEEDS {
        let played = played(Scenario::PromotionStalls, seed, |_| {});
        assert_eq!(played.report.outcome, Some(Outcome::NeedsOperator));
        assert!(played.world.state().traffic.changes.is_empty());
        let cause = played.report.runs.first().and_then(|r| r.cause.clone()).unwrap_or_default();
        assert!(cause.contains("promotion-stalled") && cause.contains("orders"), "{cause}");
    }
}

#[test]
fn s4_opposite_starts_at_once_give_one_run_and_one_refusal_that_names_the_other() {
    for seed in SEEDS {
        let report = report(Scenario::TwoOperators, seed);
        let refused: Vec<_> = report.runs.iter().filter(|r| r.outcome == Some(Outcome::Unchanged)).collect();
        assert_eq!(refused.len(), 1, "seed {seed}");
        let cause = refused.first().and_then(|r| r.cause.clone()).unwrap_or_default();
        assert!(cause.contains("lock-held") || cause.contains("cool-down"), "{cause}");
    }
}

#[test]
fn s7_a_flapping_alarm_starts_one_run_and_meets_the_cool_down() {
    for seed in SEEDS {
        let played = played(Scenario::FlappingAlarm, seed, |_| {});
        assert_eq!(played.report.runs.len(), 1, "seed {seed}");
        assert!(played.world.state().watchers.alarms.len() >= 2, "the alarm fired once only");
        let refused = played.report.timeline.iter().any(|e| e.text.contains("told") && e.text.contains("cool-down"));
        assert!(refused, "seed {seed}: the second transition met no cool-down");
        let state = played.world.state();
        let told = state.messages.published.iter().filter(|m| m.subject.contains("NotStarted")).count();
        assert_eq!(told, state.watchers.alarms.len() - 1, "seed {seed}: people hear of each call that was in vain");
    }
}

#[test]
fn a_round_trip_loses_only_what_the_failovers_consent_covered_and_nothing_on_the_way_home() {
    for seed in SEEDS {
        let report = report(Scenario::RoundTrip, seed);
        let outcomes: Vec<_> = report.runs.iter().map(|r| r.outcome).collect();
        assert_eq!(
            outcomes,
            [Some(Outcome::Completed), Some(Outcome::Unchanged), Some(Outcome::Completed)],
            "seed {seed}"
        );
        let refused = report.runs.get(1).and_then(|r| r.cause.clone()).unwrap_or_default();
        assert!(refused.contains("database-not-ready"), "seed {seed}: {refused}");
        assert!(report.rpo_s <= report.objectives.rpo_s);
        assert!(report.damaged_writes.iter().all(|w| w.region == report.source), "seed {seed}: lost on the way home");
    }
}

#[test]
fn s12_dead_routing_endpoints_cost_less_than_one_time_out_each() {
    let operation = "route53-recovery-cluster:GetRoutingControlState";
    let mut dead_asked_first = 0;
    for seed in SEEDS {
        let played = played(Scenario::RoutingEndpointsDown, seed, |_| {});
        assert_eq!(played.report.outcome, Some(Outcome::Completed), "seed {seed}");
        let state = played.world.state();
        for step in [Step::Assess, Step::ShiftTraffic] {
            let reads: Vec<_> =
                state.lambda.calls.iter().filter(|c| c.step == step && c.operation == operation).collect();
            let (first, answered) =
                (reads.first().expect("a read"), reads.iter().find(|c| c.effective).expect("an answer"));
            dead_asked_first += u32::from(!first.effective);
            let waited_ms = answered.at.ms_since(first.at);
            assert!(waited_ms < ENDPOINT_TIMEOUT.as_ms(), "seed {seed}: {step} waited {waited_ms} ms for an answer");
        }
    }
    assert!(dead_asked_first > 0, "no dead endpoint was ever asked first");
}

#[test]
fn the_same_seed_gives_the_same_report_to_the_byte_and_another_seed_another() {
    let json = |seed| {
        let report = drill(&options(Scenario::RegionalOutage, seed), |_, _| {}).expect("a drill");
        serde_json::to_string_pretty(&report).expect("a report is JSON")
    };
    assert_eq!(json(7), json(7));
    assert_ne!(json(7), json(8));
}

#[test]
fn the_own_overhead_of_a_run_is_at_most_five_seconds_in_the_median() {
    let overhead = |scenario| {
        let mut all: Vec<f64> = (1..=25).map(|seed| report(scenario, seed).overhead_s).collect();
        all.sort_by(f64::total_cmp);
        all.get(12).copied().unwrap_or(f64::MAX)
    };
    // Virtual seconds: the same on every machine.
    assert!(overhead(Scenario::RegionalOutage) <= 5.0);
    assert!(overhead(Scenario::PlannedSwitchover) <= 5.0);
}

#[test]
fn a_mode_that_a_scenario_does_not_have_is_not_played() {
    let mut options = options(Scenario::TwoOperators, 1);
    options.mode = Mode::Failover;
    assert!(play(&options, |_| {}).is_none());
}
