//! Whether the source leaves traffic before the writers move, and whether it has.

use std::collections::BTreeSet;

use crate::common::{NOW, at, consent, east, go, held, ms, no_go, plan, west};
use lifeboat_model::decide::{Departure, Isolation, NameSeen, isolate_source, source_departure};
use lifeboat_model::evidence::{RoutingStates, Switch};
use lifeboat_model::journal::{Attempts, Effect};
use lifeboat_model::lock::{Approval, Lock};
use lifeboat_model::request::Mode;
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Period, ReasonCode};

fn states(source: Option<Switch>, target: Option<Switch>) -> RoutingStates {
    let plan = plan();
    let of = |region, switch: Option<Switch>| plan.routing.controls.get(&region).cloned().zip(switch);
    let states = [of(east(), source), of(west(), target)].into_iter().flatten().collect();
    RoutingStates { observed_at: NOW, endpoint: west(), states }
}

fn decided(lock: &Lock, seen: &RoutingStates, verdict: Option<&Verdict>) -> Isolation {
    isolate_source(&plan(), lock, seen, &Attempts::default(), verdict, NOW)
}

fn code(isolation: Isolation) -> ReasonCode {
    match isolation {
        Isolation::Refuse(reason) => reason.code,
        other => panic!("{other:?}"),
    }
}

const BOTH: (Option<Switch>, Option<Switch>) = (Some(Switch::On), Some(Switch::On));

#[test]
fn s2_the_source_leaves_traffic_only_while_the_target_is_on_by_the_same_look() {
    let lock = held(Mode::Switchover);
    let verdict = go(NOW);
    let decide = |source, target| decided(&lock, &states(source, target), Some(&verdict));
    assert_eq!(decide(BOTH.0, BOTH.1), Isolation::Change);
    assert_eq!(decide(Some(Switch::Off), Some(Switch::On)), Isolation::Isolated);
    for source in [Some(Switch::On), Some(Switch::Off), None] {
        assert!(matches!(decide(source, Some(Switch::Off)), Isolation::NotNow(_)), "{source:?}");
        assert_eq!(code(decide(source, None)), ReasonCode::RoutingUnknown, "{source:?}");
    }
    assert_eq!(code(decide(None, Some(Switch::On))), ReasonCode::RoutingUnknown);
}

#[test]
fn s8_no_verdict_a_refusal_or_an_old_one_isolates_nothing() {
    let lock = held(Mode::Switchover);
    let both = states(BOTH.0, BOTH.1);
    assert_eq!(code(decided(&lock, &both, None)), ReasonCode::VerdictStale);
    assert_eq!(code(decided(&lock, &both, Some(&no_go(NOW)))), ReasonCode::VerdictStale);
    assert_eq!(code(decided(&lock, &both, Some(&go(at(-121))))), ReasonCode::VerdictStale);
    assert_eq!(decided(&lock, &both, Some(&go(at(-120)))), Isolation::Change);
}

#[test]
fn s8_a_run_past_its_point_of_no_return_isolates_on_an_older_verdict_to_go_and_never_on_a_refusal() {
    let (both, old) = (states(BOTH.0, BOTH.1), at(-3600));
    let decide = |past, attempts: &Attempts, verdict: &Verdict| {
        let lock = Lock { past_point_of_no_return: past, ..held(Mode::Switchover) };
        isolate_source(&plan(), &lock, &both, attempts, Some(verdict), NOW)
    };
    let none = Attempts::default();
    let refused = none.and(at(-60), Effect::None);
    for (past, attempts, forward) in [
        (false, none, false),
        (false, refused, false),
        (false, none.and(at(-60), Effect::Accepted), true),
        (false, none.and(at(-60), Effect::Unknown), true),
        (true, none, true),
        (true, refused, true),
    ] {
        assert_eq!(decide(past, &attempts, &go(old)) == Isolation::Change, forward, "{past} {attempts:?}");
        assert_eq!(code(decide(past, &attempts, &no_go(NOW))), ReasonCode::VerdictStale, "{past} {attempts:?}");
    }
}

#[test]
fn what_is_seen_already_needs_no_authority() {
    let mut lock = held(Mode::Failover);
    (lock.run.approval, lock.run.consent) = (Approval::Awaited, None);
    assert_eq!(decided(&lock, &states(Some(Switch::Off), Some(Switch::On)), None), Isolation::Isolated);
    assert!(matches!(decided(&lock, &states(Some(Switch::On), Some(Switch::Off)), None), Isolation::NotNow(_)));
}

