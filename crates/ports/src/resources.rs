//! What a run moves or checks beside databases and traffic.

use async_trait::async_trait;
use lifeboat_model::Region;
use lifeboat_model::evidence::{BrokerSeen, GlobalCache, GlobalTable, ServiceSeen};
use lifeboat_model::plan::{Broker, Cache, Service, Table};
use lifeboat_model::request::Mode;

use crate::{CallError, Receipt};

/// ElastiCache global datastores. IAM, target: `elasticache:DescribeGlobalReplicationGroups`,
/// `elasticache:FailoverGlobalReplicationGroup`.
#[async_trait(?Send)]
pub trait Caches {
    /// Describes `cache` through the control plane of `region`.
    async fn describe(&self, cache: &Cache, region: &Region) -> Result<GlobalCache, CallError>;

    /// Asks for the promotion of the member in `target`, where the call is sent to.
    async fn promote(&self, cache: &Cache, target: &Region) -> Result<Receipt, CallError>;
}

/// DynamoDB global tables of the workload. IAM: `dynamodb:DescribeTable` on them.
#[async_trait(?Send)]
pub trait Tables {
    /// Describes the replica of `table` in `region`.
    async fn describe(&self, table: &Table, region: &Region) -> Result<GlobalTable, CallError>;
}

/// Amazon MQ brokers. IAM, target: `mq:DescribeBroker`, `mq:Promote`.
#[async_trait(?Send)]
pub trait Brokers {
    /// Describes the broker of `broker` in `region`.
    async fn describe(&self, broker: &Broker, region: &Region) -> Result<BrokerSeen, CallError>;

    /// Asks for the promotion of the replica in `target`, where the call is sent to: in a switchover the replica catches up
    /// first, in a failover it does not wait for the primary. ActiveMQ only.
    async fn promote(&self, broker: &Broker, target: &Region, mode: Mode) -> Result<Receipt, CallError>;
}

/// Amazon ECS services and their scaling. IAM, target: `ecs:DescribeServices`, `ecs:UpdateService`,
/// `application-autoscaling:DescribeScalableTargets`, `application-autoscaling:RegisterScalableTarget`,
/// `elasticloadbalancing:DescribeTargetHealth`; source: `ecs:DescribeServices`, a look that may fail.
#[async_trait(?Send)]
pub trait Compute {
    /// Describes `service` in `region`, with its scaling limits and the health of its tasks behind the load balancer.
    async fn describe(&self, service: &Service, region: &Region) -> Result<ServiceSeen, CallError>;

    /// How many tasks `service` in `region` shall run: one call, for a Region that may be dark.
    async fn desired(&self, service: &Service, region: &Region) -> Result<u32, CallError>;

    /// Raises the least number of tasks to `minimum` and suspends scale-in. Only for a service that scales by itself.
    async fn raise_minimum(&self, service: &Service, region: &Region, minimum: u32) -> Result<Receipt, CallError>;

    /// Raises the number of tasks that `service` shall run to `desired`.
    async fn raise_desired(&self, service: &Service, region: &Region, desired: u32) -> Result<Receipt, CallError>;

    /// Lets Application Auto Scaling take tasks away again.
    async fn resume_scale_in(&self, service: &Service, region: &Region) -> Result<Receipt, CallError>;
}
