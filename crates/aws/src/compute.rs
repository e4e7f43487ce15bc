//! Services and their scaling, on Amazon ECS, Application Auto Scaling and Elastic Load Balancing.
//!
//! Purpose: says how many tasks a service runs and how many of them serve, and asks for more.
//! Guarantees:
//! - A description comes from the Region that was asked for, and only from there (S12).
//! - What an answer lacks is an error, and of a target's health only `healthy` counts (S9). The SDK reads a missing count as
//!   0, which is the cautious reading: such a service runs too little, and such a limit lets it run no more.
//! - A change is sent once (S10). The minimum and the suspension of scale-in are one call.
//! - The other suspensions of a scalable target stay as they are. No documentation says whether a call that names one of
//!   them resets the others, so a change of scale-in first reads them and then names all three. That read also keeps the
//!   call from registering a service that does not scale by itself. A failure of it is one without effect.
//!
//! Effects: `raise_minimum`, `raise_desired` and `resume_scale_in` change the scaling of the service.
//! Fails when: a service refuses, does not answer, or answers in part.

use async_trait::async_trait;
use aws_sdk_applicationautoscaling::operation::register_scalable_target::builders::RegisterScalableTargetFluentBuilder;
use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget, ServiceNamespace, SuspendedState};
use aws_sdk_ecs::types as ecs;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthDescription;
use futures_util::future::try_join3;
use lifeboat_model::evidence::{ScaleIn, ServiceSeen, ServiceStatus};
use lifeboat_model::plan::{Placement, Service};
use lifeboat_model::{Arn, Region};
use lifeboat_ports::{CallError, Clock, Compute, Fault, Receipt};

use crate::clients::RegionalClients;
use crate::environment::{Calls, Service as Aws};
use crate::errors::{call_error, incomplete, receipt, said, unplanned};
use crate::{Environment, SystemClock};

const DESCRIBE: &str = "ecs:DescribeServices";
const UPDATE: &str = "ecs:UpdateService";
const LIMITS: &str = "application-autoscaling:DescribeScalableTargets";
const REGISTER: &str = "application-autoscaling:RegisterScalableTarget";
const HEALTH: &str = "elasticloadbalancing:DescribeTargetHealth";

/// The control planes of ECS, Application Auto Scaling and Elastic Load Balancing in the plan's Regions.
#[derive(Debug)]
pub struct EcsCompute {
    ecs_reads: RegionalClients<aws_sdk_ecs::Client>,
    /// Sent once: changes, and the look at a Region that may be dark.
    ecs_once: RegionalClients<aws_sdk_ecs::Client>,
    scaling_reads: RegionalClients<aws_sdk_applicationautoscaling::Client>,
    scaling_mutations: RegionalClients<aws_sdk_applicationautoscaling::Client>,
    balancing_reads: RegionalClients<aws_sdk_elasticloadbalancingv2::Client>,
}

impl EcsCompute {
    /// The control planes as this environment reaches them.
    pub fn new(environment: &Environment) -> Self {
        let ecs = |calls| RegionalClients::new(environment, Aws::Ecs, calls, aws_sdk_ecs::Client::new);
        let scaling = |calls| {
            RegionalClients::new(environment, Aws::AutoScaling, calls, aws_sdk_applicationautoscaling::Client::new)
        };
        let balancing = aws_sdk_elasticloadbalancingv2::Client::new;
        Self {
            ecs_reads: ecs(Calls::Reads),
            ecs_once: ecs(Calls::Mutations),
            scaling_reads: scaling(Calls::Reads),
            scaling_mutations: scaling(Calls::Mutations),
            balancing_reads: RegionalClients::new(environment, Aws::LoadBalancing, Calls::Reads, balancing),
        }
    }

