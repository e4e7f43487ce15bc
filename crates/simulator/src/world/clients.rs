//! Clients that resolve, read and write, and what became of each request: availability and RTO are measured here.

use std::collections::BTreeMap;

use lifeboat_model::plan::{Name, Requirement};
use lifeboat_model::report::AvailabilitySecond;
use lifeboat_model::{Period, Region, Timestamp};

use super::World;
use crate::service_times::WRITER_ENDPOINT_CACHE;

/// How many clients there are.
pub const CLIENTS: u16 = 40;
/// How often each makes a request.
const EVERY: Period = Period::seconds(1);

/// The clients and what became of their requests.
pub struct Clients {
    /// The second from which seconds are counted.
    began: Timestamp,
    /// Each client's phase within the second.
    phases: Vec<Period>,
    /// For each client the last request that failed and the last that succeeded.
    pub last: Vec<LastRequests>,
    /// Requests in each second since the beginning.
    pub seconds: Vec<AvailabilitySecond>,
    /// Each time that requests failed: from the first failure until every client was served again.
    pub disruptions: Vec<(Timestamp, Timestamp)>,
    /// When the disruption that is going on began.
    disrupted_since: Option<Timestamp>,
    /// Requests made.
    pub total: u64,
    /// Requests that failed.
    pub failed: u64,
    /// What the store's services in a Region hold to be the writer of a database, and until when they believe it.
    writers: BTreeMap<Region, BTreeMap<Name, (Region, Timestamp)>>,
    /// When a client last sent a request to a Region, after so many changes of routing.
    pub last_use: BTreeMap<usize, BTreeMap<Region, Timestamp>>,
    /// Regions in which the store's services fail.
    pub broken_services: Vec<Region>,
    /// The Region that DNS last sent each client to.
    pub answers: Vec<Option<Region>>,
}

/// What a write request of a client goes to.
enum Written {
    Database(Name),
    Cache(Name, Requirement),
    Broker(Name, Requirement),
}

/// One client's last requests.
#[derive(Clone, Copy, Debug, Default)]
pub struct LastRequests {
    /// The last that failed.
    pub failure: Option<Timestamp>,
    /// The last that succeeded.
    pub success: Option<Timestamp>,
}

impl Clients {
    pub(super) fn new(rng: &mut fastrand::Rng, began: Timestamp) -> Self {
        Self {
            began,
            phases: (0..CLIENTS).map(|_| Period::ms(rng.u32(0..1000))).collect(),
            last: vec![LastRequests::default(); usize::from(CLIENTS)],
            seconds: Vec::new(),
            disruptions: Vec::new(),
            disrupted_since: None,
            total: 0,
            failed: 0,
            writers: BTreeMap::new(),
            last_use: BTreeMap::new(),
            broken_services: Vec::new(),
            answers: vec![None; usize::from(CLIENTS)],
        }
    }

    /// Leaves only the first so many: enough to see whether the workload is served.
    pub(crate) fn keep(&mut self, clients: usize) {
        self.phases.truncate(clients);
        self.last.truncate(clients);
        self.answers.truncate(clients);
    }

    /// Whether every client's last request succeeded.
    pub fn all_served(&self) -> bool {
        self.last.iter().all(|l| l.success > l.failure)
    }

    /// Which part of the clients DNS last sent to `region`, from 0 to 1.
    pub fn share_of(&self, region: &Region) -> f64 {
        let sent = self.answers.iter().filter(|a| a.as_ref() == Some(region)).count();
        sent as f64 / self.answers.len().max(1) as f64
    }

    fn count(&mut self, client: usize, at: Timestamp, ok: bool) {
        let second = usize::try_from(at.ms_since(self.began) / 1000).unwrap_or(0);
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, AvailabilitySecond::default());
        }
        let (Some(bucket), Some(last)) = (self.seconds.get_mut(second), self.last.get_mut(client)) else { return };
        self.total += 1;
        if ok {
            bucket.ok += 1;
            last.success = Some(at);
            if let Some(since) = self.disrupted_since.filter(|_| self.all_served()) {
                self.disruptions.push((since, at));
                self.disrupted_since = None;
            }
        } else {
            bucket.failed += 1;
            last.failure = Some(at);
            self.failed += 1;
            self.disrupted_since.get_or_insert(at);
        }
    }
}

