//! Faults at the calls of a run: refused, silent, lost after their effect, and the process ended around them.
//!
//! Each case asserts that its fault fired, that every invariant held, and that the run ended in a named outcome.

use std::collections::{BTreeMap, BTreeSet};

use lifeboat_model::report::Outcome;
use lifeboat_ports::Fault;
use lifeboat_simulator::faults::{FaultKind, FaultRule};
use lifeboat_simulator::{Played, Scenario, play};

use crate::common::{assert_invariants_hold, options, played};

const SEED: u64 = 3;

const KINDS: [FaultKind; 8] = [
    FaultKind::Refuse(Fault::Throttled),
    FaultKind::Refuse(Fault::Internal),
    FaultKind::Refuse(Fault::Unreachable),
    FaultKind::Refuse(Fault::Denied),
    FaultKind::Silence,
    FaultKind::LostReply,
    FaultKind::CrashBefore,
    FaultKind::CrashAfter,
];

fn with_fault(scenario: Scenario, rule: FaultRule) -> Played {
    played(scenario, SEED, |world| world.state_mut().faults.add(rule))
}

/// How often a run of `scenario` makes each of its calls when nothing goes wrong.
fn calls(scenario: Scenario) -> BTreeMap<&'static str, u32> {
    let quiet = played(scenario, SEED, |_| {});
    let mut counts = BTreeMap::new();
    for call in quiet.world.state().lambda.calls.iter().filter(|c| c.effective) {
        *counts.entry(call.operation).or_insert(0) += 1;
    }
    counts
}

fn outcome_of(played: &Played, what: &str) -> Outcome {
    // Where the trigger itself was hit so hard that no run began, nothing was changed.
    match played.report.runs.iter().find(|r| r.outcome != Some(Outcome::Unchanged)).or(played.report.runs.first()) {
        Some(run) => run.outcome.unwrap_or_else(|| panic!("{what}: no named outcome but {:?}", run.error)),
        None => Outcome::Unchanged,
    }
}

/// Every operation at its first calls, middle and last, with every kind of fault.
fn every_fault_once(scenario: Scenario) -> BTreeMap<Outcome, u32> {
    let mut endings = BTreeMap::new();
    for (operation, count) in calls(scenario) {
        let places: BTreeSet<u32> = [0, 1, 2, 3, 5, count / 2, count.saturating_sub(1)].into();
        for skip in places.into_iter().filter(|n| *n < count) {
            for kind in KINDS {
                let what = format!("{} with {kind:?} at call {skip} of {operation}", scenario.name());
                let played = with_fault(scenario, FaultRule { operation, place: None, skip, times: 1, kind });
                assert_eq!(played.world.state().faults.fired(), 1, "{what}: the fault did not fire");
                assert_invariants_hold(&played, &what);
                *endings.entry(outcome_of(&played, &what)).or_insert(0) += 1;
            }
        }
    }
    endings
}

#[test]
fn single_faults_at_each_operation_of_a_failover_keep_every_invariant_and_end_by_name() {
    let endings = every_fault_once(Scenario::RegionalOutage);
    assert!(endings.get(&Outcome::Completed).is_some_and(|n| *n > 100), "{endings:?}");
    assert!(endings.get(&Outcome::Unchanged).is_some_and(|n| *n > 0), "{endings:?}");
}

#[test]
fn single_faults_at_each_operation_of_a_switchover_keep_every_invariant_and_end_by_name() {
    let endings = every_fault_once(Scenario::PlannedSwitchover);
    assert!(endings.get(&Outcome::Completed).is_some_and(|n| *n > 100), "{endings:?}");
}

#[test]
fn single_faults_at_each_operation_of_an_approved_failover_keep_every_invariant_and_end_by_name() {
    let endings = every_fault_once(Scenario::ApprovedFailover);
    assert!(endings.get(&Outcome::Completed).is_some_and(|n| *n > 100), "{endings:?}");
}

#[test]
fn single_faults_at_each_operation_of_a_move_of_two_serving_regions_keep_every_invariant_and_end_by_name() {
    let endings = every_fault_once(Scenario::ActiveActiveSwitchover);
    assert!(endings.get(&Outcome::Completed).is_some_and(|n| *n > 100), "{endings:?}");
}

