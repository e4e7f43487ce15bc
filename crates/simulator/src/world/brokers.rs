//! Amazon MQ brokers. ActiveMQ: a primary and a replica in the other Region, which is promoted. RabbitMQ: one broker in
//! each Region that know nothing of each other.
//!
//! A failover promotes the replica whatever has become of the primary. A switchover waits until both brokers agree, for
//! which it needs the primary, and towards its end neither takes messages
//! (<https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/initate-failover.html>).

use std::collections::BTreeMap;

use lifeboat_model::evidence::{BrokerSeen, BrokerState, Point, ReplicationRole};
use lifeboat_model::plan::{Broker, Engine, Name};
use lifeboat_model::report::Lane;
use lifeboat_model::request::Mode;
use lifeboat_model::{Direction, Period, Plan, Region, Timestamp};
use lifeboat_ports::{CallError, Fault, Receipt};

use super::World;
use super::work::{Work, finish, minutes, wobble};
use crate::service_times::{BROKER_DRAINS, BROKER_PROMOTION, BROKER_REJOIN, BROKER_WRITE_STOP};

/// How many messages wait in a RabbitMQ broker that clients use, at least: its consumers are never quite up to date.
const BACKLOG: f64 = 20.0;
/// Uses no further apart than this are one stretch of use.
const SAME_USE: Period = Period::seconds(10);

/// All brokers.
pub struct Brokers {
    /// By the plan's name for them.
    pub pairs: BTreeMap<Name, BrokerPair>,
    /// Every promotion that was accepted.
    pub promotions: Vec<Work>,
}

/// The two brokers that the plan knows by one name.
pub struct BrokerPair {
    /// The plan's words for them.
    pub broker: Broker,
    /// The broker in each Region.
    pub members: BTreeMap<Region, BrokerMember>,
    /// The Region whose replica is being promoted.
    pub operation: Option<Mode>,
    /// Whether neither broker takes messages: the end of a switchover.
    pub stopped: bool,
    /// Whether accepted promotions never end.
    pub stalls: bool,
}

/// The broker in one Region.
pub struct BrokerMember {
    /// Its state; a scenario may put another word, such as `REBOOT_IN_PROGRESS`.
    pub state: BrokerState,
    /// Its part in replication.
    pub role: ReplicationRole,
    /// How many queues it has declared (RabbitMQ).
    pub queues: u32,
    /// From when to when clients sent messages to it (RabbitMQ).
    pub uses: Vec<(Timestamp, Timestamp)>,
}

impl BrokerMember {
    fn new(engine: &Engine, serves: bool) -> Self {
        let (state, role, queues) = match (engine, serves) {
            (Engine::ActiveMq, true) => (BrokerState::Running, ReplicationRole::Primary, 0),
            (Engine::ActiveMq, false) => (BrokerState::Replica, ReplicationRole::Replica, 0),
            (Engine::RabbitMq { queues, .. }, _) => (BrokerState::Running, ReplicationRole::Alone, *queues),
        };
        Self { state, role, queues, uses: Vec::new() }
    }

    fn used(&mut self, now: Timestamp) {
        match self.uses.last_mut() {
            Some((_, last)) if now.ms_since(*last) <= SAME_USE.as_ms() => *last = now,
            Some(_) | None => self.uses.push((now, now)),
        }
    }

    /// How many messages wait: a few while the broker is used, and from then on fewer and fewer down to none.
    fn messages(&self, at: Timestamp) -> f64 {
        let begun = self.uses.iter().rev().find(|(from, _)| *from <= at);
        let Some((_, last)) = begun else { return 0.0 };
        let left = 1.0 - at.ms_since(*last).max(0) as f64 / BROKER_DRAINS.as_ms() as f64;
        ((BACKLOG + wobble(at)) * left.max(0.0)).ceil()
    }
}

impl Brokers {
    pub(super) fn new(plan: &Plan, direction: &Direction) -> Self {
        let pairs = plan.brokers.iter().map(|broker| {
            let member = |region: &Region| BrokerMember::new(&broker.engine, *region == direction.source);
            let state = BrokerPair {
                broker: broker.clone(),
                members: plan.regions.iter().map(|r| (r.clone(), member(r))).collect(),
                operation: None,
                stopped: false,
                stalls: false,
            };
            (broker.name.clone(), state)
        });
        Self { pairs: pairs.collect(), promotions: Vec::new() }
    }
}

