//! Go or refuse: what is wrong with caches, tables, brokers and services, over kind x ill x requirement x mode.

use crate::common::caches::{broker, brokered, cache, cached, rabbit};
use crate::common::compute::{service, service_seen, table, table_seen};
use crate::common::world::{Look, World, good, lag};
use crate::common::{NOW, at, by_alarm, codes, consent, east, ms, point, west};
use lifeboat_model::evidence::{BrokerState, CacheRole, Point, ReplicationRole, ServiceStatus, TableStatus};
use lifeboat_model::lock::Approval;
use lifeboat_model::plan::{Consistency, Engine, InFlight, Requirement};
use lifeboat_model::request::Mode;
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Reason, ReasonCode};

const MODES: [Mode; 2] = [Mode::Switchover, Mode::Failover];
const REQUIREMENTS: [Requirement; 2] = [Requirement::Required, Requirement::BestEffort];

/// How a resource may be ill.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ill {
    NotReady,
    Silent,
    Forgotten,
}

const ILLS: [Ill; 3] = [Ill::NotReady, Ill::Silent, Ill::Forgotten];

fn look<S>(place: &mut Look<S>, ill: Ill, spoil: impl FnOnce(&mut S)) {
    match (ill, place) {
        (Ill::NotReady, Look::Saw(state)) => spoil(state),
        (Ill::NotReady, Look::Silent | Look::Forgotten) => panic!("there is nothing to spoil"),
        (Ill::Silent, place) => *place = Look::Silent,
        (Ill::Forgotten, place) => *place = Look::Forgotten,
    }
}

/// A kind of resource, in the order in which a verdict names them.
struct Kind {
    resource: &'static str,
    code: ReasonCode,
    require: fn(&mut World, Requirement),
    ail: fn(&mut World, Ill),
}

const KINDS: [Kind; 4] = [
    Kind {
        resource: "cache sessions",
        code: ReasonCode::CacheNotReady,
        require: |w, r| w.plan.caches[0].requirement = r,
        ail: |w, ill| {
            look(&mut w.resources.caches[0], ill, |(s, _)| s.members.retain(|m| m.role == CacheRole::Primary))
        },
    },
    Kind {
        resource: "table carts",
        code: ReasonCode::TableNotReady,
        require: |w, r| w.plan.tables[0].requirement = r,
        ail: |w, ill| {
            look(&mut w.resources.tables[0], ill, |(s, _)| s.status = TableStatus::Other("CREATING".to_owned()));
        },
    },
    Kind {
        resource: "broker orders",
        code: ReasonCode::BrokerNotReady,
        require: |w, r| w.plan.brokers[0].requirement = r,
        ail: |w, ill| {
            look(&mut w.resources.brokers[0], ill, |s| {
                s.0.state = BrokerState::Other("REBOOT_IN_PROGRESS".to_owned());
            });
        },
    },
    Kind {
        resource: "service web",
        code: ReasonCode::ComputeNotReady,
        require: |w, r| w.plan.services[0].requirement = r,
        ail: |w, ill| {
            look(&mut w.resources.services[0], ill, |s| s.status = ServiceStatus::Other("DRAINING".to_owned()));
        },
    },
];

/// A good world with one resource of each kind, all well. Its table is strongly consistent: nothing is unknowable.
fn rich(mode: Mode) -> World {
    let mut world = good(mode);
    world.plan.caches = vec![cache()];
    world.resources.caches = vec![Look::Saw((cached(&east()), lag(400.0)))];
    world.plan.tables = vec![table(Consistency::Strong)];
    world.resources.tables = vec![Look::Saw((table_seen(Consistency::Strong), lag(400.0)))];
    world.plan.brokers = vec![broker(Engine::ActiveMq)];
    world.resources.brokers = vec![Look::Saw((brokered(ReplicationRole::Replica, BrokerState::Replica), Vec::new()))];
    world.plan.services = vec![service()];
    world.resources.services = vec![Look::Saw(service_seen())];
    world
}

/// What is wrong with which resource.
type Named<'a> = Vec<(&'a str, ReasonCode)>;

fn named(reasons: &[Reason]) -> Named<'_> {
    reasons.iter().map(|r| (r.resource.as_str(), r.code)).collect()
}

