//! The resources of a workload that a run moves or checks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::Name;
use crate::{Arn, Region};

/// An Aurora global database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Names it in this plan, the graph and the report.
    pub name: Name,
    /// The identifier of the global cluster.
    #[schemars(length(min = 1, max = 255))]
    pub global_cluster: String,
    /// Region to the ARN of the member cluster there.
    pub clusters: BTreeMap<Region, Arn>,
}

/// Whether a run may end as Completed without a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// Traffic does not move without it.
    #[default]
    Required,
    /// It is moved beside the others; nothing waits for it, and the report names it when it was left behind.
    BestEffort,
}

/// An ElastiCache global datastore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Names it in this plan, the graph and the report.
    pub name: Name,
    /// The identifier of the global datastore (global replication group).
    #[schemars(length(min = 1, max = 255))]
    pub global_datastore: String,
    /// Region to the identifier of the replication group there.
    pub groups: BTreeMap<Region, String>,
    /// Whether traffic may move without it.
    #[serde(default)]
    pub requirement: Requirement,
}

/// A DynamoDB global table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Names it in this plan, the graph and the report.
    pub name: Name,
    /// The table's name, the same in each Region.
    #[schemars(length(min = 3, max = 255))]
    pub table: String,
    /// How its replicas agree.
    pub consistency: Consistency,
    /// Whether traffic may move without it.
    #[serde(default)]
    pub requirement: Requirement,
}

/// How the replicas of a global table agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Consistency {
    /// Multi-Region eventual consistency: replicated after the write, the last writer wins.
    Eventual,
    /// Multi-Region strong consistency: replicated before the write succeeds; nothing is lost.
    Strong,
}

/// An Amazon MQ broker in each Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Broker {
    /// Names it in this plan, the graph and the report.
    pub name: Name,
    /// What runs in it, and what becomes of its messages.
    pub engine: Engine,
    /// Region to the broker there.
    pub brokers: BTreeMap<Region, BrokerRef>,
    /// Whether traffic may move without it.
    #[serde(default)]
    pub requirement: Requirement,
}

/// One broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrokerRef {
    /// The id that Amazon MQ gave it, such as `b-1234a5b6-78cd-901e-2fgh-3i45j6k178l9`.
    #[schemars(length(min = 1, max = 100))]
    pub id: String,
    /// Its name, by which its metrics are found.
    #[schemars(length(min = 1, max = 50))]
    pub name: String,
}

/// What runs in a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "lowercase")]
pub enum Engine {
    /// ActiveMQ with cross-Region data replication: the replica is promoted.
    ActiveMq,
    /// RabbitMQ, which has no replication between Regions: the target's broker is another one, which has to run.
    RabbitMq {
        /// What becomes of messages that are in the source's broker when a planned move takes place.
        in_flight: InFlight,
        /// The least number of queues that the target's broker must have declared. Default 0: not looked at.
        #[serde(default)]
        #[schemars(range(min = 0, max = 100_000))]
        queues: u32,
    },
}

/// What becomes of messages that are in the source's broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InFlight {
    /// They stay there: consumers find them when the source is back, or they are lost with it.
    Accept,
    /// A planned move is not done before the source's queues are empty. In a failover nobody can drain them.
    Drain,
}

/// An Amazon ECS service that runs in both Regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Names it in this plan, the graph and the report.
    pub name: Name,
    /// Region to the service there.
    pub placements: BTreeMap<Region, Placement>,
    /// How many tasks the serving Region runs, as far as is known beforehand: the source may be dark. A planned move also
    /// asks the source, and takes the greater figure.
    #[schemars(range(min = 1, max = 5000))]
    pub capacity: u32,
    /// How much of that the target needs, in percent. Default 100.
    #[schemars(range(min = 1, max = 300))]
    pub match_percent: u32,
    /// With how much of that a run goes on when the time of `limits.compute` is over, in percent. Default 100: it does
    /// not go on with less.
    #[schemars(range(min = 1, max = 100))]
    pub minimum_percent: u32,
    /// Whether traffic may move without it.
    #[serde(default)]
    pub requirement: Requirement,
}

/// Where a service runs in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placement {
    /// The ECS cluster's name.
    #[schemars(length(min = 1, max = 255))]
    pub cluster: String,
    /// The ECS service's name.
    #[schemars(length(min = 1, max = 255))]
    pub service: String,
    /// The load balancer's target group, if the service is behind one: tasks count when they are healthy there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group: Option<Arn>,
}

impl Engine {
    /// Whether a planned move has to empty the source's queues.
    pub fn drains(&self) -> bool {
        match self {
            Self::RabbitMq { in_flight: InFlight::Drain, .. } => true,
            Self::ActiveMq | Self::RabbitMq { in_flight: InFlight::Accept, .. } => false,
        }
    }
}

impl Service {
    /// How many tasks the target needs for a source that runs `source_tasks`, or is said to.
    pub fn wanted(&self, source_tasks: Option<u32>) -> u32 {
        let tasks = u64::from(source_tasks.unwrap_or(0).max(self.capacity));
        u32::try_from((tasks * u64::from(self.match_percent)).div_ceil(100)).unwrap_or(u32::MAX)
    }

    /// With how many of `wanted` tasks a run goes on when its time is over.
    pub fn enough(&self, wanted: u32) -> u32 {
        u32::try_from((u64::from(wanted) * u64::from(self.minimum_percent)).div_ceil(100)).unwrap_or(u32::MAX)
    }
}
