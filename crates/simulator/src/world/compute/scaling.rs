//! How many tasks a service shall run: as a person or a step sets it, and as Application Auto Scaling raises it.

use lifeboat_model::Region;
use lifeboat_model::evidence::{ScaleIn, ServiceStatus};
use lifeboat_model::plan::{Name, Service};
use lifeboat_model::report::Lane;
use lifeboat_ports::{CallError, Fault, Receipt};

use super::Fleet;
use crate::service_times::AUTO_SCALING_ACTS;
use crate::world::World;
use crate::world::work::{Work, finish};

/// How Application Auto Scaling scales a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// The least number of tasks.
    pub minimum: u32,
    /// The most.
    pub maximum: u32,
    /// Whether it may take tasks away.
    pub scale_in: ScaleIn,
}

/// What is to change of how a service scales; what is not named stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScalingChange {
    /// The least number of tasks.
    pub minimum: Option<u32>,
    /// The most.
    pub maximum: Option<u32>,
    /// Whether it may take tasks away.
    pub scale_in: Option<ScaleIn>,
}

impl ScalingChange {
    fn applied_to(self, scaling: Scaling) -> Scaling {
        Scaling {
            minimum: self.minimum.unwrap_or(scaling.minimum),
            maximum: self.maximum.unwrap_or(scaling.maximum),
            scale_in: self.scale_in.unwrap_or(scaling.scale_in),
        }
    }
}

impl World {
    /// Sets the least number of tasks and suspends scale-in. Application Auto Scaling raises the count a little later.
    pub(in crate::world) fn set_minimum(
        &self,
        service: &Service,
        region: &Region,
        minimum: u32,
    ) -> Result<Receipt, CallError> {
        let scale_in = Some(ScaleIn::Suspended);
        self.set_scaling(service, region, ScalingChange { minimum: Some(minimum), maximum: None, scale_in })
    }

    /// Lets Application Auto Scaling take tasks away again.
    pub(in crate::world) fn allow_scale_in(&self, service: &Service, region: &Region) -> Result<Receipt, CallError> {
        let scale_in = Some(ScaleIn::Allowed);
        self.set_scaling(service, region, ScalingChange { minimum: None, maximum: None, scale_in })
    }

    /// Changes what `change` names. Application Auto Scaling raises the count to a new minimum a little later.
    pub(in crate::world) fn set_scaling(
        &self,
        service: &Service,
        region: &Region,
        change: ScalingChange,
    ) -> Result<Receipt, CallError> {
        self.change_scaling(service, region, |scaling| {
            let after = change.applied_to(*scaling);
            if after.minimum > after.maximum {
                return Err((Fault::Invalid, "ValidationException"));
            }
            *scaling = after;
            Ok(())
        })?;
        if let Some(minimum) = change.minimum {
            self.raise_to(minimum, &service.name, region);
        }
        Ok(Receipt { request_id: format!("scaling-{}", self.now().as_ms()) })
    }

    fn raise_to(&self, minimum: u32, name: &Name, region: &Region) {
        let (world, name, region) = (self.clone(), name.clone(), region.clone());
        let (accepted, number) = (self.now(), self.state().compute.scalings.len());
        self.state_mut().compute.scalings.push(Work::accepted(&name, &region, accepted));
        self.0.executor.spawn(async move {
            world.sleep(AUTO_SCALING_ACTS).await;
            let raised = world.with_fleet(&name, &region, |fleet| {
                fleet.desired = fleet.desired.max(minimum);
                fleet.desired
            });
            world.start_missing(&name, &region);
            world.watch_scaling(number, &name, &region, raised.unwrap_or(minimum)).await;
        });
    }