#[test]
fn s6_nothing_leaves_traffic_before_approval_and_consent() {
    let both = states(BOTH.0, BOTH.1);
    let mut lock = held(Mode::Failover);
    assert_eq!(decided(&lock, &both, Some(&go(NOW))), Isolation::Change);
    lock.run.approval = Approval::Awaited;
    assert_eq!(code(decided(&lock, &both, Some(&go(NOW)))), ReasonCode::ApprovalMissing);
    lock.run.approval = Approval::Given { by: "a person".to_owned(), reason: "it must sell".to_owned(), at: at(-1) };
    assert_eq!(decided(&lock, &both, Some(&go(NOW))), Isolation::Change);
    for (until, expected) in [(ms(1), None), (NOW, Some(ReasonCode::ConsentExpired))] {
        lock.run.consent = Some(consent(until));
        let got = decided(&lock, &both, Some(&go(NOW)));
        assert_eq!((got != Isolation::Change).then(|| code(got)), expected);
    }
    lock.run.consent = None;
    assert_eq!(code(decided(&lock, &both, Some(&go(NOW)))), ReasonCode::ConsentMissing);
    lock.run.mode = Mode::Switchover;
    assert_eq!(decided(&lock, &both, Some(&go(NOW))), Isolation::Change, "a switchover loses nothing");
}

fn name(now: &[&str]) -> NameSeen {
    let set = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect::<BTreeSet<_>>();
    NameSeen { name: "shop.example.com".to_owned(), now: set(now), target: set(&["west-1", "west-2"]) }
}

#[test]
fn s12_in_a_failover_nobody_waits_for_a_source_that_is_down() {
    let departure = source_departure(&plan(), &held(Mode::Failover), &[name(&["east-1"])], NOW, None, NOW);
    assert_eq!(departure, Departure::Gone);
}

#[test]
fn a_switchover_waits_for_the_names_and_then_for_the_clients_caches() {
    let lock = held(Mode::Switchover);
    let depart = |names: &[NameSeen], told_at, left_at| source_departure(&plan(), &lock, names, told_at, left_at, NOW);
    let moved = [name(&["west-2"])];
    assert_eq!(depart(&moved, at(-5), None), Departure::Leaving);
    for not_moved in [name(&["west-1", "east-1"]), name(&["east-1"]), name(&[])] {
        let names = [moved[0].clone(), not_moved];
        assert!(matches!(depart(&names, at(-5), None), Departure::Pending(why) if why.contains("shop.example.com")));
    }
    let ttl = Period::seconds(60);
    assert_eq!(depart(&moved, at(-90), Some(at(-59))), Departure::Until(at(-59).plus(ttl)));
    assert_eq!(depart(&moved, at(-90), Some(at(-60))), Departure::Gone);
}

#[test]
fn s13_names_that_never_leave_the_source_end_the_wait_by_name() {
    let lock = held(Mode::Switchover);
    let names = [name(&["east-1"])];
    let depart = |told_at| source_departure(&plan(), &lock, &names, told_at, None, NOW);
    assert!(matches!(depart(at(-600)), Departure::Pending(_)));
    let Departure::Refuse(reason) = depart(ms(-600_001)) else { panic!("the time is over") };
    assert_eq!((reason.code, reason.resource.as_str()), (ReasonCode::SourceNotDrained, "source us-east-1"));
    assert!(reason.detail.contains("shop.example.com"), "{}", reason.detail);
    let left = [name(&["west-1"])];
    let late = source_departure(&plan(), &lock, &left, at(-601), None, NOW);
    assert_eq!(late, Departure::Leaving, "late is not never");
}

#[test]
fn the_slowest_of_the_plans_names_is_waited_for() {
    let (mut plan, lock) = (plan(), held(Mode::Switchover));
    for ttl_s in [30, 300, 60] {
        let mut dns = plan.dns[0].clone();
        dns.ttl = Period::seconds(ttl_s);
        plan.dns.push(dns);
    }
    let depart = |left_at| source_departure(&plan, &lock, &[name(&["east-1"])], at(-900), Some(left_at), NOW);
    assert_eq!(depart(ms(-299_999)), Departure::Until(ms(1)));
    assert_eq!(depart(at(-300)), Departure::Gone, "what names answer later is not asked");
}
