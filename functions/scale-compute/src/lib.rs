//! `scale-compute`: raises the capacity of each ECS service of its share in the target to what the source runs, and waits
//! until it serves; in its phase `release`, at the end of a run, lets scaling in go on again.
//!
//! Guarantees: never scales down; asks the source only in a switchover, no longer than [`SOURCE_TIMEOUT`](lifeboat_model::limits::SOURCE_TIMEOUT) and without
//! need of an answer (S12); no call before the verdict and the approval; the number of calls is bounded (S13).
//! Effects: `RegisterScalableTarget` and `UpdateService` in the target; lease and journal. Not a point of no return:
//! added capacity serves nobody before traffic moves.
//! Fails when: `Refused` (the decision says why), `Transient` or `Ambiguous` (call again: it looks first).

mod raise;
mod release;

use std::collections::BTreeMap;

use lifeboat_model::StepError;
use lifeboat_model::evidence::ServiceSeen;
use lifeboat_model::journal::Call;
use lifeboat_model::limits::{CALL_TIMEOUT, READ_TIMEOUT, Step};
use lifeboat_model::plan::{Name, Placement, Service};
use lifeboat_ports::{Clock, Compute, Ledger, Mark, timely};
use lifeboat_step::{Mutation, Run, RunRef, ShareMessage, parse, see_to_all};
use serde::Deserialize;
use serde_json::Value;

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Amazon ECS and Application Auto Scaling.
    pub compute: &'a dyn Compute,
}

/// The parameter that suspends scaling in, as the journal has it.
const SUSPENDED: &str = "SuspendedState.DynamicScalingInSuspended";

/// The message of this step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleMessage {
    run: RunRef,
    resources: Vec<Name>,
    #[serde(default)]
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    /// Before traffic moves: capacity is raised, and scaling in suspended.
    #[default]
    Raise,
    /// When the target serves: scaling in may go on.
    Release,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: ScaleMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let services = ShareMessage::resolve(&message.resources, "service", |name| run.plan.service(name))?;
    let journal = run.journal(ports.ledger, ports.clock).await?;
    let in_plan = run.plan.services.len();
    match message.phase {
        Phase::Raise => {
            see_to_all(&services, in_plan, ports.clock, |service, pace| {
                raise::see_to(&run, service, &journal, pace, ports)
            })
            .await
        }
        Phase::Release => {
            see_to_all(&services, in_plan, ports.clock, |service, _| release::see_to(&run, service, &journal, ports))
                .await
        }
    }
}

async fn describe(run: &Run, service: &Service, ports: &Ports<'_>) -> Result<ServiceSeen, StepError> {
    let look = ports.compute.describe(service, run.target());
    let operation = "ecs:DescribeServices";
    timely(ports.clock, READ_TIMEOUT, operation, run.target(), look).await.map_err(|e| e.while_reading())
}

fn placement<'a>(run: &Run, service: &'a Service) -> Result<&'a Placement, StepError> {
    let placement = service.placements.get(run.target());
    placement.ok_or_else(|| StepError::malformed("service", &service.name, "a service with a placement in the target"))
}

/// The parameters by which Application Auto Scaling knows a service, and those of one call about it.
fn scalable_target<const N: usize>(at: &Placement, more: [(&str, String); N]) -> BTreeMap<String, String> {
    let named = [
        ("ServiceNamespace", "ecs".to_owned()),
        ("ResourceId", format!("service/{}/{}", at.cluster, at.service)),
        ("ScalableDimension", "ecs:service:DesiredCount".to_owned()),
    ];
    named.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
}

fn mutation<'a>(
    run: &'a Run,
    service: &'a Service,
    attempt: u32,
    operation: &str,
    parameters: BTreeMap<String, String>,
) -> Mutation<'a> {
    Mutation {
        run,
        step: Step::ScaleCompute,
        resource: service.name.as_str(),
        attempt,
        call: Call { operation: operation.to_owned(), region: run.target().clone(), parameters },
        timeout: CALL_TIMEOUT,
        mark: Mark::Lease,
    }
}
