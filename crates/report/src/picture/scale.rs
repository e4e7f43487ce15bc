//! Time to the x axis.

/// An objective at most this much beyond the end is reached by a longer axis; a later one by a break in it.
const STRETCH: f64 = 1.15;
/// The part of the picture behind the break, in pixels.
const TAIL: f64 = 84.0;

/// Where the recovery time objective stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Objective {
    /// There is none to show.
    None,
    /// On the axis.
    At(f64),
    /// Beyond the end: the axis is broken before it.
    BehindBreak(f64),
}

/// The axis.
#[derive(Clone, Debug)]
pub struct Scale {
    /// The first moment shown, in seconds.
    pub from_s: f64,
    /// The last, in seconds.
    pub until_s: f64,
    /// Where the first moment stands, in pixels.
    pub left: f64,
    /// Where the last stands, in pixels.
    pub right: f64,
    /// Labels count from this moment.
    pub origin_s: f64,
    /// Where the objective stands.
    pub objective: Objective,
}

impl Scale {
    /// The axis from `from_s` to `end_s` between `left` and `right`, labelled from `origin_s`, with the objective that
    /// falls due at `objective_s`.
    pub fn new(
        (from_s, end_s): (f64, f64),
        origin_s: f64,
        objective_s: Option<f64>,
        (left, right): (f64, f64),
    ) -> Self {
        let mut scale = Self { from_s, until_s: end_s, left, right, origin_s, objective: Objective::None };
        let Some(objective_s) = objective_s else { return scale };
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
    pub fn x(&self, at_s: f64) -> f64 {
        let share = (at_s - self.from_s) / (self.until_s - self.from_s);
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Round moments, far enough apart for their labels.
    pub fn ticks(&self) -> Vec<f64> {
        let apart = |step: &f64| step / (self.until_s - self.from_s) * (self.right - self.left) >= 62.0;
        let steps = [5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0];
        let step = steps.into_iter().find(apart).unwrap_or(14_400.0);
        let first = ((self.from_s - self.origin_s) / step).ceil() as i64;
        let last = ((self.until_s - self.origin_s) / step).floor() as i64;
        (first..=last).map(|n| self.origin_s + n as f64 * step).collect()
    }
}
