//! What to do about a service's capacity, over minimum x maximum x scale-in x desired x serving x calls x verdict x approval.

use crate::common::compute::{approved, service, service_seen};
use crate::common::{NOW, at, east, entry, go, held, intent, ms, no_go, outcome, west};
use lifeboat_model::decide::{Raise, Scaling, ScalingCalls, ServiceFacts, compute_readiness, raises, scale_compute};
use lifeboat_model::evidence::{ScaleIn, ServiceSeen, ServiceStatus};
use lifeboat_model::journal::{Attempts, Call, Effect, Entry, Note};
use lifeboat_model::limits::{SCALING_CALLS_MAX, SETTLE, Step, VERDICT_FRESH};
use lifeboat_model::lock::{Approval, Lock};
use lifeboat_model::request::Mode;
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Period, ReasonCode, Timestamp};

/// Of the test's service: what is wanted, and what is enough of it.
const WANTED: u32 = 8;
const ENOUGH: u32 = 6;
const LIMIT: Period = Period::seconds(600);

struct Case {
    lock: Lock,
    seen: ServiceSeen,
    calls: ScalingCalls,
    verdict: Option<Verdict>,
    left_at: Option<Timestamp>,
}

fn good(seen: ServiceSeen) -> Case {
    Case { lock: held(Mode::Failover), seen, calls: ScalingCalls::default(), verdict: Some(go(NOW)), left_at: None }
}

impl Case {
    fn decide_at(&self, now: Timestamp) -> Scaling {
        let facts = ServiceFacts {
            service: &service(),
            lock: &self.lock,
            seen: &self.seen,
            wanted: WANTED,
            calls: &self.calls,
            verdict: self.verdict.as_ref(),
            left_at: self.left_at,
            limit: LIMIT,
        };
        scale_compute(&facts, now)
    }

    fn decide(&self) -> Scaling {
        self.decide_at(NOW)
    }
}

/// As the service is before anything was done: it serves with 2 tasks, and scales by itself from 2 on.
fn small() -> ServiceSeen {
    ServiceSeen {
        desired: 2,
        running: 2,
        minimum: Some(2),
        scale_in: Some(ScaleIn::Allowed),
        healthy: None,
        ..service_seen()
    }
}

/// The same, of a fixed size.
fn fixed() -> ServiceSeen {
    ServiceSeen { minimum: None, maximum: None, scale_in: None, ..small() }
}

fn refused(got: &Scaling) -> Option<ReasonCode> {
    match got {
        Scaling::Refuse(reason) => {
            assert_eq!(reason.resource, "service web");
            assert!(!reason.detail.is_empty());
            Some(reason.code)
        }
        Scaling::Done(_) | Scaling::Watch(_) | Scaling::Call { .. } | Scaling::GoOnWith(_) => None,
    }
}

fn called(got: &Scaling) -> Option<(Raise, u32)> {
    match got {
        Scaling::Call { raise, attempt } => Some((*raise, *attempt)),
        Scaling::Done(_) | Scaling::Watch(_) | Scaling::GoOnWith(_) | Scaling::Refuse(_) => None,
    }
}

fn every_seen() -> Vec<ServiceSeen> {
    let mut all = Vec::new();
    let counts = [0, ENOUGH - 1, ENOUGH, WANTED - 1, WANTED, WANTED + 1];
    for minimum in [None, Some(2), Some(ENOUGH), Some(WANTED - 1), Some(WANTED), Some(WANTED + 1)] {
        for maximum in [None, Some(ENOUGH - 1), Some(ENOUGH), Some(WANTED - 1), Some(WANTED), Some(20)] {
            for scale_in in [None, Some(ScaleIn::Allowed), Some(ScaleIn::Suspended)] {
                for desired in counts {
                    for running in counts {
                        let seen = ServiceSeen {
                            minimum,
                            maximum,
                            scale_in,
                            desired,
                            running,
                            healthy: None,
                            ..service_seen()
                        };
                        all.push(seen);
                    }
                }
            }
        }
    }
    assert_eq!(all.len(), 6 * 6 * 3 * 6 * 6, "the whole space");
    all
}

