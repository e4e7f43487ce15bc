//! The data plane of routing control. The endpoint is the one in the Region that the request was signed for.

use async_trait::async_trait;
use lifeboat_model::Arn;
use lifeboat_model::evidence::Switch;
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Endpoint;
use lifeboat_ports::Routing;

use super::{ACCOUNT, Asking, Done, Operations, first};
use crate::callers::Act;
use crate::input::Input;
use crate::protocol::{Api, Protocol};
use crate::refusal::{Code, Codes, Trouble};
use crate::shape::{Shape, text};

const NO_CONTROL: Code = (400, "ResourceNotFoundException");
const ENTRIES: &str = "UpdateRoutingControlStateEntries";
const OVERRIDES: &str = "SafetyRulesToOverride";

/// The service.
pub struct RoutingCluster;

fn endpoint(asking: &Asking<'_>) -> Result<Endpoint, Trouble> {
    let endpoints = asking.plan().routing.endpoints;
    let places: Vec<String> = endpoints.iter().map(|e| e.region.to_string()).collect();
    let words = || format!("the cluster has no endpoint in {}; it has: {}", asking.region, places.join(", "));
    first(endpoints, |e| e.region == *asking.region, NO_CONTROL, words)
}

async fn get(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let control = read_arn(asking.input)?;
    let ports = asking.ports(Step::ShiftTraffic, Act::Look);
    let states = ports.states(&endpoint(asking)?, std::slice::from_ref(&control)).await?;
    let missing = || Trouble::Said(NO_CONTROL, format!("no routing control {control}"));
    let switch = states.get(&control).ok_or_else(missing)?;
    Ok(Done::read(described(&control, *switch)))
}

async fn list(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let panel = asking.input.text("ControlPanelArn")?;
    let ports = asking.ports(Step::ShiftTraffic, Act::Look);
    let states = ports.list_controls(&endpoint(asking)?).await?;
    let of_panel = |control: &Arn| panel.is_none_or(|p| control.as_str().starts_with(&format!("{p}/")));
    let controls = states.iter().filter(|(control, _)| of_panel(control)).map(|(c, s)| described(c, *s));
    Ok(Done::read(Shape::record([("RoutingControls", Shape::list("member", controls))])))
}

async fn update(asking: &Asking<'_>, entries: Vec<Input>) -> Result<Done, Trouble> {
    if asking.input.texts(OVERRIDES)?.is_some_and(|rules| !rules.is_empty()) {
        return Err(asking.input.wrong(OVERRIDES, "nothing: the simulated rule cannot be overridden").into());
    }
    if entries.is_empty() {
        return Err(asking.input.wrong(ENTRIES, "at least one").into());
    }
    let changes = entries.iter().map(read_change).collect::<Result<Vec<_>, _>>()?;
    let ports = asking.ports(Step::ShiftTraffic, Act::Change);
    let receipt = ports.change(&endpoint(asking)?, &changes).await?;
    Ok(Done::accepted(Shape::nothing(), receipt))
}

fn read_arn(input: &Input) -> Result<Arn, Trouble> {
    let wrong = |_| input.wrong("RoutingControlArn", "the ARN of a routing control");
    Ok(input.required("RoutingControlArn")?.parse().map_err(wrong)?)
}

fn read_change(entry: &Input) -> Result<(Arn, Switch), Trouble> {
    let switch = match entry.required("RoutingControlState")? {
        "On" => Switch::On,
        "Off" => Switch::Off,
        _ => return Err(entry.wrong("RoutingControlState", "On or Off").into()),
    };
    Ok((read_arn(entry)?, switch))
}

fn described(control: &Arn, switch: Switch) -> Shape {
    let state = match switch {
        Switch::On => "On",
        Switch::Off => "Off",
    };
    let panel = control.as_str().split_once("/routingcontrol/").map(|(panel, _)| panel);
    Shape::record([
        ("ControlPanelArn", panel.and_then(text)),
        ("RoutingControlArn", text(control)),
        ("RoutingControlName", text(control.name())),
        ("RoutingControlState", text(state)),
        ("Owner", text(ACCOUNT)),
    ])
}

#[async_trait(?Send)]
impl Operations for RoutingCluster {
    fn api(&self) -> Api {
        Api { namespace: "", target: "ToggleCustomerAPI", speaks: Protocol::Json10 }
    }

    fn codes(&self) -> Codes {
        // The one word that says: not now, and nothing was done.
        let unavailable = (503, "EndpointTemporarilyUnavailableException");
        Codes { unavailable, internal: (500, "InternalServerException"), not_found: NO_CONTROL, ..Codes::JSON }
    }

    async fn operate(&self, asking: &Asking<'_>) -> Result<Done, Trouble> {
        match asking.operation {
            "GetRoutingControlState" => get(asking).await,
            "ListRoutingControls" => list(asking).await,
            "UpdateRoutingControlState" => update(asking, vec![asking.input.clone()]).await,
            "UpdateRoutingControlStates" => update(asking, asking.input.items(ENTRIES)?).await,
            _ => Err(Trouble::NoSuchOperation),
        }
    }
}
