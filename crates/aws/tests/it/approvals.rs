//! Answers to questions for approval: what is asked of DynamoDB and Step Functions, and what is made of their answers.

use crate::common::table::{RUN, T, item, nothing, plan_name};
use crate::common::{AWAY, HOME, Reply, Script, json_answer, json_error, region};
use lifeboat_aws::SfnApprovals;
use lifeboat_model::Timestamp;
use lifeboat_ports::{Approvals, AskedApproval, CallError, Delivery, Fault};
use serde_json::{Value, json};

const TOKEN: &str = "much-secret";

fn approvals(aws: &Script) -> SfnApprovals {
    SfnApprovals::new(&aws.environment()).expect("a table")
}

fn question() -> Value {
    json!({
        "pk": {"S": "plan#retail-store"},
        "sk": {"S": "approval"},
        "run_id": {"S": RUN},
        "token": {"S": TOKEN},
        "asked_at": {"N": T.to_string()},
        "expires_at": {"N": (T + 900_000).to_string()},
    })
}

async fn answer(aws: &Script) -> Result<Delivery, CallError> {
    let output = json!({"decision": "deny", "by": "the owner", "reason": "a \"quoted\" one"});
    approvals(aws).answer(&region(AWAY), TOKEN, &output).await
}

#[tokio::test(start_paused = true)]
async fn a_question_is_read_as_it_was_asked_and_strongly_consistently() {
    let aws = Script::new();
    aws.on("GetItem", item(&question()));
    let asked = approvals(&aws).asked(&plan_name()).await;
    let expected = AskedApproval {
        run_id: RUN.to_owned(),
        token: TOKEN.to_owned(),
        asked_at: Timestamp::from_ms(T),
        expires_at: Timestamp::from_ms(T + 900_000),
    };
    assert_eq!(asked, Ok(Some(expected)));
    let request = aws.only_request();
    let key = json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": "approval"}});
    assert_eq!(request.json(), json!({"TableName": "lifeboat", "Key": key, "ConsistentRead": true}));
    assert_eq!(request.signed_for, HOME);
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_nobody_asked_about_has_no_question() {
    let aws = Script::new();
    aws.on("GetItem", nothing());
    assert_eq!(approvals(&aws).asked(&plan_name()).await, Ok(None));
    aws.only_request();
}

#[tokio::test(start_paused = true)]
async fn s9_a_question_that_lacks_anything_is_unreadable_and_its_error_holds_no_token() {
    for attribute in ["run_id", "token", "asked_at", "expires_at"] {
        let mut lacking = question();
        lacking.as_object_mut().expect("an item").remove(attribute);
        let aws = Script::new();
        aws.on("GetItem", item(&lacking));
        let error = approvals(&aws).asked(&plan_name()).await.expect_err(attribute);
        aws.only_request();
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "UnreadableItem"));
        assert!(error.message.contains(&format!("attribute {attribute}")), "{error}");
        assert!(!format!("{error:?}").contains(TOKEN));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_to_the_region_of_the_run_with_its_token_as_json() {
    let aws = Script::new();
    aws.on("SendTaskSuccess", json_answer(&json!({})));
    assert_eq!(answer(&aws).await, Ok(Delivery::Taken));
    let request = aws.only_request();
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("states.us-east-1.amazonaws.com", AWAY));
    let sent = request.json();
    assert_eq!(sent["taskToken"], TOKEN);
    let output: Value = serde_json::from_str(sent["output"].as_str().expect("a text")).expect("JSON");
    assert_eq!(output, json!({"decision": "deny", "by": "the owner", "reason": "a \"quoted\" one"}));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_no_longer_is_no_error_but_an_answer_that_came_too_late() {
    for code in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
        let aws = Script::new();
        aws.on("SendTaskSuccess", json_error(400, code, "no"));
        assert_eq!(answer(&aws).await, Ok(Delivery::NotOpen), "{code}");
        aws.only_request();
    }
}

#[tokio::test(start_paused = true)]
async fn s10_an_answer_is_sent_once_and_its_fault_says_whether_the_run_may_have_it() {
    let cases = [
        (json_error(400, "AccessDeniedException", "no"), Fault::Denied),
        (json_error(400, "InvalidOutput", "no"), Fault::Invalid),
        (json_error(400, "ThrottlingException", "no"), Fault::Throttled),
        (json_error(500, "InternalFailure", "no"), Fault::Internal),
        (Reply::Refused, Fault::Unreachable),
        (Reply::LostAfterEffect, Fault::Internal),
        (Reply::Never, Fault::TimedOut),
    ];
    for (reply, fault) in cases {
        let aws = Script::new();
        aws.on("SendTaskSuccess", reply.clone());
        let error = answer(&aws).await.expect_err("a failure");
        aws.only_request();
        assert_eq!((error.operation.as_str(), error.place.as_str()), ("states:SendTaskSuccess", AWAY));
        assert_eq!(error.fault, fault, "{reply:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_quotes_the_token_is_told_without_it() {
    let aws = Script::new();
    let words = format!("Value '{TOKEN}' at 'taskToken' failed to satisfy constraint");
    aws.on("SendTaskSuccess", json_error(400, "ValidationException", &words));
    let error = answer(&aws).await.expect_err("a refusal");
    aws.only_request();
    assert_eq!(error.message, "Value '[token]' at 'taskToken' failed to satisfy constraint");
    assert!(!format!("{error} {error:?}").contains(TOKEN));
}