impl BrokerPair {
    /// The Region of the primary broker (ActiveMQ).
    pub fn primary(&self) -> Option<&Region> {
        self.members.iter().find(|(_, m)| m.role == ReplicationRole::Primary).map(|(region, _)| region)
    }

    /// The Region whose broker takes the messages of the store in `region`.
    fn taker(&self, region: &Region) -> Option<Region> {
        let taker = match self.broker.engine {
            Engine::ActiveMq => self.primary().filter(|_| !self.stopped)?,
            Engine::RabbitMq { .. } => region,
        };
        let running = self.members.get(taker).is_some_and(|m| m.state == BrokerState::Running);
        running.then(|| taker.clone())
    }

    fn make_primary(&mut self, to: &Region, old_is_dark: bool) -> Option<Region> {
        let old = self.primary().cloned();
        for (region, member) in &mut self.members {
            (member.state, member.role) = match region == to {
                true => (BrokerState::Running, ReplicationRole::Primary),
                false if old_is_dark => (BrokerState::Other("REBOOT_IN_PROGRESS".to_owned()), ReplicationRole::Replica),
                false => (BrokerState::Replica, ReplicationRole::Replica),
            };
        }
        (self.operation, self.stopped) = (None, false);
        old
    }
}

impl World {
    pub(super) fn describe_broker(&self, broker: &Broker, region: &Region) -> Result<BrokerSeen, CallError> {
        let state = self.state();
        let member = state.brokers.pairs.get(&broker.name).and_then(|p| p.members.get(region));
        let Some(member) = member else {
            return Err(CallError::new("mq:DescribeBroker", region, Fault::NotFound));
        };
        let observed_at = self.now();
        Ok(BrokerSeen { observed_at, vantage: region.clone(), state: member.state.clone(), role: member.role })
    }

    /// How many messages waited in `broker` in `region`: one value a minute, none for the minutes in the dark.
    pub(crate) fn message_points(&self, broker: &Broker, region: &Region, since: Timestamp) -> Vec<Point> {
        self.broker_points(broker, region, since, BrokerMember::messages)
    }

    /// How many queues `broker` in `region` had declared: one value a minute, none for the minutes in the dark.
    pub(super) fn queue_points(&self, broker: &Broker, region: &Region, since: Timestamp) -> Vec<Point> {
        self.broker_points(broker, region, since, |member, _| f64::from(member.queues))
    }

    fn broker_points(
        &self,
        broker: &Broker,
        region: &Region,
        since: Timestamp,
        value: impl Fn(&BrokerMember, Timestamp) -> f64,
    ) -> Vec<Point> {
        let state = self.state();
        let member = state.brokers.pairs.get(&broker.name).and_then(|p| p.members.get(region));
        let Some(member) = member else { return Vec::new() };
        let lit = minutes(since, self.now()).filter(|at| !state.was_dark(region, *at));
        lit.map(|at| Point { at, value: value(member, at) }).collect()
    }

    /// Whether a message of the store in `region` would be taken.
    pub(super) fn broker_takes(&self, broker: &Name, region: &Region) -> bool {
        let state = self.state();
        let taker = state.brokers.pairs.get(broker).and_then(|p| p.taker(region));
        taker.is_some_and(|t| !state.dark.contains_key(&t))
    }

    /// Sends a message of the store in `region`; whether it was taken.
    pub(super) fn send_message(&self, broker: &Name, region: &Region) -> bool {
        let taken = self.broker_takes(broker, region);
        let now = self.now();
        let mut state = self.state_mut();
        if let Some(pair) = state.brokers.pairs.get_mut(broker).filter(|_| taken)
            && let Some(member) = pair.taker(region).and_then(|t| pair.members.get_mut(&t))
        {
            member.used(now);
        }
        taken
    }

