//! A scripted AWS: real SDK clients, and instead of a network a list of replies.
//!
//! A reply is for one operation; a request without a reply panics, and so does a script that ends with replies left over:
//! a fault that was not met proves nothing.
#[cfg(feature = "cloudwatch")]
pub mod cloudwatch;
pub mod resources;
#[cfg(feature = "dynamodb")]
pub mod table;

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body::Frame;
use lifeboat_aws::Environment;
use lifeboat_model::Region;
use lifeboat_model::plan::Database;
use serde_json::{Value, json};

/// The Region in which the function under test runs.
pub const HOME: &str = "us-west-2";
/// The other one.
pub const AWAY: &str = "us-east-1";

/// What happens to a request. Every one of them is recorded first.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// Nothing, ever.
    Never,
    /// No connection is made.
    Refused,
    /// The request is carried out, and the connection breaks before a byte of the answer comes.
    LostAfterEffect,
    /// The answer begins well, and the connection breaks within its body.
    BrokenBody,
}

/// A request as it was sent.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The operation, such as `DescribeGlobalClusters`.
    pub operation: String,
    /// The host that it was sent to.
    pub host: String,
    /// The Region that it was signed for.
    pub signed_for: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Recorded {
    fn of(request: &HttpRequest) -> Self {
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let header = |name| request.headers().get(name).unwrap_or_default();
        let host = request.uri().split('/').nth(2).unwrap_or_default().to_owned();
        // Credential=<key>/<date>/<region>/<service>/aws4_request
        let signed_for = header("authorization").split('/').nth(2).unwrap_or_default().to_owned();
        let path = request.uri().splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap_or_default();
        let operation = match (header("x-amz-target"), request.uri().rsplit_once("/operation/")) {
            ("", Some((_, operation))) => operation.to_owned(),
            ("", None) => match (request.method(), path.strip_prefix("/v1/brokers/")) {
                ("GET", Some(_)) => "DescribeBroker".to_owned(),
                ("POST", Some(path)) if path.ends_with("/promote") => "Promote".to_owned(),
                ("PUT", None) => "PutObject".to_owned(),
                ("GET", None) => "GetObject".to_owned(),
                _ => form(&body).remove("Action").unwrap_or_default(),
            },
            (target, _) => target.rsplit('.').next().unwrap_or_default().to_owned(),
        };
        let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { operation, host, signed_for, method: request.method().to_owned(), path, headers, body }
    }

    /// The body as form fields (RDS, ElastiCache, Elastic Load Balancing, SNS).
    pub fn form(&self) -> BTreeMap<String, String> {
        form(&self.body)
    }

    /// The body as JSON (DynamoDB, Step Functions, routing control, ECS, Application Auto Scaling, Amazon MQ).
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (percent_decoded(name), percent_decoded(value))).collect()
}

fn percent_decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (hex, rest) = piece.split_at(2);
        decoded.push(char::from(u8::from_str_radix(hex, 16).expect("two hex digits")));
        decoded.push_str(rest);
    }
    decoded
}

#[derive(Debug, Default)]
struct State {
    replies: Vec<(String, Reply)>,
    standing: Vec<(String, Reply)>,
    requests: Vec<Recorded>,
}

/// The script, and what was recorded.
#[derive(Debug, Default)]
pub struct Script {
    state: Arc<Mutex<State>>,
    finished: bool,
}

impl Script {
    /// Without replies.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next request for `operation` that has no reply yet gets this one.
    pub fn on(&self, operation: &str, reply: Reply) -> &Self {
        self.state.lock().expect("the script").replies.push((operation.to_owned(), reply));
        self
    }

    /// A request for `operation` may come, and gets this reply each time. For the other half of a pair of reads, the first
    /// of which fails.
    pub fn may(&self, operation: &str, reply: Reply) -> &Self {
        self.state.lock().expect("the script").standing.push((operation.to_owned(), reply));
        self
    }

    /// An environment in [`HOME`] whose calls follow this script.
    pub fn environment(&self) -> Environment {
        let client = SharedHttpClient::new(Connector(self.state.clone()));
        Environment::read(variable).expect("an environment").with_http_client(client)
    }

    /// Every request; panics when a reply was left over.
    pub fn finish(mut self) -> Vec<Recorded> {
        self.finished = true;
        let state = self.state.lock().expect("the script");
        let left: Vec<&str> = state.replies.iter().map(|(operation, _)| operation.as_str()).collect();
        assert!(left.is_empty(), "replies to these requests were never asked for: {left:?}");
        state.requests.clone()
    }

