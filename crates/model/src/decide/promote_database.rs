//! What to do about one database: nothing, watch, call, or refuse.

use super::authority::{acting_since, authority_objection};
use super::promotion::{Promotion, after_calls};
use crate::evidence::{GlobalDatabase, OperationPhase, Status};
use crate::journal::Attempts;
use crate::lock::{Admission, Lock};
use crate::plan::Database;
use crate::request::Mode;
use crate::verdict::Verdict;
use crate::{Period, Reason, ReasonCode, Timestamp};

/// Decides about `database` in the state `seen`, after the `attempts` that this run has made, on the word of `verdict`.
/// `limit` bounds the time from the first call to the confirmed writer.
pub fn promote_database(
    database: &Database,
    lock: &Lock,
    seen: &GlobalDatabase,
    attempts: &Attempts,
    verdict: Option<&Verdict>,
    limit: Period,
    now: Timestamp,
) -> Promotion {
    let name = format!("database {}", database.name);
    let refuse = |code, detail: String| Promotion::Refuse(Reason::new(code, name.clone(), detail));
    let Some(target) = database.clusters.get(&lock.run.direction.target) else {
        return refuse(ReasonCode::DatabaseNotReady, "the plan names no cluster in the target".to_owned());
    };
    let is_writer = seen.writer() == Some(target);
    let local_ready =
        seen.local.as_ref().is_some_and(|l| &l.cluster == target && l.status == Status::Available && l.instances > 0);
    if is_writer && seen.operation.is_none() && seen.status == Status::Available && local_ready {
        return Promotion::Done;
    }
    // Another hand's operation towards the target is waited for as well, and no longer than our own.
    let since = attempts.first_at.unwrap_or_else(|| acting_since(&lock.run, None));
    let waiting = attempts.first_at.is_some() || seen.operation.is_some() || is_writer;
    if waiting && now > since.plus(limit) {
        return refuse(ReasonCode::PromotionStalled, format!("not the available writer {limit} after {since}"));
    }
    if let Some(operation) = &seen.operation {
        let phase = match &operation.phase {
            OperationPhase::Pending => "pending",
            OperationPhase::FailingOver => "failing over",
            OperationPhase::SwitchingOver => "switching over",
            OperationPhase::Cancelling => {
                return refuse(ReasonCode::PromotionCancelled, "an operation is being cancelled".to_owned());
            }
            OperationPhase::Other(word) => word,
        };
        if &operation.to != target {
            return refuse(
                ReasonCode::OperationInProgress,
                format!("an operation towards {} is under way", operation.to.name()),
            );
        }
        return Promotion::Watch(phase.to_owned());
    }
    if is_writer {
        return Promotion::Watch("writer moved, waiting for the cluster to be available".to_owned());
    }
    if let Some(earlier) = after_calls(&name, attempts, now) {
        return earlier;
    }
    match objection(database, lock, seen, attempts, verdict, now) {
        Some((code, detail)) => refuse(code, detail),
        None if !local_ready => {
            refuse(ReasonCode::DatabaseNotReady, format!("{} is not available with an instance", target.name()))
        }
        None => Promotion::Call(attempts.count + 1),
    }
}

/// What forbids the call itself. Nothing is read from the step's input: mode, consent and direction are the lock's.
fn objection(
    database: &Database,
    lock: &Lock,
    seen: &GlobalDatabase,
    attempts: &Attempts,
    verdict: Option<&Verdict>,
    now: Timestamp,
) -> Option<(ReasonCode, String)> {
    let target = database.clusters.get(&lock.run.direction.target)?;
    if seen.member(target).is_none() {
        return Some((
            ReasonCode::DatabaseNotReady,
            format!("{} is not a member of {}", target.name(), database.global_cluster),
        ));
    }
    if seen.status != Status::Available {
        return Some((ReasonCode::DatabaseNotReady, format!("the global cluster is {}", seen.status.as_str())));
    }
    if let Some(detail) = writer_objection(database, &lock.run, seen) {
        return Some((ReasonCode::DatabaseNotReady, detail));
    }
    authority_objection(lock, attempts, verdict, now)
}

/// The source that was assessed has to be the one that writes. In a failover the control plane may name no writer any
/// more; a writer in another place is alive for all we know, and its data are nobody's to lose.
pub(super) fn writer_objection(database: &Database, run: &Admission, seen: &GlobalDatabase) -> Option<String> {
    let source = database.clusters.get(&run.direction.source);
    let elsewhere = seen.members.iter().find(|m| m.is_writer && Some(&m.cluster) != source);
    match (run.mode, elsewhere) {
        (_, Some(member)) => Some(format!("{} writes, which is not the source's cluster", member.cluster.name())),
        (Mode::Switchover, None) if seen.writer().is_none() => Some("it has no writer".to_owned()),
        (Mode::Switchover | Mode::Failover, None) => None,
    }
}
