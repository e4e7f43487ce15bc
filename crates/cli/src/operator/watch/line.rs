//! One thing that happened, as a line or as JSON.

use lifeboat_model::Timestamp;
use lifeboat_model::journal::Entry;
use lifeboat_report::figures::{clock_tenths, duration};
use lifeboat_report::text::{clean, shortened};
use serde_json::{Value, json};

use super::Ended;
use crate::cause;

/// The longest line, in characters.
const LINE_MAX: usize = 400;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A state was entered for the first time.
    Entered {
        /// The state.
        state: String,
        /// What it does.
        about: String,
    },
    /// A state was left.
    Left {
        /// The state.
        state: String,
        /// How long it took.
        took_s: f64,
    },
    /// A state's call failed; it may be tried again.
    Failed {
        /// The state.
        state: String,
        /// The error.
        error: String,
        /// Why.
        cause: String,
    },
    /// A line of the journal.
    Journal {
        /// The line.
        entry: Box<Entry>,
    },
    /// Nobody has answered for some time.
    Silent {
        /// For how long.
        for_s: f64,
        /// Why.
        error: String,
    },
    /// Somebody answers again.
    Answered,
    /// The run ended.
    Ended {
        /// How.
        ended: Ended,
    },
}

impl Line {
    /// For a person; times count from `origin`.
    pub fn in_words(&self, origin: Timestamp) -> String {
        let words = match &self.what {
            What::Entered { state, about } if about.is_empty() => format!("> {state}"),
            What::Entered { state, about } => format!("> {state}: {about}"),
            What::Left { state, took_s } => format!("< {state}, took {}", duration(*took_s)),
            What::Failed { state, error, cause } => {
                format!("! {state}: {}", cause::read(&format!("{error}: {cause}")).what)
            }
            What::Journal { entry } => {
                format!("  {} {}: {}", entry.step, entry.resource, lifeboat_report::in_words(&entry.note))
            }
            What::Silent { for_s, error } => format!("? no answer since {}; trying again ({error})", duration(*for_s)),
            What::Answered => "? answers again".to_owned(),
            What::Ended { ended } => format!("= {}", ended.word()),
        };
        let at = clock_tenths(self.at.seconds_since(origin));
        shortened(&format!("{at:>10}  {}", clean(&words)), LINE_MAX)
    }

    /// For a script.
    pub fn as_json(&self) -> Value {
        let mut json = match &self.what {
            What::Entered { state, .. } => json!({"kind": "entered", "state": state}),
            What::Left { state, took_s } => json!({"kind": "left", "state": state, "took_s": took_s}),
            What::Failed { state, error, cause } => {
                json!({"kind": "failed", "state": state, "error": error, "cause": cause})
            }
            What::Journal { entry } => json!({
                "kind": "journal", "step": entry.step, "resource": entry.resource, "note": entry.note,
                "words": lifeboat_report::in_words(&entry.note),
            }),
            What::Silent { for_s, error } => json!({"kind": "silent", "for_s": for_s, "error": error}),
            What::Answered => json!({"kind": "answered"}),
            What::Ended { ended } => json!({
                "kind": "ended", "outcome": ended.word(), "cause": ended.cause, "report": ended.report,
                "exit": ended.exit().code(),
            }),
        };
        json["at"] = json!(self.at);
        json
    }
}
