//! What to do about one cache: exact answers, one fault at a time, on both sides of each boundary.

use crate::common::caches::{NONE, accepted, cache, cached, limits, lost, member, refused};
use crate::common::{NOW, at, by_person, east, go, held, ms, point, region, west};
use lifeboat_model::decide::{Ground, Promotion, promote_cache};
use lifeboat_model::evidence::{Association, CacheMember, CacheRole, GlobalCache, Point, Status};
use lifeboat_model::journal::Attempts;
use lifeboat_model::limits::{LAG_FRESH, SETTLE};
use lifeboat_model::lock::{Approval, Lock};
use lifeboat_model::request::Mode;

const LIMIT_MS: i64 = 300_000;

fn stranger(role: CacheRole) -> CacheMember {
    member("sessions-eu-west-1", role)
}

/// The healthy source and a good lag, changed by `spoil`; the answer, by name.
fn answer(mode: Mode, attempts: Attempts, spoil: impl FnOnce(&mut Lock, &mut GlobalCache, &mut Vec<Point>)) -> String {
    let (mut lock, mut seen, mut lag_ms) = (held(mode), cached(&east()), vec![point(at(-30), 400.0)]);
    spoil(&mut lock, &mut seen, &mut lag_ms);
    // Assessed when it was admitted, and not again.
    let verdict = go(at(-5).min(lock.run.admitted_at));
    let verdict = if lock.past_point_of_no_return { verdict } else { go(at(-5)) };
    let ground = Ground { lock: &lock, attempts: &attempts, verdict: Some(&verdict), limits: &limits(), now: NOW };
    match promote_cache(&cache(), &seen, &lag_ms, &ground) {
        Promotion::Done => "done".to_owned(),
        Promotion::Watch(what) => format!("watch: {what}"),
        Promotion::Call(n) => format!("call {n}"),
        Promotion::Refuse(reason) => {
            assert_eq!(reason.resource, "cache sessions");
            format!("{}: {}", reason.code.as_str(), reason.detail)
        }
    }
}

#[test]
fn exact_answers_about_the_world() {
    type Spoil = fn(&mut Lock, &mut GlobalCache, &mut Vec<Point>);
    let table: [(&str, &str, Spoil); 14] = [
        ("call 1", "call 1", |_, _, _| {}),
        ("done", "done", |_, s, _| *s = cached(&west())),
        ("cache-not-ready: the datastore is modifying", "call 1", |_, s, _| s.status = Status::from_aws("modifying")),
        ("cache-not-ready: the datastore is primary-only", "call 1", |_, s, _| {
            s.status = Status::from_aws("primary-only");
        }),
        ("cache-not-ready: the source's group is not its primary", "call 1", |_, s, _| {
            s.members[0].role = CacheRole::Unknown;
        }),
        ("cache-not-ready: the source's group is not its primary", "call 1", |_, s, _| drop(s.members.remove(0))),
        (
            "cache-not-ready: sessions-us-west-2 is not a member of ldgnf-sessions",
            "cache-not-ready: sessions-us-west-2 is not a member of ldgnf-sessions",
            |_, s, _| drop(s.members.pop()),
        ),
        (
            "cache-not-ready: sessions-us-west-2 is Associating, not associated",
            "cache-not-ready: sessions-us-west-2 is Associating, not associated",
            |_, s, _| s.members[1].association = Association::Other("Associating".to_owned()),
        ),
        (
            "cache-not-ready: nobody knows whether sessions-us-west-2 is primary or secondary",
            "cache-not-ready: nobody knows whether sessions-us-west-2 is primary or secondary",
            |_, s, _| s.members[1].role = CacheRole::Unknown,
        ),
        (
            "cache-not-ready: sessions-eu-west-1 is primary, which is not the source's group",
            "cache-not-ready: sessions-eu-west-1 is primary, which is not the source's group",
            |_, s, _| s.members.push(stranger(CacheRole::Primary)),
        ),
        (
            "cache-not-ready: nobody knows whether sessions-eu-west-1 is primary",
            "cache-not-ready: nobody knows whether sessions-eu-west-1 is primary",
            |_, s, _| s.members.push(stranger(CacheRole::Unknown)),
        ),
        (
            "watch: primary moved, waiting for the datastore to be available",
            "watch: primary moved, waiting for the datastore to be available",
            |_, s, _| s.members[1].role = CacheRole::Primary,
        ),
        (
            "cache-not-ready: the plan names no replication group in the target",
            "cache-not-ready: the plan names no replication group in the target",
            |l, _, _| l.run.direction.target = region("eu-west-1"),
        ),
        (
            "approval-missing: a person was asked and has not said yes",
            "approval-missing: a person was asked and has not said yes",
            |l, _, _| l.run.approval = Approval::Awaited,
        ),
    ];
    for (switchover, failover, spoil) in table {
        assert_eq!(answer(Mode::Switchover, NONE, spoil), switchover);
        assert_eq!(answer(Mode::Failover, NONE, spoil), failover);
    }
}

