//! The workload's services, one file each.
//!
//! Purpose: from the wire to the world's ports and back; the inverse of `crates/aws`. Guarantees: every operation is one
//! call of the world, or one for each resource that it is about: with its latency, darkness, faults, record and checks.
//! What an operation does not know it refuses. Effects: those of the operations. Fails when: the world's call does.

pub mod balancing;
pub mod ecs;
pub mod elasticache;
pub mod metrics;
pub mod mq;
pub mod rds;
pub mod routing;
pub mod scaling;
pub mod tables;

use std::cell::Cell;
use std::rc::Rc;

use async_trait::async_trait;
use lifeboat_model::Region;
use lifeboat_ports::Receipt;

use crate::callers::Callers;
use crate::face::{Face, Service};
use crate::input::Input;
use crate::protocol::{Api, Asked};
use crate::refusal::{Codes, Refusal, Trouble};
use crate::reply::Reply;
use crate::request::Request;
use crate::shape::Shape;

/// The account of everything in the world.
pub const ACCOUNT: &str = "111122223333";

/// A service of operations by name.
#[async_trait(?Send)]
pub trait Operations {
    /// What it is called.
    fn api(&self) -> Api;

    /// How it refuses.
    fn codes(&self) -> Codes;

    /// Carries out what is asked.
    ///
    /// # Errors
    /// What stands against it.
    async fn operate(&self, asking: &Asking<'_>) -> Result<Done, Trouble>;
}

/// What is asked, by whom and where.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The operation.
    pub operation: &'a str,
    /// Its parameters.
    pub input: &'a Input,
    /// The caller's access key.
    pub key: &'a str,
    /// The Region that it was sent to.
    pub region: &'a Region,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Done {
    /// The answer.
    pub result: Shape,
    /// The world's receipt, for what it accepted.
    pub receipt: Option<Receipt>,
}

impl Done {
    /// Something was read.
    pub const fn read(result: Shape) -> Self {
        Self { result, receipt: None }
    }

    /// Something was accepted.
    pub const fn accepted(result: Shape, receipt: Receipt) -> Self {
        Self { result, receipt: Some(receipt) }
    }
}

/// The ids of requests that the world gives no receipt for.
#[derive(Debug, Default)]
pub struct RequestIds(Cell<u64>);

impl RequestIds {
    /// The next one.
    pub fn next(&self) -> String {
        self.0.set(self.0.get() + 1);
        format!("00000000-0000-4000-8000-{:012x}", self.0.get())
    }
}

/// Answers for a service, in the protocol of each request.
struct Spoken<O> {
    operations: O,
    ids: RequestIds,
}

#[async_trait(?Send)]
impl<O: Operations> Service for Spoken<O> {
    async fn serve(&self, request: &Request) -> Reply {
        let (api, id) = (self.operations.api(), self.ids.next());
        let Some(signature) = &request.signature else { return Reply::Gone };
        let asked = match Asked::read(&api, request) {
            Ok(asked) => asked,
            Err((protocol, refusal)) => return protocol.refuse(&api, &refusal, &id),
        };
        let (protocol, operation, input) = (asked.protocol, asked.operation, Input::new(asked.parameters));
        let asking =
            Asking { operation: &operation, input: &input, key: &signature.access_key, region: &signature.region };
        match self.operations.operate(&asking).await {
            Ok(done) => {
                let id = done.receipt.map(|receipt| receipt.request_id).unwrap_or(id);
                protocol.answer(&api, &operation, &done.result, &id)
            }
            Err(trouble) => {
                let refusal = Refusal::of(trouble, &operation, &self.operations.codes());
                protocol.refuse(&api, &refusal, &id)
            }
        }
    }
}

/// `operations` in whichever protocol they are asked for.
pub fn spoken(operations: impl Operations + 'static) -> Rc<dyn Service> {
    Rc::new(Spoken { operations, ids: RequestIds::default() })
}

/// `face` with all services of the workload.
#[must_use]
pub fn with_workload(face: Face, callers: &Callers) -> Face {
    let callers = || callers.clone();
    face.with("rds", spoken(rds::Rds::new(callers())))
        .with("elasticache", spoken(elasticache::ElastiCache::new(callers())))
        .with("mq", Rc::new(mq::Mq::new(callers())))
        .with("ecs", spoken(ecs::Ecs::new(callers())))
        .with("application-autoscaling", spoken(scaling::Scaling::new(callers())))
        .with("elasticloadbalancing", spoken(balancing::Balancing::new(callers())))
        .with("monitoring", spoken(metrics::CloudWatch::new(callers())))
        .with("route53-recovery-cluster", spoken(routing::RoutingCluster::new(callers())))
}
