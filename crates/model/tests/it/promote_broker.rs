//! What to do about one broker: properties over role x state x attempts x lock, and exact answers on both sides of each
//! boundary.

use crate::common::caches::{NONE, accepted, broker, brokered, limits, lost, rabbit, refused};
use crate::common::{NOW, at, consent, go, held, ms, point, region};
use lifeboat_model::ReasonCode;
use lifeboat_model::decide::{Ground, Promotion, broker_readiness, promote_broker};
use lifeboat_model::evidence::{BrokerSeen, BrokerState, Point, ReplicationRole};
use lifeboat_model::journal::Attempts;
use lifeboat_model::limits::{COUNT_FRESH, PROMOTION_CALLS_MAX, SETTLE, VERDICT_FRESH};
use lifeboat_model::lock::{Approval, Lock};
use lifeboat_model::plan::{Engine, InFlight};
use lifeboat_model::request::Mode;

const MODES: [Mode; 2] = [Mode::Switchover, Mode::Failover];
const ROLES: [ReplicationRole; 4] =
    [ReplicationRole::Primary, ReplicationRole::Replica, ReplicationRole::Alone, ReplicationRole::Unknown];
const LIMIT_MS: i64 = 300_000;

fn states() -> [BrokerState; 3] {
    [BrokerState::Running, BrokerState::Replica, BrokerState::Other("REBOOT_IN_PROGRESS".to_owned())]
}

fn every_state() -> Vec<BrokerSeen> {
    ROLES.iter().flat_map(|role| states().map(|state| brokered(*role, state))).collect()
}

fn every_attempts() -> Vec<Attempts> {
    let settle = SETTLE.as_ms();
    let mut all = vec![NONE];
    for age in [0, settle, settle + 1, LIMIT_MS, LIMIT_MS + 1] {
        for count in [1, PROMOTION_CALLS_MAX - 1, PROMOTION_CALLS_MAX] {
            all.extend([refused, lost, accepted].map(|of| of(count, ms(-age))));
        }
    }
    all
}

fn called(attempts: &Attempts) -> bool {
    attempts.accepted_at.is_some() || attempts.unknown_at.is_some()
}

/// The answer about `seen`, by name, with `queues` declared, in a run that `spoil` changed.
fn answer(engine: Engine, lock: &Lock, seen: &BrokerSeen, attempts: &Attempts, queues: &[Point]) -> String {
    let verdict = go(at(-5));
    let verdict = (!lock.past_point_of_no_return).then_some(&verdict);
    let old = go(lock.run.admitted_at);
    let ground = Ground { lock, attempts, verdict: verdict.or(Some(&old)), limits: &limits(), now: NOW };
    match promote_broker(&broker(engine), seen, queues, &ground) {
        Promotion::Done => "done".to_owned(),
        Promotion::Watch(what) => format!("watch: {what}"),
        Promotion::Call(n) => format!("call {n}"),
        Promotion::Refuse(reason) => {
            assert_eq!(reason.resource, "broker orders");
            format!("{}: {}", reason.code.as_str(), reason.detail)
        }
    }
}

fn replica() -> BrokerSeen {
    brokered(ReplicationRole::Replica, BrokerState::Replica)
}

#[test]
fn s1_done_is_the_running_primary() {
    for seen in every_state() {
        for (mode, attempts) in MODES.iter().flat_map(|m| every_attempts().into_iter().map(move |a| (m, a))) {
            let done = seen.role == ReplicationRole::Primary && seen.state == BrokerState::Running;
            let got = answer(Engine::ActiveMq, &held(*mode), &seen, &attempts, &[]);
            assert_eq!(got == "done", done, "{seen:?} {attempts:?}: {got}");
        }
    }
}

#[test]
fn s9_s10_only_a_known_replica_is_promoted_and_never_under_an_accepted_or_recent_call() {
    let mut calls = 0;
    for seen in every_state() {
        for (mode, attempts) in MODES.iter().flat_map(|m| every_attempts().into_iter().map(move |a| (m, a))) {
            let got = answer(Engine::ActiveMq, &held(*mode), &seen, &attempts, &[]);
            let is_replica = seen.role == ReplicationRole::Replica
                && matches!(seen.state, BrokerState::Replica | BrokerState::Running);
            let again = attempts.accepted_at.is_none()
                && attempts.unknown_at.is_none_or(|then| NOW > then.plus(SETTLE))
                && attempts.first_at.is_none_or(|first| NOW.ms_since(first) <= LIMIT_MS)
                && attempts.count < PROMOTION_CALLS_MAX;
            let expected = is_replica && again;
            calls += u32::from(expected);
            assert_eq!(got == format!("call {}", attempts.count + 1), expected, "{seen:?} {attempts:?}: {got}");
        }
    }
    assert!(calls > 20, "{calls}");
}

