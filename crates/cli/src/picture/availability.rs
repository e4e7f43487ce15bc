//! What clients saw: the share of requests that were served, as two areas that fill the band together.

use std::fmt::Write;

use lifeboat_model::report::Report;
use lifeboat_report::picture::scale::Scale;

/// The band's areas as SVG paths: served from the bottom up, failed from the top down.
pub(super) struct Areas {
    pub(super) served: String,
    pub(super) failed: String,
}

/// The areas between `top` and `bottom`. Seconds narrower than a pixel are shown together.
pub(super) fn areas(report: &Report, scale: &Scale, top: f64, bottom: f64) -> Areas {
    let (mut served, mut failed) = (String::new(), String::new());
    for (from_s, until_s, ok_share) in steps(report, scale) {
        let (x0, x1) = (scale.x(from_s), scale.x(until_s));
        let y = bottom - (bottom - top) * ok_share;
        if ok_share > 0.0 {
            let _ = write!(served, "M{x0:.1} {bottom:.1}V{y:.1}H{x1:.1}V{bottom:.1}z");
        }
        if ok_share < 1.0 {
            let _ = write!(failed, "M{x0:.1} {top:.1}V{y:.1}H{x1:.1}V{top:.1}z");
        }
    }
    Areas { served, failed }
}

/// Stretches of the same share: from, until, share served. Seconds without a request are left out.
fn steps(report: &Report, scale: &Scale) -> Vec<(f64, f64, f64)> {
    let seconds_per_step = ((scale.until_s - scale.from_s) / (scale.right - scale.left)).ceil().max(1.0) as usize;
    let first = scale.from_s.floor() as usize;
    let mut steps: Vec<(f64, f64, f64)> = Vec::new();
    let shown = report.availability.get(first..).unwrap_or_default();
    for (n, seconds) in shown.chunks(seconds_per_step).enumerate() {
        let ok: u32 = seconds.iter().map(|s| s.ok).sum();
        let all: u32 = ok + seconds.iter().map(|s| s.failed).sum::<u32>();
        if all == 0 {
            continue;
        }
        let from = (first + n * seconds_per_step) as f64;
        let (until, share) = (from + seconds.len() as f64, f64::from(ok) / f64::from(all));
        match steps.last_mut() {
            Some((_, end, same)) if *same == share && *end == from => *end = until,
            Some(_) | None => steps.push((from, until, share)),
        }
    }
    steps
}
