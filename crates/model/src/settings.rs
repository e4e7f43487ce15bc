//! The kill switch.

use serde::{Deserialize, Serialize};

/// What a person has set for one plan and for all plans together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Why no run may start or pass its point of no return; `None` when runs are allowed.
    pub disabled: Option<String>,
}
