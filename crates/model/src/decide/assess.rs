//! Go or refuse, from everything that was read after the lock was taken.

use std::collections::BTreeSet;

use super::assess_resources::{ResourcesSeen, resource_objections};
use super::promote_database::writer_objection;
use super::{Light, Shift, is_green, light, shift_traffic};
use crate::evidence::{CanaryResults, GlobalDatabase, OperationPhase, Point, RoutingStates, Status, Synchronization};
use crate::facts::{PROMOTION_TYPICAL, ROUTING_PROPAGATION};
use crate::limits::{LAG_FRESH, VANTAGES_MIN};
use crate::lock::{Admission, Approval, Lock};
use crate::plan::{Canary, Checks, Database, Name};
use crate::request::Mode;
use crate::verdict::Verdict;
use crate::{Arn, Period, Plan, Reason, ReasonCode, Region, Timestamp};

/// Everything that `assess` read.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// The databases of the plan.
    pub databases: Vec<DatabaseSeen<'a>>,
    /// Everything else that a run moves or checks.
    pub resources: ResourcesSeen<'a>,
    /// The canaries' results; one whose Region did not answer has no points.
    pub canaries: Vec<CanaryResults>,
    /// The routing controls.
    pub routing: RoutingStates,
}

/// A database as the target sees it.
#[derive(Clone, Debug)]
pub struct DatabaseSeen<'a> {
    /// The plan's words for it.
    pub database: &'a Database,
    /// Its description.
    pub state: GlobalDatabase,
    /// How far the target was behind, in milliseconds, oldest first; none when nothing is known.
    pub lag_ms: Vec<Point>,
}

/// Decides on the evidence. Every reason that holds is named, so that a person mends all of them at once.
pub fn assess(plan: &Plan, lock: &Lock, seen: &Seen<'_>, now: Timestamp) -> Verdict {
    let run = &lock.run;
    let view = SourceView::of(plan, &run.direction.source, &seen.canaries, now);
    let mut reasons: Vec<Reason> = view.objection(run).into_iter().collect();
    reasons.extend(is_there_already(plan, lock, seen));
    reasons.extend(target_objection(plan, run, &seen.canaries, now));
    reasons.extend(unseen(plan, seen));
    for database in &seen.databases {
        reasons.extend(database_objection(database, run));
    }
    let (resource_reasons, warnings) = resource_objections(plan, run, &seen.resources, now);
    reasons.extend(resource_reasons);
    reasons.extend(routing_objections(plan, &seen.routing));
    let (predicted_rpo_s, lag_reasons) = predict_loss(plan, run, seen, &view, now);
    reasons.extend(lag_reasons);
    Verdict {
        assessed_at: now,
        reasons,
        warnings,
        predicted_rpo_s,
        predicted_rto_s: predict_recovery(plan, run, seen, &view, now),
        impaired_since: view.red_since,
    }
}

/// The source as canaries in *other* Regions see it: what runs inside a dead Region cannot report its death.
struct SourceView {
    green: Vec<Region>,
    red: Vec<Region>,
    /// The first failure of the present streak, over all vantage points.
    red_since: Option<Timestamp>,
    /// When the source was last seen well by anybody. Until then it took writes, whoever else saw it fail before.
    last_green: Option<Timestamp>,
}

impl SourceView {
    fn of(plan: &Plan, source: &Region, canaries: &[CanaryResults], now: Timestamp) -> Self {
        let mut view = Self { green: Vec::new(), red: Vec::new(), red_since: None, last_green: None };
        for vantage in plan.outside_vantages(source) {
            let here = plan.canaries.iter().filter(|c| &c.watches == source && &c.runs_in == vantage);
            let here = here.map(|c| results_of(c, canaries));
            let here: Vec<(&CanaryResults, Light)> = here.flatten().map(|r| (r, light(r, now))).collect();
            let sees = |wanted: Light| here.iter().any(|(_, light)| *light == wanted);
            if sees(Light::Green) {
                view.green.push(vantage.clone());
            } else if sees(Light::Red) {
                view.red.push(vantage.clone());
                let red = here.iter().filter(|(_, light)| *light == Light::Red);
                let since = red.filter_map(|(results, _)| first_red(results)).min();
                view.red_since = [view.red_since, since].into_iter().flatten().min();
            }
            let greens = here.iter().flat_map(|(results, _)| &results.points).filter(|p| is_green(p));
            view.last_green = view.last_green.max(greens.map(|p| p.at).max());
        }
        view
    }

    fn objection(&self, run: &Admission) -> Option<Reason> {
        let source = format!("source {}", run.direction.source);
        let list = |regions: &[Region]| regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ");
        match run.mode {
            Mode::Failover if self.red.len() >= VANTAGES_MIN && self.green.is_empty() => None,
            Mode::Failover if self.red.is_empty() && !self.green.is_empty() => Some(Reason::new(
                ReasonCode::SourceHealthy,
                source,
                format!("it answers canaries in {}", list(&self.green)),
            )),
            Mode::Failover => Some(Reason::new(
                ReasonCode::SourceUncertain,
                source,
                format!(
                    "down as seen from [{}], up as seen from [{}]; {VANTAGES_MIN} must agree that it is down and none deny it",
                    list(&self.red),
                    list(&self.green)
                ),
            )),
            Mode::Switchover if self.red.is_empty() && !self.green.is_empty() => None,
            Mode::Switchover => Some(Reason::new(
                ReasonCode::SourceUnhealthy,
                source,
                format!("down as seen from [{}], up as seen from [{}]", list(&self.red), list(&self.green)),
            )),
        }
    }
}