    /// Accepts or refuses a promotion, and sets it going.
    pub(super) fn promote_broker(&self, broker: &Broker, target: &Region, mode: Mode) -> Result<Receipt, CallError> {
        let refuse = |fault, code: &str| {
            Err(CallError::new("mq:Promote", target, fault).saying(code, "refused by the simulated service"))
        };
        let now = self.now();
        {
            let mut state = self.state_mut();
            let Some(pair) = state.brokers.pairs.get_mut(&broker.name) else {
                return refuse(Fault::NotFound, "NotFoundException");
            };
            let is_replica = pair.members.get(target).is_some_and(|m| m.state == BrokerState::Replica);
            // "Failover depends on neither the health of the original primary region nor the inter-region network":
            // we take a switchover that waits for its primary not to forbid it. Assumption.
            let overrides = (pair.operation, mode) == (Some(Mode::Switchover), Mode::Failover);
            if !is_replica || pair.operation.is_some() && !overrides {
                return refuse(Fault::Invalid, "BadRequestException");
            }
            pair.operation = Some(mode);
            state.brokers.promotions.push(Work::accepted(&broker.name, target, now));
        }
        let (world, name, to) = (self.clone(), broker.name.clone(), target.clone());
        self.0.executor.spawn(async move { world.carry_out_broker_promotion(name, to, mode, now).await });
        Ok(Receipt { request_id: format!("mq-{}", now.as_ms()) })
    }

    async fn carry_out_broker_promotion(&self, name: Name, to: Region, mode: Mode, accepted: Timestamp) {
        let ends_at = accepted.plus(self.sample(BROKER_PROMOTION));
        let stop = match mode {
            Mode::Switchover => self.sample(BROKER_WRITE_STOP),
            Mode::Failover => Period::ms(0),
        };
        self.0.executor.sleep_until(ends_at.minus(stop)).await;
        if self.state().brokers.pairs.get(&name).is_none_or(|p| p.stalls) {
            return self.log(Lane::Databases, format!("{name}: the promotion of the broker does not end"));
        }
        match mode {
            Mode::Switchover => {
                self.with_brokers(&name, |pair| pair.stopped = true);
                self.0.executor.sleep_until(ends_at).await;
                while self.primary_is_dark(&name) {
                    self.sleep(Period::seconds(1)).await;
                }
                let overridden = |p: &BrokerPair| p.operation != Some(Mode::Switchover);
                if self.state().brokers.pairs.get(&name).is_none_or(overridden) {
                    return;
                }
            }
            Mode::Failover => {}
        }
        let dark = self.primary_is_dark(&name);
        self.with_brokers(&name, |pair| pair.make_primary(&to, dark));
        let now = self.now();
        finish(&mut self.state_mut().brokers.promotions, &name, accepted, now);
        self.log_since(Lane::Databases, accepted, format!("{name}: the primary broker moves to {to}"));
    }

    fn primary_is_dark(&self, name: &Name) -> bool {
        let state = self.state();
        let primary = state.brokers.pairs.get(name).and_then(BrokerPair::primary);
        primary.is_some_and(|p| state.dark.contains_key(p))
    }

    fn with_brokers<T>(&self, name: &Name, change: impl FnOnce(&mut BrokerPair) -> T) -> Option<T> {
        self.state_mut().brokers.pairs.get_mut(name).map(change)
    }

