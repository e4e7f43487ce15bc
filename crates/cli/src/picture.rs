//! The picture of a drill: what clients saw, the phases, and every lane of the timeline over one axis of virtual time.
//!
//! Guarantees: made from the report alone, so it is the same for the same report. Labels neither overlap nor leave the
//! picture: their widths are estimated from above. Every text goes through maud, which escapes it.

mod availability;
mod draw;
mod lanes;

use lifeboat_model::report::Report;
use lifeboat_report::picture::scale::Scale;
use lifeboat_report::picture::{Format, STYLE, fixed};
use maud::Markup;

use crate::story;

/// The picture within a page that has [`STYLE`].
pub(crate) fn inline(report: &Report, format: Format) -> Markup {
    draw::picture(report, format, None)
}

/// The picture as a file of its own, on a ground of its own: it reads on white and on dark pages.
pub fn standalone(report: &Report) -> String {
    draw::picture(report, Format::Wide, Some(&fixed(STYLE))).into_string() + "\n"
}

/// What is shown of the quiet before the first thing that happens.
const BEFORE_S: f64 = 30.0;

/// The axis of `report` between `left` and `right`.
fn scale(report: &Report, left: f64, right: f64) -> Scale {
    let origin_s = story::incident_s(report);
    let first_s = report.timeline.first().map_or(0.0, |e| e.at_s.min(origin_s));
    let from_s = (first_s - BEFORE_S).max(0.0);
    let last = report.timeline.iter().map(|e| e.until_s.unwrap_or(e.at_s)).fold(0.0, f64::max);
    let end_s = last.max(report.availability.len() as f64).max(from_s + 10.0);
    let objective_s = story::failing_from_s(report).map(|failing_s| failing_s + report.objectives.rto_s);
    Scale::new((from_s, end_s), origin_s, objective_s, (left, right))
}
