//! The tables of a run.

use lifeboat_model::Reason;
use lifeboat_model::journal::Effect;
use lifeboat_model::report::{CallMade, RunReport, WhatCall};
use lifeboat_model::request::Mode;
use maud::{Markup, html};

use crate::figures::{clock_tenths, duration, duration_or};
use crate::message::asked;
use crate::text;

/// By whose word the run acted.
pub fn authority(report: &RunReport) -> Markup {
    let consent_of_none = match report.mode {
        Mode::Switchover => "not needed: a switchover loses nothing",
        Mode::Failover => "none",
    };
    html! {
        section {
            h2 { "By whose word" }
            dl.facts {
                div { dt { "Asked" } dd { (asked(&report.trigger)) } }
                div { dt { "Approved" } dd {
                    @match &report.approver {
                        Some(a) => { strong { (a.by) } " at " (a.at) ": " (a.reason) }
                        None => { "by nobody" }
                    }
                } }
                @if let Some(stopped) = &report.stopped {
                    div { dt { "Stopped" } dd { "before its point of no return, by " strong { (stopped) } } }
                }
                div { dt { "Consent to data loss" } dd {
                    @match &report.consent {
                        Some(c) => {
                            strong { (c.accepted_by) } ": at most " (c.max_data_loss) ", until " (c.expires) ": " (c.reason)
                        }
                        None => { (consent_of_none) }
                    }
                } }
            }
        }
    }
}

/// What a person still has to see to; nothing when there is nothing.
pub fn left(report: &RunReport) -> Markup {
    if report.left_behind.is_empty() && report.still_suspended.is_empty() {
        return html! {};
    }
    html! {
        section.why {
            h2 { "Left for you" }
            @if !report.left_behind.is_empty() {
                p { "Not seen as the run needs it:" }
                ul { @for left in &report.left_behind {
                    li {
                        strong { (left.resource) } ", " (left.step)
                        @if left.required { ", required" } @else { ", best effort" }
                    }
                } }
            }
            @if !report.still_suspended.is_empty() {
                p { "Scaling in is suspended, or may be; resume it when the load allows:" }
                ul { @for service in &report.still_suspended { li { strong { (service) } } } }
            }
        }
    }
}

/// Every mutating call, and those that a rehearsal would have made.
pub fn calls(report: &RunReport) -> Markup {
    html! {
        section {
            h2 { "Calls that change something" }
            @if report.calls.is_empty() {
                p { "None was made." }
            } @else {
                div.scroll { table {
                    thead { tr {
                        th.num { "At" } th.num { "Took" } th { "Resource" } th { "Call" } th { "Effect" }
                        th { "Request id, or why not" }
                    } }
                    tbody { @for call in &report.calls { (made(call)) } }
                } }
            }
            @if !report.would_call.is_empty() {
                h3 { "What would have been called" }
                div.scroll { table {
                    thead { tr { th { "Step" } th { "Resource" } th { "Call" } } }
                    tbody { @for would in &report.would_call {
                        tr { td { (would.step) } td { (would.resource) } td { (what(Some(&would.call))) } }
                    } }
                } }
            }
        }
    }
}

fn made(call: &CallMade) -> Markup {
    let (effect, violated) = match call.effect {
        Effect::Accepted => ("accepted", false),
        Effect::None => ("none", false),
        Effect::Unknown => ("unknown", true),
    };
    html! {
        tr.violated[violated] {
            td.num { (clock_tenths(call.at_s)) }
            td.num { (duration_or(call.took_s, "")) }
            td { (call.resource) br; span.quiet { (call.step) ", attempt " (call.attempt) } }
            td { (what(call.call.as_ref())) }
            td { (effect) }
            td {
                @if let Some(id) = &call.request_id { code { (id) } }
                @if let Some(error) = &call.error { (error) }
                @if call.request_id.is_none() && call.error.is_none() { span.quiet { "no id was given" } }
            }
        }
    }
}

fn what(call: Option<&WhatCall>) -> Markup {
    html! {
        @match call {
            None => { span.quiet { "its intent is not in the journal" } }
            Some(call) => {
                code { (call.operation) } " in " (call.region)
                @for (name, value) in &call.parameters { br; span.quiet { (name) " = " code { (value) } } }
            }
        }
    }
}

/// What the run's newest assessment said.
pub(super) fn verdict(report: &RunReport) -> Markup {
    let Some(predicted) = &report.predicted else { return html! {} };
    html! {
        section {
            h2 { "Assessment" }
            dl.facts {
                div { dt { "Verdict" } dd { strong { @if predicted.reasons.is_empty() { "go" } @else { "refuse" } } } }
                div { dt { "At" } dd { (predicted.at) } }
                div { dt { "Source failing since" } dd {
                    @match predicted.impaired_since { Some(at) => { (at) } None => { "not seen to fail" } }
                } }
                div { dt { "Predicted loss" } dd { (duration_or(predicted.rpo_s, "not known")) } }
                div { dt { "Predicted recovery" } dd { (duration(predicted.rto_s)) } }
            }
            (reasons("Reasons to refuse", &predicted.reasons))
            (reasons("Warnings", &predicted.warnings))
        }
    }
}

fn reasons(heading: &str, reasons: &[Reason]) -> Markup {
    html! {
        @if !reasons.is_empty() {
            h3 { (heading) }
            ul { @for reason in reasons { li { (reason) } } }
        }
    }
}

/// The journal in words.
pub(super) fn timeline(report: &RunReport) -> Markup {
    html! {
        section {
            h2 { "Timeline" }
            p.quiet { (text::count(report.timeline.len(), "line")) "; 0:00.0 is " (report.began_at) "." }
            div.scroll { table {
                thead { tr { th.num { "At" } th { "Step" } th { "Resource" } th { "What" } } }
                tbody { @for line in &report.timeline {
                    tr {
                        td.num { (clock_tenths(line.at_s)) }
                        td { (line.step) }
                        td { (line.resource) }
                        td { (line.text) }
                    }
                } }
            } }
        }
    }
}
