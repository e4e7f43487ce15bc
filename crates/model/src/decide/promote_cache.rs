//! What to do about one cache: nothing, watch, call, or refuse.
//!
//! ElastiCache has one operation for both modes, and it does not wait for replication: a switchover too may lose what was
//! written to the cache in the last moments, by AWS's word less than a second. What a switchover adds is that it does not
//! begin with a lag over the plan's limit, or with one that nobody knows.

use super::authority::authority_objection;
use super::promotion::{Ground, Promotion, after_calls, newest_fresh};
use crate::evidence::{Association, CacheRole, GlobalCache, Point, Status};
use crate::limits::LAG_FRESH;
use crate::lock::Admission;
use crate::plan::Cache;
use crate::request::Mode;
use crate::{Period, Reason, ReasonCode, Timestamp};

/// The status of a global datastore whose primary is all it has: nothing is under way, and nothing can be promoted.
const PRIMARY_ONLY: &str = "primary-only";

/// Decides about `cache` in the state `seen`, with the target `lag_ms` milliseconds behind (oldest first, looked at in a
/// switchover only). `limits.cache` bounds the time from the first call to the confirmed primary, and, in a switchover, the
/// wait for a lag that allows the call.
pub fn promote_cache(cache: &Cache, seen: &GlobalCache, lag_ms: &[Point], ground: &Ground<'_>) -> Promotion {
    let name = resource(cache);
    let refuse = |code, detail: String| Promotion::Refuse(Reason::new(code, name.clone(), detail));
    let run = &ground.lock.run;
    let Some(target) = cache.groups.get(&run.direction.target) else {
        return refuse(ReasonCode::CacheNotReady, "the plan names no replication group in the target".to_owned());
    };
    let is_primary = seen.member(target).is_some_and(|m| m.role == CacheRole::Primary);
    if is_in_place(target, seen) {
        return Promotion::Done;
    }
    if let Some(detail) = stranger_objection(cache, run, seen) {
        return refuse(ReasonCode::CacheNotReady, detail);
    }
    let (since, limit) = (ground.waits_since(), ground.limits.cache);
    if (ground.attempts.first_at.is_some() || is_primary) && ground.now > since.plus(limit) {
        return refuse(ReasonCode::PromotionStalled, format!("not the available primary {limit} after {since}"));
    }
    if is_primary {
        return Promotion::Watch("primary moved, waiting for the datastore to be available".to_owned());
    }
    if ground.has_called() && is_under_way(&seen.status) {
        return Promotion::Watch(format!("the datastore is {}", seen.status.as_str()));
    }
    if let Some(earlier) = after_calls(&name, ground.attempts, ground.now) {
        return earlier;
    }
    let forbidden = state_objection(cache, run, seen).map(|detail| (ReasonCode::CacheNotReady, detail));
    let forbidden = forbidden.or_else(|| authority_objection(ground.lock, ground.attempts, ground.verdict, ground.now));
    match (forbidden, run.mode) {
        (Some((code, detail)), Mode::Switchover | Mode::Failover) => refuse(code, detail),
        (None, Mode::Failover) => Promotion::Call(ground.attempts.count + 1),
        (None, Mode::Switchover) => match lag_objection(lag_ms, ground) {
            None => Promotion::Call(ground.attempts.count + 1),
            Some((_, detail)) if ground.now <= ground.may_act_since().plus(limit) => Promotion::Watch(detail),
            Some((code, detail)) => refuse(code, detail),
        },
    }
}

/// Why `cache`, as it is `seen` before anything is changed, could not be promoted by `run`; `None` when it could be, or is
/// in the target already.
pub fn cache_readiness(cache: &Cache, run: &Admission, seen: &GlobalCache) -> Option<Reason> {
    if cache.groups.get(&run.direction.target).is_some_and(|target| is_in_place(target, seen)) {
        return None;
    }
    let objection = stranger_objection(cache, run, seen).or_else(|| state_objection(cache, run, seen));
    objection.map(|detail| Reason::new(ReasonCode::CacheNotReady, resource(cache), detail))
}

fn resource(cache: &Cache) -> String {
    format!("cache {}", cache.name)
}

