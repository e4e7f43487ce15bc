//! The longest chain of the simulated services' own times within a run, and of a person who was asked: what no state machine
//! could make shorter. What is left of the run is our own.

use std::collections::BTreeSet;

use lifeboat_model::Timestamp;
use lifeboat_model::decide::{NameSeen, Traffic, verify_traffic};
use lifeboat_model::journal::{Note, newest};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Requirement;
use lifeboat_model::request::{Mode, Request};

use crate::world::traffic::RoutingChange;
use crate::world::{RunRecord, Work, World};

/// How finely the earliest possible end of `verify-traffic` is looked for.
const GRAIN_MS: i64 = 100;

/// From when to when something took place.
type Stretch = (Timestamp, Timestamp);

/// The chain: the longest of what runs side by side, then routing, DNS and the canaries, then what is to be drained; or what
/// traffic does not wait for, where that takes longer. Where traffic left the source before anything was promoted, a planned
/// move waits for clients first, and canaries speak for the time since the last promotion.
pub(super) fn critical_path_s(
    world: &World,
    run: &RunRecord,
    promotions: &[Stretch],
    change: Option<&RoutingChange>,
    ended: Timestamp,
) -> f64 {
    let mut beside = promotions.to_vec();
    beside.extend(work(world, run, Requirement::Required, change, ended));
    let seconds =
        |stretches: &[Stretch]| stretches.iter().map(|(from, to)| to.seconds_since(*from)).fold(0.0, f64::max);
    let first = promotions.iter().map(|(accepted, _)| *accepted).min();
    let isolated = change.filter(|change| first.is_some_and(|first| change.at < first));
    let before = beside.extract_if(.., |(from, _)| isolated.is_some_and(|change| *from < change.at));
    let before_s = seconds(&before.collect::<Vec<_>>());
    let longest_s = seconds(&beside);
    let last = beside.iter().map(|(_, done)| *done).max();
    let asked_s = asked_s(world, run);
    let chain_s = match (change, last) {
        (Some(change), Some(last)) if isolated.is_some() => {
            let left_s = departure_s(world, run, change);
            before_s + left_s + longest_s + settling_s(world, run, change.answered_at, last, ended)
        }
        (Some(change), _) => longest_s + settling_s(world, run, change.answered_at, change.at, ended),
        // Traffic was there before: canaries speak for the time since the writers were seen to be there too.
        (None, _) => {
            let journal = world.state().table.journal_of(&run.execution.id);
            let verified = newest(&journal, |note| *note == Note::WritersVerified);
            longest_s + verified.map_or(0.0, |at| settling_s(world, run, Some(at), at, ended))
        }
    };
    let best_effort = work(world, run, Requirement::BestEffort, None, ended);
    asked_s + chain_s.max(seconds(&best_effort))
}

/// How long a person took who was asked to approve the run.
fn asked_s(world: &World, run: &RunRecord) -> f64 {
    let state = world.state();
    let journal = state.table.journal_of(&run.execution.id);
    let approved = newest(&journal, |note| matches!(note, Note::Approved { .. }));
    let asked = state.table.approvals.values().find(|asked| asked.run_id == run.execution.id);
    approved.zip(asked).map_or(0.0, |(approved, asked)| approved.seconds_since(asked.asked_at))
}

fn is_planned(run: &RunRecord) -> bool {
    Request::read(&run.execution.input).is_ok_and(|request| match request.mode {
        Mode::Switchover => true,
        Mode::Failover => false,
    })
}

/// How long a planned move waits for clients to leave the source: until names answer without it, and then for the longest
/// time that a client may keep an older answer.
fn departure_s(world: &World, run: &RunRecord, change: &RoutingChange) -> f64 {
    let state = world.state();
    let ttl_s = state.plan.dns.iter().map(|d| d.ttl.as_seconds()).fold(0.0, f64::max);
    let answered = change.answered_at.filter(|_| is_planned(run));
    answered.map_or(0.0, |answered| answered.seconds_since(change.at) + ttl_s)
}

