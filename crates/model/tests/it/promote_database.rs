//! What to do about one database, over status x operation x writers x local cluster x attempts x verdict x mode x consent.

use std::sync::LazyLock;

use crate::common::{NOW, cluster, consent, database, described, east, go, held, ms, no_go, third, west};
use lifeboat_model::decide::{Promotion, promote_database};
use lifeboat_model::evidence::{
    GlobalDatabase, LocalCluster, Member, Operation, OperationPhase, Status, Synchronization,
};
use lifeboat_model::journal::Attempts;
use lifeboat_model::limits::{PROMOTION_CALLS_MAX, SETTLE, VERDICT_FRESH};
use lifeboat_model::lock::Lock;
use lifeboat_model::plan::Database;
use lifeboat_model::request::Mode;
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Arn, Period, Region, Timestamp};

const LIMIT: Period = Period::seconds(600);
const NONE: Attempts = Attempts { count: 0, first_at: None, accepted_at: None, unknown_at: None };

fn phases() -> [OperationPhase; 5] {
    let other = OperationPhase::Other("resting".to_owned());
    [
        OperationPhase::Pending,
        OperationPhase::FailingOver,
        OperationPhase::SwitchingOver,
        OperationPhase::Cancelling,
        other,
    ]
}

fn in_region(region: &Region) -> Arn {
    database().clusters.get(region).expect("a cluster in each of the plan's Regions").clone()
}

/// None under way, or one in each phase towards each member.
fn every_operation() -> Vec<Option<Operation>> {
    let towards = |to: Region| phases().map(|phase| Some(Operation { phase, to: in_region(&to) }));
    [None].into_iter().chain(towards(west())).chain(towards(east())).collect()
}

/// Who is said to write: each subset of the source, the target and a third member.
fn every_membership() -> Vec<Vec<Member>> {
    let members = [in_region(&east()), in_region(&west()), cluster(&third(), "catalog")];
    let member = |n: usize, writers: usize| Member {
        cluster: members[n].clone(),
        is_writer: writers & (1 << n) != 0,
        synchronization: Synchronization::Connected,
    };
    let with = |writers: usize| (0..3).map(|n| member(n, writers)).collect();
    let without_target = vec![member(0, 1), member(2, 1)];
    (0..8).map(with).chain([without_target]).collect()
}

fn every_local() -> Vec<Option<LocalCluster>> {
    let local = |status: &str, instances| {
        Some(LocalCluster { cluster: in_region(&west()), status: Status::from_aws(status), instances })
    };
    let another = Some(LocalCluster { cluster: in_region(&east()), status: Status::Available, instances: 1 });
    vec![local("available", 1), local("available", 0), local("stopped", 1), another, None]
}

fn every_state() -> Vec<GlobalDatabase> {
    let good = described(&database(), &west(), &east());
    let mut states = Vec::new();
    for status in ["available", "modifying"].map(Status::from_aws) {
        for operation in every_operation() {
            for members in every_membership() {
                for local in every_local() {
                    let (status, operation, members) = (status.clone(), operation.clone(), members.clone());
                    states.push(GlobalDatabase { status, operation, members, local, ..good.clone() });
                }
            }
        }
    }
    states
}

/// What the journal may say of this run's calls: none; refused; accepted or lost just within, or just out of, the time
/// in which their effect must show; as many as there may be; and all of it at and past the limit.
fn every_attempts() -> Vec<Attempts> {
    let settle = SETTLE.as_ms();
    let mut attempts = vec![NONE];
    for age in [0, settle, settle + 1, LIMIT.as_ms(), LIMIT.as_ms() + 1] {
        let then = Some(ms(-age));
        for count in [1, PROMOTION_CALLS_MAX - 1, PROMOTION_CALLS_MAX] {
            attempts.push(Attempts { count, first_at: then, ..NONE });
            attempts.push(Attempts { count, first_at: then, unknown_at: then, ..NONE });
        }
        attempts.push(Attempts { count: 1, first_at: then, accepted_at: then, ..NONE });
        attempts.push(Attempts { count: 2, first_at: then, unknown_at: then, accepted_at: then });
    }
    attempts
}

fn every_verdict() -> [Option<Verdict>; 5] {
    let limit = VERDICT_FRESH.as_ms();
    [None, Some(no_go(NOW)), Some(go(NOW)), Some(go(ms(-limit))), Some(go(ms(-limit - 1)))]
}

