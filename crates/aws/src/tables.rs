//! Global tables of the workload, on Amazon DynamoDB.
//!
//! Purpose: says whether the replicas are there and how they agree. Guarantees: a description comes from the Region that
//! was asked for (S12); what an answer lacks is an error, and a status or mode in an unknown word stays unknown (S9).
//! Effects: none. Fails when: DynamoDB refuses, does not answer, or answers in part.
//!
//! A table with replicas that does not say how they agree counts as eventually consistent. `TableDescription` documents
//! `EVENTUAL` as what holds when `MultiRegionConsistency` is not given, and it is the older mode: tables from before the
//! field had no other. It is also the cautious reading, since it is the mode that may lose writes. A table without replicas
//! is no global table, and of it nothing is said.

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{ReplicaDescription, TableDescription};
use lifeboat_model::Region;
use lifeboat_model::evidence::{GlobalTable, TableReplica, TableStatus};
use lifeboat_model::plan::{Consistency, Table};
use lifeboat_ports::{CallError, Clock, Tables};

use crate::clients::RegionalClients;
use crate::environment::{Calls, Service};
use crate::errors::{call_error, incomplete, said};
use crate::{Environment, SystemClock};

const DESCRIBE: &str = "dynamodb:DescribeTable";

/// DynamoDB in the plan's Regions.
#[derive(Debug)]
pub struct DynamoTables {
    reads: RegionalClients<Client>,
}

impl DynamoTables {
    /// DynamoDB as this environment reaches it.
    pub fn new(environment: &Environment) -> Self {
        Self { reads: RegionalClients::new(environment, Service::DynamoDb, Calls::Reads, Client::new) }
    }
}

#[async_trait(?Send)]
impl Tables for DynamoTables {
    async fn describe(&self, table: &Table, region: &Region) -> Result<GlobalTable, CallError> {
        let call = self.reads.of(region).describe_table().table_name(&table.table);
        let output = call.send().await.map_err(|error| call_error(DESCRIBE, region, &error))?;
        let described = output.table.ok_or_else(|| incomplete(DESCRIBE, region, "the table"))?;
        let status = described.table_status().map(|status| status.as_str());
        Ok(GlobalTable {
            observed_at: SystemClock.now(),
            vantage: region.clone(),
            status: read_status(said(DESCRIBE, region, "the table's status", status)?),
            consistency: read_consistency(&described),
            replicas: described
                .replicas()
                .iter()
                .map(|replica| read_replica(replica, region))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn read_consistency(table: &TableDescription) -> Option<Consistency> {
    match table.multi_region_consistency().map(|mode| mode.as_str()) {
        Some("STRONG") => Some(Consistency::Strong),
        Some("EVENTUAL") => Some(Consistency::Eventual),
        Some(_) => None,
        None => (!table.replicas().is_empty()).then_some(Consistency::Eventual),
    }
}

fn read_replica(replica: &ReplicaDescription, region: &Region) -> Result<TableReplica, CallError> {
    let status = replica.replica_status().map(|status| status.as_str());
    Ok(TableReplica {
        region: said(DESCRIBE, region, "a replica's Region", replica.region_name())?.to_owned(),
        status: read_status(said(DESCRIBE, region, "a replica's status", status)?),
    })
}

fn read_status(word: &str) -> TableStatus {
    match word {
        "ACTIVE" => TableStatus::Active,
        other => TableStatus::Other(other.to_owned()),
    }
}
