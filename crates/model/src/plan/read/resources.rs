//! Reads the resources of a plan.

use std::collections::BTreeSet;
use std::str::FromStr;

use super::super::{
    Broker, BrokerRef, Cache, Consistency, Database, Engine, InFlight, Name, Placement, Requirement, Service, Table,
};
use super::{RESOURCES_MAX, bounded_text, read_arn, read_per_region};
use crate::Region;
use crate::read::{Cursor, Expected, Fields, report_duplicates};

pub(super) fn read_databases(at: &Cursor<'_>, regions: Option<&[Region; 2]>) -> Option<Vec<Database>> {
    let (mut names, mut ids, mut arns) = (Vec::new(), Vec::new(), Vec::new());
    let databases = at.list_of(RESOURCES_MAX, |c| {
        let f = c.fields(&["name", "global_cluster", "clusters"])?;
        let name = read_name(&f, &mut names);
        let global_cluster = f.required("global_cluster").and_then(|c| bounded_text(&c, 255));
        let clusters = f.required("clusters").and_then(|c| {
            for (_, entry) in c.entries()?.entries {
                arns.extend(entry.text().map(|text| (text.to_owned(), entry)));
            }
            read_per_region(&c, regions, |c, region| read_arn(c, "rds", region.as_str(), "cluster:"))
        });
        ids.extend(global_cluster.clone().zip(f.optional("global_cluster")));
        Some(Database { name: name?, global_cluster: global_cluster?, clusters: clusters? })
    });
    report_duplicates("a database name", names);
    report_duplicates("a global cluster", ids);
    report_duplicates("a cluster ARN", arns);
    databases
}

pub(super) fn read_caches(at: &Cursor<'_>, regions: Option<&[Region; 2]>) -> Option<Vec<Cache>> {
    let (mut names, mut ids, mut groups_seen) = (Vec::new(), Vec::new(), Vec::new());
    let caches = at.list_of(RESOURCES_MAX, |c| {
        let f = c.fields(&["name", "global_datastore", "groups", "requirement"])?;
        let name = read_name(&f, &mut names);
        let global_datastore = f.required("global_datastore").and_then(|c| bounded_text(&c, 255));
        ids.extend(global_datastore.clone().zip(f.optional("global_datastore")));
        let groups = f.required("groups").and_then(|c| {
            read_per_region(&c, regions, |c, region| {
                let group = bounded_text(c, 40)?;
                groups_seen.push(((region.clone(), group.clone()), c.clone()));
                Some(group)
            })
        });
        if let Some(groups) = &groups
            && groups.values().collect::<BTreeSet<_>>().len() != groups.len()
        {
            f.optional("groups")?.problem("a different name in each Region; AWS tells a datastore's members by it");
        }
        let requirement = f.or("requirement", Requirement::default(), |c| c.parse());
        Some(Cache { name: name?, global_datastore: global_datastore?, groups: groups?, requirement: requirement? })
    });
    report_duplicates("a cache name", names);
    report_duplicates("a global datastore", ids);
    report_duplicates("a replication group in its Region", groups_seen);
    caches
}

pub(super) fn read_tables(at: &Cursor<'_>) -> Option<Vec<Table>> {
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    let tables = at.list_of(RESOURCES_MAX, |c| {
        let f = c.fields(&["name", "table", "consistency", "requirement"])?;
        let name = read_name(&f, &mut names);
        let table = f.required("table").and_then(|c| read_table_name(&c));
        ids.extend(table.clone().zip(f.optional("table")));
        let consistency = f.required("consistency").and_then(|c| c.parse());
        let requirement = f.or("requirement", Requirement::default(), |c| c.parse());
        Some(Table { name: name?, table: table?, consistency: consistency?, requirement: requirement? })
    });
    report_duplicates("a table name", names);
    report_duplicates("a global table", ids);
    tables
}

fn read_table_name(at: &Cursor<'_>) -> Option<String> {
    let text = at.text()?;
    let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if (3..=255).contains(&text.len()) && letters {
        return Some(text.to_owned());
    }
    at.problem("a table's name: 3 to 255 letters, digits, hyphens, underscores and dots");
    None
}

