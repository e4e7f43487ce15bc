//! What the journal says of the resources of a run that is followed.

use lifeboat_model::journal::{Effect, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Requirement;

use super::{Follow, Line, What};
use crate::live::rows::{Rows, Status};

impl Follow {
    /// Takes the journal, and answers what is new in it.
    pub fn read(&mut self, entries: &[Entry]) -> Vec<Line> {
        let mut new: Vec<&Entry> = entries.iter().filter(|e| !self.entries.contains_key(&e.key())).collect();
        new.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.key().cmp(&b.key())));
        let mut lines = Vec::new();
        for entry in new {
            self.entries.insert(entry.key(), entry.clone());
            self.show(entry);
            lines.push(Line { at: entry.at, what: What::Journal { entry: Box::new(entry.clone()) } });
        }
        lines
    }

    /// Shows a line of the journal where its resource is.
    fn show(&mut self, entry: &Entry) {
        let at_s = self.since_start(entry.at);
        let about = match &entry.note {
            Note::Intent { call, attempt } => format!("calls {}, attempt {attempt}", call.operation),
            Note::WouldCall { call } => format!("would call {}", call.operation),
            Note::Outcome { effect: Effect::Accepted, .. } => "accepted; waits until it is done".to_owned(),
            Note::Outcome { effect: Effect::None, detail, .. } => format!("had no effect: {detail}"),
            Note::Outcome { effect: Effect::Unknown, .. } => "nobody knows its effect; looks again".to_owned(),
            Note::Ready { what } => what.clone(),
            Note::Assessed { .. }
            | Note::Approved { .. }
            | Note::SourceLeft
            | Note::WritersVerified
            | Note::TrafficVerified
            | Note::Concluded { .. } => return,
        };
        let map = self.map_of(entry);
        let of_map = map.and_then(|map| self.rows.row(map, None)).map(|row| row.status.clone());
        let Some(row) = map.and_then(|map| self.rows.item(map, &entry.resource)) else { return };
        let since_s = *row.first_s.get_or_insert(at_s);
        let is_ready = matches!(entry.note, Note::Ready { .. } | Note::WouldCall { .. });
        row.status = match of_map {
            _ if is_ready => Status::Done { took_s: at_s - since_s },
            Some(Status::Done { .. }) => Status::Done { took_s: at_s - since_s },
            Some(Status::Failed { .. }) => Status::Failed { problem: format!("not finished; {about}") },
            Some(Status::Pending | Status::Running { .. }) | None => Status::Running { since_s },
        };
        row.about = about;
    }

    /// The map in whose rows a resource is shown.
    fn map_of(&mut self, entry: &Entry) -> Option<&'static str> {
        let best_effort = self.plan.as_ref().is_some_and(|plan| {
            plan.resources_of(entry.step, Requirement::BestEffort).any(|name| name.as_str() == entry.resource)
        });
        let begun = |rows: &mut Rows, map: &str| rows.row(map, None).is_some_and(|row| row.first_s.is_some());
        match entry.step {
            Step::ScaleCompute | Step::PromoteCache | Step::PromoteBroker | Step::CheckTable if best_effort => {
                Some("MoveBestEffortResources")
            }
            Step::ScaleCompute if begun(&mut self.rows, "ReleaseCompute") => Some("ReleaseCompute"),
            Step::ScaleCompute if begun(&mut self.rows, "ScaleServices") => Some("ScaleServices"),
            Step::ScaleCompute if begun(&mut self.rows, "ScaleServicesFirst") => Some("ScaleServicesFirst"),
            Step::ScaleCompute => Some("ScaleServices"),
            Step::PromoteDatabase => Some("PromoteDatabases"),
            Step::PromoteCache => Some("PromoteCaches"),
            Step::PromoteBroker => Some("PromoteBrokers"),
            Step::CheckTable => Some("CheckTables"),
            Step::StartRun
            | Step::Admit
            | Step::Assess
            | Step::RequestApproval
            | Step::IsolateSource
            | Step::VerifyWriters
            | Step::ShiftTraffic
            | Step::VerifyTraffic
            | Step::Conclude => None,
        }
    }
}
