//! A request of the control API, read in full before anything is done.

use lifeboat_model::{Period, Plan, Region};
use lifeboat_ports::Fault;
use lifeboat_simulator::faults::{FaultKind, FaultRule};
use serde_json::{Map, Value, json};

use crate::input::{Input, Problem};
use crate::line::{Break, Rule};

/// The operations that a fault can be put into.
pub const OPERATIONS: [&str; 33] = [
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:RegisterScalableTarget",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "cloudwatch:SetAlarmState",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
    "ecs:DescribeServices",
    "ecs:UpdateService",
    "elasticache:DescribeGlobalReplicationGroups",
    "elasticache:FailoverGlobalReplicationGroup",
    "elasticloadbalancing:DescribeTargetHealth",
    "mq:DescribeBroker",
    "mq:Promote",
    "rds:DescribeDBClusters",
    "rds:DescribeGlobalClusters",
    "rds:FailoverGlobalCluster",
    "rds:SwitchoverGlobalCluster",
    "route53-recovery-cluster:GetRoutingControlState",
    "route53-recovery-cluster:ListRoutingControls",
    "route53-recovery-cluster:UpdateRoutingControlStates",
    "s3:GetObject",
    "s3:PutObject",
    "sns:Publish",
    "states:DescribeExecution",
    "states:GetExecutionHistory",
    "states:ListExecutions",
    "states:SendTaskSuccess",
    "states:StartExecution",
];

/// Where a fault is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By the service.
    World(FaultKind),
    /// On the way to it, or back.
    Line(Break),
}

/// The kinds of faults.
pub const KINDS: [(&str, Kind); 11] = [
    ("throttle", Kind::World(FaultKind::Refuse(Fault::Throttled))),
    ("unavailable", Kind::World(FaultKind::Refuse(Fault::Unavailable))),
    ("internal", Kind::World(FaultKind::Refuse(Fault::Internal))),
    ("denied", Kind::World(FaultKind::Refuse(Fault::Denied))),
    ("not-found", Kind::World(FaultKind::Refuse(Fault::NotFound))),
    ("conflict", Kind::World(FaultKind::Refuse(Fault::Conflict))),
    ("invalid", Kind::World(FaultKind::Refuse(Fault::Invalid))),
    ("silence", Kind::World(FaultKind::Silence)),
    ("lost-reply", Kind::World(FaultKind::LostReply)),
    ("closed", Kind::Line(Break::Closed)),
    ("truncated", Kind::Line(Break::Truncated)),
];

/// What a person wants.
pub(super) enum Order {
    /// The Region goes dark.
    Break(Region),
    /// It comes back.
    Mend(Region),
    /// Calls to come meet a fault.
    Fault(FaultRule),
    /// Requests to come break on the line.
    Line(Rule),
    /// Databases replicate this much later than usual.
    Lag(Period),
    /// The endpoint of the routing cluster in this Region is down, or up again.
    Endpoint { region: Region, down: bool },
}

/// Why a request changes nothing.
#[derive(Debug)]
pub(super) struct Bad {
    field: String,
    found: String,
    expected: String,
    remedy: String,
}

impl Bad {
    pub(super) fn new(field: &str, found: impl ToString, expected: impl ToString, remedy: &str) -> Self {
        Self {
            field: field.to_owned(),
            found: found.to_string(),
            expected: expected.to_string(),
            remedy: remedy.to_owned(),
        }
    }

    pub(super) fn as_json(&self) -> Value {
        let Self { field, found, expected, remedy } = self;
        json!({"error": {"field": field, "found": found, "expected": expected, "remedy": remedy}})
    }
}

impl From<Problem> for Bad {
    fn from(problem: Problem) -> Self {
        Self::new(&problem.field, &problem.found, &problem.expected, "correct it and send it again")
    }
}