    /// What Application Auto Scaling knows of the service; `None` when it does not scale by itself.
    async fn limits(&self, placement: &Placement, region: &Region) -> Result<Option<ScalableTarget>, CallError> {
        let id = resource_id(placement);
        let call = self
            .scaling_reads
            .of(region)
            .describe_scalable_targets()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_ids(&id)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
        let output = call.send().await.map_err(|error| call_error(LIMITS, region, &error))?;
        let targets = output.scalable_targets.ok_or_else(|| incomplete(LIMITS, region, "the list of targets"))?;
        let is_it = |target: &ScalableTarget| {
            target.resource_id() == id && *target.scalable_dimension() == ScalableDimension::EcsServiceDesiredCount
        };
        match targets.into_iter().find(is_it) {
            None if output.next_token.is_some() => Err(incomplete(LIMITS, region, "an end after one page")),
            found => Ok(found),
        }
    }

    /// How many targets of `group` are healthy; `None` when the plan names no group.
    async fn healthy(&self, group: Option<&Arn>, region: &Region) -> Result<Option<u32>, CallError> {
        let Some(group) = group else { return Ok(None) };
        let call = self.balancing_reads.of(region).describe_target_health().target_group_arn(group.as_str());
        let output = call.send().await.map_err(|error| call_error(HEALTH, region, &error))?;
        let Some(targets) = output.target_health_descriptions else {
            return Err(incomplete(HEALTH, region, "the list of targets"));
        };
        let healthy = targets.iter().filter(|target| is_healthy(target)).count();
        Ok(Some(u32::try_from(healthy).unwrap_or(u32::MAX)))
    }

    /// A change of the service's scale-in that leaves the other suspensions as they are.
    async fn set_scale_in(
        &self,
        placement: &Placement,
        region: &Region,
        scale_in: ScaleIn,
    ) -> Result<RegisterScalableTargetFluentBuilder, CallError> {
        let id = resource_id(placement);
        let Some(target) = self.limits(placement, region).await.map_err(without_effect)? else {
            let detail = format!("no scalable target {id}; register it with Application Auto Scaling");
            return Err(CallError::new(LIMITS, region, Fault::NotFound).saying("", detail));
        };
        let now = target.suspended_state();
        let suspended = SuspendedState::builder()
            .dynamic_scaling_in_suspended(scale_in == ScaleIn::Suspended)
            .set_dynamic_scaling_out_suspended(now.and_then(SuspendedState::dynamic_scaling_out_suspended))
            .set_scheduled_scaling_suspended(now.and_then(SuspendedState::scheduled_scaling_suspended))
            .build();
        Ok(self
            .scaling_mutations
            .of(region)
            .register_scalable_target()
            .service_namespace(ServiceNamespace::Ecs)
            .resource_id(id)
            .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
            .suspended_state(suspended))
    }
}

#[async_trait(?Send)]
impl Compute for EcsCompute {
    async fn describe(&self, service: &Service, region: &Region) -> Result<ServiceSeen, CallError> {
        let placement = placed(DESCRIBE, service, region)?;
        let client = self.ecs_reads.of(region);
        let (seen, limits, healthy) = try_join3(
            find(&client, placement, region),
            self.limits(placement, region),
            self.healthy(placement.target_group.as_ref(), region),
        )
        .await?;
        Ok(ServiceSeen {
            observed_at: SystemClock.now(),
            vantage: region.clone(),
            status: match said(DESCRIBE, region, "the service's status", seen.status())? {
                "ACTIVE" => ServiceStatus::Active,
                other => ServiceStatus::Other(other.to_owned()),
            },
            desired: count(DESCRIBE, region, "the desired count", seen.desired_count())?,
            running: count(DESCRIBE, region, "the running count", seen.running_count())?,
            minimum: limits.as_ref().map(|l| count(LIMITS, region, "the minimum", l.min_capacity())).transpose()?,
            maximum: limits.as_ref().map(|l| count(LIMITS, region, "the maximum", l.max_capacity())).transpose()?,
            scale_in: limits.as_ref().map(read_scale_in),
            healthy,
        })
    }

    async fn desired(&self, service: &Service, region: &Region) -> Result<u32, CallError> {
        let placement = placed(DESCRIBE, service, region)?;
        let seen = find(&self.ecs_once.of(region), placement, region).await?;
        count(DESCRIBE, region, "the desired count", seen.desired_count())
    }

