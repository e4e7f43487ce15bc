//! Amazon RDS: Aurora global databases.
//!
//! `FailoverGlobalCluster` without `AllowDataLoss` is a switchover, as on AWS.

use async_trait::async_trait;
use lifeboat_model::Arn;
use lifeboat_model::evidence::{GlobalDatabase, LocalCluster, Member, Operation, OperationPhase, Synchronization};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Database;
use lifeboat_ports::{Databases, Receipt};

use super::{ACCOUNT, Asking, Done, Operations, first};
use crate::callers::Act;
use crate::input::Input;
use crate::protocol::{Api, Protocol};
use crate::refusal::{Code, Codes, Trouble};
use crate::shape::{Shape, integer, text, truth};

const NO_GLOBAL_CLUSTER: Code = (404, "GlobalClusterNotFoundFault");
const NO_CLUSTER: Code = (404, "DBClusterNotFoundFault");
const WRONG_COMBINATION: Code = (400, "InvalidParameterCombination");
const VERSION: &str = "16.6";

/// The service.
pub struct Rds;

fn named(asking: &Asking<'_>, identifier: &str) -> Result<Database, Trouble> {
    let is_it = |d: &Database| d.global_cluster.eq_ignore_ascii_case(identifier);
    let words = || format!("Global cluster {identifier} not found");
    first(asking.plan().databases, is_it, NO_GLOBAL_CLUSTER, words)
}

async fn describe_global_clusters(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let databases = match asking.input.text("GlobalClusterIdentifier")? {
        Some(identifier) => vec![named(asking, identifier)?],
        None => asking.plan().databases,
    };
    let ports = asking.ports(Step::PromoteDatabase, Act::Look);
    let mut clusters = Vec::new();
    for database in databases {
        let seen = Databases::describe(&ports, &database, asking.region).await?;
        clusters.push(global_cluster(&database, &seen));
    }
    Ok(Done::read(Shape::record([("GlobalClusters", Shape::list("GlobalClusterMember", clusters))])))
}

async fn describe_clusters(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let identifier = asking.input.text("DBClusterIdentifier")?;
    let is_it =
        |cluster: &Arn| identifier.is_none_or(|id| id == cluster.as_str() || id.eq_ignore_ascii_case(cluster.name()));
    let here: Vec<Database> =
        asking.plan().databases.into_iter().filter(|d| d.clusters.get(asking.region).is_some_and(is_it)).collect();
    if let (Some(identifier), true) = (identifier, here.is_empty()) {
        return Err(Trouble::Said(NO_CLUSTER, format!("DBCluster {identifier} not found.")));
    }
    let ports = asking.ports(Step::PromoteDatabase, Act::Look);
    let mut clusters = Vec::new();
    for database in here {
        let seen = ports.describe_cluster(&database, asking.region).await?;
        clusters.extend(seen.local.as_ref().map(|local| cluster(local, seen.writer() == Some(&local.cluster))));
    }
    Ok(Done::read(Shape::record([("DBClusters", Shape::list("DBCluster", clusters))])))
}

async fn move_writer(asking: &Asking<'_>, how: Move) -> Result<Done, Trouble> {
    let database = named(asking, asking.input.required("GlobalClusterIdentifier")?)?;
    let wrong = || asking.input.wrong("TargetDbClusterIdentifier", "the ARN of a member cluster");
    let target: Arn = asking.input.required("TargetDbClusterIdentifier")?.parse().map_err(|_| wrong())?;
    if !database.clusters.values().any(|cluster| *cluster == target) {
        return Err(Trouble::Said(NO_CLUSTER, format!("{target} is no member of {}", database.global_cluster)));
    }
    let ports = asking.ports(Step::PromoteDatabase, Act::Change);
    let receipt = match how {
        Move::Switchover => ports.switchover(&database, &target, asking.region).await?,
        Move::Failover => ports.failover(&database, &target, asking.region).await?,
    };
    moving(asking, &database, receipt)
}

fn moving(asking: &Asking<'_>, database: &Database, receipt: Receipt) -> Result<Done, Trouble> {
    let seen = asking.world().describe_database(database, asking.region)?;
    let result = Shape::record([("GlobalCluster", Some(global_cluster(database, &seen)))]);
    Ok(Done::accepted(result, receipt))
}

/// A way of moving the writer.
#[derive(Clone, Copy)]
enum Move {
    Switchover,
    Failover,
}

