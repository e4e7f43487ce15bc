//! Caches and brokers that are well, to be spoiled by their tests.

use lifeboat_model::evidence::{
    Association, BrokerSeen, BrokerState, CacheMember, CacheRole, GlobalCache, ReplicationRole, Status,
};
use lifeboat_model::journal::Attempts;
use lifeboat_model::plan::{Broker, BrokerRef, Cache, Engine, InFlight, Limits, Requirement};
use lifeboat_model::{Region, Timestamp};

use crate::common::{NOW, east, west};

pub const NONE: Attempts = Attempts { count: 0, first_at: None, accepted_at: None, unknown_at: None };

/// The plan's limits: five minutes for a cache or a broker, five seconds of lag.
pub fn limits() -> Limits {
    Limits::default()
}

/// The cache `sessions`, with the groups `sessions-us-east-1` and `sessions-us-west-2`.
pub fn cache() -> Cache {
    Cache {
        name: "sessions".parse().expect("a name"),
        global_datastore: "ldgnf-sessions".to_owned(),
        groups: [east(), west()].map(|r| (r.clone(), group(&r))).into(),
        requirement: Requirement::Required,
    }
}

pub fn group(region: &Region) -> String {
    format!("sessions-{region}")
}

pub fn member(group: &str, role: CacheRole) -> CacheMember {
    CacheMember { group: group.to_owned(), role, association: Association::Associated }
}

/// The cache as the target tells it: well, with its primary in `primary`.
pub fn cached(primary: &Region) -> GlobalCache {
    let role = |r: &Region| if r == primary { CacheRole::Primary } else { CacheRole::Secondary };
    GlobalCache {
        observed_at: NOW,
        vantage: west(),
        status: Status::Available,
        members: [east(), west()].iter().map(|r| member(&group(r), role(r))).collect(),
    }
}

/// The broker `orders`, one in each Region.
pub fn broker(engine: Engine) -> Broker {
    let of = |r: Region| (r.clone(), BrokerRef { id: format!("b-{r}"), name: format!("orders-{r}") });
    Broker {
        name: "orders".parse().expect("a name"),
        engine,
        brokers: [east(), west()].map(of).into(),
        requirement: Requirement::Required,
    }
}

pub fn rabbit(in_flight: InFlight, queues: u32) -> Engine {
    Engine::RabbitMq { in_flight, queues }
}

/// The target's broker as its Region tells it.
pub fn brokered(role: ReplicationRole, state: BrokerState) -> BrokerSeen {
    BrokerSeen { observed_at: NOW, vantage: west(), state, role }
}

/// Calls, the last of which was made at `then`: refused, of unknown fate, or accepted.
pub fn refused(count: u32, then: Timestamp) -> Attempts {
    Attempts { count, first_at: Some(then), ..NONE }
}

pub fn lost(count: u32, then: Timestamp) -> Attempts {
    Attempts { unknown_at: Some(then), ..refused(count, then) }
}

pub fn accepted(count: u32, then: Timestamp) -> Attempts {
    Attempts { accepted_at: Some(then), ..refused(count, then) }
}

/// Not every subject needs every builder.
const _: () = {
    let _ = (limits, cache, group, member, cached, broker, rabbit, brokered, refused, lost, accepted, NONE);
};
