//! The world: two Regions and what is in them.
//!
//! One file a service. State changes happen at a point in virtual time, between awaits; no borrow outlives one.

pub mod aurora;
pub mod brokers;
pub mod caches;
pub mod clients;
pub mod compute;
#[cfg(test)]
pub(crate) mod fixture;
mod histories;
mod lambda;
mod ledger;
mod log;
pub mod messages;
mod ports;
mod process;
mod step_functions;
pub mod tables;
mod task_tokens;
pub mod traffic;
pub mod watchers;
mod work;

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;

use lifeboat_model::report::Lane;
use lifeboat_model::{Direction, Period, Plan, Region, Timestamp};

use crate::executor::Executor;
use crate::faults::Faults;
use crate::invariants::Invariants;
use crate::machine::Machine;
use crate::orders::Order;
use crate::service_times::{CANARY_INTERVAL, Span};

pub use histories::Histories;
pub use lambda::{CallRecord, Caller, FunctionHost};
pub use ledger::Table;
pub use log::{Happening, Log};
pub use ports::{Series, SimPorts};
pub use step_functions::{RunRecord, StartedBy};
pub use task_tokens::{Sent, TaskTokens};
pub use work::Work;

/// The virtual moment at which every drill begins: a fixed date keeps reports alike.
pub const BEGINNING: Timestamp = Timestamp::from_ms(1_767_225_600_000);

/// How fast the simulated services work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tempo {
    /// As AWS's do.
    #[default]
    Real,
    /// What takes AWS seconds takes a tenth of it: explorations are about what is called, not about waiting.
    Quick,
}

/// How much faster the quick services are.
const QUICKER: u32 = 10;

/// The world; clones share it.
#[derive(Clone)]
pub struct World(Rc<Inner>);

struct Inner {
    executor: Executor,
    rng: RefCell<fastrand::Rng>,
    tempo: Cell<Tempo>,
    machine: Rc<Machine>,
    state: RefCell<State>,
}

/// Everything that changes.
pub struct State {
    /// The plan that is stored at the beginning.
    pub plan: Plan,
    /// From where clients were served at the beginning, and to where the main run goes.
    pub direction: Direction,
    /// Who moves the workload, and in which order.
    pub order: Order,
    /// The Regions that are dark, and since when.
    pub dark: BTreeMap<Region, Timestamp>,
    /// When a Region was dark, and until when.
    pub outages: Vec<Outage>,
    /// Aurora.
    pub aurora: aurora::Aurora,
    /// ElastiCache.
    pub caches: caches::Caches,
    /// The workload's own tables.
    pub tables: tables::GlobalTables,
    /// Amazon MQ.
    pub brokers: brokers::Brokers,
    /// Amazon ECS.
    pub compute: compute::Fleets,
    /// Routing controls and DNS.
    pub traffic: traffic::TrafficState,
    /// The clients and what became of their requests.
    pub clients: clients::Clients,
    /// Canaries and alarms.
    pub watchers: watchers::Watchers,
    /// The table.
    pub table: Table,
    /// What was published and stored.
    pub messages: messages::Messages,
    /// Function environments and what was called from them.
    pub lambda: lambda::Lambda,
    /// Executions.
    pub runs: Vec<RunRecord>,
    /// The task tokens that executions wait for.
    pub tokens: TaskTokens,
    /// What is kept of executions.
    pub histories: Histories,
    /// Faults to come.
    pub faults: Faults,
    /// The invariants.
    pub invariants: Invariants,
    /// What happened.
    pub log: Log,
}

/// A Region's outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The Region.
    pub region: Region,
    /// When it went dark.
    pub from: Timestamp,
    /// When it came back.
    pub until: Option<Timestamp>,
}

impl State {
    /// Whether `region` was dark at `at`.
    pub fn was_dark(&self, region: &Region, at: Timestamp) -> bool {
        let of_region = self.outages.iter().filter(|o| &o.region == region);
        of_region.into_iter().any(|o| o.from <= at && o.until.is_none_or(|until| until > at))
    }
}

impl World {
    /// A world in which `direction.source` serves `plan`, with every chance in it drawn from `seed`.
    pub fn new(plan: Plan, direction: Direction, machine: Rc<Machine>, seed: u64) -> Self {
        Self::beginning_at(BEGINNING, plan, direction, machine, seed)
    }

