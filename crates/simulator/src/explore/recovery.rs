//! What people do afterwards, by RUNBOOK: they mend, acknowledge, and start the run again.

use lifeboat_model::evidence::Switch;
use lifeboat_model::lock::LockState;
use lifeboat_model::report::Outcome;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Direction, Period, Region, Timestamp};

use super::{CallMade, Choices};
use crate::scenario::people::{acknowledge, operator_starts, runs_end};
use crate::world::World;

/// What it took until one Region had everything again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recovery {
    /// Nothing: one Region has the writers, and traffic goes there.
    NotNeeded,
    /// Who had moved traffic by hand moved it again.
    ByHand,
    /// An acknowledgement and so many runs.
    Runs(u32),
    /// It was not reached: why.
    Stuck(String),
}

/// Until what lasts a while is over: outages of a minute, answers of clocks.
pub(super) const CALM: Period = Period::seconds(120);
/// How often people try.
const TRIES: u32 = 3;
/// Until canaries and metrics show what is.
const EVIDENCE: Period = Period::seconds(240);

impl World {
    pub(super) fn late_deliveries(&self) -> u32 {
        self.state().faults.explored.as_ref().map_or(0, |explored| explored.late)
    }

    /// The calls so far, and how many choices happened; none is left for the calls to come.
    pub(super) fn explored_calls(&self) -> (Vec<CallMade>, usize) {
        self.with_explored(|explored| {
            explored.choices = Choices::default();
            (std::mem::take(&mut explored.calls), explored.happened)
        })
        .unwrap_or_default()
    }

    /// Mends what was broken, and runs until one Region has everything.
    pub(super) async fn recover(&self) -> Recovery {
        self.state_mut().table.settings.disabled = None;
        _ = self.with_explored(|explored| explored.clock_off = None);
        // A run that died without an ending: its lock is free for the next one when the lease is over.
        if let Some(until) = self.held_until() {
            self.executor().sleep_until(until).await;
        }
        let needs_a_person = self.lock().is_some_and(|(state, _)| state != LockState::Free);
        if self.is_whole() && !needs_a_person {
            return Recovery::NotNeeded;
        }
        if !needs_a_person && self.moved_by_hand().is_some() {
            // Nobody's run is unfinished: who moved traffic by hand moves it to where the writers are.
            if let Some(region) = self.writers_region() {
                self.move_by_hand(&region);
                self.sleep(CALM).await;
            }
            if self.is_whole() {
                return Recovery::ByHand;
            }
        }
        let mut last = "nothing was tried".to_owned();
        for n in 1..=TRIES {
            let Direction { source, target } = self.way_out();
            let mode = if self.is_dark(&source) { Mode::Failover } else { Mode::Switchover };
            acknowledge(self);
            operator_starts(self, &target, &format!("recovery-{n}"), mode, Purpose::Act);
            runs_end(self).await;
            let run = self.state().runs.last().cloned();
            let outcome = run.as_ref().and_then(crate::world::RunRecord::outcome);
            let settled = matches!(outcome, Some(Outcome::Completed | Outcome::Unchanged));
            if settled && self.is_whole() {
                return Recovery::Runs(n);
            }
            let error = run.and_then(|r| r.ended?.1.result.err());
            last = format!("{outcome:?}: {}", error.map_or_else(String::new, |e| e.cause));
            self.sleep(EVIDENCE).await;
        }
        Recovery::Stuck(last)
    }

    /// From where to where a person moves the workload: as the last run did, but never to a Region that is gone.
    fn way_out(&self) -> Direction {
        let direction = self.lock().map_or_else(|| self.state().direction.clone(), |(_, direction)| direction);
        let Direction { source, target } = direction;
        match self.is_dark(&target) {
            true => Direction { source: target, target: source },
            false => Direction { source, target },
        }
    }

    fn writers_region(&self) -> Option<Region> {
        let state = self.state();
        let first = state.aurora.databases.values().next();
        first.and_then(|db| db.accepting.first().cloned())
    }

    fn lock(&self) -> Option<(LockState, Direction)> {
        let state = self.state();
        state.table.locks.get(&state.plan.name).map(|lock| (lock.state, lock.run.direction.clone()))
    }

    /// Until when a run holds the lock, if one does.
    fn held_until(&self) -> Option<Timestamp> {
        let state = self.state();
        let lock = state.table.locks.get(&state.plan.name)?;
        (lock.state == LockState::Held).then_some(lock.lease_expires_at)
    }

    /// Whether one Region that is there has every writer, and traffic goes there.
    fn is_whole(&self) -> bool {
        let state = self.state();
        let on = |region: &Region| {
            let control = state.plan.routing.controls.get(region);
            control.and_then(|c| state.traffic.controls.get(c)) == Some(&Switch::On)
        };
        let has_all = |region: &&Region| {
            let there = !state.dark.contains_key(*region);
            let writers = there && state.aurora.databases.values().all(|db| db.accepting == [(*region).clone()]);
            writers && on(region) && crate::invariants::resources_are_in(&state, region)
        };
        state.plan.regions.iter().any(|region| has_all(&region))
    }
}
