//! The bounds of a run fit together, and a step has one name everywhere.

use lifeboat_model::Period;
use lifeboat_model::limits::{
    CALL_TIMEOUT, CALLS_END, CANARY_FRESH, COUNT_FRESH, ENDPOINT_HEDGE, ENDPOINT_TIMEOUT, FUNCTIONS_AT_ONCE, LAG_FRESH,
    LEASE, PENDING_WAIT_S, POLL, POLL_MAX, READ_TIMEOUT, REPORTED_BY, SETTLE, SOURCE_TIMEOUT, Step, VANTAGES_MIN,
    VERDICT_FRESH, VERIFY_WRITERS_WINDOW, WATCH, WRITERS_FRESH, is_warm_up, poll_among, shares,
};
use lifeboat_model::plan::Limits;
use serde_json::json;

/// The steps that watch what they began until it ends, or until their watch is over.
const WATCHERS: [Step; 6] = [
    Step::ScaleCompute,
    Step::PromoteDatabase,
    Step::PromoteCache,
    Step::PromoteBroker,
    Step::CheckTable,
    Step::VerifyTraffic,
];

fn sum(periods: &[Period]) -> i64 {
    periods.iter().map(|p| p.as_ms()).sum()
}

#[test]
fn every_step_has_its_hard_timeout() {
    let table = [
        (Step::StartRun, 30),
        (Step::Admit, 30),
        (Step::Assess, 45),
        (Step::RequestApproval, 30),
        (Step::IsolateSource, 60),
        (Step::ScaleCompute, 60),
        (Step::PromoteDatabase, 60),
        (Step::PromoteCache, 60),
        (Step::PromoteBroker, 60),
        (Step::CheckTable, 60),
        (Step::VerifyWriters, 30),
        (Step::ShiftTraffic, 45),
        (Step::VerifyTraffic, 60),
        (Step::Conclude, 60),
    ];
    assert_eq!(table.map(|(step, _)| step), Step::ALL);
    for (step, seconds) in table {
        assert_eq!(step.timeout(), Period::seconds(seconds), "{step}");
    }
}

#[test]
fn s5_the_lease_outlives_whatever_its_holder_may_still_do() {
    let wait = Period::seconds(PENDING_WAIT_S);
    for step in Step::ALL {
        // Whoever gave a sign of life at its beginning, died at its end, and was begun again after the longest wait.
        assert!(2 * step.timeout().as_ms() + wait.as_ms() < LEASE.as_ms(), "{step}");
        assert!(CALL_TIMEOUT < step.timeout() && READ_TIMEOUT < step.timeout(), "{step}");
    }
}

#[test]
fn s5_a_watch_a_last_look_and_a_last_call_end_before_the_step_is_killed() {
    for step in WATCHERS {
        assert!(sum(&[WATCH, READ_TIMEOUT]) < step.timeout().as_ms(), "{step}");
    }
    assert!(POLL < POLL_MAX && POLL_MAX < WATCH, "at least two looks in a watch");
    assert!(sum(&[POLL_MAX, READ_TIMEOUT, CALL_TIMEOUT]) <= WATCH.as_ms());
    assert!(sum(&[VERIFY_WRITERS_WINDOW, READ_TIMEOUT]) < Step::VerifyWriters.timeout().as_ms());
    assert!(CALLS_END < REPORTED_BY && REPORTED_BY < Step::Conclude.timeout());
}

#[test]
fn s10_a_lost_call_has_run_out_before_its_effect_is_doubted() {
    assert!(CALL_TIMEOUT < SETTLE);
    assert!(CALL_TIMEOUT < CALLS_END && CALLS_END < Step::Conclude.timeout());
    assert!(VERDICT_FRESH < LEASE && WRITERS_FRESH < LEASE, "what authorises is younger than who may use it");
    assert!(WATCH < VERDICT_FRESH, "a step that watched may still act on the verdict that it began with");
}

