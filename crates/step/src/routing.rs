//! Reading routing controls on whichever of the five endpoints answers.

use futures_util::stream::{FuturesUnordered, StreamExt};
use lifeboat_model::evidence::RoutingStates;
use lifeboat_model::limits::{ENDPOINT_HEDGE, ENDPOINT_TIMEOUT};
use lifeboat_model::plan::{self, Endpoint};
use lifeboat_model::{Arn, Period, StepError};
use lifeboat_ports::{Chance, Clock, Fault, Routing, timely};

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