    /// The only request; panics when there were more or a reply was left over.
    pub fn only_request(self) -> Recorded {
        let mut requests = self.finish();
        assert_eq!(requests.len(), 1, "one request was expected: {requests:?}");
        requests.remove(0)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        assert!(self.finished || std::thread::panicking(), "a test has to finish its script");
    }
}

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "AWS_REGION" => HOME,
        "AWS_ACCESS_KEY_ID" => "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY" => "secret",
        "AWS_SESSION_TOKEN" => "token",
        "LIFEBOAT_TABLE" => "lifeboat",
        "LIFEBOAT_STATE_MACHINE" => "arn:aws:states:us-west-2:111122223333:stateMachine:lifeboat",
        "LIFEBOAT_TOPIC" => "arn:aws:sns:us-west-2:111122223333:lifeboat",
        "LIFEBOAT_BUCKET" => "lifeboat-reports",
        _ => return None,
    };
    Some(value.to_owned())
}

#[derive(Clone, Debug)]
struct Connector(Arc<Mutex<State>>);

impl HttpClient for Connector {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = Recorded::of(&request);
        let reply = {
            let mut state = self.0.lock().expect("the script");
            state.requests.push(request.clone());
            let meant = |(operation, _): &(String, Reply)| *operation == request.operation;
            match state.replies.iter().position(meant) {
                Some(n) => Some(state.replies.remove(n).1),
                None => state.standing.iter().find(|reply| meant(reply)).map(|(_, reply)| reply.clone()),
            }
        };
        let reply = reply.unwrap_or_else(|| panic!("no reply is scripted for {request:?}"));
        let broken = |kind: io::ErrorKind| Err(ConnectorError::io(io::Error::from(kind).into()));
        HttpConnectorFuture::new(async move {
            match reply {
                Reply::Answer { status, headers, body } => Ok(response(status, headers, SdkBody::from(body))),
                Reply::Never => std::future::pending().await,
                Reply::Refused => broken(io::ErrorKind::ConnectionRefused),
                Reply::LostAfterEffect => broken(io::ErrorKind::ConnectionReset),
                Reply::BrokenBody => Ok(response(200, Vec::new(), SdkBody::from_body_1_x(Broken))),
            }
        })
    }
}

fn response(status: u16, headers: Vec<(&'static str, String)>, body: SdkBody) -> HttpResponse {
    let mut response = HttpResponse::new(status.try_into().expect("a status"), body);
    response.headers_mut().insert("x-amzn-requestid", "request-1");
    for (name, value) in headers {
        response.headers_mut().insert(name, value);
    }
    response
}

struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}

/// A good answer of RDS, or of another service that speaks its protocol.
pub fn rds(operation: &str, result: &str) -> Reply {
    let body = format!("<{operation}Response><{operation}Result>{result}</{operation}Result></{operation}Response>");
    Reply::Answer { status: 200, headers: Vec::new(), body: body.into_bytes() }
}

/// A refusal of RDS, or of another service that speaks its protocol.
pub fn rds_error(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    Reply::Answer { status, headers: Vec::new(), body: body.into_bytes() }
}

/// A good answer of a service that speaks JSON.
pub fn json_answer(body: &Value) -> Reply {
    Reply::Answer { status: 200, headers: Vec::new(), body: body.to_string().into_bytes() }
}

/// A refusal of a service that speaks JSON.
pub fn json_error(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({"__type": format!("com.amazonaws.example#{code}"), "message": message});
    Reply::Answer { status, headers: Vec::new(), body: body.to_string().into_bytes() }
}

/// A refusal of S3.
pub fn s3_error(status: u16, code: &str, message: &str) -> Reply {
    let body = format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    Reply::Answer { status, headers: Vec::new(), body: body.into_bytes() }
}

/// An answer of a proxy, in no protocol of AWS.
pub fn page(status: u16) -> Reply {
    Reply::Answer { status, headers: Vec::new(), body: b"<html>sorry".to_vec() }
}

/// A Region.
pub fn region(name: &str) -> Region {
    name.parse().expect("a Region")
}

/// The database `orders`, with a cluster in each Region.
pub fn orders() -> Database {
    let cluster = |region: &str, name: &str| format!("arn:aws:rds:{region}:111122223333:cluster:{name}");
    Database {
        name: "orders".parse().expect("a name"),
        global_cluster: "store-orders".to_owned(),
        clusters: [(AWAY, "orders-use1"), (HOME, "orders-usw2")]
            .map(|(at, name)| (region(at), cluster(at, name).parse().expect("an ARN")))
            .into(),
    }
}
