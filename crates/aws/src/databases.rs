//! Aurora global databases, on Amazon RDS.
//!
//! Purpose: says where the writer is and what is under way, and asks for a switchover or a failover.
//! Guarantees:
//! - A description comes from the Region that was asked for, and only from there (S12).
//! - What an answer lacks is an error; a replication status or a phase in an unknown word stays unknown (S9).
//! - A switchover or failover is sent once (S10). A failover always allows data loss: without that, the same operation is a
//!   switchover, which hangs on a dead source.
//!
//! Effects: `switchover` and `failover` change the writer. Fails when: RDS refuses, does not answer, or answers in part.

use async_trait::async_trait;
use aws_sdk_rds::Client;
use aws_sdk_rds::operation::describe_db_clusters::DescribeDBClustersError;
use aws_sdk_rds::types::{DbCluster, FailoverState, GlobalCluster, GlobalClusterMember};
use futures_util::future::try_join;
use lifeboat_model::evidence::{
    GlobalDatabase, LocalCluster, Member, Operation, OperationPhase, Status, Synchronization,
};
use lifeboat_model::plan::Database;
use lifeboat_model::{Arn, Region};
use lifeboat_ports::{CallError, Clock, Databases, Fault, Receipt};

use crate::clients::RegionalClients;
use crate::environment::{Calls, Service};
use crate::errors::{call_error, incomplete, receipt, said};
use crate::{Environment, SystemClock};

const DESCRIBE_GLOBAL: &str = "rds:DescribeGlobalClusters";
const DESCRIBE_LOCAL: &str = "rds:DescribeDBClusters";
const SWITCHOVER: &str = "rds:SwitchoverGlobalCluster";
const FAILOVER: &str = "rds:FailoverGlobalCluster";

/// The RDS control planes of the plan's Regions.
#[derive(Debug)]
pub struct AuroraDatabases {
    reads: RegionalClients<Client>,
    mutations: RegionalClients<Client>,
}

impl AuroraDatabases {
    /// The control planes as this environment reaches them.
    pub fn new(environment: &Environment) -> Self {
        Self {
            reads: RegionalClients::new(environment, Service::Rds, Calls::Reads, Client::new),
            mutations: RegionalClients::new(environment, Service::Rds, Calls::Mutations, Client::new),
        }
    }
}

#[async_trait(?Send)]
impl Databases for AuroraDatabases {
    async fn describe(&self, database: &Database, region: &Region) -> Result<GlobalDatabase, CallError> {
        let client = self.reads.of(region);
        let global = describe_global(&client, &database.global_cluster, region);
        let local = describe_local(&client, database.clusters.get(region), region);
        let (global, local) = try_join(global, local).await?;
        Ok(GlobalDatabase {
            observed_at: SystemClock.now(),
            vantage: region.clone(),
            status: Status::from_aws(said(DESCRIBE_GLOBAL, region, "the global cluster's status", global.status())?),
            members: read_members(&global, region)?,
            operation: global.failover_state().map(|state| read_operation(state, region)).transpose()?.flatten(),
            local,
        })
    }

    async fn switchover(
        &self,
        database: &Database,
        target: &Arn,
        writer_region: &Region,
    ) -> Result<Receipt, CallError> {
        let call = self
            .mutations
            .of(writer_region)
            .switchover_global_cluster()
            .global_cluster_identifier(&database.global_cluster)
            .target_db_cluster_identifier(target.as_str());
        let output = call.send().await.map_err(|error| call_error(SWITCHOVER, writer_region, &error))?;
        Ok(receipt(&output))
    }

    async fn failover(&self, database: &Database, target: &Arn, target_region: &Region) -> Result<Receipt, CallError> {
        let call = self
            .mutations
            .of(target_region)
            .failover_global_cluster()
            .global_cluster_identifier(&database.global_cluster)
            .target_db_cluster_identifier(target.as_str())
            .allow_data_loss(true);
        let output = call.send().await.map_err(|error| call_error(FAILOVER, target_region, &error))?;
        Ok(receipt(&output))
    }
}

