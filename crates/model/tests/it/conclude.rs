//! How a run ends, over journal x lock x failure x an ending already recorded; and what a second conclusion makes of it.

use crate::common::endings::{
    COOL_DOWN, Calls, Case, OUTCOMES, PLAN, concluded, decide, every_case, every_lock, failure, traffic_verified,
    writers_verified,
};
use crate::common::{NOW, RUN, at, held};
use lifeboat_model::decide::{Conclusion, conclude};
use lifeboat_model::journal::Entry;
use lifeboat_model::limits::Step;
use lifeboat_model::lock::LockState;
use lifeboat_model::report::Outcome;
use lifeboat_model::request::{Mode, Purpose};

#[test]
fn s11_completed_only_with_writers_then_traffic_verified_by_the_run_that_holds_the_plan() {
    every_case(|case, got| {
        let completed = case.verified && !case.failed && case.holds();
        assert_eq!(got.outcome == Outcome::Completed, completed, "{:?} {:?}", case.entries, case.lock);
    });
}

#[test]
fn s11_unchanged_only_if_no_call_took_effect_or_may_have() {
    every_case(|case, got| {
        let expected = if case.changed() { Outcome::NeedsOperator } else { Outcome::Unchanged };
        if got.outcome != Outcome::Completed {
            assert_eq!(got.outcome, expected, "{:?} {:?}", case.entries, case.lock);
        }
    });
}

#[test]
fn s5_only_the_run_that_holds_the_lock_releases_it() {
    every_case(|case, got| assert_eq!(got.lock.is_some(), case.holds(), "{:?}", case.lock));
}

#[test]
fn s7_each_ending_leaves_the_lock_as_it_should_be() {
    every_case(|case, got| {
        let (Some(new), Some(old)) = (got.lock, case.lock) else { return };
        let expected = match got.outcome {
            Outcome::Completed => old.clone().completed(NOW.plus(COOL_DOWN)),
            Outcome::Unchanged => old.clone().unchanged(),
            Outcome::NeedsOperator => old.clone().needs_operator(),
            Outcome::Rehearsed => panic!("it was no rehearsal"),
        };
        assert_eq!(new, expected);
        assert_ne!(new.state, LockState::Held, "an ended run holds nothing");
    });
}

#[test]
fn s10_a_second_conclusion_says_what_the_first_said() {
    every_case(|case, first| {
        let mut entries = case.entries.to_vec();
        entries.push(concluded(first.outcome));
        // The run may die before the lock is released, after it, or be concluded as a failure because of that.
        for (failed, released) in [(false, false), (true, false), (false, true), (true, true)] {
            let lock = if released { first.lock.as_ref().or(case.lock) } else { case.lock };
            let again = Case { lock, failed, ..*case };
            let second = decide(&again, &entries, NOW);
            assert_eq!(second.outcome, first.outcome, "{entries:?}");
            let expected = if released { None } else { first.lock.clone() };
            assert_eq!(second.lock, expected, "{entries:?}");
        }
    });
}

#[test]
fn s10_the_recorded_ending_outweighs_everything_that_came_later() {
    for (recorded, failed) in OUTCOMES.into_iter().flat_map(|o| [(o, false), (o, true)]) {
        every_case(|case, _| {
            if case.database == Calls::Accepted && case.routing == Calls::Lost {
                let mut entries = vec![concluded(recorded)];
                entries.extend_from_slice(case.entries);
                let got = decide(&Case { failed, ..*case }, &entries, at(10));
                assert_eq!(got.outcome, recorded);
            }
        });
    }
}

#[test]
fn s11_a_promotion_after_the_writers_were_verified_is_not_verified() {
    let lock = held(Mode::Failover);
    let ends = |intended_s: i64, more: &[Entry]| {
        let mut entries = vec![writers_verified(-160), traffic_verified(-60)];
        entries.extend(Calls::Accepted.entries(Step::PromoteDatabase, "orders", intended_s - 1));
        entries.extend_from_slice(more);
        conclude(RUN, Purpose::Act, Some(&lock), &entries, None, Some(&PLAN), NOW).outcome
    };
    assert_eq!(ends(-161, &[]), Outcome::Completed);
    assert_eq!(ends(-160, &[]), Outcome::NeedsOperator, "not before the look");
    assert_eq!(ends(-100, &[]), Outcome::NeedsOperator);
    assert_eq!(ends(-100, &[writers_verified(-90)]), Outcome::Completed, "traffic was verified after the second look");
    assert_eq!(ends(-100, &[writers_verified(-50)]), Outcome::NeedsOperator, "and not before it");
}

#[test]
fn a_run_that_never_got_the_lock_is_unchanged() {
    let others = every_lock().pop().flatten();
    for lock in [None, others.as_ref()] {
        let got = conclude(RUN, Purpose::Act, lock, &[], Some(&failure()), Some(&PLAN), NOW);
        assert_eq!(got, Conclusion { outcome: Outcome::Unchanged, lock: None });
    }
}
