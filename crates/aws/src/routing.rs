//! Routing controls, on the data plane of their cluster.
//!
//! Purpose: reads and changes which Regions get traffic, through one endpoint of five. The step picks the endpoint.
//! Guarantees: a call goes to the endpoint that was asked for, signed for its Region, once (S10): the step is the only
//! layer that tries again, at another endpoint (S13). Changes are one atomic batch; no safety rule is ever overridden (S15).
//! Effects: `change` moves traffic. Fails when: the endpoint refuses, cannot be reached, or does not answer within
//! [`ENDPOINT_TIMEOUT`](lifeboat_model::limits::ENDPOINT_TIMEOUT).

use std::cell::RefCell;
use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_route53recoverycluster::Client;
use aws_sdk_route53recoverycluster::types::{RoutingControlState, UpdateRoutingControlStateEntry};
use futures_util::future::try_join_all;
use lifeboat_model::evidence::Switch;
use lifeboat_model::plan::Endpoint;
use lifeboat_model::{Arn, Region};
use lifeboat_ports::{CallError, Fault, Receipt, Routing};

use crate::Environment;
use crate::errors::{call_error, receipt};

const GET: &str = "route53-recovery-cluster:GetRoutingControlState";
const UPDATE: &str = "route53-recovery-cluster:UpdateRoutingControlStates";

/// The endpoints of routing-control clusters.
#[derive(Debug)]
pub struct ClusterRouting {
    environment: Environment,
    made: RefCell<BTreeMap<(String, Region), Client>>,
}

impl ClusterRouting {
    /// The endpoints as this environment reaches them; a client of each is made when first asked for, and kept.
    pub fn new(environment: &Environment) -> Self {
        Self { environment: environment.clone(), made: RefCell::default() }
    }

    fn client(&self, endpoint: &Endpoint) -> Client {
        let make = || Client::new(&self.environment.endpoint_config(&endpoint.url, &endpoint.region));
        let key = (endpoint.url.clone(), endpoint.region.clone());
        self.made.borrow_mut().entry(key).or_insert_with(make).clone()
    }
}

#[async_trait(?Send)]
impl Routing for ClusterRouting {
    async fn states(&self, endpoint: &Endpoint, controls: &[Arn]) -> Result<BTreeMap<Arn, Switch>, CallError> {
        let client = self.client(endpoint);
        let reads = controls.iter().map(|control| read_state(&client, endpoint, control));
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn change(&self, endpoint: &Endpoint, changes: &[(Arn, Switch)]) -> Result<Receipt, CallError> {
        let entries = changes.iter().map(|(control, switch)| entry(control, *switch)).collect::<Result<Vec<_>, _>>();
        let entries = entries
            .map_err(|error| CallError::new(UPDATE, &endpoint.region, Fault::Invalid).saying("", error.to_string()))?;
        let call = self
            .client(endpoint)
            .update_routing_control_states()
            .set_update_routing_control_state_entries(Some(entries));
        let output = call.send().await.map_err(|error| call_error(UPDATE, &endpoint.region, &error))?;
        Ok(receipt(&output))
    }
}

/// `None` for a state in a word that we do not know, or none at all.
async fn read_state(client: &Client, endpoint: &Endpoint, control: &Arn) -> Result<Option<(Arn, Switch)>, CallError> {
    let call = client.get_routing_control_state().routing_control_arn(control.as_str());
    let output = call.send().await.map_err(|error| call_error(GET, &endpoint.region, &error))?;
    if output.routing_control_arn() != control.as_str() {
        return Ok(None);
    }
    let switch = match output.routing_control_state() {
        RoutingControlState::On => Some(Switch::On),
        RoutingControlState::Off => Some(Switch::Off),
        _ => None,
    };
    Ok(switch.map(|switch| (control.clone(), switch)))
}

fn entry(
    control: &Arn,
    switch: Switch,
) -> Result<UpdateRoutingControlStateEntry, aws_smithy_types::error::operation::BuildError> {
    let state = match switch {
        Switch::On => RoutingControlState::On,
        Switch::Off => RoutingControlState::Off,
    };
    UpdateRoutingControlStateEntry::builder().routing_control_arn(control.as_str()).routing_control_state(state).build()
}
