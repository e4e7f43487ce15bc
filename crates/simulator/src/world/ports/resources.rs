//! Caches, tables, brokers, services, messages and reports, on the world.

use async_trait::async_trait;
use lifeboat_model::Region;
use lifeboat_model::evidence::{BrokerSeen, GlobalCache, GlobalTable, ServiceSeen};
use lifeboat_model::plan::{Broker, Cache, Service, Table};
use lifeboat_model::request::Mode;
use lifeboat_ports::{Archive, Brokers, Caches, CallError, Compute, Notices, Receipt, Tables};

use super::SimPorts;
use crate::invariants::{Mutation, Size};
use crate::service_times::{CONTROL_PLANE_CALL, CONTROL_PLANE_READ, NOTICE_PUBLISH, OBJECT_PUT};
use crate::world::World;

#[async_trait(?Send)]
impl Caches for SimPorts {
    async fn describe(&self, cache: &Cache, region: &Region) -> Result<GlobalCache, CallError> {
        let operation = "elasticache:DescribeGlobalReplicationGroups";
        let call = self.control_plane(operation, CONTROL_PLANE_READ, region, cache.name.as_str());
        self.call(call, None, |world| world.describe_cache(cache, region)).await
    }

    async fn promote(&self, cache: &Cache, target: &Region) -> Result<Receipt, CallError> {
        let operation = "elasticache:FailoverGlobalReplicationGroup";
        let call = self.control_plane(operation, CONTROL_PLANE_CALL, target, cache.name.as_str());
        let mutation = Mutation::CachePromotion { cache, target };
        self.call(call, Some(mutation), |world| world.promote_cache(cache, target)).await
    }
}

#[async_trait(?Send)]
impl Tables for SimPorts {
    async fn describe(&self, table: &Table, region: &Region) -> Result<GlobalTable, CallError> {
        let call = self.control_plane("dynamodb:DescribeTable", CONTROL_PLANE_READ, region, table.name.as_str());
        self.call(call, None, |world| world.describe_table(table, region)).await
    }
}

#[async_trait(?Send)]
impl Brokers for SimPorts {
    async fn describe(&self, broker: &Broker, region: &Region) -> Result<BrokerSeen, CallError> {
        let call = self.control_plane("mq:DescribeBroker", CONTROL_PLANE_READ, region, broker.name.as_str());
        self.call(call, None, |world| world.describe_broker(broker, region)).await
    }

    async fn promote(&self, broker: &Broker, target: &Region, mode: Mode) -> Result<Receipt, CallError> {
        let call = self.control_plane("mq:Promote", CONTROL_PLANE_CALL, target, broker.name.as_str());
        let mutation = Mutation::BrokerPromotion { broker, target, mode };
        self.call(call, Some(mutation), |world| world.promote_broker(broker, target, mode)).await
    }
}

/// What `ecs:DescribeServices` stands for in [`Compute::describe`]: that call, and after it
/// `application-autoscaling:DescribeScalableTargets` and `elasticloadbalancing:DescribeTargetHealth`.
const DESCRIBE: &str = "ecs:DescribeServices";

#[async_trait(?Send)]
impl Compute for SimPorts {
    async fn describe(&self, service: &Service, region: &Region) -> Result<ServiceSeen, CallError> {
        let call = self.control_plane(DESCRIBE, CONTROL_PLANE_READ, region, service.name.as_str());
        self.call(call, None, |world| world.describe_service(service, region)).await
    }

    async fn desired(&self, service: &Service, region: &Region) -> Result<u32, CallError> {
        let call = self.control_plane(DESCRIBE, CONTROL_PLANE_READ, region, service.name.as_str());
        self.call(call, None, |world| world.describe_service(service, region).map(|seen| seen.desired)).await
    }

    async fn raise_minimum(&self, service: &Service, region: &Region, minimum: u32) -> Result<Receipt, CallError> {
        let mutation = Mutation::Compute { service, region, to: Size::Minimum(minimum) };
        self.scaling(service, region, mutation, |world| world.set_minimum(service, region, minimum)).await
    }

    async fn raise_desired(&self, service: &Service, region: &Region, desired: u32) -> Result<Receipt, CallError> {
        let call = self.control_plane("ecs:UpdateService", CONTROL_PLANE_CALL, region, service.name.as_str());
        let mutation = Mutation::Compute { service, region, to: Size::Desired(desired) };
        self.call(call, Some(mutation), |world| world.set_desired(service, region, desired)).await
    }

    async fn resume_scale_in(&self, service: &Service, region: &Region) -> Result<Receipt, CallError> {
        let mutation = Mutation::Compute { service, region, to: Size::ScalesIn };
        self.scaling(service, region, mutation, |world| world.allow_scale_in(service, region)).await
    }
}

impl SimPorts {
    async fn scaling(
        &self,
        service: &Service,
        region: &Region,
        mutation: Mutation<'_>,
        effect: impl FnOnce(&World) -> Result<Receipt, CallError>,
    ) -> Result<Receipt, CallError> {
        let operation = "application-autoscaling:RegisterScalableTarget";
        let call = self.control_plane(operation, CONTROL_PLANE_CALL, region, service.name.as_str());
        self.call(call, Some(mutation), effect).await
    }
}

#[async_trait(?Send)]
impl Notices for SimPorts {
    async fn publish(&self, subject: &str, body: &str) -> Result<Receipt, CallError> {
        let home = self.home();
        let call = self.control_plane("sns:Publish", NOTICE_PUBLISH, home, "topic");
        self.call(call, None, |world| world.publish(home, subject, body)).await
    }
}

#[async_trait(?Send)]
impl Archive for SimPorts {
    async fn store(&self, key: &str, content_type: &str, body: &str) -> Result<String, CallError> {
        let home = self.home();
        let call = self.control_plane("s3:PutObject", OBJECT_PUT, home, key);
        self.call(call, None, |world| Ok(world.store_object(home, key, content_type, body))).await
    }
}