#[test]
fn s13_everything_that_waits_has_an_end() {
    for seen in every_state() {
        for of in [refused, lost, accepted] {
            let got = answer(Engine::ActiveMq, &held(Mode::Switchover), &seen, &of(1, ms(-LIMIT_MS - 1)), &[]);
            let stalled = format!("promotion-stalled: not the running primary 5m after {}", ms(-LIMIT_MS - 1));
            assert!(got == "done" || got == stalled, "{seen:?}: {got}");
        }
    }
}

#[test]
fn exact_answers_about_the_world_before_any_call() {
    let [running, resting, other] = states();
    let table = [
        (ReplicationRole::Replica, resting.clone(), "call 1"),
        (ReplicationRole::Replica, running.clone(), "call 1"),
        (ReplicationRole::Replica, other.clone(), "broker-not-ready: the replica is REBOOT_IN_PROGRESS"),
        (ReplicationRole::Primary, running.clone(), "done"),
        (ReplicationRole::Primary, resting.clone(), "watch: primary, and REPLICA"),
        (ReplicationRole::Primary, other, "watch: primary, and REBOOT_IN_PROGRESS"),
        (ReplicationRole::Alone, running.clone(), "broker-not-ready: it takes no part in replication"),
        (ReplicationRole::Unknown, running, "broker-not-ready: nobody knows its part in replication"),
    ];
    for (role, state, expected) in table {
        for mode in MODES {
            let seen = brokered(role, state.clone());
            assert_eq!(answer(Engine::ActiveMq, &held(mode), &seen, &NONE, &[]), expected, "{seen:?}");
        }
    }
    for engine in [Engine::ActiveMq, rabbit(InFlight::Accept, 0)] {
        let mut elsewhere = held(Mode::Failover);
        elsewhere.run.direction.target = region("eu-west-1");
        let got = answer(engine, &elsewhere, &brokered(ReplicationRole::Primary, BrokerState::Running), &NONE, &[]);
        assert_eq!(got, "broker-not-ready: the plan names no broker in the target");
    }
}

#[test]
fn s10_exact_answers_about_our_own_calls() {
    let settle = SETTLE.as_ms();
    let shows_nothing = "watch: accepted; it shows nothing before the roles change";
    let looking = "watch: a call's reply was lost; looking for its effect";
    let reboots = "watch: the replica is REBOOT_IN_PROGRESS";
    let table = [
        (accepted(1, ms(-LIMIT_MS)), shows_nothing, shows_nothing),
        (lost(1, ms(-settle)), looking, reboots),
        (lost(1, ms(-settle - 1)), "call 2", reboots),
        (lost(2, ms(-LIMIT_MS)), "call 3", reboots),
        (lost(3, ms(-settle - 1)), "watch: 3 calls made, the fate of one is unknown", reboots),
        (refused(2, ms(-LIMIT_MS)), "call 3", "broker-not-ready: the replica is REBOOT_IN_PROGRESS"),
        (refused(3, ms(-1)), "call-refused: 3 calls had no effect", "call-refused: 3 calls had no effect"),
    ];
    let rebooting = brokered(ReplicationRole::Replica, BrokerState::Other("REBOOT_IN_PROGRESS".to_owned()));
    for (attempts, resting, moving) in table {
        for mode in MODES {
            assert_eq!(answer(Engine::ActiveMq, &held(mode), &replica(), &attempts, &[]), resting, "{attempts:?}");
            assert_eq!(answer(Engine::ActiveMq, &held(mode), &rebooting, &attempts, &[]), moving, "{attempts:?}");
        }
    }
    let changing = brokered(ReplicationRole::Unknown, BrokerState::Running);
    let got = answer(Engine::ActiveMq, &held(Mode::Failover), &changing, &lost(1, ms(-settle - 1)), &[]);
    assert_eq!(got, "watch: nobody knows its part in replication", "our call may be what changes it");
}

#[test]
fn s13_a_primary_that_does_not_run_is_not_waited_for_for_ever() {
    let seen = brokered(ReplicationRole::Primary, BrokerState::Replica);
    let mut lock = held(Mode::Failover);
    lock.past_point_of_no_return = true;
    lock.run.admitted_at = ms(-LIMIT_MS);
    assert_eq!(answer(Engine::ActiveMq, &lock, &seen, &NONE, &[]), "watch: primary, and REPLICA");
    lock.run.admitted_at = ms(-LIMIT_MS - 1);
    assert!(answer(Engine::ActiveMq, &lock, &seen, &NONE, &[]).starts_with("promotion-stalled"));
    assert_eq!(answer(Engine::ActiveMq, &lock, &replica(), &NONE, &[]), "call 1", "who has not begun to wait");
}

