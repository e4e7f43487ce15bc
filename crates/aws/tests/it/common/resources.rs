//! The resources that the tests move and look at: one of each kind, in both Regions.

use lifeboat_model::plan::{
    Broker, BrokerRef, Cache, Consistency, Engine, InFlight, Placement, Requirement, Service, Table,
};
use lifeboat_model::{Arn, Region};

use super::{AWAY, HOME, region};

fn both<T>(of: impl Fn(&str, &str) -> T) -> std::collections::BTreeMap<Region, T> {
    [(AWAY, "use1"), (HOME, "usw2")].map(|(at, short)| (region(at), of(at, short))).into()
}

/// The cache `sessions`, with a replication group in each Region.
pub fn sessions() -> Cache {
    Cache {
        name: "sessions".parse().expect("a name"),
        global_datastore: "ldgnf-sessions".to_owned(),
        groups: both(|_, short| format!("sessions-{short}")),
        requirement: Requirement::Required,
    }
}

/// The table `carts`.
pub fn carts() -> Table {
    Table {
        name: "carts".parse().expect("a name"),
        table: "store-carts".to_owned(),
        consistency: Consistency::Eventual,
        requirement: Requirement::Required,
    }
}

/// The broker `mail`, with one in each Region.
pub fn mail() -> Broker {
    Broker {
        name: "mail".parse().expect("a name"),
        engine: Engine::RabbitMq { in_flight: InFlight::Drain, queues: 2 },
        brokers: both(|_, short| BrokerRef { id: format!("b-{short}"), name: format!("mail-{short}") }),
        requirement: Requirement::Required,
    }
}

/// The service `checkout`, with a placement in each Region; only that in [`HOME`] is behind a load balancer.
pub fn checkout() -> Service {
    let placement = |at: &str, short: &str| Placement {
        cluster: format!("store-{short}"),
        service: "checkout".to_owned(),
        target_group: (at == HOME).then(target_group),
    };
    Service {
        name: "checkout".parse().expect("a name"),
        placements: both(placement),
        capacity: 4,
        match_percent: 100,
        minimum_percent: 100,
        requirement: Requirement::Required,
    }
}

/// The target group of `checkout` in [`HOME`].
pub fn target_group() -> Arn {
    "arn:aws:elasticloadbalancing:us-west-2:111122223333:targetgroup/checkout/1a2b".parse().expect("an ARN")
}
