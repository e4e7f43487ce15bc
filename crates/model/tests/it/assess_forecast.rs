//! What `assess` predicts: the data that would be lost, the time that it would take, and since when the source is down.

use crate::common::world::{World, good, lag, results};
use crate::common::{NOW, at, consent, described, east, ms, point, west};
use lifeboat_model::evidence::Switch;
use lifeboat_model::request::Mode;
use lifeboat_model::{Period, ReasonCode, Timestamp};

/// A failover whose source was last seen well at `seen[0]` from the west and at `seen[1]` from a third Region; the lag of
/// the first database is `lag_ms`.
fn failover(seen: [i64; 2], lag_ms: &[(i64, f64)]) -> World {
    let mut world = good(Mode::Failover);
    for (canary, last_green) in ["east-from-west", "east-from-third"].into_iter().zip(seen) {
        let greens = (0..3).rev().map(|n| point(at(last_green - 60 * n), 100.0));
        let reds = [point(at(last_green + 60), 0.0), point(at(-10), 0.0)];
        *world.points(canary) = greens.chain(reds).collect();
    }
    *world.lag() = lag_ms.iter().map(|(s, value)| point(at(*s), *value)).collect();
    world.databases[1].1 = lag(1.0);
    world
}

#[test]
fn the_predicted_loss_is_the_highest_lag_before_the_source_was_last_seen_well() {
    // Seen well at -300 s. The lag of -480 s is the oldest that still speaks for it.
    type Lag = &'static [(i64, f64)];
    let table: [(Lag, Option<f64>); 8] = [
        (&[(-300, 2_000.0)], Some(2.0)),
        (&[(-480, 3_000.0), (-300, 2_000.0)], Some(3.0)),
        (&[(-481, 9_000.0), (-300, 2_000.0)], Some(2.0)),
        (&[(-300, 2_000.0), (-299, 9_000.0), (-30, 20_000.0)], Some(2.0)),
        (&[(-481, 1_000.0)], None),
        (&[(-299, 1_000.0), (-30, 1_000.0)], None),
        (&[], None),
        (&[(-400, f64::NAN), (-360, 1_500.0), (-320, -5.0)], Some(1.5)),
    ];
    for (lag_ms, expected) in table {
        let verdict = failover([-300, -300], lag_ms).verdict();
        assert_eq!(verdict.predicted_rpo_s, expected, "{lag_ms:?}");
        let unknown = verdict.reasons.iter().any(|r| r.code == ReasonCode::LagUnknown);
        assert_eq!(unknown, expected.is_none(), "missing is unknown, not zero: {lag_ms:?}");
    }
}

#[test]
fn s9_the_source_took_writes_for_as_long_as_anybody_saw_it_well() {
    // A link between the Regions broke at -1200 s: the west saw the source fail, replication stood still, and the source
    // went on. A third Region saw it well until -120 s; by then eighteen minutes of writes had not arrived.
    let behind: &[(i64, f64)] = &[(-1230, 400.0), (-1200, 500.0), (-240, 1_000_000.0), (-150, 1_080_000.0)];
    for seen in [[-1200, -120], [-120, -1200]] {
        let verdict = failover(seen, behind).verdict();
        assert_eq!(verdict.predicted_rpo_s, Some(1080.0), "{seen:?}");
        assert_eq!(crate::common::codes(&verdict.reasons), [ReasonCode::LagOverLimit]);
    }
}

#[test]
fn s9_a_canary_that_fell_silent_long_ago_does_not_set_the_clock_back() {
    let mut world = failover([-300, -300], &[(-1700, 10.0), (-330, 25_000.0)]);
    let mut silent = world.plan.canaries[2].clone();
    silent.name = "retired".to_owned();
    world.plan.canaries.push(silent);
    let before = world.verdict();
    for value in [0.0, 100.0] {
        let mut world = world.clone();
        let mut results = world.canaries.iter().find(|c| c.canary == "east-from-west").expect("it is asked").clone();
        (results.canary, results.points) = ("retired".to_owned(), vec![point(at(-1700), value)]);
        world.canaries.push(results);
        assert_eq!(world.verdict(), before, "{value}");
    }
    assert_eq!((before.predicted_rpo_s, before.impaired_since), (Some(25.0), Some(at(-240))));
}

#[test]
fn s9_an_outage_that_is_older_than_what_was_read_is_told_from_one_that_began_in_it() {
    let is_older = |world: &World| {
        let (plan, source) = (&world.plan, east());
        lifeboat_model::decide::is_older_outage(plan, &source, &world.canaries, NOW)
    };
    let mut world = failover([-300, -300], &[]);
    assert!(!is_older(&world), "it began within it");
    world.points("east-from-west").retain(|p| p.value < 100.0);
    assert!(!is_older(&world), "a third Region saw it well");
    world.points("east-from-third").retain(|p| p.value < 100.0);
    assert!(is_older(&world));
    for canary in ["east-from-west", "east-from-third"] {
        world.points(canary).clear();
    }
    assert!(!is_older(&world), "who saw nothing at all says nothing about its age");
}

