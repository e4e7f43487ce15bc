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
use lifeboat_model::limits::Step;
use lifeboat_model::{Plan, Region};
use lifeboat_ports::Receipt;
use lifeboat_simulator::World;
use lifeboat_simulator::world::SimPorts;

use crate::callers::{Act, Callers};
use crate::face::{Face, Service};
use crate::input::Input;
use crate::protocol::{Api, Asked};
use crate::refusal::{Code, Codes, Refusal, Trouble};
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
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// Who calls.
    callers: &'a Callers,
    /// The operation.
    pub operation: &'a str,
    /// Its parameters.
    pub input: &'a Input,
    /// The caller's access key.
    pub key: &'a str,
    /// The Region that it was sent to.
    pub region: &'a Region,
}

impl Asking<'_> {
    /// The world.
    pub const fn world(&self) -> &World {
        self.callers.world()
    }

    /// The world's plan.
    pub fn plan(&self) -> Plan {
        self.world().state().plan.clone()
    }

    /// The ports on which it is answered; `likewise` is the step that makes such a call.
    pub fn ports(&self, likewise: Step, act: Act) -> SimPorts {
        self.callers.ports(self.key, likewise, act, self.region)
    }
}

/// The first of `all` that `is_it` names.
///
/// # Errors
/// There is none: the service says so with `code` and `words`.
pub fn first<T>(
    all: Vec<T>,
    is_it: impl Fn(&T) -> bool,
    code: Code,
    words: impl FnOnce() -> String,
) -> Result<T, Trouble> {
    all.into_iter().find(is_it).ok_or_else(|| Trouble::Said(code, words()))
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
    callers: Callers,
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
        let (callers, key, region) = (&self.callers, &signature.access_key, &signature.region);
        let asking = Asking { callers, operation: &operation, input: &input, key, region };
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

/// `operations` in whichever protocol `callers` ask for them.
fn spoken(operations: impl Operations + 'static, callers: &Callers) -> Rc<dyn Service> {
    Rc::new(Spoken { operations, callers: callers.clone(), ids: RequestIds::default() })
}

/// `face` with all services of the workload.
#[must_use]
pub fn with_workload(face: Face, callers: &Callers) -> Face {
    face.with("rds", spoken(rds::Rds, callers))
        .with("elasticache", spoken(elasticache::ElastiCache, callers))
        .with("mq", Rc::new(mq::Mq::new(callers.clone())))
        .with("ecs", spoken(ecs::Ecs, callers))
        .with("application-autoscaling", spoken(scaling::Scaling, callers))
        .with("elasticloadbalancing", spoken(balancing::Balancing, callers))
        .with("monitoring", spoken(metrics::CloudWatch, callers))
        .with("route53-recovery-cluster", spoken(routing::RoutingCluster, callers))
}
