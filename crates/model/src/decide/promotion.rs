//! What every promotion shares: its outcomes, what it stands on, and what earlier calls of the run mean for the next.

use crate::evidence::Point;
use crate::journal::Attempts;
use crate::limits::{PROMOTION_CALLS_MAX, SETTLE};
use crate::lock::{Approval, Lock};
use crate::plan::Limits;
use crate::verdict::Verdict;
use crate::{Period, Reason, ReasonCode, Timestamp};

/// What to do about one resource that is promoted.
#[derive(Clone, Debug, PartialEq)]
pub enum Promotion {
    /// It is in the target as the run needs it, and nothing is under way.
    Done,
    /// Something is under way, or may be; what is said of it is for people.
    Watch(String),
    /// Make the call, as the attempt with this number.
    Call(u32),
    /// Stop.
    Refuse(Reason),
}

/// What a promotion stands on, beside what was seen of its resource.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The lock: direction, mode, approval and consent.
    pub lock: &'a Lock,
    /// The calls that this run has made for the resource.
    pub attempts: &'a Attempts,
    /// The newest verdict in the run's journal.
    pub verdict: Option<&'a Verdict>,
    /// The plan's limits.
    pub limits: &'a Limits,
    /// The moment of the decision.
    pub now: Timestamp,
}

impl Ground<'_> {
    /// Since when the run could have acted: it was admitted, assessed, and approved where a person was asked. Time that went
    /// by before is no time that the resource had.
    pub(super) fn may_act_since(&self) -> Timestamp {
        let run = &self.lock.run;
        let approved = match &run.approval {
            Approval::Given { at, .. } => Some(*at),
            Approval::NotNeeded | Approval::Awaited => None,
        };
        let assessed = self.verdict.map(|v| v.assessed_at);
        [approved, assessed].into_iter().flatten().fold(run.admitted_at, Timestamp::max)
    }

    /// Since when the run waits for the resource: its first call, or since it could have made one.
    pub(super) fn waits_since(&self) -> Timestamp {
        self.attempts.first_at.unwrap_or_else(|| self.may_act_since())
    }

    /// Whether a call of the run took effect, or may have.
    pub(super) fn has_called(&self) -> bool {
        self.attempts.accepted_at.is_some() || self.attempts.unknown_at.is_some()
    }
}

/// What the calls that the run has made for the resource `name` mean while nothing is seen of them: wait for their effect,
/// or give up. `None` when another call may be made.
pub(super) fn after_calls(name: &str, attempts: &Attempts, now: Timestamp) -> Option<Promotion> {
    let refuse = |code, detail: String| Some(Promotion::Refuse(Reason::new(code, name, detail)));
    if let Some(accepted) = attempts.accepted_at {
        return if now > accepted.plus(SETTLE) {
            refuse(ReasonCode::PromotionLost, format!("accepted at {accepted}, and nothing is under way"))
        } else {
            Some(Promotion::Watch("accepted, not yet visible".to_owned()))
        };
    }
    if attempts.unknown_at.is_some_and(|unknown| now <= unknown.plus(SETTLE)) {
        return Some(Promotion::Watch("a call's reply was lost; looking for its effect".to_owned()));
    }
    if attempts.count >= PROMOTION_CALLS_MAX {
        return refuse(ReasonCode::CallRefused, format!("{} calls had no effect", attempts.count));
    }
    None
}

/// The newest of `points` that can speak for `now`: no older than `fresh`, not of the future, and a number from 0 up.
pub(super) fn newest_fresh(points: &[Point], fresh: Period, now: Timestamp) -> Option<&Point> {
    let speaks = |p: &&Point| p.at <= now && p.at >= now.minus(fresh) && p.value.is_finite() && p.value >= 0.0;
    points.iter().filter(speaks).max_by_key(|p| p.at)
}