impl Order {
    /// Reads the order `what`; `None` when there is none of that name.
    pub(super) fn read(what: &str, body: &[u8], plan: &Plan) -> Result<Option<Self>, Bad> {
        Ok(Some(match what {
            "break" => Self::Break(known_region(&fields(body, &["region"])?, plan)?),
            "mend" => Self::Mend(known_region(&fields(body, &["region"])?, plan)?),
            "fault" => rule(&fields(body, &["operation", "place", "kind", "skip", "times"])?)?,
            "lag" => Self::Lag(lag(&fields(body, &["period"])?)?),
            "endpoint" => {
                let input = fields(body, &["region", "down"])?;
                let region = endpoint(&input, plan)?;
                let down = input.truth("down")?.ok_or_else(|| input.wrong("down", "true or false"))?;
                Self::Endpoint { region, down }
            }
            _ => return Ok(None),
        }))
    }
}

/// The fields of `body`, all of them among `known`.
fn fields(body: &[u8], known: &[&str]) -> Result<Input, Bad> {
    let expected = format!("an object of {}", known.join(", "));
    let bad = |found: String| Bad::new("body", found, &expected, "send JSON, such as {\"region\": \"us-east-1\"}");
    let value: Value = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    let fields: &Map<String, Value> = value.as_object().ok_or_else(|| bad(value.to_string()))?;
    if let Some((unknown, value)) = fields.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        return Err(Bad::new(unknown, value, known.join(", "), "leave it out, or correct its name"));
    }
    Ok(Input::new(value))
}

fn region(input: &Input, field: &str) -> Result<Region, Bad> {
    let wrong = |_| input.wrong(field, "a Region such as us-east-1");
    Ok(input.required(field)?.parse().map_err(wrong)?)
}

/// A Region in which the world has something.
fn known_region(input: &Input, plan: &Plan) -> Result<Region, Bad> {
    let region = region(input, "region")?;
    let endpoints = plan.routing.endpoints.iter().map(|e| &e.region);
    let mut known: Vec<&Region> = plan.regions.iter().chain(endpoints).collect();
    known.extend(plan.canaries.iter().map(|c| &c.runs_in));
    among(region, known, "name a Region in which the plan has something")
}

fn endpoint(input: &Input, plan: &Plan) -> Result<Region, Bad> {
    let known = plan.routing.endpoints.iter().map(|e| &e.region).collect();
    among(region(input, "region")?, known, "name the Region of an endpoint of the plan")
}

fn among(region: Region, mut known: Vec<&Region>, remedy: &str) -> Result<Region, Bad> {
    if known.contains(&&region) {
        return Ok(region);
    }
    known.sort();
    known.dedup();
    let known: Vec<&str> = known.iter().map(|r| r.as_str()).collect();
    Err(Bad::new("region", region, known.join(", "), remedy))
}

fn lag(input: &Input) -> Result<Period, Bad> {
    match input.required("period")? {
        "0s" => Ok(Period::ms(0)),
        text => Ok(text.parse().map_err(|_| input.wrong("period", "0s, or a period such as 500ms, 90s or 10m"))?),
    }
}

fn rule(input: &Input) -> Result<Order, Bad> {
    let operation = input.required("operation")?;
    let operation = OPERATIONS.into_iter().find(|o| *o == operation);
    let operation = operation.ok_or_else(|| input.wrong("operation", OPERATIONS.join(", ")))?;
    let word = input.required("kind")?;
    let kind = KINDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind);
    let kind = kind.ok_or_else(|| input.wrong("kind", KINDS.map(|(name, _)| name).join(", ")))?;
    let place = if input.has("place") { Some(region(input, "place")?) } else { None };
    let (skip, times) = (input.count("skip")?.unwrap_or(0), input.count("times")?.unwrap_or(1));
    if times == 0 || skip.checked_add(times).is_none() {
        return Err(input.wrong("times", "at least 1, and few enough to count").into());
    }
    Ok(match kind {
        Kind::World(kind) => Order::Fault(FaultRule { operation, place, skip, times, kind }),
        Kind::Line(how) => Order::Line(Rule { operation, place, skip, times, how }),
    })
}
