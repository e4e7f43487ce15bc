//! `shift-traffic`: target On and source Off in one atomic batch, on any of five endpoints, read back on another.
//!
//! Guarantees: traffic moves only on a fresh note of `verify-writers` in the journal (S3); both controls change in one
//! batch, no safety rule is overridden (S2); a reply that was lost is looked up, never blindly repeated (S10).
//! Effects: `UpdateRoutingControlStates`; lease and journal. Calls no control plane (S12).
//! Fails when: `Refused` (writers-unverified, safety-rule, call-refused), `Transient` (no endpoint took the change).

use std::collections::BTreeMap;

use futures_util::future::try_join;
use lifeboat_model::decide::{RoutingRefusal, Shift, routing_refusal, shift_traffic};
use lifeboat_model::evidence::{RoutingStates, Switch};
use lifeboat_model::journal::{Attempts, Call, Effect, Entry, Note, newest};
use lifeboat_model::limits::{ENDPOINT_TIMEOUT, POLL, SHIFT_ATTEMPTS_MAX, Step, WRITERS_FRESH};
use lifeboat_model::plan::Endpoint;
use lifeboat_model::{Arn, ReasonCode, StepError};
use lifeboat_ports::{CallError, Chance, Clock, Fault, Ledger, Routing};
use lifeboat_step::routing::{read_states, rotation};
use lifeboat_step::{Mutation, Reply, Run, RunMessage, parse};
use serde_json::{Value, json};

/// How long a safety rule's wait period lasts unless configured otherwise (5,000 ms, model of
/// route53-recovery-control-config).
const SETTLING_WAIT_S: u32 = 5;

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The routing-control cluster.
    pub routing: &'a dyn Routing,
    /// Picks the endpoint to ask first.
    pub chance: &'a dyn Chance,
}

/// What one endpoint made of the change.
enum Sent {
    /// Accepted, or perhaps: read back what is true.
    LookAgain,
    /// This endpoint did nothing; the next may.
    NextEndpoint(String),
    /// A change is settling: come back later.
    Settling,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: RunMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let endpoints = rotation(&run.plan.routing, ports.chance);
    let states = read_states(&run.plan.routing, &endpoints, ports.routing, ports.clock);
    let (journal, mut seen) = try_join(run.journal(ports.ledger, ports.clock), states).await?;
    let endpoints = answering_first(&endpoints, &seen);
    let mut attempt = Attempts::of(&journal, Step::ShiftTraffic, run.plan.name.as_str()).count;
    let mut misses = Vec::new();
    for (n, endpoint) in endpoints.iter().cycle().take(endpoints.len() * SHIFT_ATTEMPTS_MAX as usize).enumerate() {
        let change = match shift_traffic(&run.plan.routing.controls, &run.lock.run.direction, &seen) {
            Shift::Done => return Reply::done(attempt > 0, evidence(&seen)).into_json(),
            Shift::Change(change) => change,
        };
        must_be_verified(&journal, &run, ports)?;
        attempt += 1;
        match send(&run, endpoint, attempt, &change, ports).await? {
            Sent::LookAgain => seen = read_back(&run, &endpoints, n, ports).await?,
            Sent::NextEndpoint(why) => misses.push(why),
            Sent::Settling => return Reply::pending_for(SETTLING_WAIT_S, attempt > 1, evidence(&seen)).into_json(),
        }
    }
    match shift_traffic(&run.plan.routing.controls, &run.lock.run.direction, &seen) {
        Shift::Done => Reply::done(true, evidence(&seen)).into_json(),
        Shift::Change(_) => Err(StepError::Transient(format!("no endpoint took the change: {}", misses.join("; ")))),
    }
}

/// The change goes first to the endpoint that has just answered.
fn answering_first<'e>(endpoints: &[&'e Endpoint], seen: &RoutingStates) -> Vec<&'e Endpoint> {
    let answered = endpoints.iter().position(|e| e.region == seen.endpoint).unwrap_or(0);
    endpoints.iter().cycle().skip(answered).take(endpoints.len()).copied().collect()
}

fn must_be_verified(journal: &[Entry], run: &Run, ports: &Ports<'_>) -> Result<(), StepError> {
    let verified = newest(journal, |note| *note == Note::WritersVerified);
    let now = ports.clock.now();
    match verified {
        Some(at) if now <= at.plus(WRITERS_FRESH) => Ok(()),
        Some(at) => Err(unverified(run, format!("the newest is of {at}"))),
        None => Err(unverified(run, "there is none".to_owned())),
    }
}

fn unverified(run: &Run, detail: String) -> StepError {
    StepError::refused(ReasonCode::WritersUnverified, format!("plan {}", run.plan.name), detail)
}

async fn send(
    run: &Run,
    endpoint: &Endpoint,
    attempt: u32,
    change: &[(Arn, Switch)],
    ports: &Ports<'_>,
) -> Result<Sent, StepError> {
    let parameters: BTreeMap<String, String> =
        change.iter().map(|(control, switch)| (control.to_string(), format!("{switch:?}"))).collect();
    let call = Call {
        operation: "route53-recovery-cluster:UpdateRoutingControlStates".to_owned(),
        region: endpoint.region.clone(),
        parameters,
    };
    let resource = run.plan.name.as_str();
    let mutation = Mutation { run, step: Step::ShiftTraffic, resource, attempt, call, timeout: ENDPOINT_TIMEOUT };
    match mutation.perform(ports.ledger, ports.clock, ports.routing.change(endpoint, change)).await? {
        Ok(_) => Ok(Sent::LookAgain),
        Err(error) if error.effect() == Effect::Unknown => Ok(Sent::LookAgain),
        Err(error) => refused(&error),
    }
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

/// Reads the states on other endpoints than the one that was told: what counts is what the cluster agrees on.
async fn read_back(
    run: &Run,
    endpoints: &[&Endpoint],
    told: usize,
    ports: &Ports<'_>,
) -> Result<RoutingStates, StepError> {
    let count = endpoints.len();
    let others: Vec<&Endpoint> = (1..count).filter_map(|k| endpoints.get((told + k) % count).copied()).collect();
    let first = read_states(&run.plan.routing, &others, ports.routing, ports.clock).await?;
    match shift_traffic(&run.plan.routing.controls, &run.lock.run.direction, &first) {
        Shift::Done => Ok(first),
        Shift::Change(_) => {
            ports.clock.sleep(POLL).await;
            read_states(&run.plan.routing, &others, ports.routing, ports.clock).await
        }
    }
}

fn evidence(seen: &RoutingStates) -> Value {
    json!({"states": seen.states, "read_on": seen.endpoint, "observed_at": seen.observed_at})
}
