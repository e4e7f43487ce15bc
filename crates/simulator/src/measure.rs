//! Turns what happened into the figures of the report.

use std::collections::BTreeSet;

use lifeboat_model::decide::{NameSeen, Traffic, verify_traffic};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Requirement;
use lifeboat_model::report::{DamagedWrite, Outcome};
use lifeboat_model::request::{Mode, Request};
use lifeboat_model::{Period, Timestamp};

use crate::world::traffic::RoutingChange;
use crate::world::{RunRecord, Work, World};

/// A failure this soon after all were served again belongs to the same disruption.
const SAME_DISRUPTION: Period = Period::seconds(30);

/// How finely the earliest possible end of `verify-traffic` is looked for.
const GRAIN_MS: i64 = 100;

/// The main run: the first that did more than refuse, or else the first.
pub fn main_run(world: &World) -> Option<RunRecord> {
    let state = world.state();
    let acted = state.runs.iter().find(|r| r.outcome() != Some(Outcome::Unchanged));
    acted.or(state.runs.first()).cloned()
}

/// The times of a drill's phases; what did not happen is absent.
#[derive(Default)]
pub struct Phases {
    /// When the first outage began.
    pub outage_at: Option<Timestamp>,
    /// When the main run changed routing.
    pub routing_changed_at: Option<Timestamp>,
    /// Outage to alarm.
    pub detection_s: Option<f64>,
    /// Alarm, or start by hand, to the first promotion call or the refusal.
    pub decision_s: Option<f64>,
    /// First promotion call to the last writer in place.
    pub promotion_s: Option<f64>,
    /// Change of routing to the last request that a client sent to the source.
    pub propagation_s: Option<f64>,
    /// The main run.
    pub run_s: f64,
    /// The services' own longest chain in it.
    pub critical_path_s: f64,
}

/// Measures the phases.
pub fn phases(world: &World, run: Option<&RunRecord>) -> Phases {
    let outage = world.state().outages.first().map(|o| o.from);
    let alarm = {
        let state = world.state();
        let at_target = state.watchers.alarms.iter().find(|(_, region)| *region == state.direction.target);
        at_target.map(|(at, _)| *at)
    };
    let detection_s = alarm.zip(outage).map(|(alarm, outage)| alarm.seconds_since(outage));
    let Some(run) = run else {
        return Phases { outage_at: outage, detection_s, ..Phases::default() };
    };
    let started = run.execution.started_at;
    let ended = run.ended.as_ref().map_or(world.now(), |(at, _)| *at);
    let promotions: Vec<(Timestamp, Timestamp)> = {
        let state = world.state();
        let within = state.aurora.promotions.iter().filter(|p| p.accepted_at >= started && p.accepted_at <= ended);
        within.map(|p| (p.accepted_at, p.done_at.unwrap_or(ended).min(ended))).collect()
    };
    let first_call = promotions.iter().map(|(accepted, _)| *accepted).min();
    let last_done = promotions.iter().map(|(_, done)| *done).max();
    let change = {
        let state = world.state();
        state.traffic.changes.iter().find(|c| c.at >= started && c.at <= ended).cloned()
    };
    let decided = first_call.unwrap_or(ended);
    Phases {
        outage_at: outage,
        routing_changed_at: change.as_ref().map(|c| c.at),
        detection_s,
        decision_s: Some(decided.seconds_since(alarm.unwrap_or(started).min(started))),
        promotion_s: first_call.zip(last_done).map(|(first, last)| last.seconds_since(first)),
        propagation_s: change.as_ref().and_then(|c| propagation_s(world, c.at)),
        run_s: ended.seconds_since(started),
        critical_path_s: critical_path_s(world, run, promotions, change.as_ref(), ended),
    }
}

/// The longest chain of the services' own times: the longest of what runs side by side, then routing, DNS and the canaries.
/// Where traffic left the source before anything was promoted, a planned move waits for clients first, and canaries speak
/// for the time since the last of it was in place.
fn critical_path_s(
    world: &World,
    run: &RunRecord,
    promotions: Vec<(Timestamp, Timestamp)>,
    change: Option<&RoutingChange>,
    ended: Timestamp,
) -> f64 {
    let started = run.execution.started_at;
    let mut beside = promotions;
    beside.extend(other_work(world, change, started, ended));
    let longest_s = beside.iter().map(|(accepted, done)| done.seconds_since(*accepted)).fold(0.0, f64::max);
    let first = beside.iter().map(|(accepted, _)| *accepted).min();
    let Some(change) = change else { return longest_s };
    match beside.iter().map(|(_, done)| *done).max() {
        Some(last_done) if first.is_some_and(|first| change.at < first) => {
            let settling_s = serves_at(world, change, last_done, ended).seconds_since(last_done).max(0.0);
            departure_s(world, run, change) + longest_s + settling_s
        }
        Some(_) | None => longest_s + serves_at(world, change, change.at, ended).seconds_since(change.at),
    }
}

