//! What an alarm's transition starts, over its whole input space.

use crate::common::{NOW, admission, at, consent, east, eastward, held, ms, plan, third, west, westward};
use lifeboat_model::decide::{Admit, AlarmState, NotStarted, Start, Transition, admit, start_run};
use lifeboat_model::lock::{Admission, Approval, Lock};
use lifeboat_model::plan::Policy;
use lifeboat_model::request::{Mode, Purpose, Trigger};
use lifeboat_model::settings::Settings;
use lifeboat_model::{Direction, Period, Plan, Region, Request, Timestamp};

const POLICIES: [Policy; 3] = [Policy::Autonomous, Policy::Approve, Policy::ManualOnly];
const STATES: [AlarmState; 3] = [AlarmState::Alarm, AlarmState::Ok, AlarmState::InsufficientData];

/// How old the oldest transition is that still starts a run: a quarter of an hour.
const FRESH_MS: i64 = 900_000;

struct Case {
    plan: Plan,
    home: Region,
    transition: Transition,
    settings: Settings,
    lock: Option<Lock>,
}

/// The lock as an earlier run holds it.
fn earlier(direction: Direction) -> Lock {
    let run = Admission { run_id: "earlier".to_owned(), direction, ..admission(Mode::Failover) };
    Lock { run, ..held(Mode::Failover) }
}

/// Locks with which a run towards west may start, and locks with which it may not.
fn every_lock() -> Vec<Option<Lock>> {
    vec![
        None,
        Some(earlier(westward()).unchanged()),
        Some(Lock { lease_expires_at: NOW, ..earlier(westward()) }),
        Some(earlier(westward())),
        Some(earlier(westward()).completed(at(1))),
        Some(earlier(eastward()).completed(NOW)),
        Some(earlier(westward()).needs_operator()),
    ]
}

fn may_start(lock: Option<&Lock>) -> bool {
    every_lock().iter().take(3).any(|l| l.as_ref() == lock)
}

fn alarm_name() -> String {
    plan().automation.alarm.name
}

