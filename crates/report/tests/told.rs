//! What is made of a report: the page, the message, the metrics.

mod common;

use common::{ADMITTED, RUN, completed, concluded, ending, made, promotion, refused, rehearsed, report, stalled};
use lifeboat_model::ending::Ending;
use lifeboat_model::journal::{Effect, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::Approval;
use lifeboat_model::report::{Outcome, RunReport};
use lifeboat_model::request::Trigger;
use lifeboat_report::alarm;
use lifeboat_report::message::{self, Message};
use lifeboat_report::{Figures, html, metrics};
use serde_json::Value;

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{1b}[2J\n\u{fc}";
const ADDRESS: &str = "s3://reports/runs/store/store-1/report.html";

/// A report in which every text that could come from outside is hostile.
fn hostile() -> RunReport {
    let mut lines = [stalled(), rehearsed(), completed()].concat();
    lines.retain(|e| !matches!(e.note, Note::Concluded { .. }));
    lines.extend(made(Step::PromoteCache, HOSTILE, 1, 3.0, promotion(), Effect::Unknown));
    for line in &mut lines {
        line.resource = HOSTILE.to_owned();
        match &mut line.note {
            Note::Intent { call, .. } | Note::WouldCall { call } => {
                call.operation = HOSTILE.to_owned();
                call.parameters.insert(HOSTILE.to_owned(), HOSTILE.to_owned());
            }
            Note::Outcome { detail, .. } => *detail = HOSTILE.to_owned(),
            Note::Ready { what } => *what = HOSTILE.to_owned(),
            Note::Assessed { verdict } => {
                for reason in &mut verdict.warnings {
                    reason.detail = HOSTILE.to_owned();
                }
            }
            Note::Approved { .. }
            | Note::SourceLeft
            | Note::WritersVerified
            | Note::TrafficVerified
            | Note::Concluded { .. } => {}
        }
    }
    let mut ending = Ending {
        trigger: Trigger::Operator { name: Some(HOSTILE.to_owned()) },
        approval: Approval::Given { by: HOSTILE.to_owned(), reason: HOSTILE.to_owned(), at: ADMITTED },
        stopped: Some(HOSTILE.to_owned()),
        ..ending(Some(HOSTILE))
    };
    if let Some(consent) = &mut ending.consent {
        consent.accepted_by = HOSTILE.to_owned();
        consent.reason = HOSTILE.to_owned();
    }
    lines.push(concluded(700.0, Outcome::NeedsOperator, ending));
    let mut report = report(&lines);
    report.run_id = HOSTILE.to_owned();
    report.still_suspended = vec![HOSTILE.to_owned(); 30];
    report
}

fn every_report() -> Vec<RunReport> {
    let of = |lines: Vec<Entry>| report(&lines);
    vec![of(completed()), of(stalled()), of(refused()), of(rehearsed()), hostile()]
}

#[test]
fn hostile_names_are_text_in_the_page() {
    let page = html::page(&hostile());
    let lower = page.to_lowercase();
    for bad in ["<script", "<img", "javascript:", "url(", "@import", "<link", "<iframe"] {
        assert!(!lower.contains(bad), "{bad}");
    }
    assert!(lower.contains("&lt;script&gt;alert(1)"), "the names are there, escaped");
    assert!(page.contains("default-src 'none'"), "a policy forbids the rest");
}

#[test]
fn the_page_says_outcome_and_what_to_do_first_and_every_request_id() {
    for report in every_report() {
        let page = html::page(&report);
        let place = |text: &str| page.find(text);
        let next = place("Next: ").expect("what to do");
        assert!(place("<h1>").expect("a heading") < next && next < place("<table").unwrap_or(usize::MAX));
        assert!(
            report.calls.iter().filter_map(|c| c.request_id.as_deref()).all(|id| place(id).is_some() || id == HOSTILE)
        );
        assert_eq!(page, html::page(&report), "the same report gives the same page");
    }
}

#[test]
fn a_subject_is_one_line_of_at_most_100_ascii_characters() {
    let long = "x".repeat(300);
    let mut messages: Vec<Message> = every_report().iter().map(|r| message::of(r, Ok(ADDRESS))).collect();
    for plan in ["store", HOSTILE, long.as_str()] {
        messages.push(message::without_report(plan, RUN, Outcome::Unchanged, Some(HOSTILE), "the plan cannot be read"));
    }
    for Message { subject, body } in messages {
        assert!(subject.len() <= 100 && subject.bytes().all(|b| (b' '..=b'~').contains(&b)), "{subject:?}");
        assert!(body.len() < 256 * 1024 && !body.contains('\u{1b}'), "{body}");
    }
    assert_eq!(message::of(&report(&completed()), Ok(ADDRESS)).subject, "Lifeboat: Completed: store to us-west-2");
}

#[test]
fn the_message_begins_with_outcome_and_what_to_do_and_ends_with_the_address() {
    let body = message::of(&report(&stalled()), Ok(ADDRESS)).body;
    let lines: Vec<&str> = body.lines().collect();
    assert_eq!(lines.first(), Some(&"Outcome: NeedsOperator"));
    assert!(lines.get(1).is_some_and(|l| l.starts_with("What next: look at what the cause names")));
    assert!(lines.get(2).is_some_and(|l| l.starts_with("Cause: Lifeboat.Refused: database orders")));
    for expected in [
        "Recovery:    not seen; objective 10 min",
        "Data loss:   at most 1.5 s; objective 30 s: met",
        "Left behind: orders (promote-database), checkout (promote-cache), ui (scale-compute)",
        "Report: s3://reports/runs/store/store-1/report.html",
    ] {
        assert!(lines.contains(&expected), "{expected}\nin\n{body}");
    }
    let unstored = message::of(&report(&stalled()), Err("no bucket")).body;
    assert!(unstored.contains("Report: not stored: no bucket"), "{unstored}");
}

#[test]
fn a_message_without_a_report_says_why_and_where_to_look() {
    let body = message::without_report("store", RUN, Outcome::NeedsOperator, None, "the plan is gone").body;
    assert!(body.starts_with("Outcome: NeedsOperator\nWhat next: "), "{body}");
    assert!(body.contains("Report: none: the plan is gone") && body.contains(RUN), "{body}");
}

#[test]
fn the_message_about_an_alarm_that_called_in_vain_fits_whatever_stands_in_it_and_names_no_command_without_a_plan() {
    let (long, plan, home) = ("x".repeat(10_000), common::plan(), common::region("us-west-2"));
    let state_machine = "arn:aws:states:us-west-2:111122223333:stateMachine:lifeboat-failover".parse().expect("an ARN");
    for text in ["store-other-region", HOSTILE, long.as_str()] {
        for plan in [None, Some(&plan)] {
            let call = alarm::Call {
                alarm: text,
                home: &home,
                at: ADMITTED,
                saw: text,
                plan,
                why: text,
                what_next: text,
                state_machine: &state_machine,
                now: ADMITTED,
            };
            let Message { subject, body } = alarm::message(&call);
            assert!(subject.len() <= 100 && subject.bytes().all(|b| (b' '..=b'~').contains(&b)), "{subject:?}");
            assert!(body.len() < 64 * 1024 && !body.contains('\u{1b}'), "{body}");
            assert_eq!(body.contains("Lifeboat-Failover"), plan.is_some(), "{body}");
            assert_eq!(body.contains("lifeboat start"), plan.is_some(), "{body}");
            assert_eq!(body.lines().count(), if plan.is_some() { 17 } else { 6 }, "{body}");
        }
    }
}

#[test]
fn metrics_are_one_line_in_the_embedded_metric_format() {
    let report = report(&completed());
    let line = metrics("store", report.outcome, Figures::of(&report), report.ended_at);
    assert!(!line.contains('\n'));
    let json: Value = serde_json::from_str(&line).expect("JSON");
    let directive = &json["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(json["_aws"]["Timestamp"], report.ended_at.as_ms());
    assert_eq!(directive["Namespace"], "Lifeboat");
    assert_eq!(directive["Dimensions"], serde_json::json!([["Plan"], ["Plan", "Outcome"]]));
    assert_eq!((&json["Plan"], &json["Outcome"]), (&"store".into(), &"Completed".into()));
    for (name, unit, value) in [
        ("RunSeconds", "Seconds", 191.0),
        ("RtoSeconds", "Seconds", 310.0),
        ("RpoSeconds", "Seconds", 1.5),
        ("Completed", "Count", 1.0),
        ("Unchanged", "Count", 0.0),
        ("NeedsOperator", "Count", 0.0),
        ("Rehearsed", "Count", 0.0),
    ] {
        let definition = serde_json::json!({"Name": name, "Unit": unit});
        assert!(directive["Metrics"].as_array().is_some_and(|m| m.contains(&definition)), "{name}");
        assert_eq!(json[name].as_f64(), Some(value), "{name}");
    }
}

#[test]
fn what_is_not_known_makes_no_metric() {
    let line = metrics("store", Outcome::NeedsOperator, Figures::default(), ADMITTED);
    let json: Value = serde_json::from_str(&line).expect("JSON");
    for name in ["RunSeconds", "RtoSeconds", "RpoSeconds"] {
        assert!(json.get(name).is_none() && !line.contains(name), "{name}");
    }
    assert_eq!(json["NeedsOperator"], 1);
}

#[test]
fn page_and_message_say_who_stopped_a_run_and_why() {
    let stopped = |stopped: Option<&str>| {
        let ending = Ending { stopped: stopped.map(str::to_owned), ..ending(Some("Lifeboat.Refused: stopped")) };
        let report = report(&[concluded(3.0, Outcome::Unchanged, ending)]);
        assert_eq!(report.stopped.as_deref(), stopped);
        (html::page(&report), message::of(&report, Ok(ADDRESS)).body)
    };
    let (page, body) = stopped(Some("Ada: not tonight"));
    assert!(page.contains("<dt>Stopped</dt>") && page.contains("<strong>Ada: not tonight</strong>"), "{page}");
    assert!(body.contains("\nStopped by:  Ada: not tonight\n"), "{body}");
    let (page, body) = stopped(None);
    assert!(!page.contains("<dt>Stopped</dt>") && !body.contains("Stopped by"), "{body}");
}
