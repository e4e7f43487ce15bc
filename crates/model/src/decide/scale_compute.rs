//! What to do about the capacity of one ECS service in the target: nothing, watch, raise, go on with less, or refuse.
//!
//! Nothing is ever scaled down. Raising is idempotent, so a call of unknown fate is judged by the state that follows.

use super::authority::{acting_since, preparation_objection};
use crate::evidence::{ScaleIn, ServiceSeen, ServiceStatus};
use crate::journal::{Attempts, Effect, Entry, Note};
use crate::limits::{SCALING_CALLS_MAX, SETTLE, Step};
use crate::lock::{Admission, Lock};
use crate::plan::{Name, Service};
use crate::verdict::Verdict;
use crate::{Period, Reason, ReasonCode, Timestamp};

/// What to do about one service.
#[derive(Clone, Debug, PartialEq)]
pub enum Scaling {
    /// As many tasks serve as are wanted and allowed, and scaling in takes none of them away. What was seen, for people.
    Done(String),
    /// Not yet; what is missing, for people.
    Watch(String),
    /// Make the call, as the attempt with this number.
    Call {
        /// What to raise, and to what.
        raise: Raise,
        /// Counted from 1.
        attempt: u32,
    },
    /// The time is over and fewer serve than are wanted; the plan says that these are enough.
    GoOnWith(String),
    /// Stop.
    Refuse(Reason),
}

/// A call that raises capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raise {
    /// The least number of tasks, with scale-in suspended in the same call. Only for a service that scales by itself.
    Minimum(u32),
    /// The number of tasks that the service shall run.
    Desired(u32),
}

impl Raise {
    /// The AWS operation, as the journal names it.
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Minimum(_) => "application-autoscaling:RegisterScalableTarget",
            Self::Desired(_) => "ecs:UpdateService",
        }
    }
}

/// The calls that a run has made for one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScalingCalls {
    /// All of them.
    pub attempts: Attempts,
    /// When the newest call about the minimum and scale-in was intended that took effect, or may have.
    pub minimum_at: Option<Timestamp>,
    /// When the newest call to raise the desired count was intended that took effect, or may have.
    pub desired_at: Option<Timestamp>,
}

impl ScalingCalls {
    /// Reads them out of a run's journal.
    pub fn of(entries: &[Entry], service: &Name) -> Self {
        let mine = || entries.iter().filter(|e| e.step == Step::ScaleCompute && e.resource == service.as_str());
        let is_void = |number: u32| {
            mine().any(|e| matches!(&e.note, Note::Outcome { attempt, effect: Effect::None, .. } if *attempt == number))
        };
        let newest = |raise: Raise| {
            let is_such = |e: &&Entry| matches!(&e.note, Note::Intent { attempt, call } if call.operation == raise.operation() && !is_void(*attempt));
            mine().filter(is_such).map(|e| e.at).max()
        };
        Self {
            attempts: Attempts::of(entries, Step::ScaleCompute, service.as_str()),
            minimum_at: newest(Raise::Minimum(0)),
            desired_at: newest(Raise::Desired(0)),
        }
    }

    fn newest_like(&self, raise: Raise) -> Option<Timestamp> {
        match raise {
            Raise::Minimum(_) => self.minimum_at,
            Raise::Desired(_) => self.desired_at,
        }
    }
}

/// Everything that a decision about one service rests on.
#[derive(Clone, Copy, Debug)]
pub struct ServiceFacts<'a> {
    /// The plan's words for it.
    pub service: &'a Service,
    /// The lock under which the run acts.
    pub lock: &'a Lock,
    /// The service in the target, as the target describes it.
    pub seen: &'a ServiceSeen,
    /// How many tasks the target needs ([`Service::wanted`]).
    pub wanted: u32,
    /// What this run has called already.
    pub calls: &'a ScalingCalls,
    /// The newest verdict in the journal.
    pub verdict: Option<&'a Verdict>,
    /// When the last client had left the source, where that comes first ([`source_left_at`](super::source_left_at)).
    pub left_at: Option<Timestamp>,
    /// How long it may take: from the first call, or from when the run could act.
    pub limit: Period,
}

