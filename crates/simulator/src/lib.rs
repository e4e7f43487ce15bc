//! A two-Region world with virtual time, and the runner that executes the shipped state machine in it.
//!
//! Purpose: drills on a laptop, and tests that see every call. The steps are the shipped ones, behind their ports; the
//! state machine is the shipped file. What is simulated is AWS, the clients and time.
//! Guarantees: the same plan, scenario and seed give the same report, to the byte. Every simulated call is followed by
//! a check of the invariants ([`invariants`]).

pub mod compare;
pub mod drill;
pub mod executor;
pub mod explore;
pub mod faults;
pub mod invariants;
pub mod machine;
mod measure;
pub mod orders;
pub mod scenario;
pub mod service_times;
pub mod world;

pub use compare::{CompareOptions, Compared, Comparison, Spread, compare};
pub use drill::{DrillOptions, Played, drill, play};
pub use orders::Order;
pub use scenario::Scenario;
pub use world::World;
