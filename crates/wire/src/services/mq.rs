//! Amazon MQ: brokers. REST with JSON, the only service of its kind here.

use async_trait::async_trait;
use http::{Method, StatusCode};
use lifeboat_model::Region;
use lifeboat_model::evidence::{BrokerSeen, BrokerState, ReplicationRole};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::{Broker, BrokerRef, Engine};
use lifeboat_model::request::Mode;
use lifeboat_ports::Brokers;
use serde_json::{Value, json};

use super::{ACCOUNT, RequestIds};
use crate::callers::{Act, Callers};
use crate::face::Service;
use crate::input::Input;
use crate::protocol::as_json;
use crate::refusal::{Code, Codes, Refusal, Trouble};
use crate::reply::Reply;
use crate::request::{Request, Signature};
use crate::shape::{Shape, text, truth};

const NO_BROKER: Code = (404, "NotFoundException");

const CODES: Codes = Codes {
    throttled: (429, "TooManyRequestsException"),
    unavailable: (503, "ServiceUnavailableException"),
    internal: (500, "InternalServerErrorException"),
    denied: (403, "ForbiddenException"),
    not_found: NO_BROKER,
    conflict: (409, "ConflictException"),
    invalid: (400, "BadRequestException"),
    unknown_operation: (404, "UnknownOperationException"),
};

/// The service.
pub struct Mq {
    callers: Callers,
    ids: RequestIds,
}

impl Mq {
    /// The service on the callers' world.
    pub fn new(callers: Callers) -> Self {
        Self { callers, ids: RequestIds::default() }
    }

    /// The broker with this id in `region`.
    fn named(&self, id: &str, region: &Region) -> Result<(Broker, BrokerRef), Trouble> {
        let brokers = self.callers.world().state().plan.brokers.clone();
        let here = brokers.into_iter().filter_map(|b| b.brokers.get(region).cloned().map(|at| (b, at)));
        let missing = || Trouble::Said(NO_BROKER, format!("Can't find requested broker [{id}]."));
        here.into_iter().find(|(_, at)| at.id == id).ok_or_else(missing)
    }

    async fn operate(&self, request: &Request, signature: &Signature) -> Result<Shape, Trouble> {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&request.method, segments.as_slice()) {
            (&Method::GET, ["v1", "brokers", id]) => self.describe(id, signature).await,
            (&Method::POST, ["v1", "brokers", id, "promote"]) => self.promote(id, request, signature).await,
            (_, _) => Err(Trouble::NoSuchOperation),
        }
    }

    async fn describe(&self, id: &str, signature: &Signature) -> Result<Shape, Trouble> {
        let (broker, at) = self.named(id, &signature.region)?;
        let ports = self.callers.ports(&signature.access_key, Step::PromoteBroker, Act::Look, &signature.region);
        let seen = Brokers::describe(&ports, &broker, &signature.region).await?;
        Ok(described(&broker, &at, &signature.region, &seen))
    }

    async fn promote(&self, id: &str, request: &Request, signature: &Signature) -> Result<Shape, Trouble> {
        let (broker, _) = self.named(id, &signature.region)?;
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let input = Input::new(body);
        let mode = match input.required("mode")? {
            "SWITCHOVER" => Mode::Switchover,
            "FAILOVER" => Mode::Failover,
            _ => return Err(input.wrong("mode", "SWITCHOVER or FAILOVER").into()),
        };
        let ports = self.callers.ports(&signature.access_key, Step::PromoteBroker, Act::Change, &signature.region);
        Brokers::promote(&ports, &broker, &signature.region, mode).await?;
        Ok(Shape::record([("brokerId", text(id))]))
    }
}

#[async_trait(?Send)]
impl Service for Mq {
    async fn serve(&self, request: &Request) -> Reply {
        let id = self.ids.next();
        let Some(signature) = &request.signature else { return Reply::Gone };
        let operation = format!("{} {}", request.method, request.path);
        let (status, code, body) = match self.operate(request, signature).await {
            Ok(result) => (StatusCode::OK, None, as_json(&result)),
            Err(trouble) => match Refusal::of(trouble, &operation, &CODES) {
                Refusal::Gone => return Reply::Gone,
                Refusal::Said { status, code, message, .. } => (status, Some(code), json!({"message": message})),
            },
        };
        let reply = Reply::new(status, "application/json", body.to_string()).with("x-amzn-requestid", id);
        match code {
            Some(code) => reply.with("x-amzn-errortype", code),
            None => reply,
        }
    }
}

fn described(broker: &Broker, at: &BrokerRef, region: &Region, seen: &BrokerSeen) -> Shape {
    let state = match &seen.state {
        BrokerState::Running => "RUNNING",
        BrokerState::Replica => "REPLICA",
        BrokerState::Other(word) => word,
    };
    let role = match seen.role {
        ReplicationRole::Primary => Some("PRIMARY"),
        ReplicationRole::Replica => Some("REPLICA"),
        ReplicationRole::Unknown => Some("UNKNOWN"),
        ReplicationRole::Alone => None,
    };
    let (engine, version) = match broker.engine {
        Engine::ActiveMq => ("ACTIVEMQ", "5.18"),
        Engine::RabbitMq { .. } => ("RABBITMQ", "3.13"),
    };
    let other = broker
        .brokers
        .iter()
        .find(|(other, _)| *other != region)
        .map(|(other, there)| Shape::record([("brokerId", text(&there.id)), ("region", text(other))]));
    let replication =
        role.map(|role| Shape::record([("dataReplicationRole", text(role)), ("dataReplicationCounterpart", other)]));
    Shape::record([
        ("brokerArn", text(format!("arn:aws:mq:{region}:{ACCOUNT}:broker:{}:{}", at.name, at.id))),
        ("brokerId", text(&at.id)),
        ("brokerName", text(&at.name)),
        ("brokerState", text(state)),
        ("engineType", text(engine)),
        ("engineVersion", text(version)),
        ("hostInstanceType", text("mq.m5.large")),
        ("deploymentMode", text("ACTIVE_STANDBY_MULTI_AZ")),
        ("publiclyAccessible", truth(false)),
        ("dataReplicationMode", text(if replication.is_some() { "CRDR" } else { "NONE" })),
        ("dataReplicationMetadata", replication),
    ])
}
