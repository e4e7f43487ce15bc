//! Requests to the HTTP face, without a socket.

use std::rc::Rc;

use http::Request as Head;
use lifeboat_cli::MACHINE;
use lifeboat_simulator::World;
use lifeboat_wire::control::Control;
use lifeboat_wire::platform::{TABLE, TableService, with_platform};
use lifeboat_wire::services::with_workload;
use lifeboat_wire::{Callers, Face, Reply, Request, Service};
use serde_json::{Value, json};

use crate::inputs::{home, world};

/// What stands between two requests of one input.
const NEXT: &[u8] = b"\n====\n";
/// The most requests of one input that are served.
const REQUESTS_MAX: usize = 4;

/// Requests, one after the other, to everything that is simulated: each a first line, headers, an empty line and a body.
///
/// # Panics
/// A request panics, or gets no answer although no fault was asked for that takes it away.
pub fn http(input: &[u8]) {
    let world = world();
    let callers = Callers::new(world.clone());
    let face = with_platform(with_workload(Face::new(world.clone()), &callers), &callers, MACHINE);
    let control = Control::new(world.clone(), face.line().clone());
    let face = Rc::new(face.with_path("simulator", Rc::new(control)));
    let mut faulted = false;
    for request in parted(input, NEXT).into_iter().take(REQUESTS_MAX).filter_map(read) {
        faulted |= request.signature.is_none();
        let face = Rc::clone(&face);
        match world.executor().run(async move { face.serve(request).await }) {
            Reply::Answer { status, .. } | Reply::Truncated { status, .. } => {
                assert!(status.as_u16() >= 200, "{status} is no answer")
            }
            Reply::Gone => assert!(faulted, "nobody answers"),
        }
    }
    world.executor().shut_down();
}

fn parted<'a>(mut input: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = input.windows(by.len()).position(|w| w == by) {
        parts.push(&input[..at]);
        input = &input[at + by.len()..];
    }
    parts.push(input);
    parts
}

/// The request that stands in `bytes`, if HTTP can carry it.
fn read(bytes: &[u8]) -> Option<Request> {
    let head_and_body = parted(bytes, b"\n\n");
    let head = std::str::from_utf8(head_and_body.first()?).ok()?;
    let body = bytes.get(head.len() + 2..).unwrap_or_default();
    let mut lines = head.lines();
    let (method, uri) = lines.next()?.split_once(' ')?;
    let mut request = Head::builder().method(method).uri(uri);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        request = request.header(name, value.trim());
    }
    let (head, ()) = request.body(()).ok()?.into_parts();
    Some(Request::of(head, body.to_vec().into()))
}

/// A DynamoDB expression, in each place where one may stand.
///
/// # Panics
/// It is neither carried out nor refused with a reason.
pub fn expression(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let world = world();
    let table = Rc::new(TableService::new(Callers::new(world.clone()), TABLE));
    let key = json!({"pk": {"S": "a"}, "sk": {"S": "b"}});
    let item = json!({
        "pk": {"S": "a"}, "sk": {"S": "b"}, "a": {"N": "1"}, "b": {"L": [{"S": "x"}, {"M": {"c": {"BOOL": true}}}]},
    });
    let put = json!({"TableName": TABLE, "Item": item});
    assert_eq!(call(&world, &table, "PutItem", &put).0, 200);
    for (operation, field, rest) in [
        ("UpdateItem", "ConditionExpression", json!({"Key": key, "UpdateExpression": "SET z = z"})),
        ("UpdateItem", "UpdateExpression", json!({"Key": key})),
        ("GetItem", "ProjectionExpression", json!({"Key": key})),
        ("Query", "KeyConditionExpression", json!({})),
        ("Scan", "FilterExpression", json!({})),
    ] {
        let mut request = json!({"TableName": TABLE, (field): text});
        request.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        with_placeholders(&mut request, text);
        let (status, body) = call(&world, &table, operation, &request);
        match status {
            200 => {}
            400 => {
                assert!(body["message"].as_str().or(body["Message"].as_str()).is_some_and(|m| !m.is_empty()), "{body}")
            }
            status => panic!("{operation} answered {status}: {body}"),
        }
    }
    world.executor().shut_down();
}

/// What `text` names is defined; what it does not name would be refused for that alone.
fn with_placeholders(request: &mut Value, text: &str) {
    let names = [("#a", json!("a")), ("#b", json!("b"))];
    let values = [(":a", json!({"S": "a"})), (":n", json!({"N": "1"})), (":l", json!({"L": [{"S": "x"}]}))];
    let named = |defined: &[(&str, Value)]| -> Value {
        defined.iter().filter(|(name, _)| text.contains(name)).map(|(n, v)| ((*n).to_owned(), v.clone())).collect()
    };
    for (field, defined) in [("ExpressionAttributeNames", named(&names)), ("ExpressionAttributeValues", named(&values))]
    {
        if defined != json!({}) {
            request[field] = defined;
        }
    }
}

fn call(world: &World, table: &Rc<TableService>, operation: &str, body: &Value) -> (u16, Value) {
    let head = Head::builder().method("POST").uri("/").header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
    let scope = format!("AWS4-HMAC-SHA256 Credential=KEY/20261123/{}/dynamodb/aws4_request", home());
    let head = head.header("authorization", scope).body(()).expect("a request").into_parts().0;
    let (request, table) = (Request::of(head, body.to_string().into()), Rc::clone(table));
    match world.executor().run(async move { table.serve(&request).await }) {
        Reply::Answer { status, body, .. } => (status.as_u16(), serde_json::from_slice(&body).expect("JSON")),
        Reply::Truncated { .. } | Reply::Gone => panic!("nobody answers"),
    }
}