/// The reasons and the warnings, by resource and code.
fn said(verdict: &Verdict) -> (Named<'_>, Named<'_>) {
    (named(&verdict.reasons), named(&verdict.warnings))
}

#[test]
fn a_world_whose_resources_are_all_well_goes_without_a_warning() {
    for mode in MODES {
        assert_eq!(said(&rich(mode).verdict()), (vec![], vec![]));
    }
}

#[test]
fn s9_a_required_resource_that_is_ill_silent_or_forgotten_is_a_reason_and_a_best_effort_one_a_warning() {
    for (kind, ill) in KINDS.iter().flat_map(|k| ILLS.map(|i| (k, i))) {
        for (mode, requirement) in MODES.into_iter().flat_map(|m| REQUIREMENTS.map(|r| (m, r))) {
            let mut world = rich(mode);
            (kind.require)(&mut world, requirement);
            (kind.ail)(&mut world, ill);
            let it = vec![(kind.resource, kind.code)];
            let expected = match requirement {
                Requirement::Required => (it, vec![]),
                Requirement::BestEffort => (vec![], it),
            };
            let verdict = world.verdict();
            assert_eq!(said(&verdict), expected, "{ill:?} in a {}", mode.as_str());
            assert_eq!(verdict.go(), requirement == Requirement::BestEffort);
            let detail = &verdict.reasons.iter().chain(&verdict.warnings).next().expect("it is named").detail;
            assert_eq!(detail == "nothing was read about it", ill != Ill::NotReady, "{detail}");
        }
    }
}

#[test]
fn every_resource_that_is_ill_is_named_at_once() {
    for (mode, best_effort) in MODES.into_iter().flat_map(|m| (0..16).map(move |b: usize| (m, b))) {
        let well = rich(mode);
        for ills in 0..256_usize {
            let mut world = well.clone();
            let (mut reasons, mut warnings) = (Vec::new(), Vec::new());
            for (n, kind) in KINDS.iter().enumerate() {
                let is_best_effort = best_effort >> n & 1 == 1;
                if is_best_effort {
                    (kind.require)(&mut world, Requirement::BestEffort);
                }
                if let Some(ill) = ILLS.get(ills >> (2 * n) & 3) {
                    (kind.ail)(&mut world, *ill);
                    let named = if is_best_effort { &mut warnings } else { &mut reasons };
                    named.push((kind.resource, kind.code));
                }
            }
            assert_eq!(said(&world.verdict()), (reasons, warnings), "{ills:08b}");
        }
    }
}

#[test]
fn s16_what_was_seen_of_one_resource_says_nothing_of_another() {
    for mode in MODES {
        let mut world = rich(mode);
        let mut second = cache();
        second.name = "pages".parse().expect("a name");
        world.plan.caches.insert(0, second);
        world.resources.caches.insert(0, Look::Forgotten);
        assert_eq!(said(&world.verdict()), (vec![("cache pages", ReasonCode::CacheNotReady)], vec![]));
        world.resources.caches = vec![Look::Saw((cached(&east()), lag(400.0))), Look::Silent];
        // The groups of both have the same names: what was seen of the first is good.
        assert_eq!(said(&world.verdict()), (vec![("cache sessions", ReasonCode::CacheNotReady)], vec![]));
    }
}

