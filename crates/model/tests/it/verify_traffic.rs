//! Whether the target serves: what names answer, what canaries say, and the window's boundaries.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::common::{NOW, at, ms, point, west};
use lifeboat_model::decide::{NameSeen, Traffic, verify_traffic};
use lifeboat_model::evidence::{CanaryResults, Point};
use lifeboat_model::plan::Limits;
use lifeboat_model::{Period, ReasonCode, Timestamp};

/// A window of a minute within ten.
static LIMITS: LazyLock<Limits> =
    LazyLock::new(|| Limits { traffic: Period::seconds(600), green_window: Period::seconds(60), ..Limits::default() });

fn name(now: &[&str], target: &[&str]) -> NameSeen {
    let set = |addresses: &[&str]| addresses.iter().map(|a| (*a).to_owned()).collect::<BTreeSet<String>>();
    NameSeen { name: "shop.example.com".to_owned(), now: set(now), target: set(target) }
}

fn moved() -> NameSeen {
    name(&["192.0.2.1"], &["192.0.2.1", "192.0.2.2"])
}

fn canary(name: &str, points: Vec<Point>) -> CanaryResults {
    CanaryResults { canary: name.to_owned(), runs_in: west(), points }
}

/// A result each minute since six minutes before now.
fn green() -> CanaryResults {
    canary("west-read", (0..6).rev().map(|n| point(at(-10 - 60 * n), 100.0)).collect())
}

fn look(names: &[NameSeen], canaries: &[CanaryResults], moved_at: Timestamp) -> Traffic {
    verify_traffic(names, canaries, &LIMITS, moved_at, NOW)
}

/// What one canary with these results, in seconds and percent, makes of a move a hundred seconds ago.
fn one(points: &[(i64, f64)]) -> Traffic {
    let points = points.iter().map(|(s, value)| point(at(*s), *value)).collect();
    look(&[moved()], &[canary("west-read", points)], at(-100))
}

#[test]
fn s11_every_name_must_answer_and_with_the_targets_entry_only() {
    let table = [
        (moved(), true),
        (name(&["192.0.2.1", "192.0.2.2"], &["192.0.2.1", "192.0.2.2"]), true),
        (name(&["198.51.100.1"], &["192.0.2.1"]), false),
        (name(&["192.0.2.1", "198.51.100.1"], &["192.0.2.1"]), false),
        (name(&[], &["192.0.2.1"]), false),
        (name(&["192.0.2.1"], &[]), false),
        (name(&[], &[]), false),
    ];
    for (first, goes) in &table {
        for (second, goes_too) in &table {
            let got = look(&[first.clone(), second.clone()], &[green()], at(-100));
            assert_eq!(got == Traffic::Verified, *goes && *goes_too, "{first:?} {second:?} {got:?}");
        }
    }
}

#[test]
fn s9_without_a_canary_nothing_is_verified() {
    assert!(matches!(look(&[moved()], &[], at(-100)), Traffic::Pending(missing, None) if missing.len() == 1));
    assert_eq!(look(&[moved()], &[green()], at(-100)), Traffic::Verified);
}

#[test]
fn s11_every_canary_must_be_green_since_the_move_for_the_whole_window_and_still() {
    type Results = &'static [(i64, f64)];
    let table: [(Results, Option<&str>); 15] = [
        (&[(-70, 100.0), (-10, 100.0)], None),
        (&[(-10, 90.0)], None),
        (&[(-10, 89.9)], Some("red at")),
        (&[(-10, f64::NAN)], Some("red at")),
        (&[(-70, 100.0), (-10, 0.0)], Some("red at")),
        (&[(-100, 100.0)], None),
        (&[(-101, 100.0)], Some("no result since")),
        (&[], Some("no result since")),
        (&[(-61, 0.0), (-10, 100.0)], None),
        (&[(-60, 0.0), (-10, 100.0)], Some("not yet for 1m")),
        (&[(-59, 0.0), (-10, 100.0)], Some("not yet for 1m")),
        (&[(-60, f64::NAN), (-10, 100.0)], Some("not yet for 1m")),
        (&[(-50, 0.0), (-40, 100.0), (-10, 100.0)], Some("not yet for 1m")),
        (&[(-90, 0.0), (-10, 100.0)], None),
        (&[(-400, 0.0), (-10, 100.0)], None),
    ];
    for (points, missing) in table {
        match (one(points), missing) {
            (Traffic::Verified, None) => {}
            (Traffic::Pending(said, _), Some(missing)) => {
                assert!(
                    said.len() == 1 && said[0].starts_with("canary west-read: ") && said[0].contains(missing),
                    "{said:?}"
                );
            }
            (got, _) => panic!("{points:?}: {got:?}"),
        }
    }
}

