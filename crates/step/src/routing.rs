//! Reading routing controls on whichever of the five endpoints answers.

use lifeboat_model::evidence::RoutingStates;
use lifeboat_model::limits::ENDPOINT_TIMEOUT;
use lifeboat_model::plan::{self, Endpoint};
use lifeboat_model::{Arn, StepError};
use lifeboat_ports::{CallError, Chance, Clock, Fault, Routing, within};

/// The cluster's endpoints from a random start (S12: no endpoint, and so no Region, is always asked first).
pub fn rotation<'a>(routing: &'a plan::Routing, chance: &dyn Chance) -> Vec<&'a Endpoint> {
    let count = routing.endpoints.len();
    let start = chance.below(count);
    (0..count).filter_map(|n| routing.endpoints.get((start + n) % count)).collect()
}

/// The states of the plan's controls, from the first of `endpoints` that tells them.
///
/// # Errors
/// `Transient` when none does; `Refused` when an endpoint says that it never will (permission, no such control).
pub async fn read_states(
    plan: &plan::Routing,
    endpoints: &[&Endpoint],
    routing: &dyn Routing,
    clock: &dyn Clock,
) -> Result<RoutingStates, StepError> {
    let controls: Vec<Arn> = plan.controls.values().cloned().collect();
    let mut failures = Vec::new();
    for endpoint in endpoints {
        let answer = within(clock, ENDPOINT_TIMEOUT, routing.states(endpoint, &controls)).await;
        match answer.unwrap_or_else(|| Err(silent("GetRoutingControlState", endpoint))) {
            Ok(states) => {
                return Ok(RoutingStates { observed_at: clock.now(), endpoint: endpoint.region.clone(), states });
            }
            Err(error) => match error.fault {
                Fault::Denied | Fault::NotFound | Fault::Invalid => return Err(error.while_reading()),
                Fault::Unreachable
                | Fault::Throttled
                | Fault::Unavailable
                | Fault::Conflict
                | Fault::TimedOut
                | Fault::Internal => failures.push(error.to_string()),
            },
        }
    }
    Err(StepError::Transient(format!("no endpoint of the routing-control cluster answered: {}", failures.join("; "))))
}

/// The error for an endpoint that gave no answer in time.
pub fn silent(operation: &str, endpoint: &Endpoint) -> CallError {
    CallError::new(&format!("route53-recovery-cluster:{operation}"), &endpoint.region, Fault::TimedOut)
}
