//! The pure part of Lifeboat: what a plan, a request, a lock and evidence *are*, and every decision that a step makes.
//!
//! Guarantees: no async, no SDK, no clock, no randomness. Whatever depends on time takes the time as an argument.
//! Strings from outside become types here, once ([`read`]); a decision ([`decide`]) is a total function over those types.

pub mod arn;
pub mod decide;
pub mod ending;
pub mod error;
pub mod evidence;
pub mod execution;
pub mod facts;
pub mod journal;
pub mod limits;
pub mod lock;
pub mod plan;
pub mod read;
pub mod region;
pub mod report;
pub mod request;
pub mod settings;
pub mod stop;
pub mod time;
pub mod verdict;

pub use arn::Arn;
pub use error::{Reason, ReasonCode, StepError};
pub use plan::Plan;
pub use region::{Direction, Region};
pub use request::Request;
pub use time::{Period, Timestamp};