    async fn raise_minimum(&self, service: &Service, region: &Region, minimum: u32) -> Result<Receipt, CallError> {
        let placement = placed(REGISTER, service, region)?;
        let minimum = figure(REGISTER, region, minimum)?;
        let call = self.set_scale_in(placement, region, ScaleIn::Suspended).await?.min_capacity(minimum);
        let output = call.send().await.map_err(|error| call_error(REGISTER, region, &error))?;
        Ok(receipt(&output))
    }

    async fn raise_desired(&self, service: &Service, region: &Region, desired: u32) -> Result<Receipt, CallError> {
        let placement = placed(UPDATE, service, region)?;
        let call = self
            .ecs_once
            .of(region)
            .update_service()
            .cluster(&placement.cluster)
            .service(&placement.service)
            .desired_count(figure(UPDATE, region, desired)?);
        let output = call.send().await.map_err(|error| call_error(UPDATE, region, &error))?;
        Ok(receipt(&output))
    }

    async fn resume_scale_in(&self, service: &Service, region: &Region) -> Result<Receipt, CallError> {
        let placement = placed(REGISTER, service, region)?;
        let call = self.set_scale_in(placement, region, ScaleIn::Allowed).await?;
        let output = call.send().await.map_err(|error| call_error(REGISTER, region, &error))?;
        Ok(receipt(&output))
    }
}

async fn find(client: &aws_sdk_ecs::Client, placement: &Placement, region: &Region) -> Result<ecs::Service, CallError> {
    let call = client.describe_services().cluster(&placement.cluster).services(&placement.service);
    let output = call.send().await.map_err(|error| call_error(DESCRIBE, region, &error))?;
    if let Some(failure) = output.failures().first() {
        let reason = failure.reason().unwrap_or_default();
        let fault = if reason == "MISSING" { Fault::NotFound } else { Fault::Internal };
        let detail = failure.detail().or(failure.arn()).unwrap_or(&placement.service);
        return Err(CallError::new(DESCRIBE, region, fault).saying(reason, detail));
    }
    let services = output.services.ok_or_else(|| incomplete(DESCRIBE, region, "the list of services"))?;
    let named = |service: &ecs::Service| service.service_name() == Some(&placement.service);
    services
        .into_iter()
        .find(named)
        .ok_or_else(|| incomplete(DESCRIBE, region, format!("service {}", placement.service)))
}

fn placed<'a>(operation: &str, service: &'a Service, region: &Region) -> Result<&'a Placement, CallError> {
    let missing = || unplanned(operation, region, format!("placement of {}", service.name));
    service.placements.get(region).ok_or_else(missing)
}

fn resource_id(placement: &Placement) -> String {
    format!("service/{}/{}", placement.cluster, placement.service)
}

fn is_healthy(target: &TargetHealthDescription) -> bool {
    let state = target.target_health().and_then(|health| health.state());
    state.is_some_and(|state| state.as_str() == "healthy")
}

/// Not said is allowed: the documented default, and nothing was ever suspended.
fn read_scale_in(target: &ScalableTarget) -> ScaleIn {
    match target.suspended_state().and_then(SuspendedState::dynamic_scaling_in_suspended) {
        Some(true) => ScaleIn::Suspended,
        Some(false) | None => ScaleIn::Allowed,
    }
}

fn count(operation: &str, region: &Region, what: &str, n: i32) -> Result<u32, CallError> {
    u32::try_from(n).map_err(|_| incomplete(operation, region, format!("{what}: it says {n}")))
}

fn figure(operation: &str, region: &Region, n: u32) -> Result<i32, CallError> {
    let too_many = |_| CallError::new(operation, region, Fault::Invalid).saying("", format!("{n} tasks are too many"));
    i32::try_from(n).map_err(too_many)
}

/// A read before a change that failed: the change was not sent, whatever became of the read.
fn without_effect(error: CallError) -> CallError {
    match error.fault {
        Fault::TimedOut | Fault::Internal => CallError { fault: Fault::Unavailable, ..error },
        Fault::Unreachable
        | Fault::Throttled
        | Fault::Unavailable
        | Fault::Denied
        | Fault::NotFound
        | Fault::Conflict
        | Fault::Invalid => error,
    }
}
