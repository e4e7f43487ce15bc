//! Calls that the ports join into one, or that only people make: each by itself, for whoever calls AWS's operations.

use std::collections::BTreeMap;

use lifeboat_model::evidence::{GlobalDatabase, ServiceSeen, Switch};
use lifeboat_model::plan::{Database, Endpoint, Service};
use lifeboat_model::{Arn, Region};
use lifeboat_ports::{CallError, Receipt};

use super::{Call, SimPorts};
use crate::invariants::{Mutation, Size};
use crate::service_times::{CONTROL_PLANE_CALL, CONTROL_PLANE_READ, METRICS_READ, ROUTING_CALL};
use crate::world::compute::ScalingChange;
use crate::world::watchers::AlarmState;

impl SimPorts {
    /// `rds:DescribeDBClusters` in `region`.
    ///
    /// # Errors
    /// The call's.
    pub async fn describe_cluster(&self, database: &Database, region: &Region) -> Result<GlobalDatabase, CallError> {
        let call = self.control_plane("rds:DescribeDBClusters", CONTROL_PLANE_READ, region, database.name.as_str());
        self.call(call, None, |world| world.describe_database(database, region)).await
    }

    /// `application-autoscaling:DescribeScalableTargets` in `region`.
    ///
    /// # Errors
    /// The call's.
    pub async fn describe_scaling(&self, service: &Service, region: &Region) -> Result<ServiceSeen, CallError> {
        let operation = "application-autoscaling:DescribeScalableTargets";
        let call = self.control_plane(operation, CONTROL_PLANE_READ, region, service.name.as_str());
        self.call(call, None, |world| world.describe_service(service, region)).await
    }

    /// `elasticloadbalancing:DescribeTargetHealth` in `region`.
    ///
    /// # Errors
    /// The call's.
    pub async fn describe_health(&self, service: &Service, region: &Region) -> Result<ServiceSeen, CallError> {
        let operation = "elasticloadbalancing:DescribeTargetHealth";
        let call = self.control_plane(operation, CONTROL_PLANE_READ, region, service.name.as_str());
        self.call(call, None, |world| world.describe_service(service, region)).await
    }

    /// `application-autoscaling:RegisterScalableTarget` in `region`, with any of its parameters.
    ///
    /// # Errors
    /// The call's.
    pub async fn set_scaling(
        &self,
        service: &Service,
        region: &Region,
        change: ScalingChange,
    ) -> Result<Receipt, CallError> {
        let to = change.minimum.map_or(Size::ScalesIn, Size::Minimum);
        let mutation = Mutation::Compute { service, region, to };
        self.scaling(service, region, mutation, |world| world.set_scaling(service, region, change)).await
    }

    /// `route53-recovery-cluster:ListRoutingControls` at `endpoint`: the plan's controls and their states.
    ///
    /// # Errors
    /// The call's.
    pub async fn list_controls(&self, endpoint: &Endpoint) -> Result<BTreeMap<Arn, Switch>, CallError> {
        let down = self.world.endpoint_is_down(&endpoint.region);
        let operation = "route53-recovery-cluster:ListRoutingControls";
        let call = Call { operation, place: &endpoint.region, span: ROUTING_CALL, resource: "routing", down };
        self.call(call, None, |world| Ok(world.state().traffic.controls.clone())).await
    }

    /// `cloudwatch:DescribeAlarms` in `region`: what the plan's alarm shows.
    ///
    /// # Errors
    /// The call's.
    pub async fn describe_alarm(&self, region: &Region) -> Result<AlarmState, CallError> {
        let call = self.control_plane("cloudwatch:DescribeAlarms", METRICS_READ, region, "alarm");
        self.call(call, None, |world| Ok(world.state().watchers.alarm_state(region))).await
    }

    /// `cloudwatch:SetAlarmState` of the plan's alarm in `region`. A change of it has the consequences that a change by
    /// evaluation has.
    ///
    /// # Errors
    /// The call's.
    pub async fn set_alarm(&self, region: &Region, state: AlarmState) -> Result<(), CallError> {
        let call = self.control_plane("cloudwatch:SetAlarmState", CONTROL_PLANE_CALL, region, "alarm");
        self.call(call, None, |world| {
            world.set_alarm(region, state);
            Ok(())
        })
        .await
    }
}
