//! Amazon ECS services: tasks that take their time to start, room that can be short, and Application Auto Scaling.
//!
//! Nothing takes tasks away by itself: scale-in is slower than a drill is long (assumption).

mod scaling;

pub use scaling::{Scaling, ScalingChange};

use std::collections::{BTreeMap, BTreeSet};

use lifeboat_model::evidence::{ScaleIn, ServiceSeen, ServiceStatus};
use lifeboat_model::plan::{Name, Service, Topology};
use lifeboat_model::{Direction, Plan, Region};
use lifeboat_ports::{CallError, Fault};

use super::World;
use super::work::Work;
use crate::service_times::{TARGET_TRACKING, TASK_START};

/// How much of the plan's capacity a stand-by Region runs, in percent: a warm stand-by.
pub const STANDBY_PERCENT: u32 = 50;
/// How much of the plan's capacity each of two Regions runs that both serve, in percent: its half, and some room.
pub const SHARED_PERCENT: u32 = 60;

/// All services, and how they were scaled.
pub struct Fleets {
    /// By the plan's name for the service, and Region.
    pub fleets: BTreeMap<(Name, Region), Fleet>,
    /// Every accepted change of a service's size, done when as many tasks run.
    pub scalings: Vec<Work>,
    /// The Regions in which a service runs fewer tasks than all clients need. Each request asks.
    short: Vec<Region>,
}

/// One service in one Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// What ECS says of the service.
    pub status: ServiceStatus,
    /// How many it needs for all clients, by the plan.
    pub needed: u32,
    /// How many tasks it shall run.
    pub desired: u32,
    /// How many it runs, healthy behind the load balancer.
    pub running: u32,
    /// How many are on their way.
    pub starting: u32,
    /// The most tasks that the Region has room for; those beyond never start.
    pub capacity: u32,
    /// How it scales by itself, if it does.
    pub scaling: Option<Scaling>,
}

impl Fleets {
    pub(super) fn new(plan: &Plan, direction: &Direction) -> Self {
        let mut fleets = BTreeMap::new();
        for service in &plan.services {
            for region in service.placements.keys() {
                let percent = match plan.topology {
                    Topology::ActiveActive => SHARED_PERCENT,
                    Topology::ActivePassive if *region == direction.source => 100,
                    Topology::ActivePassive => STANDBY_PERCENT,
                };
                fleets.insert((service.name.clone(), region.clone()), Fleet::running(service, percent));
            }
        }
        let mut all = Self { fleets, scalings: Vec::new(), short: Vec::new() };
        all.note_short();
        all
    }

    fn note_short(&mut self) {
        let short = self.fleets.iter().filter(|(_, f)| f.running < f.needed);
        self.short = short.map(|((_, region), _)| region.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    }
}

impl Fleet {
    fn running(service: &Service, percent: u32) -> Self {
        let tasks = (service.capacity * percent).div_ceil(100);
        let maximum = service.wanted(None).max(service.capacity) * 2;
        Self {
            status: ServiceStatus::Active,
            needed: service.capacity,
            desired: tasks,
            running: tasks,
            starting: 0,
            capacity: u32::MAX,
            scaling: Some(Scaling { minimum: tasks, maximum, scale_in: ScaleIn::Allowed }),
        }
    }

    /// Lets as many tasks start as are missing and have room; how many.
    fn begin_missing(&mut self) -> u32 {
        let missing = self.desired.min(self.capacity).saturating_sub(self.running + self.starting);
        self.starting += missing;
        missing
    }
}

impl World {
    /// What the control plane of `region` says of it now. Not a call: nobody is asked, and nothing is recorded.
    ///
    /// # Errors
    /// It is not known there.
    pub fn describe_service(&self, service: &Service, region: &Region) -> Result<ServiceSeen, CallError> {
        let state = self.state();
        let Some(fleet) = state.compute.fleets.get(&(service.name.clone(), region.clone())) else {
            return Err(CallError::new("ecs:DescribeServices", region, Fault::NotFound));
        };
        let behind_balancer = service.placements.get(region).is_some_and(|p| p.target_group.is_some());
        Ok(ServiceSeen {
            observed_at: self.now(),
            vantage: region.clone(),
            status: fleet.status.clone(),
            desired: fleet.desired,
            running: fleet.running,
            minimum: fleet.scaling.map(|s| s.minimum),
            maximum: fleet.scaling.map(|s| s.maximum),
            scale_in: fleet.scaling.map(|s| s.scale_in),
            healthy: behind_balancer.then_some(fleet.running),
        })
    }

