//! Virtual time to the x axis.

use lifeboat_model::report::Report;

use crate::story;

/// What is shown of the quiet before the first thing that happens.
const BEFORE_S: f64 = 30.0;
/// An objective at most this much beyond the end is reached by a longer axis; a later one by a break in it.
const STRETCH: f64 = 1.15;
/// The part of the picture behind the break, in pixels.
const TAIL: f64 = 84.0;

/// Where the recovery time objective stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Objective {
    /// No request failed.
    None,
    /// On the axis.
    At(f64),
    /// Beyond the end: the axis is broken before it.
    BehindBreak(f64),
}

/// The axis.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    pub(super) from_s: f64,
    pub(super) until_s: f64,
    pub(super) left: f64,
    pub(super) right: f64,
    /// Labels count from this moment.
    pub(super) origin_s: f64,
    pub(super) objective: Objective,
}

impl Scale {
    /// The axis of `report` between `left` and `right`.
    pub(super) fn of(report: &Report, left: f64, right: f64) -> Self {
        let origin_s = story::incident_s(report);
        let first_s = report.timeline.first().map_or(0.0, |e| e.at_s.min(origin_s));
        let from_s = (first_s - BEFORE_S).max(0.0);
        let last = report.timeline.iter().map(|e| e.until_s.unwrap_or(e.at_s)).fold(0.0, f64::max);
        let end_s = last.max(report.availability.len() as f64).max(from_s + 10.0);
        let mut scale = Self { from_s, until_s: end_s, left, right, origin_s, objective: Objective::None };
        let Some(failing_s) = story::failing_from_s(report) else { return scale };
        let objective_s = failing_s + report.objectives.rto_s;
        if objective_s <= from_s + (end_s - from_s) * STRETCH {
            scale.until_s = end_s.max(objective_s + (end_s - from_s) * 0.02);
            scale.objective = Objective::At(scale.x(objective_s));
        } else {
            scale.right -= TAIL;
            scale.objective = Objective::BehindBreak(scale.right + TAIL * 0.75);
        }
        scale
    }

    /// The place of a moment, within the picture.
    pub(super) fn x(&self, at_s: f64) -> f64 {
        let share = (at_s - self.from_s) / (self.until_s - self.from_s);
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Round moments, far enough apart for their labels.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let apart = |step: &f64| step / (self.until_s - self.from_s) * (self.right - self.left) >= 62.0;
        let steps = [5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0];
        let step = steps.into_iter().find(apart).unwrap_or(14_400.0);
        let first = ((self.from_s - self.origin_s) / step).ceil() as i64;
        let last = ((self.until_s - self.origin_s) / step).floor() as i64;
        (first..=last).map(|n| self.origin_s + n as f64 * step).collect()
    }
}
