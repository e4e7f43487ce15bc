//! What is wrong with a plan's caches, tables, brokers and services, as the target sees them.

use super::check_table::{table_is_behind, table_readiness};
use super::promote_broker::broker_readiness;
use super::promote_cache::{cache_is_behind, cache_readiness};
use super::scale_compute::compute_readiness;
use crate::evidence::{BrokerSeen, GlobalCache, GlobalTable, Point, ReplicationRole, ServiceSeen};
use crate::lock::Admission;
use crate::plan::{Broker, Cache, Consistency, Engine, Name, Requirement, Service, Table};
use crate::request::Mode;
use crate::{Plan, Reason, ReasonCode, Region, Timestamp};

/// A resource and what was read about it.
#[derive(Clone, Debug)]
pub struct ResourceSeen<'a, R, S> {
    /// The plan's words for it.
    pub resource: &'a R,
    /// What was read; `None` when it did not answer.
    pub state: Option<S>,
}

/// Everything that a run moves or checks beside the databases.
#[derive(Clone, Debug, Default)]
pub struct ResourcesSeen<'a> {
    /// The caches, each with how far the target was behind of late, in milliseconds, oldest first.
    pub caches: Vec<ResourceSeen<'a, Cache, (GlobalCache, Vec<Point>)>>,
    /// The tables, each with how long writes took from source to target of late, in milliseconds, oldest first.
    pub tables: Vec<ResourceSeen<'a, Table, (GlobalTable, Vec<Point>)>>,
    /// The brokers, each with the number of its queues of late, oldest first.
    pub brokers: Vec<ResourceSeen<'a, Broker, (BrokerSeen, Vec<Point>)>>,
    /// The services.
    pub services: Vec<ResourceSeen<'a, Service, ServiceSeen>>,
}

impl ResourcesSeen<'_> {
    /// Whether `target` has every cache and broker that traffic may not move without, as far as they can move.
    pub(super) fn are_in(&self, target: &Region) -> bool {
        let caches = self.caches.iter().filter(|seen| seen.resource.requirement == Requirement::Required);
        let mut caches = caches.map(|seen| {
            let primary = seen.state.as_ref().and_then(|(cache, _)| cache.primary());
            primary.is_some_and(|p| Some(&p.group) == seen.resource.groups.get(target))
        });
        let brokers = self.brokers.iter().filter(|seen| seen.resource.requirement == Requirement::Required);
        let mut brokers = brokers.map(|seen| match seen.resource.engine {
            Engine::ActiveMq => seen.state.as_ref().is_some_and(|(broker, _)| broker.role == ReplicationRole::Primary),
            Engine::RabbitMq { .. } => true,
        });
        caches.all(|there| there) && brokers.all(|there| there)
    }
}

/// What speaks against the run, and what is only to be known: a best-effort resource refuses nothing.
pub(super) fn resource_objections(
    plan: &Plan,
    run: &Admission,
    seen: &ResourcesSeen<'_>,
    now: Timestamp,
) -> (Vec<Reason>, Vec<Reason>) {
    let caches = plan.caches.iter().map(|cache| {
        let state = state_of(&seen.caches, cache);
        let ready = |(s, lag_ms): &(GlobalCache, Vec<Point>)| {
            let behind = || cache_is_behind(cache, run, s, lag_ms, plan.limits.switchover_lag, now);
            cache_readiness(cache, run, s).or_else(behind)
        };
        (cache.requirement, judged("cache", &cache.name, ReasonCode::CacheNotReady, state, ready))
    });
    let tables = plan.tables.iter().map(|table| {
        let state = state_of(&seen.tables, table);
        let ready = |(s, latency_ms): &(GlobalTable, Vec<Point>)| {
            let behind = || table_is_behind(table, run, latency_ms, plan.limits.switchover_lag, now);
            table_readiness(table, run, s).or_else(behind)
        };
        (table.requirement, judged("table", &table.name, ReasonCode::TableNotReady, state, ready))
    });
    let brokers = plan.brokers.iter().map(|broker| {
        let state = state_of(&seen.brokers, broker);
        let ready = |(s, queues): &(BrokerSeen, Vec<Point>)| broker_readiness(broker, run, s, queues, now);
        (broker.requirement, judged("broker", &broker.name, ReasonCode::BrokerNotReady, state, ready))
    });
    let services = plan.services.iter().map(|service| {
        let state = state_of(&seen.services, service);
        let ready = |s: &ServiceSeen| compute_readiness(service, run, s, service.wanted(None));
        (service.requirement, judged("service", &service.name, ReasonCode::ComputeNotReady, state, ready))
    });
    let (mut reasons, mut warnings) = (Vec::new(), Vec::new());
    for (requirement, reason) in caches.chain(tables).chain(brokers).chain(services) {
        match requirement {
            Requirement::Required => reasons.extend(reason),
            Requirement::BestEffort => warnings.extend(reason),
        }
    }
    warnings.extend(plan.tables.iter().filter_map(|table| unknowable(table, run)));
    (reasons, warnings)
}

fn state_of<'s, R: PartialEq, S>(seen: &'s [ResourceSeen<'_, R, S>], resource: &R) -> Option<&'s S> {
    seen.iter().find(|s| s.resource == resource)?.state.as_ref()
}

/// A resource that nobody looked at, or that did not answer, is not one that is well.
fn judged<S>(
    kind: &str,
    name: &Name,
    code: ReasonCode,
    state: Option<&S>,
    ready: impl FnOnce(&S) -> Option<Reason>,
) -> Option<Reason> {
    match state {
        Some(state) => ready(state),
        None => Some(Reason::new(code, format!("{kind} {name}"), "nothing was read about it")),
    }
}

/// DynamoDB tells how far an eventually consistent table is behind in the source only, which is not asked in a failover.
fn unknowable(table: &Table, run: &Admission) -> Option<Reason> {
    match (run.mode, table.consistency) {
        (Mode::Failover, Consistency::Eventual) => Some(Reason::new(
            ReasonCode::TableLagUnknown,
            format!("table {}", table.name),
            "how much has not arrived is known in the source only; it arrives when the source is back, and loses to newer writes",
        )),
        (Mode::Failover, Consistency::Strong) | (Mode::Switchover, _) => None,
    }
}
