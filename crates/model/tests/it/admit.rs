//! Admission over its whole input space: target x home x mode x purpose x trigger x consents x policy x kill switch x lock.

use crate::common::{
    NOW, RUN, admission, at, by_alarm, by_person, codes, consent, east, eastward, held, ms, plan, third, west, westward,
};
use lifeboat_model::decide::{Admit, admit};
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::{Consent, Policy};
use lifeboat_model::request::{Mode, Purpose, Trigger};
use lifeboat_model::settings::Settings;
use lifeboat_model::{Direction, Plan, ReasonCode, Region, Request};

const MODES: [Mode; 2] = [Mode::Switchover, Mode::Failover];

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
    let policies = [Policy::Autonomous, Policy::Approve, Policy::ManualOnly];
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
        for (mode, purpose) in MODES.into_iter().flat_map(|m| [Purpose::Act, Purpose::Rehearse].map(|p| (m, p))) {
            for trigger in [by_person(), Trigger::Operator { name: None }, by_alarm()] {
                for consent in every_consent("the caller") {
                    let (plan, target, trigger) = (plan().name, target.clone(), trigger.clone());
                    requests.push(Request { plan, target, mode, purpose, consent, trigger });
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
    assert_eq!(cases, 10 * 12 * 144 * 2 * 2, "the whole space");
}

fn decide(case: &Case<'_>) -> Admit {
    admit(&case.request, (case.plan, 7), (RUN, case.home), &case.settings, case.lock, NOW)
}

fn is_alarm(case: &Case<'_>) -> bool {
    matches!(case.request.trigger, Trigger::Alarm { .. })
}

/// The consent that a run would act under, if there is one; it may have expired.
fn offered<'a>(case: &'a Case<'_>) -> Option<&'a Consent> {
    match (is_alarm(case), case.plan.automation.policy) {
        (false, Policy::Autonomous | Policy::Approve | Policy::ManualOnly) => case.request.consent.as_ref(),
        (true, Policy::Autonomous | Policy::Approve) => case.plan.automation.consent.as_ref(),
        (true, Policy::ManualOnly) => None,
    }
}

/// Whether a person is going to be asked, who may bring the consent.
fn is_asked(case: &Case<'_>) -> bool {
    is_alarm(case) && case.plan.automation.policy == Policy::Approve
}

/// What a run is admitted with, or a rehearsal told: a switchover nothing that could be used, a failover what holds.
fn carried(case: &Case<'_>) -> Option<Consent> {
    match case.request.mode {
        Mode::Switchover => None,
        Mode::Failover => offered(case).filter(|c| c.expires > NOW).cloned(),
    }
}

fn is_elsewhere(case: &Case<'_>) -> bool {
    case.request.target != *case.home || case.request.target == third()
}

/// Why not, as far as the lock is not concerned.
fn objections_beside_the_lock(case: &Case<'_>) -> Vec<ReasonCode> {
    let disabled = case.settings.disabled.as_ref().map(|_| ReasonCode::Disabled);
    let consent = match (case.request.mode, offered(case)) {
        (Mode::Switchover, _) => None,
        (Mode::Failover, _) if is_asked(case) => None,
        (Mode::Failover, None) => Some(ReasonCode::ConsentMissing),
        (Mode::Failover, Some(consent)) => (consent.expires <= NOW).then_some(ReasonCode::ConsentExpired),
    };
    disabled.into_iter().chain(consent).collect()
}

#[test]
fn s6_no_failover_is_admitted_without_unexpired_consent_of_the_right_person() {
    let (mut failovers, mut asked) = (0, 0);
    every_case(|case, got| {
        let Admit::Take(lock) = got else { return };
        assert_eq!(lock.run.mode, case.request.mode, "never escalated, never weakened");
        assert_eq!(lock.run.consent, carried(case), "{:?}", case.request);
        match (lock.run.mode, &lock.run.consent, &lock.run.approval) {
            (Mode::Switchover, consent, _) => assert_eq!(*consent, None, "it carries nothing that could be used"),
            (Mode::Failover, None, approval) => {
                assert_eq!(*approval, Approval::Awaited);
                asked += 1;
            }
            (Mode::Failover, Some(consent), _) => {
                assert!(consent.expires > NOW, "it has to hold after now");
                failovers += 1;
            }
        }
    });
    assert!(failovers > 0 && asked > 0);
}

#[test]
fn s6_a_person_is_asked_where_the_plan_says_so_and_an_alarm_began() {
    let mut seen = [0, 0];
    every_case(|case, got| {
        let approval = match got {
            Admit::Take(lock) => lock.run.approval,
            Admit::Rehearse { admission, .. } => admission.approval,
            Admit::Mine | Admit::Refuse(_) => return,
        };
        let expected = if is_asked(case) { Approval::Awaited } else { Approval::NotNeeded };
        assert_eq!(approval, expected, "{:?} {:?}", case.request, case.plan.automation.policy);
        seen[usize::from(is_asked(case))] += 1;
    });
    assert!(seen.iter().all(|n| *n > 0), "{seen:?}");
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
        let only_that = matches!(&got, Admit::Refuse(reasons) if codes(reasons) == [ReasonCode::WrongRegion]);
        assert_eq!(only_that, is_elsewhere(case), "{got:?}");
    });
}

