//! Every decision that a step makes: pure, total, and tried over its whole input space.

mod admit;
mod approve;
mod assess;
mod assess_resources;
mod authority;
mod check_table;
mod conclude;
mod isolate_source;
mod promote_broker;
mod promote_cache;
mod promote_database;
mod promotion;
mod scale_compute;
mod shift_traffic;
mod start_run;
mod verify_traffic;
mod verify_writers;

pub use admit::{Admit, admit};
pub use approve::{Answer, Answered, CONSENT_OF_APPROVAL, Decision, Unanswerable, answer_belongs_in, approve};
pub use assess::{DatabaseSeen, Seen, assess, is_older_outage};
pub use assess_resources::{ResourceSeen, ResourcesSeen};
pub use authority::consent_objection;
pub use check_table::{TableCheck, check_table, source_left_at, table_is_behind, table_readiness};
pub use conclude::{Conclusion, Failure, conclude, left_behind};
pub use isolate_source::{Departure, Isolation, isolate_source, source_departure};
pub use promote_broker::{Drain, broker_readiness, drain_broker, promote_broker};
pub use promote_cache::{cache_is_behind, cache_readiness, promote_cache};
pub use promote_database::promote_database;
pub use promotion::{Ground, Promotion};
pub use scale_compute::{Raise, Scaling, ScalingCalls, ServiceFacts, compute_readiness, raises, scale_compute};
pub use shift_traffic::{RoutingRefusal, Shift, routing_refusal, shift_traffic};
pub use start_run::{AlarmState, NotStarted, Start, TRANSITION_FRESH, Transition, start_run};
pub use verify_traffic::{NameSeen, Traffic, verify_traffic};
pub use verify_writers::verify_writers;

use crate::Timestamp;
use crate::evidence::{CanaryResults, Point};
use crate::limits::{CANARY_FRESH, GREEN_PERCENT};

/// What the newest result of a canary says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Light {
    Green,
    Red,
    /// No result, or one too old to speak for now.
    Unknown,
}

fn is_green(point: &Point) -> bool {
    point.value >= GREEN_PERCENT
}

fn light(results: &CanaryResults, now: Timestamp) -> Light {
    match results.points.last() {
        Some(point) if point.at < now.minus(CANARY_FRESH) => Light::Unknown,
        Some(point) if is_green(point) => Light::Green,
        Some(_) => Light::Red,
        None => Light::Unknown,
    }
}