#[test]
fn s9_a_rabbitmq_broker_is_ready_with_as_many_queues_as_the_plan_says_counted_of_late() {
    type Counts = Vec<Point>;
    let counts = |list: &[(i64, f64)]| -> Counts { list.iter().map(|(age_ms, n)| point(ms(-age_ms), *n)).collect() };
    let table: [(u32, Counts, bool); 9] = [
        (0, vec![], true),
        (1, vec![], false),
        (3, counts(&[(0, 3.0)]), true),
        (3, counts(&[(180_000, 3.0)]), true),
        (3, counts(&[(180_001, 3.0)]), false),
        (3, counts(&[(-1, 3.0)]), false),
        (3, counts(&[(30_000, 2.0)]), false),
        (3, counts(&[(90_000, 2.0), (30_000, 3.0)]), true),
        (3, counts(&[(90_000, 3.0), (30_000, 2.0)]), false),
    ];
    for (least, counts, ready) in table {
        for (mode, requirement) in MODES.into_iter().flat_map(|m| REQUIREMENTS.map(|r| (m, r))) {
            let mut world = rich(mode);
            world.plan.brokers = vec![broker(rabbit(InFlight::Accept, least))];
            world.plan.brokers[0].requirement = requirement;
            let seen = brokered(ReplicationRole::Alone, BrokerState::Running);
            world.resources.brokers = vec![Look::Saw((seen, counts.clone()))];
            let it = if ready { vec![] } else { vec![("broker orders", ReasonCode::BrokerNotReady)] };
            let expected = match requirement {
                Requirement::Required => (it, vec![]),
                Requirement::BestEffort => (vec![], it),
            };
            assert_eq!(said(&world.verdict()), expected, "{least} of {counts:?}");
        }
    }
}

#[test]
fn s12_how_far_an_eventual_table_is_behind_is_not_asked_in_a_failover_and_said_to_be_unknown() {
    for (mode, requirement) in MODES.into_iter().flat_map(|m| REQUIREMENTS.map(|r| (m, r))) {
        for consistency in [Consistency::Eventual, Consistency::Strong] {
            let mut world = rich(mode);
            world.plan.tables = vec![table(consistency)];
            world.plan.tables[0].requirement = requirement;
            world.resources.tables = vec![Look::Saw((table_seen(consistency), lag(400.0)))];
            let unknowable = (mode, consistency) == (Mode::Failover, Consistency::Eventual);
            let warnings = if unknowable { vec![("table carts", ReasonCode::TableLagUnknown)] } else { vec![] };
            assert_eq!(said(&world.verdict()), (vec![], warnings.clone()), "{mode:?} {consistency:?}");
            world.resources.tables = vec![Look::Silent];
            let verdict = world.verdict();
            assert_eq!(named(&verdict.warnings[verdict.warnings.len() - warnings.len()..]), warnings, "said as well");
        }
    }
}

#[test]
fn s9_a_planned_move_is_refused_before_anything_moves_when_a_cache_or_table_is_behind_or_nobody_knows() {
    // The limit is 5 s; values of the last three minutes count.
    let cases = [
        (vec![point(at(-60), 5000.0)], None),
        (vec![point(at(-60), 5001.0)], Some(ReasonCode::LagOverLimit)),
        (vec![point(at(-180), 400.0)], None),
        (vec![point(at(-181), 400.0)], Some(ReasonCode::LagUnknown)),
        (vec![], Some(ReasonCode::LagUnknown)),
    ];
    for (points, cache_code) in cases {
        let table_code = cache_code.map(|_| ReasonCode::TableBehind);
        for (mode, requirement) in MODES.into_iter().flat_map(|m| REQUIREMENTS.map(|r| (m, r))) {
            let mut world = rich(mode);
            world.plan.caches[0].requirement = requirement;
            world.resources.caches = vec![Look::Saw((cached(&east()), points.clone()))];
            world.plan.tables = vec![table(Consistency::Eventual)];
            world.plan.tables[0].requirement = requirement;
            world.resources.tables = vec![Look::Saw((table_seen(Consistency::Eventual), points.clone()))];
            let expected: Vec<ReasonCode> = match mode {
                Mode::Switchover => [cache_code, table_code].into_iter().flatten().collect(),
                Mode::Failover => Vec::new(),
            };
            let verdict = world.verdict();
            let told = match requirement {
                Requirement::Required => &verdict.reasons,
                Requirement::BestEffort => &verdict.warnings,
            };
            let unknowable = told.iter().filter(|r| r.code != ReasonCode::TableLagUnknown).cloned();
            assert_eq!(codes(&unknowable.collect::<Vec<_>>()), expected, "{mode:?} {requirement:?} {points:?}");
        }
    }
    let mut there = rich(Mode::Switchover);
    there.resources.caches = vec![Look::Saw((cached(&west()), Vec::new()))];
    assert_eq!(said(&there.verdict()), (vec![], vec![]), "a cache that is in the target already is not behind");
}

