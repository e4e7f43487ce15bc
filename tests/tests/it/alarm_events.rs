//! What `start-run` makes of alarm events, good and bad.

use lifeboat_model::limits::Step;
use lifeboat_model::plan::Policy;
use lifeboat_model::{Direction, Period, Plan};
use lifeboat_simulator::World;
use lifeboat_simulator::machine::StateError;
use serde_json::{Value, json};

use crate::common::{machine, plan, region, text};

/// Makes an event in a world.
type Event = fn(&World) -> Value;

fn world_of(plan: Plan) -> World {
    let direction = Direction { source: region("us-east-1"), target: region("us-west-2") };
    World::new(plan, direction, machine(), 1)
}

/// What `start-run` in us-west-2 answers to `event` ten minutes into a quiet world, and how many executions it started.
fn answer(plan: Plan, event: impl FnOnce(&World) -> Value + 'static) -> (Result<Value, StateError>, usize) {
    let world = world_of(plan);
    let inner = world.clone();
    let reply = world.executor().run(async move {
        inner.sleep(Period::seconds(600)).await;
        let event = event(&inner);
        inner.invoke(Step::StartRun, &region("us-west-2"), "", event).await
    });
    let started = world.state().runs.len();
    (reply, started)
}

fn direct(world: &World) -> Value {
    world.alarm_event(&region("us-west-2"), world.now(), true)
}

fn set(mut event: Value, path: &str, value: Value) -> Value {
    *event.pointer_mut(path).expect("the field is there") = value;
    event
}

fn bridged(world: &World) -> Value {
    let direct = direct(world);
    json!({
        "version": "0", "id": "7b2f2f8c-0000-0000-0000-000000000000", "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch", "account": "111122223333", "time": "2026-01-01T00:10:00Z", "region": "us-west-2",
        "resources": [direct["alarmArn"]], "detail": direct["alarmData"],
    })
}

#[test]
fn both_forms_of_an_alarm_event_start_one_run() {
    for event in [direct as Event, bridged] {
        let (reply, started) = answer(plan(), event);
        assert_eq!(reply.expect("a reply").get("status"), Some(&json!("started")));
        assert_eq!(started, 1);
    }
}

#[test]
fn s4_one_transition_starts_one_run_however_often_and_in_whichever_form_it_is_delivered() {
    let world = world_of(plan());
    let inner = world.clone();
    world.executor().run(async move {
        inner.sleep(Period::seconds(600)).await;
        let events = [direct(&inner), bridged(&inner), direct(&inner)];
        for event in events {
            inner.invoke(Step::StartRun, &region("us-west-2"), "", event).await.expect("a reply");
        }
    });
    assert_eq!(world.state().runs.len(), 1);
}

#[test]
fn what_is_no_transition_into_alarm_of_the_plans_own_alarm_starts_nothing_and_says_why() {
    let cases: [(&str, Event); 8] = [
        ("not a transition into ALARM", |w| set(direct(w), "/alarmData/state/value", json!("OK"))),
        ("not a transition into ALARM", |w| set(direct(w), "/alarmData/state/value", json!("INSUFFICIENT_DATA"))),
        ("not a transition into ALARM", |w| set(direct(w), "/alarmData/previousState/value", json!("ALARM"))),
        ("no plan names alarm", |w| set(direct(w), "/alarmData/alarmName", json!("another-alarm"))),
        ("the alarm is in us-east-1", |w| {
            set(direct(w), "/alarmArn", json!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:x"))
        }),
        ("muted", |w| {
            let mut event = bridged(w);
            event["detail"]["muteDetail"] = json!({"mutedByArn": "arn:aws:cloudwatch:us-west-2:111122223333:mute:x"});
            event
        }),
        ("muted", |w| {
            let mut event = direct(w);
            event["alarmData"]["state"]["actionsSuppressedBy"] = json!("WaitPeriod");
            event
        }),
        ("more than 15m old", |w| set(direct(w), "/alarmData/state/timestamp", json!("2025-12-31T23:54:00.000+0000"))),
    ];
    for (why, event) in cases {
        let (reply, started) = answer(plan(), event);
        let reply = reply.unwrap_or_else(|e| panic!("{why}: {e:?}"));
        let reason = reply.get("reason").and_then(Value::as_str).unwrap_or_default();
        assert!(reason.contains(why), "{why}: {reply}");
        assert_eq!(started, 0, "{why}");
    }
}

#[test]
fn a_malformed_event_is_rejected_by_name_and_starts_nothing() {
    let cases: [(&str, Event); 9] = [
        ("alarmData", |_| json!({})),
        ("alarmData", |_| json!("ALARM")),
        ("alarmData", |_| Value::Null),
        ("detail-type \\\"Scheduled Event\\\"", |_| json!({"detail-type": "Scheduled Event", "detail": {}})),
        ("event", |_| json!({"alarmData": {}, "alarmArn": "x", "time": "now"})),
        ("event", |w| set(direct(w), "/alarmData/state/timestamp", json!("yesterday"))),
        ("event", |w| set(direct(w), "/alarmData/state/value", json!("PANIC"))),
        ("alarmArn", |w| set(direct(w), "/alarmArn", json!("not-an-arn"))),
        ("state", |w| set(direct(w), "/alarmData/state", Value::Null)),
    ];
    for (field, event) in cases {
        let (reply, started) = answer(plan(), event);
        let error = reply.expect_err("malformed");
        assert_eq!(error.error, "Lifeboat.Rejected", "{field}: {}", error.cause);
        assert!(error.cause.contains(field), "{field}: {}", error.cause);
        assert_eq!(started, 0);
    }
}

#[test]
fn s7_a_manual_only_plan_and_a_pulled_kill_switch_start_nothing() {
    let mut manual = plan();
    manual.automation.policy = Policy::ManualOnly;
    let (reply, started) = answer(manual, direct);
    assert!(reply.expect("a reply")["reason"].as_str().is_some_and(|r| r.contains("manual-only")));
    assert_eq!(started, 0);
    let (reply, started) = answer(plan(), |world| {
        world.state_mut().table.settings.disabled = Some("maintenance".to_owned());
        direct(world)
    });
    assert!(reply.expect("a reply")["reason"].as_str().is_some_and(|r| r.contains("maintenance")));
    assert_eq!(started, 0);
}

#[test]
fn the_example_events_are_what_the_functions_expect() {
    for name in ["start-run-alarm", "start-run-eventbridge"] {
        let event: Value = serde_json::from_str(&text(&format!("events/{name}.json"))).expect("JSON");
        let (reply, _) = answer(plan(), move |_| event);
        let reply = reply.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(reply["status"], json!("started"), "{name}: {reply}");
    }
}
