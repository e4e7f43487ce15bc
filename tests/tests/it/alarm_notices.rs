//! What people are told when an alarm called and no run was started.

use std::collections::BTreeSet;

use lifeboat_model::limits::Step;
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::Policy;
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::{Direction, Period, Plan, Request, Timestamp};
use lifeboat_ports::Fault;
use lifeboat_simulator::World;
use lifeboat_simulator::faults::{FaultKind, FaultRule};
use saphyr::Yaml;
use serde_json::{Value, json};

use crate::alarm_events::{bridged, delivered_at_once, direct, set, world_of};
use crate::common::{at, plan, region, template};

fn manual_only() -> Plan {
    let mut plan = plan();
    plan.automation.policy = Policy::ManualOnly;
    plan
}

/// Subjects and bodies of what was published.
fn told(world: &World) -> Vec<(String, String)> {
    world.state().messages.published.iter().map(|m| (m.subject.clone(), m.body.clone())).collect()
}

/// Delivers the events that `make` makes ten minutes into `world`, a minute apart, as Lambda repeats them; their statuses
/// or errors.
fn delivered(world: &World, make: impl Fn(&World) -> Vec<Value> + 'static) -> Vec<String> {
    let inner = world.clone();
    world.executor().run(async move {
        inner.sleep(Period::seconds(600)).await;
        let mut replies = Vec::new();
        for event in make(&inner) {
            let reply = inner.invoke(Step::StartRun, &region("us-west-2"), "", event).await;
            replies.push(reply.map_or_else(|e| e.error, |r| r["status"].as_str().unwrap_or_default().to_owned()));
            inner.sleep(Period::seconds(60)).await;
        }
        replies
    })
}

/// The lock as a run towards `target` left it at the world's beginning.
fn left_by(target: &str, trigger: Trigger, leave: impl FnOnce(Lock) -> Lock) -> Lock {
    let (east, west) = (region("us-east-1"), region("us-west-2"));
    let (source, target) = if target == "us-west-2" { (east, west) } else { (west, east) };
    let run = Admission {
        run_id: "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover:earlier".to_owned(),
        plan_version: 1,
        direction: Direction { source, target },
        mode: Mode::Failover,
        consent: None,
        trigger,
        approval: Approval::NotNeeded,
        admitted_at: Timestamp::from_ms(0),
    };
    let held = Lock {
        epoch: 1,
        state: LockState::Held,
        lease_expires_at: Timestamp::from_ms(i64::MAX / 2),
        run,
        past_point_of_no_return: true,
        inherits_change: false,
        cool_down_until: None,
        acknowledged: false,
        stopped: None,
    };
    leave(held)
}

fn by_hand() -> Trigger {
    Trigger::Operator { name: None }
}