#[test]
fn liveness_each_state_leads_to_the_first_thing_that_is_missing() {
    for seen in every_seen() {
        let got = good(seen.clone()).decide();
        let goal = seen.maximum.unwrap_or(WANTED).min(WANTED);
        let is_held = seen.minimum.is_none_or(|m| m >= goal && seen.scale_in == Some(ScaleIn::Suspended));
        if goal < ENOUGH {
            assert_eq!(refused(&got), Some(ReasonCode::ComputeNotReady), "{seen:?}");
        } else if !is_held {
            let minimum = seen.minimum.map_or(goal, |m| m.max(goal));
            assert_eq!(called(&got), Some((Raise::Minimum(minimum), 1)), "{seen:?}");
        } else if seen.desired < goal {
            assert_eq!(called(&got), Some((Raise::Desired(goal), 1)), "{seen:?}");
        } else if seen.running < goal {
            assert!(matches!(got, Scaling::Watch(_)), "{seen:?} {got:?}");
        } else {
            assert!(matches!(got, Scaling::Done(_)), "{seen:?} {got:?}");
        }
    }
}

#[test]
fn s9_nothing_is_ever_scaled_down() {
    for seen in every_seen() {
        for raise in raises(&seen, WANTED) {
            match raise {
                Raise::Minimum(minimum) => assert!(seen.minimum.is_some_and(|m| minimum >= m), "{seen:?}"),
                Raise::Desired(desired) => assert!(desired > seen.desired, "{seen:?}"),
            }
        }
    }
    let larger = ServiceSeen { desired: 12, running: 12, healthy: Some(12), minimum: Some(12), ..service_seen() };
    assert_eq!(good(larger).decide(), Scaling::Done("12 of 8 tasks serve".to_owned()));
}

#[test]
fn a_rehearsal_can_name_every_call_the_minimum_first() {
    assert_eq!(raises(&small(), WANTED), [Raise::Minimum(8), Raise::Desired(8)]);
    assert_eq!(raises(&fixed(), WANTED), [Raise::Desired(8)]);
    assert_eq!(raises(&service_seen(), WANTED), []);
    assert_eq!(raises(&ServiceSeen { maximum: Some(7), ..small() }, WANTED), [Raise::Minimum(7), Raise::Desired(7)]);
}

#[test]
fn s9_a_task_that_is_not_healthy_does_not_serve() {
    let unhealthy = ServiceSeen { healthy: Some(7), ..service_seen() };
    assert_eq!(good(unhealthy).decide(), Scaling::Watch("7 of 8 tasks serve".to_owned()));
    assert_eq!(good(service_seen()).decide(), Scaling::Done("8 of 8 tasks serve".to_owned()));
    let capped = ServiceSeen { maximum: Some(7), minimum: Some(7), running: 7, ..service_seen() };
    let what = "7 tasks serve; 8 are wanted, and its scaling limit is 7";
    assert_eq!(good(capped).decide(), Scaling::Done(what.to_owned()));
}

#[test]
fn s9_only_an_active_service_told_by_the_target_whose_limits_allow_enough_is_ready() {
    let run = held(Mode::Failover).run;
    let draining = ServiceSeen { status: ServiceStatus::Other("DRAINING".to_owned()), ..service_seen() };
    let elsewhere = ServiceSeen { vantage: east(), ..service_seen() };
    let narrow = ServiceSeen { maximum: Some(ENOUGH - 1), ..service_seen() };
    let words = [
        (draining, "it is DRAINING in us-west-2"),
        (elsewhere, "it was described by us-east-1, not by us-west-2"),
        (narrow, "it may have 5 tasks at most in us-west-2; 8 are wanted, 6 would be enough"),
    ];
    for (seen, words) in words {
        let objection = compute_readiness(&service(), &run, &seen, WANTED).expect("an objection");
        assert_eq!((objection.code, objection.detail.as_str()), (ReasonCode::ComputeNotReady, words));
        assert_eq!(good(seen).decide(), Scaling::Refuse(objection), "whatever serves there");
    }
    for maximum in [None, Some(ENOUGH), Some(20)] {
        let seen = ServiceSeen { maximum, ..small() };
        assert_eq!(compute_readiness(&service(), &run, &seen, WANTED), None);
        assert_eq!(seen.vantage, west());
    }
}