#[test]
fn s10_exact_answers_about_our_own_calls() {
    let settle = SETTLE.as_ms();
    let limit = format!("promotion-stalled: not the available primary 5m after {}", ms(-LIMIT_MS - 1));
    let lost_one = "watch: a call's reply was lost; looking for its effect";
    let gone = format!("promotion-lost: accepted at {}, and nothing is under way", ms(-settle - 1));
    let table = [
        (accepted(1, ms(-settle)), "watch: accepted, not yet visible", "watch: the datastore is modifying"),
        (accepted(1, ms(-settle - 1)), gone.as_str(), "watch: the datastore is modifying"),
        (lost(1, ms(-settle)), lost_one, "watch: the datastore is modifying"),
        (lost(1, ms(-settle - 1)), "call 2", "watch: the datastore is modifying"),
        (lost(3, ms(-settle - 1)), "call-refused: 3 calls had no effect", "watch: the datastore is modifying"),
        (lost(1, ms(-LIMIT_MS)), "call 2", "watch: the datastore is modifying"),
        (lost(1, ms(-LIMIT_MS - 1)), &limit, &limit),
        (accepted(1, ms(-LIMIT_MS - 1)), &limit, &limit),
        (refused(2, ms(-LIMIT_MS)), "call 3", "call 3"),
        (refused(3, ms(-1)), "call-refused: 3 calls had no effect", "call-refused: 3 calls had no effect"),
        (refused(1, ms(-LIMIT_MS - 1)), &limit, &limit),
    ];
    for (attempts, at_rest, modifying) in table {
        assert_eq!(answer(Mode::Failover, attempts, |_, _, _| {}), at_rest, "{attempts:?}");
        let got = answer(Mode::Failover, attempts, |_, s, _| s.status = Status::from_aws("modifying"));
        assert_eq!(got, modifying, "{attempts:?}");
        let got = answer(Mode::Failover, attempts, |_, s, _| s.status = Status::from_aws("primary-only"));
        assert_eq!(got, at_rest, "primary-only is at rest: {attempts:?}");
    }
}

#[test]
fn s13_a_primary_that_does_not_become_available_is_not_waited_for_any_longer_than_our_own_call() {
    for (age, stalled) in [(LIMIT_MS, false), (LIMIT_MS + 1, true)] {
        let got = answer(Mode::Failover, NONE, |lock, seen, _| {
            lock.run.admitted_at = ms(-age);
            lock.past_point_of_no_return = true;
            *seen = cached(&west());
            seen.status = Status::from_aws("modifying");
        });
        assert_eq!(got.starts_with("promotion-stalled"), stalled, "{got}");
    }
    let late = answer(Mode::Failover, NONE, |lock, _, _| {
        lock.run.admitted_at = ms(-2 * LIMIT_MS);
        lock.past_point_of_no_return = true;
    });
    assert_eq!(late, "call 1", "who has not begun to wait has not waited too long");
}

#[test]
fn s8_only_a_fresh_lag_within_the_limit_lets_a_switchover_begin() {
    let unknown = "lag unknown: no value in the last 3m";
    let over = "5.0 s behind, the limit is 5s";
    let fresh = LAG_FRESH.as_ms();
    let table: [(Vec<Point>, Option<&str>); 9] = [
        (vec![point(ms(-fresh), 5000.0)], None),
        (vec![point(NOW, 0.0)], None),
        (vec![point(at(-60), 9000.0), point(NOW, 0.0)], None),
        (vec![point(at(-60), 0.0), point(NOW, 5000.5)], Some(over)),
        (Vec::new(), Some(unknown)),
        (vec![point(ms(-fresh - 1), 0.0)], Some(unknown)),
        (vec![point(ms(1), 0.0)], Some(unknown)),
        (vec![point(NOW, f64::NAN)], Some(unknown)),
        (vec![point(NOW, -1.0)], Some(unknown)),
    ];
    for (points, objection) in table {
        let code = if objection == Some(over) { "lag-over-limit" } else { "lag-unknown" };
        let got = |mode, age: i64| {
            answer(mode, NONE, |lock, _, lag_ms| {
                lock.run.admitted_at = ms(-age);
                lock.past_point_of_no_return = true;
                lag_ms.clone_from(&points);
            })
        };
        assert_eq!(got(Mode::Failover, 0), "call 1", "the lag of a failover is judged before: {points:?}");
        let (watch, refuse) = match objection {
            None => ("call 1".to_owned(), "call 1".to_owned()),
            Some(what) => (format!("watch: {what}"), format!("{code}: {what}")),
        };
        assert_eq!(got(Mode::Switchover, LIMIT_MS), watch, "{points:?}");
        assert_eq!(got(Mode::Switchover, LIMIT_MS + 1), refuse, "{points:?}");
    }
}

#[test]
fn time_in_which_the_run_could_not_act_is_not_time_that_the_cache_had() {
    let decide = |approved_ms: i64, assessed_ms: i64| {
        let mut lock = held(Mode::Switchover);
        lock.past_point_of_no_return = true;
        lock.run.trigger = by_person();
        lock.run.admitted_at = ms(-3 * LIMIT_MS);
        let (by, reason) = ("a person".to_owned(), "sale".to_owned());
        lock.run.approval = Approval::Given { by, reason, at: ms(approved_ms) };
        let verdict = go(ms(assessed_ms));
        let ground = Ground { lock: &lock, attempts: &NONE, verdict: Some(&verdict), limits: &limits(), now: NOW };
        matches!(promote_cache(&cache(), &cached(&east()), &[], &ground), Promotion::Watch(_))
    };
    assert!(decide(-LIMIT_MS, -2 * LIMIT_MS));
    assert!(decide(-2 * LIMIT_MS, -LIMIT_MS));
    assert!(!decide(-LIMIT_MS - 1, -LIMIT_MS - 1));
}
