//! What to do about one broker: promote it (ActiveMQ), prove that it runs (RabbitMQ), and drain the source's (RabbitMQ).
//!
//! A promotion of ActiveMQ that waits for replication shows nothing until the roles change, so that an accepted call is
//! watched until its time is over and never given up for lost. RabbitMQ has no promotion: the target's broker is another one.

use super::authority::authority_objection;
use super::promotion::{Ground, Promotion, after_calls, newest_fresh};
use crate::evidence::{BrokerSeen, BrokerState, Point, ReplicationRole};
use crate::limits::{COUNT_FRESH, PROMOTION_CALLS_MAX};
use crate::lock::{Admission, Lock};
use crate::plan::{Broker, Engine, InFlight};
use crate::request::Mode;
use crate::{Period, Reason, ReasonCode, Timestamp};

/// Decides about `broker`, whose broker in the target is as `seen` and had `queues` declared (oldest first; RabbitMQ only).
/// `limits.broker` bounds the time from the first call to the running primary, or the wait for a broker that runs.
pub fn promote_broker(broker: &Broker, seen: &BrokerSeen, queues: &[Point], ground: &Ground<'_>) -> Promotion {
    if !broker.brokers.contains_key(&ground.lock.run.direction.target) {
        return Promotion::Refuse(not_ready(broker, NOT_IN_PLAN.to_owned()));
    }
    match broker.engine {
        Engine::ActiveMq => promote_replica(broker, seen, ground),
        Engine::RabbitMq { queues: least, .. } => match shortcoming(seen, queues, least, ground.now) {
            None => Promotion::Done,
            Some(what) if ground.now <= ground.may_act_since().plus(ground.limits.broker) => Promotion::Watch(what),
            Some(what) => Promotion::Refuse(not_ready(broker, what)),
        },
    }
}

/// Why `broker`, whose broker in the target is as `seen` with `queues` declared, could not be moved to by `run`; `None` when
/// it could be, or is the primary already.
pub fn broker_readiness(
    broker: &Broker,
    run: &Admission,
    seen: &BrokerSeen,
    queues: &[Point],
    now: Timestamp,
) -> Option<Reason> {
    let objection = if broker.brokers.contains_key(&run.direction.target) {
        match broker.engine {
            Engine::ActiveMq if is_running_primary(seen) => None,
            Engine::ActiveMq => replica_objection(seen),
            Engine::RabbitMq { queues: least, .. } => shortcoming(seen, queues, least, now),
        }
    } else {
        Some(NOT_IN_PLAN.to_owned())
    };
    objection.map(|detail| not_ready(broker, detail))
}

/// What to do about the messages that are in the source's broker.
#[derive(Clone, Debug, PartialEq)]
pub enum Drain {
    /// None are left, or nobody waits for them; what is said is for people.
    Done(String),
    /// Some are left, or may be.
    Watch(String),
    /// Stop.
    Refuse(Reason),
}

/// Decides about the source's broker of `broker`, with `counts` of its messages (oldest first), after traffic left it at
/// `since`. Only RabbitMQ whose plan says so is drained, and only in a switchover: in a failover nobody can. `limit` bounds
/// the wait, from `since`. An older count says nothing: clients wrote after it.
pub fn drain_broker(
    broker: &Broker,
    lock: &Lock,
    counts: &[Point],
    since: Timestamp,
    limit: Period,
    now: Timestamp,
) -> Drain {
    match (&broker.engine, lock.run.mode) {
        (Engine::ActiveMq, Mode::Switchover | Mode::Failover) => {
            return Drain::Done("its messages are replicated".to_owned());
        }
        (Engine::RabbitMq { in_flight: InFlight::Accept, .. }, Mode::Switchover | Mode::Failover) => {
            return Drain::Done("the plan accepts what stays in the source".to_owned());
        }
        (Engine::RabbitMq { in_flight: InFlight::Drain, .. }, Mode::Failover) => {
            return Drain::Done("in a failover nobody can drain the source".to_owned());
        }
        (Engine::RabbitMq { in_flight: InFlight::Drain, .. }, Mode::Switchover) => {}
    }
    let what = match newest_fresh(counts, COUNT_FRESH, now).filter(|p| p.at > since) {
        Some(count) if count.value == 0.0 => return Drain::Done(format!("empty at {}", count.at)),
        Some(count) => format!("{} messages at {}", count.value, count.at),
        None => format!("nobody knows how many messages are left: no fresh count since {since}"),
    };
    if now > since.plus(limit) {
        Drain::Refuse(Reason::new(ReasonCode::BrokerNotDrained, resource(broker), what))
    } else {
        Drain::Watch(what)
    }
}

