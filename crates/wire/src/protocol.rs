//! The protocols: which one a request came in, what it asks in it, and an answer written in the same.
//!
//! SDKs of different ages speak to one service in different protocols, so that the request decides, not the service. The
//! REST protocols of Amazon MQ and S3 are those services' own matter.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;
use crate::shape::Shape;
use crate::{cbor, query};

/// What a service is called in each protocol.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// The namespace of its XML; of a service without the query protocol any.
    pub namespace: &'static str,
    /// What stands before the operation in `X-Amz-Target`, and in the path of RPC v2 CBOR.
    pub target: &'static str,
    /// The protocol in which a request of no known one is refused.
    pub speaks: Protocol,
}

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Parameters in a form, answers in XML.
    Query,
    /// AWS JSON 1.0.
    Json10,
    /// AWS JSON 1.1.
    Json11,
    /// Smithy RPC v2 CBOR.
    Cbor,
}

/// What a request asks, in its protocol.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The protocol.
    pub protocol: Protocol,
    /// The operation.
    pub operation: String,
    /// Its parameters.
    pub parameters: Value,
}

impl Asked {
    /// Reads `request`.
    ///
    /// # Errors
    /// The protocol and the refusal to write in it: of what cannot be read, or is of another service than `api`.
    pub fn read(api: &Api, request: &Request) -> Result<Self, (Protocol, Refusal)> {
        let content_type = request.header("content-type").unwrap_or_default();
        if request.header("smithy-protocol") == Some("rpc-v2-cbor") {
            return Self::read_cbor(api, request);
        }
        if let Some(target) = request.header("x-amz-target") {
            let json11 = content_type.starts_with("application/x-amz-json-1.1");
            let protocol = if json11 { Protocol::Json11 } else { Protocol::Json10 };
            return Self::read_json(api, protocol, target, request);
        }
        let form = content_type.starts_with("application/x-www-form-urlencoded");
        if form || request.parameter("Action").is_some() {
            return Self::read_query(request);
        }
        let message = format!("{} {}: not in a protocol of this service", request.method, request.path);
        Err((api.speaks, Refusal::new("UnknownOperationException", message)))
    }

    fn read_query(request: &Request) -> Result<Self, (Protocol, Refusal)> {
        let refuse = |code, message: &str| Err((Protocol::Query, Refusal::new(code, message)));
        let mut parameters = request.query.clone();
        parameters.extend(form_urlencoded::parse(&request.body).into_owned());
        let Some(Value::Object(mut parameters)) = query::unflatten(&parameters) else {
            return refuse("MalformedQueryString", "the parameters contradict each other");
        };
        match parameters.remove("Action") {
            Some(Value::String(operation)) => {
                Ok(Self { protocol: Protocol::Query, operation, parameters: parameters.into() })
            }
            Some(_) | None => refuse("MissingAction", "Action: found nothing, expected the name of an operation"),
        }
    }

    fn read_json(api: &Api, protocol: Protocol, target: &str, request: &Request) -> Result<Self, (Protocol, Refusal)> {
        let refuse = |code, message: String| Err((protocol, Refusal::new(code, message)));
        let Some(operation) = target.strip_prefix(api.target).and_then(|rest| rest.strip_prefix('.')) else {
            return refuse("UnknownOperationException", format!("{target} is of another service than {}", api.target));
        };
        let parameters = match request.body.is_empty() {
            true => Map::new().into(),
            false => match serde_json::from_slice(&request.body) {
                Ok(parameters @ Value::Object(_)) => parameters,
                Ok(other) => return refuse("SerializationException", format!("found {other}, expected an object")),
                Err(error) => return refuse("SerializationException", error.to_string()),
            },
        };
        Ok(Self { protocol, operation: operation.to_owned(), parameters })
    }

    fn read_cbor(api: &Api, request: &Request) -> Result<Self, (Protocol, Refusal)> {
        let refuse = |code, message: String| Err((Protocol::Cbor, Refusal::new(code, message)));
        let segments = request.segments();
        let [service, name, action, operation] = segments.as_slice() else {
            return refuse("UnknownOperationException", format!("{} names no operation", request.path));
        };
        if (service.as_str(), name.as_str(), action.as_str()) != ("service", api.target, "operation") {
            return refuse("UnknownOperationException", format!("{} is of another service", request.path));
        }
        match cbor::read(&request.body) {
            Some(parameters) => Ok(Self { protocol: Protocol::Cbor, operation: operation.clone(), parameters }),
            None => refuse("SerializationException", "the body is not CBOR as parameters are".to_owned()),
        }
    }
}

impl Protocol {
    /// Writes the `result` of `operation`.
    pub fn answer(self, api: &Api, operation: &str, result: &Shape, request_id: &str) -> Reply {
        let body: Bytes = match self {
            Self::Query => query::answer(api.namespace, operation, result, request_id).into(),
            Self::Json10 | Self::Json11 => as_json(result).to_string().into(),
            Self::Cbor => cbor::write(result).into(),
        };
        self.reply(StatusCode::OK, body, request_id)
    }

    /// Writes `refusal`.
    pub fn refuse(self, api: &Api, refusal: &Refusal, request_id: &str) -> Reply {
        let Refusal::Said { status, code, message, .. } = refusal else { return Reply::Gone };
        let body: Bytes = match self {
            Self::Query => query::refusal(api.namespace, status.as_u16(), code, message, request_id).into(),
            Self::Json10 | Self::Json11 => json!({"__type": code, "message": message}).to_string().into(),
            Self::Cbor => cbor::write(&Shape::Record(vec![
                ("__type", Shape::Text(format!("com.amazonaws#{code}"))),
                ("message", Shape::Text(message.clone())),
            ]))
            .into(),
        };
        let whose = if status.as_u16() < 500 { "Sender" } else { "Receiver" };
        let reply = self.reply(*status, body, request_id);
        match self {
            // Callers that came from the query protocol look for the code that they knew.
            Self::Cbor => reply.with("x-amzn-query-error", format!("{code};{whose}")),
            Self::Query | Self::Json10 | Self::Json11 => reply,
        }
    }

    fn reply(self, status: StatusCode, body: Bytes, request_id: &str) -> Reply {
        let content_type = match self {
            Self::Query => "text/xml",
            Self::Json10 => "application/x-amz-json-1.0",
            Self::Json11 => "application/x-amz-json-1.1",
            Self::Cbor => "application/cbor",
        };
        let reply = Reply::new(status, content_type, body).with("x-amzn-requestid", request_id);
        match self {
            Self::Cbor => reply.with("smithy-protocol", "rpc-v2-cbor"),
            Self::Query | Self::Json10 | Self::Json11 => reply,
        }
    }
}

/// As JSON, with times in seconds since 1970.
pub fn as_json(shape: &Shape) -> Value {
    match shape {
        Shape::Text(text) => text.as_str().into(),
        Shape::Integer(number) => (*number).into(),
        Shape::Number(number) => (*number).into(),
        Shape::Truth(truth) => (*truth).into(),
        Shape::Time(at) => (at.as_ms() as f64 / 1000.0).into(),
        Shape::List(_, items) => items.iter().map(as_json).collect(),
        Shape::Record(fields) => {
            fields.iter().map(|(name, value)| ((*name).to_owned(), as_json(value))).collect::<Map<_, _>>().into()
        }
    }
}
