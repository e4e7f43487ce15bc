//! The space of endings: journal x lock x failure.

use std::sync::LazyLock;

use lifeboat_model::decide::{Conclusion, Failure, conclude};
use lifeboat_model::journal::{Effect, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::report::Outcome;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Period, Plan, Timestamp};

use crate::common::{NOW, RUN, at, entry, held, intent, outcome, plan};

pub const COOL_DOWN: Period = Period::seconds(3600);
pub const OUTCOMES: [Outcome; 4] = [Outcome::Completed, Outcome::Unchanged, Outcome::NeedsOperator, Outcome::Rehearsed];

/// What the journal says of one step's calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Calls {
    Nothing,
    Refused,
    Accepted,
    Lost,
    /// The run died between the intent and what came of it.
    Intended,
    LostThenRefused,
    RefusedThenAccepted,
}

pub const CALLS: [Calls; 7] = [
    Calls::Nothing,
    Calls::Refused,
    Calls::Accepted,
    Calls::Lost,
    Calls::Intended,
    Calls::LostThenRefused,
    Calls::RefusedThenAccepted,
];

impl Calls {
    pub fn may_have_changed(self) -> bool {
        !matches!(self, Self::Nothing | Self::Refused)
    }

    pub fn entries(self, step: Step, resource: &str, begin_s: i64) -> Vec<Entry> {
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

pub fn writers_verified(s: i64) -> Entry {
    entry(Step::VerifyWriters, "store", at(s), Note::WritersVerified)
}

pub fn traffic_verified(s: i64) -> Entry {
    entry(Step::VerifyTraffic, "store", at(s), Note::TrafficVerified)
}

pub fn concluded(outcome: Outcome) -> Entry {
    entry(Step::Conclude, "store", at(-2), Note::Concluded { outcome, ending: None })
}

/// Which verifications the journal has: promotions come from -200 s to -190 s, traffic's shift after -150 s.
pub fn every_verification() -> Vec<(Vec<Entry>, bool)> {
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

pub fn every_lock() -> Vec<Option<Lock>> {
    let mine = held(Mode::Failover);
    let inherited = Lock { inherits_change: true, ..mine.clone() };
    let marked = Lock { past_point_of_no_return: true, ..mine.clone() };
    let stopped = Lock { stopped: Some("Ada: not tonight".to_owned()), ..mine.clone() };
    let mut others = mine.clone();
    others.run.run_id = "another".to_owned();
    vec![
        None,
        Some(mine.clone()),
        Some(inherited),
        Some(marked),
        Some(stopped),
        Some(mine.clone().unchanged()),
        Some(mine.needs_operator()),
        Some(others),
    ]
}

pub fn failure() -> Failure {
    Failure { error: "Lifeboat.Refused".to_owned(), cause: "unsafe".to_owned() }
}

pub struct Case<'a> {
    pub database: Calls,
    pub routing: Calls,
    pub verified: bool,
    pub lock: Option<&'a Lock>,
    pub failed: bool,
    pub entries: &'a [Entry],
}

impl Case<'_> {
    pub fn holds(&self) -> bool {
        self.lock.is_some_and(|l| l.run.run_id == RUN && l.state == LockState::Held)
    }

    pub fn changed(&self) -> bool {
        let inherited = self.holds() && self.lock.is_some_and(|l| l.inherits_change);
        self.database.may_have_changed() || self.routing.may_have_changed() || inherited
    }
}

/// The plan of the runs of this space: databases and nothing else.
pub static PLAN: LazyLock<Plan> = LazyLock::new(plan);

pub fn decide(case: &Case<'_>, entries: &[Entry], now: Timestamp) -> Conclusion {
    let failure = case.failed.then(failure);
    conclude(RUN, Purpose::Act, case.lock, entries, failure.as_ref(), Some(&PLAN), now)
}

pub fn every_case(mut check: impl FnMut(&Case<'_>, Conclusion)) {
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
    assert_eq!(cases, 49 * 8 * 8 * 2, "the whole space");
}

/// Not every subject needs every builder.
const _: () = {
    let _ = (COOL_DOWN, |case: &Case<'_>| (case.verified, case.holds()));
};
