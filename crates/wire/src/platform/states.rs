//! Step Functions: executions of the shipped machine, as a person, the trigger and the AWS CLI ask for them.
//!
//! Purpose: start, follow, answer and stop runs. Guarantees: one name starts one execution; a history has the events, the
//! order and the numbers of Step Functions; a dark Region does not answer. Effects: starts and stops executions, answers
//! tasks. Fails when: never.

mod history;

use async_trait::async_trait;
use lifeboat_model::limits::Step;
use lifeboat_model::{Region, Timestamp};
use lifeboat_ports::Started;
use lifeboat_simulator::World;
use lifeboat_simulator::machine::{EndedBy, StateError};
use lifeboat_simulator::world::{RunRecord, Sent, StartedBy};
use serde_json::{Value as Json, json};

use super::answer::{asked, json_1_0};
use super::{ACCOUNT, MACHINE};
use crate::callers::{Act, Callers};
use crate::face::Service;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;

/// Step Functions' namespace of shapes.
const SHAPE: &str = "com.amazonaws.swf.service.v2.model";

/// The most characters of an execution's name.
const NAME_MAX: usize = 80;
/// The most bytes of an input or output.
const DATA_MAX: usize = 256 * 1024;
/// How many results a page has unless it is told otherwise.
const PAGE: usize = 100;
/// The most results of a page.
const PAGE_MAX: usize = 1000;

/// Step Functions, with one state machine in each Region.
pub struct StatesService {
    callers: Callers,
    definition: String,
}

impl StatesService {
    /// The executions of the world of `callers`; `definition` is the machine that it runs, as text. Histories are kept from
    /// now on.
    pub fn new(callers: Callers, definition: impl Into<String>) -> Self {
        callers.world().keep_histories();
        Self { callers, definition: definition.into() }
    }

    async fn answer(&self, operation: &str, body: &Json, request: &Request) -> Result<Json, Refusal> {
        let signature = request.signature.as_ref();
        let unsigned = || Refusal::new("MissingAuthenticationTokenException", "the request is not signed");
        let signature = signature.ok_or_else(unsigned)?;
        let by = match self.callers.of(&signature.access_key) {
            Some(_) => StartedBy::Alarm,
            None => StartedBy::Operator,
        };
        let region = &signature.region;
        let (name, act) = match operation {
            "StartExecution" => ("states:StartExecution", Act::Change),
            "StopExecution" => ("states:StopExecution", Act::Change),
            "SendTaskSuccess" => ("states:SendTaskSuccess", Act::Change),
            "SendTaskFailure" => ("states:SendTaskFailure", Act::Change),
            "SendTaskHeartbeat" => ("states:SendTaskHeartbeat", Act::Change),
            "DescribeExecution" => ("states:DescribeExecution", Act::Look),
            "GetExecutionHistory" => ("states:GetExecutionHistory", Act::Look),
            "ListExecutions" => ("states:ListExecutions", Act::Look),
            "DescribeStateMachine" => ("states:DescribeStateMachine", Act::Look),
            "ListStateMachines" => ("states:ListStateMachines", Act::Look),
            _ => return Err(Refusal::unknown_operation(operation)),
        };
        let resource = text(body, "name").unwrap_or(MACHINE);
        let ports = self.callers.ports(&signature.access_key, Step::StartRun, act, region);
        let answer = ports.call_platform(name, region, resource, |world| {
            Ok(match operation {
                "StartExecution" => start(world, region, body, by),
                "StopExecution" => stop(world, region, body),
                "SendTaskSuccess" => success(world, region, body),
                "SendTaskFailure" => failure(world, region, body),
                "SendTaskHeartbeat" => heartbeat(world, region, body),
                "DescribeExecution" => describe(world, region, body),
                "GetExecutionHistory" => history(world, region, body),
                "ListExecutions" => list(world, region, body),
                "DescribeStateMachine" => self.describe_machine(world, region, body),
                _ => Ok(json!({"stateMachines": [machine(world, region)]})),
            })
        });
        answer.await?
    }

    fn describe_machine(&self, world: &World, region: &Region, body: &Json) -> Result<Json, Refusal> {
        own_machine(region, body)?;
        let mut definition = self.definition.clone();
        for step in Step::ALL {
            let name = format!("${{{}FunctionArn}}", step.state_name());
            definition = definition.replace(&name, &super::function_arn(region, step));
        }
        let mut answer = machine(world, region);
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("definition".to_owned(), json!(definition));
            fields.insert("status".to_owned(), json!("ACTIVE"));
            fields.insert("roleArn".to_owned(), json!(format!("arn:aws:iam::{ACCOUNT}:role/{MACHINE}")));
        }
        Ok(answer)
    }
}

