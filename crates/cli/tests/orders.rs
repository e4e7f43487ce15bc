//! The published orders do in the world what their documents say, and break what they break; ours breaks nothing.

use std::rc::Rc;

use lifeboat_cli::{MACHINE, plan_file};
use lifeboat_model::Timestamp;
use lifeboat_simulator::machine::Machine;
use lifeboat_simulator::{DrillOptions, Order, Played, Scenario, play};

const OUTAGE: Scenario = Scenario::RegionalOutage;
const PLANNED: Scenario = Scenario::PlannedSwitchover;
const FAILOVER: &str = "rds:FailoverGlobalCluster";
const SWITCHOVER: &str = "rds:SwitchoverGlobalCluster";
const ROUTING: &str = "route53-recovery-cluster:UpdateRoutingControlStates";

fn options(order: Order, scenario: Scenario, seed: u64) -> DrillOptions {
    let plan = plan_file::load(None).expect("the example");
    let machine = Rc::new(Machine::read(MACHINE).expect("the shipped machine"));
    DrillOptions { order, ..DrillOptions::of(scenario, plan, machine, seed) }
}

fn played(order: Order, scenario: Scenario, seed: u64) -> Played {
    play(&options(order, scenario, seed), |_| {}).expect("every order is played in both")
}

fn violated(played: &Played) -> Vec<&str> {
    let broken = played.report.invariants.iter().filter(|(_, r)| r.violations > 0);
    broken.map(|(id, _)| id.as_str()).collect()
}

/// When the calls of `operation` that took effect were made.
fn calls(played: &Played, operation: &str) -> Vec<Timestamp> {
    let state = played.world.state();
    state.lambda.calls.iter().filter(|c| c.operation == operation && c.effective).map(|c| c.at).collect()
}

/// When each database's move began and ended, in the order of the calls.
fn moves(played: &Played) -> Vec<(Timestamp, Timestamp)> {
    let state = played.world.state();
    let ends = state.aurora.promotions.iter().map(|p| (p.accepted_at, p.done_at.expect("it ended")));
    ends.collect()
}

#[test]
fn every_order_is_played_to_its_end_and_serves_all_clients() {
    for order in Order::ALL {
        for scenario in [OUTAGE, PLANNED] {
            for seed in 1..=5 {
                let report = played(order, scenario, seed).report;
                let what = format!("{} in {} seed {seed}", order.name(), scenario.name());
                assert!(report.passed, "{what}: {:?}", report.complaints);
                assert_eq!((report.order.as_str(), report.runs.len()), (order.name(), 1), "{what}");
                assert!(report.rto_s.is_some() && report.writes_conflicting == 0, "{what}");
            }
        }
    }
}

#[test]
fn ours_breaks_no_invariant_and_no_request_is_shed_after_the_drill() {
    for seed in 1..=25 {
        let played = played(Order::Lifeboat, OUTAGE, seed);
        assert_eq!(violated(&played), Vec::<&str>::new(), "seed {seed}");
        let state = played.world.state();
        let at_target = state.compute.fleets.iter().filter(|((_, region), _)| *region == state.direction.target);
        for ((service, _), fleet) in at_target {
            assert!(fleet.running >= fleet.needed, "seed {seed}: {service}");
        }
    }
}

#[test]
fn the_guidance_switches_one_control_at_a_time_and_awaits_no_failover() {
    for seed in 1..=10 {
        let played = played(Order::GuidanceSample, OUTAGE, seed);
        let broken = violated(&played);
        for id in ["S2", "S3", "S6", "S8", "S9", "S11"] {
            assert!(broken.contains(&id), "seed {seed}: {id} is not among {broken:?}");
        }
        let (routing, failovers) = (calls(&played, ROUTING), calls(&played, FAILOVER));
        // The target On, then for each database the source Off again.
        assert!(routing.len() >= 3 && failovers.len() == 2, "seed {seed}");
        assert!(routing.first() < failovers.first());
        assert!(calls(&played, "rds:DescribeGlobalClusters").is_empty(), "nothing is looked at");
        let [(_, first_ended), (second_began, _)] = moves(&played)[..] else { panic!("two moves") };
        assert!(second_began < first_ended, "seed {seed}: the first was awaited");
    }
}

#[test]
fn the_guidance_loses_writes_of_a_healthy_source() {
    let lost: u64 = (1..=10).map(|seed| played(Order::GuidanceSample, PLANNED, seed).report.writes_lost).sum();
    assert!(lost > 0);
    let lost: u64 = (1..=10).map(|seed| played(Order::Lifeboat, PLANNED, seed).report.writes_lost).sum();
    assert_eq!(lost, 0);
}

#[test]
fn a_hung_endpoint_ends_the_guidances_function() {
    let aborted = (1..=10).any(|seed| {
        let report = played(Order::GuidanceSample, OUTAGE, seed).report;
        report.timeline.iter().any(|e| e.text.contains("the function timed out"))
    });
    assert!(aborted);
}

#[test]
fn the_sequential_order_does_one_thing_after_the_other() {
    for (scenario, operation) in [(OUTAGE, FAILOVER), (PLANNED, SWITCHOVER)] {
        for seed in 1..=5 {
            let played = played(Order::Sequential, scenario, seed);
            let scaled = {
                let state = played.world.state();
                state.compute.scalings.iter().map(|s| s.done_at.expect("capacity came")).max().expect("scaled")
            };
            let [(first_began, first_ended), (second_began, second_ended)] = moves(&played)[..] else {
                panic!("two moves")
            };
            let routing = calls(&played, ROUTING);
            assert_eq!(calls(&played, operation), [first_began, second_began], "seed {seed}");
            assert!(scaled <= first_began && first_ended < second_began, "seed {seed}");
            assert!(routing.len() == 1 && routing.iter().all(|at| *at > second_ended), "seed {seed}");
        }
    }
}

#[test]
fn the_sequential_order_has_no_verdict_no_consent_and_no_lock() {
    let outage = played(Order::Sequential, OUTAGE, 1);
    assert_eq!(violated(&outage), ["S14", "S15", "S3", "S4", "S5", "S6", "S8", "S9"]);
    let planned = played(Order::Sequential, PLANNED, 1);
    assert_eq!(violated(&planned), ["S14", "S15", "S3", "S4", "S5", "S8"]);
    assert_eq!(planned.report.writes_lost, 0, "a switchover loses nothing");
}

#[test]
fn other_orders_are_played_in_two_scenarios_only() {
    for order in [Order::GuidanceSample, Order::Sequential] {
        for scenario in Scenario::ALL.into_iter().filter(|s| ![OUTAGE, PLANNED].contains(s)) {
            assert!(play(&options(order, scenario, 1), |_| {}).is_none(), "{}", scenario.name());
        }
    }
}
