//! What must be true just before a cache or broker is promoted, or a service scaled.

use lifeboat_model::Region;
use lifeboat_model::journal::newest_verdict;
use lifeboat_model::lock::Lock;
use lifeboat_model::plan::{Broker, Cache, Engine, Service};
use lifeboat_model::request::Mode;

use super::mutations::{LOOK_FRESH, is_fresh};
use super::{Around, Size};
use crate::world::{Caller, World};

/// A promotion, whatever is promoted.
struct Promoted<'a> {
    name: &'a str,
    target: &'a Region,
    /// The read that shows its state.
    look: &'static str,
    in_plan: bool,
}

impl World {
    pub(super) fn check_cache_promotion(
        &self,
        cache: &Cache,
        target: &Region,
        caller: &Caller,
        lock: Option<&Lock>,
        around: &Around,
    ) {
        let in_plan = self.state().plan.caches.contains(cache) && cache.groups.contains_key(target);
        let look = "elasticache:DescribeGlobalReplicationGroups";
        let promoted = Promoted { name: cache.name.as_str(), target, look, in_plan };
        self.check_promoted(&promoted, caller, lock, around);
    }

    pub(super) fn check_broker_promotion(
        &self,
        broker: &Broker,
        target: &Region,
        mode: Mode,
        caller: &Caller,
        lock: Option<&Lock>,
        around: &Around,
    ) {
        let replicates = match broker.engine {
            Engine::ActiveMq => true,
            Engine::RabbitMq { .. } => false,
        };
        let in_plan = self.state().plan.brokers.contains(broker) && broker.brokers.contains_key(target) && replicates;
        let promoted = Promoted { name: broker.name.as_str(), target, look: "mq:DescribeBroker", in_plan };
        self.check_promoted(&promoted, caller, lock, around);
        let as_admitted = lock.is_some_and(|l| l.run.mode == mode);
        self.check("S6", as_admitted, || format!("{}: a {} that was not asked for", broker.name, mode.as_str()));
    }

    fn check_promoted(&self, promoted: &Promoted<'_>, caller: &Caller, lock: Option<&Lock>, around: &Around) {
        let Promoted { name, target, look, in_plan } = *promoted;
        self.check("S16", in_plan, || format!("{name} in {target} is not in the plan"));
        let forward = lock.is_some_and(|l| l.run.direction.target == *target);
        self.check("S11", forward, || format!("{name} is moved to {target}, which is not the run's target"));
        let consented = lock.is_some_and(|l| match l.run.mode {
            Mode::Switchover => true,
            Mode::Failover => l.run.consent.as_ref().is_some_and(|c| self.is_within(c, caller, around.sent)),
        });
        self.check("S6", consented, || format!("{name} is failed over without consent"));
        let looked = self.newest_call(caller, look, name);
        let fresh = looked.is_some_and(|at| is_fresh(at, LOOK_FRESH, caller, around.now));
        let go = newest_verdict(&around.journal).is_some_and(|v| v.go());
        self.check("S8", fresh && go, || format!("{name} is promoted without a fresh look or a verdict to go"));
    }

    pub(super) fn check_compute(&self, service: &Service, region: &Region, to: Size) {
        let (in_plan, upwards) = {
            let state = self.state();
            let in_plan = state.plan.services.contains(service) && service.placements.contains_key(region);
            let fleet = state.compute.fleets.get(&(service.name.clone(), region.clone()));
            let upwards = fleet.is_some_and(|f| match to {
                Size::Minimum(tasks) => f.scaling.is_none_or(|s| tasks >= s.minimum),
                Size::Desired(tasks) => tasks >= f.desired,
                Size::ScalesIn => true,
            });
            (in_plan, upwards)
        };
        self.check("S16", in_plan, || format!("{} in {region} is not in the plan", service.name));
        self.check("S16", upwards, || format!("{} in {region} shrinks: {to:?}", service.name));
    }
}