pub(super) fn read_brokers(at: &Cursor<'_>, regions: Option<&[Region; 2]>) -> Option<Vec<Broker>> {
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    let brokers = at.list_of(RESOURCES_MAX, |c| {
        let f = c.fields(&["name", "engine", "brokers", "requirement"])?;
        let name = read_name(&f, &mut names);
        let engine = f.required("engine").and_then(|c| read_engine(&c));
        let brokers = f.required("brokers").and_then(|c| {
            read_per_region(&c, regions, |c, _| {
                let f = c.fields(&["id", "name"])?;
                let id = f.required("id").and_then(|c| bounded_text(&c, 100));
                let name = f.required("name").and_then(|c| bounded_text(&c, 50));
                ids.extend(id.clone().zip(f.optional("id")));
                Some(BrokerRef { id: id?, name: name? })
            })
        });
        let requirement = f.or("requirement", Requirement::default(), |c| c.parse());
        Some(Broker { name: name?, engine: engine?, brokers: brokers?, requirement: requirement? })
    });
    report_duplicates("a broker name", names);
    report_duplicates("a broker id", ids);
    brokers
}

fn read_engine(at: &Cursor<'_>) -> Option<Engine> {
    let kind = at.entries()?.required("kind")?;
    match kind.text()? {
        "activemq" => {
            at.fields(&["kind"])?;
            Some(Engine::ActiveMq)
        }
        "rabbitmq" => {
            let f = at.fields(&["kind", "in_flight", "queues"])?;
            let in_flight = f.required("in_flight").and_then(|c| c.parse());
            let queues = f.or("queues", 0, |c| c.integer(0..=100_000));
            Some(Engine::RabbitMq { in_flight: in_flight?, queues: queues? })
        }
        _ => {
            kind.problem("activemq or rabbitmq");
            None
        }
    }
}

pub(super) fn read_services(at: &Cursor<'_>, regions: Option<&[Region; 2]>) -> Option<Vec<Service>> {
    let (mut names, mut ids) = (Vec::new(), Vec::new());
    let services = at.list_of(RESOURCES_MAX, |c| {
        let f = c.fields(&["name", "placements", "capacity", "match_percent", "minimum_percent", "requirement"])?;
        let name = read_name(&f, &mut names);
        let placements = f.required("placements").and_then(|c| {
            read_per_region(&c, regions, |c, region| {
                let placement = read_placement(c, region)?;
                ids.push(((region.clone(), placement.cluster.clone(), placement.service.clone()), c.clone()));
                Some(placement)
            })
        });
        let capacity = f.required("capacity").and_then(|c| c.integer(1..=5000));
        let match_percent = f.or("match_percent", 100, |c| c.integer(1..=300));
        let minimum_percent = f.or("minimum_percent", 100, |c| c.integer(1..=100));
        let requirement = f.or("requirement", Requirement::default(), |c| c.parse());
        Some(Service {
            name: name?,
            placements: placements?,
            capacity: capacity?,
            match_percent: match_percent?,
            minimum_percent: minimum_percent?,
            requirement: requirement?,
        })
    });
    report_duplicates("a service name", names);
    report_duplicates("a service of a cluster", ids);
    services
}

fn read_placement(at: &Cursor<'_>, region: &Region) -> Option<Placement> {
    let f = at.fields(&["cluster", "service", "target_group"])?;
    let cluster = f.required("cluster").and_then(|c| bounded_text(&c, 255));
    let service = f.required("service").and_then(|c| bounded_text(&c, 255));
    let target_group =
        f.or("target_group", None, |c| read_arn(&c, "elasticloadbalancing", region.as_str(), "targetgroup/").map(Some));
    Some(Placement { cluster: cluster?, service: service?, target_group: target_group? })
}

/// The name of a resource, kept with its place so that it can be held to be the only one.
fn read_name<'a>(f: &Fields<'a>, names: &mut Vec<(Name, Cursor<'a>)>) -> Option<Name> {
    let name: Option<Name> = f.required("name").and_then(|c| c.parse());
    names.extend(name.clone().zip(f.optional("name")));
    name
}

impl FromStr for Requirement {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text {
            "required" => Ok(Self::Required),
            "best-effort" => Ok(Self::BestEffort),
            _ => Err(Expected("required or best-effort")),
        }
    }
}

impl FromStr for Consistency {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text {
            "eventual" => Ok(Self::Eventual),
            "strong" => Ok(Self::Strong),
            _ => Err(Expected("eventual or strong")),
        }
    }
}

impl FromStr for InFlight {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        match text {
            "accept" => Ok(Self::Accept),
            "drain" => Ok(Self::Drain),
            _ => {
                Err(Expected("accept (messages stay where they are) or drain (a planned move waits for empty queues)"))
            }
        }
    }
}