/// Whether the outage of `source` is older than what `canaries` tell: they see it fail, and no value says that it was well.
/// Then they and the lag have to be read from further back, for the lag counts from when the source was last seen well.
pub fn is_older_outage(plan: &Plan, source: &Region, canaries: &[CanaryResults], now: Timestamp) -> bool {
    let view = SourceView::of(plan, source, canaries, now);
    !view.red.is_empty() && view.last_green.is_none()
}

/// An alarm about a sick stand-by Region asks for a failover to where the workload is. Nothing would move, and the run's
/// cool-down would keep out the failover that is needed next. A run that finishes what a dead one began is let through, and
/// so is one for a cache or a broker that was left behind.
fn is_there_already(plan: &Plan, lock: &Lock, seen: &Seen<'_>) -> Option<Reason> {
    let direction = &lock.run.direction;
    let moved = seen.databases.iter().all(|d| is_moved(d, &lock.run)) && seen.resources.are_in(&direction.target);
    let routed = shift_traffic(&plan.routing.controls, direction, &seen.routing) == Shift::Done;
    match lock.run.mode {
        Mode::Failover if moved && routed && !lock.inherits_change => {
            let detail = format!("every writer, every primary and all traffic are in {}", direction.target);
            Some(Reason::new(ReasonCode::AlreadyThere, format!("plan {}", plan.name), detail))
        }
        Mode::Failover | Mode::Switchover => None,
    }
}

/// The first failure of the present streak.
fn first_red(results: &CanaryResults) -> Option<Timestamp> {
    let green = results.points.iter().rposition(is_green);
    results.points.get(green.map_or(0, |n| n + 1)).map(|p| p.at)
}

/// Whether the target's cluster is the only writer.
fn is_moved(seen: &DatabaseSeen<'_>, run: &Admission) -> bool {
    let target = seen.database.clusters.get(&run.direction.target);
    target.is_some() && seen.state.writer() == target
}

fn results_of<'a>(canary: &Canary, canaries: &'a [CanaryResults]) -> Option<&'a CanaryResults> {
    canaries.iter().find(|r| r.canary == canary.name && r.runs_in == canary.runs_in)
}

/// A database that nobody looked at is not one that is well.
fn unseen(plan: &Plan, seen: &Seen<'_>) -> Vec<Reason> {
    let looked_at: BTreeSet<&Name> = seen.databases.iter().map(|d| &d.database.name).collect();
    let missing = plan.databases.iter().filter(|d| !looked_at.contains(&d.name));
    let reason = |d: &Database| {
        Reason::new(ReasonCode::DatabaseNotReady, format!("database {}", d.name), "nothing was read about it")
    };
    missing.map(reason).collect()
}

/// The target has to serve reads now. Its write canaries say nothing yet: before the promotion their writes go to the
/// source. Canaries that run in the source are not asked: they may be gone.
fn target_objection(plan: &Plan, run: &Admission, canaries: &[CanaryResults], now: Timestamp) -> Option<Reason> {
    let reads = |c: &&Canary| {
        c.watches == run.direction.target && c.runs_in != run.direction.source && c.checks == Checks::Read
    };
    let readers: Vec<&Canary> = plan.canaries.iter().filter(reads).collect();
    let is_bad = |c: &&&Canary| results_of(c, canaries).is_none_or(|r| light(r, now) != Light::Green);
    let bad: Vec<&str> = readers.iter().filter(is_bad).map(|c| c.name.as_str()).collect();
    if !readers.is_empty() && bad.is_empty() {
        return None;
    }
    let detail = format!("these canaries are red or silent: [{}]", bad.join(", "));
    Some(Reason::new(ReasonCode::TargetUnhealthy, format!("target {}", run.direction.target), detail))
}