#[test]
fn s10_a_lost_reply_to_a_promotion_is_looked_up_and_not_repeated() {
    for kind in [FaultKind::LostReply, FaultKind::CrashAfter] {
        for (scenario, operation) in [
            (Scenario::RegionalOutage, "rds:FailoverGlobalCluster"),
            (Scenario::PlannedSwitchover, "rds:SwitchoverGlobalCluster"),
        ] {
            let played = with_fault(scenario, FaultRule::once(operation, kind));
            assert_eq!(played.world.state().faults.fired(), 1);
            assert_invariants_hold(&played, operation);
            assert_eq!(played.report.outcome, Some(Outcome::Completed), "{operation} {kind:?}");
            let calls = played.world.state().lambda.calls.iter().filter(|c| c.operation == operation).count();
            assert_eq!(calls, 2, "{operation}: one call for each database");
        }
    }
}

#[test]
fn s10_a_promotion_that_was_never_heard_is_called_again_only_after_a_look() {
    let played = with_fault(Scenario::RegionalOutage, FaultRule::once("rds:FailoverGlobalCluster", FaultKind::Silence));
    assert_eq!(played.world.state().faults.fired(), 1);
    assert_invariants_hold(&played, "a silent promotion");
    assert_eq!(played.report.outcome, Some(Outcome::Completed));
    let state = played.world.state();
    let of_database = |name: &str| {
        let calls = state.lambda.calls.iter();
        calls
            .filter(|c| c.operation == "rds:FailoverGlobalCluster" && c.resource == name)
            .map(|c| c.at)
            .collect::<Vec<_>>()
    };
    let twice =
        [of_database("catalog"), of_database("orders")].into_iter().find(|c| c.len() == 2).expect("one database twice");
    let [first, second] = twice.as_slice() else { panic!("two calls") };
    let looks = state
        .lambda
        .calls
        .iter()
        .filter(|c| c.operation == "rds:DescribeGlobalClusters" && c.at > *first && c.at < *second);
    assert!(second.seconds_since(*first) >= 30.0 && looks.count() >= 10);
}

#[test]
fn s3_a_lost_reply_to_the_routing_change_is_read_back_on_another_endpoint() {
    let operation = "route53-recovery-cluster:UpdateRoutingControlStates";
    let played = with_fault(Scenario::RegionalOutage, FaultRule::once(operation, FaultKind::LostReply));
    assert_eq!(played.world.state().faults.fired(), 1);
    assert_eq!(played.report.outcome, Some(Outcome::Completed));
    let state = played.world.state();
    let change = state.lambda.calls.iter().filter(|c| c.operation == operation).collect::<Vec<_>>();
    assert_eq!(change.len(), 1, "the change was repeated");
    let told = change.first().map(|c| c.place.clone());
    let after = state.lambda.calls.iter().rfind(|c| c.operation == "route53-recovery-cluster:GetRoutingControlState");
    assert_ne!(after.map(|c| c.place.clone()), told, "read back on the endpoint that was told");
}

#[test]
fn s11_a_permission_that_is_missing_ends_unchanged_and_says_so() {
    let rule =
        FaultRule { times: 100, ..FaultRule::once("rds:FailoverGlobalCluster", FaultKind::Refuse(Fault::Denied)) };
    // A cache that moves beside the databases would have been changed: here there is none.
    let mut options = options(Scenario::RegionalOutage, SEED);
    options.plan.caches.clear();
    let played = play(&options, |world| world.state_mut().faults.add(rule)).expect("a drill");
    assert!(played.world.state().faults.fired() >= 1);
    assert_invariants_hold(&played, "no permission to promote");
    assert_eq!(played.report.outcome, Some(Outcome::Unchanged));
    let cause = played.report.runs.first().and_then(|r| r.cause.clone()).unwrap_or_default();
    assert!(cause.contains("call-refused") && cause.contains("rds:FailoverGlobalCluster"), "{cause}");
}

#[test]
fn s13_a_table_that_stays_silent_ends_the_run_in_bounded_time_and_changes_nothing() {
    let rule =
        FaultRule { times: 10_000, ..FaultRule::once("dynamodb:UpdateItem", FaultKind::Refuse(Fault::Throttled)) };
    let played = with_fault(Scenario::RegionalOutage, rule);
    assert!(played.world.state().faults.fired() > 1);
    assert_invariants_hold(&played, "a silent table");
    assert_eq!(played.report.outcome, Some(Outcome::Unchanged));
    assert!(played.report.run_s < 120.0, "{} s", played.report.run_s);
}