/// What other services than Aurora did for resources that are `requirement`. What had not ended when traffic moved after all
/// is taken to have been waited for until then.
fn work(
    world: &World,
    run: &RunRecord,
    requirement: Requirement,
    change: Option<&RoutingChange>,
    ended: Timestamp,
) -> Vec<Stretch> {
    let state = world.state();
    let started = run.execution.started_at;
    let of = |works: &[Work], step| -> Vec<Stretch> {
        let names: BTreeSet<_> = state.plan.resources_of(step, requirement).collect();
        let mine = |w: &&Work| w.accepted_at >= started && w.accepted_at <= ended && names.contains(&w.resource);
        let stretch = |w: &Work| {
            let moved_on = change.map(|c| c.at).filter(|at| *at > w.accepted_at).unwrap_or(ended);
            (w.accepted_at, w.done_at.unwrap_or(moved_on).min(moved_on))
        };
        works.iter().filter(mine).map(stretch).collect()
    };
    [
        of(&state.caches.promotions, Step::PromoteCache),
        of(&state.brokers.promotions, Step::PromoteBroker),
        of(&state.compute.scalings, Step::ScaleCompute),
    ]
    .concat()
}

/// From `moved_at` until the target serves and the source is drained.
fn settling_s(
    world: &World,
    run: &RunRecord,
    answered_at: Option<Timestamp>,
    moved_at: Timestamp,
    ended: Timestamp,
) -> f64 {
    let serves = serves_at(world, run, answered_at, moved_at, ended);
    let drained = if is_planned(run) { drained_at(world, run, moved_at, ended) } else { moved_at };
    serves.max(drained).seconds_since(moved_at).max(0.0)
}

/// The earliest moment at which DNS and the canary results since `moved_at` allow `verify-traffic` to say that the target
/// serves: asked of the very decision, against what was readable at each moment.
fn serves_at(
    world: &World,
    run: &RunRecord,
    answered_at: Option<Timestamp>,
    moved_at: Timestamp,
    ended: Timestamp,
) -> Timestamp {
    let plan = world.state().plan.clone();
    let target = &run.region;
    let from_outside = |c: &lifeboat_model::plan::Canary| &c.runs_in == target || !plan.regions.contains(&c.runs_in);
    let watching: Vec<_> = plan.canaries.iter().filter(|c| &c.watches == target && from_outside(c)).collect();
    let entry = BTreeSet::from(["the target".to_owned()]);
    let mut at = moved_at;
    while at < ended {
        let canaries: Vec<_> = watching.iter().map(|c| world.canary_points(c, moved_at, at)).collect();
        let answers = answered_at.is_some_and(|answered| answered <= at);
        let now = if answers { entry.clone() } else { BTreeSet::new() };
        let names = [NameSeen { name: "all".to_owned(), now, target: entry.clone() }];
        if verify_traffic(&names, &canaries, &plan.limits, moved_at, at) == Traffic::Verified {
            return at;
        }
        at = Timestamp::from_ms(at.as_ms() + GRAIN_MS);
    }
    ended
}

/// When the metric first told that each of the source's queues that are to be drained was empty, after `moved_at`.
fn drained_at(world: &World, run: &RunRecord, moved_at: Timestamp, ended: Timestamp) -> Timestamp {
    let (brokers, source) = {
        let state = world.state();
        let source = state.plan.direction_to(&run.region).map(|d| d.source);
        (state.plan.brokers.clone(), source)
    };
    let Some(source) = source else { return moved_at };
    let to_drain = brokers.iter().filter(|b| b.engine.drains());
    let empty = to_drain.map(|b| {
        let counts = world.message_points(b, &source, moved_at);
        counts.iter().find(|p| p.value == 0.0).map_or(ended, |p| p.at.min(ended))
    });
    empty.max().unwrap_or(moved_at)
}
