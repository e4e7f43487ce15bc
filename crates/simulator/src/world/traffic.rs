//! Routing controls on five endpoints, the safety rule, and DNS.

use std::collections::{BTreeMap, BTreeSet};

use lifeboat_model::evidence::Switch;
use lifeboat_model::plan::Topology;
use lifeboat_model::report::Lane;
use lifeboat_model::{Arn, Direction, Plan, Region, Timestamp};
use lifeboat_ports::{CallError, Fault, Receipt};

use super::World;
use crate::service_times::{ROUTING_PROPAGATION, SAFETY_RULE_WAIT};

/// Routing controls and DNS.
pub struct TrafficState {
    /// What the cluster agrees on.
    pub controls: BTreeMap<Arn, Switch>,
    /// The Regions that Route 53 answers with.
    pub healthy: BTreeSet<Region>,
    /// The Regions whose endpoint of the cluster is down.
    pub endpoints_down: BTreeSet<Region>,
    /// What guards the controls.
    pub safety_rule: SafetyRule,
    /// Every accepted change, and when Route 53 answered by it.
    pub changes: Vec<RoutingChange>,
}

/// What guards the routing controls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafetyRule {
    /// At least one is On, and changes keep the wait period between them: what our template deploys.
    OneOn,
    /// Nothing.
    None,
}

/// A change of routing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutingChange {
    /// When it was accepted.
    pub at: Timestamp,
    /// When Route 53 answered by it.
    pub answered_at: Option<Timestamp>,
}

impl TrafficState {
    pub(super) fn new(plan: &Plan, direction: &Direction) -> Self {
        let serves = |region: &Region| match plan.topology {
            Topology::ActiveActive => true,
            Topology::ActivePassive => region == &direction.source,
        };
        let switch = |region: &Region| if serves(region) { Switch::On } else { Switch::Off };
        Self {
            controls: plan.routing.controls.iter().map(|(region, arn)| (arn.clone(), switch(region))).collect(),
            healthy: plan.regions.iter().filter(|r| serves(r)).cloned().collect(),
            endpoints_down: BTreeSet::new(),
            safety_rule: SafetyRule::OneOn,
            changes: Vec::new(),
        }
    }

    /// Whether at least one control is On.
    pub fn any_on(&self) -> bool {
        self.controls.values().any(|s| *s == Switch::On)
    }
}

impl World {
    pub(super) fn routing_states(&self, controls: &[Arn]) -> BTreeMap<Arn, Switch> {
        let state = self.state();
        controls.iter().filter_map(|c| Some((c.clone(), *state.traffic.controls.get(c)?))).collect()
    }

    /// Whether the endpoint in `region` answers. It is down with its Region.
    pub(super) fn endpoint_is_down(&self, region: &Region) -> bool {
        self.is_dark(region) || self.state().traffic.endpoints_down.contains(region)
    }

    pub(crate) fn change_routing(&self, endpoint: &Region, changes: &[(Arn, Switch)]) -> Result<Receipt, CallError> {
        let operation = "route53-recovery-cluster:UpdateRoutingControlStates";
        let now = self.now();
        let number = {
            let mut state = self.state_mut();
            let traffic = &mut state.traffic;
            if changes.iter().any(|(control, _)| !traffic.controls.contains_key(control)) {
                return Err(CallError::new(operation, endpoint, Fault::NotFound));
            }
            let guarded = traffic.safety_rule == SafetyRule::OneOn;
            if guarded && traffic.changes.last().is_some_and(|c| now < c.at.plus(SAFETY_RULE_WAIT)) {
                let words = "the wait period of arn:aws:route53-recovery-control::111122223333:controlpanel/8f2c1b/safetyrule/one-on has not passed";
                return Err(CallError::new(operation, endpoint, Fault::Conflict).saying("ConflictException", words));
            }
            let mut after = traffic.controls.clone();
            after.extend(changes.iter().cloned());
            if guarded && !after.values().any(|s| *s == Switch::On) {
                let words =
                    "blocked by arn:aws:route53-recovery-control::111122223333:controlpanel/8f2c1b/safetyrule/one-on";
                return Err(CallError::new(operation, endpoint, Fault::Conflict).saying("ConflictException", words));
            }
            traffic.controls = after;
            traffic.changes.push(RoutingChange { at: now, answered_at: None });
            traffic.changes.len() - 1
        };
        let world = self.clone();
        self.0.executor.spawn(async move { world.propagate(number, now).await });
        self.log(Lane::Traffic, "routing controls change");
        Ok(Receipt { request_id: format!("arc-{}", now.as_ms()) })
    }

    async fn propagate(&self, number: usize, changed: Timestamp) {
        self.pause(ROUTING_PROPAGATION).await;
        let now = self.now();
        {
            let mut state = self.state_mut();
            let on: BTreeSet<Region> = {
                let controls = &state.traffic.controls;
                let is_on = |arn: &Arn| controls.get(arn) == Some(&Switch::On);
                state.plan.routing.controls.iter().filter(|(_, arn)| is_on(arn)).map(|(r, _)| r.clone()).collect()
            };
            state.traffic.healthy = on;
            if let Some(change) = state.traffic.changes.get_mut(number) {
                change.answered_at = Some(now);
            }
        }
        self.log_since(Lane::Traffic, changed, "Route 53 answers by the change");
    }

    /// The Region that Route 53 sends the client with this number to.
    pub(super) fn region_for(&self, client: usize) -> Region {
        let state = self.state();
        let healthy: Vec<&Region> = state.traffic.healthy.iter().collect();
        let all: Vec<&Region> = state.plan.regions.iter().collect();
        // With every health check failing, Route 53 answers as if all were well.
        let choice = if healthy.is_empty() { &all } else { &healthy };
        choice.get(client % choice.len()).map_or_else(|| state.direction.source.clone(), |r| (*r).clone())
    }

    /// The addresses of `name`, which is one of the plan's names or one of their entries.
    pub(super) fn resolve_name(&self, name: &str) -> BTreeSet<String> {
        let state = self.state();
        let address = |entry: &str| format!("address of {entry}");
        for dns in &state.plan.dns {
            if dns.name == name {
                let answers = dns.answers.iter().filter(|(region, _)| state.traffic.healthy.contains(region));
                return answers.map(|(_, entry)| address(entry)).collect();
            }
            if dns.answers.values().any(|entry| entry == name) {
                return BTreeSet::from([address(name)]);
            }
        }
        BTreeSet::new()
    }
}
