//! What services other than Aurora were asked to do, as it really went; and the minutes of their metrics.

use lifeboat_model::plan::Name;
use lifeboat_model::{Region, Timestamp};

/// Something that a service accepted to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The resource.
    pub resource: Name,
    /// The Region that it is done in, or for.
    pub target: Region,
    /// When the call was accepted.
    pub accepted_at: Timestamp,
    /// When it was done; `None` for what goes on, was overtaken or never ends.
    pub done_at: Option<Timestamp>,
}

impl Work {
    /// Work that begins now.
    pub(super) fn accepted(resource: &Name, target: &Region, now: Timestamp) -> Self {
        Self { resource: resource.clone(), target: target.clone(), accepted_at: now, done_at: None }
    }
}

/// Notes that the work on `resource` that was accepted then is done.
pub(super) fn finish(works: &mut [Work], resource: &Name, accepted: Timestamp, now: Timestamp) {
    for work in works.iter_mut().filter(|w| &w.resource == resource && w.accepted_at == accepted) {
        work.done_at = Some(now);
    }
}

const MINUTE_MS: i64 = 60_000;

/// The full minutes after `since`, up to `until`: when a metric has its values.
pub(super) fn minutes(since: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
    let first = (since.as_ms() / MINUTE_MS + 1) * MINUTE_MS;
    (first..=until.as_ms()).step_by(MINUTE_MS as usize).map(Timestamp::from_ms)
}

/// From 0 to 6, fixed by the minute itself: reading a metric must not draw from the world's chances.
pub(super) fn wobble(at: Timestamp) -> f64 {
    (at.as_ms() / MINUTE_MS).rem_euclid(7) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_has_a_value_each_full_minute() {
        let at = |ms| Timestamp::from_ms(ms);
        let seen: Vec<i64> = minutes(at(60_000), at(240_500)).map(|m| m.as_ms()).collect();
        assert_eq!(seen, [120_000, 180_000, 240_000]);
        assert_eq!(minutes(at(60_001), at(119_999)).count(), 0);
    }
}
