//! Whether the target serves: DNS points there and its canaries have been green for the plan's window.

use std::collections::BTreeSet;

use super::is_green;
use crate::evidence::CanaryResults;
use crate::limits::CANARY_FRESH;
use crate::plan::Limits;
use crate::{Reason, ReasonCode, Timestamp};

/// What a name and the entries of both Regions resolve to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSeen {
    /// The name.
    pub name: String,
    /// What it answers with now; none when it could not be resolved.
    pub now: BTreeSet<String>,
    /// What the target's entry answers with.
    pub target: BTreeSet<String>,
}

/// Whether the target serves.
#[derive(Clone, Debug, PartialEq)]
pub enum Traffic {
    /// DNS and every canary of the target say so.
    Verified,
    /// Not yet: what is still missing, and the end of the window, before which it cannot be otherwise.
    Pending(Vec<String>, Option<Timestamp>),
    /// Not in time.
    Expired(Vec<Reason>),
}

/// Decides from the `names` and the `canaries` that watch the target, seen from outside the source.
/// `moved_at` is when traffic was told to move.
pub fn verify_traffic(
    names: &[NameSeen],
    canaries: &[CanaryResults],
    limits: &Limits,
    moved_at: Timestamp,
    now: Timestamp,
) -> Traffic {
    let mut missing: Vec<(String, String)> = Vec::new();
    for name in names {
        if name.now.is_empty() || !name.now.is_subset(&name.target) {
            missing.push((format!("name {}", name.name), "it does not answer with the target's entry only".to_owned()));
        }
    }
    if canaries.is_empty() {
        missing.push(("canaries".to_owned(), "none reports on the target".to_owned()));
    }
    for results in canaries {
        if let Some(why) = not_green(results, limits, moved_at, now) {
            missing.push((format!("canary {}", results.canary), why));
        }
    }
    if missing.is_empty() {
        return Traffic::Verified;
    }
    if now > moved_at.plus(limits.traffic) {
        let reason = |(resource, why)| Reason::new(ReasonCode::TrafficNotVerified, resource, why);
        return Traffic::Expired(missing.into_iter().map(reason).collect());
    }
    let window_ends = moved_at.plus(limits.green_window);
    let next_look = (window_ends > now).then_some(window_ends);
    Traffic::Pending(missing.into_iter().map(|(resource, why)| format!("{resource}: {why}")).collect(), next_look)
}

/// Green for the window: a result since the move that is green and none since then that is not, the window has passed,
/// and the newest result is fresh.
fn not_green(results: &CanaryResults, limits: &Limits, moved_at: Timestamp, now: Timestamp) -> Option<String> {
    let window_start = now.minus(limits.green_window);
    let Some(newest) = results.points.last().filter(|p| p.at >= moved_at) else {
        return Some("no result since traffic moved".to_owned());
    };
    let last_red = results.points.iter().rfind(|p| !is_green(p)).map(|p| p.at);
    if !is_green(newest) {
        Some(format!("red at {}", newest.at))
    } else if newest.at < now.minus(CANARY_FRESH) {
        Some(format!("silent since {}", newest.at))
    } else if window_start < moved_at || last_red.is_some_and(|red| red >= window_start) {
        Some(format!("green, but not yet for {}", limits.green_window))
    } else {
        None
    }
}
