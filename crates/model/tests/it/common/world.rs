//! What `assess` sees of a world in which a run may go, to be spoiled by its tests.

use lifeboat_model::decide::{DatabaseSeen, ResourceSeen, ResourcesSeen, Seen, assess};
use lifeboat_model::evidence::{
    BrokerSeen, CanaryResults, GlobalCache, GlobalDatabase, GlobalTable, Operation, OperationPhase, Point,
    RoutingStates, ServiceSeen, Switch,
};
use lifeboat_model::lock::Lock;
use lifeboat_model::request::Mode;
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Plan, ReasonCode, Timestamp};

use crate::common::{NOW, at, codes, described, east, held, plan, point, west};

/// Everything that one verdict rests on.
#[derive(Clone)]
pub struct World {
    pub plan: Plan,
    pub lock: Lock,
    pub databases: Vec<(GlobalDatabase, Vec<Point>)>,
    pub resources: Resources,
    pub canaries: Vec<CanaryResults>,
    pub routing: RoutingStates,
}

/// What came of looking at a resource.
#[derive(Clone)]
pub enum Look<S> {
    Saw(S),
    /// It was asked and did not answer.
    Silent,
    /// Nobody asked.
    Forgotten,
}

/// The looks at the plan's resources, in the plan's order.
#[derive(Clone, Default)]
pub struct Resources {
    pub caches: Vec<Look<(GlobalCache, Vec<Point>)>>,
    pub tables: Vec<Look<(GlobalTable, Vec<Point>)>>,
    pub brokers: Vec<Look<(BrokerSeen, Vec<Point>)>>,
    pub services: Vec<Look<ServiceSeen>>,
}

fn looked<'a, R, S: Clone>(resources: &'a [R], looks: &[Look<S>]) -> Vec<ResourceSeen<'a, R, S>> {
    let seen = |(resource, look): (&'a R, &Look<S>)| match look {
        Look::Saw(state) => Some(ResourceSeen { resource, state: Some(state.clone()) }),
        Look::Silent => Some(ResourceSeen { resource, state: None }),
        Look::Forgotten => None,
    };
    resources.iter().zip(looks).filter_map(seen).collect()
}

/// One result a minute for ten minutes, the last one half a minute ago, of which the newest `red` failed.
pub fn results(red: usize) -> Vec<Point> {
    (0..10).rev().map(|n| point(at(-30 - 60 * n as i64), if n < red { 0.0 } else { 100.0 })).collect()
}

/// One value a minute, the last one half a minute ago.
pub fn lag(ms: f64) -> Vec<Point> {
    (0..33).rev().map(|n| point(at(-30 - 60 * n), ms)).collect()
}

/// A world in which a run in `mode` may go: for a failover the source has failed its last three canary runs.
pub fn good(mode: Mode) -> World {
    let plan = plan();
    let red = match mode {
        Mode::Switchover => 0,
        Mode::Failover => 3,
    };
    let of = |c: &lifeboat_model::plan::Canary| CanaryResults {
        canary: c.name.clone(),
        runs_in: c.runs_in.clone(),
        points: results(if c.watches == east() { red } else { 0 }),
    };
    let controls = plan.routing.controls.iter();
    World {
        lock: held(mode),
        databases: plan.databases.iter().map(|d| (described(d, &west(), &east()), lag(400.0))).collect(),
        resources: Resources::default(),
        canaries: plan.canaries.iter().filter(|c| c.runs_in != east()).map(of).collect(),
        routing: RoutingStates {
            observed_at: NOW,
            endpoint: west(),
            states: controls.map(|(r, c)| (c.clone(), if *r == east() { Switch::On } else { Switch::Off })).collect(),
        },
        plan,
    }
}

impl World {
    pub fn verdict(&self) -> Verdict {
        self.verdict_at(NOW)
    }

    pub fn verdict_at(&self, now: Timestamp) -> Verdict {
        let seen = self.plan.databases.iter().zip(&self.databases);
        let databases = seen
            .map(|(database, (state, lag_ms))| DatabaseSeen { database, state: state.clone(), lag_ms: lag_ms.clone() })
            .collect();
        let resources = ResourcesSeen {
            caches: looked(&self.plan.caches, &self.resources.caches),
            tables: looked(&self.plan.tables, &self.resources.tables),
            brokers: looked(&self.plan.brokers, &self.resources.brokers),
            services: looked(&self.plan.services, &self.resources.services),
        };
        let seen = Seen { databases, resources, canaries: self.canaries.clone(), routing: self.routing.clone() };
        assess(&self.plan, &self.lock, &seen, now)
    }

    /// The codes of the reasons, sorted.
    pub fn codes(&self) -> Vec<ReasonCode> {
        let mut codes = codes(&self.verdict().reasons);
        codes.sort_by_key(|c| c.as_str());
        codes
    }

    pub fn points(&mut self, canary: &str) -> &mut Vec<Point> {
        let found = self.canaries.iter_mut().find(|c| c.canary == canary);
        &mut found.expect("a canary that is asked").points
    }

    pub fn state(&mut self) -> &mut GlobalDatabase {
        &mut self.databases[0].0
    }

    pub fn lag(&mut self) -> &mut Vec<Point> {
        &mut self.databases[0].1
    }

    /// Moves every writer to the target, and traffic as well.
    pub fn move_all(&mut self) {
        for (database, (state, _)) in self.plan.databases.iter().zip(&mut self.databases) {
            *state = described(database, &west(), &west());
        }
        for switch in self.routing.states.values_mut() {
            *switch = if *switch == Switch::On { Switch::Off } else { Switch::On };
        }
    }

    pub fn operate(&mut self, phase: &str, target: bool) {
        let region = if target { west() } else { east() };
        let to = self.plan.databases[0].clusters.get(&region).expect("a cluster").clone();
        self.state().operation = Some(Operation { phase: OperationPhase::from_aws(phase), to });
    }
}

/// Not every subject needs every way to spoil it.
const _: () = {
    let _ = (results, lag, good, World::verdict, World::verdict_at, World::codes, World::points, World::state);
    let _ = (World::lag, World::move_all, World::operate);
    let _ = (|| Look::Saw(()), Look::<()>::Silent, Look::<()>::Forgotten);
};
