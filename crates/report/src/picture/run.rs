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

/// A call, from its intent until the journal says that what it began is there; one that was accepted and never seen to
/// end lasts until the run's end, like one whose fate nobody knows.
fn bar(report: &RunReport, call: &CallMade, scale: &Scale) -> Item {
    let answered_s = call.took_s.map_or(report.run_s, |took_s| call.at_s + took_s);
    let (until_s, tone) = match call.effect {
        Effect::Accepted => match work(report, call) {
            Work::Done(at_s) => (at_s, Tone::Good),
            Work::IsTheCall => (answered_s, Tone::Good),
            Work::NotSeenDone => (report.run_s.max(answered_s), Tone::Calm),
        },
        Effect::None => (answered_s, Tone::Calm),
        Effect::Unknown => (report.run_s.max(answered_s), Tone::Bad),
    };
    let operation = call.call.as_ref().map_or("a call", |c| c.operation.as_str());
    let of_it = call.request_id.as_deref().or(call.error.as_deref()).unwrap_or_default();
    Item {
        from: scale.x(call.at_s),
        until: scale.x(until_s),
        is_moment: false,
        label: shortened(&call.resource, LABEL_MAX),
        full: format!("{}: {operation}, attempt {}: {of_it}", call.resource, call.attempt),
        tone,
    }
}

/// The work that an accepted call began.
enum Work {
    /// It was seen done at this second: its resource ready, or for databases every writer verified.
    Done(f64),
    /// There is none beside the call.
    IsTheCall,
    /// The journal never says that it was done.
    NotSeenDone,
}

fn work(report: &RunReport, call: &CallMade) -> Work {
    let is_mine = |step: Step, resource: &str| step == call.step && resource == call.resource;
    let next = report.calls.iter().find(|c| is_mine(c.step, &c.resource) && c.attempt > call.attempt);
    let next_s = next.map_or(f64::INFINITY, |c| c.at_s);
    let mut later = report.timeline.iter().filter(|l| l.at_s > call.at_s && l.at_s < next_s);
    // Before the next call, the last word about a resource is that it is ready, or what came of this call.
    let answer_at = call.took_s.map(|took_s| call.at_s + took_s);
    let mut ready = later.clone().filter(|l| is_mine(l.step, &l.resource)).map(|l| l.at_s);
    let ready = ready.next_back().filter(|at_s| answer_at.is_none_or(|answered| *at_s > answered + 0.001));
    match call.step {
        Step::PromoteDatabase => match later.find(|l| l.step == Step::VerifyWriters) {
            Some(verified) => Work::Done(verified.at_s),
            None if next.is_some() => Work::IsTheCall,
            None => Work::NotSeenDone,
        },
        Step::PromoteCache | Step::PromoteBroker => match ready {
            Some(at_s) => Work::Done(at_s),
            None if next.is_some() => Work::IsTheCall,
            None => Work::NotSeenDone,
        },
        // Raising a minimum or letting go of it is over with the call.
        Step::ScaleCompute | Step::CheckTable => ready.map_or(Work::IsTheCall, Work::Done),
        Step::StartRun
        | Step::Admit
        | Step::Assess
        | Step::RequestApproval
        | Step::IsolateSource
        | Step::VerifyWriters
        | Step::ShiftTraffic
        | Step::VerifyTraffic
        | Step::Conclude => Work::IsTheCall,
    }
}
