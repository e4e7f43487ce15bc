//! A drill: a scenario played in a world, and its report.

use std::rc::Rc;

use lifeboat_model::report::{Objectives, Outcome, Report, RunSummary};
use lifeboat_model::request::Mode;
use lifeboat_model::{Direction, Plan, Timestamp};

use crate::explore::Choices;
use crate::machine::Machine;
use crate::measure::{damaged_writes, main_run, phases, rpo_s, rto_s};
use crate::orders::Order;
use crate::scenario::{Expected, Scenario};
use crate::world::clients::CLIENTS;
use crate::world::{BEGINNING, Happening, RunRecord, StartedBy, Tempo, World};

/// What to drill.
#[derive(Clone, Debug)]
pub struct DrillOptions {
    /// The plan.
    pub plan: Plan,
    /// The shipped state machine.
    pub machine: Rc<Machine>,
    /// What happens.
    pub scenario: Scenario,
    /// How the workload is moved.
    pub mode: Mode,
    /// Who moves it, and in which order.
    pub order: Order,
    /// From where to where.
    pub direction: Direction,
    /// Every chance is drawn from it.
    pub seed: u64,
    /// How many clients make requests; [`CLIENTS`] unless told otherwise.
    pub clients: u16,
    /// How fast the services work.
    pub tempo: Tempo,
    /// What goes wrong at which call.
    pub choices: Choices,
}

impl DrillOptions {
    /// The drill of `scenario` in its own mode and by our order, with the plan's first Region serving unless the scenario
    /// begins away from home, and nothing chosen to go wrong.
    pub fn of(scenario: Scenario, plan: Plan, machine: Rc<Machine>, seed: u64) -> Self {
        let [first, second] = plan.regions.clone();
        let direction = match scenario.begins_away_from_home() {
            true => Direction { source: second, target: first },
            false => Direction { source: first, target: second },
        };
        let (mode, order) = (scenario.mode(), Order::Lifeboat);
        let (tempo, choices) = (Tempo::Real, Choices::default());
        Self { plan, machine, scenario, mode, order, direction, seed, clients: CLIENTS, tempo, choices }
    }
}

/// A drill that was played, and the world it left.
pub struct Played {
    /// The report.
    pub report: Report,
    /// The world, at rest.
    pub world: World,
}

/// Plays the drill; `listener` hears of everything as it happens. `None` when the scenario has no
/// such mode, or the order is not played in it.
pub fn drill(options: &DrillOptions, listener: impl FnMut(Timestamp, &Happening) + 'static) -> Option<Report> {
    play(options, |world| world.listen(listener)).map(|played| played.report)
}

/// Plays the drill in a world that `prepare` may change first: faults, settings, tasks of its own.
pub fn play(options: &DrillOptions, prepare: impl FnOnce(&World)) -> Option<Played> {
    let expected =
        options.scenario.expected(options.mode).filter(|_| options.order.plays(options.scenario, options.mode))?;
    let world = world_of(options);
    prepare(&world);
    world.executor().run(options.scenario.play(world.clone(), options.mode));
    let report = report(&world, options, expected);
    world.executor().shut_down();
    Some(Played { report, world })
}

/// The world in which `options` are played, before anything happens in it.
pub(crate) fn world_of(options: &DrillOptions) -> World {
    let plan = options.scenario.adapt(options.plan.clone(), options.mode);
    let world = World::new(plan, options.direction.clone(), Rc::clone(&options.machine), options.seed);
    world.follow(options.order);
    world.set_tempo(options.tempo);
    world.state_mut().clients.keep(usize::from(options.clients));
    if options.choices.count() > 0 {
        world.explore(options.choices.clone());
    }
    world
}

