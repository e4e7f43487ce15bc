//! What to do about one database: exact answers, one fault at a time, on both sides of each boundary.

use crate::common::{NOW, at, cluster, consent, database, described, east, go, held, ms, region, third, west};
use lifeboat_model::decide::{Promotion, promote_database};
use lifeboat_model::evidence::{GlobalDatabase, Member, Operation, OperationPhase, Status, Synchronization};
use lifeboat_model::journal::Attempts;
use lifeboat_model::lock::{Approval, Lock};
use lifeboat_model::request::Mode;
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Arn, Period, Region, Timestamp};

const LIMIT: Period = Period::seconds(600);
const NONE: Attempts = Attempts { count: 0, first_at: None, accepted_at: None, unknown_at: None };

fn in_region(region: &Region) -> Arn {
    database().clusters.get(region).expect("a cluster in each of the plan's Regions").clone()
}

fn phases() -> [OperationPhase; 5] {
    ["pending", "failing-over", "switching-over", "cancelling", "resting"].map(OperationPhase::from_aws)
}

/// The healthy source, changed by `spoil`; the answer, by name.
fn answer(
    mode: Mode,
    attempts: Attempts,
    verdict: Verdict,
    spoil: impl FnOnce(&mut Lock, &mut GlobalDatabase),
) -> String {
    let (mut lock, mut seen) = (held(mode), described(&database(), &west(), &east()));
    spoil(&mut lock, &mut seen);
    match promote_database(&database(), &lock, &seen, &attempts, Some(&verdict), LIMIT, NOW) {
        Promotion::Done => "done".to_owned(),
        Promotion::Watch(what) => format!("watch: {what}"),
        Promotion::Call(n) => format!("call {n}"),
        Promotion::Refuse(reason) => reason.code.as_str().to_owned(),
    }
}

#[test]
fn exact_answers_about_the_world() {
    type Spoil = fn(&mut Lock, &mut GlobalDatabase);
    let operation = |phase, to: &Region| Some(Operation { phase, to: in_region(to) });
    let table: [(&str, Spoil); 12] = [
        ("call 1", |_, _| {}),
        ("done", |_, s| *s = described(&database(), &west(), &west())),
        ("watch: writer moved, waiting for the cluster to be available", |_, s| {
            *s = described(&database(), &west(), &west());
            s.status = Status::from_aws("modifying");
        }),
        ("database-not-ready", |_, s| s.members.retain(|m| m.is_writer)),
        ("database-not-ready", |_, s| s.status = Status::from_aws("upgrading")),
        ("database-not-ready", |_, s| s.local = None),
        ("database-not-ready", |_, s| s.members.iter_mut().for_each(|m| m.is_writer = true)),
        ("verdict-stale", |l, _| l.run.direction = l.run.direction.clone()),
        ("consent-missing", |l, _| l.run.consent = None),
        ("consent-expired", |l, _| l.run.consent = Some(consent(NOW))),
        ("call 1", |l, _| l.run.consent = Some(consent(ms(1)))),
        ("database-not-ready", |l, _| l.run.direction.target = region("eu-west-1")),
    ];
    for (expected, spoil) in table {
        let stale = expected == "verdict-stale";
        let verdict = if stale { go(at(-121)) } else { go(at(-120)) };
        assert_eq!(answer(Mode::Failover, NONE, verdict, spoil), expected);
    }
    for (phase, expected) in phases().into_iter().zip(["pending", "failing over", "switching over", "", "resting"]) {
        for mode in [Mode::Switchover, Mode::Failover] {
            let towards = |to: &Region| answer(mode, NONE, go(NOW), |_, s| s.operation = operation(phase.clone(), to));
            if phase == OperationPhase::Cancelling {
                assert_eq!(
                    (towards(&west()).as_str(), towards(&east()).as_str()),
                    ("promotion-cancelled", "promotion-cancelled")
                );
            } else {
                assert_eq!(towards(&west()), format!("watch: {expected}"));
                assert_eq!(towards(&east()), "operation-in-progress");
            }
        }
    }
}

#[test]
fn exact_answers_about_our_own_calls() {
    let then = |age_ms: i64| Some(ms(-age_ms));
    let attempts = |count, accepted_at: Option<Timestamp>, unknown_at: Option<Timestamp>, first_at| Attempts {
        count,
        first_at,
        accepted_at,
        unknown_at,
    };
    let table = [
        (attempts(1, then(30_000), None, then(30_000)), "watch: accepted, not yet visible"),
        (attempts(1, then(30_001), None, then(30_001)), "promotion-lost"),
        (attempts(1, None, then(30_000), then(30_000)), "watch: a call's reply was lost; looking for its effect"),
        (attempts(1, None, then(30_001), then(30_001)), "call 2"),
        (attempts(2, None, then(30_001), then(90_000)), "call 3"),
        (attempts(3, None, then(30_001), then(90_000)), "call-refused"),
        (attempts(3, None, None, then(600_000)), "call-refused"),
        (attempts(1, None, None, then(600_000)), "call 2"),
        (attempts(1, None, None, then(600_001)), "promotion-stalled"),
        (attempts(1, then(600_001), None, then(600_001)), "promotion-stalled"),
    ];
    for (attempts, expected) in table {
        assert_eq!(answer(Mode::Failover, attempts, go(NOW), |_, _| {}), expected, "{attempts:?}");
    }
}

