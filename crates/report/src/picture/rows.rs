//! The parts of a picture: lanes of bars, ticks and brackets, the axis, the objective.

use maud::{Markup, html};

use super::Format;
use super::place::{Item, LabelAt, Placed, Rows, TICK, text_width};
use super::scale::{Objective, Scale};
use crate::figures::{clock, duration};

/// The height of a row of a lane.
const ROW: f64 = 20.0;
/// The height of a bar.
const BAR: f64 = 16.0;
/// The margin around everything.
pub const MARGIN: f64 = 14.0;

/// The measures of a format, in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The whole width.
    pub width: f64,
    /// Where lane names begin.
    pub names: f64,
    /// Where time begins.
    pub left: f64,
    /// What a lane's name takes above its rows.
    pub heading: f64,
}

impl Page {
    /// Those of `format`.
    pub fn of(format: Format) -> Self {
        match format {
            Format::Wide => Self { width: 1120.0, names: MARGIN, left: 104.0, heading: 0.0 },
            Format::Narrow => Self { width: 600.0, names: MARGIN, left: MARGIN, heading: 18.0 },
        }
    }
}

/// A coordinate, to the tenth of a pixel. In whole numbers: a page has thousands, and exact decimals are dear.
pub fn px(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    let sign = if tenths < 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
}

/// How a lane's items are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A filled bar, or a tick for a moment.
    Bar,
    /// A line below its label.
    Bracket,
}

/// A lane called `name`; `y` moves below it.
pub fn lane(page: &Page, name: &str, lane: Rows, shape: Shape, y: &mut f64) -> Markup {
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
pub fn grid(scale: &Scale, top: f64, bottom: f64) -> Markup {
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
pub fn objective(objective_s: f64, scale: &Scale, top: f64, bottom: f64, right: f64) -> Markup {
    let label = format!("RTO objective {}", duration(objective_s));
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
