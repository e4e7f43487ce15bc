//! Caches, tables, brokers and services as one Region's control plane describes them.

use serde::Serialize;

use super::Status;
use crate::plan::Consistency;
use crate::{Region, Timestamp};

/// An ElastiCache global datastore as the control plane of one Region describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GlobalCache {
    /// When the answer came.
    pub observed_at: Timestamp,
    /// The Region whose control plane answered.
    pub vantage: Region,
    /// The status of the global datastore; only `available` and `primary-only` are documented.
    pub status: Status,
    /// Its member replication groups.
    pub members: Vec<CacheMember>,
}

impl GlobalCache {
    /// The member replication group called `group`.
    pub fn member(&self, group: &str) -> Option<&CacheMember> {
        self.members.iter().find(|m| m.group == group)
    }

    /// The only primary; `None` when there is none or more than one.
    pub fn primary(&self) -> Option<&CacheMember> {
        let mut primaries = self.members.iter().filter(|m| m.role == CacheRole::Primary);
        match (primaries.next(), primaries.next()) {
            (Some(primary), None) => Some(primary),
            (None, _) | (Some(_), Some(_)) => None,
        }
    }
}

/// A member of a global datastore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CacheMember {
    /// The replication group.
    pub group: String,
    /// Whether it takes writes.
    pub role: CacheRole,
    /// Whether it belongs to the datastore for good.
    pub association: Association,
}

/// Whether a member of a global datastore takes writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheRole {
    /// `PRIMARY`.
    Primary,
    /// `SECONDARY`.
    Secondary,
    /// A word that we do not know, or none.
    Unknown,
}

/// Whether a replication group belongs to its global datastore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Association {
    /// `Associated`.
    Associated,
    /// Any other word, as AWS said it.
    Other(String),
}

/// A DynamoDB global table as one Region describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GlobalTable {
    /// When the answer came.
    pub observed_at: Timestamp,
    /// The Region that answered; the description's own status is that of the replica there.
    pub vantage: Region,
    /// The replica in `vantage`.
    pub status: TableStatus,
    /// How the replicas agree; `None` when the answer does not say, or in a word that we do not know.
    pub consistency: Option<Consistency>,
    /// The replicas in other Regions.
    pub replicas: Vec<TableReplica>,
}

/// A replica of a global table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableReplica {
    /// Its Region, as AWS names it.
    pub region: String,
    /// Its status.
    pub status: TableStatus,
}

/// The status of a table or a replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableStatus {
    /// `ACTIVE`.
    Active,
    /// Anything else, as AWS said it.
    Other(String),
}

/// A broker as its own Region describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrokerSeen {
    /// When the answer came.
    pub observed_at: Timestamp,
    /// The Region that answered.
    pub vantage: Region,
    /// Its state.
    pub state: BrokerState,
    /// Its part in cross-Region data replication.
    pub role: ReplicationRole,
}

/// The state of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BrokerState {
    /// `RUNNING`.
    Running,
    /// `REPLICA`: it runs, and takes no messages before it is promoted.
    Replica,
    /// Anything else, as AWS said it.
    Other(String),
}

/// A broker's part in cross-Region data replication (ActiveMQ only).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplicationRole {
    /// `PRIMARY`: it takes messages.
    Primary,
    /// `REPLICA`: it receives them.
    Replica,
    /// It takes no part in replication.
    Alone,
    /// A word that we do not know.
    Unknown,
}

/// An Amazon ECS service as its own Region describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceSeen {
    /// When the answer came.
    pub observed_at: Timestamp,
    /// The Region that answered.
    pub vantage: Region,
    /// Whether the service is one that can be scaled.
    pub status: ServiceStatus,
    /// How many tasks it shall run.
    pub desired: u32,
    /// How many it runs.
    pub running: u32,
    /// The least that Application Auto Scaling lets it have; `None` when it does not scale by itself.
    pub minimum: Option<u32>,
    /// The most that Application Auto Scaling lets it have; `None` when it does not scale by itself.
    pub maximum: Option<u32>,
    /// Whether its scale-in is suspended; `None` when it does not scale by itself.
    pub scale_in: Option<ScaleIn>,
    /// How many of its tasks are healthy behind the load balancer; `None` when the plan names no target group.
    pub healthy: Option<u32>,
}

impl ServiceSeen {
    /// How many tasks serve: running, and healthy where that is known.
    pub fn serving(&self) -> u32 {
        self.healthy.map_or(self.running, |healthy| healthy.min(self.running))
    }
}

/// Whether a service is one that can be scaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceStatus {
    /// `ACTIVE`.
    Active,
    /// Anything else, as AWS said it.
    Other(String),
}

/// Whether Application Auto Scaling may take tasks away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleIn {
    /// It may.
    Allowed,
    /// Not now.
    Suspended,
}
