//! The report as one page that stands alone: no script, no font, no picture from elsewhere.
//!
//! Guarantees: made from the report alone, so the same report gives the same page, to the byte. Whatever resources are
//! called, it is text: maud escapes every value, in attributes and in the picture too, and a policy in the page forbids
//! scripts and everything from elsewhere.

mod sections;
mod tiles;

use lifeboat_model::report::{Report, RunReport};
use lifeboat_report::picture::Format;
use maud::{Markup, html};

use crate::picture;
use crate::{args, cause, story};

/// The page.
pub fn page(report: &Report) -> String {
    let title = format!("{}: {}", report.scenario, report.outcome.map_or("no run", |o| o.as_str()));
    let body = html! {
        (head(report))
        (tiles::tiles(report))
        (figure(report))
        (sections::phases(report))
        (sections::runs(report))
        @if let Some(run) = &report.run_report { (run_report(run)) }
        (sections::invariants(report))
        (sections::damage(report))
        (sections::timeline(report))
        footer {
            "Simulated on one machine by the shipped state machine and steps, seed " (report.seed)
            "; the times of AWS services are drawn from documented figures, not measured in an account. "
            "All figures are in report.json."
        }
    };
    lifeboat_report::html::document(&format!("Lifeboat drill, {title}"), &body)
}

/// What the main run knows of itself: who let it, what it called, what it left.
fn run_report(report: &RunReport) -> Markup {
    html! {
        (lifeboat_report::html::authority(report))
        (lifeboat_report::html::left(report))
        (lifeboat_report::html::calls(report))
    }
}

fn head(report: &Report) -> Markup {
    let about = args::scenario_named(&report.scenario).map_or("", |s| s.about());
    html! {
        header {
            p.eyebrow { "Lifeboat drill report" }
            h1 { (story::ending(report)) }
            p {
                @if report.passed {
                    span.chip.good { "As it should be" }
                } @else {
                    span.chip.bad { "Not as it should be" }
                }
                " Expected: " (report.expected) "."
            }
            @if !report.complaints.is_empty() {
                ul.complaints { @for complaint in &report.complaints { li { (complaint) } } }
            }
            dl.facts {
                div { dt { "Scenario" } dd { strong { (report.scenario) } @if !about.is_empty() { ": " (about) } } }
                div { dt { "Plan" } dd { (report.plan) } }
                div { dt { "Move" } dd { (report.mode) ", " (report.source) " \u{2192} " (report.target) } }
                div { dt { "Seed" } dd { (report.seed) } }
            }
            (why(report))
        }
    }
}

/// Why the main run did not complete, and what a person does next.
fn why(report: &Report) -> Markup {
    let Some(cause) = story::main_run(report).and_then(|run| run.cause.as_deref()) else { return html! {} };
    let cause = cause::read(cause);
    html! {
        section.why {
            h2 { "Why, and what next" }
            p { (cause.what) }
            @if let Some(next) = &cause.next { p { strong { "Next: " } (next) } }
        }
    }
}

fn figure(report: &Report) -> Markup {
    html! {
        figure {
            div.wide { (picture::inline(report, Format::Wide)) }
            div.narrow { (picture::inline(report, Format::Narrow)) }
            figcaption {
                "Virtual time, counted from the incident. Red: requests that failed. Point at a shape for its whole text."
            }
        }
    }
}