#[test]
fn a_service_that_may_not_have_enough_tasks_is_not_ready_and_one_that_has_none_yet_is() {
    // Wanted are capacity x match; enough is minimum_percent of that.
    let table = [
        (8, 100, 75, Some(5), false),
        (8, 100, 75, Some(6), true),
        (8, 100, 100, Some(7), false),
        (8, 100, 100, Some(8), true),
        (8, 200, 75, Some(11), false),
        (8, 200, 75, Some(12), true),
        (8, 50, 75, Some(3), true),
        (8, 50, 75, Some(2), false),
        (5000, 300, 100, None, true),
    ];
    for ((capacity, match_percent, minimum_percent, maximum, ready), mode) in
        table.into_iter().flat_map(|t| MODES.map(|m| (t, m)))
    {
        let mut world = rich(mode);
        let service = &mut world.plan.services[0];
        (service.capacity, service.match_percent, service.minimum_percent) = (capacity, match_percent, minimum_percent);
        let Look::Saw(seen) = &mut world.resources.services[0] else { panic!("it was seen") };
        (seen.maximum, seen.desired, seen.running, seen.healthy) = (maximum, 0, 0, Some(0));
        let expected = if ready { vec![] } else { vec![ReasonCode::ComputeNotReady] };
        assert_eq!(world.codes(), expected, "{capacity} x {match_percent}% x {minimum_percent}% of {maximum:?}");
    }
}

#[test]
fn s6_lag_is_held_to_a_consent_that_is_there_and_waits_for_one_that_is_asked_for() {
    let over = lag(30_001.0);
    let given = Approval::Given { by: "a person".to_owned(), reason: "it must sell".to_owned(), at: at(-1) };
    for approval in [Approval::NotNeeded, Approval::Awaited, given] {
        for consented in [false, true] {
            let mut world = good(Mode::Failover);
            world.lock.run.trigger = by_alarm();
            world.lock.run.approval = approval.clone();
            world.lock.run.consent = consented.then(|| consent(at(3600)));
            *world.lag() = over.clone();
            let verdict = world.verdict();
            let to_be_accepted = approval == Approval::Awaited && !consented;
            let first = (!to_be_accepted).then_some(("database catalog", ReasonCode::LagOverLimit));
            // Without any consent the other database's 0.4 s are too much as well.
            let second = (!to_be_accepted && !consented).then_some(("database orders", ReasonCode::LagOverLimit));
            let expected: Vec<_> = first.into_iter().chain(second).collect();
            assert_eq!(named(&verdict.reasons), expected, "{approval:?} {consented}");
            assert_eq!(verdict.predicted_rpo_s, Some(30.001), "whoever is asked sees it");
            world.lag().clear();
            let unknown = codes(&world.verdict().reasons);
            assert!(unknown.contains(&ReasonCode::LagUnknown), "nobody can accept what is unknown: {approval:?}");
        }
    }
}

#[test]
fn s6_no_approval_lifts_the_lag_limit_of_a_switchover() {
    for (approval, (lag_ms, goes)) in [Approval::NotNeeded, Approval::Awaited]
        .iter()
        .flat_map(|a| [(5_000.0, true), (5_000.1, false)].map(|l| (a, l)))
    {
        let mut world = good(Mode::Switchover);
        world.lock.run.approval = approval.clone();
        *world.lag() = lag(lag_ms);
        let expected = if goes { vec![] } else { vec![("database catalog", ReasonCode::LagOverLimit)] };
        assert_eq!(named(&world.verdict().reasons), expected, "{approval:?} {lag_ms}");
    }
}

#[test]
fn s16_evidence_of_another_region_is_not_evidence() {
    for mode in MODES {
        let mut world = rich(mode);
        let Look::Saw((table, _)) = &mut world.resources.tables[0] else { panic!("it was seen") };
        table.vantage = east();
        let Look::Saw(service) = &mut world.resources.services[0] else { panic!("it was seen") };
        service.vantage = east();
        let expected = vec![("table carts", ReasonCode::TableNotReady), ("service web", ReasonCode::ComputeNotReady)];
        assert_eq!(said(&world.verdict()), (expected, vec![]));
        assert_eq!(world.lock.run.direction.target, west());
        assert_eq!(world.verdict().assessed_at, NOW);
    }
}