fn every_case(mut check: impl FnMut(&Case, Start)) {
    let froms = [None, Some(STATES[0]), Some(STATES[1]), Some(STATES[2])];
    let ages = [-1, 0, FRESH_MS, FRESH_MS + 1];
    let places = [west(), east(), third()].into_iter().flat_map(|a| [west(), third()].map(|b| (a.clone(), b)));
    let places: Vec<(Region, Region)> = places.collect();
    let mut cases = 0;
    for lock in every_lock() {
        for (policy, disabled) in POLICIES.into_iter().flat_map(|p| [false, true].map(|d| (p, d))) {
            let mut plan = plan();
            plan.automation.policy = policy;
            let settings = Settings { disabled: disabled.then(|| "an exercise".to_owned()) };
            for (alarm, muted) in [(alarm_name(), false), (alarm_name(), true), ("another".to_owned(), false)] {
                for (region, home) in &places {
                    for to in STATES {
                        for (from, age) in froms.into_iter().flat_map(|f| ages.map(|a| (f, a))) {
                            let (alarm, region) = (alarm.clone(), region.clone());
                            let (saw, was_muted, at) = ("it is down".to_owned(), false, ms(-age));
                            let transition =
                                Transition { alarm, region, from, was_muted, to, at, muted, saw, period: None };
                            let (plan, home, settings) = (plan.clone(), home.clone(), settings.clone());
                            let case = Case { plan, home, transition, settings, lock: lock.clone() };
                            check(&case, decide(&case));
                            cases += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(cases, 7 * 6 * 3 * 6 * 3 * 16, "the whole space");
}

fn decide(case: &Case) -> Start {
    start_run(&case.plan, 7, &case.home, &case.transition, &case.settings, case.lock.as_ref(), NOW)
}

fn good() -> Case {
    let transition = Transition {
        alarm: alarm_name(),
        region: west(),
        from: Some(AlarmState::Ok),
        was_muted: false,
        to: AlarmState::Alarm,
        at: at(-30),
        muted: false,
        saw: "it is down".to_owned(),
        period: None,
    };
    Case { plan: plan(), home: west(), transition, settings: Settings::default(), lock: None }
}

fn starts(case: &Case) -> bool {
    matches!(decide(case), Start::Run { .. })
}

#[test]
fn s9_only_a_fresh_unmuted_transition_into_alarm_where_it_runs_starts_a_run() {
    let mut started = 0;
    every_case(|case, got| {
        let t = &case.transition;
        let into_alarm = t.to == AlarmState::Alarm && t.from != Some(AlarmState::Alarm);
        let heard_here = t.region == case.home && case.home == west();
        let meant = t.alarm == alarm_name() && !t.muted;
        let allowed = case.plan.automation.policy != Policy::ManualOnly && case.settings.disabled.is_none();
        let fresh = NOW.ms_since(t.at) <= FRESH_MS;
        let expected = into_alarm && heard_here && meant && allowed && fresh && may_start(case.lock.as_ref());
        let is_run = matches!(got, Start::Run { .. });
        assert_eq!(is_run, expected, "{:?} {:?} {:?}", case.transition, case.lock, got);
        started += u32::from(is_run);
    });
    assert_eq!(started, 2 * 3 * 3 * 3, "two policies, three locks, three states before, three ages");
}

/// Whether people hear that nothing was started.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Told,
    Silent,
}

#[test]
fn each_guard_alone_keeps_a_run_from_starting_and_says_why_aloud_where_the_alarm_called_in_vain() {
    use Heard::{Silent, Told};
    type Spoil = Box<dyn Fn(&mut Case)>;
    let cases: Vec<(Heard, &str, Spoil)> = vec![
        (Silent, "not a transition into ALARM", Box::new(|c| c.transition.to = AlarmState::Ok)),
        (Silent, "not a transition into ALARM", Box::new(|c| c.transition.to = AlarmState::InsufficientData)),
        (Silent, "not a transition into ALARM", Box::new(|c| c.transition.from = Some(AlarmState::Alarm))),
        (Silent, "muted", Box::new(|c| c.transition.muted = true)),
        (Told, "started by alarm store-other-region", Box::new(|c| c.transition.alarm = "another".to_owned())),
        (Told, "the alarm is in us-east-1", Box::new(|c| c.transition.region = east())),
        (Told, "none of plan store's regions", Box::new(|c| (c.transition.region, c.home) = (third(), third()))),
        (Told, "more than 15m old", Box::new(|c| c.transition.at = ms(-FRESH_MS - 1))),
        (Told, "manual-only", Box::new(|c| c.plan.automation.policy = Policy::ManualOnly)),
        (Told, "runs are disabled: an exercise", Box::new(|c| c.settings.disabled = Some("an exercise".to_owned()))),
        (Silent, "lock-held", Box::new(|c| c.lock = Some(earlier(westward())))),
        (Told, "lock-held", Box::new(|c| c.lock = Some(earlier(eastward())))),
        (Told, "cool-down", Box::new(|c| c.lock = Some(earlier(westward()).completed(at(1))))),
        (Told, "automatic-failback", Box::new(|c| c.lock = Some(earlier(eastward()).completed(NOW)))),
        (Told, "needs-operator", Box::new(|c| c.lock = Some(earlier(westward()).needs_operator()))),
        (
            Told,
            "unfinished-run",
            Box::new(|c| {
                let died = Lock { lease_expires_at: NOW, past_point_of_no_return: true, ..earlier(eastward()) };
                c.lock = Some(died);
            }),
        ),
    ];
    assert!(starts(&good()));
    for (heard, why, spoil) in cases {
        let mut case = good();
        spoil(&mut case);
        let (got, said) = match decide(&case) {
            Start::Ignore(said) => (Silent, said),
            Start::Tell(NotStarted { why, what_next }) => {
                assert!(what_next.len() > 10, "{why}: nothing to do");
                (Told, why)
            }
            Start::Run { .. } => panic!("a run was started although {why}"),
        };
        assert!(said.contains(why), "{why:?} is not in {said:?}");
        assert_eq!(got, heard, "{why}");
    }
}

#[test]
fn a_late_delivery_of_the_transition_that_started_the_last_run_is_silent_however_that_run_stands() {
    let started_it = |lock: Lock| {
        let trigger = Trigger::Alarm { alarm: alarm_name(), transition_at: at(-30) };
        Lock { run: Admission { trigger, ..lock.run }, ..lock }
    };
    for direction in [westward(), eastward()] {
        let run = earlier(direction);
        for lock in [run.clone(), run.clone().completed(at(1)), run.needs_operator()] {
            let case = Case { lock: Some(started_it(lock)), ..good() };
            assert!(matches!(decide(&case), Start::Ignore(_)), "{:?}", decide(&case));
        }
    }
}

#[test]
fn an_alarm_whose_suppression_ends_is_a_transition_and_one_that_was_acted_upon_is_none() {
    let with = |from, was_muted, muted| {
        let transition = Transition { from: Some(from), was_muted, muted, ..good().transition };
        starts(&Case { transition, ..good() })
    };
    for from in STATES {
        assert!(with(from, true, false), "from {from:?}, suppressed until now");
        assert!(!with(from, true, true), "from {from:?}, suppressed still");
        assert_eq!(with(from, false, false), from != AlarmState::Alarm);
    }
}

#[test]
fn an_alarm_that_holds_for_another_time_than_the_plan_says_starts_the_run_and_is_told_of() {
    for (period, differs) in [(None, false), (Some(60), false), (Some(59), true), (Some(300), true)] {
        let transition = Transition { period: period.map(Period::seconds), ..good().transition };
        let case = Case { transition, ..good() };
        assert!(starts(&case));
        assert_eq!(case.transition.other_hold_time(&case.plan).is_some(), differs, "{period:?}");
    }
}

#[test]
fn a_run_that_an_alarm_starts_asks_for_a_failover_to_where_the_alarm_is() {
    for policy in [Policy::Autonomous, Policy::Approve] {
        let mut case = good();
        case.plan.automation.policy = policy;
        let expected = Request {
            plan: case.plan.name.clone(),
            target: west(),
            mode: Mode::Failover,
            purpose: Purpose::Act,
            consent: None,
            trigger: Trigger::Alarm { alarm: alarm_name(), transition_at: at(-30) },
        };
        let name = "store-20270115T075930000Z".to_owned();
        assert_eq!(decide(&case), Start::Run { name, request: Box::new(expected) });
    }
}

#[test]
fn s4_every_delivery_of_one_transition_has_one_name_and_every_transition_its_own() {
    let named = |change: &dyn Fn(&mut Case)| {
        let mut case = good();
        change(&mut case);
        match decide(&case) {
            Start::Run { name, .. } => name,
            other => panic!("{other:?}"),
        }
    };
    let first = named(&|_| {});
    assert_eq!(first, named(&|c| c.transition.from = None), "EventBridge and the direct action tell one transition");
    assert_eq!(first, named(&|c| c.lock = Some(held(Mode::Failover).unchanged())), "a late delivery");
    for other in [-30_001, -29_999, 0, -FRESH_MS] {
        assert_ne!(first, named(&|c| c.transition.at = ms(other)), "{other}");
    }
    let mut other_plan = good();
    other_plan.plan.name = "store-2".parse().expect("a name");
    let Start::Run { name, .. } = decide(&other_plan) else { panic!("it starts") };
    assert_ne!(first, name);
}

#[test]
fn an_executions_name_fits_into_eighty_characters_of_those_allowed() {
    for at in [Timestamp::from_ms(0), NOW, Timestamp::from_ms(253_402_300_799_999)] {
        let mut case = good();
        case.plan.name = "a".repeat(48).parse().expect("the longest name");
        case.transition.at = at;
        let got = start_run(&case.plan, 7, &case.home, &case.transition, &case.settings, None, at);
        let Start::Run { name, .. } = got else { panic!("{got:?}") };
        assert!(name.len() <= 80, "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{name}");
    }
}

#[test]
fn what_start_run_starts_is_admitted_as_long_as_the_owners_consent_holds() {
    for expires in [-1, 0, 1] {
        let mut case = good();
        case.plan.automation.consent = Some(consent(ms(expires)));
        let Start::Run { name, request } = decide(&case) else { panic!("consent is admission's to judge") };
        let got = admit(&request, (&case.plan, 7), (&name, &west()), &case.settings, None, NOW);
        assert_eq!(matches!(got, Admit::Take(_)), expires > 0, "{got:?}");
    }
}

#[test]
fn s6_what_start_run_starts_where_a_person_is_asked_is_admitted_to_wait_for_the_answer_with_or_without_consent() {
    for (standing, carried) in [(None, None), (Some(NOW), None), (Some(ms(1)), Some(consent(ms(1))))] {
        let mut case = good();
        case.plan.automation.policy = Policy::Approve;
        case.plan.automation.consent = standing.map(consent);
        let Start::Run { name, request } = decide(&case) else { panic!("the answer may bring the consent") };
        let got = admit(&request, (&case.plan, 7), (&name, &west()), &case.settings, None, NOW);
        let Admit::Take(lock) = got else { panic!("{got:?}") };
        assert_eq!((lock.run.approval, lock.run.consent), (Approval::Awaited, carried));
    }
}

#[test]
fn s7_no_alarm_starts_the_way_back() {
    let over = earlier(eastward()).completed(NOW);
    let mut case = good();
    case.lock = Some(over.clone());
    assert!(!starts(&case), "not even after the cool-down");
    case.lock = Some(over.acknowledged(NOW));
    assert!(starts(&case), "a person has acknowledged the run before");
}
