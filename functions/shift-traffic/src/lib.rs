//! `shift-traffic`: target On and source Off in one atomic batch, on any of five endpoints, read back on another.
//!
//! Guarantees: traffic moves only on a fresh note of `verify-writers` in the journal (S3); both controls change in one
//! batch, no safety rule is overridden (S2); a reply that was lost is looked up, never blindly repeated (S10).
//! Effects: `UpdateRoutingControlStates`; lease and journal. Calls no control plane (S12).
//! Fails when: `Refused` (writers-unverified, safety-rule, call-refused), `Transient` (no endpoint took the change).

use futures_util::future::try_join;
use lifeboat_model::evidence::RoutingStates;
use lifeboat_model::journal::{Attempts, Entry, Note, newest};
use lifeboat_model::limits::{SAFETY_RULE_WAIT_S, Step, WRITERS_FRESH};
use lifeboat_model::request::Purpose;
use lifeboat_model::{ReasonCode, StepError};
use lifeboat_ports::{Chance, Clock, Ledger, Routing};
use lifeboat_step::routing::{Changed, RoutingChange, RoutingPorts, read_states, rotation};
use lifeboat_step::{Reply, Run, RunMessage, parse};
use serde_json::{Value, json};

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

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: RunMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let endpoints = rotation(&run.plan.routing, ports.chance);
    let states = read_states(&run.plan.routing, &endpoints, ports.routing, ports.clock);
    let (journal, seen) = try_join(run.journal(ports.ledger, ports.clock), states).await?;
    let attempts = Attempts::of(&journal, Step::ShiftTraffic, run.plan.name.as_str()).count;
    let change = RoutingChange { run: &run, step: Step::ShiftTraffic, attempts };
    let through = RoutingPorts { ledger: ports.ledger, clock: ports.clock, routing: ports.routing };
    match change.make(seen, &endpoints, &through, |_| must_be_verified(&journal, &run, ports)).await? {
        Changed::Done(seen, calls) => Reply::done(calls > 0, evidence(&seen)).into_json(),
        Changed::Settling(seen) => Reply::pending_for(SAFETY_RULE_WAIT_S, attempts > 0, evidence(&seen)).into_json(),
        Changed::Rehearsed(seen) => Reply::done(false, evidence(&seen)).into_json(),
    }
}

fn must_be_verified(journal: &[Entry], run: &Run, ports: &Ports<'_>) -> Result<(), StepError> {
    let now = ports.clock.now();
    match (run.purpose, newest(journal, |note| *note == Note::WritersVerified)) {
        // Writers have not moved, and nothing will be called.
        (Purpose::Rehearse, _) => Ok(()),
        (Purpose::Act, Some(at)) if now <= at.plus(WRITERS_FRESH) => Ok(()),
        (Purpose::Act, Some(at)) => Err(unverified(run, format!("the newest is of {at}"))),
        (Purpose::Act, None) => Err(unverified(run, "there is none".to_owned())),
    }
}

fn unverified(run: &Run, detail: String) -> StepError {
    StepError::refused(ReasonCode::WritersUnverified, format!("plan {}", run.plan.name), detail)
}

fn evidence(seen: &RoutingStates) -> Value {
    json!({"states": seen.states, "read_on": seen.endpoint, "observed_at": seen.observed_at})
}