#[test]
fn s9_one_canary_that_is_not_green_is_enough_to_wait() {
    let bad = [canary("west-write", vec![]), canary("west-write", vec![point(at(-10), 0.0)])];
    for bad in bad {
        for canaries in [[green(), bad.clone()], [bad.clone(), green()]] {
            assert!(matches!(look(&[moved()], &canaries, at(-100)), Traffic::Pending(..)), "{canaries:?}");
        }
    }
}

#[test]
fn s8_a_canary_that_fell_silent_after_the_move_is_not_green() {
    for (age_ms, verified) in [(150_000, true), (150_001, false)] {
        let canaries = [canary("west-read", vec![point(ms(-age_ms), 100.0)])];
        assert_eq!(look(&[moved()], &canaries, at(-200)) == Traffic::Verified, verified, "{age_ms}");
    }
}

#[test]
fn s11_the_window_begins_with_the_move() {
    for (age_ms, verified) in [(59_999, false), (60_000, true), (60_001, true)] {
        let canaries = [canary("west-read", vec![point(at(-5), 100.0)])];
        let got = look(&[moved()], &canaries, ms(-age_ms));
        assert_eq!(got == Traffic::Verified, verified, "{age_ms}");
        if !verified {
            let Traffic::Pending(_, next) = got else { panic!("{got:?}") };
            assert_eq!(next, Some(ms(1)), "the next look that can tell something new");
        }
    }
}

#[test]
fn the_windows_end_is_told_only_while_it_lies_ahead() {
    for (age_s, expected) in [(0, Some(at(60))), (59, Some(at(1))), (60, None), (61, None)] {
        let got = look(&[moved()], &[], at(-age_s));
        assert!(matches!(got, Traffic::Pending(_, next) if next == expected), "{age_s}");
    }
}

#[test]
fn s13_everything_that_waits_has_an_end() {
    for (age_ms, expired) in [(600_000, false), (600_001, true)] {
        let wrong = name(&["198.51.100.1"], &["192.0.2.1"]);
        let canaries = [canary("west-read", vec![]), green(), canary("west-write", vec![point(at(-10), 0.0)])];
        match look(&[wrong, moved()], &canaries, ms(-age_ms)) {
            Traffic::Expired(reasons) if expired => {
                let about: Vec<&str> = reasons.iter().map(|r| r.resource.as_str()).collect();
                assert_eq!(about, ["name shop.example.com", "canary west-read", "canary west-write"]);
                assert!(reasons.iter().all(|r| r.code == ReasonCode::TrafficNotVerified));
            }
            Traffic::Pending(missing, None) if !expired => assert_eq!(missing.len(), 3),
            got => panic!("{age_ms}: {got:?}"),
        }
    }
}

#[test]
fn what_serves_is_verified_however_late_it_came() {
    assert_eq!(look(&[moved()], &[green()], at(-100_000)), Traffic::Verified);
    let canaries = [canary("west-read", vec![point(at(-5), 100.0)])];
    let clock_behind = look(&[moved()], &canaries, at(30));
    assert!(matches!(clock_behind, Traffic::Pending(..)), "a move in the future is none yet: {clock_behind:?}");
}

#[test]
fn no_time_and_no_results_verify_traffic_before_the_window_is_over() {
    let values = [None, Some(0.0), Some(100.0)];
    let mut cases = 0;
    for age_s in [-1, 0, 30, 59, 60, 90, 149, 150, 151, 600, 601] {
        for pattern in 0..3_usize.pow(5) {
            let value = |n: usize| values[pattern / 3_usize.pow(n as u32) % 3];
            let points: Vec<Point> = [-160, -70, -55, -30, -5]
                .into_iter()
                .enumerate()
                .filter_map(|(n, s)| Some(point(at(s), value(n)?)))
                .collect();
            let got = look(&[moved()], &[canary("west-read", points.clone())], at(-age_s));
            cases += 1;
            let newest_is_green =
                points.last().is_some_and(|p| p.value == 100.0 && p.at >= at(-age_s) && p.at >= at(-150));
            let none_red = points.iter().all(|p| p.at < at(-60) || p.value == 100.0);
            let expected = age_s >= 60 && newest_is_green && none_red;
            assert_eq!(got == Traffic::Verified, expected, "{age_s} {points:?} {got:?}");
            assert_eq!(matches!(got, Traffic::Expired(_)), !expected && age_s > 600);
        }
    }
    assert_eq!(cases, 11 * 243);
}
