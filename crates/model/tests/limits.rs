//! The bounds of a run fit together, and a step has one name everywhere.

use lifeboat_model::Period;
use lifeboat_model::limits::{
    CALL_TIMEOUT, CALLS_END, FUNCTIONS_AT_ONCE, LEASE, PENDING_WAIT_S, POLL, READ_TIMEOUT, SETTLE, Step, VERDICT_FRESH,
    WRITERS_FRESH, is_warm_up, poll_among,
};
use serde_json::json;

#[test]
fn s5_the_lease_outlives_whatever_its_holder_may_still_do() {
    let wait = Period::seconds(PENDING_WAIT_S);
    for step in Step::ALL {
        assert!(step.timeout().as_ms() + wait.as_ms() < LEASE.as_ms(), "{step}");
        assert!(CALL_TIMEOUT < step.timeout() && READ_TIMEOUT < step.timeout(), "{step}");
    }
}

#[test]
fn s10_a_lost_call_has_run_out_before_its_effect_is_doubted() {
    assert!(CALL_TIMEOUT < SETTLE);
    assert!(CALL_TIMEOUT < CALLS_END && CALLS_END < Step::Conclude.timeout());
    assert!(VERDICT_FRESH < LEASE && WRITERS_FRESH < LEASE, "what authorises is younger than who may use it");
}

#[test]
fn s13_polls_of_many_databases_stay_within_twenty_a_second() {
    for databases in [0, 1, 2, 9, 10, 11, 39, 40, 41, 1000] {
        let together = databases.clamp(1, FUNCTIONS_AT_ONCE) as i64;
        let poll = poll_among(databases);
        assert!(poll >= POLL && together * 1000 <= 20 * poll.as_ms(), "{databases}: {poll}");
        assert!(poll <= Period::seconds(2), "{databases}: {poll}");
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
            "PromoteDatabase",
            "VerifyWriters",
            "ShiftTraffic",
            "VerifyTraffic",
            "Conclude"
        ]
    );
    for step in Step::ALL {
        assert_eq!(serde_json::to_value(step).ok(), Some(json!(step.as_str())));
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
