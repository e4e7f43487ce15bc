//! The verdict of `assess`: go or refuse, with every reason at once, and what a run would cost.

use serde::{Deserialize, Serialize};

use crate::{Reason, Timestamp};

/// Go or refuse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// When the evidence was complete.
    pub assessed_at: Timestamp,
    /// Why not; empty means go.
    pub reasons: Vec<Reason>,
    /// What is not well without being a reason to refuse: best-effort resources, and what cannot be known.
    #[serde(default)]
    pub warnings: Vec<Reason>,
    /// The data that would be lost, in seconds; `None` when it cannot be known. A switchover loses 0.
    pub predicted_rpo_s: Option<f64>,
    /// From the source's first failure (or from now) to clients served by the target, in seconds.
    pub predicted_rto_s: f64,
    /// When canaries first saw the source fail, if they did.
    pub impaired_since: Option<Timestamp>,
}

impl Verdict {
    /// Whether the run may go on.
    pub fn go(&self) -> bool {
        self.reasons.is_empty()
    }
}
