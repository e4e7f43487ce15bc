//! What `start-run` makes of alarm events, good and bad.

use std::cell::RefCell;
use std::rc::Rc;

use lifeboat_model::evidence::Point;
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Policy;
use lifeboat_model::report::Outcome;
use lifeboat_model::{Direction, Period, Plan, Region, Timestamp};
use lifeboat_simulator::World;
use lifeboat_simulator::machine::StateError;
use lifeboat_simulator::world::RunRecord;
use serde_json::{Value, json};

use crate::common::{machine, plan, region, text};

/// Makes an event in a world.
type Event = fn(&World) -> Value;

fn direction() -> Direction {
    Direction { source: region("us-east-1"), target: region("us-west-2") }
}

/// A quiet world of `plan`, served by us-east-1.
pub fn world_of(plan: Plan) -> World {
    World::new(plan, direction(), machine(), 1)
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

/// The event of an alarm's Lambda action, of this moment.
pub fn direct(world: &World) -> Value {
    world.alarm_event(&region("us-west-2"), world.now(), true)
}

/// `event` with another value in a field that it has.
pub fn set(mut event: Value, path: &str, value: Value) -> Value {
    *event.pointer_mut(path).expect("the field is there") = value;
    event
}

/// The same transition as EventBridge tells it.
pub fn bridged(world: &World) -> Value {
    let direct = direct(world);
    json!({
        "version": "0", "id": "7b2f2f8c-0000-0000-0000-000000000000", "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch", "account": "111122223333", "time": "2026-01-01T00:10:00Z", "region": "us-west-2",
        "resources": [direct["alarmArn"]], "detail": direct["alarmData"],
    })
}

/// The example events: each kind of alarm in each form.
pub const EXAMPLES: [&str; 4] =
    ["start-run-alarm", "start-run-eventbridge", "start-run-composite", "start-run-composite-eventbridge"];

/// An example event, and what CloudWatch itself wrote into it.
fn example(name: &str) -> (Value, &'static str) {
    let event: Value = serde_json::from_str(&text(&format!("events/{name}.json"))).expect("JSON");
    let inner = if event.get("detail").is_some() { "/detail" } else { "/alarmData" };
    (event, inner)
}

/// Delivers `events` to `start-run` in us-west-2 at the same moment, ten minutes into `world`; their replies in order.
pub fn delivered_at_once(world: &World, events: Vec<Value>) -> Vec<Result<Value, StateError>> {
    let replies = Rc::new(RefCell::new(vec![None; events.len()]));
    for (at, event) in events.into_iter().enumerate() {
        let (inner, replies) = (world.clone(), Rc::clone(&replies));
        world.executor().spawn(async move {
            inner.sleep(Period::seconds(600)).await;
            let reply = inner.invoke(Step::StartRun, &region("us-west-2"), "", event).await;
            replies.borrow_mut()[at] = Some(reply);
        });
    }
    let (inner, waiting) = (world.clone(), Rc::clone(&replies));
    world.executor().run(async move {
        while waiting.borrow().iter().any(Option::is_none) {
            inner.sleep(Period::seconds(1)).await;
        }
    });
    replies.take().into_iter().map(|reply| reply.expect("a reply")).collect()
}

#[test]
fn the_example_events_of_both_kinds_of_alarm_in_both_forms_start_one_run() {
    for name in EXAMPLES {
        let (reply, started) = answer(plan(), move |_| example(name).0);
        let reply = reply.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!((&reply["status"], started), (&json!("started"), 1), "{name}: {reply}");
    }
}

#[test]
fn s9_of_all_changes_of_state_of_each_kind_of_alarm_in_each_form_only_those_into_alarm_start_a_run() {
    let states = ["OK", "ALARM", "INSUFFICIENT_DATA"];
    let mut started = Vec::new();
    for name in EXAMPLES {
        for to in states {
            for from in states.into_iter().map(Some).chain([None]) {
                let (mut event, inner) = example(name);
                let data = event.pointer_mut(inner).and_then(Value::as_object_mut).expect("the alarm's data");
                data["state"]["value"] = json!(to);
                data.remove("previousState");
                if let Some(from) = from {
                    let before =
                        json!({"value": from, "reason": "as it was", "timestamp": "2026-01-01T00:00:00.000+0000"});
                    data.insert("previousState".to_owned(), before);
                }
                let (reply, runs) = answer(plan(), move |_| event);
                assert!(reply.is_ok(), "{name} {from:?} {to}: {reply:?}");
                if runs > 0 {
                    started.push((name, from, to));
                }
            }
        }
    }
    let into_alarm = |name| [Some("OK"), Some("INSUFFICIENT_DATA"), None].map(|from| (name, from, "ALARM"));
    assert_eq!(started, EXAMPLES.into_iter().flat_map(into_alarm).collect::<Vec<_>>());
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
fn s4_deliveries_of_one_transition_at_the_same_moment_start_one_run_and_tell_nobody() {
    for seed in 1..=10 {
        let world = World::new(plan(), direction(), machine(), seed);
        let forms = ["start-run-alarm", "start-run-eventbridge"].map(|name| example(name).0);
        let events: Vec<Value> = forms.iter().cycle().take(6).cloned().collect();
        for reply in delivered_at_once(&world, events) {
            let reply = reply.expect("a reply");
            assert!(["started", "ignored"].contains(&reply["status"].as_str().unwrap_or_default()), "{reply}");
        }
        assert_eq!(world.state().runs.len(), 1, "seed {seed}");
        assert!(world.state().messages.published.is_empty(), "seed {seed}");
    }
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

/// Plays a world without an outage in which the alarm calls, after `lie` has changed what canaries reported.
fn false_alarm(lie: impl Fn(&mut (String, Region, Point, Timestamp)) + 'static) -> (World, Option<Outcome>, String) {
    let world = world_of(plan());
    let inner = world.clone();
    world.executor().run(async move {
        inner.start();
        inner.sleep(Period::seconds(600)).await;
        inner.state_mut().watchers.results.iter_mut().for_each(lie);
        inner.invoke(Step::StartRun, &region("us-west-2"), "", direct(&inner)).await.expect("a reply");
        while inner.state().runs.iter().any(|r| r.ended.is_none()) {
            inner.sleep(Period::seconds(1)).await;
        }
    });
    let run = world.state().runs.first().cloned().expect("the alarm started a run");
    let error = run.ended.as_ref().and_then(|(_, ended)| ended.result.as_ref().err().cloned());
    (world, RunRecord::outcome(&run), error.map(|e| e.cause).unwrap_or_default())
}

#[test]
fn s9_an_alarm_that_the_canaries_of_other_places_do_not_bear_out_starts_a_run_that_moves_nothing_and_says_so() {
    let watches_the_source =
        |name: &str| plan().canaries.iter().any(|c| c.name == name && c.watches == region("us-east-1"));
    let none_is_red = false_alarm(|_| {});
    let this_place_alone_sees_red = false_alarm(move |(name, runs_in, point, _)| {
        if watches_the_source(name) && *runs_in == region("us-west-2") {
            point.value = 0.0;
        }
    });
    let the_others_say_nothing = false_alarm(move |(name, runs_in, point, readable)| {
        if !watches_the_source(name) {
            return;
        }
        point.value = 0.0;
        if *runs_in != region("us-west-2") {
            *readable = Timestamp::from_ms(i64::MAX);
        }
    });
    let cases = [
        ("source-healthy", none_is_red),
        ("source-", this_place_alone_sees_red),
        ("source-uncertain", the_others_say_nothing),
    ];
    for (code, (world, outcome, cause)) in cases {
        assert_eq!(outcome, Some(Outcome::Unchanged), "{code}: {cause}");
        assert!(cause.contains(code), "{code}: {cause}");
        let state = world.state();
        assert!(state.aurora.promotions.is_empty() && state.traffic.changes.is_empty(), "{code}");
        assert_eq!(state.invariants.violations(), 0);
        let subjects: Vec<&str> = state.messages.published.iter().map(|m| m.subject.as_str()).collect();
        assert_eq!(subjects, ["Lifeboat: Unchanged: retail-store to us-west-2"]);
    }
}

#[test]
fn an_alarm_whose_period_is_not_the_plans_starts_the_run_and_says_so() {
    for (period, differs) in [(60, false), (300, true)] {
        let event =
            set(example("start-run-alarm").0, "/alarmData/configuration/metrics/0/metricStat/period", json!(period));
        let (reply, started) = answer(plan(), move |_| event);
        let reply = reply.expect("a reply");
        assert_eq!((started, reply["reason"].is_string()), (1, differs), "{reply}");
    }
}
