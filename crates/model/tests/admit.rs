//! Admission over its whole input space: target x home x mode x trigger x consents x policy x kill switch x lock.

mod common;

use common::{
    NOW, RUN, admission, at, by_alarm, by_person, codes, consent, east, eastward, held, ms, plan, third, west, westward,
};
use lifeboat_model::decide::{Admit, admit};
use lifeboat_model::lock::{Admission, Lock, LockState};
use lifeboat_model::plan::{Consent, Policy};
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::settings::Settings;
use lifeboat_model::{Direction, Plan, ReasonCode, Region, Request};

struct Case<'a> {
    request: Request,
    plan: &'a Plan,
    home: &'a Region,
    settings: Settings,
    lock: Option<&'a Lock>,
    /// What the lock alone would make of it.
    lock_says: LockSays,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum LockSays {
    Free,
    Mine,
    No(ReasonCode),
}

/// No consent, or one by `who` that ends just before now, now, or just after.
fn every_consent(who: &str) -> [Option<Consent>; 4] {
    let by = |until| Some(Consent { accepted_by: who.to_owned(), ..consent(ms(until)) });
    [None, by(-1), by(0), by(1)]
}

/// Each kind of lock that a request towards west may meet.
fn every_lock() -> Vec<(Option<Lock>, LockSays)> {
    let of = |run_id: &str, direction: Direction, state| {
        let run = Admission { run_id: run_id.to_owned(), direction, ..admission(Mode::Failover) };
        Lock { state, run, ..held(Mode::Failover) }
    };
    let dead = Lock { lease_expires_at: NOW, ..of("other", westward(), LockState::Held) };
    let unfinished = Lock { past_point_of_no_return: true, ..dead.clone() };
    let unfinished_back = Lock { run: of("other", eastward(), LockState::Held).run, ..unfinished.clone() };
    let resting = of("other", westward(), LockState::Held).completed(at(60));
    vec![
        (None, LockSays::Free),
        (Some(dead), LockSays::Free),
        (Some(unfinished), LockSays::Free),
        (Some(of("other", westward(), LockState::Free)), LockSays::Free),
        (Some(of(RUN, westward(), LockState::Held)), LockSays::Mine),
        (Some(of(RUN, westward(), LockState::Free)), LockSays::No(ReasonCode::RunEnded)),
        (Some(of("other", westward(), LockState::Held)), LockSays::No(ReasonCode::LockHeld)),
        (Some(unfinished_back), LockSays::No(ReasonCode::UnfinishedRun)),
        (Some(of("other", westward(), LockState::NeedsOperator)), LockSays::No(ReasonCode::NeedsOperator)),
        (Some(resting), LockSays::No(ReasonCode::CoolDown)),
    ]
}

/// The plan with each standing consent under each policy.
fn every_plan() -> Vec<Plan> {
    let policies = [Policy::Autonomous, Policy::ManualOnly];
    let mut plans = Vec::new();
    for (policy, consent) in policies.into_iter().flat_map(|p| every_consent("the owner").map(|c| (p, c))) {
        let mut plan = plan();
        plan.automation.consent = consent;
        plan.automation.policy = policy;
        plans.push(plan);
    }
    plans
}

fn every_request() -> Vec<Request> {
    let mut requests = Vec::new();
    for target in [west(), east(), third()] {
        for mode in [Mode::Switchover, Mode::Failover] {
            for trigger in [by_person(), Trigger::Operator { name: None }, by_alarm()] {
                for consent in every_consent("the caller") {
                    let (plan, target, trigger) = (plan().name, target.clone(), trigger.clone());
                    requests.push(Request { plan, target, mode, consent, trigger });
                }
            }
        }
    }
    requests
}

