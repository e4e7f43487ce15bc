//! The orders compared: each plays the same seeds in the same world.
//!
//! Guarantees: the same plan, scenario and number of seeds give the same comparison, whatever the number of threads.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lifeboat_model::{Direction, Plan};
use serde::Serialize;

use crate::machine::Machine;
use crate::measure::longest_disruption;
use crate::{DrillOptions, Order, Played, Scenario, play};

/// What to compare.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    /// The plan.
    pub plan: Plan,
    /// The text of the shipped state machine: each thread reads its own.
    pub machine: String,
    /// What happens.
    pub scenario: Scenario,
    /// From where to where.
    pub direction: Direction,
    /// How many seeds each order plays, from 1.
    pub seeds: u64,
    /// How many drills run at the same time.
    pub threads: usize,
}

/// The orders side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The scenario's name.
    pub scenario: String,
    /// The plan's name.
    pub plan: String,
    /// How many seeds each order played, from 1.
    pub seeds: u64,
    /// The plan's recovery time objective, in seconds.
    pub objective_rto_s: f64,
    /// One for each order, ours first.
    pub orders: Vec<Compared>,
}

/// What one order did over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The order's name.
    pub order: String,
    /// What it does, in a line.
    pub about: String,
    /// From the first failed request until every client was served again, in seconds.
    pub rto_s: Spread,
    /// From the alarm, or the start by hand, until then, in seconds: what an order can do anything about.
    pub rto_from_start_s: Spread,
    /// Requests that failed.
    pub requests_failed: Spread,
    /// Acknowledged database writes that were lost.
    pub writes_lost: Spread,
    /// Drills in which two writers took writes for one database at the same time.
    pub drills_with_conflicts: u64,
    /// Drills after which some clients were never served again.
    pub drills_never_served: u64,
    /// Drills in which at least one invariant was violated.
    pub drills_with_violations: u64,
    /// Each violated invariant, and in how many drills it was.
    pub violations: BTreeMap<String, u64>,
}

/// Figures of many drills, smallest first. A figure that a drill has none of, such as the recovery of clients who were
/// never served again, counts as larger than any.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// At most half of the drills have less, by nearest rank; absent when that drill has no such figure.
    pub median: Option<f64>,
    /// 95 of 100 drills have no more, by nearest rank; absent when that drill has no such figure.
    pub p95: Option<f64>,
    /// Every figure there is, smallest first.
    #[serde(skip)]
    pub all: Vec<f64>,
}

impl Spread {
    /// The spread of `figures`.
    pub fn of(figures: impl IntoIterator<Item = Option<f64>>) -> Self {
        let figures: Vec<Option<f64>> = figures.into_iter().collect();
        let count = figures.len();
        let mut all: Vec<f64> = figures.into_iter().flatten().collect();
        all.sort_by(f64::total_cmp);
        let rank = |percent: usize| (count * percent).div_ceil(100).max(1) - 1;
        Self { median: all.get(rank(50)).copied(), p95: all.get(rank(95)).copied(), all }
    }
}

/// What one drill measured.
struct Measured {
    rto_s: Option<f64>,
    rto_from_start_s: Option<f64>,
    requests_failed: u64,
    writes_lost: u64,
    writes_conflicting: u64,
    violated: Vec<String>,
}

impl Measured {
    fn of(played: &Played) -> Self {
        let Played { report, world } = played;
        let disruption = longest_disruption(world);
        let started = {
            let state = world.state();
            let target = &state.direction.target;
            let alarm = state.watchers.alarms.iter().find(|(_, region)| region == target).map(|(at, _)| *at);
            alarm.or(state.runs.first().map(|r| r.execution.started_at))
        };
        // Where no request failed there was nothing to wait for.
        let rto_from_start_s = disruption.map(|longest| match (longest, started) {
            (Some((_, until)), Some(started)) => until.seconds_since(started).max(0.0),
            (None, _) | (_, None) => 0.0,
        });
        Self {
            rto_s: report.rto_s,
            rto_from_start_s,
            requests_failed: report.requests_failed,
            writes_lost: report.writes_lost,
            writes_conflicting: report.writes_conflicting,
            violated: report.invariants.iter().filter(|(_, r)| r.violations > 0).map(|(id, _)| id.clone()).collect(),
        }
    }
}

