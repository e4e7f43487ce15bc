//! Executions: what is asked of Step Functions, and what is made of its answers.

use crate::common::{HOME, Script, json_answer, json_error};
use lifeboat_aws::SfnExecutions;
use lifeboat_ports::{CallError, Executions, Fault, Started};
use serde_json::json;

const EXECUTION: &str = "arn:aws:states:us-west-2:111122223333:execution:lifeboat:alarm-1";

async fn start(aws: &Script) -> Result<Started, CallError> {
    let executions = SfnExecutions::new(&aws.environment()).expect("a state machine");
    executions.start("alarm-1", &json!({"plan": "retail-store"})).await
}

#[tokio::test(start_paused = true)]
async fn s12_an_execution_starts_in_the_home_region_under_its_name() {
    let aws = Script::new();
    aws.on("StartExecution", json_answer(&json!({"executionArn": EXECUTION, "startDate": 1.0})));
    assert_eq!(start(&aws).await, Ok(Started::Running(EXECUTION.to_owned())));
    let request = aws.only_request();
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("states.us-west-2.amazonaws.com", HOME));
    let expected = json!({
        "stateMachineArn": "arn:aws:states:us-west-2:111122223333:stateMachine:lifeboat",
        "name": "alarm-1",
        "input": "{\"plan\":\"retail-store\"}",
    });
    assert_eq!(request.json(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_another_execution_has_is_taken() {
    let aws = Script::new();
    aws.on("StartExecution", json_error(400, "ExecutionAlreadyExists", "Execution Already Exists"));
    assert_eq!(start(&aws).await, Ok(Started::NameTaken));
    aws.only_request();
}

#[tokio::test(start_paused = true)]
async fn a_limit_on_executions_asks_for_patience_and_a_missing_state_machine_is_not_found() {
    for (code, fault) in [("ExecutionLimitExceeded", Fault::Throttled), ("StateMachineDoesNotExist", Fault::NotFound)] {
        let aws = Script::new();
        aws.on("StartExecution", json_error(400, code, "no"));
        assert_eq!(start(&aws).await.expect_err("a refusal").fault, fault, "{code}");
        aws.only_request();
    }
}