    /// After its Region came back, a broker that was given up while dark becomes a replica.
    pub(super) fn rejoin_brokers(&self, region: &Region) {
        let gave_up = |m: &BrokerMember| m.role == ReplicationRole::Replica && m.state != BrokerState::Replica;
        let waiting: Vec<Name> = {
            let state = self.state();
            let pairs = state.brokers.pairs.iter();
            pairs.filter(|(_, p)| p.members.get(region).is_some_and(gave_up)).map(|(name, _)| name.clone()).collect()
        };
        for name in waiting {
            let (world, region, began) = (self.clone(), region.clone(), self.now());
            self.0.executor.spawn(async move {
                world.pause(BROKER_REJOIN).await;
                world.with_brokers(&name, |pair| {
                    for member in pair.members.get_mut(&region).into_iter().filter(|m| gave_up(m)) {
                        member.state = BrokerState::Replica;
                    }
                });
                world.log_since(Lane::Databases, began, format!("{name}: the broker in {region} is a replica"));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{SOURCE, TARGET, plan, region, within, world};

    fn broker(world: &World, n: usize) -> Broker {
        world.state().plan.brokers[n].clone()
    }

    fn seen(world: &World, broker: &Broker, place: &str) -> (BrokerState, ReplicationRole) {
        let seen = world.describe_broker(broker, &region(place)).expect("described");
        (seen.state, seen.role)
    }

    #[test]
    fn a_failover_promotes_the_replica_of_a_dark_primary_which_comes_back_as_a_replica() {
        let world = world(plan());
        let orders = broker(&world, 0);
        within(&world, |world| async move {
            let name = &orders.name;
            assert!(world.send_message(name, &region(TARGET)), "the store there uses the primary");
            world.darken(&region(SOURCE));
            assert!(!world.send_message(name, &region(TARGET)));
            world.promote_broker(&orders, &region(TARGET), Mode::Failover).expect("accepted");
            assert_eq!(seen(&world, &orders, TARGET), (BrokerState::Replica, ReplicationRole::Replica));
            let again = world.promote_broker(&orders, &region(TARGET), Mode::Failover).expect_err("under way");
            assert_eq!(again.fault, Fault::Invalid);
            world.sleep(Period::seconds(151)).await;
            assert_eq!(seen(&world, &orders, TARGET), (BrokerState::Running, ReplicationRole::Primary));
            assert!(world.send_message(name, &region(TARGET)));
            world.light(&region(SOURCE));
            assert_ne!(seen(&world, &orders, SOURCE).0, BrokerState::Replica);
            world.sleep(Period::seconds(481)).await;
            assert_eq!(seen(&world, &orders, SOURCE), (BrokerState::Replica, ReplicationRole::Replica));
        });
    }

    #[test]
    fn a_switchover_needs_the_primary_and_stops_messages_for_a_while() {
        let world = world(plan());
        let orders = broker(&world, 0);
        within(&world, |world| async move {
            world.promote_broker(&orders, &region(TARGET), Mode::Switchover).expect("accepted");
            let mut refused = 0;
            for _ in 0..150 {
                world.sleep(Period::seconds(1)).await;
                refused += u32::from(!world.send_message(&orders.name, &region(SOURCE)));
            }
            assert!((2..=21).contains(&refused), "{refused}");
            assert_eq!(seen(&world, &orders, SOURCE), (BrokerState::Replica, ReplicationRole::Replica));
            world.darken(&region(TARGET));
            world.promote_broker(&orders, &region(SOURCE), Mode::Switchover).expect("accepted");
            world.sleep(Period::seconds(600)).await;
            assert_eq!(
                world.state().brokers.pairs.get(&orders.name).and_then(BrokerPair::primary),
                Some(&region(TARGET))
            );
        });
    }

    #[test]
    fn rabbitmq_drains_after_the_last_use_and_names_its_queues() {
        let world = world(plan());
        let events = broker(&world, 1);
        within(&world, |world| async move {
            let began = world.now();
            for _ in 0..130 {
                world.sleep(Period::seconds(1)).await;
                assert!(world.send_message(&events.name, &region(SOURCE)));
            }
            world.sleep(Period::seconds(180)).await;
            let values = |place: &str| -> Vec<f64> {
                world.message_points(&events, &region(place), began).iter().map(|p| p.value).collect()
            };
            let source = values(SOURCE);
            assert!(source[0] >= BACKLOG && source[1] >= BACKLOG, "{source:?}");
            assert!(source[2] < BACKLOG, "{source:?}");
            assert_eq!(source[3..], [0.0, 0.0]);
            assert_eq!(values(TARGET), [0.0; 5]);
            assert_eq!(world.queue_points(&events, &region(TARGET), began).last().map(|p| p.value), Some(3.0));
            let member = BrokerState::Other("REBOOT_IN_PROGRESS".to_owned());
            world.with_brokers(&events.name, |p| p.members.get_mut(&region(TARGET)).map(|m| m.state = member));
            assert!(!world.send_message(&events.name, &region(TARGET)), "its own Region's broker has to run");
            assert!(world.send_message(&events.name, &region(SOURCE)));
        });
    }
}
