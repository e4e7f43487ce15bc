//! How a run ends, over journal x lock x failure x an ending already recorded; and what a second conclusion makes of it.

mod common;

use common::{NOW, RUN, at, entry, held, intent, outcome};
use lifeboat_model::decide::{Conclusion, Failure, conclude};
use lifeboat_model::journal::{Effect, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::report::Outcome;
use lifeboat_model::request::Mode;
use lifeboat_model::{Period, Timestamp};

const COOL_DOWN: Period = Period::seconds(3600);
const OUTCOMES: [Outcome; 3] = [Outcome::Completed, Outcome::Unchanged, Outcome::NeedsOperator];

/// What the journal says of one step's calls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Calls {
    Nothing,
    Refused,
    Accepted,
    Lost,
    /// The run died between the intent and what came of it.
    Intended,
    LostThenRefused,
    RefusedThenAccepted,
}

const CALLS: [Calls; 7] = [
    Calls::Nothing,
    Calls::Refused,
    Calls::Accepted,
    Calls::Lost,
    Calls::Intended,
    Calls::LostThenRefused,
    Calls::RefusedThenAccepted,
];

impl Calls {
    fn may_have_changed(self) -> bool {
        !matches!(self, Self::Nothing | Self::Refused)
    }

    fn entries(self, step: Step, resource: &str, begin_s: i64) -> Vec<Entry> {
        let call = |n: u32, effect| {
            let (then, later) = (at(begin_s + i64::from(n)), at(begin_s + i64::from(n) + 1));
            [intent(step, resource, n, then), outcome(step, resource, n, later, effect)]
        };
        match self {
            Self::Nothing => Vec::new(),
            Self::Refused => call(1, Effect::None).into(),
            Self::Accepted => call(1, Effect::Accepted).into(),
            Self::Lost => call(1, Effect::Unknown).into(),
            Self::Intended => vec![intent(step, resource, 1, at(begin_s))],
            Self::LostThenRefused => [call(1, Effect::Unknown), call(2, Effect::None)].concat(),
            Self::RefusedThenAccepted => [call(1, Effect::None), call(2, Effect::Accepted)].concat(),
        }
    }
}

fn writers_verified(s: i64) -> Entry {
    entry(Step::VerifyWriters, "store", at(s), Note::WritersVerified)
}

fn traffic_verified(s: i64) -> Entry {
    entry(Step::VerifyTraffic, "store", at(s), Note::TrafficVerified)
}

fn concluded(outcome: Outcome) -> Entry {
    entry(Step::Conclude, "store", at(-2), Note::Concluded { outcome, ending: None })
}

/// Which verifications the journal has: promotions come from -200 s to -190 s, traffic's shift after -150 s.
fn every_verification() -> Vec<(Vec<Entry>, bool)> {
    vec![
        (vec![], false),
        (vec![writers_verified(-160)], false),
        (vec![traffic_verified(-60)], false),
        (vec![traffic_verified(-160), writers_verified(-60)], false),
        (vec![writers_verified(-160), traffic_verified(-60)], true),
        (vec![writers_verified(-60), traffic_verified(-60)], true),
        (vec![writers_verified(-160), traffic_verified(-60), writers_verified(-50)], true),
        (vec![writers_verified(-160), traffic_verified(-90), traffic_verified(-60)], true),
    ]
}

fn every_lock() -> Vec<Option<Lock>> {
    let mine = held(Mode::Failover);
    let inherited = Lock { inherits_change: true, ..mine.clone() };
    let marked = Lock { past_point_of_no_return: true, ..mine.clone() };
    let mut others = mine.clone();
    others.run.run_id = "another".to_owned();
    vec![
        None,
        Some(mine.clone()),
        Some(inherited),
        Some(marked),
        Some(mine.clone().unchanged()),
        Some(mine.needs_operator()),
        Some(others),
    ]
}

fn failure() -> Failure {
    Failure { error: "Lifeboat.Refused".to_owned(), cause: "unsafe".to_owned() }
}

struct Case<'a> {
    database: Calls,
    routing: Calls,
    verified: bool,
    lock: Option<&'a Lock>,
    failed: bool,
    entries: &'a [Entry],
}

impl Case<'_> {
    fn holds(&self) -> bool {
        self.lock.is_some_and(|l| l.run.run_id == RUN && l.state == LockState::Held)
    }

    fn changed(&self) -> bool {
        let inherited = self.holds() && self.lock.is_some_and(|l| l.inherits_change);
        self.database.may_have_changed() || self.routing.may_have_changed() || inherited
    }
}

fn decide(case: &Case<'_>, entries: &[Entry], now: Timestamp) -> Conclusion {
    let failure = case.failed.then(failure);
    conclude(RUN, case.lock, entries, failure.as_ref(), COOL_DOWN, now)
}

fn every_case(mut check: impl FnMut(&Case<'_>, Conclusion)) {
    let (locks, verifications) = (every_lock(), every_verification());
    let mut cases = 0;
    for (database, routing) in CALLS.into_iter().flat_map(|d| CALLS.map(|r| (d, r))) {
        for (notes, verified) in &verifications {
            let mut entries = database.entries(Step::PromoteDatabase, "orders", -200);
            entries.extend(routing.entries(Step::ShiftTraffic, "store", -150));
            entries.extend(notes.iter().cloned());
            for lock in &locks {
                for failed in [false, true] {
                    let case =
                        Case { database, routing, verified: *verified, lock: lock.as_ref(), failed, entries: &entries };
                    check(&case, decide(&case, &entries, NOW));
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 49 * 8 * 7 * 2, "the whole space");
}

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
        conclude(RUN, Some(&lock), &entries, None, COOL_DOWN, NOW).outcome
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
        let got = conclude(RUN, lock, &[], Some(&failure()), COOL_DOWN, NOW);
        assert_eq!(got, Conclusion { outcome: Outcome::Unchanged, lock: None });
    }
}
