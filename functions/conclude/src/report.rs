//! What is left of a run once its outcome is recorded: metrics, the report in the archive, a message to people.
//!
//! Guarantees: whatever fails here is named in [`Told`] and changes nothing; all of it is over by [`REPORTED_BY`]. The
//! report is made of the journal alone, so that a repeated conclusion stores the same again under the same keys; it also
//! prints the metrics and sends the message again.

use futures_util::future::join;
use lifeboat_model::journal::{Entry, Note};
use lifeboat_model::limits::{CALL_TIMEOUT, REPORTED_BY};
use lifeboat_model::report::{Outcome, RunReport};
use lifeboat_model::{Period, Plan};
use lifeboat_ports::{CallError, timely};
use lifeboat_report::message::{self, Message};
use lifeboat_report::{Figures, html, metrics};
use serde_json::Value;

use crate::{Ended, Ports};

/// What became of the report.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// Where it is: the page, or if that could not be stored its data.
    pub(crate) stored: Option<String>,
    problems: Vec<String>,
}

impl Told {
    /// Everything that went wrong.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.problems.is_empty() { None } else { Some(self.problems.join("; ")) }
    }
}

/// Prints, stores and publishes what there is to tell of the run. `journal` has its conclusion, where one was recorded.
pub(crate) async fn tell(ended: &Ended<'_>, plan: Option<&Plan>, journal: &[Entry], ports: &Ports<'_>) -> Told {
    let report = plan.and_then(|plan| lifeboat_report::of(plan, journal));
    let name = named_plan(ended.request);
    let figures = report.as_ref().map_or_else(Figures::default, Figures::of);
    let at = report.as_ref().map_or(ended.began, |r| r.ended_at);
    (ports.metrics_out)(&metrics(name, ended.outcome, figures, at));
    let mut told = Told::default();
    let message = match &report {
        Some(report) => {
            store(report, ended, ports, &mut told).await;
            let problem = told.problem().unwrap_or_default();
            message::of(report, told.stored.as_deref().ok_or(&problem))
        }
        None => {
            let why = "the run's plan or its request cannot be read";
            told.problems.push(format!("no report: {why}"));
            message::without_report(name, ended.run_id, ended.outcome, ended.cause, why)
        }
    };
    if must_reach_people(ended, journal) {
        publish(&message, ended, ports, &mut told).await;
    }
    told
}

/// Everything does that is more than a refusal of a run that a person started, before it began: they read that in the
/// console, where they look.
fn must_reach_people(ended: &Ended<'_>, journal: &[Entry]) -> bool {
    let by_alarm = ended.request.pointer("/trigger/kind").and_then(Value::as_str) == Some("alarm");
    let began = journal.iter().any(|entry| match &entry.note {
        Note::Concluded { ending, .. } => ending.as_ref().is_some_and(|e| e.admitted_at.is_some()),
        Note::Intent { .. }
        | Note::Outcome { .. }
        | Note::WouldCall { .. }
        | Note::Assessed { .. }
        | Note::Approved { .. }
        | Note::SourceLeft
        | Note::Ready { .. }
        | Note::WritersVerified
        | Note::TrafficVerified => true,
    });
    match ended.outcome {
        Outcome::Unchanged => by_alarm || began,
        Outcome::Completed | Outcome::NeedsOperator | Outcome::Rehearsed => true,
    }
}

fn named_plan(request: &Value) -> &str {
    request.get("plan").and_then(Value::as_str).unwrap_or("(none)")
}

/// How long the next call may take, when `calls` in a row have to be over in time; `None` when there is no time left.
fn allowance(ended: &Ended<'_>, calls: i64, ports: &Ports<'_>) -> Option<Period> {
    let left_ms = ended.began.plus(REPORTED_BY).ms_since(ports.clock.now()) / calls;
    let left = u32::try_from(left_ms).ok().filter(|ms| *ms > 0)?;
    Some(Period::ms(left).min(CALL_TIMEOUT))
}

/// Stores the page and its data, at the same time.
async fn store(report: &RunReport, ended: &Ended<'_>, ports: &Ports<'_>, told: &mut Told) {
    let execution = report.run_id.rsplit(':').next().unwrap_or_default();
    let folder = format!("runs/{}/{execution}", report.plan);
    let json = match serde_json::to_string_pretty(report) {
        Ok(json) => json + "\n",
        Err(error) => return told.problems.push(format!("failed to write the report as JSON: {error}")),
    };
    // The message comes after, and matters more: it has as much time.
    let Some(limit) = allowance(ended, 2, ports) else {
        return told.problems.push("failed to store the report: no time was left".to_owned());
    };
    let (page_key, data_key) = (format!("{folder}/report.html"), format!("{folder}/report.json"));
    let page = html::page(report);
    let put = |key, content_type, body| {
        timely(ports.clock, limit, "s3:PutObject", "the archive", ports.archive.store(key, content_type, body))
    };
    let page = put(&page_key, "text/html; charset=utf-8", &page);
    let data = put(&data_key, "application/json", &json);
    let (page, data) = join(page, data).await;
    let mut address = |key: &str, stored: Result<String, CallError>| {
        stored.map_err(|error| told.problems.push(format!("failed to store {key}: {error}"))).ok()
    };
    let (page, data) = (address(&page_key, page), address(&data_key, data));
    told.stored = page.or(data);
}

async fn publish(message: &Message, ended: &Ended<'_>, ports: &Ports<'_>, told: &mut Told) {
    let Some(limit) = allowance(ended, 1, ports) else {
        return told.problems.push("failed to tell people: no time was left".to_owned());
    };
    let publish = ports.notices.publish(&message.subject, &message.body);
    if let Err(error) = timely(ports.clock, limit, "sns:Publish", "the topic", publish).await {
        told.problems.push(format!("failed to tell people: {error}"));
    }
}
