//! The journal in words, in the order of time.

use lifeboat_model::Timestamp;
use lifeboat_model::journal::{Effect, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::report::Line;
use lifeboat_model::verdict::Verdict;

use crate::figures::{duration, duration_or};

/// The journal in the order of time; what was written in one millisecond in the order in which it must have happened.
pub(crate) fn in_order(entries: &[Entry]) -> Vec<Entry> {
    let mut entries = entries.to_vec();
    entries.sort_by(|a, b| (a.at, rank(&a.note)).cmp(&(b.at, rank(&b.note))).then_with(|| a.key().cmp(&b.key())));
    entries
}

const fn rank(note: &Note) -> u8 {
    match note {
        Note::Assessed { .. } | Note::Approved { .. } => 0,
        Note::Intent { .. } | Note::WouldCall { .. } => 1,
        Note::Outcome { .. } => 2,
        Note::SourceLeft | Note::Ready { .. } => 3,
        Note::WritersVerified => 4,
        Note::TrafficVerified => 5,
        Note::Concluded { .. } => 6,
    }
}

/// The lines of the timeline, from `entries` in the order of time.
pub(crate) fn lines(entries: &[Entry], admitted_at: Option<Timestamp>, began_at: Timestamp) -> Vec<Line> {
    let line = |at: Timestamp, step, resource: &str, text| Line {
        at,
        at_s: at.seconds_since(began_at),
        step,
        resource: resource.to_owned(),
        text,
    };
    let plan = entries.iter().find(|e| e.step == Step::Conclude).map_or("", |e| e.resource.as_str());
    let admitted = admitted_at.map(|at| line(at, Step::Admit, plan, "admitted: the run holds the plan".to_owned()));
    let written = entries.iter().map(|e| line(e.at, e.step, &e.resource, words(&e.note)));
    admitted.into_iter().chain(written).collect()
}

/// A line of the journal in words.
pub fn words(note: &Note) -> String {
    match note {
        Note::Intent { attempt, call } => {
            format!("calls {} in {}, attempt {attempt}", call.operation, call.region)
        }
        Note::Outcome { attempt, effect, detail } => came_of_it(*attempt, *effect, detail),
        Note::Assessed { verdict } => verdict_in_words(verdict),
        Note::WouldCall { call } => format!("would call {} in {}", call.operation, call.region),
        Note::Approved { by, reason } => format!("approved by {by}: {reason}"),
        Note::SourceLeft => "every name answers with the target only".to_owned(),
        Note::Ready { what } => format!("ready: {what}"),
        Note::WritersVerified => "a fresh read shows every writer in the target".to_owned(),
        Note::TrafficVerified => "DNS and canaries agree that the target serves".to_owned(),
        Note::Concluded { outcome, .. } => format!("recorded: {}", outcome.as_str()),
    }
}

fn came_of_it(attempt: u32, effect: Effect, detail: &str) -> String {
    let what = match effect {
        Effect::Accepted => "accepted, request",
        Effect::None => "had no effect:",
        Effect::Unknown => "nobody knows its effect:",
    };
    let detail = if detail.is_empty() { "(none given)" } else { detail };
    format!("attempt {attempt} {what} {detail}")
}

fn verdict_in_words(verdict: &Verdict) -> String {
    let mut text = if verdict.go() {
        let loss = duration_or(verdict.predicted_rpo_s, "an unknown span");
        format!("go: would lose {loss} of writes, and serve after {}", duration(verdict.predicted_rto_s))
    } else {
        let reasons: Vec<String> = verdict.reasons.iter().map(ToString::to_string).collect();
        format!("refuses: {}", reasons.join("; "))
    };
    for warning in &verdict.warnings {
        text.push_str("; warning: ");
        text.push_str(&warning.to_string());
    }
    text
}
