//! The message that people get when a run has ended: outcome and what to do next first.

use lifeboat_model::journal::Effect;
use lifeboat_model::report::{Outcome, RtoFrom, RunReport, Standing};
use lifeboat_model::request::{Purpose, Trigger};

use crate::figures::duration;
use crate::text::{clean, shortened};

/// What the notification service takes as a subject, in ASCII characters.
const SUBJECT_MAX: usize = 100;
/// The longest that one text from outside may be in the body, in characters; the report has it whole.
const TEXT_MAX: usize = 4000;
/// How many resources are named; the report names the rest.
const NAMES_MAX: usize = 20;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// At most 100 ASCII characters on one line.
    pub subject: String,
    /// Plain text, far below the 256 KiB that the service takes.
    pub body: String,
}

/// The message about a run that has a report, which is at `address` unless it could not be stored.
pub fn of(report: &RunReport, address: Result<&str, &str>) -> Message {
    let mut lines = opening(report.outcome, &report.what_next, report.cause.as_deref());
    let mode = match report.purpose {
        Purpose::Act => report.mode.as_str().to_owned(),
        Purpose::Rehearse => format!("rehearsal of a {}", report.mode.as_str()),
    };
    let (source, target) = (&report.source, &report.target);
    lines.push(format!("Run:         {mode} of {} from {source} to {target}, {}", report.plan, asked(&report.trigger)));
    lines.push(format!("Took:        {}, ended {}", duration(report.run_s), report.ended_at));
    lines.push(format!("Recovery:    {}", recovery(report)));
    lines.push(format!("Data loss:   {}", data_loss(report)));
    if let Some(approver) = &report.approver {
        lines.push(format!("Approved by: {}: {}", bounded(&approver.by), bounded(&approver.reason)));
    }
    if let Some(stopped) = &report.stopped {
        lines.push(format!("Stopped by:  {}", bounded(stopped)));
    }
    if let Some(consent) = &report.consent {
        let by = bounded(&consent.accepted_by);
        lines.push(format!("Consent:     {by} accepted the loss of at most {}", consent.max_data_loss));
    }
    let left: Vec<String> = report.left_behind.iter().map(|l| format!("{} ({})", l.resource, l.step)).collect();
    if !left.is_empty() {
        lines.push(format!("Left behind: {}", named(&left)));
    }
    if !report.still_suspended.is_empty() {
        lines.push(format!("Scaling in is still suspended: {}", named(&report.still_suspended)));
    }
    let unknown = report.calls.iter().filter(|c| c.effect == Effect::Unknown).count();
    if unknown > 0 {
        lines.push(format!("Of {unknown} of {} calls nobody knows the effect", report.calls.len()));
    }
    lines.push(String::new());
    lines.push(match address {
        Ok(address) => format!("Report: {address}"),
        Err(problem) => format!("Report: not stored: {}", bounded(problem)),
    });
    lines.push(format!("Execution: {}", clean(&report.run_id)));
    let subject = format!("Lifeboat: {}: {} to {}", report.outcome.as_str(), report.plan, report.target);
    Message { subject: one_line(&subject), body: lines.join("\n") + "\n" }
}

/// The message about a run that has no report: `why_no_report` says why.
pub fn without_report(plan: &str, run_id: &str, outcome: Outcome, cause: Option<&str>, why_no_report: &str) -> Message {
    let mut lines = opening(outcome, outcome.what_next(), cause);
    lines.push(format!("Plan: {}", bounded(plan)));
    lines.push(format!("Report: none: {}", bounded(why_no_report)));
    lines.push(format!("Execution: {}", bounded(run_id)));
    let subject = format!("Lifeboat: {}: {plan}", outcome.as_str());
    Message { subject: one_line(&subject), body: lines.join("\n") + "\n" }
}

fn opening(outcome: Outcome, what_next: &str, cause: Option<&str>) -> Vec<String> {
    let mut lines = vec![format!("Outcome: {}", outcome.as_str()), format!("What next: {what_next}")];
    if let Some(cause) = cause {
        lines.push(format!("Cause: {}", bounded(cause)));
    }
    lines.push(String::new());
    lines
}

/// Who or what asked, in a few words.
pub(crate) fn asked(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Operator { name: Some(name) } => format!("started by {}", bounded(name)),
        Trigger::Operator { name: None } => "started by a person".to_owned(),
        Trigger::Alarm { alarm, transition_at } => format!("started by alarm {} of {transition_at}", bounded(alarm)),
    }
}

/// The measured recovery time, what it counts from, and how it stands.
pub(crate) fn recovery(report: &RunReport) -> String {
    let measured = &report.measured;
    match (measured.rto_s, measured.rto_from) {
        (Some(rto_s), Some(from)) => {
            let from = match from {
                RtoFrom::Impairment => "from the source's first failure",
                RtoFrom::Run => "from the run's beginning",
            };
            format!("{} {from}; {}", duration(rto_s), against(measured.rto, report.objectives.rto_s))
        }
        (Some(_) | None, _) => format!("not seen; objective {}", duration(report.objectives.rto_s)),
    }
}

/// The bound of the data loss, and how it stands.
pub(crate) fn data_loss(report: &RunReport) -> String {
    match report.measured.rpo_s {
        Some(rpo_s) => {
            format!("at most {}; {}", duration(rpo_s), against(report.measured.rpo, report.objectives.rpo_s))
        }
        None => format!("not known, or not at stake; objective {}", duration(report.objectives.rpo_s)),
    }
}

fn against(standing: Option<Standing>, objective_s: f64) -> String {
    format!("objective {}: {}", duration(objective_s), standing.map_or("not known", Standing::as_str))
}

pub(crate) fn bounded(text: &str) -> String {
    shortened(&clean(text), TEXT_MAX)
}

fn named(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(NAMES_MAX).map(|n| bounded(n)).collect();
    match names.len().checked_sub(NAMES_MAX) {
        None | Some(0) => shown.join(", "),
        Some(more) => format!("{} and {more} more", shown.join(", ")),
    }
}

pub(crate) fn one_line(subject: &str) -> String {
    let ascii = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    subject.chars().map(ascii).take(SUBJECT_MAX).collect()
}
