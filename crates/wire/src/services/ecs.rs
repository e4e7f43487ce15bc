//! Amazon ECS: services and their number of tasks.

use async_trait::async_trait;
use lifeboat_model::Region;
use lifeboat_model::evidence::{ServiceSeen, ServiceStatus};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::{Placement, Service};
use lifeboat_ports::Compute;

use super::{ACCOUNT, Asking, Done, Operations, first};
use crate::callers::Act;
use crate::protocol::{Api, Protocol};
use crate::refusal::{Code, Codes, Trouble};
use crate::shape::{Shape, integer, text};

const NO_CLUSTER: Code = (400, "ClusterNotFoundException");
const NO_SERVICE: Code = (400, "ServiceNotFoundException");

/// The service.
pub struct Ecs;

/// The last part of an ARN, or a name as it is.
fn name_in(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

/// The plan's services in the cluster that is asked about.
fn in_cluster(asking: &Asking<'_>) -> Result<Vec<(Service, Placement)>, Trouble> {
    let cluster = name_in(asking.input.text("cluster")?.unwrap_or("default"));
    let here =
        asking.plan().services.into_iter().filter_map(|s| s.placements.get(asking.region).cloned().map(|at| (s, at)));
    let here: Vec<_> = here.filter(|(_, at)| at.cluster == cluster).collect();
    if here.is_empty() {
        return Err(Trouble::Said(NO_CLUSTER, "Cluster not found.".to_owned()));
    }
    Ok(here)
}

async fn describe(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let here = in_cluster(asking)?;
    let expected = "1 to 10 names of services";
    let names = asking.input.texts("services")?.filter(|names| (1..=10).contains(&names.len()));
    let names = names.ok_or_else(|| asking.input.wrong("services", expected))?;
    let ports = asking.ports(Step::ScaleCompute, Act::Look);
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for name in &names {
        let Some((service, at)) = here.iter().find(|(_, at)| at.service == name_in(name)) else {
            failures.push(Shape::record([("arn", text(name)), ("reason", text("MISSING"))]));
            continue;
        };
        let seen = Compute::describe(&ports, service, asking.region).await?;
        services.push(described(at, asking.region, &seen));
    }
    let (services, failures) = (Shape::list("member", services), Shape::list("member", failures));
    Ok(Done::read(Shape::record([("services", services), ("failures", failures)])))
}

async fn update(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let name = name_in(asking.input.required("service")?);
    let is_it = |(_, at): &(Service, Placement)| at.service == name;
    let (service, at) = first(in_cluster(asking)?, is_it, NO_SERVICE, || "Service not found.".to_owned())?;
    let desired = asking.input.count("desiredCount")?;
    let desired = desired.ok_or_else(|| asking.input.wrong("desiredCount", "the only change that is simulated"))?;
    let ports = asking.ports(Step::ScaleCompute, Act::Change);
    let receipt = ports.raise_desired(&service, asking.region, desired).await?;
    let seen = asking.world().describe_service(&service, asking.region)?;
    let result = Shape::record([("service", Some(described(&at, asking.region, &seen)))]);
    Ok(Done::accepted(result, receipt))
}

#[async_trait(?Send)]
impl Operations for Ecs {
    fn api(&self) -> Api {
        Api { namespace: "", target: "AmazonEC2ContainerServiceV20141113", speaks: Protocol::Json11 }
    }

    fn codes(&self) -> Codes {
        Codes {
            unavailable: (503, "ServiceUnavailableException"),
            internal: (500, "ServerException"),
            not_found: NO_SERVICE,
            conflict: (400, "ServiceNotActiveException"),
            invalid: (400, "InvalidParameterException"),
            ..Codes::JSON
        }
    }

    async fn operate(&self, asking: &Asking<'_>) -> Result<Done, Trouble> {
        match asking.operation {
            "DescribeServices" => describe(asking).await,
            "UpdateService" => update(asking).await,
            _ => Err(Trouble::NoSuchOperation),
        }
    }
}

fn described(at: &Placement, region: &Region, seen: &ServiceSeen) -> Shape {
    let (cluster, service) = (&at.cluster, &at.service);
    let status = match &seen.status {
        ServiceStatus::Active => "ACTIVE",
        ServiceStatus::Other(word) => word,
    };
    Shape::record([
        ("serviceArn", text(format!("arn:aws:ecs:{region}:{ACCOUNT}:service/{cluster}/{service}"))),
        ("serviceName", text(service)),
        ("clusterArn", text(format!("arn:aws:ecs:{region}:{ACCOUNT}:cluster/{cluster}"))),
        ("status", text(status)),
        ("desiredCount", integer(seen.desired)),
        ("runningCount", integer(seen.running)),
        ("pendingCount", integer(seen.desired.saturating_sub(seen.running))),
        ("launchType", text("FARGATE")),
        ("schedulingStrategy", text("REPLICA")),
    ])
}
