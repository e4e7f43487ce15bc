//! ElastiCache global datastores: asynchronous replication, promotions that take their time, the old primary's way back.
//!
//! A promotion is allowed at any time, also while another is under way; of several, the one accepted last wins (aws-facts
//! 4.1). Both members keep their roles until it ends. It does not wait for replication, planned or not: what has not
//! arrived when the primary is given up is lost.

use std::collections::BTreeMap;

use lifeboat_model::evidence::{Association, CacheMember, CacheRole, GlobalCache, Point, Status};
use lifeboat_model::plan::{Cache, Name};
use lifeboat_model::report::Lane;
use lifeboat_model::{Direction, Period, Plan, Region, Timestamp};
use lifeboat_ports::{CallError, Fault, Receipt};

use super::World;
use super::work::{Work, finish, minutes, wobble};
use crate::service_times::{CACHE_LAG, CACHE_PROMOTION, CACHE_REJOIN};

/// All global datastores.
pub struct Caches {
    /// By the plan's name for them.
    pub datastores: BTreeMap<Name, GlobalDatastore>,
    /// Every promotion that was accepted.
    pub promotions: Vec<Work>,
}

/// One global datastore.
pub struct GlobalDatastore {
    /// The plan's words for it.
    pub cache: Cache,
    /// The Region whose member takes writes.
    pub primary: Region,
    /// The promotion under way: where to, and when it was accepted.
    pub operation: Option<(Region, Timestamp)>,
    /// Members that are not in sync: they were given up while dark.
    pub rejoining: Vec<Region>,
    /// Whether accepted promotions never end.
    pub stalls: bool,
    /// Lag that a scenario adds.
    pub extra_lag: Period,
    /// Every acknowledged write.
    pub writes: Vec<CacheWrite>,
}

/// An acknowledged write to a cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheWrite {
    /// When it was acknowledged.
    pub at: Timestamp,
    /// The Region whose member took it.
    pub region: Region,
    /// When the other Region has it, if nothing stops it.
    pub arrives_at: Timestamp,
    /// Whether it was lost in a promotion.
    pub lost: bool,
}

impl Caches {
    pub(super) fn new(plan: &Plan, direction: &Direction) -> Self {
        let datastores = plan.caches.iter().map(|cache| {
            let state = GlobalDatastore {
                cache: cache.clone(),
                primary: direction.source.clone(),
                operation: None,
                rejoining: Vec::new(),
                stalls: false,
                extra_lag: Period::ms(0),
                writes: Vec::new(),
            };
            (cache.name.clone(), state)
        });
        Self { datastores: datastores.collect(), promotions: Vec::new() }
    }

    /// How many acknowledged writes were lost, over all datastores.
    pub fn writes_lost(&self) -> u64 {
        self.datastores.values().flat_map(|d| &d.writes).filter(|w| w.lost).count() as u64
    }
}

impl GlobalDatastore {
    fn member(&self, region: &Region, group: &str) -> CacheMember {
        CacheMember {
            group: group.to_owned(),
            role: if region == &self.primary { CacheRole::Primary } else { CacheRole::Secondary },
            association: match self.rejoining.contains(region) {
                true => Association::Other("Associating".to_owned()),
                false => Association::Associated,
            },
        }
    }

    fn give_primary_to(&mut self, to: &Region, dark_since: Option<Timestamp>, now: Timestamp) {
        self.operation = None;
        if &self.primary == to {
            return;
        }
        let cut = dark_since.unwrap_or(now);
        let old = std::mem::replace(&mut self.primary, to.clone());
        for write in self.writes.iter_mut().filter(|w| w.region == old && w.arrives_at > cut) {
            write.lost = true;
        }
        if dark_since.is_some() {
            self.rejoining.push(old);
        }
    }
}

impl World {
    /// What the control plane of `region` says of it now. Not a call: nobody is asked, and nothing is recorded.
    ///
    /// # Errors
    /// It is not known there.
    pub fn describe_cache(&self, cache: &Cache, region: &Region) -> Result<GlobalCache, CallError> {
        let state = self.state();
        let Some(datastore) = state.caches.datastores.get(&cache.name) else {
            let operation = "elasticache:DescribeGlobalReplicationGroups";
            return Err(CallError::new(operation, region, Fault::NotFound));
        };
        let status = match datastore.operation {
            Some(_) => Status::Other("modifying".to_owned()),
            None => Status::Available,
        };
        let members = datastore.cache.groups.iter().map(|(region, group)| datastore.member(region, group));
        Ok(GlobalCache { observed_at: self.now(), vantage: region.clone(), status, members: members.collect() })
    }

