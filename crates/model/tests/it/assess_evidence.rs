//! Go or refuse: every light of every canary, every state of a database, and what is there already.

use crate::common::caches::{broker, brokered, cache, cached};
use crate::common::world::{Look, World, good, results};
use crate::common::{NOW, at, cluster, database, described, east, ms, point, third, west};
use lifeboat_model::decide::{Promotion, promote_database};
use lifeboat_model::evidence::{
    BrokerState, CanaryResults, GlobalDatabase, LocalCluster, Member, ReplicationRole, Status, Switch, Synchronization,
};
use lifeboat_model::journal::Attempts;
use lifeboat_model::plan::{Broker, Cache, Engine, Requirement};
use lifeboat_model::request::Mode;
use lifeboat_model::{Period, ReasonCode, Region};

const MODES: [Mode; 2] = [Mode::Switchover, Mode::Failover];

/// What a canary may say: green, red, green too long ago, red too long ago, nothing; or it is not there at all.
const LIGHTS: usize = 6;

fn show(world: &mut World, canary: &str, light: usize) {
    let (fresh, stale) = (ms(-150_000), ms(-150_001));
    match light {
        0 => *world.points(canary) = vec![point(at(-300), 0.0), point(fresh, 90.0)],
        1 => *world.points(canary) = vec![point(at(-300), 100.0), point(fresh, 89.9)],
        2 => *world.points(canary) = vec![point(stale, 100.0)],
        3 => *world.points(canary) = vec![point(stale, 0.0)],
        4 => world.points(canary).clear(),
        _ => world.canaries.retain(|c| c.canary != canary),
    }
}

#[test]
fn s9_only_two_red_vantage_points_and_no_green_one_let_a_failover_go() {
    for (west_sees, third_sees) in (0..LIGHTS).flat_map(|a| (0..LIGHTS).map(move |b| (a, b))) {
        let mut world = good(Mode::Failover);
        show(&mut world, "east-from-west", west_sees);
        show(&mut world, "east-from-third", third_sees);
        let lights = [west_sees, third_sees];
        let (green, red) = (lights.contains(&0), lights.contains(&1));
        let codes = world.codes();
        assert_eq!(codes.is_empty(), lights == [1, 1], "{lights:?} {codes:?}");
        assert_eq!(codes.contains(&ReasonCode::SourceHealthy), green && !red, "{lights:?}");
        let uncertain = lights != [1, 1] && (red || !green);
        assert_eq!(codes.contains(&ReasonCode::SourceUncertain), uncertain, "{lights:?}");
    }
}

#[test]
fn s9_a_switchover_goes_only_while_somebody_sees_the_source_well_and_nobody_sees_it_fail() {
    for (west_sees, third_sees) in (0..LIGHTS).flat_map(|a| (0..LIGHTS).map(move |b| (a, b))) {
        let mut world = good(Mode::Switchover);
        show(&mut world, "east-from-west", west_sees);
        show(&mut world, "east-from-third", third_sees);
        let lights = [west_sees, third_sees];
        let well = lights.contains(&0) && !lights.contains(&1);
        let expected = if well { vec![] } else { vec![ReasonCode::SourceUnhealthy] };
        assert_eq!(world.codes(), expected, "{lights:?}");
    }
}

#[test]
fn s9_the_target_is_well_only_if_every_reader_outside_the_source_says_so_now() {
    for (west_sees, third_sees) in (0..LIGHTS).flat_map(|a| (0..LIGHTS).map(move |b| (a, b))) {
        for mode in MODES {
            let mut world = good(mode);
            show(&mut world, "west-read", west_sees);
            show(&mut world, "west-from-third", third_sees);
            let expected = if (west_sees, third_sees) == (0, 0) { vec![] } else { vec![ReasonCode::TargetUnhealthy] };
            assert_eq!(world.codes(), expected, "{west_sees} {third_sees}");
        }
    }
}

#[test]
fn s9_what_the_source_says_of_itself_or_of_the_target_counts_for_nothing() {
    for (red, mode) in [0, 3].into_iter().flat_map(|red| MODES.map(|m| (red, m))) {
        let mut world = good(mode);
        for name in ["east-read", "east-write", "west-from-east"] {
            let points = results(red);
            world.canaries.push(CanaryResults { canary: name.to_owned(), runs_in: east(), points });
        }
        assert_eq!(world.codes(), [], "{red}");
    }
}

