//! Who calls: the access key of a request, and which invocation it stands for.
//!
//! Purpose: the invariants are checked against the step and the run that call. A function's binary gets an access key of
//! its own for as long as it handles one event; its calls are those of that invocation.
//! Guarantees: all calls under one key between [`Callers::enter`] and [`Callers::leave`] are one invocation's. Who is not
//! entered (the AWS CLI, SAM) changes things in the name of the run that holds the plan's lock, and looks in nobody's:
//! what a person looks at is not the run's (S12).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use lifeboat_model::Region;
use lifeboat_model::limits::Step;
use lifeboat_model::lock::LockState;
use lifeboat_simulator::World;
use lifeboat_simulator::world::{Caller, SimPorts};

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It reads.
    Look,
    /// It changes something.
    Change,
}

/// The invocations that run, by access key; clones share them.
#[derive(Clone)]
pub struct Callers {
    world: World,
    entered: Rc<RefCell<BTreeMap<String, Caller>>>,
}

impl Callers {
    /// Nobody calls yet.
    pub fn new(world: World) -> Self {
        Self { world, entered: Rc::default() }
    }

    /// The world.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// From now on, calls under `key` are those of one invocation of `step` in `region` for the execution `run_id`; empty
    /// for a trigger.
    pub fn enter(&self, key: &str, step: Step, run_id: &str, region: &Region) {
        let caller = self.world.begin(step, region, run_id);
        self.entered.borrow_mut().insert(key.to_owned(), caller);
    }

    /// From now on, calls under `key` are those of the invocation that `caller` began.
    pub fn enter_as(&self, key: &str, caller: Caller) {
        self.entered.borrow_mut().insert(key.to_owned(), caller);
    }

    /// The invocation under `key` has ended.
    pub fn leave(&self, key: &str) {
        self.entered.borrow_mut().remove(key);
    }

    /// The invocation under `key`; `None` for a key that no invocation has.
    pub fn of(&self, key: &str) -> Option<Caller> {
        self.entered.borrow().get(key).cloned()
    }

    /// The ports on which a request under `key` is answered. `likewise` is the step that makes such a call, and `region`
    /// the one that a key without an invocation calls from.
    pub fn ports(&self, key: &str, likewise: Step, act: Act, region: &Region) -> SimPorts {
        match (self.of(key), act) {
            (Some(caller), Act::Look | Act::Change) => self.world.ports_for(&caller),
            (None, Act::Look) => self.world.ports_of(likewise, region, ""),
            (None, Act::Change) => self.world.ports_of(likewise, region, &self.holder()),
        }
    }

    /// The run that holds the plan's lock; empty for none.
    fn holder(&self) -> String {
        let state = self.world.state();
        let lock = state.table.locks.get(&state.plan.name).filter(|l| l.state == LockState::Held);
        lock.map_or_else(String::new, |l| l.run.run_id.clone())
    }
}
