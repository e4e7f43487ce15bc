//! The comparison as a table: plain for terminals, Markdown for the README.
//!
//! Guarantees: made from the comparison alone: the same seeds give the same table, to the byte.

use lifeboat_report::figures::{duration, thousands};
use lifeboat_report::text;
use lifeboat_simulator::{Compared, Comparison, Spread};

use crate::story;

/// The widest line of the plain table.
const WIDTH: usize = 80;
/// Where its columns begin, and how wide each is.
const NAME: usize = 26;
const COLUMN: usize = 18;

/// A row: what it is, and its value for an order.
type Row = (&'static str, fn(&Compared, u64) -> String);

const ROWS: [Row; 10] = [
    ("recovery time, median", |c, _| time(c.rto_s.median)),
    ("recovery time, 95 %", |c, _| time(c.rto_s.p95)),
    ("from alarm, or start", |c, _| time(c.rto_from_start_s.median)),
    ("failed requests, median", |c, _| count(c.requests_failed.median)),
    ("failed requests, 95 %", |c, _| count(c.requests_failed.p95)),
    ("lost writes, median", |c, _| count(c.writes_lost.median)),
    ("lost writes, 95 %", |c, _| count(c.writes_lost.p95)),
    ("two writers at once", |c, seeds| of(c.drills_with_conflicts, seeds)),
    ("never all served again", |c, seeds| of(c.drills_never_served, seeds)),
    ("an invariant broken", |c, seeds| of(c.drills_with_violations, seeds)),
];

fn time(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "never".to_owned(), duration)
}

fn count(figure: Option<f64>) -> String {
    figure.map_or_else(|| "-".to_owned(), |f| thousands(f as u64))
}

fn of(drills: u64, seeds: u64) -> String {
    format!("{} of {}", thousands(drills), thousands(seeds))
}

/// The ids of the violated invariants, in order.
pub(crate) fn broken(compared: &Compared) -> String {
    let mut ids: Vec<&str> = compared.violations.keys().map(String::as_str).collect();
    ids.sort_by_key(|id| story::number(id));
    if ids.is_empty() { "none".to_owned() } else { ids.join(" ") }
}

/// The table for a terminal.
pub fn plain(comparison: &Comparison) -> String {
    let mut page = format!(
        "{} of plan {}, {} seeds for each order\n\n",
        comparison.scenario,
        text::clean(&comparison.plan),
        thousands(comparison.seeds)
    );
    let mut line = |name: &str, of: &dyn Fn(&Compared) -> String| {
        let cells: String = comparison.orders.iter().map(|c| format!("{:>COLUMN$}", of(c))).collect();
        page.push_str(format!("{name:<NAME$}{cells}").trim_end());
        page.push('\n');
    };
    line("", &|c| c.order.clone());
    for (name, value) in ROWS {
        line(name, &|c| value(c, comparison.seeds));
    }
    page.push_str("\ninvariants broken, by any of the drills\n");
    for compared in &comparison.orders {
        page.push_str(&format!("  {:<width$}{}\n", compared.order, broken(compared), width = NAME - 2));
    }
    page.push('\n');
    let ratio = ratio(comparison);
    for line in text::wrap(&ratio, WIDTH) {
        page.push_str(&line);
        page.push('\n');
    }
    page
}

/// The same as Markdown.
pub fn markdown(comparison: &Comparison) -> String {
    let mut page = String::new();
    let mut line = |name: &str, of: &dyn Fn(&Compared) -> String| {
        let cells: Vec<String> = comparison.orders.iter().map(of).collect();
        page.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    };
    let seeds = thousands(comparison.seeds);
    line(&format!("{}, {seeds} seeds", comparison.scenario), &|c| format!("`{}`", c.order));
    line("---", &|_| "---:".to_owned());
    for (name, value) in ROWS {
        line(name, &|c| value(c, comparison.seeds));
    }
    line("invariants broken", &broken);
    page
}

/// How the medians of the recovery times stand to each other: the first order's to each other one's.
fn ratio(comparison: &Comparison) -> String {
    let Some((ours, others)) = comparison.orders.split_first() else { return String::new() };
    let share = |ours: &Spread, other: &Spread| match ours.median.zip(other.median) {
        Some((ours, other)) if other > 0.0 => format!("{:.0} %", ours / other * 100.0),
        Some(_) | None => "no comparable share".to_owned(),
    };
    let told = others.iter().map(|other| {
        format!(
            "{} of {}'s ({} counted from the alarm or the start)",
            share(&ours.rto_s, &other.rto_s),
            other.order,
            share(&ours.rto_from_start_s, &other.rto_from_start_s)
        )
    });
    format!("The median recovery time of {} is {}.", ours.order, told.collect::<Vec<_>>().join(" and "))
}
