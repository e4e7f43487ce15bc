//! The picture of a comparison: each order's recovery times as dots over one axis, its median and 95 % marked, and beside
//! them what it cost.
//!
//! Guarantees: made from the comparison alone: the same seeds give the same picture, to the byte.

use lifeboat_report::figures::{clock, duration, thousands};
use lifeboat_report::picture::place::text_width;
use lifeboat_report::picture::rows::{MARGIN, px};
use lifeboat_report::picture::scale::Scale;
use lifeboat_report::picture::{STYLE, fixed};
use lifeboat_simulator::{Compared, Comparison, Order, Spread};
use maud::{Markup, PreEscaped, html};

/// The whole width, that of a drill's picture.
const WIDTH: f64 = 1120.0;
/// Where time begins and ends; the figures stand behind it.
const LEFT: f64 = 150.0;
const RIGHT: f64 = 800.0;
/// Where the columns of figures end.
const FAILED_AT: f64 = 900.0;
const LOST_AT: f64 = 985.0;
const BROKEN_AT: f64 = 1106.0;
/// The height of an order's row, and of the hill of its drills within it.
const ROW: f64 = 92.0;
const HILL: f64 = 46.0;
/// Where the first row begins.
const TOP: f64 = 62.0;
/// How many columns a hill has at the most: one is not narrower than this many pixels.
const BIN: f64 = 4.0;
/// The rules that only this picture has.
const OWN_STYLE: &str = "\
.lb .hill { fill: var(--calm-tint); stroke: var(--calm); stroke-width: 1; stroke-linejoin: round; }
.lb .hill.good { fill: var(--good-tint); stroke: var(--good); }
.lb .mark { stroke: var(--ink); stroke-width: 2.5; }
.lb .mark.late { stroke-width: 1.5; stroke-dasharray: 3 3; }
";

/// The picture as a file of its own, on a ground of its own: it reads on white and on dark pages.
pub fn standalone(comparison: &Comparison) -> String {
    let longest_s = comparison.orders.iter().filter_map(|c| c.rto_s.all.last()).fold(60.0_f64, |a, b| a.max(*b));
    let scale = Scale::new((0.0, longest_s * 1.03), 0.0, None, (LEFT, RIGHT));
    let bottom = TOP + ROW * comparison.orders.len() as f64;
    let height = bottom + 40.0;
    let markup = html! {
        svg.lb xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (px(height)) } width=(WIDTH)
            height=(px(height)) role="img" aria-label=(about(comparison)) {
            style { (PreEscaped(fixed(&format!("{STYLE}{OWN_STYLE}")))) }
            rect.frame x="0.5" y="0.5" width=(WIDTH - 1.0) height=(px(height - 1.0)) rx="8" {}
            (headings(comparison))
            (axis(&scale, bottom))
            @for (compared, n) in comparison.orders.iter().zip(0_u8..) {
                (row(compared, comparison.seeds, &scale, TOP + ROW * f64::from(n)))
            }
        }
    };
    markup.into_string() + "\n"
}

fn about(comparison: &Comparison) -> String {
    let each = comparison.orders.iter().map(|c| format!("{} {}", c.order, time(c.rto_s.median)));
    format!("Recovery times in {}, medians: {}", comparison.scenario, each.collect::<Vec<_>>().join(", "))
}

fn time(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), duration)
}

fn headings(comparison: &Comparison) -> Markup {
    let title = format!("Recovery time, {} in {} seeds", comparison.scenario, thousands(comparison.seeds));
    let columns = [
        (FAILED_AT, "failed requests,", "median"),
        (LOST_AT, "lost writes,", "median"),
        (BROKEN_AT, "drills that broke", "an invariant"),
    ];
    html! {
        text.name x=(px(MARGIN)) y="26" { (title) }
        text.faint x=(px(LEFT)) y="46" { "from the first failed request until every client was served again" }
        @for (x, first, second) in columns {
            text.faint x=(px(x)) y="32" text-anchor="end" { (first) }
            text.faint x=(px(x)) y="46" text-anchor="end" { (second) }
        }
    }
}

fn axis(scale: &Scale, bottom: f64) -> Markup {
    html! {
        line.axis x1=(px(LEFT)) x2=(px(RIGHT)) y1=(px(bottom)) y2=(px(bottom)) {}
        @for at_s in scale.ticks() {
            @let x = scale.x(at_s);
            line.grid x1=(px(x)) x2=(px(x)) y1=(px(TOP - 4.0)) y2=(px(bottom)) {}
            @let label = clock(at_s).trim_start_matches('+').to_owned();
            @let half = text_width(&label) / 2.0;
            text.faint x=(px(x.min(RIGHT - half))) y=(px(bottom + 18.0)) text-anchor="middle" { (label) }
        }
    }
}

fn row(compared: &Compared, seeds: u64, scale: &Scale, top: f64) -> Markup {
    let ground = top + ROW - 24.0;
    let ours = compared.order == Order::Lifeboat.name();
    let figure = |spread: &Spread| spread.median.map_or_else(|| "-".to_owned(), |f| thousands(f as u64));
    let broken = format!("{} of {}", thousands(compared.drills_with_violations), thousands(seeds));
    let (median, p95) = (compared.rto_s.median, compared.rto_s.p95);
    html! {
        line.grid x1=(px(MARGIN)) x2=(px(WIDTH - MARGIN)) y1=(px(top)) y2=(px(top)) {}
        text.name x=(px(MARGIN)) y=(px(ground - 10.0)) { (compared.order) }
        path class=(if ours { "hill good" } else { "hill" }) d=(hill(&compared.rto_s, scale, ground)) {
            title { (compared.about) }
        }
        @if let Some(median) = median {
            @let x = scale.x(median);
            line.mark x1=(px(x)) x2=(px(x)) y1=(px(ground - HILL)) y2=(px(ground)) {}
            text.name x=(px(x)) y=(px(ground + 15.0)) text-anchor="end" { (duration(median)) }
        }
        @if let Some(p95) = p95 {
            @let x = scale.x(p95);
            line.mark.late x1=(px(x)) x2=(px(x)) y1=(px(ground - HILL)) y2=(px(ground)) {}
            text.faint x=(px(x + 4.0)) y=(px(ground + 15.0)) { "95 %: " (duration(p95)) }
        }
        @for (x, value) in [(FAILED_AT, figure(&compared.requests_failed)), (LOST_AT, figure(&compared.writes_lost)), (BROKEN_AT, broken)] {
            text x=(px(x)) y=(px(ground - 10.0)) text-anchor="end" { (value) }
        }
        @if compared.drills_never_served > 0 {
            text.bad x=(px(MARGIN)) y=(px(ground + 8.0)) { "never served: " (compared.drills_never_served) }
        }
    }
}

/// How many drills recovered when, as a line of steps over `ground`, the highest as high as every other order's highest.
fn hill(spread: &Spread, scale: &Scale, ground: f64) -> String {
    let bins = ((RIGHT - LEFT) / BIN) as usize;
    let mut counts = vec![0_u32; bins + 1];
    for figure in &spread.all {
        if let Some(count) = counts.get_mut(((scale.x(*figure) - LEFT) / BIN) as usize) {
            *count += 1;
        }
    }
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut path = format!("M{LEFT:.1} {ground:.1}");
    for (count, bin) in counts.iter().zip(0_u32..) {
        let (x, y) = (LEFT + f64::from(bin) * BIN, ground - f64::from(*count) / f64::from(highest) * HILL);
        path.push_str(&format!("H{x:.1}V{y:.1}"));
    }
    path.push_str(&format!("V{ground:.1}z"));
    path
}
