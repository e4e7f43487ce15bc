//! What a report says between its lines: when the trouble began, where the phases lie, which run was the main one.

use lifeboat_model::report::{Event, Lane, Outcome, Report, RunSummary};
use lifeboat_simulator::Order;

/// One of the four phases of a recovery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phase {
    /// Its name.
    pub(crate) name: &'static str,
    /// From what to what it goes.
    pub(crate) spans: &'static str,
    /// How long it took; absent when it did not happen.
    pub(crate) took_s: Option<f64>,
    /// When it began, where the report tells.
    pub(crate) from_s: Option<f64>,
}

/// The moment that times are counted from: the first thing that the drill or a person did, or that happened at all.
pub(crate) fn incident_s(report: &Report) -> f64 {
    let made = |e: &&Event| matches!(e.lane, Lane::World | Lane::Operator);
    let first = report.timeline.iter().find(made).or(report.timeline.first());
    first.map_or(0.0, |e| e.at_s)
}

/// The main run: the first that did more than refuse, or else the first. As the simulator measures.
pub(crate) fn main_run(report: &Report) -> Option<&RunSummary> {
    report.runs.iter().find(|r| r.outcome != Some(Outcome::Unchanged)).or(report.runs.first())
}

/// The first second in which a request failed.
pub(crate) fn failing_from_s(report: &Report) -> Option<f64> {
    report.availability.iter().position(|s| s.failed > 0).map(|second| second as f64)
}

/// The phases in their order.
pub(crate) fn phases(report: &Report) -> [Phase; 4] {
    let outage = report.outage_at_s;
    let alarm = outage.zip(report.detection_s).map(|(outage, took)| outage + took);
    let started = main_run(report).map(|r| r.started_s);
    let decision = match (alarm, started) {
        (Some(alarm), Some(started)) => Some(alarm.min(started)),
        (alarm, started) => alarm.or(started),
    };
    let promotion = decision.zip(report.decision_s).map(|(from, took)| from + took);
    let decided = match (report.promotion_s, alarm) {
        (Some(_), Some(_)) => "alarm to the first promotion call",
        (Some(_), None) => "start of the run to the first promotion call",
        (None, Some(_)) => "alarm to the end of the run: no promotion",
        (None, None) => "start of the run to its end: no promotion",
    };
    let promoted = match report.outcome {
        Some(Outcome::Completed) => "first promotion call to the last writer in place",
        Some(Outcome::Unchanged | Outcome::NeedsOperator | Outcome::Rehearsed) | None => {
            "first promotion call to the last writer, or the end"
        }
    };
    [
        Phase { name: "detection", spans: "outage to the alarm", took_s: report.detection_s, from_s: outage },
        Phase { name: "decision", spans: decided, took_s: report.decision_s, from_s: decision },
        Phase { name: "promotion", spans: promoted, took_s: report.promotion_s, from_s: promotion },
        Phase {
            name: "propagation",
            spans: "routing change to the last request at the source",
            took_s: report.propagation_s,
            from_s: report.routing_changed_at_s,
        },
    ]
}

/// Whether an objective was met, missed, or not at stake because nothing was recovered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Within the objective.
    Met,
    /// Beyond it.
    Missed,
    /// Not met so far: clients are still without service.
    NotYet,
    /// There was nothing to recover from.
    NotAtStake,
}

impl Verdict {
    /// The word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::NotYet => "not met",
            Self::NotAtStake => "not at stake",
        }
    }
}

/// How the recovery time stands against its objective.
pub(crate) fn rto_verdict(report: &Report) -> Verdict {
    match report.rto_s {
        Some(rto_s) if rto_s <= report.objectives.rto_s => Verdict::Met,
        Some(_) => Verdict::Missed,
        None if report.requests_failed == 0 => Verdict::NotAtStake,
        None => Verdict::NotYet,
    }
}

/// How the loss of data stands against its objective.
pub(crate) fn rpo_verdict(report: &Report) -> Verdict {
    if report.rpo_s <= report.objectives.rpo_s { Verdict::Met } else { Verdict::Missed }
}

/// The measured recovery time in words.
pub(crate) fn rto_text(report: &Report) -> String {
    let none = if report.requests_failed == 0 { "no outage" } else { "none yet" };
    lifeboat_report::figures::duration_or(report.rto_s, none)
}

/// How the drill ended, in a line: what became of the main run.
pub(crate) fn ending(report: &Report) -> String {
    let (from, to) = (&report.source, &report.target);
    if report.order != Order::Lifeboat.name() {
        let served = if report.rto_s.is_some() { "all clients are served" } else { "some clients are not served" };
        return format!("Order {} has been played, {from} to {to}: {served}", report.order);
    }
    match report.outcome {
        Some(Outcome::Completed) => format!("Completed: {to} serves, moved from {from} by {}", report.mode),
        Some(Outcome::Unchanged) => format!("Unchanged: the run refused; nothing was moved from {from}"),
        Some(Outcome::NeedsOperator) => format!("NeedsOperator: the {} to {to} stopped half-way", report.mode),
        Some(Outcome::Rehearsed) => format!("Rehearsed: every step to {to} was walked through, nothing was changed"),
        None => "No run was started".to_owned(),
    }
}

/// All checks of invariants, and how many did not hold.
pub(crate) fn checks(report: &Report) -> (u64, u64) {
    let sum = |of: fn(&lifeboat_model::report::InvariantResult) -> u64| report.invariants.values().map(of).sum();
    (sum(|r| r.checks), sum(|r| r.violations))
}

/// A lane in words.
pub(crate) const fn lane_name(lane: Lane) -> &'static str {
    match lane {
        Lane::World => "world",
        Lane::Detection => "detection",
        Lane::Run => "run",
        Lane::Capacity => "capacity",
        Lane::Databases => "databases",
        Lane::Traffic => "traffic",
        Lane::Operator => "operator",
    }
}

/// The number in an invariant's id, which the ids are sorted by.
pub(crate) fn number(id: &str) -> u32 {
    id.trim_start_matches('S').parse().unwrap_or(u32::MAX)
}
