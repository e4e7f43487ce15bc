//! The Lambda Runtime API, for the processes of a host.

use std::rc::{Rc, Weak};

use async_trait::async_trait;
use http::{Method, StatusCode};
use lifeboat_simulator::machine::StateError;
use serde_json::{Value, json};

use super::environment::Outcome;
use super::host::{Host, SEGMENT};
use crate::face::Service;
use crate::reply::Reply;
use crate::request::Request;

/// The Runtime API of the environments of a host.
pub struct RuntimeApi {
    host: Weak<Host>,
}

impl Host {
    /// The first segment of the path under which its environments are served, and who serves them.
    pub fn runtime_api(self: &Rc<Self>) -> (&'static str, Rc<dyn Service>) {
        (SEGMENT, Rc::new(RuntimeApi { host: Rc::downgrade(self) }))
    }
}

#[async_trait(?Send)]
impl Service for RuntimeApi {
    async fn serve(&self, request: &Request) -> Reply {
        // A process whose host is gone ends when nobody answers it.
        let Some(host) = self.host.upgrade() else { return Reply::Gone };
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match (&request.method, segments.as_slice()) {
            (&Method::GET, [_, key, "2018-06-01", "runtime", "invocation", "next"]) => next(host, key).await,
            (&Method::POST, [_, key, "2018-06-01", "runtime", "invocation", id, "response"]) => {
                let read = serde_json::from_slice(&request.body);
                let unread = |why| StateError::new("Runtime.InvalidResponse", format!("its answer is not JSON: {why}"));
                settle(&host, key, Some(id), read.map_err(unread))
            }
            (&Method::POST, [_, key, "2018-06-01", "runtime", "invocation", id, "error"]) => {
                settle(&host, key, Some(id), Err(reported(request)))
            }
            (&Method::POST, [_, key, "2018-06-01", "runtime", "init", "error"]) => {
                settle(&host, key, None, Err(reported(request)))
            }
            (_, _) => Reply::new(StatusCode::NOT_FOUND, "application/json", "{}"),
        }
    }
}

/// The next event, as soon as there is one.
async fn next(host: Rc<Host>, key: &str) -> Reply {
    let Some(inbox) = host.environment(key, |e| Rc::clone(&e.next)) else { return Reply::Gone };
    // The host may end while a process waits for work.
    drop(host);
    let Some(work) = inbox.lock().await.recv().await else { return Reply::Gone };
    Reply::new(StatusCode::OK, "application/json", work.payload.clone())
        .with("lambda-runtime-aws-request-id", work.request_id.clone())
        .with("lambda-runtime-deadline-ms", work.deadline_ms.to_string())
        .with("lambda-runtime-invoked-function-arn", work.arn)
        .with("lambda-runtime-trace-id", format!("Root=1-{:08x}-{}", work.deadline_ms / 1000, "0".repeat(24)))
}

/// An error as the runtime reports it: under its own name, with what it said as the cause, as Step Functions shows it.
fn reported(request: &Request) -> StateError {
    let said: Value = serde_json::from_slice(&request.body).unwrap_or_else(|_| json!({}));
    let name = said.get("errorType").and_then(Value::as_str).unwrap_or("Runtime.Unknown");
    let message = said.get("errorMessage").cloned().unwrap_or_default();
    StateError::new(name, json!({"errorType": name, "errorMessage": message}).to_string())
}

/// Hands `outcome` to whoever waits for the request with this id, or for anything from this environment.
fn settle(host: &Host, key: &str, id: Option<&str>, outcome: Outcome) -> Reply {
    let waits = host.environment(key, |e| e.waits.take_if(|(request, _)| id.is_none_or(|id| id == request)));
    match waits.flatten() {
        Some((_, to)) => {
            // Whoever waited may have stopped to.
            drop(to.send(outcome));
            Reply::new(StatusCode::ACCEPTED, "application/json", "{\"status\":\"OK\"}")
        }
        None => Reply::new(StatusCode::BAD_REQUEST, "application/json", "{\"errorType\":\"InvalidRequestID\"}"),
    }
}
