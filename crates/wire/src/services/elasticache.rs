//! Amazon ElastiCache: global datastores.

use async_trait::async_trait;
use lifeboat_model::Region;
use lifeboat_model::evidence::{Association, CacheMember, CacheRole, GlobalCache};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Cache;
use lifeboat_ports::Caches;

use super::{ACCOUNT, Asking, Done, Operations, first};
use crate::callers::Act;
use crate::protocol::{Api, Protocol};
use crate::refusal::{Code, Codes, Trouble};
use crate::shape::{Shape, text, truth};

const NO_DATASTORE: Code = (404, "GlobalReplicationGroupNotFoundFault");

/// The service.
pub struct ElastiCache;

fn named(asking: &Asking<'_>, id: &str) -> Result<Cache, Trouble> {
    let is_it = |c: &Cache| c.global_datastore.eq_ignore_ascii_case(id);
    first(asking.plan().caches, is_it, NO_DATASTORE, || format!("Global replication group {id} not found."))
}

async fn describe(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let caches = match asking.input.text("GlobalReplicationGroupId")? {
        Some(id) => vec![named(asking, id)?],
        None => asking.plan().caches,
    };
    let with_members = asking.input.truth("ShowMemberInfo")?.unwrap_or(false);
    let ports = asking.ports(Step::PromoteCache, Act::Look);
    let mut groups = Vec::new();
    for cache in caches {
        let seen = Caches::describe(&ports, &cache, asking.region).await?;
        groups.push(datastore(&cache, &seen, if with_members { members(&cache, &seen) } else { None }));
    }
    let groups = Shape::list("GlobalReplicationGroup", groups);
    Ok(Done::read(Shape::record([("GlobalReplicationGroups", groups)])))
}

async fn fail_over(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let cache = named(asking, asking.input.required("GlobalReplicationGroupId")?)?;
    let group = asking.input.required("PrimaryReplicationGroupId")?;
    let wrong = |field, expected: &str| Trouble::from(asking.input.wrong(field, expected));
    let primary: Region = asking
        .input
        .required("PrimaryRegion")?
        .parse()
        .map_err(|_| wrong("PrimaryRegion", "the Region of a member"))?;
    if cache.groups.get(&primary).is_none_or(|g| !g.eq_ignore_ascii_case(group)) {
        return Err(wrong("PrimaryReplicationGroupId", "the member in PrimaryRegion"));
    }
    // AWS takes it in Regions with a secondary member: with two members, the one that is to be the primary.
    if primary != *asking.region {
        return Err(wrong("PrimaryRegion", &format!("{}, where the request was sent", asking.region)));
    }
    let ports = asking.ports(Step::PromoteCache, Act::Change);
    let receipt = Caches::promote(&ports, &cache, &primary).await?;
    let seen = asking.world().describe_cache(&cache, asking.region)?;
    let result = Shape::record([("GlobalReplicationGroup", Some(datastore(&cache, &seen, members(&cache, &seen))))]);
    Ok(Done::accepted(result, receipt))
}

#[async_trait(?Send)]
impl Operations for ElastiCache {
    fn api(&self) -> Api {
        let namespace = "http://elasticache.amazonaws.com/doc/2015-02-02/";
        Api { namespace, target: "AmazonElastiCacheV9", speaks: Protocol::Query }
    }

    fn codes(&self) -> Codes {
        Codes { not_found: NO_DATASTORE, conflict: (400, "InvalidGlobalReplicationGroupState"), ..Codes::QUERY }
    }

    async fn operate(&self, asking: &Asking<'_>) -> Result<Done, Trouble> {
        match asking.operation {
            "DescribeGlobalReplicationGroups" => describe(asking).await,
            "FailoverGlobalReplicationGroup" => fail_over(asking).await,
            _ => Err(Trouble::NoSuchOperation),
        }
    }
}

fn datastore(cache: &Cache, seen: &GlobalCache, members: Option<Shape>) -> Shape {
    let id = &cache.global_datastore;
    Shape::record([
        ("GlobalReplicationGroupId", text(id)),
        ("GlobalReplicationGroupDescription", text(&cache.name)),
        ("Status", text(seen.status.as_str())),
        ("CacheNodeType", text("cache.r7g.large")),
        ("Engine", text("valkey")),
        ("EngineVersion", text("8.0")),
        ("Members", members),
        ("ClusterEnabled", truth(false)),
        ("ARN", text(format!("arn:aws:elasticache::{ACCOUNT}:globalreplicationgroup:{id}"))),
    ])
}

fn members(cache: &Cache, seen: &GlobalCache) -> Option<Shape> {
    let region_of = |member: &CacheMember| {
        cache.groups.iter().find(|(_, group)| **group == member.group).and_then(|(region, _)| text(region))
    };
    let members = seen.members.iter().map(|member| {
        let role = match member.role {
            CacheRole::Primary => "PRIMARY",
            CacheRole::Secondary => "SECONDARY",
            CacheRole::Unknown => "UNKNOWN",
        };
        let status = match &member.association {
            Association::Associated => "associated",
            Association::Other(word) => word,
        };
        Shape::record([
            ("ReplicationGroupId", text(&member.group)),
            ("ReplicationGroupRegion", region_of(member)),
            ("Role", text(role)),
            ("AutomaticFailover", text("enabled")),
            ("Status", text(status)),
        ])
    });
    Shape::list("GlobalReplicationGroupMember", members)
}