fn database_objection(seen: &DatabaseSeen<'_>, run: &Admission) -> Option<Reason> {
    let name = format!("database {}", seen.database.name);
    let not_ready = |detail: String| Some(Reason::new(ReasonCode::DatabaseNotReady, name.clone(), detail));
    let Some(target) = seen.database.clusters.get(&run.direction.target) else {
        return not_ready("the plan names no cluster in the target".to_owned());
    };
    match &seen.state.operation {
        Some(operation) if operation.phase == OperationPhase::Cancelling => {
            let detail = format!("an operation towards {} is being cancelled", operation.to.name());
            return Some(Reason::new(ReasonCode::OperationInProgress, name, detail));
        }
        Some(operation) if &operation.to == target => return None,
        Some(operation) => {
            let detail = format!("an operation towards {} is under way", operation.to.name());
            return Some(Reason::new(ReasonCode::OperationInProgress, name, detail));
        }
        None => {}
    }
    let Some(member) = seen.state.member(target) else {
        return not_ready(format!("{} is not a member of {}", target.name(), seen.database.global_cluster));
    };
    if seen.state.writer() == Some(target) {
        return None;
    }
    if let Some(detail) = writer_objection(seen.database, run, &seen.state) {
        return not_ready(detail);
    }
    if seen.state.status != Status::Available {
        return not_ready(format!("the global cluster is {}, not available", seen.state.status.as_str()));
    }
    match &seen.state.local {
        Some(local) if &local.cluster == target && local.status == Status::Available && local.instances > 0 => {}
        Some(local) => {
            return not_ready(format!(
                "{} is {} with {} instances",
                target.name(),
                local.status.as_str(),
                local.instances
            ));
        }
        None => return not_ready(format!("{} was not found in its Region", target.name())),
    }
    match (run.mode, member.synchronization) {
        (_, Synchronization::Connected) => None,
        // With the source gone the control plane may not know; how much would be lost is told by the lag, not by this.
        (Mode::Failover, Synchronization::Unknown) => None,
        (Mode::Switchover, Synchronization::Unknown) | (_, Synchronization::PendingResync) => {
            not_ready(format!("{} is not in sync with its writer", target.name()))
        }
    }
}

fn routing_objections(plan: &Plan, routing: &RoutingStates) -> Vec<Reason> {
    let unknown = |control: &&Arn| !routing.states.contains_key(*control);
    let reason = |control: &Arn| {
        Reason::new(
            ReasonCode::RoutingUnknown,
            format!("routing control {}", control.name()),
            "the cluster gave no state for it",
        )
    };
    plan.routing.controls.values().filter(unknown).map(reason).collect()
}

/// How much would be lost, over all databases. In a failover it is the highest lag in the minutes before the source
/// was last seen well: what the metric says afterwards, if it says anything, is about a source that no client reaches.
fn predict_loss(
    plan: &Plan,
    run: &Admission,
    seen: &Seen<'_>,
    view: &SourceView,
    now: Timestamp,
) -> (Option<f64>, Vec<Reason>) {
    let (until, limit) = match run.mode {
        Mode::Switchover => (now, plan.limits.switchover_lag),
        Mode::Failover => {
            let limit = run.consent.as_ref().map_or(Period::ms(0), |c| c.max_data_loss);
            (view.last_green.or(view.red_since).unwrap_or(now), limit)
        }
    };
    let mut worst_ms: Option<f64> = unseen(plan, seen).is_empty().then_some(0.0);
    let mut reasons = Vec::new();
    for database in &seen.databases {
        let name = format!("database {}", database.database.name);
        if is_moved(database, run) {
            continue;
        }
        let speaks =
            |p: &&Point| p.at <= until && p.at >= until.minus(LAG_FRESH) && p.value.is_finite() && p.value >= 0.0;
        let lag_ms = match run.mode {
            Mode::Switchover => database.lag_ms.iter().rfind(speaks).map(|p| p.value),
            Mode::Failover => database.lag_ms.iter().filter(speaks).map(|p| p.value).reduce(f64::max),
        };
        match lag_ms {
            None => {
                worst_ms = None;
                reasons.push(Reason::new(
                    ReasonCode::LagUnknown,
                    name,
                    format!("no value from {} to {until}", until.minus(LAG_FRESH)),
                ));
            }
            Some(lag_ms) => {
                worst_ms = worst_ms.map(|worst| worst.max(lag_ms));
                // Whoever is asked for approval of a failover sees the loss and answers with a consent, to which it is
                // held in the next verdict. No answer lifts the limit of a switchover.
                let to_be_accepted = match (run.mode, &run.approval) {
                    (Mode::Failover, Approval::Awaited) => run.consent.is_none(),
                    (Mode::Failover, Approval::NotNeeded | Approval::Given { .. }) | (Mode::Switchover, _) => false,
                };
                if lag_ms > limit.as_ms() as f64 && !to_be_accepted {
                    reasons.push(Reason::new(
                        ReasonCode::LagOverLimit,
                        name,
                        format!("{:.1} s behind, the limit is {limit}", lag_ms / 1000.0),
                    ));
                }
            }
        }
    }
    match run.mode {
        Mode::Switchover => (Some(0.0), reasons),
        Mode::Failover => (worst_ms.map(|ms| ms / 1000.0), reasons),
    }
}

fn predict_recovery(plan: &Plan, run: &Admission, seen: &Seen<'_>, view: &SourceView, now: Timestamp) -> f64 {
    let already_down_s = view.red_since.map_or(0.0, |since| now.seconds_since(since));
    let moved = seen.databases.iter().all(|d| is_moved(d, run));
    let promotion_s = if moved { 0.0 } else { PROMOTION_TYPICAL.as_seconds() };
    let ttl_s = plan.dns.iter().map(|d| d.ttl.as_seconds()).fold(0.0, f64::max);
    already_down_s + promotion_s + ROUTING_PROPAGATION.as_seconds() + ttl_s
}