    /// Sets how many tasks the service shall run.
    pub(in crate::world) fn set_desired(
        &self,
        service: &Service,
        region: &Region,
        desired: u32,
    ) -> Result<Receipt, CallError> {
        let operation = "ecs:UpdateService";
        let set = self.with_fleet(&service.name, region, |fleet| {
            if fleet.status != ServiceStatus::Active {
                return false;
            }
            fleet.desired = desired;
            fleet.running = fleet.running.min(desired);
            true
        });
        match set {
            None => return Err(CallError::new(operation, region, Fault::NotFound)),
            Some(false) => {
                let error = CallError::new(operation, region, Fault::Invalid);
                return Err(error.saying("ServiceNotActiveException", "refused by the simulated service"));
            }
            Some(true) => {}
        }
        let (world, name, region) = (self.clone(), service.name.clone(), region.clone());
        let (accepted, number) = (self.now(), self.state().compute.scalings.len());
        self.state_mut().compute.scalings.push(Work::accepted(&name, &region, accepted));
        self.start_missing(&name, &region);
        self.0.executor.spawn(async move { world.watch_scaling(number, &name, &region, desired).await });
        Ok(Receipt { request_id: format!("ecs-{}", accepted.as_ms()) })
    }

    fn change_scaling(
        &self,
        service: &Service,
        region: &Region,
        change: impl FnOnce(&mut Scaling) -> Result<(), (Fault, &'static str)>,
    ) -> Result<(), CallError> {
        let operation = "application-autoscaling:RegisterScalableTarget";
        let changed = self.with_fleet(&service.name, region, |fleet| match &mut fleet.scaling {
            Some(scaling) => change(scaling),
            None => Err((Fault::NotFound, "ObjectNotFoundException")),
        });
        let refused = match changed {
            Some(Ok(())) => return Ok(()),
            Some(Err((fault, code))) => (fault, code),
            None => (Fault::NotFound, "ObjectNotFoundException"),
        };
        Err(CallError::new(operation, region, refused.0).saying(refused.1, "refused by the simulated service"))
    }

    /// Notes when as many tasks run as were asked for.
    async fn watch_scaling(&self, number: usize, name: &Name, region: &Region, wanted: u32) {
        let runs = |fleet: &mut Fleet| fleet.running >= wanted;
        while self.with_fleet(name, region, runs) == Some(false) {
            self.sleep(AUTO_SCALING_ACTS).await;
        }
        let now = self.now();
        let accepted = {
            let mut state = self.state_mut();
            let Some(accepted) = state.compute.scalings.get(number).map(|w| w.accepted_at) else { return };
            finish(&mut state.compute.scalings, name, accepted, now);
            accepted
        };
        self.log_since(Lane::Capacity, accepted, format!("{name}: {wanted} tasks run in {region}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{TARGET, plan, region, within, world};
    use lifeboat_model::Period;

    fn service(world: &World) -> Service {
        world.state().plan.services[0].clone()
    }

    #[test]
    fn a_raised_minimum_raises_the_count_and_tasks_follow() {
        let world = world(plan());
        let (service, target) = (service(&world), region(TARGET));
        within(&world, |world| async move {
            let seen = || world.describe_service(&service, &target).expect("described");
            world.set_minimum(&service, &target, 7).expect("accepted");
            assert_eq!((seen().minimum, seen().desired, seen().scale_in), (Some(7), 4, Some(ScaleIn::Suspended)));
            world.sleep(Period::seconds(2)).await;
            assert_eq!((seen().desired, seen().running), (7, 4));
            world.sleep(Period::seconds(91)).await;
            assert_eq!((seen().running, seen().healthy), (7, Some(7)));
            assert!(world.state().compute.scalings.iter().all(|s| s.done_at.is_some()));
            let refused = world.set_minimum(&service, &target, 5001).expect_err("beyond the maximum");
            assert_eq!(refused.fault, Fault::Invalid);
            world.allow_scale_in(&service, &target).expect("accepted");
            assert_eq!((seen().scale_in, seen().minimum), (Some(ScaleIn::Allowed), Some(7)));
        });
    }

    #[test]
    fn tasks_beyond_the_room_of_the_region_never_start() {
        let world = world(plan());
        let (service, target) = (service(&world), region(TARGET));
        world.with_fleet(&service.name, &target, |fleet| fleet.capacity = 5);
        within(&world, |world| async move {
            world.set_desired(&service, &target, 7).expect("accepted");
            world.sleep(Period::seconds(3600)).await;
            let seen = world.describe_service(&service, &target).expect("described");
            assert_eq!((seen.desired, seen.running), (7, 5));
            assert!(world.state().compute.scalings.iter().all(|s| s.done_at.is_none()));
        });
    }
}
