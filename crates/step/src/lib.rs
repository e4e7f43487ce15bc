//! What every step shares. A step is *observe, decide, act, confirm*; this crate holds the parts around the decision:
//! entering under the lock ([`Run::enter`]), the journalled and fenced call ([`Mutation::perform`]), reading the routing
//! controls on whichever endpoint answers ([`routing`]), and the reply.

mod mutation;
pub mod names;
mod reply;
pub mod routing;
mod run;
mod share;

pub use mutation::{Called, Mutation, Performed};
pub use reply::{Reply, Status};
pub use run::{Rehearsal, Run, RunMessage, RunRef, SharedJournal};
pub use share::{Pace, ShareMessage, see_to_all};

use lifeboat_model::StepError;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads the message that a state sends to a step.
///
/// # Errors
/// `Lifeboat.Rejected`, naming what is wrong: the message comes from our own state machine, or from a hand.
pub fn parse<T: DeserializeOwned>(event: &Value) -> Result<T, StepError> {
    serde_json::from_value(event.clone()).map_err(|error| {
        StepError::malformed(
            "event",
            format!("a message that cannot be read ({error})"),
            "the message that the state machine sends this step",
        )
    })
}