    /// The same, from the moment `began` on: for a world that keeps pace with another clock.
    pub fn beginning_at(began: Timestamp, plan: Plan, direction: Direction, machine: Rc<Machine>, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let state = State {
            aurora: aurora::Aurora::new(&plan, &direction),
            caches: caches::Caches::new(&plan, &direction),
            tables: tables::GlobalTables::new(&plan),
            brokers: brokers::Brokers::new(&plan, &direction),
            compute: compute::Fleets::new(&plan, &direction),
            traffic: traffic::TrafficState::new(&plan, &direction),
            clients: clients::Clients::new(&mut rng, began),
            watchers: watchers::Watchers::default(),
            table: Table::holding(&plan),
            messages: messages::Messages::default(),
            lambda: lambda::Lambda::default(),
            dark: BTreeMap::new(),
            outages: Vec::new(),
            runs: Vec::new(),
            tokens: TaskTokens::default(),
            histories: Histories::default(),
            faults: Faults::default(),
            invariants: Invariants::default(),
            log: Log::new(began),
            order: Order::default(),
            plan,
            direction,
        };
        let (executor, tempo) = (Executor::new(began), Cell::new(Tempo::Real));
        Self(Rc::new(Inner { executor, rng: RefCell::new(rng), tempo, machine, state: RefCell::new(state) }))
    }

    /// Sets everything going that goes by itself: clients, canaries, alarms, scaling.
    pub fn start(&self) {
        self.start_clients();
        self.start_watchers();
        self.start_compute();
    }

    /// The executor.
    pub fn executor(&self) -> &Executor {
        &self.0.executor
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.0.executor.now()
    }

    /// Returns after `period`.
    pub async fn sleep(&self, period: Period) {
        self.0.executor.sleep(period).await;
    }

    /// A duration by chance.
    pub fn sample(&self, span: Span) -> Period {
        let sampled = span.sample(&mut self.0.rng.borrow_mut());
        if span.takes_seconds() { self.quickened(sampled) } else { sampled }
    }

    /// How fast the services work from now on.
    pub(crate) fn set_tempo(&self, tempo: Tempo) {
        self.0.tempo.set(tempo);
    }

    /// What takes `period` in the real tempo.
    pub(crate) fn quickened(&self, period: Period) -> Period {
        match self.0.tempo.get() {
            Tempo::Real => period,
            Tempo::Quick => Period::ms(period.as_ms() as u32 / QUICKER),
        }
    }

    /// The time between two runs of a canary.
    pub(crate) fn canary_interval(&self) -> Period {
        self.quickened(CANARY_INTERVAL)
    }

    /// Waits for a duration by chance.
    pub async fn pause(&self, span: Span) {
        let period = self.sample(span);
        self.sleep(period).await;
    }

    /// A number from 0 up to, not including, `bound`.
    pub fn below(&self, bound: usize) -> usize {
        self.0.rng.borrow_mut().usize(..bound.max(1))
    }

    /// A number from 0 to 1.
    pub fn chance(&self) -> f64 {
        self.0.rng.borrow_mut().f64()
    }

    /// Reads the state.
    pub fn state(&self) -> Ref<'_, State> {
        self.0.state.borrow()
    }

    /// Changes the state.
    pub fn state_mut(&self) -> RefMut<'_, State> {
        self.0.state.borrow_mut()
    }

    /// The state machine that runs here.
    pub fn machine(&self) -> Rc<Machine> {
        Rc::clone(&self.0.machine)
    }

    /// Whether `region` is dark.
    pub fn is_dark(&self, region: &Region) -> bool {
        self.state().dark.contains_key(region)
    }

    /// Takes a Region away: nothing in it answers, nothing leaves it.
    pub fn darken(&self, region: &Region) {
        let now = self.now();
        {
            let mut state = self.state_mut();
            state.dark.insert(region.clone(), now);
            state.outages.push(Outage { region: region.clone(), from: now, until: None });
        }
        self.end_functions(region);
        self.log(Lane::World, format!("{region} goes dark"));
    }

    /// Brings a Region back.
    pub fn light(&self, region: &Region) {
        let now = self.now();
        {
            let mut state = self.state_mut();
            state.dark.remove(region);
            for outage in state.outages.iter_mut().filter(|o| &o.region == region && o.until.is_none()) {
                outage.until = Some(now);
            }
        }
        self.log(Lane::World, format!("{region} comes back"));
        self.rejoin_databases(region);
        self.rejoin_caches(region);
        self.rejoin_brokers(region);
    }
}
