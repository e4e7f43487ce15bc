//! A person's side: what is asked of DynamoDB, Step Functions and S3, and what is made of their answers.

use crate::common::table::{RUN, T, condition_failed, item, ledger, nothing, plan_name};
use crate::common::{HOME, Reply, Script, json_answer, json_error, s3_error};
use lifeboat_aws::{S3Archive, SfnRuns};
use lifeboat_model::execution::ExecutionArn;
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::read::Node;
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::{Direction, Plan, Timestamp};
use lifeboat_ports::{
    Append, Bookmark, CallError, ExecutionStatus, Fault, Happened, KillSwitch, Locks, PlanStore, Reports, Runs, Scope,
    Swap,
};
use serde_json::{Value, json};

fn plan() -> Plan {
    let body: Value = serde_json::from_str(include_str!("common/plan.json")).expect("JSON");
    Plan::read(&Node::from(&body)).expect("a plan")
}

fn run() -> ExecutionArn {
    RUN.parse().expect("an execution")
}

fn lock() -> Lock {
    let region = crate::common::region;
    Lock {
        epoch: 7,
        state: LockState::NeedsOperator,
        lease_expires_at: Timestamp::from_ms(T),
        run: Admission {
            run_id: RUN.to_owned(),
            plan_version: 3,
            direction: Direction { source: region(crate::common::AWAY), target: region(HOME) },
            mode: Mode::Switchover,
            consent: None,
            trigger: Trigger::Operator { name: None },
            approval: Approval::NotNeeded,
            admitted_at: Timestamp::from_ms(T),
        },
        past_point_of_no_return: true,
        inherits_change: false,
        cool_down_until: None,
        acknowledged: false,
        stopped: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_is_stored_as_a_version_of_its_own_that_replaces_nothing() {
    let aws = Script::new();
    aws.on("PutItem", nothing()).on("PutItem", condition_failed());
    let ledger = ledger(&aws);
    assert_eq!(ledger.add_version(&plan(), 4).await, Ok(Append::Written));
    assert_eq!(ledger.add_version(&plan(), 4).await, Ok(Append::AlreadyThere));
    let request = aws.finish()[0].json();
    assert_eq!(request["Item"]["sk"], json!({"S": "version#000000000004"}));
    assert_eq!(request["ConditionExpression"], "attribute_not_exists(pk)");
    let body: Value = serde_json::from_str(request["Item"]["body"]["S"].as_str().expect("a text")).expect("JSON");
    assert_eq!(Plan::read(&Node::from(&body)), Ok(plan()), "it reads as it was written");
}

#[tokio::test(start_paused = true)]
async fn a_version_comes_into_force_only_from_the_one_that_was_read() {
    let aws = Script::new();
    aws.on("PutItem", nothing()).on("PutItem", nothing()).on("PutItem", condition_failed());
    let ledger = ledger(&aws);
    assert_eq!(ledger.make_current(&plan_name(), None, 1).await, Ok(Swap::Stored));
    assert_eq!(ledger.make_current(&plan_name(), Some(3), 4).await, Ok(Swap::Stored));
    assert_eq!(ledger.make_current(&plan_name(), Some(3), 4).await, Ok(Swap::Changed));
    let requests = aws.finish();
    let (first, next) = (requests[0].json(), requests[1].json());
    assert_eq!(first["ConditionExpression"], "attribute_not_exists(pk)");
    let item = json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": "current"}, "version": {"N": "4"}});
    assert_eq!(next["Item"], item);
    assert_eq!(next["ConditionExpression"], "#version = :read");
    assert_eq!(next["ExpressionAttributeNames"], json!({"#version": "version"}));
    assert_eq!(next["ExpressionAttributeValues"], json!({":read": {"N": "3"}}));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_of_another_plan_is_never_taken_from_it() {
    let aws = Script::new();
    aws.on("PutItem", condition_failed()).on("DeleteItem", condition_failed()).on("DeleteItem", nothing());
    let ledger = ledger(&aws);
    assert_eq!(ledger.claim_alarm("impaired", &plan_name()).await, Ok(Swap::Changed));
    assert_eq!(ledger.release_alarm("impaired", &plan_name()).await, Ok(Swap::Changed));
    assert_eq!(ledger.release_alarm("impaired", &plan_name()).await, Ok(Swap::Stored));
    let requests = aws.finish();
    let (claim, release) = (requests[0].json(), requests[1].json());
    assert_eq!(claim["ConditionExpression"], "attribute_not_exists(pk) OR #plan = :plan");
    assert_eq!(claim["ExpressionAttributeNames"], json!({"#plan": "plan"}));
    assert_eq!(release["ConditionExpression"], "#attribute = :read");
    assert_eq!(release["ExpressionAttributeNames"], json!({"#attribute": "plan"}));
    assert_eq!(release["ExpressionAttributeValues"], json!({":read": {"S": "retail-store"}}));
}

#[tokio::test(start_paused = true)]
async fn s14_the_kill_switch_is_set_at_once_and_cleared_only_as_it_was_shown() {
    let aws = Script::new();
    aws.on("PutItem", nothing()).on("GetItem", item(&json!({"disabled": {"S": "WHY"}}))).on("DeleteItem", nothing());
    let (ledger, name) = (ledger(&aws), plan_name());
    assert_eq!(ledger.set(Scope::AllPlans, "WHY").await, Ok(()));
    assert_eq!(ledger.why(Scope::AllPlans).await, Ok(Some("WHY".to_owned())));
    assert_eq!(ledger.clear(Scope::Plan(&name), "WHY").await, Ok(Swap::Stored));
    let requests = aws.finish();
    let set = json!({"pk": {"S": "settings"}, "sk": {"S": "all"}, "disabled": {"S": "WHY"}});
    assert_eq!(requests[0].json(), json!({"TableName": "lifeboat", "Item": set}));
    let clear = requests[2].json();
    assert_eq!(clear["Key"], json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": "settings"}}));
    assert_eq!(clear["ExpressionAttributeValues"], json!({":read": {"S": "WHY"}}));
}

#[tokio::test(start_paused = true)]
async fn s7_what_is_acknowledged_is_what_was_read_and_no_run_that_is_alive() {
    let aws = Script::new();
    aws.on("UpdateItem", nothing()).on("UpdateItem", condition_failed());
    let (ledger, now) = (ledger(&aws), Timestamp::from_ms(T));
    assert_eq!(ledger.acknowledge(&plan_name(), &lock(), "WHO", now).await, Ok(Swap::Stored));
    assert_eq!(ledger.acknowledge(&plan_name(), &lock(), "WHO", now).await, Ok(Swap::Changed));
    let request = aws.finish()[0].json();
    assert_eq!(request["Key"], json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"}}));
    assert_eq!(request["UpdateExpression"], "SET acknowledged = :yes, #state = :free, acknowledged_by = :who");
    assert_eq!(request["ConditionExpression"], "epoch = :epoch AND (#state <> :held OR lease_expires_at < :now)");
    assert_eq!(request["ExpressionAttributeNames"], json!({"#state": "state"}));
    let values = json!({":epoch": {"N": "7"}, ":held": {"S": "held"}, ":now": {"N": T.to_string()},
        ":yes": {"BOOL": true}, ":free": {"S": "free"}, ":who": {"S": "WHO"}});
    assert_eq!(request["ExpressionAttributeValues"], values);
}

#[tokio::test(start_paused = true)]
async fn s11_a_run_is_stopped_only_while_it_holds_the_plan_and_before_its_point_of_no_return() {
    let aws = Script::new();
    aws.on("UpdateItem", nothing()).on("UpdateItem", condition_failed());
    let ledger = ledger(&aws);
    assert_eq!(ledger.stop_run(&plan_name(), RUN, "WHY").await, Ok(Swap::Stored));
    assert_eq!(ledger.stop_run(&plan_name(), RUN, "WHY").await, Ok(Swap::Changed));
    let request = aws.finish()[0].json();
    assert_eq!(request["UpdateExpression"], "SET #stopped = :why");
    assert_eq!(
        request["ConditionExpression"],
        "#state = :held AND run_id = :run_id AND past_point_of_no_return = :false"
    );
    assert_eq!(request["ExpressionAttributeNames"], json!({"#state": "state", "#stopped": "stopped"}));
    let values =
        json!({":held": {"S": "held"}, ":run_id": {"S": RUN}, ":false": {"BOOL": false}, ":why": {"S": "WHY"}});
    assert_eq!(request["ExpressionAttributeValues"], values);
}

#[tokio::test(start_paused = true)]
async fn s10_what_changes_something_is_sent_once_and_a_lost_reply_is_an_unknown_fate() {
    let lost = || Reply::LostAfterEffect;
    let (name, now, lock) = (plan_name(), Timestamp::from_ms(T), lock());
    let mut faults = Vec::new();
    for wire in ["PutItem", "PutItem", "PutItem", "PutItem", "DeleteItem", "DeleteItem", "UpdateItem", "UpdateItem"] {
        let aws = Script::new();
        aws.on(wire, lost());
        let ledger = ledger(&aws);
        let failed: Result<(), CallError> = match faults.len() {
            0 => ledger.add_version(&plan(), 1).await.map(drop),
            1 => ledger.make_current(&name, None, 1).await.map(drop),
            2 => ledger.claim_alarm("impaired", &name).await.map(drop),
            3 => ledger.set(Scope::AllPlans, "WHY").await,
            4 => ledger.release_alarm("impaired", &name).await.map(drop),
            5 => ledger.clear(Scope::AllPlans, "WHY").await.map(drop),
            6 => ledger.acknowledge(&name, &lock, "WHO", now).await.map(drop),
            _ => ledger.stop_run(&name, RUN, "WHY").await.map(drop),
        };
        let error = failed.expect_err("a lost reply");
        assert_eq!(error.operation, format!("dynamodb:{wire}"));
        faults.push(error.fault);
        aws.only_request();
    }
    assert_eq!(faults, [Fault::Internal; 8]);
}

#[tokio::test(start_paused = true)]
async fn an_execution_is_read_in_its_own_region() {
    let away: ExecutionArn =
        "arn:aws:states:us-east-1:111122223333:execution:lifeboat:run-2".parse().expect("an execution");
    let aws = Script::new();
    let told = |status: &str| {
        json_answer(
            &json!({"executionArn": away, "stateMachineArn": "x", "status": status, "startDate": 1_800_000_000.25,
            "stopDate": 1_800_000_060, "input": "{}", "error": "Lifeboat.Unchanged", "cause": "why"}),
        )
    };
    aws.on("DescribeExecution", told("FAILED")).on("DescribeExecution", told("PENDING_REDRIVE"));
    aws.on("DescribeExecution", json_error(400, "ExecutionDoesNotExist", "no"));
    let runs = SfnRuns::new(&aws.environment());
    let execution = runs.execution(&away).await.expect("an answer").expect("an execution");
    assert_eq!(execution.status, ExecutionStatus::Failed);
    assert_eq!(execution.started_at, Timestamp::from_ms(1_800_000_000_250));
    assert_eq!(execution.stopped_at, Some(Timestamp::from_ms(1_800_000_060_000)));
    assert_eq!(execution.error.as_deref(), Some("Lifeboat.Unchanged"));
    let strange = runs.execution(&away).await.expect("an answer").expect("an execution");
    assert_eq!(strange.status, ExecutionStatus::Unknown("PENDING_REDRIVE".to_owned()));
    assert_eq!(runs.execution(&away).await, Ok(None));
    assert!(aws.finish().iter().all(|request| request.signed_for == "us-east-1"));
}

fn event(id: i64, kind: &str, more: Value) -> Value {
    let mut event = json!({"timestamp": 1_800_000_000, "type": kind, "id": id, "previousEventId": id - 1});
    event.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
    event
}

#[tokio::test(start_paused = true)]
async fn a_history_is_read_on_from_where_it_was_left_without_telling_anything_twice() {
    let first = json!({"nextToken": "two", "events": [
        event(1, "ExecutionStarted", json!({})),
        event(2, "TaskStateEntered", json!({"stateEnteredEventDetails": {"name": "Admit"}})),
        event(3, "TaskScheduled", json!({})),
    ]});
    let failed = event(
        4,
        "TaskFailed",
        json!({"taskFailedEventDetails": {"resourceType": "lambda", "resource": "invoke",
        "error": "Lifeboat.Transient", "cause": "why"}}),
    );
    let left = event(5, "TaskStateExited", json!({"stateExitedEventDetails": {"name": "Admit"}}));
    let aborted = event(6, "ParallelStateAborted", json!({}));
    let new = event(7, "SomethingNew", json!({}));
    let aws = Script::new();
    aws.on("GetExecutionHistory", json_answer(&first));
    aws.on("GetExecutionHistory", json_answer(&json!({"events": [failed]})));
    aws.on("GetExecutionHistory", json_answer(&json!({"events": [failed, left, aborted, new]})));
    let runs = SfnRuns::new(&aws.environment());
    let (events, bookmark) = runs.events(&run(), &Bookmark::default()).await.expect("a history");
    assert_eq!(bookmark, Bookmark { page: Some("two".to_owned()), seen: 4 });
    let told: Vec<Happened> = events.into_iter().map(|e| e.what).collect();
    let admit = || "Admit".to_owned();
    let expected = [
        Happened::Other("ExecutionStarted".to_owned()),
        Happened::Entered { state: admit() },
        Happened::Called,
        Happened::Failed { error: "Lifeboat.Transient".to_owned(), cause: "why".to_owned() },
    ];
    assert_eq!(told, expected);
    let (events, bookmark) = runs.events(&run(), &bookmark).await.expect("a history");
    let told: Vec<Happened> = events.into_iter().map(|e| e.what).collect();
    let expected = [Happened::Exited { state: admit() }, Happened::Aborted, Happened::Other("SomethingNew".to_owned())];
    assert_eq!((told.as_slice(), bookmark.seen), (expected.as_slice(), 7));
    let requests = aws.finish();
    assert_eq!(requests[2].json()["nextToken"], "two", "the last page again: it grows");
    assert_eq!(requests[0].json()["includeExecutionData"], json!(false));
}

#[tokio::test(start_paused = true)]
async fn executions_are_listed_page_by_page_in_the_region_of_the_state_machine() {
    let machine = "arn:aws:states:us-east-1:111122223333:stateMachine:lifeboat".parse().expect("an ARN");
    let one = json!({"executionArn": "arn:aws:states:us-east-1:111122223333:execution:lifeboat:run-2", "name": "run-2",
        "stateMachineArn": machine, "status": "RUNNING", "startDate": 1_800_000_000});
    let aws = Script::new();
    aws.on("ListExecutions", json_answer(&json!({"executions": [one], "nextToken": "two"})));
    aws.on("ListExecutions", json_answer(&json!({"executions": []})));
    let runs = SfnRuns::new(&aws.environment());
    let (listed, next) = runs.executions(&machine, None).await.expect("a list");
    assert_eq!((listed[0].run.name(), next.as_deref()), ("run-2", Some("two")));
    assert_eq!(runs.executions(&machine, Some("two")).await, Ok((Vec::new(), None)));
    let requests = aws.finish();
    assert_eq!((requests[1].json()["nextToken"].as_str(), requests[0].signed_for.as_str()), (Some("two"), "us-east-1"));
}

#[tokio::test(start_paused = true)]
async fn a_report_is_fetched_or_is_not_there_and_a_refusal_is_neither() {
    let key = "runs/retail-store/run 1/report.json";
    let aws = Script::new();
    aws.on("GetObject", Reply::Answer { status: 200, headers: Vec::new(), body: b"{}".to_vec() });
    aws.on("GetObject", s3_error(404, "NoSuchKey", "no"));
    aws.on("GetObject", s3_error(403, "AccessDenied", "no"));
    let archive = S3Archive::new(&aws.environment()).expect("a bucket");
    assert_eq!(archive.fetch(key).await, Ok(Some("{}".to_owned())));
    assert_eq!(archive.fetch(key).await, Ok(None));
    assert_eq!(
        archive.fetch(key).await.map_err(|e| (e.operation, e.fault)),
        Err(("s3:GetObject".to_owned(), Fault::Denied))
    );
    assert_eq!(archive.fetch("settings").await.map_err(|e| e.fault), Err(Fault::Invalid));
    let requests = aws.finish();
    assert_eq!(
        (requests[0].method.as_str(), requests[0].path.as_str()),
        ("GET", "/runs/retail-store/run%201/report.json")
    );
    assert_eq!(requests.len(), 3);
}
