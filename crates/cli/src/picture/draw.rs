//! The picture's markup.

use lifeboat_model::report::Report;
use maud::{Markup, PreEscaped, html};

use super::Format;
use super::availability;
use super::lanes::{self, LANES};
use super::place::{self, Item, LabelAt, Placed, Rows, TICK, Tone, text_width};
use super::scale::{Objective, Scale};
use crate::figures::{clock, duration};
use crate::story;

/// The height of a row of a lane.
const ROW: f64 = 20.0;
/// The height of a bar.
const BAR: f64 = 16.0;
/// The height of the band of availability.
const BAND: f64 = 64.0;
/// The margin around everything.
const MARGIN: f64 = 14.0;

/// The measures of a format.
struct Page {
    width: f64,
    /// Where lane names begin.
    names: f64,
    /// Where time begins.
    left: f64,
    /// What a lane's name takes above its rows.
    heading: f64,
}

impl Page {
    fn of(format: Format) -> Self {
        match format {
            Format::Wide => Self { width: 1120.0, names: MARGIN, left: 104.0, heading: 0.0 },
            Format::Narrow => Self { width: 600.0, names: MARGIN, left: MARGIN, heading: 18.0 },
        }
    }
}

/// A coordinate, to the tenth of a pixel.
fn px(value: f64) -> String {
    format!("{value:.1}")
}

/// The whole picture. With a style of its own it stands alone.
pub(super) fn picture(report: &Report, format: Format, style: Option<&str>) -> Markup {
    let page = Page::of(format);
    let right = page.width - MARGIN;
    let scale = Scale::of(report, page.left, right);
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
            (objective(report, &scale, top, y, right))
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

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Bar,
    Bracket,
}

fn lane(page: &Page, name: &str, lane: Rows, shape: Shape, y: &mut f64) -> Markup {
    let Rows { placed, rows, left_out } = lane;
    if rows == 0 {
        return html! {};
    }
    let top = *y;
    let first_row = top + page.heading + 4.0;
    *y = first_row + rows as f64 * ROW + 4.0;
    html! {
        line.grid x1=(px(page.names)) x2=(px(page.width - MARGIN)) y1=(px(top)) y2=(px(top)) {}
        text.name x=(px(page.names)) y=(px(top + if page.heading > 0.0 { 15.0 } else { 18.0 })) { (name) }
        @if left_out > 0 {
            @let (x, y) = if page.heading > 0.0 { (page.names + 90.0, top + 15.0) } else { (page.names, top + 34.0) };
            text.faint x=(px(x)) y=(px(y)) { (left_out) " more below" }
        }
        @for placed in &placed {
            (shape_of(placed, shape, first_row + placed.row as f64 * ROW))
            (label_of(placed, shape, first_row + placed.row as f64 * ROW))
        }
    }
}

fn shape_of(placed: &Placed, shape: Shape, y: f64) -> Markup {
    let Item { from, until, .. } = placed.item;
    let class = placed.item.tone.class();
    let middle = y + ROW / 2.0;
    match (shape, placed.item.is_moment) {
        (Shape::Bracket, _) => {
            // Below a label that stands within it, else level with the one beside it.
            let line = if matches!(placed.label_at, LabelAt::Inside(_)) { y + 17.0 } else { y + 13.0 };
            let end = line - 6.0;
            let d = format!("M{from:.1} {end:.1}V{line:.1}H{until:.1}V{end:.1}");
            html! { path class={ "bracket " (class) } d=(d) { title { (placed.item.full) } } }
        }
        (Shape::Bar, true) => {
            let d = format!("M{from:.1} {:.1}l{TICK} {TICK}l-{TICK} {TICK}l-{TICK} -{TICK}z", middle - TICK);
            html! { path class={ "tick " (class) } d=(d) { title { (placed.item.full) } } }
        }
        (Shape::Bar, false) => {
            let width = (until - from).max(2.0);
            html! {
                rect class={ "bar " (class) } x=(px(from)) y=(px(y + (ROW - BAR) / 2.0)) width=(px(width)) height=(px(BAR))
                    rx="2" { title { (placed.item.full) } }
            }
        }
    }
}

fn label_of(placed: &Placed, shape: Shape, y: f64) -> Markup {
    let y = px(y + if shape == Shape::Bracket { 12.0 } else { 14.3 });
    let text = &placed.item.label;
    let class = if shape == Shape::Bracket { placed.item.tone.class() } else { "" };
    match placed.label_at {
        LabelAt::Inside(_) if shape == Shape::Bracket => {
            let middle = px((placed.item.from + placed.item.until) / 2.0);
            html! { text class=(class) x=(middle) y=(y) text-anchor="middle" { (text) } }
        }
        LabelAt::Inside(x) => html! { text class=(class) x=(px(x)) y=(y) { (text) } },
        LabelAt::Right(x) => html! { text class={ "beside " (class) } x=(px(x)) y=(y) { (text) } },
        LabelAt::Left(x) => html! { text class={ "beside " (class) } x=(px(x)) y=(y) text-anchor="end" { (text) } },
        LabelAt::Nowhere => html! {},
    }
}

/// The axis at the bottom, and a faint line at each of its marks.
fn grid(scale: &Scale, top: f64, bottom: f64) -> Markup {
    html! {
        line.axis x1=(px(scale.left)) x2=(px(scale.right)) y1=(px(bottom)) y2=(px(bottom)) {}
        @for at_s in scale.ticks() {
            @let x = scale.x(at_s);
            line.grid x1=(px(x)) x2=(px(x)) y1=(px(top)) y2=(px(bottom)) {}
            @let label = clock(at_s - scale.origin_s);
            @let half = text_width(&label) / 2.0;
            text.faint x=(px(x.clamp(half, scale.right - half))) y=(px(bottom + 16.0)) text-anchor="middle" { (label) }
        }
    }
}

/// The recovery time objective; behind a break of the axis when it is far beyond the end.
fn objective(report: &Report, scale: &Scale, top: f64, bottom: f64, right: f64) -> Markup {
    let label = format!("RTO objective {}", duration(report.objectives.rto_s));
    let x = match scale.objective {
        Objective::None => return html! {},
        Objective::At(x) | Objective::BehindBreak(x) => x,
    };
    let broken = matches!(scale.objective, Objective::BehindBreak(_));
    let half = text_width(&label) / 2.0;
    let label_x = x.clamp(scale.left + half, (right - half).max(scale.left + half));
    let zigzag =
        format!("M{:.1} {bottom:.1}h14l4 -5l6 10l6 -10l4 5H{right:.1}M{:.1} {:.1}h0", scale.right, scale.right, bottom);
    html! {
        @if broken { path.axis d=(zigzag) {} }
        line.objective x1=(px(x)) x2=(px(x)) y1=(px(top - 4.0)) y2=(px(bottom)) {}
        text.objective-name x=(px(label_x)) y=(px(top - 8.0)) text-anchor="middle" { (label) }
    }
}
