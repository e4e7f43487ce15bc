//! Application Auto Scaling: the limits of ECS services, and whether they scale in.

use async_trait::async_trait;
use lifeboat_model::Timestamp;
use lifeboat_model::evidence::{ScaleIn, ServiceSeen};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::{Placement, Service};
use lifeboat_simulator::world::compute::ScalingChange;

use super::{ACCOUNT, Asking, Done, Operations, first};
use crate::callers::Act;
use crate::input::Input;
use crate::protocol::{Api, Protocol};
use crate::refusal::{Code, Codes, Trouble};
use crate::shape::{Shape, integer, text, truth};

const NO_TARGET: Code = (400, "ObjectNotFoundException");
const DIMENSION: &str = "ecs:service:DesiredCount";

/// The service.
pub struct Scaling;

fn id_of(at: &Placement) -> String {
    format!("service/{}/{}", at.cluster, at.service)
}

/// The plan's services in the Region, with the ids that they have here.
fn here(asking: &Asking<'_>) -> Result<Vec<(String, Service)>, Trouble> {
    if asking.input.required("ServiceNamespace")? != "ecs" {
        return Err(asking.input.wrong("ServiceNamespace", "ecs, the only one that is simulated").into());
    }
    if asking.input.text("ScalableDimension")?.is_some_and(|d| d != DIMENSION) {
        return Err(asking.input.wrong("ScalableDimension", DIMENSION).into());
    }
    Ok(asking
        .plan()
        .services
        .into_iter()
        .filter_map(|s| s.placements.get(asking.region).map(id_of).map(|id| (id, s)))
        .collect())
}

async fn describe(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let ids = asking.input.texts("ResourceIds")?;
    let asked = |id: &String| ids.as_ref().is_none_or(|ids| ids.contains(id));
    let ports = asking.ports(Step::ScaleCompute, Act::Look);
    let began = asking.world().state().log.began();
    let mut targets = Vec::new();
    for (id, service) in here(asking)?.into_iter().filter(|(id, _)| asked(id)) {
        let seen = ports.describe_scaling(&service, asking.region).await?;
        targets.extend(target(&id, &seen, began));
    }
    Ok(Done::read(Shape::record([("ScalableTargets", Shape::list("member", targets))])))
}

async fn register(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let id = asking.input.required("ResourceId")?;
    asking.input.required("ScalableDimension")?;
    let words = || format!("No scalable target registered for {id}");
    let (_, service) = first(here(asking)?, |(known, _)| known == id, NO_TARGET, words)?;
    let change = read_change(asking.input)?;
    let ports = asking.ports(Step::ScaleCompute, Act::Change);
    let receipt = ports.set_scaling(&service, asking.region, change).await?;
    let arn = format!("arn:aws:application-autoscaling:{}:{ACCOUNT}:scalable-target/{id}", asking.region);
    Ok(Done::accepted(Shape::record([("ScalableTargetARN", text(arn))]), receipt))
}

fn read_change(input: &Input) -> Result<ScalingChange, Trouble> {
    let suspended = input.within("SuspendedState")?;
    let scale_in = match &suspended {
        None => None,
        Some(state) => {
            for field in ["DynamicScalingOutSuspended", "ScheduledScalingSuspended"] {
                if state.truth(field)? == Some(true) {
                    return Err(state.wrong(field, "false: only scale-in can be suspended in the simulator").into());
                }
            }
            let scale_in = |is: bool| if is { ScaleIn::Suspended } else { ScaleIn::Allowed };
            state.truth("DynamicScalingInSuspended")?.map(scale_in)
        }
    };
    Ok(ScalingChange { minimum: input.count("MinCapacity")?, maximum: input.count("MaxCapacity")?, scale_in })
}

#[async_trait(?Send)]
impl Operations for Scaling {
    fn api(&self) -> Api {
        Api { namespace: "", target: "AnyScaleFrontendService", speaks: Protocol::Json11 }
    }

    fn codes(&self) -> Codes {
        Codes {
            unavailable: (503, "ServiceUnavailableException"),
            internal: (500, "InternalServiceException"),
            not_found: NO_TARGET,
            conflict: (500, "ConcurrentUpdateException"),
            ..Codes::JSON
        }
    }

    async fn operate(&self, asking: &Asking<'_>) -> Result<Done, Trouble> {
        match asking.operation {
            "DescribeScalableTargets" => describe(asking).await,
            "RegisterScalableTarget" => register(asking).await,
            _ => Err(Trouble::NoSuchOperation),
        }
    }
}

/// `None` for a service that does not scale by itself.
fn target(id: &str, seen: &ServiceSeen, created: Timestamp) -> Option<Shape> {
    let suspended = Shape::record([
        ("DynamicScalingInSuspended", truth(seen.scale_in? == ScaleIn::Suspended)),
        ("DynamicScalingOutSuspended", truth(false)),
        ("ScheduledScalingSuspended", truth(false)),
    ]);
    let role = format!(
        "arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
    );
    Some(Shape::record([
        ("ServiceNamespace", text("ecs")),
        ("ResourceId", text(id)),
        ("ScalableDimension", text(DIMENSION)),
        ("MinCapacity", integer(seen.minimum?)),
        ("MaxCapacity", integer(seen.maximum?)),
        ("RoleARN", text(role)),
        ("CreationTime", Some(Shape::Time(created))),
        ("SuspendedState", Some(suspended)),
    ]))
}