#[test]
fn s9_evidence_that_comes_once_a_minute_is_fresh_for_two_and_not_for_more_than_three() {
    for fresh in [LAG_FRESH, COUNT_FRESH, CANARY_FRESH] {
        assert!((120_000..=180_000).contains(&fresh.as_ms()), "{fresh}");
    }
    assert_eq!(VANTAGES_MIN, 2, "unreachable from one place is not down");
}

#[test]
fn s12_nothing_waits_long_for_the_source_or_for_one_endpoint() {
    assert!(SOURCE_TIMEOUT < READ_TIMEOUT && ENDPOINT_HEDGE < ENDPOINT_TIMEOUT);
    assert!(5 * ENDPOINT_TIMEOUT.as_ms() < Step::ShiftTraffic.timeout().as_ms(), "all five, one after the other");
}

#[test]
fn s13_the_default_limits_of_a_plan_leave_a_step_more_than_one_watch() {
    let d = Limits::default();
    for phase in [d.promotion, d.traffic, d.cache, d.table, d.broker, d.compute, d.approval] {
        assert!(phase > WATCH && phase > SETTLE && phase <= Period::seconds(3600), "{phase}");
    }
}

#[test]
fn s13_all_polls_of_one_kind_stay_within_twenty_a_second_and_each_look_fits_into_a_watch() {
    let table = [
        (0, 500),
        (1, 500),
        (9, 500),
        (10, 500),
        (11, 550),
        (40, 2_000),
        (41, 2_050),
        (399, 19_950),
        (400, 20_000),
        (401, 20_000),
        (1000, 20_000),
        (usize::MAX, 20_000),
    ];
    for (resources, poll_ms) in table {
        assert_eq!(poll_among(resources), Period::ms(poll_ms), "{resources}");
    }
    for resources in 0..=400_usize {
        let poll = poll_among(resources);
        assert!(
            poll >= POLL && poll <= POLL_MAX && resources as i64 * 1000 <= 20 * poll.as_ms(),
            "{resources}: {poll}"
        );
    }
}

#[test]
fn s13_shares_are_ten_at_most_alike_in_size_and_lose_nothing() {
    assert_eq!(FUNCTIONS_AT_ONCE, 10);
    for count in 0..=1000_usize {
        let resources: Vec<usize> = (0..count).collect();
        let shares = shares(&resources);
        assert_eq!(shares.concat(), resources, "in their order, each once");
        assert!(shares.len() <= FUNCTIONS_AT_ONCE, "{count} in {} shares", shares.len());
        let size = if count <= 10 { 1 } else { count.div_ceil(10) };
        let (last, others) = shares.split_last().map_or((None, &[] as &[_]), |(l, o)| (Some(l), o));
        assert!(others.iter().all(|s| s.len() == size), "{count}");
        assert!(last.is_none_or(|s| (1..=size).contains(&s.len())), "{count}: no function has nothing to do");
        assert_eq!(shares.len(), count.div_ceil(size), "{count}");
    }
}

#[test]
fn a_step_has_one_name_everywhere() {
    let states: Vec<String> = Step::ALL.iter().map(|s| s.state_name()).collect();
    assert_eq!(
        states,
        [
            "StartRun",
            "Admit",
            "Assess",
            "RequestApproval",
            "IsolateSource",
            "ScaleCompute",
            "PromoteDatabase",
            "PromoteCache",
            "PromoteBroker",
            "CheckTable",
            "VerifyWriters",
            "ShiftTraffic",
            "VerifyTraffic",
            "Conclude"
        ]
    );
    for step in Step::ALL {
        assert_eq!(serde_json::to_value(step).ok(), Some(json!(step.as_str())));
        assert_eq!(step.to_string(), step.as_str());
    }
}

#[test]
fn only_the_exact_message_warms_a_function_up() {
    assert!(is_warm_up(&json!({"warm_up": true})));
    for event in
        [json!({"warm_up": false}), json!({"warm_up": true, "run": 1}), json!({}), json!(true), json!("warm_up")]
    {
        assert!(!is_warm_up(&event), "{event}");
    }
}
