//! The picture's markup.

use lifeboat_model::report::Report;
use maud::{Markup, PreEscaped, html};

use lifeboat_report::figures::duration;
use lifeboat_report::picture::place::{self, Item, Tone};
use lifeboat_report::picture::rows::{MARGIN, Page, Shape, grid, lane, objective, px};
use lifeboat_report::picture::scale::Scale;

use super::lanes::{self, LANES};
use super::{Format, availability, scale};
use crate::story;

/// The height of the band of availability.
const BAND: f64 = 64.0;
/// The whole picture. With a style of its own it stands alone.
pub(super) fn picture(report: &Report, format: Format, style: Option<&str>) -> Markup {
    let page = Page::of(format);
    let right = page.width - MARGIN;
    let scale = scale(report, page.left, right);
    let mut y = MARGIN + 18.0;
    let top = y;
    let mut parts = Vec::new();
    let clients = clients(report, &page, &scale, &mut y);
    parts.push(lane(
        &page,
        "Phases",
        place::place(phases(report, &scale), page.left, scale.right),
        Shape::Bracket,
        &mut y,
    ));
    for (lane_id, name) in LANES {
        let items = lanes::items(report, lane_id, &scale);
        if !items.is_empty() {
            parts.push(lane(&page, name, place::place(items, page.left, scale.right), Shape::Bar, &mut y));
        }
    }
    let height = y + 22.0 + MARGIN;
    html! {
        svg.lb xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (page.width) " " (px(height)) }
            width=[style.map(|_| page.width)] height=[style.map(|_| px(height))] role="img" aria-label=(about(report)) {
            @if let Some(style) = style {
                style { (PreEscaped(style)) }
                rect.frame x="0.5" y="0.5" width=(page.width - 1.0) height=(px(height - 1.0)) rx="8" {}
            }
            (grid(&scale, top, y))
            (clients)
            (objective(report.objectives.rto_s, &scale, top, y, right))
            @for part in &parts { (part) }
        }
    }
}

fn about(report: &Report) -> String {
    format!("Timeline of the drill {}: {}", report.scenario, story::ending(report))
}

/// The band of availability.
fn clients(report: &Report, page: &Page, scale: &Scale, y: &mut f64) -> Markup {
    let heading = *y;
    *y += page.heading;
    let (top, bottom) = (*y, *y + BAND);
    *y = bottom + 10.0;
    let areas = availability::areas(report, scale, top, bottom);
    let name_y = if page.heading > 0.0 { heading + 12.0 } else { top + 12.0 };
    html! {
        text.name x=(px(page.names)) y=(px(name_y)) { "Clients" }
        @if page.heading > 0.0 {
            text.faint x=(px(page.names + 56.0)) y=(px(name_y)) { "share of requests served" }
        } @else {
            text.faint x=(px(page.names)) y=(px(top + 28.0)) { "share of" }
            text.faint x=(px(page.names)) y=(px(top + 42.0)) { "requests" }
            text.faint x=(px(page.names)) y=(px(top + 56.0)) { "served" }
        }
        rect.band x=(px(scale.left)) y=(px(top)) width=(px(scale.right - scale.left)) height=(px(BAND)) {}
        path.served d=(areas.served) {}
        path.failed d=(areas.failed) {}
    }
}

/// The brackets over the lanes: the recovery as clients saw it, and its phases.
fn phases(report: &Report, scale: &Scale) -> Vec<Item> {
    let bracket = |from_s: f64, took_s: f64, label: String, tone| Item {
        from: scale.x(from_s),
        until: scale.x(from_s + took_s),
        is_moment: false,
        full: label.clone(),
        label,
        tone,
    };
    let mut items = Vec::new();
    if let Some(from_s) = story::failing_from_s(report) {
        let rest_s = report.availability.len() as f64 - from_s;
        items.push(match report.rto_s {
            Some(rto_s) => bracket(from_s, rto_s, format!("recovery {}", duration(rto_s)), Tone::Bad),
            None => bracket(from_s, rest_s, "clients are not all served again".to_owned(), Tone::Bad),
        });
    }
    for phase in story::phases(report) {
        if let (Some(from_s), Some(took_s)) = (phase.from_s, phase.took_s) {
            items.push(bracket(from_s, took_s, format!("{} {}", phase.name, duration(took_s)), Tone::Calm));
        }
    }
    items
}