/// Every lock under which a call may or may not be made, and whether it may.
fn every_authority() -> Vec<(Lock, Option<Verdict>, Option<ReasonCode>)> {
    let mut all = Vec::new();
    for mode in [Mode::Switchover, Mode::Failover] {
        let old = go(NOW.minus(VERDICT_FRESH).minus(VERDICT_FRESH));
        let lock = held(mode);
        let mut awaited = held(mode);
        awaited.run.approval = Approval::Awaited;
        let given = Lock { run: approved(held(mode).run, at(-2)), ..held(mode) };
        let mut unconsented = held(mode);
        unconsented.run.consent = None;
        all.extend([
            (lock.clone(), Some(go(NOW)), None),
            (lock.clone(), Some(old.clone()), None),
            (lock.clone(), Some(no_go(NOW)), Some(ReasonCode::VerdictStale)),
            (lock, None, Some(ReasonCode::VerdictStale)),
            (awaited.clone(), Some(go(NOW)), Some(ReasonCode::ApprovalMissing)),
            (awaited, None, Some(ReasonCode::VerdictStale)),
            (given, Some(go(NOW)), None),
            (unconsented, Some(old), None),
        ]);
    }
    all
}

#[test]
fn s9_no_call_before_the_verdict_to_go_and_the_approval_and_no_consent_is_needed() {
    for (lock, verdict, forbidden) in every_authority() {
        for seen in [small(), fixed()] {
            let got = Case { lock: lock.clone(), verdict: verdict.clone(), ..good(seen.clone()) }.decide();
            assert_eq!(refused(&got), forbidden, "{verdict:?} {got:?}");
            assert_eq!(called(&got).is_some(), forbidden.is_none(), "{verdict:?} {got:?}");
        }
        let got = Case { lock, verdict, ..good(service_seen()) }.decide();
        assert!(matches!(got, Scaling::Done(_)), "what is there already needs nobody's word: {got:?}");
    }
}

fn calls(count: u32, first_at: Timestamp) -> ScalingCalls {
    let attempts = Attempts { count, first_at: Some(first_at), accepted_at: Some(first_at), unknown_at: None };
    ScalingCalls { attempts, ..ScalingCalls::default() }
}

#[test]
fn s13_calls_are_numbered_and_their_number_is_bounded() {
    for count in 0..=SCALING_CALLS_MAX + 1 {
        let got = Case { calls: calls(count, at(-1)), ..good(small()) }.decide();
        let number = called(&got).map(|(_, attempt)| attempt);
        assert_eq!(number, (count < SCALING_CALLS_MAX).then_some(count + 1));
        assert_eq!(matches!(got, Scaling::Watch(_)), count >= SCALING_CALLS_MAX, "{got:?}");
    }
    assert_eq!(SCALING_CALLS_MAX, 6);
}

#[test]
fn s10_the_effect_of_a_call_is_looked_for_before_the_same_call_is_made_again() {
    let settle = SETTLE.as_ms();
    let held_low = ServiceSeen { minimum: Some(8), scale_in: Some(ScaleIn::Suspended), ..small() };
    for (ago, again) in [(0, false), (settle, false), (settle + 1, true)] {
        let then = Some(ms(-ago));
        let minimum = ScalingCalls { minimum_at: then, ..calls(1, ms(-ago)) };
        let desired = ScalingCalls { desired_at: then, ..calls(1, ms(-ago)) };
        let cases = [
            (small(), minimum, again),
            (small(), desired, true),
            (fixed(), desired, again),
            (held_low.clone(), desired, again),
            (held_low.clone(), minimum, true),
        ];
        for (seen, calls, may) in cases {
            let got = Case { calls, ..good(seen.clone()) }.decide();
            assert_eq!((called(&got).is_some(), matches!(got, Scaling::Watch(_))), (may, !may), "{seen:?} {calls:?}");
        }
    }
}