impl World {
    pub(super) fn start_clients(&self) {
        let phases = self.state().clients.phases.clone();
        for (client, phase) in phases.into_iter().enumerate() {
            let world = self.clone();
            self.0.executor.spawn(async move { world.be_client(client, phase).await });
        }
    }

    async fn be_client(&self, client: usize, phase: Period) {
        self.sleep(phase).await;
        let ttl = self.state().plan.dns.first().map_or(Period::seconds(60), |d| d.ttl);
        // Clients came at different times, so their caches expire at different times.
        let age = Period::ms((self.chance() * ttl.as_ms() as f64) as u32);
        let mut region = self.resolve_for(client);
        let mut expires = self.now().plus(ttl).minus(age);
        let mut turn = client;
        loop {
            if self.now() >= expires {
                region = self.resolve_for(client);
                expires = self.now().plus(ttl);
            }
            let ok = !self.sheds(&region)
                && match turn.is_multiple_of(2) {
                    true => self.store_reads(&region),
                    false => self.store_writes(&region, turn / 2),
                };
            let now = self.now();
            {
                let mut state = self.state_mut();
                let changes = state.traffic.changes.len();
                let last_use = state.clients.last_use.entry(changes).or_default();
                match last_use.get_mut(&region) {
                    Some(at) => *at = now,
                    None => _ = last_use.insert(region.clone(), now),
                }
                state.clients.count(client, now, ok);
            }
            turn += 1;
            self.sleep(EVERY).await;
        }
    }

    /// Whether the store in `region` answers a read: from the database's member there.
    pub(super) fn store_reads(&self, region: &Region) -> bool {
        !self.is_dark(region) && !self.state().clients.broken_services.contains(region)
    }

    /// Where DNS sends the client now.
    fn resolve_for(&self, client: usize) -> Region {
        let region = self.region_for(client);
        if let Some(answer) = self.state_mut().clients.answers.get_mut(client) {
            *answer = Some(region.clone());
        }
        region
    }

    /// Whether the store in `region` has too few tasks for this request: it turns the surplus away, by chance.
    fn sheds(&self, region: &Region) -> bool {
        let fit = self.fit_for(region);
        fit < 1.0 && self.chance() >= fit
    }

    /// What a write with this `turn` goes to.
    fn written_with(&self, turn: usize) -> Option<Written> {
        let state = self.state();
        let (databases, caches) = (&state.aurora.databases, &state.caches.datastores);
        let pairs = &state.brokers.pairs;
        let n = turn % (databases.len() + caches.len() + pairs.len()).max(1);
        let after_databases = n.checked_sub(databases.len());
        let after_caches = after_databases.and_then(|n| n.checked_sub(caches.len()));
        match (after_databases, after_caches) {
            (None, _) => databases.keys().nth(n).map(|name| Written::Database(name.clone())),
            (Some(n), None) => {
                caches.values().nth(n).map(|d| Written::Cache(d.cache.name.clone(), d.cache.requirement))
            }
            (_, Some(n)) => pairs.values().nth(n).map(|p| Written::Broker(p.broker.name.clone(), p.broker.requirement)),
        }
    }

    /// Whether the store in `region` takes a write, to what is up with this `turn`: each database, cache and broker in
    /// turn. The store does without those of which the plan says that traffic may move without them.
    pub(super) fn store_writes(&self, region: &Region, turn: usize) -> bool {
        let written = self.written_with(turn);
        let reads = || self.store_reads(region);
        match written {
            None => false,
            Some(Written::Database(database)) => {
                self.writer_for(region, &database).is_some_and(|w| self.write(&database, &w).is_some())
            }
            Some(Written::Cache(cache, requirement)) => reads() && may_fail(self.write_cache(&cache), requirement),
            Some(Written::Broker(broker, requirement)) => {
                reads() && may_fail(self.send_message(&broker, region), requirement)
            }
        }
    }

