//! `promote-broker`: makes the target's ActiveMQ broker the primary, or proves that its RabbitMQ broker runs; later, in the
//! phase `drain`, waits until the source's RabbitMQ broker is empty, where the plan says so.
//!
//! Guarantees: done means that the target's broker runs, as the primary where there is one, with its queues declared; at most
//! one call of accepted fate (S10); nothing but a drain asks the source, and no longer than for a moment (S12).
//! Effects: `Promote` in the target; lease and journal. In a rehearsal the journal only.
//! Fails when: `Refused` (the decision says why), `Transient` or `Ambiguous` (call again: it looks first).

mod drain;
mod promote;

use lifeboat_model::StepError;
use lifeboat_model::plan::Name;
use lifeboat_ports::{Brokers, Clock, Ledger, Metrics};
use lifeboat_step::{Run, RunRef, ShareMessage, parse, see_to_all};
use serde::Deserialize;
use serde_json::Value;

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Amazon MQ.
    pub brokers: &'a dyn Brokers,
    /// CloudWatch.
    pub metrics: &'a dyn Metrics,
}

/// The message of this step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    run: RunRef,
    resources: Vec<Name>,
    #[serde(default)]
    phase: Phase,
}

/// What is done with the brokers.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    /// Before traffic moves: the target's take over.
    #[default]
    Promote,
    /// After traffic moved: the source's are emptied.
    Drain,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: Message = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let brokers = ShareMessage::resolve(&message.resources, "broker", |name| run.plan.broker(name))?;
    let in_plan = run.plan.brokers.len();
    match message.phase {
        Phase::Promote => {
            see_to_all(&brokers, in_plan, ports.clock, |broker, pace| promote::see_to(&run, broker, pace, ports)).await
        }
        Phase::Drain => {
            see_to_all(&brokers, in_plan, ports.clock, |broker, _| drain::see_to(&run, broker, ports)).await
        }
    }
}
