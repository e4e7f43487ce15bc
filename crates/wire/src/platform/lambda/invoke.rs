//! The Invoke API.

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use http::{Method, StatusCode};
use lifeboat_model::limits::Step;
use lifeboat_model::report::Lane;
use lifeboat_model::{Period, Region};
use lifeboat_simulator::World;
use lifeboat_simulator::machine::StateError;
use serde_json::{Value, json};

use crate::callers::Callers;
use crate::face::Service;
use crate::platform::function_arn;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;

/// How long Lambda waits before it tries an event again, and how often it does, in seconds.
const WAITS_S: [u32; 3] = [0, 60, 120];

/// Lambda's Invoke API.
pub struct LambdaService {
    callers: Callers,
    missed: Rc<RefCell<Vec<Value>>>,
}

impl LambdaService {
    /// The functions of the world of `callers`.
    pub fn new(callers: Callers) -> Self {
        Self { callers, missed: Rc::default() }
    }

    /// The events that failed through all tries: what the template's queue of missed starts would hold.
    pub fn missed(&self) -> Vec<Value> {
        self.missed.borrow().clone()
    }

    async fn invoke(&self, request: &Request) -> Result<Reply, Refusal> {
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (&Method::POST, ["2015-03-31", "functions", name, "invocations"]) = (&request.method, segments.as_slice())
        else {
            let words = format!("the simulator does not serve {} {}", request.method, request.path);
            return Err(Refusal::with_status(StatusCode::NOT_FOUND, "UnknownOperationException", words));
        };
        let unsigned =
            || Refusal::with_status(StatusCode::FORBIDDEN, "MissingAuthenticationTokenException", "not signed");
        let region = &request.signature.as_ref().ok_or_else(unsigned)?.region;
        let world = self.callers.world();
        if world.is_dark(region) {
            return Err(Refusal::Gone);
        }
        let not_found = || {
            Refusal::with_status(
                StatusCode::NOT_FOUND,
                "ResourceNotFoundException",
                format!("Function not found: {name}"),
            )
        };
        let step = step_of(name, region).ok_or_else(not_found)?;
        let body: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
        let event: Value = serde_json::from_slice(body).map_err(|why| {
            let words = format!("Could not parse request body into json: {why}");
            Refusal::new("InvalidRequestContentException", words)
        })?;
        match request.header("x-amz-invocation-type").unwrap_or("RequestResponse") {
            "RequestResponse" => {
                let result = world.invoke(step, region, "", event).await;
                Ok(answered(result))
            }
            "Event" => {
                deliver(world, step, region, event, Rc::clone(&self.missed));
                Ok(Reply::new(StatusCode::ACCEPTED, "application/json", ""))
            }
            "DryRun" => Ok(Reply::new(StatusCode::NO_CONTENT, "application/json", "")),
            other => {
                Err(Refusal::new("InvalidParameterValueException", format!("Unsupported invocation type {other}")))
            }
        }
    }
}

/// The step behind a function's name, its resource's in the template, or its ARN.
fn step_of(name: &str, region: &Region) -> Option<Step> {
    Step::ALL.into_iter().find(|step| {
        let (arn, state) = (function_arn(region, *step), step.state_name());
        let versioned = [arn.clone(), format!("{arn}:$LATEST")];
        let plain = name.strip_prefix("lifeboat-").unwrap_or(name);
        versioned.iter().any(|arn| arn == name)
            || plain == step.as_str()
            || name == state
            || name.strip_suffix("Function") == Some(state.as_str())
    })
}

fn answered(result: Result<Value, StateError>) -> Reply {
    let ok =
        |body: String| Reply::new(StatusCode::OK, "application/json", body).with("x-amz-executed-version", "$LATEST");
    match result {
        Ok(value) => ok(value.to_string()),
        Err(error) => {
            // What a function reports is JSON already; what Lambda says of one is not.
            let own = || json!({"errorType": error.error, "errorMessage": error.cause});
            let said = serde_json::from_str(&error.cause).ok().filter(Value::is_object).unwrap_or_else(own);
            ok(said.to_string()).with("x-amz-function-error", "Unhandled")
        }
    }
}

/// Delivers an event: up to two more times when the function fails.
fn deliver(world: &World, step: Step, region: &Region, event: Value, missed: Rc<RefCell<Vec<Value>>>) {
    let (own, region) = (world.clone(), region.clone());
    world.executor().spawn(async move {
        for wait_s in WAITS_S {
            own.sleep(Period::seconds(wait_s)).await;
            match own.invoke(step, &region, "", event.clone()).await {
                Ok(_) => return,
                Err(error) => own.log(Lane::Detection, format!("{step} in {region} fails: {}", error.error)),
            }
        }
        own.log(Lane::Detection, format!("{step} in {region}: an event is lost to the queue of missed starts"));
        missed.borrow_mut().push(event);
    });
}

#[async_trait(?Send)]
impl Service for LambdaService {
    async fn serve(&self, request: &Request) -> Reply {
        match self.invoke(request).await {
            Ok(reply) => reply,
            Err(Refusal::Said { status, code, message, .. }) => {
                let body = json!({"Type": "User", "Message": message, "message": message});
                Reply::new(status, "application/json", body.to_string()).with("x-amzn-errortype", code)
            }
            Err(Refusal::Gone) => Reply::Gone,
        }
    }
}