#[async_trait(?Send)]
impl Service for StatesService {
    async fn serve(&self, request: &Request) -> Reply {
        let answer = match asked(request, "AWSStepFunctions") {
            Ok((operation, body)) => self.answer(operation, &body, request).await,
            Err(refusal) => Err(refusal),
        };
        json_1_0(answer, SHAPE)
    }
}

fn text<'a>(body: &'a Json, field: &str) -> Option<&'a str> {
    body.get(field).and_then(Json::as_str)
}

fn needed<'a>(body: &'a Json, field: &str) -> Result<&'a str, Refusal> {
    text(body, field).ok_or_else(|| {
        let rule = "failed to satisfy constraint: Member must not be null";
        Refusal::invalid(format!("1 validation error detected: Value null at '{field}' {rule}"))
    })
}

/// Seconds since 1970, as the JSON protocols write times.
fn seconds(at: Timestamp) -> Json {
    json!(at.as_ms() as f64 / 1000.0)
}

fn machine(world: &World, region: &Region) -> Json {
    let created = world.state().runs.first().map_or_else(|| world.now(), |run| run.execution.started_at);
    json!({
        "stateMachineArn": super::machine_arn(region), "name": MACHINE, "type": "STANDARD", "creationDate": seconds(created),
    })
}

fn own_machine(region: &Region, body: &Json) -> Result<(), Refusal> {
    let arn = needed(body, "stateMachineArn")?;
    if arn == super::machine_arn(region) {
        return Ok(());
    }
    Err(Refusal::new("StateMachineDoesNotExist", format!("State Machine Does Not Exist: '{arn}'")))
}

fn start(world: &World, region: &Region, body: &Json, by: StartedBy) -> Result<Json, Refusal> {
    own_machine(region, body)?;
    let made_up = || format!("{:032x}", fastrand::u128(..));
    let name = text(body, "name").map_or_else(made_up, str::to_owned);
    let unfit = |c: char| c.is_whitespace() || c.is_control() || "<>{}[]?*\"#%\\^|~`$&,;:/".contains(c);
    if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(unfit) {
        return Err(Refusal::new("InvalidName", format!("Invalid Name: '{name}'")));
    }
    let input = text(body, "input").unwrap_or("{}");
    let read = serde_json::from_str(input).ok().filter(|_| input.len() <= DATA_MAX);
    let Some(input) = read else {
        let words = "Invalid State Machine Execution Input: it is not JSON, or more than 262144 bytes";
        return Err(Refusal::new("InvalidExecutionInput", words));
    };
    match world.start_execution(region, &name, input, by) {
        Started::Running(arn) => {
            let started_at = find(world, &arn).map_or_else(|| world.now(), |run| run.execution.started_at);
            Ok(json!({"executionArn": arn, "startDate": seconds(started_at)}))
        }
        Started::NameTaken => {
            let arn = super::execution_arn(region, &name);
            Err(Refusal::new("ExecutionAlreadyExists", format!("Execution Already Exists: '{arn}'")))
        }
    }
}

fn find(world: &World, arn: &str) -> Option<RunRecord> {
    world.state().runs.iter().find(|run| run.execution.id == arn).cloned()
}

fn own_run(world: &World, region: &Region, body: &Json) -> Result<RunRecord, Refusal> {
    let arn = needed(body, "executionArn")?;
    find(world, arn)
        .filter(|run| &run.region == region)
        .ok_or_else(|| Refusal::new("ExecutionDoesNotExist", format!("Execution Does Not Exist: '{arn}'")))
}

fn stop(world: &World, region: &Region, body: &Json) -> Result<Json, Refusal> {
    let run = own_run(world, region, body)?;
    let said = |field: &str| text(body, field).unwrap_or_default();
    let stopped_at = match &run.ended {
        Some((at, _)) => *at,
        None => {
            world.stop_execution(&run.execution.id, StateError::new(said("error"), said("cause")));
            world.now()
        }
    };
    Ok(json!({"stopDate": seconds(stopped_at)}))
}

fn status(run: &RunRecord) -> &'static str {
    match run.ended.as_ref().map(|(_, ended)| (ended.by, &ended.result)) {
        None => "RUNNING",
        Some((EndedBy::Itself, Ok(_))) => "SUCCEEDED",
        Some((EndedBy::Itself, Err(_))) => "FAILED",
        Some((EndedBy::TimeLimit, _)) => "TIMED_OUT",
        Some((EndedBy::Stop, _)) => "ABORTED",
    }
}