/// How long a planned move waits for clients to leave the source: until names answer without it, and then for the longest
/// time that a client may keep an older answer.
fn departure_s(world: &World, run: &RunRecord, change: &RoutingChange) -> f64 {
    let planned = Request::read(&run.execution.input).is_ok_and(|request| match request.mode {
        Mode::Switchover => true,
        Mode::Failover => false,
    });
    let state = world.state();
    let ttl_s = state.plan.dns.iter().map(|d| d.ttl.as_seconds()).fold(0.0, f64::max);
    change.answered_at.filter(|_| planned).map_or(0.0, |answered| answered.seconds_since(change.at) + ttl_s)
}

/// What other services than Aurora did for resources that traffic does not move without. What had not ended when traffic
/// moved after all is taken to have been waited for until then.
fn other_work(
    world: &World,
    change: Option<&RoutingChange>,
    started: Timestamp,
    ended: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let state = world.state();
    let required = |step| state.plan.resources_of(step, Requirement::Required).collect::<BTreeSet<_>>();
    let of = |works: &[Work], step| -> Vec<(Timestamp, Timestamp)> {
        let names = required(step);
        let within = works.iter().filter(|w| w.accepted_at >= started && w.accepted_at <= ended);
        let within = within.filter(|w| names.contains(&w.resource));
        within
            .map(|w| {
                let moved_on = change.map(|c| c.at).filter(|at| *at > w.accepted_at).unwrap_or(ended);
                (w.accepted_at, w.done_at.unwrap_or(moved_on).min(moved_on))
            })
            .collect()
    };
    [
        of(&state.caches.promotions, Step::PromoteCache),
        of(&state.brokers.promotions, Step::PromoteBroker),
        of(&state.compute.scalings, Step::ScaleCompute),
    ]
    .concat()
}

/// Until the last request that a client sent to the source, before routing changed again.
fn propagation_s(world: &World, changed: Timestamp) -> Option<f64> {
    let state = world.state();
    let number = state.traffic.changes.iter().position(|c| c.at == changed)? + 1;
    let last = state.clients.last_use.get(&(number, state.direction.source.clone()))?;
    Some(last.seconds_since(changed).max(0.0))
}

/// The earliest moment at which DNS and the canary results since `moved_at` allow `verify-traffic` to say that the target
/// serves: asked of the very decision, against what was readable at each moment.
fn serves_at(world: &World, change: &RoutingChange, moved_at: Timestamp, ended: Timestamp) -> Timestamp {
    let (plan, direction) = {
        let state = world.state();
        (state.plan.clone(), state.direction.clone())
    };
    let watching: Vec<_> =
        plan.canaries.iter().filter(|c| c.watches == direction.target && c.runs_in != direction.source).collect();
    let entry = BTreeSet::from(["the target".to_owned()]);
    let mut at = moved_at;
    while at < ended {
        let canaries: Vec<_> = watching.iter().map(|c| world.canary_points(c, moved_at, at)).collect();
        let answers = change.answered_at.is_some_and(|answered| answered <= at);
        let now = if answers { entry.clone() } else { BTreeSet::new() };
        let names = [NameSeen { name: "all".to_owned(), now, target: entry.clone() }];
        if verify_traffic(&names, &canaries, &plan.limits, moved_at, at) == Traffic::Verified {
            return at;
        }
        at = Timestamp::from_ms(at.as_ms() + GRAIN_MS);
    }
    ended
}

/// The longest disruption, from the first failed request until every client was served again; `None` when the last one
/// goes on. A disruption that begins again at once is the same one.
pub fn rto_s(world: &World) -> Option<f64> {
    let state = world.state();
    if !state.clients.all_served() {
        return None;
    }
    let mut merged: Vec<(Timestamp, Timestamp)> = Vec::new();
    for (from, until) in &state.clients.disruptions {
        match merged.last_mut() {
            Some((_, last)) if from.ms_since(*last) < SAME_DISRUPTION.as_ms() => *last = *until,
            Some(_) | None => merged.push((*from, *until)),
        }
    }
    Some(merged.iter().map(|(from, until)| until.seconds_since(*from)).fold(0.0, f64::max))
}

/// The time span of the lost writes: from the oldest of them to the moment its Region went dark, over all databases.
pub fn rpo_s(world: &World) -> f64 {
    let state = world.state();
    let lost = state.aurora.databases.values().flat_map(|db| db.writes.iter().filter(|w| w.lost));
    let spans = lost.map(|w| {
        let went_dark = state.outages.iter().filter(|o| o.region == w.region && o.from >= w.at).map(|o| o.from).min();
        went_dark.map_or(0.0, |at| at.seconds_since(w.at))
    });
    spans.fold(0.0, f64::max)
}

/// Every write that was lost or that conflicts, in order.
pub fn damaged_writes(world: &World) -> Vec<DamagedWrite> {
    let state = world.state();
    let mut damaged: Vec<DamagedWrite> = Vec::new();
    for (name, db) in &state.aurora.databases {
        for write in db.writes.iter().filter(|w| w.lost || w.conflicting) {
            damaged.push(DamagedWrite {
                id: write.id,
                database: name.to_string(),
                region: write.region.to_string(),
                at_s: world.seconds(write.at),
                damage: if write.conflicting { "conflicting" } else { "lost" }.to_owned(),
            });
        }
    }
    damaged.sort_by_key(|w| w.id);
    damaged
}
