//! The simulator's HTTP face: the AWS wire protocols, served by a simulated world on loopback.
//!
//! Purpose: the shipped binaries, the AWS CLI and SAM talk to the simulated world as they talk to AWS.
//! Guarantees: listens where it is told to, on loopback unless a container has to reach it; calls nobody; what it does not
//! know it refuses with the error that AWS has for it. Effects: changes the world. Fails when: the port is taken.

pub mod callers;
pub mod cbor;
pub mod control;
pub mod face;
pub mod input;
pub mod line;
pub mod pace;
pub mod platform;
pub mod protocol;
pub mod query;
pub mod refusal;
pub mod reply;
pub mod request;
pub mod server;
pub mod services;
pub mod shape;
pub mod simulation;

pub use callers::{Act, Callers};
pub use face::{Face, Service};
pub use line::Line;
pub use pace::Pace;
pub use reply::Reply;
pub use request::{Request, Signature};
pub use server::{ServeError, listen, serve};
pub use simulation::{Options, Simulation};
