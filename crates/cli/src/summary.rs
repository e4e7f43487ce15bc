//! The summary of a drill on standard output: the outcome first, then what was measured, at most 80 columns.
//!
//! Guarantees: without [`Style::Coloured`] there is no escape code in it, whatever resources are called.

use std::path::PathBuf;

use lifeboat_model::report::{Report, RunReport};
use lifeboat_model::request::Purpose;

use crate::story::{self, Verdict};
use lifeboat_report::figures::{duration, duration_or, percent, thousands};
use lifeboat_report::text;

use crate::cause;

/// The widest line.
const WIDTH: usize = 80;
/// Where values begin.
const INDENT: usize = 20;
/// The widest figure.
const FIGURE: usize = 12;

/// Whether the reader is a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Escape codes for bold and colour.
    Coloured,
    /// None.
    Plain,
}

/// The summary of `report`, whose files are at `written`.
pub fn of(report: &Report, written: &[(&'static str, PathBuf)], style: Style) -> String {
    let mut page = Page { text: String::new(), style };
    headline(&mut page, report);
    match rehearsed(report) {
        Some(run) => rehearsal(&mut page, run),
        None => {
            objectives(&mut page, report);
            times(&mut page, report);
            damage(&mut page, report);
            left_behind(&mut page, report);
        }
    }
    invariants(&mut page, report);
    runs(&mut page, report);
    if !written.is_empty() {
        page.text.push('\n');
    }
    for (name, path) in written {
        // A path is for the clipboard: it is not wrapped.
        page.text.push_str(&format!(
            "  {name:<width$}{}\n",
            text::clean(&path.display().to_string()),
            width = INDENT - 2
        ));
    }
    page.text
}

struct Page {
    text: String,
    style: Style,
}

#[derive(Clone, Copy)]
enum Tone {
    Good,
    Bad,
    Plain,
}

impl Page {
    fn heading(&mut self, line: &str, tone: Tone) {
        for line in text::wrap(&text::clean(line), WIDTH) {
            let (on, off) = match (self.style, tone) {
                (Style::Plain, _) => ("", ""),
                (Style::Coloured, Tone::Good) => ("\u{1b}[1;32m", "\u{1b}[0m"),
                (Style::Coloured, Tone::Bad) => ("\u{1b}[1;31m", "\u{1b}[0m"),
                (Style::Coloured, Tone::Plain) => ("\u{1b}[1m", "\u{1b}[0m"),
            };
            self.text.push_str(&format!("{on}{line}{off}\n"));
        }
    }

    fn row(&mut self, name: &str, value: &str) {
        let lines = text::wrap(&text::clean(value), WIDTH - INDENT);
        for (n, line) in lines.iter().enumerate() {
            let name = if n == 0 { name } else { "" };
            self.text.push_str(format!("  {name:<width$}{line}", width = INDENT - 2).trim_end());
            self.text.push('\n');
        }
    }

    /// A figure that is aligned to the right, and what it means.
    fn figure(&mut self, name: &str, value: &str, about: &str) {
        let indent = INDENT + FIGURE + 2;
        for (n, line) in text::wrap(&text::clean(about), WIDTH - indent).iter().enumerate() {
            let (name, value) = if n == 0 { (name, value) } else { ("", "") };
            self.text.push_str(&format!("  {name:<width$}{value:>FIGURE$}  {line}\n", width = INDENT - 2));
        }
    }
}

fn headline(page: &mut Page, report: &Report) {
    let tone = if report.passed { Tone::Good } else { Tone::Bad };
    page.heading(&story::ending(report), tone);
    if report.passed {
        page.heading(&format!("As it should be ({})", report.expected), Tone::Plain);
    } else {
        page.heading(&format!("NOT as it should be ({})", report.expected), Tone::Bad);
    }
    for complaint in &report.complaints {
        page.row("but", complaint);
    }
    page.text.push('\n');
    let about = crate::args::scenario_named(&report.scenario).map_or("", |s| s.about());
    page.row("scenario", &format!("{}: {about}", report.scenario));
    page.row("plan", &format!("{}, {} -> {}, seed {}", report.plan, report.source, report.target, report.seed));
}

fn objectives(page: &mut Page, report: &Report) {
    page.text.push('\n');
    let against = |objective: f64, verdict: Verdict| format!("objective {}: {}", duration(objective), verdict.as_str());
    let rto = against(report.objectives.rto_s, story::rto_verdict(report));
    let rpo = against(report.objectives.rpo_s, story::rpo_verdict(report));
    page.figure("recovery (RTO)", &story::rto_text(report), &rto);
    page.figure("data loss (RPO)", &duration(report.rpo_s), &rpo);
}

fn times(page: &mut Page, report: &Report) {
    page.text.push('\n');
    for phase in story::phases(report) {
        let about = if phase.took_s.is_some() { phase.spans } else { "did not happen" };
        page.figure(phase.name, &duration_or(phase.took_s, "-"), about);
    }
    let Some(run) = story::main_run(report) else { return };
    page.figure("run", &duration(report.run_s), &format!("{} state transitions", run.transitions));
    page.figure("  critical path", &duration(report.critical_path_s), "AWS's own time in it, as simulated");
    page.figure("  own overhead", &duration(report.overhead_s), "all the rest: starts, reads, polls");
}

fn damage(page: &mut Page, report: &Report) {
    page.text.push('\n');
    let failed = thousands(report.requests_failed);
    let share = percent(report.requests_failed, report.requests_total);
    page.figure("requests failed", &failed, &format!("of {}, {share}", thousands(report.requests_total)));
    let acknowledged = format!("of {} acknowledged", thousands(report.writes_acknowledged));
    page.figure("writes lost", &thousands(report.writes_lost), &acknowledged);
    page.figure("conflicting", &thousands(report.writes_conflicting), "taken by two writers at the same time");
}

/// The report of the main run, if it was a rehearsal.
fn rehearsed(report: &Report) -> Option<&RunReport> {
    report.run_report.as_ref().filter(|run| run.purpose == Purpose::Rehearse)
}

/// What a run would meet, and every call that it would make.
fn rehearsal(page: &mut Page, run: &RunReport) {
    page.text.push('\n');
    page.row("rehearsed", &format!("a {} from {} to {}", run.mode.as_str(), run.source, run.target));
    if let Some(predicted) = &run.predicted {
        let objective = |seconds: f64| format!("objective {}", duration(seconds));
        let rpo = duration_or(predicted.rpo_s, "not known");
        page.figure("would lose", &rpo, &objective(run.objectives.rpo_s));
        page.figure("would take", &duration(predicted.rto_s), &objective(run.objectives.rto_s));
        for (n, reason) in predicted.reasons.iter().enumerate() {
            page.row(if n == 0 { "refused now" } else { "" }, &reason.to_string());
        }
        for (n, warning) in predicted.warnings.iter().enumerate() {
            page.row(if n == 0 { "warnings" } else { "" }, &warning.to_string());
        }
    }
    page.text.push('\n');
    page.row("would call", &format!("{} calls, none of them made", run.would_call.len()));
    for would in &run.would_call {
        let parameters: Vec<String> =
            would.call.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        page.row(
            would.resource.as_str(),
            &format!("{} in {}: {}", would.call.operation, would.call.region, parameters.join(", ")),
        );
    }
}

fn left_behind(page: &mut Page, report: &Report) {
    let Some(run) = &report.run_report else { return };
    for (n, left) in run.left_behind.iter().enumerate() {
        page.row(if n == 0 { "left behind" } else { "" }, &format!("{} ({})", left.resource, left.step));
    }
    for (n, service) in run.still_suspended.iter().enumerate() {
        page.row(if n == 0 { "scale-in off" } else { "" }, service);
    }
}

fn invariants(page: &mut Page, report: &Report) {
    let (checks, violations) = story::checks(report);
    page.text.push('\n');
    page.row("invariants", &format!("{} checks, {violations} violations", thousands(checks)));
    let ids = |checked: bool| {
        let mut ids: Vec<&str> =
            report.invariants.iter().filter(|(_, r)| (r.checks > 0) == checked).map(|(id, _)| id.as_str()).collect();
        ids.sort_by_key(|id| story::number(id));
        ids.join(" ")
    };
    page.row("", &ids(true));
    if !ids(false).is_empty() {
        page.row("", &format!("never came up: {}", ids(false)));
    }
    for (id, result) in report.invariants.iter().filter(|(_, r)| r.violations > 0) {
        page.row(&format!("  {id} violated"), &format!("{} times: {}", result.violations, result.statement));
        page.row("    first", result.first_violation.as_deref().unwrap_or("not recorded"));
    }
}

fn runs(page: &mut Page, report: &Report) {
    for run in report.runs.iter().filter(|r| r.error.is_some() || r.cause.is_some()) {
        page.text.push('\n');
        let outcome = run.outcome.map_or("no outcome", |o| o.as_str());
        page.row("run", &format!("{} in {}, by {}: {outcome}", run.name, run.region, run.started_by));
        let cause = cause::read(run.cause.as_deref().unwrap_or("no cause was given"));
        page.row("  cause", &cause.what);
        page.row("  what next", cause.next.as_deref().unwrap_or("see RUNBOOK.md"));
    }
}