#[test]
fn s9_one_green_canary_of_a_vantage_point_outweighs_its_red_one() {
    let mut world = good(Mode::Failover);
    let mut second = world.plan.canaries[2].clone();
    second.name = "east-from-west-writing".to_owned();
    world.plan.canaries.push(second);
    for (red, expected) in [(0, vec![ReasonCode::SourceUncertain]), (3, vec![])] {
        let mut world = world.clone();
        let mut more = world.canaries.iter().find(|c| c.canary == "east-from-west").expect("it is asked").clone();
        more.canary = "east-from-west-writing".to_owned();
        more.points = results(red);
        world.canaries.push(more);
        assert_eq!(world.codes(), expected);
    }
}

#[test]
fn a_failover_to_where_everything_is_already_is_refused_unless_it_finishes_another() {
    let mut world = good(Mode::Failover);
    world.move_all();
    assert_eq!(world.codes(), [ReasonCode::AlreadyThere]);
    world.lock.inherits_change = true;
    assert_eq!(world.codes(), []);
    let mut world = good(Mode::Switchover);
    world.move_all();
    assert_eq!(world.codes(), [], "a switchover says what is true");
}

#[test]
fn a_failover_for_a_cache_or_a_broker_that_was_left_behind_goes_on() {
    for requirement in [Requirement::Required, Requirement::BestEffort] {
        let mut world = good(Mode::Failover);
        world.move_all();
        world.plan.caches = vec![Cache { requirement, ..cache() }];
        world.plan.brokers = vec![Broker { requirement, ..broker(Engine::ActiveMq) }];
        let mut there = |primary: &Region, role, state| {
            world.resources.caches = vec![Look::Saw((cached(primary), Vec::new()))];
            world.resources.brokers = vec![Look::Saw((brokered(role, state), Vec::new()))];
            world.codes().contains(&ReasonCode::AlreadyThere)
        };
        let (primary, replica) = (ReplicationRole::Primary, ReplicationRole::Replica);
        assert!(there(&west(), primary, BrokerState::Running));
        let may_be_left = requirement == Requirement::BestEffort;
        assert_eq!(there(&west(), replica, BrokerState::Replica), may_be_left, "the broker is in the source");
        assert_eq!(there(&east(), primary, BrokerState::Running), may_be_left, "the cache is in the source");
    }
}

#[test]
fn a_failover_that_finds_only_a_part_of_the_workload_moved_goes_on() {
    let mut traffic_only = good(Mode::Failover);
    traffic_only.routing.states.values_mut().for_each(|s| *s = if *s == Switch::On { Switch::Off } else { Switch::On });
    assert_eq!(traffic_only.codes(), []);
    let mut writers_only = good(Mode::Failover);
    writers_only.move_all();
    writers_only.routing = good(Mode::Failover).routing;
    assert_eq!(writers_only.codes(), []);
    let mut one_left = good(Mode::Failover);
    one_left.move_all();
    one_left.databases[1] = good(Mode::Failover).databases[1].clone();
    assert_eq!(one_left.codes(), []);
}

/// Every state of a database that the tests of the promotion try, without the operations.
fn every_state() -> Vec<GlobalDatabase> {
    let good = described(&database(), &west(), &east());
    let locals = |c: &str| LocalCluster { cluster: cluster(&west(), c), status: Status::Available, instances: 1 };
    let mut states = Vec::new();
    for writers in 0..8_u8 {
        for status in ["available", "modifying"].map(Status::from_aws) {
            for local in [Some(locals("catalog")), Some(locals("orders")), None] {
                let members = [east(), west(), third()].into_iter().zip([1, 2, 4]).map(|(r, bit)| Member {
                    cluster: cluster(&r, "catalog"),
                    is_writer: writers & bit != 0,
                    synchronization: Synchronization::Connected,
                });
                let members = members.collect();
                states.push(GlobalDatabase { members, status: status.clone(), local, ..good.clone() });
            }
        }
    }
    states
}

#[test]
fn s9_a_verdict_to_go_is_never_taken_back_by_the_promotion_that_sees_the_same() {
    let mut gone = 0;
    for (state, mode) in every_state().into_iter().flat_map(|s| MODES.map(|m| (s.clone(), m))) {
        for operation in [None, Some("pending"), Some("failing-over"), Some("cancelling"), Some("new-word")] {
            for our_way in [false, true] {
                let mut world = good(mode);
                *world.state() = state.clone();
                if let Some(phase) = operation {
                    world.operate(phase, our_way);
                }
                let verdict = world.verdict();
                if !verdict.go() {
                    continue;
                }
                gone += 1;
                let (database, limit) = (&world.plan.databases[0], Period::seconds(600));
                let got = promote_database(
                    database,
                    &world.lock,
                    &world.databases[0].0,
                    &Attempts::default(),
                    Some(&verdict),
                    limit,
                    NOW,
                );
                assert!(!matches!(got, Promotion::Refuse(_)), "{got:?} {:?}", world.databases[0].0);
            }
        }
    }
    assert!(gone > 50, "{gone}");
}
