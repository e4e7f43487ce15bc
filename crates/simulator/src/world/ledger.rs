//! The table: plans, locks, settings and journals, strongly consistent over both Regions.

use std::collections::BTreeMap;

use lifeboat_model::journal::Entry;
use lifeboat_model::lock::{Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::settings::Settings;
use lifeboat_model::{Plan, Timestamp};
use lifeboat_ports::{Append, AskedApproval, Holder, Mark, StoredPlan, Swap};

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
            let marks = (l.past_point_of_no_return, l.acknowledged);
            (l.epoch, l.state, l.run.run_id.clone(), l.lease_expires_at, marks)
        };
        if self.locks.get(plan).map(key) != read.map(key) {
            return Swap::Changed;
        }
        self.locks.insert(plan.clone(), new.clone());
        Swap::Stored
    }

    pub(super) fn fence(&mut self, plan: &Name, holder: Holder<'_>, until: Timestamp, mark: Mark) -> Option<Lock> {
        let held =
            |l: &&mut Lock| l.state == LockState::Held && l.epoch == holder.epoch && l.run.run_id == holder.run_id;
        let lock = self.locks.get_mut(plan).filter(held)?;
        lock.lease_expires_at = until;
        lock.past_point_of_no_return |= mark == Mark::PointOfNoReturn;
        Some(lock.clone())
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
    /// Stores `lock` as somebody wrote it into the table from outside of this process, after the same check as a step's.
    pub fn put_lock(&self, plan: &Name, lock: Lock) {
        let before = self.state().table.locks.get(plan).cloned();
        self.check_lock(before.as_ref(), &lock);
        self.state_mut().table.locks.insert(plan.clone(), lock);
    }
}
