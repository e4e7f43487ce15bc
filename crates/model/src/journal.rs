//! The write-ahead journal of a run: what was intended before each mutation, what came of it, and what was verified.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ending::Ending;
use crate::limits::Step;
use crate::report::Outcome;
use crate::verdict::Verdict;
use crate::{Region, Timestamp};

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The run.
    pub run_id: String,
    /// The epoch under which it was written.
    pub epoch: u64,
    /// The step that wrote it.
    pub step: Step,
    /// What it is about: a resource of the plan, or the plan itself.
    pub resource: String,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub note: Note,
}

impl Entry {
    /// The entry's key within its run. Two copies of one step that intend the same attempt write the same key, so that
    /// only one of them goes on.
    pub fn key(&self) -> String {
        let kind = match &self.note {
            Note::Intent { attempt, .. } => format!("{attempt:03}#intent"),
            Note::Outcome { attempt, .. } => format!("{attempt:03}#outcome"),
            Note::Ready { .. } => "ready".to_owned(),
            Note::WouldCall { .. }
            | Note::Assessed { .. }
            | Note::Approved { .. }
            | Note::SourceLeft
            | Note::WritersVerified
            | Note::TrafficVerified
            | Note::Concluded { .. } => format!("{:015}#note", self.at.as_ms()),
        };
        format!("{}#{}#{kind}", self.step, self.resource)
    }
}

/// What a line of the journal says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum Note {
    /// A mutating call is about to be made.
    Intent {
        /// Counted from 1 for each resource.
        attempt: u32,
        /// The call.
        call: Call,
    },
    /// What is known of a mutating call.
    Outcome {
        /// The attempt that it belongs to.
        attempt: u32,
        /// What came of it.
        effect: Effect,
        /// The service's words, or its request id.
        detail: String,
    },
    /// The verdict of `assess`.
    Assessed {
        /// The verdict.
        verdict: Verdict,
    },
    /// In a rehearsal: the call that would have been made.
    WouldCall {
        /// The call.
        call: Call,
    },
    /// A person approved the run.
    Approved {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Every name answers with the target only: from now on clients leave the source as their caches expire.
    SourceLeft,
    /// A resource other than a database is as the run needs it.
    Ready {
        /// What was seen.
        what: String,
    },
    /// A fresh read showed every writer in the target.
    WritersVerified,
    /// DNS and canaries agree that the target serves.
    TrafficVerified,
    /// How the run ended.
    Concluded {
        /// The outcome.
        outcome: Outcome,
        /// What the run was; absent when its request or its plan could not be read.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        ending: Option<Box<Ending>>,
    },
}

impl Note {
    /// The attempt and the call that this is the intent of.
    pub fn intent(&self) -> Option<(u32, &Call)> {
        if let Self::Intent { attempt, call } = self { Some((*attempt, call)) } else { None }
    }

    /// The attempt that this is the outcome of, what came of it, and the service's words or its request id.
    pub fn outcome(&self) -> Option<(u32, Effect, &str)> {
        if let Self::Outcome { attempt, effect, detail } = self { Some((*attempt, *effect, detail)) } else { None }
    }

    /// The call that this intends, or in a rehearsal would intend.
    pub fn planned_call(&self) -> Option<&Call> {
        if let Self::Intent { call, .. } | Self::WouldCall { call } = self { Some(call) } else { None }
    }

    /// Who approved, and why, if that is what this records.
    pub fn approval(&self) -> Option<(&str, &str)> {
        if let Self::Approved { by, reason } = self { Some((by, reason)) } else { None }
    }

    /// The outcome that this records, and what the run was.
    pub fn conclusion(&self) -> Option<(Outcome, Option<&Ending>)> {
        if let Self::Concluded { outcome, ending } = self { Some((*outcome, ending.as_deref())) } else { None }
    }

    /// The verdict that this records.
    pub fn verdict(&self) -> Option<&Verdict> {
        if let Self::Assessed { verdict } = self { Some(verdict) } else { None }
    }
}

/// A mutating call, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The operation, such as `rds:FailoverGlobalCluster`.
    pub operation: String,
    /// The Region or endpoint that it is sent to.
    pub region: Region,
    /// Its parameters.
    pub parameters: BTreeMap<String, String>,
}