/// Each mode, with each consent that a failover may stand on; before and after the point of no return.
fn every_lock() -> Vec<Lock> {
    let mut locks = Vec::new();
    for past_point_of_no_return in [false, true] {
        locks.push(Lock { past_point_of_no_return, ..held(Mode::Switchover) });
        for until in [None, Some(NOW), Some(ms(1))] {
            let mut lock = Lock { past_point_of_no_return, ..held(Mode::Failover) };
            lock.run.consent = until.map(consent);
            locks.push(lock);
        }
    }
    locks
}

struct Case<'a> {
    lock: &'a Lock,
    seen: &'a GlobalDatabase,
    attempts: &'a Attempts,
    verdict: Option<&'a Verdict>,
}

fn decide(case: &Case<'_>, database: &Database, now: Timestamp) -> Promotion {
    promote_database(database, case.lock, case.seen, case.attempts, case.verdict, LIMIT, now)
}

fn every_case(mut check: impl FnMut(&Case<'_>, Promotion)) {
    let (database, states, locks) = (database(), every_state(), every_lock());
    let (attempts, verdicts) = (every_attempts(), every_verdict());
    let mut cases = 0;
    for seen in &states {
        for lock in &locks {
            for attempts in &attempts {
                for verdict in &verdicts {
                    let case = Case { lock, seen, attempts, verdict: verdict.as_ref() };
                    check(&case, decide(&case, &database, NOW));
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 2 * 11 * 9 * 5 * 8 * 41 * 5, "the whole space");
}

fn writers(seen: &GlobalDatabase) -> Vec<&Arn> {
    seen.members.iter().filter(|m| m.is_writer).map(|m| &m.cluster).collect()
}

/// Every case of the space in which a call is made, with the number of the attempt.
fn every_call(check: impl Fn(&Lock, &GlobalDatabase, &Attempts, Option<&Verdict>, u32)) {
    type Called = (Lock, GlobalDatabase, Attempts, Option<Verdict>, u32);
    static CALLS: LazyLock<Vec<Called>> = LazyLock::new(|| {
        let mut calls = Vec::new();
        every_case(|case, got| {
            if let Promotion::Call(n) = got {
                calls.push((case.lock.clone(), case.seen.clone(), *case.attempts, case.verdict.cloned(), n));
            }
        });
        calls
    });
    assert!(CALLS.len() > 200, "{}", CALLS.len());
    for (lock, seen, attempts, verdict, n) in CALLS.iter() {
        check(lock, seen, attempts, verdict.as_ref(), *n);
    }
}

#[test]
fn s1_done_is_the_only_and_available_writer_with_nothing_under_way() {
    let (target, ready) = (in_region(&west()), every_local()[0].clone());
    every_case(|case, got| {
        let in_place = writers(case.seen) == [&target] && case.seen.local == ready;
        let quiet = case.seen.operation.is_none() && case.seen.status == Status::Available;
        assert_eq!(got == Promotion::Done, in_place && quiet, "{:?}", case.seen);
    });
}

#[test]
fn s13_nothing_is_watched_that_does_not_move_or_is_over_its_time() {
    let target = in_region(&west());
    let mut watched = 0_u32;
    every_case(|case, got| {
        let Case { seen, attempts, .. } = case;
        let Promotion::Watch(_) = got else { return };
        watched += 1;
        let is_ours = |o: &Operation| o.to == target && o.phase != OperationPhase::Cancelling;
        let moves = seen.operation.as_ref().is_some_and(is_ours)
            || writers(seen) == [&target]
            || attempts.accepted_at.or(attempts.unknown_at).is_some_and(|then| NOW <= then.plus(SETTLE));
        assert!(moves, "{seen:?} {attempts:?}");
        assert!(attempts.first_at.is_none_or(|first| NOW <= first.plus(LIMIT)), "{seen:?} {attempts:?}");
    });
    assert!(watched > 1000, "{watched}");
}

#[test]
fn a_refusal_names_the_database_and_what_was_seen() {
    every_case(|case, got| {
        let Promotion::Refuse(reason) = got else { return };
        assert_eq!(reason.resource, "database catalog");
        assert!(!reason.detail.is_empty(), "{:?}", case.seen);
    });
}

#[test]
fn s10_a_call_is_never_made_into_an_operation_under_way() {
    every_call(|_, seen, _, _, _| assert_eq!(seen.operation, None));
}

#[test]
fn s10_an_accepted_call_is_never_repeated() {
    every_call(|_, _, attempts, _, _| assert_eq!(attempts.accepted_at, None));
}

#[test]
fn s10_the_effect_of_a_lost_call_is_looked_for_before_the_next() {
    every_call(|_, _, attempts, _, _| {
        assert!(attempts.unknown_at.is_none_or(|then| NOW > then.plus(SETTLE)), "{attempts:?}");
    });
}

#[test]
fn s13_calls_are_numbered_and_their_number_is_bounded() {
    every_call(|_, _, attempts, _, n| {
        assert_eq!(n, attempts.count + 1);
        assert!(n <= PROMOTION_CALLS_MAX);
    });
}

#[test]
fn s9_only_a_known_and_available_target_of_a_known_source_is_called() {
    let (source, target, ready) = (in_region(&east()), in_region(&west()), every_local()[0].clone());
    every_call(|_, seen, _, _, _| {
        assert!(seen.member(&target).is_some(), "s16: {seen:?}");
        assert!(seen.status == Status::Available && seen.local == ready, "{seen:?}");
        assert!(writers(seen).iter().all(|w| **w == source), "another writer may be alive: {seen:?}");
    });
}

#[test]
fn s8_no_point_of_no_return_is_passed_without_a_fresh_verdict_to_go() {
    every_call(|lock, _, attempts, verdict, _| {
        let verdict = verdict.expect("no call without a verdict");
        assert!(verdict.go(), "{verdict:?}");
        let fresh = NOW <= verdict.assessed_at.plus(VERDICT_FRESH);
        let may_have_passed = lock.past_point_of_no_return || attempts.unknown_at.is_some();
        assert!(fresh || may_have_passed, "{verdict:?} {attempts:?}");
    });
}

#[test]
fn s6_no_failover_call_without_unexpired_consent() {
    every_call(|lock, _, _, _, _| match lock.run.mode {
        Mode::Switchover => assert_eq!(lock.run.consent, None),
        Mode::Failover => assert!(lock.run.consent.as_ref().is_some_and(|c| c.expires > NOW), "{lock:?}"),
    });
}

#[test]
fn s1_no_switchover_call_unless_the_source_alone_writes() {
    let source = in_region(&east());
    every_call(|lock, seen, _, _, _| match lock.run.mode {
        Mode::Switchover => assert_eq!(writers(seen), [&source]),
        Mode::Failover => {}
    });
}

#[test]
fn liveness_whatever_nothing_forbids_is_called() {
    let (source, ready) = (in_region(&east()), every_local()[0].clone());
    let mut called = 0_u32;
    every_case(|case, got| {
        let Case { lock, seen, attempts, verdict } = case;
        let world = seen.operation.is_none() && seen.status == Status::Available && seen.local == ready;
        let world = world && writers(seen) == [&source] && seen.members.len() == 3;
        let verdict = verdict
            .is_some_and(|v| v.go() && (NOW <= v.assessed_at.plus(VERDICT_FRESH) || lock.past_point_of_no_return));
        let consent = lock.run.mode == Mode::Switchover || lock.run.consent.as_ref().is_some_and(|c| c.expires > NOW);
        let again = attempts.accepted_at.is_none()
            && attempts.unknown_at.is_none_or(|then| NOW > then.plus(SETTLE))
            && attempts.first_at.is_none_or(|first| NOW <= first.plus(LIMIT))
            && attempts.count < PROMOTION_CALLS_MAX;
        if world && verdict && consent && again {
            assert_eq!(got, Promotion::Call(attempts.count + 1));
            called += 1;
        }
    });
    assert!(called > 50, "{called}");
}

#[test]
fn s13_everything_that_waits_has_an_end() {
    let (database, states) = (database(), every_state());
    let (attempts, locks) = (every_attempts(), every_lock());
    let verdict = go(NOW);
    for (seen, attempts) in states.iter().flat_map(|s| attempts.iter().map(move |a| (s, a))) {
        let case = Case { lock: &locks[0], seen, attempts, verdict: Some(&verdict) };
        let began = attempts.first_at.unwrap_or(locks[0].run.admitted_at);
        let end = began.plus(LIMIT).plus(Period::ms(1));
        let got = decide(&case, &database, end.max(NOW));
        assert!(!matches!(got, Promotion::Watch(_)), "{seen:?} {attempts:?} {got:?}");
    }
}
