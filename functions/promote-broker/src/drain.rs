//! The source's broker, after traffic left it.

use lifeboat_model::decide::{Drain, drain_broker};
use lifeboat_model::evidence::Point;
use lifeboat_model::journal::{Attempts, Entry, Note, newest};
use lifeboat_model::limits::{COUNT_FRESH, SOURCE_TIMEOUT, Step};
use lifeboat_model::plan::{Broker, Engine, InFlight};
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{ReasonCode, StepError, Timestamp};
use lifeboat_ports::within;
use lifeboat_step::{Reply, Run};
use serde_json::{Value, json};

use crate::Ports;

/// How long to wait between two looks, in seconds. The count has one value a minute, so that watching it gains nothing.
const DRAIN_WAIT_S: u32 = 15;

/// Takes one look, and says whether messages are left.
pub async fn see_to(run: &Run, broker: &Broker, ports: &Ports<'_>) -> Result<Reply, StepError> {
    let journal = run.journal(ports.ledger, ports.clock).await?;
    let since = left_at(run, broker, &journal, ports)?;
    let counts = counts(run, broker, ports).await;
    let decision = drain_broker(broker, &run.lock, &counts, since, run.plan.limits.broker, ports.clock.now());
    match (decision, run.purpose) {
        (Drain::Done(what), Purpose::Act | Purpose::Rehearse) => Ok(Reply::done(false, seen(broker, since, &what))),
        (Drain::Watch(what), Purpose::Rehearse) => {
            Ok(Reply::done(false, seen(broker, since, &format!("would wait: {what}"))))
        }
        (Drain::Refuse(reason), Purpose::Rehearse) => {
            Ok(Reply::done(false, seen(broker, since, &format!("would refuse: {reason}"))))
        }
        (Drain::Watch(what), Purpose::Act) => Ok(Reply::pending_for(DRAIN_WAIT_S, false, seen(broker, since, &what))),
        (Drain::Refuse(reason), Purpose::Act) => Err(StepError::Refused(vec![reason])),
    }
}

/// When traffic left the source: its change, or, where routing already was as it should be, the word on which it stayed. In
/// a rehearsal nothing has moved, so it leaves now.
fn left_at(run: &Run, broker: &Broker, journal: &[Entry], ports: &Ports<'_>) -> Result<Timestamp, StepError> {
    let shift = Attempts::of(journal, Step::ShiftTraffic, run.plan.name.as_str());
    let left = shift.accepted_at.or(shift.unknown_at).or_else(|| newest(journal, |n| *n == Note::WritersVerified));
    match (left, run.purpose) {
        (Some(at), Purpose::Act | Purpose::Rehearse) => Ok(at),
        (None, Purpose::Rehearse) => Ok(ports.clock.now()),
        (None, Purpose::Act) => Err(StepError::refused(
            ReasonCode::WritersUnverified,
            format!("broker {}", broker.name),
            "its source is to be drained, and traffic has not moved",
        )),
    }
}

/// How many messages the source had of late. A source that does not answer leaves it unknown (S12); one that nobody waits
/// for is not asked.
async fn counts(run: &Run, broker: &Broker, ports: &Ports<'_>) -> Vec<Point> {
    match (&broker.engine, run.lock.run.mode) {
        (Engine::RabbitMq { in_flight: InFlight::Drain, .. }, Mode::Switchover) => {}
        (Engine::ActiveMq | Engine::RabbitMq { .. }, Mode::Switchover | Mode::Failover) => return Vec::new(),
    }
    let since = ports.clock.now().minus(COUNT_FRESH);
    let look = ports.metrics.message_count(broker, run.source(), since);
    within(ports.clock, SOURCE_TIMEOUT, look).await.and_then(Result::ok).unwrap_or_default()
}

fn seen(broker: &Broker, since: Timestamp, what: &str) -> Value {
    json!({"broker": broker.name, "what": what, "since": since})
}