/// What came of a mutating call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The service accepted it.
    Accepted,
    /// The service refused it, or it never got there: nothing happened.
    None,
    /// Nobody knows: a time-out, a lost reply, an internal error.
    Unknown,
}

/// What the journal of a run says about the mutation of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attempts {
    /// How many calls were intended.
    pub count: u32,
    /// When the first call was intended.
    pub first_at: Option<Timestamp>,
    /// When a call was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When the last call of unknown fate was intended (no outcome written counts as unknown).
    pub unknown_at: Option<Timestamp>,
}

impl Attempts {
    /// Reads them out of a run's journal.
    pub fn of(entries: &[Entry], step: Step, resource: &str) -> Self {
        let mut effects: BTreeMap<u32, (Timestamp, Effect)> = BTreeMap::new();
        for entry in entries.iter().filter(|e| e.step == step && e.resource == resource) {
            if let Some((attempt, _)) = entry.note.intent() {
                effects.entry(attempt).or_insert((entry.at, Effect::Unknown)).0 = entry.at;
            }
            if let Some((attempt, effect, _)) = entry.note.outcome() {
                effects.entry(attempt).or_insert((entry.at, effect)).1 = effect;
            }
        }
        let last_with = |wanted: Effect| effects.values().filter(|(_, e)| *e == wanted).map(|(at, _)| *at).max();
        Self {
            count: effects.keys().max().copied().unwrap_or(0),
            first_at: effects.values().map(|(at, _)| *at).min(),
            accepted_at: last_with(Effect::Accepted),
            unknown_at: last_with(Effect::Unknown),
        }
    }

    /// The same after one more call that was intended `at` and had this `effect`.
    #[must_use]
    pub fn and(mut self, at: Timestamp, effect: Effect) -> Self {
        self.count += 1;
        self.first_at = self.first_at.or(Some(at));
        match effect {
            Effect::Accepted => self.accepted_at = Some(at),
            Effect::Unknown => self.unknown_at = Some(at),
            Effect::None => {}
        }
        self
    }
}

/// Whether any call of the run that changes data or traffic took effect, or may have. Capacity that was added in the target
/// is neither: it serves nobody before traffic moves, and staying it does no harm.
pub fn may_have_changed_something(entries: &[Entry]) -> bool {
    entries.iter().filter(|e| e.step != Step::ScaleCompute).any(|entry| {
        let by_intent = || {
            let attempts = Attempts::of(entries, entry.step, &entry.resource);
            attempts.accepted_at.is_some() || attempts.unknown_at.is_some()
        };
        let by_outcome = entry.note.outcome().is_some_and(|(_, effect, _)| effect != Effect::None);
        by_outcome || entry.note.intent().is_some() && by_intent()
    })
}

/// Whether `step` saw `resource` as the run needs it.
pub fn is_ready(entries: &[Entry], step: Step, resource: &str) -> bool {
    entries.iter().any(|e| e.step == step && e.resource == resource && matches!(e.note, Note::Ready { .. }))
}

/// Whether a call was intended whose outcome nobody has written: it may be on its way.
pub fn has_call_under_way(entries: &[Entry]) -> bool {
    entries.iter().any(|e| is_under_way(e, entries))
}

/// Whether `step` intends a call about `resource` whose outcome nobody has written.
pub fn intends(entries: &[Entry], step: Step, resource: &str) -> bool {
    entries.iter().any(|e| e.step == step && e.resource == resource && is_under_way(e, entries))
}

fn is_under_way(entry: &Entry, entries: &[Entry]) -> bool {
    let Some((attempt, _)) = entry.note.intent() else { return false };
    let same = entries.iter().filter(|e| (e.step, &e.resource) == (entry.step, &entry.resource));
    !same.filter_map(|e| e.note.outcome()).any(|(of, ..)| of == attempt)
}

/// The newest time at which the run's journal carries a note that `wanted` accepts.
pub fn newest(entries: &[Entry], wanted: impl Fn(&Note) -> bool) -> Option<Timestamp> {
    entries.iter().filter(|e| wanted(&e.note)).map(|e| e.at).max()
}

/// The newest verdict in the run's journal.
pub fn newest_verdict(entries: &[Entry]) -> Option<&Verdict> {
    let verdicts = entries.iter().filter_map(|e| Some((e.at, e.note.verdict()?)));
    verdicts.max_by_key(|(at, _)| *at).map(|(_, verdict)| verdict)
}