#[test]
fn s7_an_alarm_that_may_not_start_a_run_tells_people_why_and_one_that_is_muted_or_served_already_is_silent() {
    type Prepare = Box<dyn Fn(&World)>;
    type Event = fn(&World) -> Value;
    let long = Timestamp::from_ms(i64::MAX / 2);
    let locked = |lock: Lock| -> Prepare {
        Box::new(move |w| {
            let name = w.state().plan.name.clone();
            w.state_mut().table.locks.insert(name, lock.clone());
        })
    };
    let nothing = || -> Prepare { Box::new(|_| {}) };
    let cases: Vec<(&str, &str, Plan, Prepare, Event)> = vec![
        ("told", "manual-only", manual_only(), nothing(), direct),
        (
            "told",
            "runs are disabled: maintenance",
            plan(),
            Box::new(|w| w.state_mut().table.settings.disabled = Some("maintenance".to_owned())),
            direct,
        ),
        ("told", "cool-down", plan(), locked(left_by("us-west-2", by_hand(), |l| l.completed(long))), direct),
        ("told", "needs-operator", plan(), locked(left_by("us-west-2", by_hand(), Lock::needs_operator)), direct),
        (
            "told",
            "automatic-failback",
            plan(),
            locked(left_by("us-east-1", by_hand(), |l| l.completed(Timestamp::from_ms(1)))),
            direct,
        ),
        ("told", "lock-held", plan(), locked(left_by("us-east-1", by_hand(), |l| l)), direct),
        ("told", "no plan names alarm x", plan(), nothing(), |w| set(direct(w), "/alarmData/alarmName", json!("x"))),
        ("told", "more than 15m old", plan(), nothing(), |w| {
            set(direct(w), "/alarmData/state/timestamp", json!("2025-12-31T23:54:00.000+0000"))
        }),
        ("ignored", "", plan(), locked(left_by("us-west-2", by_hand(), |l| l)), direct),
        ("ignored", "", manual_only(), nothing(), |w| set(direct(w), "/alarmData/state/value", json!("OK"))),
        ("ignored", "", manual_only(), nothing(), |w| {
            let mut event = direct(w);
            event["alarmData"]["state"]["actionsSuppressedBy"] = json!("Alarm");
            event
        }),
        ("ignored", "", manual_only(), nothing(), |w| {
            let mut event = bridged(w);
            event["detail"]["muteDetail"] = json!({"mutedByArn": "arn:aws:cloudwatch:us-west-2:111122223333:mute:x"});
            event
        }),
    ];
    for (status, why, plan, prepare, event) in cases {
        let world = world_of(plan);
        prepare(&world);
        assert_eq!(delivered(&world, move |w| vec![event(w)]), [status], "{why}");
        let told = told(&world);
        assert_eq!(told.len(), usize::from(status == "told"), "{why}: {told:?}");
        assert!(world.state().runs.is_empty(), "{why}");
        for (subject, body) in told {
            assert!(subject.starts_with("Lifeboat: NotStarted: ") && subject.is_ascii(), "{subject}");
            let lines: Vec<&str> = body.lines().collect();
            assert!(lines[1].starts_with("Why: ") && lines[1].contains(why), "{why}: {body}");
            assert!(lines[2].starts_with("What next: ") && lines[2].len() > 20, "{body}");
            assert!(body.contains("Saw:   Threshold Crossed"), "{body}");
        }
    }
}

#[test]
fn one_transition_is_told_once_however_often_and_in_whichever_form_it_is_delivered_and_the_next_one_anew() {
    let world = world_of(manual_only());
    let statuses = delivered(&world, |w| {
        let next = set(direct(w), "/alarmData/state/timestamp", json!("2026-01-01T00:09:59.999+0000"));
        vec![direct(w), bridged(w), direct(w), next]
    });
    assert_eq!(statuses, ["told"; 4]);
    assert_eq!(told(&world).len(), 2);
}

#[test]
fn of_deliveries_at_the_same_moment_one_tells_people_and_the_others_are_delivered_again() {
    for seed in 1..=10 {
        let direction = Direction { source: region("us-east-1"), target: region("us-west-2") };
        let world = World::new(manual_only(), direction, crate::common::machine(), seed);
        let events = {
            let at = world.now().plus(Period::seconds(590));
            vec![world.alarm_event(&region("us-west-2"), at, true); 4]
        };
        let again = events[0].clone();
        let replies = delivered_at_once(&world, events);
        let (told_by, failed): (Vec<_>, Vec<_>) = replies.into_iter().partition(Result::is_ok);
        assert!(!told_by.is_empty(), "seed {seed}");
        assert!(failed.iter().all(|r| r.as_ref().is_err_and(|e| e.error == "Lifeboat.Transient")), "{failed:?}");
        assert_eq!(told(&world).len(), 1, "seed {seed}");
        assert_eq!(delivered(&world, move |_| vec![again.clone()]), ["told"]);
        assert_eq!(told(&world).len(), 1, "seed {seed}: the delivery after that finds it told");
    }
}