#[test]
fn s13_after_the_limit_the_run_goes_on_with_enough_and_stops_with_less() {
    let limit = LIMIT.as_ms();
    for seen in every_seen().into_iter().filter(|s| s.maximum.is_none_or(|m| m >= ENOUGH)) {
        let case = |ago: i64| Case { calls: calls(2, ms(-ago)), ..good(seen.clone()) };
        let [in_time, over] = [case(limit).decide(), case(limit + 1).decide()];
        let is_done = matches!(in_time, Scaling::Done(_));
        assert!(is_done || called(&in_time).is_some() || matches!(in_time, Scaling::Watch(_)), "{in_time:?}");
        match &over {
            Scaling::Done(_) => assert!(is_done, "{seen:?}"),
            Scaling::GoOnWith(what) => {
                assert!(!is_done && seen.running >= ENOUGH, "{seen:?}");
                assert!(what.contains("10m after") && what.ends_with("6 are enough"), "{what}");
            }
            Scaling::Refuse(reason) => {
                assert!(!is_done && seen.running < ENOUGH, "{seen:?}");
                assert_eq!(reason.code, ReasonCode::CapacityShort);
                assert!(reason.detail.ends_with("6 would be enough"), "{reason}");
            }
            Scaling::Watch(_) | Scaling::Call { .. } => panic!("{seen:?} {over:?}"),
        }
    }
}

#[test]
fn s13_the_time_runs_from_the_first_call_or_from_when_the_run_could_act() {
    let limit = LIMIT.as_ms();
    let mut early = held(Mode::Failover);
    early.run.admitted_at = at(-9000);
    let waits = |lock: &Lock, left_at, calls| {
        let seen = ServiceSeen { running: 2, healthy: None, ..service_seen() };
        let got = Case { lock: lock.clone(), left_at, calls, ..good(seen) }.decide();
        assert!(refused(&got).is_none_or(|code| code == ReasonCode::CapacityShort), "{got:?}");
        matches!(got, Scaling::Watch(_))
    };
    let none = ScalingCalls::default();
    assert!(!waits(&early, None, none));
    for (ago, in_time) in [(limit, true), (limit + 1, false)] {
        let then = ms(-ago);
        let admitted =
            Lock { run: lifeboat_model::lock::Admission { admitted_at: then, ..early.run.clone() }, ..early.clone() };
        let approved = Lock { run: approved(early.run.clone(), then), ..early.clone() };
        assert_eq!(waits(&admitted, None, none), in_time);
        assert_eq!(waits(&approved, None, none), in_time);
        assert_eq!(waits(&early, Some(then), none), in_time);
        assert_eq!(waits(&early, None, calls(1, then)), in_time);
        assert!(!waits(&admitted, None, calls(1, at(-9000))), "the first call counts, where there is one");
    }
}

fn call_of(raise: Raise, attempt: u32, then: Timestamp) -> Entry {
    let call = Call { operation: raise.operation().to_owned(), region: west(), parameters: [].into() };
    entry(Step::ScaleCompute, "web", then, Note::Intent { attempt, call })
}

#[test]
fn s15_what_was_called_is_read_from_the_journal() {
    let web = "web".parse().expect("a name");
    let (minimum, desired) = (Raise::Minimum(8), Raise::Desired(8));
    let said = |attempt, effect| outcome(Step::ScaleCompute, "web", attempt, NOW, effect);
    assert_eq!(ScalingCalls::of(&[], &web), ScalingCalls::default());

    let mut journal = vec![
        call_of(minimum, 1, at(-50)),
        said(1, Effect::Accepted),
        call_of(minimum, 2, at(-40)),
        said(2, Effect::Unknown),
        call_of(minimum, 3, at(-30)),
        said(3, Effect::None),
        call_of(desired, 4, at(-20)),
    ];
    let other = |step, resource: &str| Entry { step, resource: resource.to_owned(), ..call_of(minimum, 4, at(-1)) };
    journal.extend([
        other(Step::ScaleCompute, "api"),
        other(Step::PromoteCache, "web"),
        intent(Step::ScaleCompute, "web", 5, at(-10)),
        outcome(Step::ScaleCompute, "api", 2, NOW, Effect::None),
    ]);
    let calls = ScalingCalls::of(&journal, &web);
    assert_eq!((calls.minimum_at, calls.desired_at), (Some(at(-40)), Some(at(-20))));
    assert_eq!(calls.attempts, Attempts::of(&journal, Step::ScaleCompute, "web"));
    assert_eq!(calls.attempts.count, 5);
    journal.push(said(4, Effect::None));
    assert_eq!(ScalingCalls::of(&journal, &web).desired_at, None);
}