/// Decides about one service. Adding capacity needs the verdict and the approval, and no consent: nothing is lost by it.
pub fn scale_compute(facts: &ServiceFacts<'_>, now: Timestamp) -> Scaling {
    let ServiceFacts { service, lock, seen, wanted, calls, verdict, left_at, limit } = *facts;
    let refuse = |code, detail: String| Scaling::Refuse(reason(service, code, detail));
    if let Some(reason) = compute_readiness(service, &lock.run, seen, wanted) {
        return Scaling::Refuse(reason);
    }
    let (goal, serving) = (goal(seen, wanted), seen.serving());
    let figures = if goal < wanted {
        format!("{serving} tasks serve; {wanted} are wanted, and its scaling limit is {goal}")
    } else {
        format!("{serving} of {wanted} tasks serve")
    };
    let next = raises(seen, wanted).into_iter().next();
    if next.is_none() && serving >= goal {
        return Scaling::Done(figures);
    }
    let since = calls.attempts.first_at.unwrap_or_else(|| acting_since(&lock.run, left_at));
    if now > since.plus(limit) {
        let enough = service.enough(wanted);
        return if serving >= enough {
            Scaling::GoOnWith(format!("{figures} {limit} after {since}; {enough} are enough"))
        } else {
            refuse(ReasonCode::CapacityShort, format!("{figures} {limit} after {since}; {enough} would be enough"))
        };
    }
    let Some(raise) = next else {
        return Scaling::Watch(figures);
    };
    // What a call changed may be seen late. The other kind of call does not wait for that.
    if calls.newest_like(raise).is_some_and(|at| now <= at.plus(SETTLE)) {
        return Scaling::Watch(format!("{figures}; a call was made, and its effect is not seen yet"));
    }
    if calls.attempts.count >= SCALING_CALLS_MAX {
        return Scaling::Watch(format!("{figures}; {} calls were made, and no more are", calls.attempts.count));
    }
    match preparation_objection(lock, verdict) {
        Some((code, detail)) => refuse(code, detail),
        None => Scaling::Call { raise, attempt: calls.attempts.count + 1 },
    }
}

/// Why the capacity of `service` could not be raised to what is enough of `wanted` in the run's target; `None` when it
/// could, as far as can be known beforehand.
pub fn compute_readiness(service: &Service, run: &Admission, seen: &ServiceSeen, wanted: u32) -> Option<Reason> {
    let not_ready = |detail| Some(reason(service, ReasonCode::ComputeNotReady, detail));
    let target = &run.direction.target;
    if &seen.vantage != target {
        return not_ready(format!("it was described by {}, not by {target}", seen.vantage));
    }
    match &seen.status {
        ServiceStatus::Active => {}
        ServiceStatus::Other(status) => return not_ready(format!("it is {status} in {target}")),
    }
    let enough = service.enough(wanted);
    match seen.maximum {
        Some(maximum) if maximum < enough => not_ready(format!(
            "it may have {maximum} tasks at most in {target}; {wanted} are wanted, {enough} would be enough"
        )),
        Some(_) | None => None,
    }
}

/// The calls that are still to be made, in their order: the minimum first, lest a scaling policy undoes the rest.
pub fn raises(seen: &ServiceSeen, wanted: u32) -> Vec<Raise> {
    let goal = goal(seen, wanted);
    let is_held = |minimum: u32| minimum >= goal && seen.scale_in == Some(ScaleIn::Suspended);
    let minimum = seen.minimum.filter(|m| !is_held(*m)).map(|m| Raise::Minimum(m.max(goal)));
    let desired = (seen.desired < goal).then_some(Raise::Desired(goal));
    minimum.into_iter().chain(desired).collect()
}

/// How many tasks there shall be: as many as wanted, and no more than Application Auto Scaling allows.
fn goal(seen: &ServiceSeen, wanted: u32) -> u32 {
    seen.maximum.map_or(wanted, |maximum| maximum.min(wanted))
}

fn reason(service: &Service, code: ReasonCode, detail: String) -> Reason {
    Reason::new(code, format!("service {}", service.name), detail)
}
