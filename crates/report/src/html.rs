//! The report of a run as one page that stands alone, and the parts that the drill's page shares with it.
//!
//! Guarantees: made from the report alone, so the same report gives the same page, to the byte. Whatever resources are
//! called, it is text: maud escapes every value, in attributes and in the picture too, and a policy in the page forbids
//! scripts and everything from elsewhere.

mod sections;
mod tiles;

use lifeboat_model::report::{Outcome, RunReport};
use lifeboat_model::request::Purpose;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::message::{asked, data_loss, recovery};
use crate::picture::{self, Format};

pub use sections::{authority, calls, left};
pub use tiles::{Look, Tile, tiles};

/// The page's own rules; those of the picture follow them.
const STYLE: &str = include_str!("html/report.css");
/// What a browser may load for this page: its own style, nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// A page called `title` in the look of every report.
pub fn document(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(picture::STYLE)) }
            }
            body { main { (body) } }
        }
    }
    .into_string()
}

/// The page of a run: its outcome and what to do next first.
pub fn page(report: &RunReport) -> String {
    let title = format!("Lifeboat run, {}: {}", report.plan, report.outcome.as_str());
    let body = html! {
        (head(report))
        (tiles(&key_figures(report)))
        (figure(report))
        (authority(report))
        (left(report))
        (calls(report))
        (sections::verdict(report))
        (sections::timeline(report))
        footer {
            "Made from the plan and the run's journal. The recovery time is what the run saw; the data loss is a bound that "
            "was predicted from lag metrics. All of it is in report.json."
        }
    };
    document(&title, &body)
}

/// How the run ended, in a line.
fn ending(report: &RunReport) -> String {
    let (from, to, mode) = (&report.source, &report.target, report.mode.as_str());
    match (report.outcome, report.purpose) {
        (Outcome::Completed, _) => format!("Completed: {to} serves, moved from {from} by {mode}"),
        (Outcome::Unchanged, Purpose::Act) => format!("Unchanged: nothing was moved from {from}"),
        (Outcome::Unchanged, Purpose::Rehearse) => format!("Unchanged: the rehearsal of a {mode} to {to} stopped"),
        (Outcome::NeedsOperator, _) => format!("NeedsOperator: the {mode} to {to} stopped half-way"),
        (Outcome::Rehearsed, _) => format!("Rehearsed: a {mode} from {from} to {to}; nothing was changed"),
    }
}

fn head(report: &RunReport) -> Markup {
    let chip = match report.outcome {
        Outcome::Completed | Outcome::Rehearsed => "chip good",
        Outcome::NeedsOperator => "chip bad",
        Outcome::Unchanged => "chip",
    };
    html! {
        header {
            p.eyebrow { "Lifeboat run report" }
            h1 { (ending(report)) }
            p { span class=(chip) { (report.outcome.as_str()) } strong { "Next: " } (report.what_next) }
            @if let Some(cause) = &report.cause {
                section.why { h2 { "Why" } p { (cause) } }
            }
            dl.facts {
                div { dt { "Plan" } dd { strong { (report.plan) } ", version " (report.plan_version) } }
                div { dt { "Move" } dd { (report.mode.as_str()) ", " (report.source) " \u{2192} " (report.target) } }
                div { dt { "Began" } dd { (report.began_at) } }
                div { dt { "Ended" } dd { (report.ended_at) } }
                div { dt { "Asked" } dd { (asked(&report.trigger)) } }
                div { dt { "Execution" } dd { code { (report.run_id) } } }
            }
        }
    }
}

fn key_figures(report: &RunReport) -> Vec<Tile> {
    let measured = &report.measured;
    let objectives = report.objectives;
    vec![
        Tile::against("Recovery (RTO)", measured.rto_s, measured.rto, objectives.rto_s, recovery(report)),
        Tile::against("Data loss (RPO), at most", measured.rpo_s, measured.rpo, objectives.rpo_s, data_loss(report)),
        Tile::duration("Run", report.run_s, "from its beginning to its recorded outcome"),
        Tile::count("Calls", report.calls.len(), "that change something, each with its request id below"),
    ]
}

fn figure(report: &RunReport) -> Markup {
    html! {
        figure {
            div.wide { (picture::inline(report, Format::Wide)) }
            div.narrow { (picture::inline(report, Format::Narrow)) }
            figcaption { "Counted from the run's beginning. Point at a shape for its whole text." }
        }
    }
}
