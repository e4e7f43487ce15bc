//! Global datastores, on Amazon ElastiCache.
//!
//! Purpose: says which replication group takes writes, and asks for the promotion of another one.
//! Guarantees:
//! - A description comes from the Region that was asked for, and only from there (S12).
//! - What an answer lacks is an error; a role in an unknown word stays unknown (S9). Words are compared without regard to
//!   case: the documentation has `Associated` where answers have `associated`.
//! - A promotion is sent once, to the target (S10, S12). ElastiCache takes it also while other changes are in progress, and
//!   knows no planned move: what the old primary had not yet sent is lost.
//!
//! Effects: `promote` changes the primary. Fails when: ElastiCache refuses, does not answer, or answers in part.

use async_trait::async_trait;
use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::{GlobalReplicationGroup, GlobalReplicationGroupMember};
use lifeboat_model::Region;
use lifeboat_model::evidence::{Association, CacheMember, CacheRole, GlobalCache, Status};
use lifeboat_model::plan::Cache;
use lifeboat_ports::{Caches, CallError, Clock, Fault, Receipt};

use crate::clients::RegionalClients;
use crate::environment::{Calls, Service};
use crate::errors::{call_error, incomplete, receipt, said, unplanned};
use crate::{Environment, SystemClock};

const DESCRIBE: &str = "elasticache:DescribeGlobalReplicationGroups";
const FAILOVER: &str = "elasticache:FailoverGlobalReplicationGroup";

/// The ElastiCache control planes of the plan's Regions.
#[derive(Debug)]
pub struct ElastiCacheCaches {
    reads: RegionalClients<Client>,
    mutations: RegionalClients<Client>,
}

impl ElastiCacheCaches {
    /// The control planes as this environment reaches them.
    pub fn new(environment: &Environment) -> Self {
        Self {
            reads: RegionalClients::new(environment, Service::ElastiCache, Calls::Reads, Client::new),
            mutations: RegionalClients::new(environment, Service::ElastiCache, Calls::Mutations, Client::new),
        }
    }
}

#[async_trait(?Send)]
impl Caches for ElastiCacheCaches {
    async fn describe(&self, cache: &Cache, region: &Region) -> Result<GlobalCache, CallError> {
        let datastore = &cache.global_datastore;
        let call = self
            .reads
            .of(region)
            .describe_global_replication_groups()
            .global_replication_group_id(datastore)
            .show_member_info(true);
        let output = call.send().await.map_err(|error| call_error(DESCRIBE, region, &error))?;
        let Some(groups) = output.global_replication_groups else {
            return Err(incomplete(DESCRIBE, region, "the list of global datastores"));
        };
        let named = |g: &&GlobalReplicationGroup| {
            g.global_replication_group_id().is_some_and(|id| id.eq_ignore_ascii_case(datastore))
        };
        let Some(group) = groups.iter().find(named) else {
            let detail = format!("no global datastore {datastore}");
            return Err(CallError::new(DESCRIBE, region, Fault::NotFound).saying("", detail));
        };
        let members = group.members.as_ref().ok_or_else(|| incomplete(DESCRIBE, region, "the list of members"))?;
        Ok(GlobalCache {
            observed_at: SystemClock.now(),
            vantage: region.clone(),
            status: Status::from_aws(said(DESCRIBE, region, "the global datastore's status", group.status())?),
            members: members.iter().map(|member| read_member(member, region)).collect::<Result<_, _>>()?,
        })
    }

    async fn promote(&self, cache: &Cache, target: &Region) -> Result<Receipt, CallError> {
        let Some(group) = cache.groups.get(target) else {
            return Err(unplanned(FAILOVER, target, format!("replication group of {}", cache.name)));
        };
        let call = self
            .mutations
            .of(target)
            .failover_global_replication_group()
            .global_replication_group_id(&cache.global_datastore)
            .primary_region(target.as_str())
            .primary_replication_group_id(group);
        let output = call.send().await.map_err(|error| call_error(FAILOVER, target, &error))?;
        Ok(receipt(&output))
    }
}

fn read_member(member: &GlobalReplicationGroupMember, region: &Region) -> Result<CacheMember, CallError> {
    let group = said(DESCRIBE, region, "a member's replication group", member.replication_group_id())?;
    let association = said(DESCRIBE, region, "whether a member belongs to the datastore", member.status())?;
    Ok(CacheMember {
        group: group.to_owned(),
        role: match member.role() {
            Some(role) if role.eq_ignore_ascii_case("PRIMARY") => CacheRole::Primary,
            Some(role) if role.eq_ignore_ascii_case("SECONDARY") => CacheRole::Secondary,
            Some(_) | None => CacheRole::Unknown,
        },
        association: if association.eq_ignore_ascii_case("associated") {
            Association::Associated
        } else {
            Association::Other(association.to_owned())
        },
    })
}
