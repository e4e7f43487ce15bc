//! Whether a run may make a call that moves data or traffic at all, whatever the resource: verdict, approval, consent.

use crate::journal::Attempts;
use crate::limits::VERDICT_FRESH;
use crate::lock::{Approval, Lock};
use crate::request::Mode;
use crate::verdict::Verdict;
use crate::{ReasonCode, Timestamp};

/// What forbids the call. Nothing is read from a step's input: mode, consent, approval and direction are the lock's.
pub(super) fn authority_objection(
    lock: &Lock,
    attempts: &Attempts,
    verdict: Option<&Verdict>,
    now: Timestamp,
) -> Option<(ReasonCode, String)> {
    if let Some(objection) = verdict_objection(lock, attempts, verdict, now) {
        return Some(objection);
    }
    match &lock.run.approval {
        Approval::Awaited => {
            return Some((ReasonCode::ApprovalMissing, "a person was asked and has not said yes".to_owned()));
        }
        Approval::NotNeeded | Approval::Given { .. } => {}
    }
    match (lock.run.mode, &lock.run.consent) {
        (Mode::Switchover, _) => None,
        (Mode::Failover, None) => Some((ReasonCode::ConsentMissing, "nobody accepted the loss of data".to_owned())),
        (Mode::Failover, Some(consent)) if consent.expires <= now => {
            Some((ReasonCode::ConsentExpired, format!("{} accepted until {}", consent.accepted_by, consent.expires)))
        }
        (Mode::Failover, Some(_)) => None,
    }
}

/// Once the run is past its point of no return it can only go forward; before, the verdict must be fresh. The lock is as it
/// was when the step began: a call that may have gone since stands in the journal.
fn verdict_objection(
    lock: &Lock,
    attempts: &Attempts,
    verdict: Option<&Verdict>,
    now: Timestamp,
) -> Option<(ReasonCode, String)> {
    let stale = |detail: String| Some((ReasonCode::VerdictStale, detail));
    let committed = lock.past_point_of_no_return || attempts.accepted_at.is_some() || attempts.unknown_at.is_some();
    match verdict {
        None => stale("there is no verdict in the journal".to_owned()),
        Some(verdict) if !verdict.go() => stale("the verdict was to refuse".to_owned()),
        Some(verdict) if !committed && now > verdict.assessed_at.plus(VERDICT_FRESH) => {
            stale(format!("it is of {}", verdict.assessed_at))
        }
        Some(_) => None,
    }
}
