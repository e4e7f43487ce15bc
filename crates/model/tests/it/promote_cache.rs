//! What to do about one cache: properties over status x members x attempts x verdict x lock x lag.

use crate::common::caches::{NONE, accepted, cache, cached, group, limits, lost, member, refused};
use crate::common::{NOW, consent, east, go, held, ms, no_go, point, region, west};
use lifeboat_model::decide::{Ground, Promotion, cache_readiness, promote_cache};
use lifeboat_model::evidence::{Association, CacheMember, CacheRole, GlobalCache, Point, Status};
use lifeboat_model::journal::Attempts;
use lifeboat_model::limits::{PROMOTION_CALLS_MAX, SETTLE, VERDICT_FRESH};
use lifeboat_model::lock::{Approval, Lock};
use lifeboat_model::request::Mode;
use lifeboat_model::verdict::Verdict;

const ROLES: [CacheRole; 3] = [CacheRole::Primary, CacheRole::Secondary, CacheRole::Unknown];
const MODES: [Mode; 2] = [Mode::Switchover, Mode::Failover];
const LIMIT_MS: i64 = 300_000;

fn stranger(role: CacheRole) -> CacheMember {
    member("sessions-eu-west-1", role)
}

/// Each role of the source's group, the target's (or none), and a third (or none); the target associated or not.
fn every_membership() -> Vec<Vec<CacheMember>> {
    let mut all = Vec::new();
    for source in ROLES {
        for target in ROLES.map(Some).into_iter().chain([None]) {
            for third in ROLES.map(Some).into_iter().chain([None]) {
                for association in [Association::Associated, Association::Other("Disassociating".to_owned())] {
                    let target = target.map(|role| CacheMember { association, ..member(&group(&west()), role) });
                    let source = Some(member(&group(&east()), source));
                    all.push([source, target, third.map(stranger)].into_iter().flatten().collect());
                }
            }
        }
    }
    all
}

fn every_state() -> Vec<GlobalCache> {
    let with = |status: &str| {
        let status = Status::from_aws(status);
        every_membership().into_iter().map(move |members| GlobalCache {
            members,
            status: status.clone(),
            ..cached(&east())
        })
    };
    ["available", "primary-only", "modifying"].into_iter().flat_map(with).collect()
}

fn every_attempts() -> Vec<Attempts> {
    let settle = SETTLE.as_ms();
    let mut all = vec![NONE];
    for age in [0, settle, settle + 1, LIMIT_MS, LIMIT_MS + 1] {
        all.push(accepted(1, ms(-age)));
        for count in [1, PROMOTION_CALLS_MAX] {
            all.extend([refused, lost].map(|of| of(count, ms(-age))));
        }
    }
    all
}

fn every_verdict() -> [Option<Verdict>; 4] {
    let limit = VERDICT_FRESH.as_ms();
    [None, Some(no_go(NOW)), Some(go(ms(-limit))), Some(go(ms(-limit - 1)))]
}

fn every_lock() -> Vec<Lock> {
    let mut locks = Vec::new();
    for mode in MODES {
        for past_point_of_no_return in [false, true] {
            locks.push(Lock { past_point_of_no_return, ..held(mode) });
        }
        let mut lock = held(mode);
        lock.run.approval = Approval::Awaited;
        locks.push(lock);
    }
    for until in [None, Some(NOW)] {
        let mut lock = held(Mode::Failover);
        lock.run.consent = until.map(consent);
        locks.push(lock);
    }
    locks
}

fn every_lag() -> [Vec<Point>; 3] {
    [Vec::new(), vec![point(NOW, 5000.0)], vec![point(NOW, 5001.0)]]
}

struct Case<'a> {
    lock: &'a Lock,
    seen: &'a GlobalCache,
    attempts: &'a Attempts,
    verdict: Option<&'a Verdict>,
    lag_ms: &'a [Point],
}