#[test]
fn another_hands_operation_is_waited_for_no_longer_than_our_own() {
    for (admitted, expected) in [(LIMIT.as_ms(), "watch: pending"), (LIMIT.as_ms() + 1, "promotion-stalled")] {
        let got = answer(Mode::Failover, NONE, go(NOW), |lock, seen| {
            lock.run.admitted_at = ms(-admitted);
            seen.operation = Some(Operation { phase: OperationPhase::Pending, to: in_region(&west()) });
        });
        assert_eq!(got, expected);
        let got = answer(Mode::Failover, NONE, go(NOW), |lock, seen| {
            lock.run.admitted_at = ms(-admitted);
            *seen = described(&database(), &west(), &west());
            seen.local = None;
        });
        assert_eq!(got == "promotion-stalled", expected == "promotion-stalled", "{got}");
    }
    let late = answer(Mode::Failover, NONE, go(NOW), |lock, _| lock.run.admitted_at = ms(-2 * LIMIT.as_ms()));
    assert_eq!(late, "call 1", "who has not begun to wait has not waited too long");
}

#[test]
fn s6_nothing_is_called_before_the_person_who_was_asked_has_said_yes() {
    let given = Approval::Given { by: "a person".to_owned(), reason: "it must sell".to_owned(), at: at(-1) };
    for (approval, expected) in
        [(Approval::NotNeeded, "call 1"), (Approval::Awaited, "approval-missing"), (given, "call 1")]
    {
        for (mode, past) in [Mode::Switchover, Mode::Failover].into_iter().flat_map(|m| [false, true].map(|p| (m, p))) {
            let got = answer(mode, NONE, go(NOW), |lock, _| {
                (lock.run.approval, lock.past_point_of_no_return) = (approval.clone(), past);
            });
            assert_eq!(got, expected, "{approval:?} {mode:?}");
        }
    }
    let unasked = |consented| {
        answer(Mode::Failover, NONE, go(at(-121)), |lock, _| {
            lock.run.approval = Approval::Awaited;
            lock.run.consent = consented;
        })
    };
    assert_eq!(unasked(None), "verdict-stale", "the first thing that forbids it is said");
    let awaited = answer(Mode::Failover, NONE, go(NOW), |lock, _| {
        lock.run.approval = Approval::Awaited;
        lock.run.consent = None;
    });
    assert_eq!(awaited, "approval-missing", "whose answer brings the consent");
}

#[test]
fn the_time_in_which_a_person_thinks_is_not_the_databases() {
    let limit = LIMIT.as_ms();
    for (approved_ms, expected) in [(limit, "watch: pending"), (limit + 1, "promotion-stalled")] {
        let got = answer(Mode::Failover, NONE, go(NOW), |lock, seen| {
            lock.run.admitted_at = ms(-3 * limit);
            let (by, reason) = ("a person".to_owned(), "it must sell".to_owned());
            lock.run.approval = Approval::Given { by, reason, at: ms(-approved_ms) };
            seen.operation = Some(Operation { phase: OperationPhase::Pending, to: in_region(&west()) });
        });
        assert_eq!(got, expected);
    }
}

#[test]
fn s8_a_call_that_had_no_effect_does_not_make_an_old_verdict_fresh() {
    let refused = Attempts { count: 1, first_at: Some(at(-60)), ..NONE };
    let lost = Attempts { unknown_at: Some(at(-60)), ..refused };
    assert_eq!(answer(Mode::Failover, refused, go(at(-121)), |_, _| {}), "verdict-stale");
    assert_eq!(
        answer(Mode::Failover, lost, go(at(-121)), |_, _| {}),
        "call 2",
        "it may have passed the point of no return"
    );
    let past = |lock: &mut Lock, _: &mut GlobalDatabase| lock.past_point_of_no_return = true;
    assert_eq!(answer(Mode::Failover, refused, go(at(-121)), past), "call 2", "past it there is only forward");
}

#[test]
fn s9_a_failover_goes_on_without_a_known_writer_and_a_switchover_does_not() {
    let nobody = |_: &mut Lock, seen: &mut GlobalDatabase| seen.members.iter_mut().for_each(|m| m.is_writer = false);
    assert_eq!(answer(Mode::Failover, NONE, go(NOW), nobody), "call 1", "canaries have told that the source is down");
    assert_eq!(answer(Mode::Switchover, NONE, go(NOW), nobody), "database-not-ready");
}

#[test]
fn s9_a_writer_outside_the_plan_is_not_failed_over() {
    let abroad = |_: &mut Lock, seen: &mut GlobalDatabase| {
        seen.members.iter_mut().for_each(|m| m.is_writer = false);
        let cluster = cluster(&third(), "catalog");
        seen.members.push(Member { cluster, is_writer: true, synchronization: Synchronization::Unknown });
    };
    for mode in [Mode::Switchover, Mode::Failover] {
        assert_eq!(answer(mode, NONE, go(NOW), abroad), "database-not-ready");
    }
}
