//! What a step saw, when, and from where. Evidence never says "fine" for what it does not know.

mod resources;

pub use resources::{
    Association, BrokerSeen, BrokerState, CacheMember, CacheRole, GlobalCache, GlobalTable, ReplicationRole, ScaleIn,
    ServiceSeen, ServiceStatus, TableReplica, TableStatus,
};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Arn, Region, Timestamp};

/// An Aurora global database as the control plane of one Region describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GlobalDatabase {
    /// When the answer came.
    pub observed_at: Timestamp,
    /// The Region whose control plane answered.
    pub vantage: Region,
    /// The global cluster's status.
    pub status: Status,
    /// Its member clusters.
    pub members: Vec<Member>,
    /// The switchover or failover under way, if any.
    pub operation: Option<Operation>,
    /// The member cluster in `vantage`, described there; `None` when there is none.
    pub local: Option<LocalCluster>,
}

impl GlobalDatabase {
    /// The member cluster with this ARN.
    pub fn member(&self, cluster: &Arn) -> Option<&Member> {
        self.members.iter().find(|m| &m.cluster == cluster)
    }

    /// The only writer; `None` when there is none or more than one.
    pub fn writer(&self) -> Option<&Arn> {
        let mut writers = self.members.iter().filter(|m| m.is_writer);
        match (writers.next(), writers.next()) {
            (Some(writer), None) => Some(&writer.cluster),
            (None, _) | (Some(_), Some(_)) => None,
        }
    }
}

/// A resource's status. Only what is known to be good is good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// `available`.
    Available,
    /// Anything else, as AWS said it.
    Other(String),
}

impl Status {
    /// From the word that AWS uses.
    pub fn from_aws(word: &str) -> Self {
        match word {
            "available" => Self::Available,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The word that AWS uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Available => "available",
            Self::Other(word) => word,
        }
    }
}

/// A member of a global database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// The cluster.
    pub cluster: Arn,
    /// Whether it is the writer.
    pub is_writer: bool,
    /// Whether replication to it works.
    pub synchronization: Synchronization,
}

/// Whether replication to a member works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Synchronization {
    /// `connected`.
    Connected,
    /// `pending-resync`.
    PendingResync,
    /// Not said (a writer has none), or a word that we do not know.
    Unknown,
}

/// A switchover or failover of a global database that is under way (`FailoverState`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// How far it is.
    pub phase: OperationPhase,
    /// The cluster that is to become the writer.
    pub to: Arn,
}

/// `FailoverState.Status`. AWS documents `switching-over`, which the SDK's enum lacks: match on the word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationPhase {
    /// `pending`.
    Pending,
    /// `failing-over`.
    FailingOver,
    /// `switching-over`.
    SwitchingOver,
    /// `cancelling`.
    Cancelling,
    /// Any other word.
    Other(String),
}

impl OperationPhase {
    /// From the word that AWS uses.
    pub fn from_aws(word: &str) -> Self {
        match word {
            "pending" => Self::Pending,
            "failing-over" => Self::FailingOver,
            "switching-over" => Self::SwitchingOver,
            "cancelling" => Self::Cancelling,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// A member cluster as its own Region describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocalCluster {
    /// The cluster.
    pub cluster: Arn,
    /// Its status.
    pub status: Status,
    /// How many instances it has; one without any cannot be promoted ("headless").
    pub instances: u32,
}

/// One value of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// The time that the value is about.
    pub at: Timestamp,
    /// The value, in the metric's unit.
    pub value: f64,
}

/// What one canary reported of late: success in percent, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CanaryResults {
    /// The canary's name.
    pub canary: String,
    /// The Region it runs in.
    pub runs_in: Region,
    /// Its results; none when nothing is known.
    pub points: Vec<Point>,
}

/// Whether a routing control lets traffic through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Switch {
    /// Traffic may go there.
    On,
    /// Traffic may not go there.
    Off,
}

/// The state of routing controls, as one endpoint of the cluster told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoutingStates {
    /// When the answer came.
    pub observed_at: Timestamp,
    /// The Region of the endpoint that answered.
    pub endpoint: Region,
    /// Control to state. A control that the answer did not name, or named with a word we do not know, is absent.
    pub states: BTreeMap<Arn, Switch>,
}