    /// Whether a write of the store in `region` would reach a writer, a primary and a broker, without making one.
    pub(super) fn store_could_write(&self, region: &Region) -> bool {
        let names: Vec<Name> = self.state().aurora.databases.keys().cloned().collect();
        let databases = names.iter().all(|database| {
            let writer = self.writer_for(region, database);
            let state = self.state();
            writer.is_some_and(|w| state.aurora.databases.get(database).is_some_and(|db| db.accepting.contains(&w)))
        });
        let state = self.state();
        let caches = state.caches.datastores.values();
        databases
            && caches.into_iter().all(|d| may_fail(!state.dark.contains_key(&d.primary), d.cache.requirement))
            && state.brokers.pairs.iter().all(|(n, p)| may_fail(self.broker_takes(n, region), p.broker.requirement))
    }

    /// The writer that the store in `region` uses, if it is reachable: by the global writer endpoint, as cached.
    fn writer_for(&self, region: &Region, database: &Name) -> Option<Region> {
        if !self.store_reads(region) {
            return None;
        }
        let now = self.now();
        let mut state = self.state_mut();
        let known = state.clients.writers.get(region).and_then(|of| of.get(database));
        let fresh = known.filter(|(_, until)| *until > now).map(|(w, _)| w.clone());
        let writer = match fresh {
            Some(writer) => writer,
            None => {
                let writer = state.aurora.databases.get(database)?.writer.clone();
                let seen = (writer.clone(), now.plus(WRITER_ENDPOINT_CACHE));
                state.clients.writers.entry(region.clone()).or_default().insert(database.clone(), seen);
                writer
            }
        };
        (!state.dark.contains_key(&writer)).then_some(writer)
    }
}

/// Whether a request succeeds: the store does without what traffic may move without.
fn may_fail(works: bool, requirement: Requirement) -> bool {
    match requirement {
        Requirement::Required => works,
        Requirement::BestEffort => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{SOURCE, TARGET, plan, region, world};

    #[test]
    fn a_checkout_needs_its_cache_unless_the_plan_does_without() {
        // Databases first, then caches, then brokers: the second write goes to the cache.
        let cache = 1;
        for (requirement, works) in [(Requirement::Required, false), (Requirement::BestEffort, true)] {
            let mut plan = plan();
            plan.caches[0].requirement = requirement;
            let world = world(plan);
            assert!(world.store_writes(&region(TARGET), cache));
            assert_eq!(world.state().caches.datastores.values().map(|d| d.writes.len()).sum::<usize>(), 1);
            world.darken(&region(SOURCE));
            assert_eq!(world.store_writes(&region(TARGET), cache), works);
            assert!(!world.store_writes(&region(SOURCE), cache), "the store there is dark");
        }
    }

    #[test]
    fn a_canary_that_writes_sees_a_broker_that_does_not_run() {
        let world = world(plan());
        assert!(world.store_could_write(&region(TARGET)));
        for pair in world.state_mut().brokers.pairs.values_mut() {
            if let Some(member) = pair.members.get_mut(&region(TARGET)) {
                member.state = lifeboat_model::evidence::BrokerState::Other("REBOOT_IN_PROGRESS".to_owned());
            }
        }
        assert!(!world.store_could_write(&region(TARGET)), "its own RabbitMQ broker");
        assert!(world.store_could_write(&region(SOURCE)), "the replica is not written to");
    }

    #[test]
    fn requests_are_shed_in_proportion_to_the_tasks_that_are_missing() {
        let world = world(plan());
        world.state_mut().clients.answers.fill(Some(region(TARGET)));
        let shed = (0..7_000).filter(|_| world.sheds(&region(TARGET))).count();
        assert!((2_800..3_200).contains(&shed), "{shed} of 7000, where 4 of 7 tasks run");
        assert!(!(0..100).any(|_| world.sheds(&region(SOURCE))));
    }
}