#[test]
fn a_message_that_could_not_be_sent_fails_the_delivery_and_the_next_one_sends_it() {
    let cases = [
        (FaultKind::Refuse(Fault::Unavailable), "Lifeboat.Transient", 1),
        (FaultKind::Refuse(Fault::Denied), "Lifeboat.Refused", 1),
        (FaultKind::Silence, "Lifeboat.Ambiguous", 1),
        (FaultKind::CrashBefore, "Runtime.ExitError", 1),
        // It was sent and nobody knows: twice is better than not at all.
        (FaultKind::LostReply, "Lifeboat.Ambiguous", 2),
        (FaultKind::CrashAfter, "Runtime.ExitError", 2),
    ];
    for (kind, error, messages) in cases {
        let world = world_of(manual_only());
        world.state_mut().faults.add(FaultRule::once("sns:Publish", kind));
        assert_eq!(delivered(&world, |w| vec![direct(w); 3]), [error, "told", "told"], "{kind:?}");
        assert_eq!(told(&world).len(), messages, "{kind:?}");
        assert_eq!(world.state().faults.fired(), 1);
    }
}

#[test]
fn a_table_that_fails_around_the_message_loses_none() {
    for operation in ["dynamodb:Query", "dynamodb:PutItem"] {
        for kind in
            [FaultKind::Refuse(Fault::Throttled), FaultKind::Silence, FaultKind::LostReply, FaultKind::CrashAfter]
        {
            for skip in [0, 1] {
                let world = world_of(manual_only());
                let rule = FaultRule { operation, place: None, skip, times: 1, kind };
                world.state_mut().faults.add(rule);
                let statuses = delivered(&world, |w| vec![direct(w); 3]);
                let what = format!("{operation} {kind:?} after {skip}: {statuses:?}");
                assert_eq!(statuses[2], "told", "{what}");
                assert!([1, 2].contains(&told(&world).len()), "{what}");
                assert_eq!(world.state().faults.fired(), 1, "{what}");
            }
        }
    }
}

/// What stands between `from` and `to` in `text`, each time.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Vec<&'t str> {
    text.split(from).skip(1).filter_map(|rest| rest.split(to).next()).collect()
}

#[test]
fn the_commands_in_the_message_are_those_that_the_documents_and_the_state_machine_take_once_filled_in() {
    let world = world_of(manual_only());
    delivered(&world, |w| vec![direct(w)]);
    let (_, body) = told(&world).remove(0);
    let names = between(&body, "--document-name ", " ");
    assert_eq!(names, ["Lifeboat-Rehearse", "Lifeboat-Failover"]);
    let template = template();
    for (name, given) in names.into_iter().zip(between(&body, "--parameters '", "'\n")) {
        let given: Value = serde_json::from_str(given).expect("the parameters are JSON");
        let given: BTreeSet<&str> = given.as_object().expect("an object").keys().map(String::as_str).collect();
        let document = name.trim_start_matches("Lifeboat-");
        let path = format!("Resources/{document}Document/Properties/Content/parameters");
        let parameters = at(&template, &path).and_then(Yaml::as_mapping).expect("parameters");
        let wanted = parameters.iter().filter(|(_, p)| p.as_mapping_get("default").is_none());
        assert_eq!(given, wanted.filter_map(|(name, _)| name.as_str()).collect(), "{name}");
    }
    let input = body.lines().last().map(str::trim).expect("a line");
    let unfilled: Value = serde_json::from_str(input).expect("the input is JSON");
    assert!(Request::read(&unfilled).is_err(), "what the reader has to fill in is refused as it is");
    let filled: Value = serde_json::from_str(&input.replace("HOW MUCH", "30s")).expect("JSON");
    let request = Request::read(&filled).expect("a request");
    assert_eq!((request.target, request.mode), (region("us-west-2"), Mode::Failover));
    assert!(body.contains("arn:aws:states:us-west-2:111122223333:stateMachine:lifeboat-failover"));
}
