//! Elastic Load Balancing: the health of a service's tasks.

use async_trait::async_trait;
use lifeboat_model::evidence::ServiceSeen;
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Service;

use super::{Asking, Done, Operations, first};
use crate::callers::Act;
use crate::protocol::{Api, Protocol};
use crate::refusal::{Code, Codes, Trouble};
use crate::shape::{Shape, integer, text};

const NO_GROUP: Code = (400, "TargetGroupNotFound");

/// The service.
pub struct Balancing;

async fn health(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let group = asking.input.required("TargetGroupArn")?;
    let is_it = |service: &Service| {
        let placement = service.placements.get(asking.region);
        placement.and_then(|p| p.target_group.as_ref()).is_some_and(|arn| arn.as_str() == group)
    };
    let service = first(asking.plan().services, is_it, NO_GROUP, || format!("Target groups '{group}' not found"))?;
    let ports = asking.ports(Step::ScaleCompute, Act::Look);
    let seen = ports.describe_health(&service, asking.region).await?;
    Ok(Done::read(Shape::record([("TargetHealthDescriptions", Shape::list("member", targets(&seen)))])))
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
        Codes { not_found: NO_GROUP, invalid: (400, "ValidationError"), ..Codes::QUERY }
    }

    async fn operate(&self, asking: &Asking<'_>) -> Result<Done, Trouble> {
        match asking.operation {
            "DescribeTargetHealth" => health(asking).await,
            _ => Err(Trouble::NoSuchOperation),
        }
    }
}
