//! The routing controls, on whichever of the five endpoints answers: reading them, and the one way of changing them.

use std::collections::BTreeMap;

use futures_util::stream::{FuturesUnordered, StreamExt};
use lifeboat_model::decide::{RoutingRefusal, Shift, routing_refusal, shift_traffic};
use lifeboat_model::evidence::{RoutingStates, Switch};
use lifeboat_model::journal::{Call, Effect};
use lifeboat_model::limits::{ENDPOINT_HEDGE, ENDPOINT_TIMEOUT, POLL, SHIFT_ATTEMPTS_MAX, Step};
use lifeboat_model::plan::{self, Endpoint};
use lifeboat_model::{Arn, Period, ReasonCode, StepError};
use lifeboat_ports::{CallError, Chance, Clock, Fault, Ledger, Mark, Routing, timely};

use crate::{Mutation, Performed, Run};

/// The cluster's endpoints from a random start (S12: no endpoint, and so no Region, is always asked first).
pub fn rotation<'a>(routing: &'a plan::Routing, chance: &dyn Chance) -> Vec<&'a Endpoint> {
    let count = routing.endpoints.len();
    let start = chance.below(count);
    (0..count).filter_map(|n| routing.endpoints.get((start + n) % count)).collect()
}

/// The states of the plan's controls, from the first of `endpoints` that tells them. Each is asked a little after the one
/// before it, so that a dead endpoint costs [`ENDPOINT_HEDGE`], not its time-out. Asking twice changes nothing.
///
/// # Errors
/// `Transient` when none does; `Refused` when all that answer say that they never will (permission, no such control).
pub async fn read_states(
    plan: &plan::Routing,
    endpoints: &[&Endpoint],
    routing: &dyn Routing,
    clock: &dyn Clock,
) -> Result<RoutingStates, StepError> {
    let controls: Vec<Arn> = plan.controls.values().cloned().collect();
    let controls = &controls;
    let mut asked: FuturesUnordered<_> = endpoints
        .iter()
        .zip(0..)
        .map(|(endpoint, turn)| async move {
            if turn > 0 {
                clock.sleep(Period::ms(turn * ENDPOINT_HEDGE.as_ms() as u32)).await;
            }
            let operation = "route53-recovery-cluster:GetRoutingControlState";
            let states = routing.states(endpoint, controls);
            (*endpoint, timely(clock, ENDPOINT_TIMEOUT, operation, &endpoint.region, states).await)
        })
        .collect();
    let mut refusal = None;
    let mut failures = Vec::new();
    while let Some((endpoint, answer)) = asked.next().await {
        match answer {
            Ok(states) => {
                return Ok(RoutingStates { observed_at: clock.now(), endpoint: endpoint.region.clone(), states });
            }
            Err(error) => {
                failures.push(error.to_string());
                if matches!(error.fault, Fault::Denied | Fault::NotFound | Fault::Invalid) {
                    refusal = Some(error.while_reading());
                }
            }
        }
    }
    let silent = format!("no endpoint of the routing-control cluster answered: {}", failures.join("; "));
    Err(refusal.unwrap_or(StepError::Transient(silent)))
}

/// What a change of routing needs.
pub struct RoutingPorts<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The routing-control cluster.
    pub routing: &'a dyn Routing,
}

/// What became of a change.
#[derive(Debug)]
pub enum Changed {
    /// The cluster's states are as wanted: read back on another endpoint than the one that was told, after so many calls in
    /// this run.
    Done(RoutingStates, u32),
    /// A change is settling: come back later.
    Settling(RoutingStates),
    /// The run is a rehearsal.
    Rehearsed(RoutingStates),
}

/// What one endpoint made of the change.
enum Sent {
    /// Accepted, or perhaps: read back what is true.
    LookAgain,
    /// This endpoint did nothing; the next may.
    NextEndpoint(String),
    /// A change is settling: come back later.
    Settling,
    /// The run is a rehearsal.
    Rehearsed,
}

/// A change of the plan's routing controls that a step makes for its run: target On and source Off, in one batch.
pub struct RoutingChange<'a> {
    /// The run.
    pub run: &'a Run,
    /// The step.
    pub step: Step,
    /// How many calls the step has intended in this run already.
    pub attempts: u32,
}

