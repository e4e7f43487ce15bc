//! What happens in each scenario.

use lifeboat_model::evidence::BrokerState;
use lifeboat_model::report::Lane;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Direction, Period, Region};

use super::Scenario;
use super::people::{after_failover, be_approver, go_and_come_home, operator_starts, runs_end};
use crate::orders::Order;
use crate::world::{StartedBy, World};

/// How long the world runs before anything happens: canaries and metrics have a past then.
pub(super) const WARM_UP: Period = Period::seconds(300);
/// After the last run ended: how long to wait for every client to be served, a DNS lifetime and more.
pub(super) const AFTERMATH: Period = Period::seconds(180);
/// How long the source is away each time that it flaps.
const FLAP_DARK: Period = Period::seconds(600);
/// How long it is back in between.
const FLAP_LIGHT: Period = Period::seconds(600);
/// How long a person thinks before they approve.
const THINKS: Period = Period::seconds(240);
/// While a person thinks: how long until the source comes back, and how long it stays.
const BACK_AFTER: Period = Period::seconds(60);
/// Long enough for every canary to see it, short enough that it is seen dark again before the person answers.
const BACK_FOR: Period = Period::seconds(150);
/// How long a person thinks who meanwhile sees the source come and go.
const THINKS_LONGER: Period = Period::seconds(480);

impl Scenario {
    /// Makes it happen, until there is nothing left to see.
    pub(crate) async fn play(self, world: World, mode: Mode) {
        let Direction { source, target } = world.state().direction.clone();
        self.prepare(&world, &source, &target);
        world.start();
        world.sleep(world.quickened(WARM_UP)).await;
        world.sleep(world.quickened(Period::ms(world.below(60_000) as u32))).await;
        self.happen(&world, mode, &source, &target).await;
        runs_end(&world).await;
        let order = world.state().order;
        match order {
            Order::Lifeboat => {}
            Order::GuidanceSample | Order::Sequential => return world.clients_settle().await,
        }
        let until = world.now().plus(AFTERMATH);
        while !world.state().clients.all_served() && world.now() < until {
            world.sleep(Period::seconds(1)).await;
        }
        world.sleep(Period::seconds(5)).await;
    }

    async fn happen(self, world: &World, mode: Mode, source: &Region, target: &Region) {
        match (self, mode) {
            (Self::RegionalOutage, Mode::Switchover) => {
                world.darken(source);
                world.sleep(Period::seconds(200)).await;
                operator_starts(world, target, "moved-by-hand", mode, Purpose::Act);
            }
            (
                Self::RegionalOutage
                | Self::LagOverLimit
                | Self::PromotionStalls
                | Self::TargetUnhealthy
                | Self::RoutingEndpointsDown
                | Self::CacheStalls
                | Self::BrokerAbsent
                | Self::CapacityShort
                | Self::ActiveActiveOutage,
                _,
            ) => world.darken(source),
            (Self::ApprovedFailover, _) => {
                world.darken(source);
                be_approver(world, THINKS).await;
            }
            (Self::LagGrowsWhileAsking, _) => {
                world.darken(source);
                let (flapping, region) = (world.clone(), source.clone());
                be_approver_while(world, THINKS_LONGER, async move {
                    flapping.sleep(BACK_AFTER).await;
                    fall_behind(&flapping);
                    flapping.light(&region);
                    flapping.sleep(BACK_FOR).await;
                    flapping.darken(&region);
                })
                .await;
            }
            (Self::PlannedSwitchover | Self::Failback | Self::ActiveActiveSwitchover, _) => {
                let order = world.state().order;
                match order {
                    Order::Lifeboat => operator_starts(world, target, "planned-move", mode, Purpose::Act),
                    Order::GuidanceSample | Order::Sequential => world.begin_order(order, mode, StartedBy::Operator),
                }
            }
            (Self::Rehearsal, _) => operator_starts(world, target, "rehearsal", mode, Purpose::Rehearse),
            (Self::TwoOperators, _) => {
                operator_starts(world, target, "to-the-target", mode, Purpose::Act);
                operator_starts(world, source, "the-other-way", mode, Purpose::Act);
            }
            (Self::RoundTrip, _) => go_and_come_home(world, source).await,
            (Self::FlappingAlarm, _) => {
                for _ in 0..2 {
                    world.darken(source);
                    world.sleep(FLAP_DARK).await;
                    world.light(source);
                    world.sleep(FLAP_LIGHT).await;
                }
            }
        }
    }

    fn prepare(self, world: &World, source: &Region, target: &Region) {
        match self {
            Self::LagOverLimit => fall_behind(world),
            Self::PromotionStalls => {
                if let Some(db) = world.state_mut().aurora.databases.values_mut().next_back() {
                    db.stalls = true;
                }
            }
            Self::Failback => {
                let mut state = world.state_mut();
                let (name, lock) = (state.plan.name.clone(), after_failover(source, target));
                state.table.locks.insert(name, lock);
            }
            Self::TargetUnhealthy => {
                world.log(Lane::World, format!("the store's services in {target} fail"));
                world.state_mut().clients.broken_services.push(target.clone());
            }
            Self::RoutingEndpointsDown => {
                let other = endpoint_outside(world, source);
                world.log(Lane::World, format!("the routing-control endpoint in {other} is down"));
                world.state_mut().traffic.endpoints_down.insert(other);
            }
            Self::CacheStalls => {
                for datastore in world.state_mut().caches.datastores.values_mut() {
                    datastore.stalls = true;
                }
            }
            Self::BrokerAbsent => {
                world.log(Lane::World, format!("the brokers in {target} do not run"));
                for pair in world.state_mut().brokers.pairs.values_mut() {
                    if let Some(member) = pair.members.get_mut(target) {
                        member.state = BrokerState::Other("CRITICAL_ACTION_REQUIRED".to_owned());
                    }
                }
            }
            Self::CapacityShort => {
                world.log(Lane::World, format!("{target} has no room for more tasks"));
                for ((_, region), fleet) in &mut world.state_mut().compute.fleets {
                    if region == target {
                        fleet.capacity = fleet.running;
                    }
                }
            }
            Self::RegionalOutage
            | Self::PlannedSwitchover
            | Self::TwoOperators
            | Self::FlappingAlarm
            | Self::RoundTrip
            | Self::ApprovedFailover
            | Self::LagGrowsWhileAsking
            | Self::ActiveActiveOutage
            | Self::ActiveActiveSwitchover
            | Self::Rehearsal => {}
        }
    }
}

/// Replication of every database falls behind by more than anybody accepts.
fn fall_behind(world: &World) {
    world.log(Lane::World, "replication falls 90 s behind");
    for db in world.state_mut().aurora.databases.values_mut() {
        db.extra_lag = Period::seconds(90);
    }
}

/// A person who approves after `thinks`, while `meanwhile` happens from the moment on that they are asked.
async fn be_approver_while(world: &World, thinks: Period, meanwhile: impl Future<Output = ()> + 'static) {
    super::people::asked(world).await;
    world.executor().spawn(meanwhile);
    be_approver(world, thinks).await;
}

fn endpoint_outside(world: &World, source: &Region) -> Region {
    let state = world.state();
    let others: Vec<&Region> =
        state.plan.routing.endpoints.iter().map(|e| &e.region).filter(|r| *r != source).collect();
    let n = world.below(others.len());
    others.get(n).map_or_else(|| source.clone(), |r| (*r).clone())
}