fn summary(run: &RunRecord) -> serde_json::Map<String, Json> {
    let mut fields = serde_json::Map::new();
    let mut say = |name: &str, value: Json| drop(fields.insert(name.to_owned(), value));
    say("executionArn", json!(run.execution.id));
    say("stateMachineArn", json!(super::machine_arn(&run.region)));
    say("name", json!(run.execution.name));
    say("status", json!(status(run)));
    say("startDate", seconds(run.execution.started_at));
    if let Some((at, _)) = &run.ended {
        say("stopDate", seconds(*at));
    }
    fields
}

fn describe(world: &World, region: &Region, body: &Json) -> Result<Json, Refusal> {
    let run = own_run(world, region, body)?;
    let mut fields = summary(&run);
    let mut say = |name: &str, value: Json| drop(fields.insert(name.to_owned(), value));
    say("input", json!(run.execution.input.to_string()));
    say("inputDetails", json!({"included": true}));
    match run.ended.map(|(_, ended)| ended.result) {
        Some(Ok(output)) => {
            say("output", json!(output.to_string()));
            say("outputDetails", json!({"included": true}));
        }
        Some(Err(error)) => {
            say("error", json!(error.error));
            say("cause", json!(error.cause));
        }
        None => {}
    }
    Ok(fields.into())
}

/// One page of `all`, under `field`.
fn page(body: &Json, field: &str, all: Vec<Json>) -> Result<Json, Refusal> {
    let asked = body.get("maxResults").and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
    let size = if asked == 0 { PAGE } else { asked.min(PAGE_MAX) };
    let from: usize = match text(body, "nextToken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| Refusal::new("InvalidToken", "Invalid Token: 'nextToken'"))?,
    };
    let count = all.len();
    let items: Vec<Json> = all.into_iter().skip(from).take(size).collect();
    let mut answer = json!({field: items});
    if let Some(fields) = answer.as_object_mut().filter(|_| from.saturating_add(size) < count) {
        fields.insert("nextToken".to_owned(), json!((from + size).to_string()));
    }
    Ok(answer)
}

fn history(world: &World, region: &Region, body: &Json) -> Result<Json, Refusal> {
    let run = own_run(world, region, body)?;
    let data = match body.get("includeExecutionData").and_then(Json::as_bool) {
        Some(false) => history::Data::LeftOut,
        Some(true) | None => history::Data::Included,
    };
    let events = world.history_of(&run.execution.id);
    let mut events: Vec<Json> = events.iter().map(|event| history::event(event, region, data)).collect();
    if body.get("reverseOrder").and_then(Json::as_bool) == Some(true) {
        events.reverse();
    }
    page(body, "events", events)
}

fn list(world: &World, region: &Region, body: &Json) -> Result<Json, Refusal> {
    own_machine(region, body)?;
    let filter = text(body, "statusFilter");
    let state = world.state();
    let here = state.runs.iter().rev().filter(|run| &run.region == region);
    let wanted = here.filter(|run| filter.is_none_or(|f| f == status(run)));
    page(body, "executions", wanted.map(|run| summary(run).into()).collect())
}

/// The token of a task that runs here.
fn token<'a>(world: &World, region: &Region, body: &'a Json) -> Result<&'a str, Refusal> {
    let token = needed(body, "taskToken")?;
    let here = world.task_execution(token).is_some_and(|arn| arn.split(':').nth(3) == Some(region.as_str()));
    if here { Ok(token) } else { Err(Refusal::new("InvalidToken", "Invalid Token: 'Invalid token'")) }
}

fn sent(sent: Sent) -> Result<Json, Refusal> {
    match sent {
        Sent::Taken => Ok(json!({})),
        Sent::TooLate => Err(Refusal::new("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")),
        Sent::Unknown => Err(Refusal::new("TaskDoesNotExist", "Task Does Not Exist: 'Provided task does not exist'")),
    }
}

fn success(world: &World, region: &Region, body: &Json) -> Result<Json, Refusal> {
    let token = token(world, region, body)?;
    let output = needed(body, "output")?;
    let read = serde_json::from_str(output).ok().filter(|_| output.len() <= DATA_MAX);
    let output = read.ok_or_else(|| Refusal::new("InvalidOutput", "Invalid Output: it is not JSON, or too large"))?;
    sent(world.send_task(token, Ok(output)))
}

fn failure(world: &World, region: &Region, body: &Json) -> Result<Json, Refusal> {
    let token = token(world, region, body)?;
    let said = |field: &str| text(body, field).unwrap_or_default();
    sent(world.send_task(token, Err(StateError::new(said("error"), said("cause")))))
}

fn heartbeat(world: &World, region: &Region, body: &Json) -> Result<Json, Refusal> {
    sent(world.task_waits(token(world, region, body)?))
}