    fn with_fleet<T>(&self, name: &Name, region: &Region, change: impl FnOnce(&mut Fleet) -> T) -> Option<T> {
        let compute = &mut self.state_mut().compute;
        let changed = compute.fleets.get_mut(&(name.clone(), region.clone())).map(change);
        compute.note_short();
        changed
    }

    fn start_missing(&self, name: &Name, region: &Region) {
        if self.is_dark(region) {
            return;
        }
        for _ in 0..self.with_fleet(name, region, Fleet::begin_missing).unwrap_or(0) {
            let (world, name, region) = (self.clone(), name.clone(), region.clone());
            self.0.executor.spawn(async move {
                world.pause(TASK_START).await;
                let lost = world.is_dark(&region);
                world.with_fleet(&name, &region, |fleet| {
                    fleet.starting -= 1;
                    if !lost && fleet.running < fleet.desired {
                        fleet.running += 1;
                    }
                });
            });
        }
    }

    pub(super) fn start_compute(&self) {
        if self.state().plan.services.is_empty() {
            return;
        }
        let world = self.clone();
        self.0.executor.spawn(async move {
            loop {
                world.sleep(TARGET_TRACKING).await;
                world.track_target();
            }
        });
    }

    /// Target tracking, once a minute: one task more for each service with too few in a Region that serves all clients.
    /// Also, what was missing and has room by now starts.
    fn track_target(&self) {
        let places: Vec<(Name, Region)> = self.state().compute.fleets.keys().cloned().collect();
        for (name, region) in places {
            let wanted = {
                let state = self.state();
                let serves_all = state.clients.share_of(&region) >= 1.0;
                state.plan.service(&name).map(|s| s.capacity).filter(|_| serves_all)
            };
            self.with_fleet(&name, &region, |fleet| {
                let room = fleet.scaling.is_some_and(|s| fleet.desired < s.maximum);
                if room && wanted.is_some_and(|w| fleet.desired < w) {
                    fleet.desired += 1;
                }
            });
            self.start_missing(&name, &region);
        }
    }

    /// Which part of the requests that clients send to the store in `region` it has the tasks for, from 0 to 1. Each Region
    /// needs the plan's capacity for its share of the clients; the service that is shortest of tasks decides.
    pub(super) fn fit_for(&self, region: &Region) -> f64 {
        let state = self.state();
        // Who has enough for all clients has enough for any share of them.
        if !state.compute.short.contains(region) {
            return 1.0;
        }
        let share = state.clients.share_of(region);
        let fleets = state.compute.fleets.iter().filter(|((_, r), _)| r == region);
        let fits = fleets.filter_map(|(_, fleet)| {
            let needed = f64::from(fleet.needed) * share;
            (needed > 0.0).then(|| f64::from(fleet.running) / needed)
        });
        fits.fold(1.0, f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{SOURCE, TARGET, plan, region, within, world};
    use lifeboat_model::Period;

    fn service(world: &World) -> Service {
        world.state().plan.services[0].clone()
    }

    #[test]
    fn a_stand_by_runs_half_and_two_that_serve_run_six_tenths_each() {
        let passive = world(plan());
        let running = |world: &World, place: &str| {
            world.describe_service(&service(world), &region(place)).map(|seen| seen.running)
        };
        assert_eq!((running(&passive, SOURCE), running(&passive, TARGET)), (Ok(7), Ok(4)));
        let mut both = plan();
        both.topology = Topology::ActiveActive;
        let both = world(both);
        assert_eq!((running(&both, SOURCE), running(&both, TARGET)), (Ok(5), Ok(5)));
    }

    #[test]
    fn a_region_that_serves_everybody_with_too_few_tasks_sheds_load_and_grows_by_one_a_minute() {
        let world = world(plan());
        let (service, target) = (service(&world), region(TARGET));
        world.start_compute();
        world.state_mut().clients.answers.fill(Some(target.clone()));
        within(&world, |world| async move {
            assert!((world.fit_for(&target) - 4.0 / 7.0).abs() < 1e-9);
            assert!((world.fit_for(&region(SOURCE)) - 1.0).abs() < 1e-9, "nobody uses it");
            world.sleep(Period::seconds(61)).await;
            assert_eq!(world.describe_service(&service, &target).map(|s| s.desired), Ok(5));
            world.sleep(Period::seconds(300)).await;
            assert_eq!(world.describe_service(&service, &target).map(|s| (s.desired, s.running)), Ok((7, 7)));
            assert!((world.fit_for(&target) - 1.0).abs() < 1e-9);
        });
    }
}