#[test]
fn without_any_success_on_record_the_first_failure_is_the_moment_that_counts() {
    let mut world = good(Mode::Failover);
    for canary in ["east-from-west", "east-from-third"] {
        *world.points(canary) = vec![point(at(-600), 0.0), point(at(-30), 0.0)];
    }
    *world.lag() = vec![point(at(-780), 7_000.0), point(at(-599), 9_000.0)];
    world.databases[1].1 = vec![point(at(-600), 0.0)];
    let verdict = world.verdict();
    assert_eq!((verdict.predicted_rpo_s, verdict.impaired_since), (Some(7.0), Some(at(-600))));
}

#[test]
fn the_worst_database_decides_and_one_of_unknown_lag_makes_the_loss_unknown() {
    for (first, second, expected) in [
        (lag(1_000.0), lag(2_000.0), Some(2.0)),
        (lag(2_000.0), lag(1_000.0), Some(2.0)),
        (Vec::new(), lag(1.0), None),
        (lag(1.0), Vec::new(), None),
    ] {
        let mut world = good(Mode::Failover);
        (world.databases[0].1, world.databases[1].1) = (first, second);
        assert_eq!(world.verdict().predicted_rpo_s, expected);
    }
}

#[test]
fn s6_no_more_may_be_lost_than_was_consented_to() {
    for (lag_ms, goes) in [(29_999.0, true), (30_000.0, true), (30_000.1, false), (30_001.0, false)] {
        assert_eq!(failover([-300, -300], &[(-300, lag_ms)]).verdict().go(), goes, "{lag_ms}");
    }
    let mut world = failover([-300, -300], &[(-300, 0.5)]);
    world.databases[1].1 = lag(0.0);
    let mut smaller = consent(at(3600));
    smaller.max_data_loss = Period::ms(1);
    world.lock.run.consent = Some(smaller);
    assert_eq!(world.codes(), []);
    world.lock.run.consent = None;
    assert_eq!(world.codes(), [ReasonCode::LagOverLimit], "without consent nothing may be lost");
}

#[test]
fn a_switchover_loses_nothing_and_starts_only_close_behind() {
    for (lag_ms, goes) in [(0.0, true), (5_000.0, true), (5_000.1, false)] {
        let mut world = good(Mode::Switchover);
        *world.lag() = vec![point(at(-90), 60_000.0), point(at(-30), lag_ms)];
        let verdict = world.verdict();
        assert_eq!((verdict.go(), verdict.predicted_rpo_s), (goes, Some(0.0)), "{lag_ms}");
    }
    for (age_ms, goes) in [(180_000, true), (180_001, false), (0, true), (-1, false)] {
        let mut world = good(Mode::Switchover);
        *world.lag() = vec![point(ms(-age_ms), 1.0)];
        assert_eq!(world.codes(), if goes { vec![] } else { vec![ReasonCode::LagUnknown] }, "{age_ms}");
    }
    let mut world = good(Mode::Switchover);
    *world.lag() = vec![point(at(-60), 1.0), point(at(-30), f64::NAN)];
    assert_eq!(world.codes(), [], "what is no number says nothing");
}

#[test]
fn a_database_that_has_moved_already_loses_nothing_more() {
    let mut world = good(Mode::Failover);
    world.databases[0] = (described(&world.plan.databases[0], &west(), &west()), Vec::new());
    world.databases[1].1 = lag(3_000.0);
    let verdict = world.verdict();
    assert_eq!((verdict.predicted_rpo_s, verdict.reasons), (Some(3.0), vec![]));
}

#[test]
fn the_predicted_recovery_counts_from_the_first_failure_that_any_vantage_point_saw() {
    // Promotion 180 s, routing 60 s, the TTL of the plan's name 60 s.
    let verdict = failover([-300, -400], &[]).verdict();
    assert_eq!((verdict.impaired_since, verdict.predicted_rto_s), (Some(at(-340)), 340.0 + 300.0));
    let verdict = good(Mode::Switchover).verdict();
    assert_eq!((verdict.impaired_since, verdict.predicted_rto_s), (None, 300.0));
    let mut moved = good(Mode::Switchover);
    moved.move_all();
    assert_eq!(moved.verdict().predicted_rto_s, 120.0);
    moved.databases[0].0 = described(&moved.plan.databases[0], &west(), &east());
    assert_eq!(moved.verdict().predicted_rto_s, 300.0, "one database is left");
    let mut slow = good(Mode::Switchover);
    let mut name = slow.plan.dns[0].clone();
    name.ttl = Period::seconds(3600);
    slow.plan.dns.insert(0, name);
    assert_eq!(slow.verdict().predicted_rto_s, 3840.0, "the slowest name");
}

#[test]
fn s8_evidence_grows_old_and_the_verdict_with_it() {
    for mode in [Mode::Switchover, Mode::Failover] {
        let world = good(mode);
        let fresh_until = ms(-30_000 + 150_000);
        assert!(world.verdict_at(fresh_until).go());
        assert!(!world.verdict_at(Timestamp::from_ms(fresh_until.as_ms() + 1)).go());
        assert!(world.verdict_at(NOW).reasons.is_empty());
    }
}

#[test]
fn a_recovered_source_is_not_impaired() {
    let mut world = good(Mode::Switchover);
    let mut points = results(0);
    points[4].value = 0.0;
    *world.points("east-from-west") = points;
    world.routing.states.values_mut().for_each(|s| *s = Switch::On);
    assert_eq!(world.verdict().impaired_since, None);
}