const NOT_IN_PLAN: &str = "the plan names no broker in the target";

fn resource(broker: &Broker) -> String {
    format!("broker {}", broker.name)
}

fn not_ready(broker: &Broker, detail: String) -> Reason {
    Reason::new(ReasonCode::BrokerNotReady, resource(broker), detail)
}

fn promote_replica(broker: &Broker, seen: &BrokerSeen, ground: &Ground<'_>) -> Promotion {
    let name = resource(broker);
    let refuse = |code, detail: String| Promotion::Refuse(Reason::new(code, name.clone(), detail));
    if is_running_primary(seen) {
        return Promotion::Done;
    }
    let is_primary = seen.role == ReplicationRole::Primary;
    let (since, limit) = (ground.waits_since(), ground.limits.broker);
    if (ground.attempts.first_at.is_some() || is_primary) && ground.now > since.plus(limit) {
        return refuse(ReasonCode::PromotionStalled, format!("not the running primary {limit} after {since}"));
    }
    if is_primary {
        return Promotion::Watch(format!("primary, and {}", state_word(&seen.state)));
    }
    if ground.attempts.accepted_at.is_some() {
        return Promotion::Watch("accepted; it shows nothing before the roles change".to_owned());
    }
    let objection = replica_objection(seen);
    // A call of unknown fate may be what changes it.
    if let (Some(detail), true) = (&objection, ground.has_called()) {
        return Promotion::Watch(detail.clone());
    }
    if ground.has_called() && ground.attempts.count >= PROMOTION_CALLS_MAX {
        return Promotion::Watch(format!("{} calls made, the fate of one is unknown", ground.attempts.count));
    }
    if let Some(earlier) = after_calls(&name, ground.attempts, ground.now) {
        return earlier;
    }
    let forbidden = objection.map(|detail| (ReasonCode::BrokerNotReady, detail));
    match forbidden.or_else(|| authority_objection(ground.lock, ground.attempts, ground.verdict, ground.now)) {
        Some((code, detail)) => refuse(code, detail),
        None => Promotion::Call(ground.attempts.count + 1),
    }
}

fn is_running_primary(seen: &BrokerSeen) -> bool {
    seen.role == ReplicationRole::Primary && seen.state == BrokerState::Running
}

/// What in the state of an ActiveMQ broker forbids its promotion.
fn replica_objection(seen: &BrokerSeen) -> Option<String> {
    match seen.role {
        ReplicationRole::Replica => match &seen.state {
            BrokerState::Replica | BrokerState::Running => None,
            BrokerState::Other(word) => Some(format!("the replica is {word}")),
        },
        ReplicationRole::Primary => Some(format!("primary, and {}", state_word(&seen.state))),
        ReplicationRole::Alone => Some("it takes no part in replication".to_owned()),
        ReplicationRole::Unknown => Some("nobody knows its part in replication".to_owned()),
    }
}

/// What a RabbitMQ broker lacks to take over. An unknown count is not zero, and not enough either.
fn shortcoming(seen: &BrokerSeen, queues: &[Point], least: u32, now: Timestamp) -> Option<String> {
    match &seen.state {
        BrokerState::Running => {}
        state @ (BrokerState::Replica | BrokerState::Other(_)) => {
            return Some(format!("it is {}", state_word(state)));
        }
    }
    if least == 0 {
        return None;
    }
    match newest_fresh(queues, COUNT_FRESH, now) {
        Some(count) if count.value >= f64::from(least) => None,
        Some(count) => Some(format!("{} queues at {}, the plan needs {least}", count.value, count.at)),
        None => Some(format!("nobody knows how many queues it has; the plan needs {least}")),
    }
}

fn state_word(state: &BrokerState) -> &str {
    match state {
        BrokerState::Running => "RUNNING",
        BrokerState::Replica => "REPLICA",
        BrokerState::Other(word) => word,
    }
}