#[test]
fn s6_s8_no_promotion_without_authority() {
    let limits = limits();
    let code = |lock: &Lock, verdict| {
        let ground = Ground { lock, attempts: &NONE, verdict, limits: &limits, now: NOW };
        match promote_broker(&broker(Engine::ActiveMq), &replica(), &[], &ground) {
            Promotion::Refuse(reason) => Some(reason.code),
            Promotion::Call(1) => None,
            other => panic!("{other:?}"),
        }
    };
    let (fresh, stale) = (go(ms(-VERDICT_FRESH.as_ms())), go(ms(-VERDICT_FRESH.as_ms() - 1)));
    let with = |spoil: fn(&mut Lock)| {
        let mut lock = held(Mode::Failover);
        spoil(&mut lock);
        code(&lock, Some(&fresh))
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|l| l.run.consent = None), Some(ReasonCode::ConsentMissing));
    assert_eq!(with(|l| l.run.consent = Some(consent(NOW))), Some(ReasonCode::ConsentExpired));
    assert_eq!(with(|l| l.run.approval = Approval::Awaited), Some(ReasonCode::ApprovalMissing));
    for mode in MODES {
        assert_eq!(code(&held(mode), Some(&stale)), Some(ReasonCode::VerdictStale));
        assert_eq!(code(&held(mode), None), Some(ReasonCode::VerdictStale));
    }
}

/// What RabbitMQ with three queues needs, and what each lack is called.
fn every_shortcoming() -> Vec<(BrokerState, u32, Vec<Point>, Option<String>)> {
    let [running, resting, other] = states();
    let fresh = COUNT_FRESH.as_ms();
    let unknown = Some("nobody knows how many queues it has; the plan needs 3".to_owned());
    let few = Some(format!("2 queues at {NOW}, the plan needs 3"));
    vec![
        (running.clone(), 0, vec![], None),
        (running.clone(), 0, vec![point(NOW, 0.0)], None),
        (running.clone(), 3, vec![point(ms(-fresh), 3.0)], None),
        (running.clone(), 3, vec![point(at(-60), 1.0), point(NOW, 4.0)], None),
        (running.clone(), 3, vec![point(at(-60), 5.0), point(NOW, 2.0)], few),
        (running.clone(), 3, vec![], unknown.clone()),
        (running.clone(), 3, vec![point(ms(-fresh - 1), 9.0)], unknown.clone()),
        (running.clone(), 1, vec![], Some("nobody knows how many queues it has; the plan needs 1".to_owned())),
        (running, 3, vec![point(NOW, f64::NAN)], unknown),
        (resting, 0, vec![], Some("it is REPLICA".to_owned())),
        (other, 3, vec![point(NOW, 3.0)], Some("it is REBOOT_IN_PROGRESS".to_owned())),
    ]
}

#[test]
fn s9_rabbitmq_is_done_when_it_runs_with_its_queues_and_an_unknown_count_is_not_zero() {
    for (state, least, queues, lack) in every_shortcoming() {
        for (mode, attempts) in [(Mode::Switchover, NONE), (Mode::Failover, NONE), (Mode::Failover, lost(1, NOW))] {
            let mut lock = held(mode);
            lock.run.consent = None;
            lock.past_point_of_no_return = true;
            let seen = brokered(ReplicationRole::Alone, state.clone());
            let engine = rabbit(InFlight::Accept, least);
            let (watch, refuse) = match &lack {
                None => ("done".to_owned(), "done".to_owned()),
                Some(what) => (format!("watch: {what}"), format!("broker-not-ready: {what}")),
            };
            lock.run.admitted_at = ms(-LIMIT_MS);
            assert_eq!(answer(engine.clone(), &lock, &seen, &attempts, &queues), watch);
            lock.run.admitted_at = ms(-LIMIT_MS - 1);
            assert_eq!(answer(engine, &lock, &seen, &attempts, &queues), refuse);
        }
    }
}

#[test]
fn s9_assess_hears_of_everything_that_would_keep_a_broker_from_taking_over() {
    let run = held(Mode::Failover).run;
    for (state, least, queues, lack) in every_shortcoming() {
        let seen = brokered(ReplicationRole::Alone, state);
        let got = broker_readiness(&broker(rabbit(InFlight::Drain, least)), &run, &seen, &queues, NOW);
        assert_eq!(got.as_ref().map(|r| r.detail.clone()), lack);
        assert!(got.is_none_or(|r| r.code == ReasonCode::BrokerNotReady && r.resource == "broker orders"));
    }
    for seen in every_state() {
        let got = broker_readiness(&broker(Engine::ActiveMq), &run, &seen, &[], NOW).map(|r| r.detail);
        let now = answer(Engine::ActiveMq, &held(Mode::Failover), &seen, &NONE, &[]);
        let said = now.strip_prefix("watch: ").or(now.strip_prefix("broker-not-ready: ")).map(str::to_owned);
        assert_eq!(got, said, "{seen:?}: {now}");
    }
    let mut elsewhere = run;
    elsewhere.direction.target = region("eu-west-1");
    let got = broker_readiness(&broker(Engine::ActiveMq), &elsewhere, &replica(), &[], NOW).map(|r| r.detail);
    assert_eq!(got.as_deref(), Some("the plan names no broker in the target"));
}

#[test]
fn s10_rabbitmq_is_never_called() {
    for seen in every_state() {
        for attempts in every_attempts() {
            let got = answer(rabbit(InFlight::Drain, 0), &held(Mode::Switchover), &seen, &attempts, &[]);
            assert!(!got.starts_with("call"), "{seen:?} {attempts:?} {}", called(&attempts));
        }
    }
}
