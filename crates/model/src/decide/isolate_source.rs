//! Whether the source leaves traffic before the writers move, and whether it has.

use super::authority::authority_objection;
use super::verify_traffic::NameSeen;
use crate::evidence::{RoutingStates, Switch};
use crate::journal::Attempts;
use crate::lock::Lock;
use crate::request::Mode;
use crate::verdict::Verdict;
use crate::{Period, Plan, Reason, ReasonCode, Timestamp};

/// What to do about the source's traffic before the writers move.
#[derive(Clone, Debug, PartialEq)]
pub enum Isolation {
    /// The target does not serve yet: traffic moves after the writers, in one batch.
    NotNow(String),
    /// The source is out of traffic already.
    Isolated,
    /// Switch the source off; the target is on and stays so.
    Change,
    /// Stop.
    Refuse(Reason),
}

/// Decides from the states that an endpoint told, after the `attempts` of this run, on the word of `verdict`. The target has
/// to be On by the same look: at no time is no Region On (S2), and no Region is switched On here (S3).
pub fn isolate_source(
    plan: &Plan,
    lock: &Lock,
    seen: &RoutingStates,
    attempts: &Attempts,
    verdict: Option<&Verdict>,
    now: Timestamp,
) -> Isolation {
    let direction = &lock.run.direction;
    let state_of = |region| plan.routing.controls.get(region).and_then(|control| seen.states.get(control)).copied();
    match (state_of(&direction.target), state_of(&direction.source)) {
        (Some(Switch::On), Some(Switch::Off)) => Isolation::Isolated,
        (Some(Switch::On), Some(Switch::On)) => match authority_objection(lock, attempts, verdict, now) {
            Some((code, detail)) => Isolation::Refuse(Reason::new(code, format!("plan {}", plan.name), detail)),
            None => Isolation::Change,
        },
        (Some(Switch::Off), _) => Isolation::NotNow(format!("{} is not in traffic yet", direction.target)),
        (None, _) | (_, None) => {
            let detail = "the cluster gave no state for one of its controls";
            Isolation::Refuse(Reason::new(ReasonCode::RoutingUnknown, format!("plan {}", plan.name), detail))
        }
    }
}

/// Whether traffic has left the source.
#[derive(Clone, Debug, PartialEq)]
pub enum Departure {
    /// It has, or nobody waits for it.
    Gone,
    /// Names answer with the target only since just now: remember it.
    Leaving,
    /// Wait until then: caches of clients expire.
    Until(Timestamp),
    /// Names still answer with the source.
    Pending(String),
    /// Not in time.
    Refuse(Reason),
}

/// Decides from what the plan's `names` answer with. In a switchover the writers wait until every name answers with the
/// target only and then for the longest time that a client may keep an older answer; in a failover nobody waits for a source
/// that is down. `told_at` is when the source was switched off, `left_at` when names were first seen to answer so.
pub fn source_departure(
    plan: &Plan,
    lock: &Lock,
    names: &[NameSeen],
    told_at: Timestamp,
    left_at: Option<Timestamp>,
    now: Timestamp,
) -> Departure {
    match lock.run.mode {
        Mode::Failover => return Departure::Gone,
        Mode::Switchover => {}
    }
    let ttl = plan.dns.iter().map(|d| d.ttl).max().unwrap_or(Period::ms(0));
    if let Some(left_at) = left_at {
        let gone_at = left_at.plus(ttl);
        return if now >= gone_at { Departure::Gone } else { Departure::Until(gone_at) };
    }
    let answers_target = |n: &&NameSeen| !n.now.is_empty() && n.now.is_subset(&n.target);
    let not_yet: Vec<&str> = names.iter().filter(|n| !answers_target(n)).map(|n| n.name.as_str()).collect();
    let detail = format!("these names do not answer with the target only: [{}]", not_yet.join(", "));
    if not_yet.is_empty() {
        Departure::Leaving
    } else if now > told_at.plus(plan.limits.traffic) {
        let source = format!("source {}", lock.run.direction.source);
        Departure::Refuse(Reason::new(ReasonCode::SourceNotDrained, source, detail))
    } else {
        Departure::Pending(detail)
    }
}
