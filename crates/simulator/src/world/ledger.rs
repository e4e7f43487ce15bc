//! The table: plans, locks, settings and journals, strongly consistent over both Regions.

use std::collections::{BTreeMap, BTreeSet};

use lifeboat_model::journal::Entry;
use lifeboat_model::lock::Lock;
use lifeboat_model::plan::Name;
use lifeboat_model::report::Lane;
use lifeboat_model::settings::Settings;
use lifeboat_model::stop::{Claim, Unstoppable};
use lifeboat_model::{Plan, Timestamp};
use lifeboat_ports::{Append, AskedApproval, Fenced, Holder, Mark, StoredPlan, Swap};

use super::World;

/// The table.
#[derive(Default)]
pub struct Table {
    /// Every version of every plan.
    pub plans: BTreeMap<Name, BTreeMap<u64, Plan>>,
    /// Which version of a plan counts.
    pub current: BTreeMap<Name, u64>,
    /// Which plan an alarm starts.
    pub alarms: BTreeMap<String, Name>,
    /// The locks.
    pub locks: BTreeMap<Name, Lock>,
    /// The kill switch of all plans.
    pub settings: Settings,
    /// The kill switches of single plans.
    pub settings_of: BTreeMap<Name, Settings>,
    /// The journals, in the order of writing.
    pub journal: Vec<Entry>,
    /// The newest question to a person, by plan.
    pub approvals: BTreeMap<Name, AskedApproval>,
    /// The runs whose stop was accepted, whatever their locks say since.
    pub(crate) stopped: BTreeSet<String>,
}

impl Table {
    pub(super) fn holding(plan: &Plan) -> Self {
        let name = plan.name.clone();
        Self {
            plans: BTreeMap::from([(name.clone(), BTreeMap::from([(1, plan.clone())]))]),
            current: BTreeMap::from([(name.clone(), 1)]),
            alarms: BTreeMap::from([(plan.automation.alarm.name.clone(), name)]),
            ..Self::default()
        }
    }

    pub(super) fn plan(&self, name: &Name, version: Option<u64>) -> Option<StoredPlan> {
        let version = version.or_else(|| self.current.get(name).copied())?;
        let plan = self.plans.get(name)?.get(&version)?.clone();
        Some(StoredPlan { version, plan })
    }

    pub(super) fn plan_of_alarm(&self, alarm: &str) -> Option<Name> {
        self.alarms.get(alarm).cloned()
    }

    pub(super) fn settings(&self, plan: &Name) -> Settings {
        let of_plan = self.settings_of.get(plan).and_then(|s| s.disabled.clone());
        Settings { disabled: self.settings.disabled.clone().or(of_plan) }
    }

    pub(super) fn replace_lock(&mut self, plan: &Name, read: Option<&Lock>, new: &Lock) -> Swap {
        let key = |l: &Lock| {
            let marks = (l.past_point_of_no_return, l.acknowledged, l.stopped.clone());
            (l.epoch, l.state, l.run.run_id.clone(), l.lease_expires_at, marks)
        };
        if self.locks.get(plan).map(key) != read.map(key) {
            return Swap::Changed;
        }
        self.locks.insert(plan.clone(), new.clone());
        Swap::Stored
    }

    pub(super) fn fence(&mut self, plan: &Name, holder: Holder<'_>, until: Timestamp, mark: Mark) -> Fenced {
        let Some(lock) = self.locks.get_mut(plan) else { return Fenced::Lost };
        match lock.claim_of(holder.run_id, holder.epoch) {
            Claim::Lost => Fenced::Lost,
            Claim::Stopped(why) => Fenced::Stopped(why),
            Claim::Holds => {
                lock.lease_expires_at = until;
                lock.past_point_of_no_return |= mark == Mark::PointOfNoReturn;
                Fenced::Held(Box::new(lock.clone()))
            }
        }
    }

    fn stop(&mut self, plan: &Name, run_id: &str, why: &str) -> Result<(), Unstoppable> {
        let lock = self.locks.get(plan).cloned().ok_or(Unstoppable::NotHeld)?;
        self.locks.insert(plan.clone(), lock.stop(run_id, why)?);
        self.stopped.insert(run_id.to_owned());
        Ok(())
    }

    pub(super) fn append(&mut self, entry: &Entry) -> Append {
        if self.journal.iter().any(|e| e.run_id == entry.run_id && e.key() == entry.key()) {
            return Append::AlreadyThere;
        }
        self.journal.push(entry.clone());
        Append::Written
    }

    /// The journal of a run.
    pub fn journal_of(&self, run_id: &str) -> Vec<Entry> {
        self.journal.iter().filter(|e| e.run_id == run_id).cloned().collect()
    }
}

impl World {
    /// A person stops the run that holds the plan; `why` is `NAME: reason`.
    ///
    /// # Errors
    /// The run cannot be stopped, or there is none.
    pub fn stop_run(&self, why: &str) -> Result<(), Unstoppable> {
        let stopped = {
            let mut state = self.state_mut();
            let plan = state.plan.name.clone();
            let run_id = state.table.locks.get(&plan).map(|lock| lock.run.run_id.clone());
            run_id.ok_or(Unstoppable::NotHeld).and_then(|run_id| state.table.stop(&plan, &run_id, why))
        };
        let heard = match stopped {
            Ok(()) => "the run stops",
            Err(Unstoppable::NotHeld) => "no run holds the plan",
            Err(Unstoppable::PastPointOfNoReturn) => "it is past its point of no return",
        };
        self.log(Lane::Operator, format!("a person stops the run: {heard}"));
        stopped
    }

    /// Stores `lock` as somebody wrote it into the table from outside of this process, after the same check as a step's.
    pub fn put_lock(&self, plan: &Name, lock: Lock) {
        let before = self.state().table.locks.get(plan).cloned();
        self.check_lock(before.as_ref(), &lock);
        let table = &mut self.state_mut().table;
        if lock.stopped.is_some() && before.is_some_and(|before| before.stopped.is_none()) {
            table.stopped.insert(lock.run.run_id.clone());
        }
        table.locks.insert(plan.clone(), lock);
    }
}