fn every_case(mut check: impl FnMut(&Case<'_>, Admit)) {
    let (locks, plans, requests) = (every_lock(), every_plan(), every_request());
    let mut cases = 0;
    for (lock, lock_says) in &locks {
        for plan in &plans {
            for request in &requests {
                for home in [&west(), &east()] {
                    for disabled in [None, Some("an exercise".to_owned())] {
                        let (settings, request) = (Settings { disabled }, request.clone());
                        let case = Case { request, plan, home, settings, lock: lock.as_ref(), lock_says: *lock_says };
                        check(&case, decide(&case));
                        cases += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cases, 10 * 8 * 72 * 2 * 2, "the whole space");
}

fn decide(case: &Case<'_>) -> Admit {
    admit(&case.request, (case.plan, 7), (RUN, case.home), &case.settings, case.lock, NOW)
}

fn is_alarm(case: &Case<'_>) -> bool {
    matches!(case.request.trigger, Trigger::Alarm { .. })
}

/// The only consent that may carry this request, if there is one.
fn carrying<'a>(case: &'a Case<'_>) -> Option<&'a Consent> {
    match (is_alarm(case), case.plan.automation.policy) {
        (false, Policy::Autonomous | Policy::ManualOnly) => case.request.consent.as_ref(),
        (true, Policy::Autonomous) => case.plan.automation.consent.as_ref(),
        (true, Policy::ManualOnly) => None,
    }
}

#[test]
fn s6_no_failover_is_admitted_without_unexpired_consent_of_the_right_person() {
    let mut failovers = 0;
    every_case(|case, got| {
        let Admit::Take(lock) = got else { return };
        assert_eq!(lock.run.mode, case.request.mode, "never escalated, never weakened");
        match lock.run.mode {
            Mode::Switchover => {
                assert_eq!(lock.run.consent, None, "a switchover carries no consent that could be used")
            }
            Mode::Failover => {
                failovers += 1;
                assert_eq!(lock.run.consent.as_ref(), carrying(case));
                assert!(lock.run.consent.is_some_and(|c| c.expires > NOW), "it has to hold after now");
            }
        }
    });
    assert!(failovers > 0);
}

#[test]
fn s6_an_alarm_never_uses_the_standing_consent_of_a_plan_that_only_people_may_start() {
    every_case(|case, got| {
        if is_alarm(case) && case.plan.automation.policy == Policy::ManualOnly && case.request.mode == Mode::Failover {
            assert!(!matches!(got, Admit::Take(_)), "{:?}", case.request);
        }
    });
}

#[test]
fn s14_nothing_is_admitted_while_the_kill_switch_is_set() {
    every_case(|case, got| {
        assert!(case.settings.disabled.is_none() || !matches!(got, Admit::Take(_)));
    });
}

#[test]
fn s12_a_run_is_admitted_only_in_its_own_target() {
    every_case(|case, got| {
        let elsewhere = case.request.target != *case.home || case.request.target == third();
        let only_that = matches!(&got, Admit::Refuse(reasons) if codes(reasons) == [ReasonCode::WrongRegion]);
        assert_eq!(only_that, elsewhere, "{got:?}");
    });
}

#[test]
fn s10_a_repeated_admission_finds_the_run_admitted_whatever_has_changed_since() {
    every_case(|case, got| {
        if case.lock_says == LockSays::Mine && case.request.target == *case.home {
            assert_eq!(got, Admit::Mine);
        }
        assert!(got != Admit::Mine || case.lock_says == LockSays::Mine);
    });
}

#[test]
fn what_is_admitted_is_what_was_asked_for() {
    every_case(|case, got| {
        let Admit::Take(lock) = got else { return };
        assert_eq!(Some(&lock.run.direction), case.plan.direction_to(&case.request.target).as_ref());
        assert_eq!((lock.run.run_id.as_str(), lock.run.plan_version), (RUN, 7));
        assert_eq!((&lock.run.trigger, lock.run.admitted_at), (&case.request.trigger, NOW));
    });
}

#[test]
fn a_refusal_names_every_reason_and_what_has_none_is_admitted() {
    every_case(|case, got| {
        if case.request.target != *case.home || case.request.target == third() || case.lock_says == LockSays::Mine {
            return;
        }
        let mut expected = Vec::new();
        expected.extend(case.settings.disabled.as_ref().map(|_| ReasonCode::Disabled));
        if case.request.mode == Mode::Failover {
            expected.extend(match carrying(case) {
                None => Some(ReasonCode::ConsentMissing),
                Some(consent) => (consent.expires <= NOW).then_some(ReasonCode::ConsentExpired),
            });
        }
        // The locks of this space know one direction; what they make of the other has its own tests.
        if case.request.target == west() {
            expected.extend(match case.lock_says {
                LockSays::No(code) => Some(code),
                LockSays::Free | LockSays::Mine => None,
            });
            match got {
                Admit::Take(_) => assert_eq!(expected, []),
                Admit::Refuse(reasons) => assert_eq!(codes(&reasons), expected),
                Admit::Mine => panic!("the lock is not its own"),
            }
        } else {
            match got {
                Admit::Take(_) => assert_eq!(expected, []),
                Admit::Refuse(reasons) => assert!(expected.iter().all(|code| codes(&reasons).contains(code))),
                Admit::Mine => panic!("the lock is not its own"),
            }
        }
    });
}

#[test]
fn a_refusal_tells_what_it_is_about() {
    let person = Request {
        plan: plan().name,
        target: west(),
        mode: Mode::Failover,
        consent: Some(consent(at(-60))),
        trigger: by_person(),
    };
    let settings = Settings { disabled: Some("the year's accounts".to_owned()) };
    let got = admit(&person, (&plan(), 7), (RUN, &west()), &settings, None, NOW);
    let Admit::Refuse(reasons) = got else { panic!("{got:?}") };
    let said: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "plan store (disabled): the year's accounts; clear the kill switch when you want runs again",
            "plan store (consent-expired): a person accepted until 2027-01-15T07:59:00.000Z; give a new consent",
        ]
    );
}
