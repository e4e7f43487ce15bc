//! The tables.

use lifeboat_model::report::{Report, RunSummary};
use maud::{Markup, html};

use lifeboat_report::figures::{clock_tenths, duration, duration_or, thousands};
use lifeboat_report::text;

use crate::{cause, story};

pub(super) fn phases(report: &Report) -> Markup {
    let own = [
        ("run", "start to end of the main run", report.run_s),
        ("critical path", "the longest chain of AWS's own times in it, as simulated", report.critical_path_s),
        ("own overhead", "all the rest: transitions, cold starts, reads, polls", report.overhead_s),
    ];
    let origin = story::incident_s(report);
    html! {
        section {
            h2 { "Phases" }
            div.scroll { table {
                thead { tr { th { "Phase" } th.num { "From" } th.num { "Took" } th { "What" } } }
                tbody {
                    @for phase in story::phases(report) {
                        tr {
                            th scope="row" { (phase.name) }
                            td.num { @if phase.took_s.is_some() { (at(phase.from_s, origin)) } }
                            td.num { (duration_or(phase.took_s, "did not happen")) }
                            td { (phase.spans) }
                        }
                    }
                    @if let Some(run) = story::main_run(report) {
                        @for (n, (name, what, took_s)) in own.into_iter().enumerate() {
                            tr {
                                th scope="row" { (name) }
                                td.num { @if n == 0 { (at(Some(run.started_s), origin)) } }
                                td.num { (duration(took_s)) }
                                td { (what) }
                            }
                        }
                    }
                }
            } }
        }
    }
}

fn at(at_s: Option<f64>, origin: f64) -> String {
    at_s.map_or(String::new(), |at_s| clock_tenths(at_s - origin))
}

pub(super) fn runs(report: &Report) -> Markup {
    let origin = story::incident_s(report);
    html! {
        section {
            h2 { "Runs" }
            @if report.runs.is_empty() { p { "None was started." } }
            @for run in &report.runs { (one_run(run, origin)) }
        }
    }
}

fn one_run(run: &RunSummary, origin: f64) -> Markup {
    let took = run.ended_s.map(|ended| ended - run.started_s);
    html! {
        article.run {
            h3 { code { (run.name) } " " span.quiet { (run.outcome.map_or("did not end", |o| o.as_str())) } }
            dl.facts {
                div { dt { "Region" } dd { (run.region) } }
                div { dt { "Started by" } dd { (run.started_by) } }
                div { dt { "Started" } dd { (at(Some(run.started_s), origin)) } }
                div { dt { "Took" } dd { (duration_or(took, "did not end")) } }
                div { dt { "Transitions" } dd { (run.transitions) } }
                div { dt { "History events" } dd { (thousands(run.history_events)) " of 25,000" } }
                @if let Some(error) = &run.error { div { dt { "Error" } dd { code { (error) } } } }
            }
            @if let Some(cause) = run.cause.as_deref().map(cause::read) {
                p { strong { "Cause: " } (cause.what) }
                @if let Some(next) = &cause.next { p { strong { "Next: " } (next) } }
            }
        }
    }
}

pub(super) fn invariants(report: &Report) -> Markup {
    let mut rows: Vec<_> = report.invariants.iter().collect();
    rows.sort_by_key(|(id, _)| story::number(id));
    html! {
        section {
            h2 { "Invariants" }
            div.scroll { table {
                thead { tr { th { "Id" } th { "Statement" } th.num { "Checks" } th.num { "Violations" } } }
                tbody {
                    @for (id, result) in rows {
                        tr.violated[result.violations > 0] {
                            th scope="row" { (id) }
                            td {
                                (result.statement)
                                @if let Some(first) = &result.first_violation { br; strong { "First violation: " } (first) }
                            }
                            td.num { @if result.checks == 0 { span.quiet { "never came up" } } @else { (thousands(result.checks)) } }
                            td.num { (thousands(result.violations)) }
                        }
                    }
                }
            } }
        }
    }
}

pub(super) fn damage(report: &Report) -> Markup {
    let origin = story::incident_s(report);
    let count = text::count(report.damaged_writes.len(), "write");
    html! {
        section {
            h2 { "Lost and conflicting writes" }
            @if report.damaged_writes.is_empty() {
                p { "None: every acknowledged write is where clients read." }
            } @else {
                p { (count) ", over " (duration(report.rpo_s)) " of time." }
                div.scroll { table {
                    thead { tr { th.num { "Acknowledged" } th.num { "Write" } th { "Database" } th { "Taken in" } th { "Damage" } } }
                    tbody {
                        @for write in &report.damaged_writes {
                            tr {
                                td.num { (at(Some(write.at_s), origin)) }
                                td.num { (write.id) }
                                td { (write.database) }
                                td { (write.region) }
                                td { (write.damage) }
                            }
                        }
                    }
                } }
            }
        }
    }
}

pub(super) fn timeline(report: &Report) -> Markup {
    let origin = story::incident_s(report);
    html! {
        section {
            h2 { "Timeline" }
            p.quiet {
                "0:00.0 is " (duration(origin)) " after the drill began, at " (report.began_at) " of virtual time."
            }
            div.scroll { table {
                thead { tr { th.num { "At" } th.num { "Took" } th { "Lane" } th { "What" } } }
                tbody {
                    @for event in &report.timeline {
                        tr {
                            td.num { (at(Some(event.at_s), origin)) }
                            td.num { @if let Some(until_s) = event.until_s { (duration(until_s - event.at_s)) } }
                            td { (story::lane_name(event.lane)) }
                            td { (event.text) }
                        }
                    }
                }
            } }
        }
    }
}
