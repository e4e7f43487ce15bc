//! The picture of a run: a lane per step, from the report's calls and timeline.

use lifeboat_model::journal::Effect;
use lifeboat_model::limits::Step;
use lifeboat_model::report::{CallMade, Line, RtoFrom, RunReport};
use maud::{Markup, html};

use super::Format;
use super::place::{self, Item, Tone};
use super::rows::{MARGIN, Page, Shape, grid, lane, objective, px};
use super::scale::Scale;
use crate::text::shortened;

/// Where time begins in the wide format: the steps' names are longer than those of a drill's lanes.
const WIDE_LEFT: f64 = 160.0;
/// A label is no longer, in characters.
const LABEL_MAX: usize = 44;

/// The picture within a page that has [`super::STYLE`].
pub fn inline(report: &RunReport, format: Format) -> Markup {
    let page = match format {
        Format::Wide => Page { left: WIDE_LEFT, ..Page::of(format) },
        Format::Narrow => Page::of(format),
    };
    let right = page.width - MARGIN;
    let scale = axis(report, page.left, right);
    let top = MARGIN + 18.0;
    let mut y = top;
    let mut lanes = Vec::new();
    for step in Step::ALL {
        let items = items(report, step, &scale);
        if !items.is_empty() {
            let placed = place::place(items, page.left, scale.right);
            lanes.push(lane(&page, step.as_str(), placed, Shape::Bar, &mut y));
        }
    }
    let height = y + 22.0 + MARGIN;
    html! {
        svg.lb xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (page.width) " " (px(height)) } role="img"
            aria-label={ "Timeline of the run: " (report.outcome.as_str()) } {
            (grid(&scale, top, y))
            (objective(report.objectives.rto_s, &scale, top, y, right))
            @for lane in &lanes { (lane) }
        }
    }
}

/// From the source's first failure, if that is what recovery counts from, to the run's end.
fn axis(report: &RunReport, left: f64, right: f64) -> Scale {
    let measured_from_s = match report.measured.rto_from {
        Some(RtoFrom::Impairment) => {
            report.predicted.as_ref().and_then(|p| p.impaired_since).map(|since| since.seconds_since(report.began_at))
        }
        Some(RtoFrom::Run) => Some(0.0),
        None => None,
    };
    let from_s = measured_from_s.unwrap_or(0.0).min(0.0);
    let last_s = report.timeline.iter().map(|l| l.at_s).fold(report.run_s, f64::max);
    let objective_s = measured_from_s.map(|from_s| from_s + report.objectives.rto_s);
    Scale::new((from_s, last_s.max(from_s + 10.0)), 0.0, objective_s, (left, right))
}

/// What `step` did: its calls as bars; what it wrote about a resource for which it called nothing, as ticks.
fn items(report: &RunReport, step: Step, scale: &Scale) -> Vec<Item> {
    let calls: Vec<&CallMade> = report.calls.iter().filter(|c| c.step == step).collect();
    let is_shown = |line: &&Line| line.step == step && calls.iter().all(|c| c.resource != line.resource);
    let lines = report.timeline.iter().filter(is_shown);
    let moment = |line: &Line| {
        let full = format!("{}: {}", line.resource, line.text);
        Item {
            from: scale.x(line.at_s),
            until: scale.x(line.at_s),
            is_moment: true,
            label: shortened(&full, LABEL_MAX),
            full,
            tone: if is_good(step) { Tone::Good } else { Tone::Calm },
        }
    };
    calls.iter().map(|call| bar(report, call, scale)).chain(lines.map(moment)).collect()
}

const fn is_good(step: Step) -> bool {
    match step {
        Step::VerifyWriters | Step::VerifyTraffic => true,
        Step::StartRun
        | Step::Admit
        | Step::Assess
        | Step::RequestApproval
        | Step::IsolateSource
        | Step::ScaleCompute
        | Step::PromoteDatabase
        | Step::PromoteCache
        | Step::PromoteBroker
        | Step::CheckTable
        | Step::ShiftTraffic
        | Step::Conclude => false,
    }
}

/// A call, from its intent until the journal says that what it began is there: its resource seen ready; for databases,
/// every writer verified; or until the same step calls again. Else until what came of the call.
fn bar(report: &RunReport, call: &CallMade, scale: &Scale) -> Item {
    let answered_s = call.took_s.map_or(report.run_s, |took_s| call.at_s + took_s);
    let until_s = match call.effect {
        Effect::Accepted => done_s(report, call).unwrap_or(answered_s),
        Effect::None => answered_s,
        Effect::Unknown => report.run_s.max(answered_s),
    };
    let operation = call.call.as_ref().map_or("a call", |c| c.operation.as_str());
    let of_it = call.request_id.as_deref().or(call.error.as_deref()).unwrap_or_default();
    Item {
        from: scale.x(call.at_s),
        until: scale.x(until_s),
        is_moment: false,
        label: shortened(&call.resource, LABEL_MAX),
        full: format!("{}: {operation}, attempt {}: {of_it}", call.resource, call.attempt),
        tone: match call.effect {
            Effect::Accepted => Tone::Good,
            Effect::None => Tone::Calm,
            Effect::Unknown => Tone::Bad,
        },
    }
}

fn done_s(report: &RunReport, call: &CallMade) -> Option<f64> {
    let mut later = report.timeline.iter().filter(|l| l.at_s > call.at_s);
    let is_next = |c: &&CallMade| (c.step, &c.resource) == (call.step, &call.resource) && c.attempt > call.attempt;
    let next_s = report.calls.iter().find(is_next).map_or(f64::INFINITY, |c| c.at_s);
    match call.step {
        Step::PromoteDatabase => later.find(|l| l.step == Step::VerifyWriters).map(|l| l.at_s.min(next_s)),
        // Before the next call, the last word about a resource is that it is ready, or what came of the call.
        Step::ScaleCompute | Step::PromoteCache | Step::PromoteBroker | Step::CheckTable => {
            let is_mine = |l: &&Line| l.step == call.step && l.resource == call.resource && l.at_s <= next_s;
            later.filter(is_mine).map(|l| l.at_s).next_back()
        }
        Step::StartRun
        | Step::Admit
        | Step::Assess
        | Step::RequestApproval
        | Step::IsolateSource
        | Step::VerifyWriters
        | Step::ShiftTraffic
        | Step::VerifyTraffic
        | Step::Conclude => None,
    }
}