    /// The lag metric of the member in `region`, in milliseconds: one value a minute. It stops with the primary.
    pub(super) fn cache_lag_points(&self, cache: &Cache, region: &Region, since: Timestamp) -> Vec<Point> {
        let state = self.state();
        let Some(datastore) = state.caches.datastores.get(&cache.name) else { return Vec::new() };
        if &datastore.primary == region {
            return Vec::new();
        }
        let until = state.dark.get(&datastore.primary).copied().unwrap_or(self.now());
        let base = f64::from(CACHE_LAG.typical_ms) + datastore.extra_lag.as_ms() as f64;
        minutes(since, until).map(|at| Point { at, value: base + wobble(at) * 40.0 }).collect()
    }

    /// Takes a write if the present primary can be reached; whether it did.
    pub(super) fn write_cache(&self, cache: &Name) -> bool {
        let lag = self.sample(CACHE_LAG);
        let now = self.now();
        let mut state = self.state_mut();
        let dark: Vec<Region> = state.dark.keys().cloned().collect();
        let Some(datastore) = state.caches.datastores.get_mut(cache) else { return false };
        if dark.contains(&datastore.primary) {
            return false;
        }
        let arrives_at = now.plus(lag).plus(datastore.extra_lag);
        let region = datastore.primary.clone();
        datastore.writes.push(CacheWrite { at: now, region, arrives_at, lost: false });
        true
    }

    /// Accepts or refuses a promotion, and sets it going.
    pub(super) fn promote_cache(&self, cache: &Cache, target: &Region) -> Result<Receipt, CallError> {
        let refuse = |fault, code: &str| {
            let error = CallError::new("elasticache:FailoverGlobalReplicationGroup", target, fault);
            Err(error.saying(code, "refused by the simulated service"))
        };
        if !cache.groups.contains_key(target) {
            return refuse(Fault::Invalid, "InvalidParameterValue");
        }
        let now = self.now();
        {
            let mut state = self.state_mut();
            let Some(datastore) = state.caches.datastores.get_mut(&cache.name) else {
                return refuse(Fault::NotFound, "GlobalReplicationGroupNotFoundFault");
            };
            let goes_elsewhere = datastore.operation.as_ref().is_some_and(|(to, _)| to != target);
            let stays = datastore.primary == *target && !goes_elsewhere;
            if stays || datastore.rejoining.contains(target) {
                return refuse(Fault::Conflict, "InvalidGlobalReplicationGroupState");
            }
            datastore.operation = Some((target.clone(), now));
            state.caches.promotions.push(Work::accepted(&cache.name, target, now));
        }
        let (world, name, to) = (self.clone(), cache.name.clone(), target.clone());
        self.0.executor.spawn(async move { world.carry_out_cache_promotion(name, to, now).await });
        Ok(Receipt { request_id: format!("elasticache-{}", now.as_ms()) })
    }

    async fn carry_out_cache_promotion(&self, name: Name, to: Region, accepted: Timestamp) {
        self.pause(CACHE_PROMOTION).await;
        let now = self.now();
        let ended = {
            let mut state = self.state_mut();
            let dark = state.dark.clone();
            let Some(datastore) = state.caches.datastores.get_mut(&name) else { return };
            if datastore.operation.as_ref() != Some(&(to.clone(), accepted)) {
                return;
            }
            let ends = !datastore.stalls;
            if ends {
                let dark_since = dark.get(&datastore.primary).copied();
                datastore.give_primary_to(&to, dark_since, now);
                finish(&mut state.caches.promotions, &name, accepted, now);
            }
            ends
        };
        match ended {
            true => self.log_since(Lane::Databases, accepted, format!("{name}: the cache's primary moves to {to}")),
            false => self.log(Lane::Databases, format!("{name}: the promotion of the cache does not end")),
        }
    }