fn every_case(mut check: impl FnMut(&Case<'_>, Promotion)) {
    let (cache, limits) = (cache(), limits());
    let (states, attempts, verdicts, locks, lags) =
        (every_state(), every_attempts(), every_verdict(), every_lock(), every_lag());
    for seen in &states {
        for lock in &locks {
            for attempts in &attempts {
                for verdict in verdicts.iter().map(Option::as_ref) {
                    let ground = Ground { lock, attempts, verdict, limits: &limits, now: NOW };
                    for lag_ms in &lags {
                        let got = promote_cache(&cache, seen, lag_ms, &ground);
                        check(&Case { lock, seen, attempts, verdict, lag_ms }, got);
                    }
                }
            }
        }
    }
}

/// Every case of the space in which a call is made.
fn every_call(mut check: impl FnMut(&Case<'_>, u32)) {
    let mut calls = 0_u32;
    every_case(|case, got| {
        let Promotion::Call(n) = got else { return };
        calls += 1;
        check(case, n);
    });
    assert!(calls > 500, "{calls}");
}

fn primaries(seen: &GlobalCache) -> Vec<&str> {
    seen.members.iter().filter(|m| m.role == CacheRole::Primary).map(|m| m.group.as_str()).collect()
}

fn called(attempts: &Attempts) -> bool {
    attempts.accepted_at.is_some() || attempts.unknown_at.is_some()
}

#[test]
fn s1_done_is_the_only_primary_associated_and_the_datastore_available() {
    every_case(|case, got| {
        let target = group(&west());
        let in_place = primaries(case.seen) == [target.as_str()];
        let associated = case.seen.member(&target).is_some_and(|m| m.association == Association::Associated);
        let done = in_place && associated && case.seen.status == Status::Available;
        assert_eq!(got == Promotion::Done, done, "{:?}", case.seen);
    });
}

#[test]
fn s9_s16_only_a_known_associated_secondary_is_promoted_over_no_strangers_primary() {
    every_call(|case, _| {
        let target = case.seen.member(&group(&west())).expect("no call without a member");
        assert_eq!(*target, member(&group(&west()), CacheRole::Secondary), "{:?}", case.seen);
        assert!(case.seen.members.get(2).is_none_or(|m| m.role == CacheRole::Secondary), "{:?}", case.seen);
    });
}

#[test]
fn s8_s9_a_switchover_starts_from_an_available_datastore_with_a_known_lag_within_the_limit() {
    every_call(|case, _| match case.lock.run.mode {
        Mode::Switchover => {
            assert_eq!(case.seen.status, Status::Available);
            assert_eq!(primaries(case.seen), [group(&east())]);
            assert_eq!(case.lag_ms, [point(NOW, 5000.0)]);
        }
        Mode::Failover => {}
    });
}

#[test]
fn s10_an_accepted_call_is_never_repeated_and_a_lost_one_not_before_its_effect_was_looked_for() {
    every_call(|case, n| {
        assert_eq!(case.attempts.accepted_at, None);
        assert!(case.attempts.unknown_at.is_none_or(|then| NOW > then.plus(SETTLE)));
        let at_rest = case.seen.status != Status::from_aws("modifying");
        assert!(at_rest || !called(case.attempts), "something is under way");
        assert!(n == case.attempts.count + 1 && n <= PROMOTION_CALLS_MAX, "s13: {n}");
    });
}

#[test]
fn s6_s8_no_call_without_authority() {
    every_call(|case, _| {
        let verdict = case.verdict.expect("no call without a verdict");
        let fresh = NOW <= verdict.assessed_at.plus(VERDICT_FRESH);
        assert!(verdict.go() && (fresh || case.lock.past_point_of_no_return || called(case.attempts)));
        assert_eq!(case.lock.run.approval, Approval::NotNeeded);
        let consented = case.lock.run.consent.as_ref().is_some_and(|c| c.expires > NOW);
        assert!(case.lock.run.mode == Mode::Switchover || consented);
    });
}

#[test]
fn s13_nothing_is_watched_that_does_not_move_or_is_over_its_time() {
    let mut watched = 0_u32;
    every_case(|case, got| {
        let Promotion::Watch(_) = got else { return };
        watched += 1;
        let Case { lock, seen, attempts, lag_ms, .. } = case;
        let recent = attempts.accepted_at.or(attempts.unknown_at).is_some_and(|then| NOW <= then.plus(SETTLE));
        let lags = lock.run.mode == Mode::Switchover && *lag_ms != [point(NOW, 5000.0)];
        let moves = called(attempts) && seen.status == Status::from_aws("modifying");
        let moved = seen.member(&group(&west())).is_some_and(|m| m.role == CacheRole::Primary);
        assert!(recent || lags || moves || moved, "{seen:?} {attempts:?}");
        assert!(attempts.first_at.is_none_or(|first| NOW <= ms(first.as_ms() - NOW.as_ms() + LIMIT_MS)));
    });
    assert!(watched > 1000, "{watched}");
}

#[test]
fn s9_assess_hears_of_everything_in_the_state_that_would_forbid_the_call() {
    let readiness = |mode: Mode, seen: &GlobalCache| cache_readiness(&cache(), &held(mode).run, seen);
    for seen in every_state() {
        for mode in MODES {
            let verdict = go(NOW);
            let lock = held(mode);
            let ground = Ground { lock: &lock, attempts: &NONE, verdict: Some(&verdict), limits: &limits(), now: NOW };
            let refusal = match promote_cache(&cache(), &seen, &[point(NOW, 0.0)], &ground) {
                Promotion::Refuse(reason) => Some(reason),
                Promotion::Done | Promotion::Call(_) => None,
                // Already the primary: fine, unless it does not belong there for good.
                Promotion::Watch(_) => {
                    let associated = seen.member(&group(&west())).map(|m| &m.association);
                    assert_eq!(readiness(mode, &seen).is_none(), associated == Some(&Association::Associated));
                    continue;
                }
            };
            assert_eq!(readiness(mode, &seen), refusal, "{mode:?} {seen:?}");
        }
    }
    let mut elsewhere = held(Mode::Failover).run;
    elsewhere.direction.target = region("eu-west-1");
    let reason = cache_readiness(&cache(), &elsewhere, &cached(&east())).expect("a reason");
    assert_eq!(reason.detail, "the plan names no replication group in the target");
}