/// Whether `target` is the only primary, belongs to the datastore for good, and the datastore is available.
fn is_in_place(target: &str, seen: &GlobalCache) -> bool {
    let primary = seen.primary().filter(|p| p.group == target);
    primary.is_some_and(|p| p.association == Association::Associated) && seen.status == Status::Available
}

/// AWS documents two words for a datastore that rests. What it says while one moves it does not tell, so that any other word
/// after our call means that something is under way.
fn is_under_way(status: &Status) -> bool {
    match status {
        Status::Available => false,
        Status::Other(word) => word != PRIMARY_ONLY,
    }
}

/// A group that is neither the source's nor the target's must be known to take no writes: its data are nobody's to lose.
fn stranger_objection(cache: &Cache, run: &Admission, seen: &GlobalCache) -> Option<String> {
    let (source, target) = (cache.groups.get(&run.direction.source), cache.groups.get(&run.direction.target));
    let strangers = seen.members.iter().filter(|m| Some(&m.group) != source && Some(&m.group) != target);
    let objection = strangers.filter_map(|m| match m.role {
        CacheRole::Secondary => None,
        CacheRole::Primary => Some(format!("{} is primary, which is not the source's group", m.group)),
        CacheRole::Unknown => Some(format!("nobody knows whether {} is primary", m.group)),
    });
    objection.into_iter().next()
}

/// What in the state of the datastore forbids a promotion. AWS allows one at any time, even while modifications are in
/// progress, and with the source gone the status may be anything: a failover asks only for a target that is known.
fn state_objection(cache: &Cache, run: &Admission, seen: &GlobalCache) -> Option<String> {
    let Some(target) = cache.groups.get(&run.direction.target) else {
        return Some("the plan names no replication group in the target".to_owned());
    };
    let Some(member) = seen.member(target) else {
        return Some(format!("{target} is not a member of {}", cache.global_datastore));
    };
    match &member.association {
        Association::Associated => {}
        Association::Other(word) => return Some(format!("{target} is {word}, not associated")),
    }
    match member.role {
        CacheRole::Primary => return None,
        CacheRole::Unknown => return Some(format!("nobody knows whether {target} is primary or secondary")),
        CacheRole::Secondary => {}
    }
    let source_is_primary = seen.primary().is_some_and(|p| Some(&p.group) == cache.groups.get(&run.direction.source));
    match run.mode {
        Mode::Failover => None,
        Mode::Switchover if seen.status != Status::Available => {
            Some(format!("the datastore is {}", seen.status.as_str()))
        }
        Mode::Switchover if !source_is_primary => Some("the source's group is not its primary".to_owned()),
        Mode::Switchover => None,
    }
}

fn lag_objection(lag_ms: &[Point], ground: &Ground<'_>) -> Option<(ReasonCode, String)> {
    lag_over(lag_ms, ground.limits.switchover_lag, ground.now)
}

/// Why a planned move of `cache`, whose member in the target was `lag_ms` behind, would have to wait now; `None` when it would
/// not, or when it is in the target already. A failover does not ask.
pub fn cache_is_behind(
    cache: &Cache,
    run: &Admission,
    seen: &GlobalCache,
    lag_ms: &[Point],
    limit: Period,
    now: Timestamp,
) -> Option<Reason> {
    let in_place = cache.groups.get(&run.direction.target).is_some_and(|target| is_in_place(target, seen));
    match run.mode {
        Mode::Switchover if !in_place => {}
        Mode::Switchover | Mode::Failover => return None,
    }
    lag_over(lag_ms, limit, now).map(|(code, detail)| Reason::new(code, resource(cache), detail))
}

fn lag_over(lag_ms: &[Point], limit: Period, now: Timestamp) -> Option<(ReasonCode, String)> {
    match newest_fresh(lag_ms, LAG_FRESH, now) {
        None => Some((ReasonCode::LagUnknown, format!("lag unknown: no value in the last {LAG_FRESH}"))),
        Some(lag) if lag.value > limit.as_ms() as f64 => {
            Some((ReasonCode::LagOverLimit, format!("{:.1} s behind, the limit is {limit}", lag.value / 1000.0)))
        }
        Some(_) => None,
    }
}