fn failover_or_switchover(input: &Input) -> Result<Move, Trouble> {
    let told = |field| input.truth(field).map(|truth| truth.unwrap_or(false));
    match (told("AllowDataLoss")?, told("Switchover")?) {
        (true, true) => {
            let message = "AllowDataLoss and Switchover can not both be true".to_owned();
            Err(Trouble::Said(WRONG_COMBINATION, message))
        }
        (true, false) => Ok(Move::Failover),
        (false, true | false) => Ok(Move::Switchover),
    }
}

#[async_trait(?Send)]
impl Operations for Rds {
    fn api(&self) -> Api {
        Api { namespace: "http://rds.amazonaws.com/doc/2014-10-31/", target: "AmazonRDSv19", speaks: Protocol::Query }
    }

    fn codes(&self) -> Codes {
        Codes { not_found: NO_GLOBAL_CLUSTER, conflict: (400, "InvalidGlobalClusterStateFault"), ..Codes::QUERY }
    }

    async fn operate(&self, asking: &Asking<'_>) -> Result<Done, Trouble> {
        match asking.operation {
            "DescribeGlobalClusters" => describe_global_clusters(asking).await,
            "DescribeDBClusters" => describe_clusters(asking).await,
            "SwitchoverGlobalCluster" => move_writer(asking, Move::Switchover).await,
            "FailoverGlobalCluster" => move_writer(asking, failover_or_switchover(asking.input)?).await,
            _ => Err(Trouble::NoSuchOperation),
        }
    }
}

fn global_cluster(database: &Database, seen: &GlobalDatabase) -> Shape {
    let id = &database.global_cluster;
    let others = |member: &Member| -> Vec<Shape> {
        let readers = seen.members.iter().filter(|m| member.is_writer && m.cluster != member.cluster);
        readers.map(|m| Shape::Text(m.cluster.to_string())).collect()
    };
    let members = seen.members.iter().map(|member| {
        Shape::record([
            ("DBClusterArn", text(&member.cluster)),
            ("Readers", Shape::list("member", others(member))),
            ("IsWriter", truth(member.is_writer)),
            ("GlobalWriteForwardingStatus", text("disabled")),
            ("SynchronizationStatus", synchronization(member.synchronization)),
        ])
    });
    Shape::record([
        ("GlobalClusterIdentifier", text(id)),
        ("GlobalClusterResourceId", text(format!("cluster-{id}"))),
        ("GlobalClusterArn", text(format!("arn:aws:rds::{ACCOUNT}:global-cluster:{id}"))),
        ("Status", text(seen.status.as_str())),
        ("Engine", text("aurora-postgresql")),
        ("EngineVersion", text(VERSION)),
        ("StorageEncrypted", truth(true)),
        ("DeletionProtection", truth(true)),
        ("GlobalClusterMembers", Shape::list("GlobalClusterMember", members)),
        ("FailoverState", seen.operation.as_ref().map(|operation| failover_state(seen, operation))),
    ])
}

fn synchronization(status: Synchronization) -> Option<Shape> {
    match status {
        Synchronization::Connected => text("connected"),
        Synchronization::PendingResync => text("pending-resync"),
        // A writer has none.
        Synchronization::Unknown => None,
    }
}

fn failover_state(seen: &GlobalDatabase, operation: &Operation) -> Shape {
    // Before it has begun, the world does not tell which of the two it will be.
    let (word, loses_data) = match &operation.phase {
        OperationPhase::Pending => ("pending", None),
        OperationPhase::FailingOver => ("failing-over", truth(true)),
        OperationPhase::SwitchingOver => ("switching-over", truth(false)),
        OperationPhase::Cancelling => ("cancelling", None),
        OperationPhase::Other(word) => (word.as_str(), None),
    };
    Shape::record([
        ("Status", text(word)),
        ("FromDbClusterArn", seen.writer().and_then(text)),
        ("ToDbClusterArn", text(&operation.to)),
        ("IsDataLossAllowed", loses_data),
    ])
}

fn cluster(local: &LocalCluster, is_writer: bool) -> Shape {
    let name = local.cluster.name();
    let instances = (0..local.instances).map(|n| {
        Shape::record([
            ("DBInstanceIdentifier", text(format!("{name}-{}", n + 1))),
            ("IsClusterWriter", truth(is_writer && n == 0)),
            ("DBClusterParameterGroupStatus", text("in-sync")),
            ("PromotionTier", integer(1)),
        ])
    });
    Shape::record([
        ("DBClusterIdentifier", text(name)),
        ("DBClusterArn", text(&local.cluster)),
        ("Status", text(local.status.as_str())),
        ("Engine", text("aurora-postgresql")),
        ("EngineVersion", text(VERSION)),
        ("EngineMode", text("provisioned")),
        ("MultiAZ", truth(true)),
        ("DBClusterMembers", Shape::list("DBClusterMember", instances)),
    ])
}