    /// After its Region came back, a member that was given up while dark becomes a secondary again.
    pub(super) fn rejoin_caches(&self, region: &Region) {
        let waiting: Vec<Name> = {
            let state = self.state();
            let datastores = state.caches.datastores.iter();
            datastores.filter(|(_, d)| d.rejoining.contains(region)).map(|(name, _)| name.clone()).collect()
        };
        for name in waiting {
            let (world, region, began) = (self.clone(), region.clone(), self.now());
            self.0.executor.spawn(async move {
                world.pause(CACHE_REJOIN).await;
                if let Some(datastore) = world.state_mut().caches.datastores.get_mut(&name) {
                    datastore.rejoining.retain(|r| r != &region);
                }
                world.log_since(Lane::Databases, began, format!("{name}: the cache in {region} is a secondary again"));
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{SOURCE, TARGET, plan, region, within, world};

    fn only(world: &World) -> Cache {
        world.state().plan.caches[0].clone()
    }

    #[test]
    fn members_keep_their_roles_until_a_promotion_ends_and_what_had_not_arrived_is_lost() {
        let world = world(plan());
        let cache = only(&world);
        let (source, target) = (region(SOURCE), region(TARGET));
        world.state_mut().caches.datastores.get_mut(&cache.name).expect("it").extra_lag = Period::seconds(1);
        within(&world, |world| async move {
            for second in 0..10 {
                assert!(world.write_cache(&cache.name), "{second}");
                world.sleep(Period::seconds(1)).await;
            }
            world.darken(&source);
            world.promote_cache(&cache, &target).expect("accepted");
            world.sleep(Period::seconds(19)).await;
            let under_way = world.describe_cache(&cache, &target).expect("described");
            assert_eq!(under_way.status, Status::Other("modifying".to_owned()));
            assert_eq!(under_way.primary().map(|m| m.group.as_str()), Some("carts-use1"));
            assert!(!world.write_cache(&cache.name), "the primary is dark");
            world.sleep(Period::seconds(80)).await;
            let after = world.describe_cache(&cache, &target).expect("described");
            assert_eq!(
                (after.status.clone(), after.primary().map(|m| m.group.as_str())),
                (Status::Available, Some("carts-usw2"))
            );
            assert_eq!(world.state().caches.writes_lost(), 1, "the one of the last second and a bit");
            let conflict = world.promote_cache(&cache, &target).expect_err("it is primary");
            assert_eq!(
                (conflict.fault, conflict.code.as_str()),
                (Fault::Conflict, "InvalidGlobalReplicationGroupState")
            );
            assert!(world.promote_cache(&cache, &source).is_err(), "the source is not in sync");
            world.light(&source);
            world.sleep(Period::seconds(601)).await;
            assert!(world.promote_cache(&cache, &source).is_ok());
        });
    }

    #[test]
    fn of_two_promotions_the_one_accepted_last_wins() {
        let world = world(plan());
        let cache = only(&world);
        within(&world, |world| async move {
            world.promote_cache(&cache, &region(TARGET)).expect("accepted");
            world.sleep(Period::seconds(10)).await;
            world.promote_cache(&cache, &region(SOURCE)).expect("accepted, against the one under way");
            world.sleep(Period::seconds(100)).await;
            let state = world.state();
            let datastore = state.caches.datastores.get(&cache.name).expect("it");
            assert_eq!((datastore.primary.as_str(), &datastore.operation), (SOURCE, &None));
            let done: Vec<bool> = state.caches.promotions.iter().map(|p| p.done_at.is_some()).collect();
            assert_eq!(done, [false, true]);
        });
    }

    #[test]
    fn a_promotion_that_stalls_stays_under_way() {
        let world = world(plan());
        let cache = only(&world);
        world.state_mut().caches.datastores.get_mut(&cache.name).expect("it").stalls = true;
        within(&world, |world| async move {
            world.promote_cache(&cache, &region(TARGET)).expect("accepted");
            world.sleep(Period::seconds(3600)).await;
            let seen = world.describe_cache(&cache, &region(TARGET)).expect("described");
            assert_ne!(seen.status, Status::Available);
        });
    }

    #[test]
    fn lag_is_told_each_minute_and_stops_with_the_primary() {
        let world = world(plan());
        let cache = only(&world);
        within(&world, |world| async move {
            let began = world.now();
            world.sleep(Period::seconds(150)).await;
            assert_eq!(world.cache_lag_points(&cache, &region(TARGET), began).len(), 2);
            assert_eq!(world.cache_lag_points(&cache, &region(SOURCE), began).len(), 0);
            world.darken(&region(SOURCE));
            world.sleep(Period::seconds(300)).await;
            assert_eq!(world.cache_lag_points(&cache, &region(TARGET), began).len(), 2);
        });
    }
}
