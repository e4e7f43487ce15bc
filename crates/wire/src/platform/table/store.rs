//! The items, and the world's own table beside them: one truth in two forms.

use std::collections::BTreeMap;

use lifeboat_model::lock::Lock;
use lifeboat_model::plan::Name;
use lifeboat_model::report::Lane;
use lifeboat_model::settings::Settings;
use lifeboat_ports::AskedApproval;
use lifeboat_simulator::World;
use lifeboat_simulator::world::Table;

use super::layout::{self, Place};
use super::value::Item;

/// The key of an item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The partition key.
    pub pk: String,
    /// The sort key.
    pub sk: String,
}

/// By what a lock is written: what replaces it takes it, and is checked as such; what changes it in part is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `PutItem`
    Put,
    /// `UpdateItem`
    Update,
    /// `DeleteItem`
    Delete,
}

/// The items.
#[derive(Default)]
pub struct Store {
    items: BTreeMap<Key, Item>,
    seen: Seen,
}

/// The world's table as the items last had it.
#[derive(Default)]
struct Seen {
    locks: BTreeMap<Name, Lock>,
    approvals: BTreeMap<Name, AskedApproval>,
    settings: Settings,
    settings_of: BTreeMap<Name, Settings>,
    journal: usize,
}

impl Store {
    /// The items after what was written to the world's table in this process.
    pub fn catch_up(&mut self, table: &Table) {
        self.catch_up_plans(table);
        for (plan, lock) in &table.locks {
            if self.seen.locks.get(plan) != Some(lock) {
                self.items.insert(layout::key_of(plan, "lock"), layout::lock_item(plan, lock));
            }
        }
        for (plan, asked) in &table.approvals {
            if self.seen.approvals.get(plan) != Some(asked) {
                self.items.insert(layout::key_of(plan, "approval"), layout::approval_item(plan, asked));
            }
        }
        if self.seen.settings != table.settings {
            self.switch(layout::settings_key(), &table.settings);
        }
        for (plan, settings) in &table.settings_of {
            if self.seen.settings_of.get(plan) != Some(settings) {
                self.switch(layout::key_of(plan, "settings"), settings);
            }
        }
        for entry in table.journal.iter().skip(self.seen.journal) {
            self.items.insert(layout::entry_key(entry), layout::entry_item(entry));
        }
        self.look_at(table);
    }

    /// Plans are stored once: a version never changes.
    fn catch_up_plans(&mut self, table: &Table) {
        for (name, versions) in &table.plans {
            for (version, plan) in versions {
                let key = layout::version_key(name, *version);
                self.items.entry(key).or_insert_with(|| layout::plan_item(plan, *version));
            }
        }
        for (name, version) in &table.current {
            let key = layout::key_of(name, "current");
            self.items.entry(key).or_insert_with(|| layout::current_item(name, *version));
        }
        for (alarm, plan) in &table.alarms {
            self.items.entry(layout::alarm_key(alarm)).or_insert_with(|| layout::alarm_item(alarm, plan));
        }
    }

    fn switch(&mut self, key: Key, settings: &Settings) {
        match &settings.disabled {
            Some(why) => drop(self.items.insert(key.clone(), layout::settings_item(&key, why))),
            None => drop(self.items.remove(&key)),
        }
    }

    fn look_at(&mut self, table: &Table) {
        self.seen = Seen {
            locks: table.locks.clone(),
            approvals: table.approvals.clone(),
            settings: table.settings.clone(),
            settings_of: table.settings_of.clone(),
            journal: table.journal.len(),
        };
    }

    /// The item under `key`.
    pub fn get(&self, key: &Key) -> Option<&Item> {
        self.items.get(key)
    }

    /// All items, in the order of their keys.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = (&Key, &Item)> {
        self.items.iter()
    }

    /// Stores `item`, or with `None` removes what was there, and writes the same into the world's table.
    pub fn write(&mut self, world: &World, key: &Key, item: Option<Item>, by: By) {
        let before = self.items.get(key).cloned();
        match &item {
            Some(item) => drop(self.items.insert(key.clone(), item.clone())),
            None => drop(self.items.remove(key)),
        }
        if let Err(why) = typed(world, key, (before.as_ref(), item.as_ref()), by) {
            world.log(Lane::World, format!("item {} {} of the table cannot be read: {why}", key.pk, key.sk));
        }
        self.look_at(&world.state().table);
    }
}

/// Writes what stands under `key` into the world's table.
fn typed(world: &World, key: &Key, (before, item): (Option<&Item>, Option<&Item>), by: By) -> Result<(), String> {
    let place = Place::of(key);
    if let (Place::Lock(plan), Some(item)) = (&place, item) {
        let lock = layout::read_lock(item)?;
        match by {
            By::Put => world.put_lock(plan, lock),
            By::Update | By::Delete => drop(world.state_mut().table.locks.insert(plan.clone(), lock)),
        }
        return Ok(());
    }
    let table = &mut world.state_mut().table;
    let disabled = |item: Option<&Item>| item.map_or(Ok(None), layout::read_disabled);
    match place {
        Place::Current(plan) => match item {
            Some(item) => drop(table.current.insert(plan, layout::read_current(item)?)),
            None => drop(table.current.remove(&plan)),
        },
        Place::Version(name, version) => match item {
            Some(item) => {
                let plan = layout::read_plan(item, &name)?;
                table.plans.entry(name).or_default().insert(version, plan);
            }
            None => drop(table.plans.entry(name).or_default().remove(&version)),
        },
        Place::Settings => table.settings.disabled = disabled(item)?,
        Place::SettingsOf(plan) => {
            let settings = Settings { disabled: disabled(item)? };
            table.settings_of.insert(plan, settings);
        }
        Place::Lock(plan) => drop(table.locks.remove(&plan)),
        Place::Approval(plan) => match item {
            Some(item) => drop(table.approvals.insert(plan, layout::read_approval(item)?)),
            None => drop(table.approvals.remove(&plan)),
        },
        Place::Alarm(alarm) => match item {
            Some(item) => drop(table.alarms.insert(alarm, layout::read_alarm(item)?)),
            None => drop(table.alarms.remove(&alarm)),
        },
        Place::Journal(_) => {
            if let Some(old) = before.and_then(|item| layout::read_entry(item).ok()) {
                table.journal.retain(|e| (&e.run_id, e.key()) != (&old.run_id, old.key()));
            }
            if let Some(item) = item {
                table.journal.push(layout::read_entry(item)?);
            }
        }
        Place::Other => {}
    }
    Ok(())
}
