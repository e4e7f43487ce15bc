//! One global table and one service, as the target tells them when all is well, to be spoiled by the tests.

use std::collections::BTreeMap;

use lifeboat_model::evidence::{GlobalTable, ScaleIn, ServiceSeen, ServiceStatus, TableReplica, TableStatus};
use lifeboat_model::lock::{Admission, Approval};
use lifeboat_model::plan::{Consistency, Placement, Requirement, Service, Table};
use lifeboat_model::{Region, Timestamp};

use crate::common::{NOW, east, west};

pub fn table(consistency: Consistency) -> Table {
    Table {
        name: "carts".parse().expect("a name"),
        table: "store-carts".to_owned(),
        consistency,
        requirement: Requirement::Required,
    }
}

pub fn replica(region: &Region, status: TableStatus) -> TableReplica {
    TableReplica { region: region.to_string(), status }
}

/// The table as the west describes it: active there and in the east.
pub fn table_seen(consistency: Consistency) -> GlobalTable {
    GlobalTable {
        observed_at: NOW,
        vantage: west(),
        status: TableStatus::Active,
        consistency: Some(consistency),
        replicas: vec![replica(&east(), TableStatus::Active)],
    }
}

/// A service that needs 8 tasks; 6 are enough when its time is over.
pub fn service() -> Service {
    let placement = |region: Region| {
        let placement = Placement { cluster: "store".to_owned(), service: format!("web-{region}"), target_group: None };
        (region, placement)
    };
    Service {
        name: "web".parse().expect("a name"),
        placements: BTreeMap::from([east(), west()].map(placement)),
        capacity: 8,
        match_percent: 100,
        minimum_percent: 75,
        requirement: Requirement::Required,
    }
}

/// The service as the west describes it: scaling by itself between 8 and 20, all of 8 tasks serving, scale-in suspended.
pub fn service_seen() -> ServiceSeen {
    ServiceSeen {
        observed_at: NOW,
        vantage: west(),
        status: ServiceStatus::Active,
        desired: 8,
        running: 8,
        minimum: Some(8),
        maximum: Some(20),
        scale_in: Some(ScaleIn::Suspended),
        healthy: Some(8),
    }
}

/// The same run, approved by a person at `at`.
pub fn approved(run: Admission, at: Timestamp) -> Admission {
    let approval = Approval::Given { by: "a person".to_owned(), reason: "the store must sell".to_owned(), at };
    Admission { approval, ..run }
}

/// Not every subject needs every builder.
const _: () = {
    let _ = (table, replica, table_seen, service, service_seen, approved);
};