/// Plays every order with every seed. `None` when an order cannot be played in the scenario.
///
/// # Errors
/// The state machine cannot be read: its words.
pub fn compare(options: &CompareOptions) -> Result<Option<Comparison>, String> {
    Machine::read(&options.machine).map_err(|e| e.to_string())?;
    let mode = options.scenario.mode();
    if !Order::ALL.iter().all(|order| order.plays(options.scenario, mode)) {
        return Ok(None);
    }
    let seeds = usize::try_from(options.seeds).unwrap_or(usize::MAX);
    let drills = seeds.saturating_mul(Order::ALL.len());
    let next = AtomicUsize::new(0);
    let measured = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..options.threads.clamp(1, drills.max(1)) {
            scope.spawn(|| {
                let Ok(machine) = Machine::read(&options.machine).map(Rc::new) else { return };
                loop {
                    let drill = next.fetch_add(1, Ordering::Relaxed);
                    let Some(order) = Order::ALL.get(drill / seeds.max(1)).filter(|_| drill < drills) else { return };
                    let seed = (drill % seeds) as u64 + 1;
                    let played = play(&drill_options(options, &machine, *order, seed), |_| {});
                    if let Some(played) = played {
                        let mut all = measured.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                        all.insert(drill, Measured::of(&played));
                    }
                }
            });
        }
    });
    let measured = measured.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let of = |n: usize| measured.range(n * seeds..(n + 1) * seeds).map(|(_, m)| m).collect::<Vec<_>>();
    let orders = Order::ALL.iter().enumerate().map(|(n, order)| compared(*order, &of(n)));
    Ok(Some(Comparison {
        scenario: options.scenario.name().to_owned(),
        plan: options.plan.name.to_string(),
        seeds: options.seeds,
        objective_rto_s: options.plan.objectives.rto.as_seconds(),
        orders: orders.collect(),
    }))
}

fn drill_options(options: &CompareOptions, machine: &Rc<Machine>, order: Order, seed: u64) -> DrillOptions {
    let direction = options.direction.clone();
    let drill = DrillOptions::of(options.scenario, options.plan.clone(), Rc::clone(machine), seed);
    DrillOptions { order, direction, ..drill }
}

fn compared(order: Order, drills: &[&Measured]) -> Compared {
    let count = |is: fn(&Measured) -> bool| drills.iter().filter(|m| is(m)).count() as u64;
    let mut violations = BTreeMap::new();
    for id in drills.iter().flat_map(|m| &m.violated) {
        *violations.entry(id.clone()).or_default() += 1;
    }
    Compared {
        order: order.name().to_owned(),
        about: order.about().to_owned(),
        rto_s: Spread::of(drills.iter().map(|m| m.rto_s)),
        rto_from_start_s: Spread::of(drills.iter().map(|m| m.rto_from_start_s)),
        requests_failed: Spread::of(drills.iter().map(|m| Some(m.requests_failed as f64))),
        writes_lost: Spread::of(drills.iter().map(|m| Some(m.writes_lost as f64))),
        drills_with_conflicts: count(|m| m.writes_conflicting > 0),
        drills_never_served: count(|m| m.rto_s.is_none()),
        drills_with_violations: count(|m| !m.violated.is_empty()),
        violations,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_drills_and_what_never_ended_is_larger_than_any() {
        let hundred = Spread::of((1..=100).map(|n| Some(f64::from(n))));
        assert_eq!((hundred.median, hundred.p95), (Some(50.0), Some(95.0)));
        let ten_never = Spread::of((1..=100).map(|n| (n > 10).then_some(f64::from(n))));
        assert_eq!((ten_never.median, ten_never.p95), (Some(60.0), None));
        assert_eq!(Spread::of([]).median, None);
    }
}
