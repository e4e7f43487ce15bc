//! Elastic Load Balancing: the health of a service's tasks.

use async_trait::async_trait;
use lifeboat_model::evidence::ServiceSeen;
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Service;

use super::{Asking, Done, Operations};
use crate::callers::{Act, Callers};
use crate::protocol::{Api, Protocol};
use crate::refusal::{Code, Codes, Trouble};
use crate::shape::{Shape, integer, text};

const NO_GROUP: Code = (400, "TargetGroupNotFound");

/// The service.
pub struct Balancing {
    callers: Callers,
}

impl Balancing {
    /// The service on the callers' world.
    pub const fn new(callers: Callers) -> Self {
        Self { callers }
    }

    async fn health(&self, asking: &Asking<'_>) -> Result<Done, Trouble> {
        let group = asking.input.required("TargetGroupArn")?;
        let is_it = |service: &Service| {
            let placement = service.placements.get(asking.region);
            placement.and_then(|p| p.target_group.as_ref()).is_some_and(|arn| arn.as_str() == group)
        };
        let found = self.callers.world().state().plan.services.iter().find(|s| is_it(s)).cloned();
        let missing = || Trouble::Said(NO_GROUP, format!("Target groups '{group}' not found"));
        let service = found.ok_or_else(missing)?;
        let ports = self.callers.ports(asking.key, Step::ScaleCompute, Act::Look, asking.region);
        let seen = ports.describe_health(&service, asking.region).await?;
        Ok(Done::read(Shape::record([("TargetHealthDescriptions", Shape::list("member", targets(&seen)))])))
    }
}

/// The tasks that are healthy, and those that are on their way.
fn targets(seen: &ServiceSeen) -> Vec<Shape> {
    let healthy = seen.healthy.unwrap_or(0);
    let target = |n: u32| {
        let state = if n < healthy { "healthy" } else { "initial" };
        let address = format!("10.0.{}.{}", n / 250, n % 250 + 4);
        Shape::record([
            ("Target", Some(Shape::record([("Id", text(address)), ("Port", integer(8080))]))),
            ("HealthCheckPort", text("8080")),
            ("TargetHealth", Some(Shape::record([("State", text(state))]))),
        ])
    };
    (0..seen.desired.max(healthy)).map(target).collect()
}

#[async_trait(?Send)]
impl Operations for Balancing {
    fn api(&self) -> Api {
        let namespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
        Api { namespace, target: "ElasticLoadBalancing_v10", speaks: Protocol::Query }
    }

    fn codes(&self) -> Codes {
        Codes {
            throttled: (400, "Throttling"),
            unavailable: (503, "ServiceUnavailable"),
            internal: (500, "InternalFailure"),
            denied: (403, "AccessDenied"),
            not_found: NO_GROUP,
            conflict: (409, "OperationAborted"),
            invalid: (400, "ValidationError"),
            unknown_operation: (400, "InvalidAction"),
        }
    }

    async fn operate(&self, asking: &Asking<'_>) -> Result<Done, Trouble> {
        match asking.operation {
            "DescribeTargetHealth" => self.health(asking).await,
            _ => Err(Trouble::NoSuchOperation),
        }
    }
}