impl RoutingChange<'_> {
    /// Makes the change until it is read back as done: on one endpoint after the other, beginning with the one that told
    /// what was `seen`. `may_go` is asked before each call.
    ///
    /// # Errors
    /// `may_go`'s; `Refused` (safety-rule, call-refused); `Transient` when no endpoint took the change.
    pub async fn make(
        &self,
        seen: RoutingStates,
        endpoints: &[&Endpoint],
        ports: &RoutingPorts<'_>,
        may_go: impl Fn(&RoutingStates) -> Result<(), StepError>,
    ) -> Result<Changed, StepError> {
        let endpoints = answering_first(endpoints, &seen);
        let (mut seen, mut attempt, mut misses) = (seen, self.attempts, Vec::new());
        for (n, endpoint) in endpoints.iter().cycle().take(endpoints.len() * SHIFT_ATTEMPTS_MAX as usize).enumerate() {
            let change = match self.missing(&seen) {
                Shift::Done => return Ok(Changed::Done(seen, attempt)),
                Shift::Change(change) => change,
            };
            may_go(&seen)?;
            attempt += 1;
            match self.send(endpoint, attempt, &change, ports).await? {
                Sent::LookAgain => seen = self.read_back(&endpoints, n, ports).await?,
                Sent::NextEndpoint(why) => misses.push(why),
                Sent::Settling => return Ok(Changed::Settling(seen)),
                Sent::Rehearsed => return Ok(Changed::Rehearsed(seen)),
            }
        }
        match self.missing(&seen) {
            Shift::Done => Ok(Changed::Done(seen, attempt)),
            Shift::Change(_) => {
                Err(StepError::Transient(format!("no endpoint took the change: {}", misses.join("; "))))
            }
        }
    }

    fn missing(&self, seen: &RoutingStates) -> Shift {
        shift_traffic(&self.run.plan.routing.controls, &self.run.lock.run.direction, seen)
    }

    async fn send(
        &self,
        endpoint: &Endpoint,
        attempt: u32,
        change: &[(Arn, Switch)],
        ports: &RoutingPorts<'_>,
    ) -> Result<Sent, StepError> {
        let parameters: BTreeMap<String, String> =
            change.iter().map(|(control, switch)| (control.to_string(), format!("{switch:?}"))).collect();
        let call = Call {
            operation: "route53-recovery-cluster:UpdateRoutingControlStates".to_owned(),
            region: endpoint.region.clone(),
            parameters,
        };
        let mutation = Mutation {
            run: self.run,
            step: self.step,
            resource: self.run.plan.name.as_str(),
            attempt,
            call,
            timeout: ENDPOINT_TIMEOUT,
            mark: Mark::PointOfNoReturn,
        };
        match mutation.perform(ports.ledger, ports.clock, ports.routing.change(endpoint, change)).await? {
            Performed::Rehearsed => Ok(Sent::Rehearsed),
            Performed::Made(Ok(_)) => Ok(Sent::LookAgain),
            Performed::Made(Err(error)) if error.effect() == Effect::Unknown => Ok(Sent::LookAgain),
            Performed::Made(Err(error)) => refused(&error),
        }
    }

    /// Reads the states on other endpoints than the one that was told: what counts is what the cluster agrees on.
    async fn read_back(
        &self,
        endpoints: &[&Endpoint],
        told: usize,
        ports: &RoutingPorts<'_>,
    ) -> Result<RoutingStates, StepError> {
        let (count, plan) = (endpoints.len(), &self.run.plan.routing);
        let others: Vec<&Endpoint> = (1..count).filter_map(|k| endpoints.get((told + k) % count).copied()).collect();
        let first = read_states(plan, &others, ports.routing, ports.clock).await?;
        match self.missing(&first) {
            Shift::Done => Ok(first),
            Shift::Change(_) => {
                ports.clock.sleep(POLL).await;
                read_states(plan, &others, ports.routing, ports.clock).await
            }
        }
    }
}

/// The change goes first to the endpoint that has just answered.
fn answering_first<'e>(endpoints: &[&'e Endpoint], seen: &RoutingStates) -> Vec<&'e Endpoint> {
    let answered = endpoints.iter().position(|e| e.region == seen.endpoint).unwrap_or(0);
    endpoints.iter().cycle().skip(answered).take(endpoints.len()).copied().collect()
}

fn refused(error: &CallError) -> Result<Sent, StepError> {
    match error.fault {
        Fault::Unreachable | Fault::Throttled | Fault::Unavailable | Fault::TimedOut | Fault::Internal => {
            Ok(Sent::NextEndpoint(error.to_string()))
        }
        Fault::Conflict | Fault::Invalid | Fault::Denied | Fault::NotFound => {
            match routing_refusal(&error.code, &error.message) {
                RoutingRefusal::SafetyRule(rule) => {
                    Err(StepError::refused(ReasonCode::SafetyRule, rule, &error.message))
                }
                RoutingRefusal::Settling => Ok(Sent::Settling),
                RoutingRefusal::Other => Err(error.while_changing()),
            }
        }
    }
}
