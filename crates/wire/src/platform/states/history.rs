//! Events of a history, as Step Functions writes them.

use lifeboat_model::Region;
use lifeboat_model::limits::Step;
use lifeboat_simulator::machine::{AnswerBy, Event, StateError, What};
use serde_json::{Value as Json, json};

/// Whether inputs and outputs are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// They are.
    Included,
    /// They are not.
    LeftOut,
}

/// An event.
pub fn event(event: &Event, region: &Region, data: Data) -> Json {
    let (kind, details) = told(&event.what, region);
    let mut answer = json!({
        "timestamp": super::seconds(event.at), "type": kind, "id": event.id, "previousEventId": event.previous,
    });
    if let (Some((field, mut details)), Some(fields)) = (details, answer.as_object_mut()) {
        if let (Data::LeftOut, Some(details)) = (data, details.as_object_mut()) {
            details.retain(|name, _| !["input", "output", "parameters", "error", "cause"].contains(&name.as_str()));
        }
        fields.insert(field.to_owned(), details);
    }
    answer
}

type Told = (String, Option<(&'static str, Json)>);

fn told(what: &What, region: &Region) -> Told {
    let with = |kind: &str, field, details| (kind.to_owned(), Some((field, details)));
    let bare = |kind: &str| (kind.to_owned(), None);
    let said = |error: &StateError| json!({"error": error.error, "cause": error.cause});
    let item = |state: &str, index: usize| json!({"name": state, "index": index});
    match what {
        What::ExecutionStarted { input } => {
            let role = format!("arn:aws:iam::{}:role/{}", super::ACCOUNT, super::MACHINE);
            with(
                "ExecutionStarted",
                "executionStartedEventDetails",
                json!({"input": input.to_string(), "roleArn": role}),
            )
        }
        What::ExecutionSucceeded { output } => {
            with("ExecutionSucceeded", "executionSucceededEventDetails", json!({"output": output.to_string()}))
        }
        What::ExecutionFailed(error) => with("ExecutionFailed", "executionFailedEventDetails", said(error)),
        What::ExecutionTimedOut(error) => with("ExecutionTimedOut", "executionTimedOutEventDetails", said(error)),
        What::ExecutionAborted(error) => with("ExecutionAborted", "executionAbortedEventDetails", said(error)),
        What::StateEntered { kind, state, input } => {
            let details = json!({"name": state, "input": input.to_string()});
            with(&format!("{kind}StateEntered"), "stateEnteredEventDetails", details)
        }
        What::StateExited { kind, state, output } => {
            let details = json!({"name": state, "output": output.to_string()});
            with(&format!("{kind}StateExited"), "stateExitedEventDetails", details)
        }
        What::TaskScheduled { .. }
        | What::TaskStarted(_)
        | What::TaskSubmitted { .. }
        | What::TaskSucceeded { .. }
        | What::TaskFailed { .. }
        | What::TaskTimedOut { .. } => of_task(what, region),
        What::MapStarted { length } => {
            with("MapStateStarted", "mapStateStartedEventDetails", json!({"length": length}))
        }
        What::IterationStarted { state, index } => {
            with("MapIterationStarted", "mapIterationStartedEventDetails", item(state, *index))
        }
        What::IterationSucceeded { state, index } => {
            with("MapIterationSucceeded", "mapIterationSucceededEventDetails", item(state, *index))
        }
        What::IterationFailed { state, index } => {
            with("MapIterationFailed", "mapIterationFailedEventDetails", item(state, *index))
        }
        What::MapSucceeded => bare("MapStateSucceeded"),
        What::MapFailed(_) => bare("MapStateFailed"),
        What::ParallelStarted => bare("ParallelStateStarted"),
        What::ParallelSucceeded => bare("ParallelStateSucceeded"),
        What::ParallelFailed(_) => bare("ParallelStateFailed"),
    }
}

fn of_task(what: &What, region: &Region) -> Told {
    let (kind, field, answer, more) = match what {
        What::TaskScheduled { parameters, timeout_s, answer } => {
            let parameters = named(parameters, region).to_string();
            let more = json!({"region": region.as_str(), "parameters": parameters, "timeoutInSeconds": timeout_s});
            ("TaskScheduled", "taskScheduledEventDetails", *answer, more)
        }
        What::TaskStarted(answer) => ("TaskStarted", "taskStartedEventDetails", *answer, json!({})),
        What::TaskSubmitted { output } => {
            let more = json!({"output": output.to_string()});
            ("TaskSubmitted", "taskSubmittedEventDetails", AnswerBy::Token, more)
        }
        What::TaskSucceeded { output, answer } => {
            ("TaskSucceeded", "taskSucceededEventDetails", *answer, json!({"output": output.to_string()}))
        }
        What::TaskTimedOut { error, answer } => {
            let more = json!({"error": error.error, "cause": error.cause});
            ("TaskTimedOut", "taskTimedOutEventDetails", *answer, more)
        }
        What::TaskFailed { error, answer } => {
            let more = json!({"error": error.error, "cause": error.cause});
            ("TaskFailed", "taskFailedEventDetails", *answer, more)
        }
        // Of no task; `told` sends none of these here.
        What::ExecutionStarted { .. }
        | What::ExecutionSucceeded { .. }
        | What::ExecutionFailed(_)
        | What::ExecutionTimedOut(_)
        | What::ExecutionAborted(_)
        | What::StateEntered { .. }
        | What::StateExited { .. }
        | What::MapStarted { .. }
        | What::IterationStarted { .. }
        | What::IterationSucceeded { .. }
        | What::IterationFailed { .. }
        | What::MapSucceeded
        | What::MapFailed(_)
        | What::ParallelStarted
        | What::ParallelSucceeded
        | What::ParallelFailed(_) => return (String::new(), None),
    };
    let resource = match answer {
        AnswerBy::Function => "invoke",
        AnswerBy::Token => "invoke.waitForTaskToken",
    };
    let mut details = json!({"resourceType": "lambda", "resource": resource});
    if let (Some(details), Json::Object(more)) = (details.as_object_mut(), more) {
        details.extend(more);
    }
    (kind.to_owned(), Some((field, details)))
}

/// The parameters with the function's ARN in the place of what the template fills in.
fn named(parameters: &Json, region: &Region) -> Json {
    let mut parameters = parameters.clone();
    if let Some(function) = parameters.get_mut("FunctionName") {
        let of = |step: &Step| *function == json!(format!("${{{}FunctionArn}}", step.state_name()));
        if let Some(step) = Step::ALL.iter().find(|step| of(step)) {
            *function = json!(super::super::function_arn(region, *step));
        }
    }
    parameters
}