async fn describe_global(client: &Client, identifier: &str, region: &Region) -> Result<GlobalCluster, CallError> {
    let call = client.describe_global_clusters().global_cluster_identifier(identifier);
    let output = call.send().await.map_err(|error| call_error(DESCRIBE_GLOBAL, region, &error))?;
    let Some(clusters) = output.global_clusters else {
        return Err(incomplete(DESCRIBE_GLOBAL, region, "the list of global clusters"));
    };
    let named = |c: &GlobalCluster| c.global_cluster_identifier().is_some_and(|id| id.eq_ignore_ascii_case(identifier));
    clusters.into_iter().find(named).ok_or_else(|| {
        CallError::new(DESCRIBE_GLOBAL, region, Fault::NotFound).saying("", format!("no global cluster {identifier}"))
    })
}

/// The member cluster that the plan has in `region`; `None` when there is none.
async fn describe_local(
    client: &Client,
    planned: Option<&Arn>,
    region: &Region,
) -> Result<Option<LocalCluster>, CallError> {
    let Some(planned) = planned else { return Ok(None) };
    let clusters = match client.describe_db_clusters().db_cluster_identifier(planned.name()).send().await {
        Ok(output) => output.db_clusters.ok_or_else(|| incomplete(DESCRIBE_LOCAL, region, "the list of clusters"))?,
        Err(error) if error.as_service_error().is_some_and(DescribeDBClustersError::is_db_cluster_not_found_fault) => {
            return Ok(None);
        }
        Err(error) => return Err(call_error(DESCRIBE_LOCAL, region, &error)),
    };
    let named = |c: &&DbCluster| c.db_cluster_identifier().is_some_and(|id| id.eq_ignore_ascii_case(planned.name()));
    clusters.iter().find(named).map(|cluster| read_local(cluster, region)).transpose()
}

fn read_local(cluster: &DbCluster, region: &Region) -> Result<LocalCluster, CallError> {
    let Some(instances) = &cluster.db_cluster_members else {
        return Err(incomplete(DESCRIBE_LOCAL, region, "the cluster's list of instances"));
    };
    Ok(LocalCluster {
        cluster: read_arn(DESCRIBE_LOCAL, region, "the cluster's ARN", cluster.db_cluster_arn())?,
        status: Status::from_aws(said(DESCRIBE_LOCAL, region, "the cluster's status", cluster.status())?),
        instances: u32::try_from(instances.len()).unwrap_or(u32::MAX),
    })
}

fn read_members(global: &GlobalCluster, region: &Region) -> Result<Vec<Member>, CallError> {
    let Some(members) = &global.global_cluster_members else {
        return Err(incomplete(DESCRIBE_GLOBAL, region, "the global cluster's list of members"));
    };
    members.iter().map(|member| read_member(member, region)).collect()
}

fn read_member(member: &GlobalClusterMember, region: &Region) -> Result<Member, CallError> {
    let is_writer = member.is_writer().ok_or_else(|| incomplete(DESCRIBE_GLOBAL, region, "whether a member writes"))?;
    Ok(Member {
        cluster: read_arn(DESCRIBE_GLOBAL, region, "a member's ARN", member.db_cluster_arn())?,
        is_writer,
        synchronization: match member.synchronization_status().map(|status| status.as_str()) {
            Some("connected") => Synchronization::Connected,
            Some("pending-resync") => Synchronization::PendingResync,
            Some(_) | None => Synchronization::Unknown,
        },
    })
}

/// The operation under way. Without one, the answer has no `FailoverState` or an empty one; a half-filled one is no answer.
fn read_operation(state: &FailoverState, region: &Region) -> Result<Option<Operation>, CallError> {
    let told = |text: Option<&str>| text.is_some_and(|text| !text.is_empty());
    // By the word, not by the SDK's enum: that lacks `switching-over`.
    let phase = state.status().map(|status| status.as_str());
    if ![phase, state.from_db_cluster_arn(), state.to_db_cluster_arn()].into_iter().any(told) {
        return Ok(None);
    }
    Ok(Some(Operation {
        phase: OperationPhase::from_aws(said(DESCRIBE_GLOBAL, region, "the operation's status", phase)?),
        to: read_arn(DESCRIBE_GLOBAL, region, "the ARN of the operation's target", state.to_db_cluster_arn())?,
    }))
}

fn read_arn(operation: &str, region: &Region, what: &str, text: Option<&str>) -> Result<Arn, CallError> {
    let text = said(operation, region, what, text)?;
    text.parse().map_err(|expected| incomplete(operation, region, format!("{what}: it says {text:?}, {expected}")))
}