fn report(world: &World, options: &DrillOptions, expected: Expected) -> Report {
    let run = main_run(world);
    let outcome = run.as_ref().and_then(RunRecord::outcome);
    let phases = phases(world, run.as_ref());
    let damaged_writes = damaged_writes(world);
    let conflicting = damaged_writes.iter().filter(|w| w.damage == "conflicting").count() as u64;
    let lost = damaged_writes.len() as u64 - conflicting;
    let (expected, complaints) = match options.order {
        Order::Lifeboat => (expectation(expected), complaints(world, outcome, expected, lost, conflicting)),
        Order::GuidanceSample | Order::Sequential => played_to_the_end(world),
    };
    let state = world.state();
    let mut timeline = state.log.events.clone();
    timeline.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    Report {
        version: 1,
        scenario: options.scenario.name().to_owned(),
        order: options.order.name().to_owned(),
        seed: options.seed,
        plan: options.plan.name.to_string(),
        source: options.direction.source.to_string(),
        target: options.direction.target.to_string(),
        mode: options.mode.as_str().to_owned(),
        outcome,
        expected,
        passed: complaints.is_empty(),
        complaints,
        began_at: BEGINNING.to_string(),
        outage_at_s: phases.outage_at.map(|at| world.seconds(at)),
        routing_changed_at_s: phases.routing_changed_at.map(|at| world.seconds(at)),
        detection_s: phases.detection_s,
        decision_s: phases.decision_s,
        promotion_s: phases.promotion_s,
        propagation_s: phases.propagation_s,
        rto_s: rto_s(world),
        rpo_s: rpo_s(world),
        run_s: round(phases.run_s),
        critical_path_s: round(phases.critical_path_s),
        overhead_s: round(phases.run_s - phases.critical_path_s),
        objectives: Objectives {
            rto_s: options.plan.objectives.rto.as_seconds(),
            rpo_s: options.plan.objectives.rpo.as_seconds(),
        },
        requests_total: state.clients.total,
        requests_failed: state.clients.failed,
        writes_acknowledged: state.aurora.databases.values().map(|db| db.writes.len() as u64).sum(),
        writes_lost: lost,
        cache_writes_lost: state.caches.writes_lost(),
        writes_conflicting: conflicting,
        damaged_writes,
        invariants: state.invariants.results(),
        runs: state.runs.iter().map(|r| summary(world, r)).collect(),
        run_report: run.and_then(|run| lifeboat_report::of(&state.plan, &state.table.journal_of(&run.execution.id))),
        timeline,
        availability: state.clients.seconds.clone(),
    }
}

/// To the millisecond, the grain of the world's clock.
fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn expectation(expected: Expected) -> String {
    let moved = match expected.traffic_moved {
        Some(true) => ", traffic moved",
        Some(false) => ", traffic where it was",
        None => "",
    };
    let lossless = if expected.loses_nothing { ", no write lost" } else { "" };
    let refused = if expected.refused > 0 { format!(", {} refused", expected.refused) } else { String::new() };
    let runs = if expected.runs == 1 { "one run".to_owned() } else { format!("{} runs", expected.runs) };
    format!("{}, {runs}{refused}{moved}{lossless}", expected.outcome.as_str())
}

/// Of another order than ours nothing is expected but that it was played: what it breaks is what is measured.
fn played_to_the_end(world: &World) -> (String, Vec<String>) {
    let state = world.state();
    let ended = !state.runs.is_empty() && state.runs.iter().all(|r| r.ended.is_some());
    let complaints = if ended { Vec::new() } else { vec!["it never began or never ended".to_owned()] };
    ("played to its end, whatever that is".to_owned(), complaints)
}

fn complaints(world: &World, outcome: Option<Outcome>, expected: Expected, lost: u64, conflicting: u64) -> Vec<String> {
    let state = world.state();
    let mut complaints = Vec::new();
    let mut complain = |wrong: bool, what: String| {
        if wrong {
            complaints.push(what);
        }
    };
    complain(
        outcome != Some(expected.outcome),
        format!("the outcome is {}, not {}", outcome.map_or("none", Outcome::as_str), expected.outcome.as_str()),
    );
    complain(state.runs.len() != expected.runs, format!("{} executions, not {}", state.runs.len(), expected.runs));
    let refused = state.runs.iter().filter(|r| r.outcome() == Some(Outcome::Unchanged)).count();
    let refused = if expected.outcome == Outcome::Unchanged { refused.saturating_sub(1) } else { refused };
    complain(refused != expected.refused, format!("{refused} executions were refused, not {}", expected.refused));
    let moved = !state.traffic.changes.is_empty();
    complain(expected.traffic_moved.is_some_and(|e| e != moved), format!("traffic moved: {moved}"));
    complain(expected.loses_nothing && lost > 0, format!("{lost} writes were lost"));
    complain(conflicting > 0, format!("{conflicting} writes conflict"));
    let violations = state.invariants.violations();
    complain(violations > 0, format!("{violations} checks of invariants failed"));
    let served = state.clients.all_served();
    complain(expected.outcome == Outcome::Completed && !served, "some clients are still not served".to_owned());
    complaints
}

fn summary(world: &World, run: &RunRecord) -> RunSummary {
    let error = run.ended.as_ref().and_then(|(_, ended)| ended.result.as_ref().err());
    RunSummary {
        name: run.execution.name.clone(),
        region: run.region.to_string(),
        started_by: match run.started_by {
            StartedBy::Alarm => "alarm".to_owned(),
            StartedBy::Operator => "operator".to_owned(),
        },
        outcome: run.outcome(),
        error: error.map(|e| e.error.clone()),
        cause: error.map(|e| e.cause.clone()),
        started_s: world.seconds(run.execution.started_at),
        ended_s: run.ended.as_ref().map(|(at, _)| world.seconds(*at)),
        transitions: run.ended.as_ref().map_or(0, |(_, ended)| ended.transitions),
        history_events: run.ended.as_ref().map_or(0, |(_, ended)| ended.history_events),
    }
}
