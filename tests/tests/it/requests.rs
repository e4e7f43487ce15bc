//! Bad requests and bad messages: one readable error, nothing touched.

use lifeboat_model::limits::Step;
use lifeboat_model::report::Outcome;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Direction, Period, Request};
use lifeboat_simulator::World;
use lifeboat_simulator::world::{RunRecord, StartedBy};
use serde_json::{Value, json};

use crate::common::{machine, plan, region, text};

fn world() -> World {
    let direction = Direction { source: region("us-east-1"), target: region("us-west-2") };
    World::new(plan(), direction, machine(), 1)
}

/// Runs an execution in us-west-2 with `input`: its outcome and cause.
pub fn execution_with(input: Value) -> (World, Option<Outcome>, String) {
    let world = world();
    let inner = world.clone();
    world.executor().run(async move {
        inner.start();
        inner.sleep(Period::seconds(120)).await;
        inner.start_execution(&region("us-west-2"), "bad", input, StartedBy::Operator);
        while inner.state().runs.iter().any(|r| r.ended.is_none()) {
            inner.sleep(Period::seconds(1)).await;
        }
    });
    let run = world.state().runs.first().cloned().expect("an execution");
    let cause =
        run.ended.as_ref().and_then(|(_, e)| e.result.as_ref().err().map(|e| e.cause.clone())).unwrap_or_default();
    (world, RunRecord::outcome(&run), cause)
}

#[test]
fn a_bad_request_ends_unchanged_with_a_cause_that_names_the_field_and_touches_nothing() {
    let consent = |key: &str, value: Value| {
        let mut consent =
            json!({"max_data_loss": "30s", "accepted_by": "me", "reason": "test", "expires": "2027-01-01T00:00:00Z"});
        consent[key] = value;
        json!({"plan": "retail-store", "target": "us-west-2", "mode": "failover", "consent": consent})
    };
    let request = |key: &str, value: Value| {
        let mut request = json!({"plan": "retail-store", "target": "us-west-2", "mode": "switchover"});
        request[key] = value;
        request
    };
    let cases = [
        (json!({}), "plan"),
        (json!([]), "request"),
        (json!("failover please"), "request"),
        (Value::Null, "request"),
        (request("plan", json!("Retail Store")), "plan"),
        (request("plan", json!("no-such-plan")), "plan"),
        (request("plan", json!(7)), "plan"),
        (request("target", json!("west")), "target"),
        (request("target", json!("eu-west-1")), "eu-west-1"),
        (request("target", json!("us-east-1")), "wrong-region"),
        (request("mode", json!("move")), "mode"),
        (request("mode", json!("Failover")), "mode"),
        (request("force", json!(true)), "force"),
        (
            request(
                "consent",
                json!({"max_data_loss": "1s", "accepted_by": "x", "reason": "y", "expires": "2027-01-01T00:00:00Z"}),
            ),
            "consent",
        ),
        (request("trigger", json!({"kind": "dice"})), "trigger.kind"),
        (request("comment", json!("")), "comment"),
        (json!({"plan": "retail-store", "target": "us-west-2", "mode": "failover"}), "consent-missing"),
        (consent("expires", json!("2025-01-01T00:00:00Z")), "consent-expired"),
        (consent("expires", json!("soon")), "consent.expires"),
        (consent("max_data_loss", json!("a bit")), "consent.max_data_loss"),
        (consent("max_data_loss", json!(30)), "consent.max_data_loss"),
        (consent("accepted_by", json!("")), "consent.accepted_by"),
        (consent("signature", json!("x")), "consent.signature"),
    ];
    for (input, word) in cases {
        let (world, outcome, cause) = execution_with(input.clone());
        assert_eq!(outcome, Some(Outcome::Unchanged), "{input}: {cause}");
        assert!(cause.contains(word), "{input}: {cause}");
        // One line in words: no payload of a function, and what to do at its end.
        assert!(!cause.contains("errorType") && !cause.contains('\n') && cause.len() < 500, "{input}: {cause}");
        assert!(cause.contains("expected ") || cause.starts_with("Lifeboat.Refused: "), "{input}: {cause}");
        assert!(cause.ends_with("the cause says what to mend before starting again"), "{input}: {cause}");
        if !input.is_object() {
            assert!(cause.contains(r#"such as {"plan":"#), "{input}: who sent no request sees one: {cause}");
        }
        let state = world.state();
        assert!(state.table.locks.is_empty(), "{input} took the lock");
        assert!(state.aurora.promotions.is_empty() && state.traffic.changes.is_empty());
        assert_eq!(state.invariants.violations(), 0);
    }
}

#[test]
fn a_malformed_message_to_any_step_is_rejected_by_name() {
    let world = world();
    for step in Step::ALL {
        for event in [json!({}), json!(null), json!({"run": 7}), json!({"run": {"plan": "x"}, "unknown": 1})] {
            let (inner, message) = (world.clone(), event.clone());
            let reply =
                world.executor().run(async move { inner.invoke(step, &region("us-west-2"), "", message).await });
            assert_eq!(reply.expect_err("malformed").error, "Lifeboat.Rejected", "{step} {event}");
        }
    }
}

#[test]
fn every_step_answers_a_warm_up_without_looking_at_anything() {
    let world = world();
    for step in Step::ALL {
        let inner = world.clone();
        let warm = async move { inner.invoke(step, &region("us-west-2"), "", json!({"warm_up": true})).await };
        assert_eq!(world.executor().run(warm), Ok(json!({"warm": true})));
    }
    assert!(world.state().lambda.calls.is_empty());
}

#[test]
fn the_machines_comment_which_the_console_shows_holds_a_request_of_each_mode() {
    let machine: Value = serde_json::from_str(&text("statemachine/failover.asl.json")).expect("JSON");
    let comment = machine["Comment"].as_str().expect("a comment");
    let mut modes = Vec::new();
    for (at, _) in comment.match_indices("{\"plan\"") {
        let input = serde_json::Deserializer::from_str(&comment[at..]).into_iter::<Value>().next();
        let input = input.expect("an input").expect("JSON");
        let request = Request::read(&input).unwrap_or_else(|problems| panic!("{input}: {problems:?}"));
        modes.push((request.mode, request.purpose));
    }
    let expected =
        [(Mode::Failover, Purpose::Rehearse), (Mode::Switchover, Purpose::Act), (Mode::Failover, Purpose::Act)];
    assert_eq!(modes, expected);
}

#[test]
fn the_example_requests_are_admitted_or_refused_for_the_world_they_meet_and_not_for_their_form() {
    for name in ["switchover", "failover", "rehearse", "rehearse-switchover"] {
        let input: Value = serde_json::from_str(&text(&format!("events/{name}.json"))).expect("JSON");
        let (_, outcome, cause) = execution_with(input);
        match name {
            "switchover" => assert_eq!(outcome, Some(Outcome::Completed), "{cause}"),
            "rehearse" | "rehearse-switchover" => assert_eq!(outcome, Some(Outcome::Rehearsed), "{cause}"),
            _ => assert!(cause.contains("source-healthy"), "{cause}"),
        }
    }
}
