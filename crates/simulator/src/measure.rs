//! Turns what happened into the figures of the report.

mod critical_path;

use lifeboat_model::report::{DamagedWrite, Outcome};
use lifeboat_model::{Period, Timestamp};

use crate::world::{RunRecord, World};
use critical_path::critical_path_s;

/// A failure this soon after all were served again belongs to the same disruption.
const SAME_DISRUPTION: Period = Period::seconds(30);

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
        critical_path_s: critical_path_s(world, run, &promotions, change.as_ref(), ended),
    }
}

/// Until the last request that a client sent to the source, before routing changed again.
fn propagation_s(world: &World, changed: Timestamp) -> Option<f64> {
    let state = world.state();
    let number = state.traffic.changes.iter().position(|c| c.at == changed)? + 1;
    let last = state.clients.last_use.get(&number)?.get(&state.direction.source)?;
    Some(last.seconds_since(changed).max(0.0))
}

/// The longest disruption, from the first failed request until every client was served again; `None` when the last one
/// goes on. A disruption that begins again at once is the same one.
pub fn rto_s(world: &World) -> Option<f64> {
    longest_disruption(world).map(|longest| longest.map_or(0.0, |(from, until)| until.seconds_since(from)))
}

/// That disruption's beginning and end; `None` within when no request failed.
pub fn longest_disruption(world: &World) -> Option<Option<(Timestamp, Timestamp)>> {
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
    Some(merged.into_iter().max_by_key(|(from, until)| until.ms_since(*from)))
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