#[test]
fn s10_a_repeated_admission_finds_the_run_admitted_whatever_has_changed_since() {
    every_case(|case, got| {
        let acts = case.request.purpose == Purpose::Act && !is_elsewhere(case);
        assert_eq!(got == Admit::Mine, acts && case.lock_says == LockSays::Mine, "{got:?}");
    });
}

#[test]
fn what_is_admitted_is_what_was_asked_for() {
    let mut admitted = 0;
    every_case(|case, got| {
        let run = match got {
            Admit::Take(lock) => lock.run,
            Admit::Rehearse { admission, .. } => *admission,
            Admit::Mine | Admit::Refuse(_) => return,
        };
        assert_eq!(Some(&run.direction), case.plan.direction_to(&case.request.target).as_ref());
        assert_eq!((run.run_id.as_str(), run.plan_version, run.mode), (RUN, 7, case.request.mode));
        assert_eq!((&run.trigger, run.admitted_at), (&case.request.trigger, NOW));
        assert_eq!(run.consent, carried(case));
        admitted += 1;
    });
    assert!(admitted > 1000, "{admitted}");
}

#[test]
fn a_refusal_names_every_reason_and_what_has_none_is_admitted() {
    every_case(|case, got| {
        if case.request.purpose == Purpose::Rehearse || is_elsewhere(case) || case.lock_says == LockSays::Mine {
            return;
        }
        let expected = expected_objections(case, &got);
        match got {
            Admit::Take(_) => assert_eq!(expected, []),
            Admit::Refuse(reasons) => assert_eq!(codes(&reasons), expected),
            Admit::Mine | Admit::Rehearse { .. } => panic!("it acts, and the lock is not its own: {got:?}"),
        }
    });
}

#[test]
fn s17_a_rehearsal_takes_nothing_and_names_every_objection_that_a_run_would_meet_now() {
    let (mut free, mut objected) = (0, 0);
    every_case(|case, got| {
        if case.request.purpose == Purpose::Act || is_elsewhere(case) {
            return;
        }
        let expected = expected_objections(case, &got);
        let Admit::Rehearse { objections, .. } = got else { panic!("{got:?}") };
        assert_eq!(codes(&objections), expected, "{:?}", case.request);
        match objections.is_empty() {
            true => free += 1,
            false => objected += 1,
        }
    });
    assert!(free > 100 && objected > 100, "{free} {objected}");
}

/// What speaks against the request. The locks of this space know one direction; what they make of the other has its own
/// tests, so that there the lock's part is taken as it was said.
fn expected_objections(case: &Case<'_>, got: &Admit) -> Vec<ReasonCode> {
    let mut expected = objections_beside_the_lock(case);
    let said = match got {
        Admit::Refuse(reasons) | Admit::Rehearse { objections: reasons, .. } => codes(reasons),
        Admit::Take(_) | Admit::Mine => Vec::new(),
    };
    if case.request.target == west() {
        expected.extend(match case.lock_says {
            LockSays::No(code) => Some(code),
            LockSays::Free | LockSays::Mine => None,
        });
    } else {
        expected.extend(said.into_iter().skip(expected.len()));
    }
    expected
}

#[test]
fn a_refusal_tells_what_it_is_about() {
    let person = Request {
        plan: plan().name,
        target: west(),
        mode: Mode::Failover,
        purpose: Purpose::Act,
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
