//! Whether a run may make a call at all, whatever the resource: verdict, approval and, where data or traffic move, consent.

use crate::journal::Attempts;
use crate::limits::VERDICT_FRESH;
use crate::lock::{Admission, Approval, Lock};
use crate::request::Mode;
use crate::verdict::Verdict;
use crate::{ReasonCode, Timestamp};

/// What forbids a call that moves data or traffic. Nothing is read from a step's input: mode, consent, approval and direction are the lock's.
pub(super) fn authority_objection(
    lock: &Lock,
    attempts: &Attempts,
    verdict: Option<&Verdict>,
    now: Timestamp,
) -> Option<(ReasonCode, String)> {
    if let Some(objection) = verdict_objection(lock, attempts, verdict, now) {
        return Some(objection);
    }
    if let Some(objection) = approval_objection(lock) {
        return Some(objection);
    }
    consent_objection(lock, now)
}

/// What forbids a call that may lose data, by the lock as it is at `now`: asked when a step decides, and once more just before
/// the call.
pub fn consent_objection(lock: &Lock, now: Timestamp) -> Option<(ReasonCode, String)> {
    match (lock.run.mode, &lock.run.consent) {
        (Mode::Switchover, _) => None,
        (Mode::Failover, None) => Some((ReasonCode::ConsentMissing, "nobody accepted the loss of data".to_owned())),
        (Mode::Failover, Some(consent)) if consent.expires <= now => {
            Some((ReasonCode::ConsentExpired, format!("{} accepted until {}", consent.accepted_by, consent.expires)))
        }
        (Mode::Failover, Some(_)) => None,
    }
}

/// What forbids a call that moves neither data nor traffic, such as one that adds capacity: it loses nothing, so it needs no
/// consent, and it may come late, so the verdict need not be fresh.
pub(super) fn preparation_objection(lock: &Lock, verdict: Option<&Verdict>) -> Option<(ReasonCode, String)> {
    go_objection(verdict).or_else(|| approval_objection(lock))
}

/// From when on a run could do its work: admitted, approved where a person was asked, and the source left where it had to
/// be. What a step may take is counted from here, lest a person's thinking uses it up.
pub(super) fn acting_since(run: &Admission, left_at: Option<Timestamp>) -> Timestamp {
    let approved_at = match &run.approval {
        Approval::NotNeeded | Approval::Awaited => None,
        Approval::Given { at, .. } => Some(*at),
    };
    [approved_at, left_at].into_iter().flatten().fold(run.admitted_at, Timestamp::max)
}

fn approval_objection(lock: &Lock) -> Option<(ReasonCode, String)> {
    match &lock.run.approval {
        Approval::Awaited => Some((ReasonCode::ApprovalMissing, "a person was asked and has not said yes".to_owned())),
        Approval::NotNeeded | Approval::Given { .. } => None,
    }
}

fn go_objection(verdict: Option<&Verdict>) -> Option<(ReasonCode, String)> {
    let stale = |detail: &str| Some((ReasonCode::VerdictStale, detail.to_owned()));
    match verdict {
        None => stale("there is no verdict in the journal"),
        Some(verdict) if !verdict.go() => stale("the verdict was to refuse"),
        Some(_) => None,
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
    let committed = lock.past_point_of_no_return || attempts.accepted_at.is_some() || attempts.unknown_at.is_some();
    let expired = |verdict: &&Verdict| !committed && now > verdict.assessed_at.plus(VERDICT_FRESH);
    let stale = |verdict: &Verdict| (ReasonCode::VerdictStale, format!("it is of {}", verdict.assessed_at));
    go_objection(verdict).or_else(|| verdict.filter(expired).map(stale))
}
