//! Locks: under which condition DynamoDB is asked to change one, and what is made of its answers.

use crate::common::table::{RUN, T, condition_failed, item, ledger, nothing, plan_name, with_parsed};
use crate::common::{Reply, Script, json_answer, json_error, region};
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::{Direction, Timestamp};
use lifeboat_ports::{CallError, Fault, Fenced, Holder, Ledger, Mark, Swap};
use serde_json::{Value, json};

fn lock() -> Lock {
    Lock {
        epoch: 7,
        state: LockState::Held,
        lease_expires_at: Timestamp::from_ms(T + 180_000),
        run: Admission {
            run_id: RUN.to_owned(),
            plan_version: 3,
            direction: Direction { source: region("us-east-1"), target: region("us-west-2") },
            mode: Mode::Switchover,
            consent: None,
            trigger: Trigger::Operator { name: Some("Ada".to_owned()) },
            approval: Approval::default(),
            admitted_at: Timestamp::from_ms(T),
        },
        past_point_of_no_return: false,
        inherits_change: false,
        cool_down_until: None,
        acknowledged: false,
        stopped: None,
    }
}

/// The lock as the table holds it.
fn lock_attributes() -> Value {
    let run = json!({
        "run_id": RUN, "plan_version": 3, "direction": {"source": "us-east-1", "target": "us-west-2"},
        "mode": "switchover", "trigger": {"kind": "operator", "name": "Ada"}, "approval": {"kind": "not-needed"},
        "admitted_at": "2027-01-15T08:00:00.000Z",
    });
    json!({
        "pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"},
        "epoch": {"N": "7"}, "state": {"S": "held"}, "run_id": {"S": RUN},
        "lease_expires_at": {"N": "1800000180000"}, "acknowledged": {"BOOL": false},
        "past_point_of_no_return": {"BOOL": false}, "inherits_change": {"BOOL": false},
        "run": {"S": run.to_string()},
    })
}

const WHY: &str = "Ada: not tonight";

/// The same after a person stopped the run.
fn stopped_attributes() -> Value {
    let mut item = lock_attributes();
    item["stopped"] = json!({"S": WHY});
    item
}

/// What DynamoDB answers a condition that does not hold, with the item as it is.
fn condition_failed_by(item: &Value) -> Reply {
    let error = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "message": "The conditional request failed", "Item": item,
    });
    Reply::Answer { status: 400, headers: Vec::new(), body: error.to_string().into_bytes() }
}

fn held(lock: Lock) -> Fenced {
    Fenced::Held(Box::new(lock))
}

fn holder() -> Holder<'static> {
    Holder { run_id: RUN, epoch: 7 }
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_read_back_as_it_was_stored() {
    let mut resting = lock();
    resting.state = LockState::Free;
    resting.cool_down_until = Some(Timestamp::from_ms(T + 1));
    resting.past_point_of_no_return = true;
    let mut waiting = lock();
    waiting.state = LockState::NeedsOperator;
    waiting.inherits_change = true;
    waiting.acknowledged = true;
    let stopped = Lock { stopped: Some(WHY.to_owned()), ..lock() };
    for lock in [lock(), resting, waiting, stopped] {
        let aws = Script::new();
        aws.on("PutItem", nothing());
        ledger(&aws).replace_lock(&plan_name(), None, &lock).await.expect("stored");
        let stored = Script::new();
        let put = aws.only_request().json()["Item"].clone();
        stored.on("GetItem", item(&put));
        let read = ledger(&stored).lock(&plan_name()).await;
        assert_eq!(read, Ok(Some(lock)));
        stored.only_request();
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_lock_that_cannot_be_read_in_full_is_an_error_and_not_free() {
    let whole = lock_attributes();
    let attributes: Vec<String> = whole.as_object().expect("an item").keys().cloned().collect();
    let aws = Script::new();
    let mut odd_stop = whole.clone();
    odd_stop["stopped"] = json!({"BOOL": true});
    aws.on("GetItem", item(&odd_stop));
    let error = ledger(&aws).lock(&plan_name()).await.expect_err("a stop without a word");
    assert!(error.code == "UnreadableItem" && error.message.contains("stopped"), "{error}");
    aws.only_request();
    for attribute in attributes.iter().filter(|a| *a != "pk" && *a != "sk") {
        let mut item_without = whole.clone();
        item_without.as_object_mut().expect("an item").remove(attribute);
        let mut item_odd = whole.clone();
        item_odd[attribute] = json!({"S": "odd"});
        for wrong in [item_without, item_odd] {
            let aws = Script::new();
            aws.on("GetItem", item(&wrong));
            let error = ledger(&aws).lock(&plan_name()).await.expect_err(attribute);
            assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "UnreadableItem"), "{error}");
            assert!(error.message.contains(attribute.as_str()), "{error}");
            aws.only_request();
        }
    }
    let aws = Script::new();
    aws.on("GetItem", nothing());
    assert_eq!(ledger(&aws).lock(&plan_name()).await, Ok(None));
    aws.only_request();
}

#[tokio::test(start_paused = true)]
async fn s4_the_first_lock_is_stored_only_where_there_is_none() {
    let aws = Script::new();
    aws.on("PutItem", nothing());
    assert_eq!(ledger(&aws).replace_lock(&plan_name(), None, &lock()).await, Ok(Swap::Stored));
    let request = aws.only_request().json();
    assert_eq!(with_parsed(request["Item"].clone(), "run"), with_parsed(lock_attributes(), "run"));
    assert_eq!(request["ConditionExpression"], "attribute_not_exists(pk)");
    assert_eq!(request["TableName"], "lifeboat");
}

#[tokio::test(start_paused = true)]
async fn s4_a_lock_is_replaced_only_as_it_was_read() {
    let aws = Script::new();
    aws.on("PutItem", nothing());
    let new = lock().needs_operator();
    assert_eq!(ledger(&aws).replace_lock(&plan_name(), Some(&lock()), &new).await, Ok(Swap::Stored));
    let request = aws.only_request().json();
    assert_eq!(request["Item"]["state"], json!({"S": "needs-operator"}));
    let condition = "epoch = :epoch AND #state = :state AND run_id = :run_id AND lease_expires_at = :lease_expires_at \
                     AND acknowledged = :acknowledged AND past_point_of_no_return = :past_point_of_no_return";
    assert_eq!(request["ConditionExpression"], format!("{condition} AND attribute_not_exists(stopped)"));
    assert_eq!(request["ExpressionAttributeNames"], json!({"#state": "state"}));
    let mut values = json!({
        ":epoch": {"N": "7"}, ":state": {"S": "held"}, ":run_id": {"S": RUN},
        ":lease_expires_at": {"N": "1800000180000"}, ":acknowledged": {"BOOL": false},
        ":past_point_of_no_return": {"BOOL": false},
    });
    assert_eq!(request["ExpressionAttributeValues"], values);

    let aws = Script::new();
    aws.on("PutItem", nothing());
    let stopped = Lock { stopped: Some(WHY.to_owned()), ..lock() };
    let new = stopped.clone().unchanged();
    assert_eq!(ledger(&aws).replace_lock(&plan_name(), Some(&stopped), &new).await, Ok(Swap::Stored));
    let request = aws.only_request().json();
    assert_eq!(request["ConditionExpression"], format!("{condition} AND stopped = :stopped"));
    values[":stopped"] = json!({"S": WHY});
    assert_eq!(request["ExpressionAttributeValues"], values);
    assert_eq!(request["Item"]["stopped"], json!({"S": WHY}));
}

#[tokio::test(start_paused = true)]
async fn s4_a_lock_that_changed_meanwhile_is_left_alone() {
    for read in [None, Some(&lock())] {
        let aws = Script::new();
        aws.on("PutItem", condition_failed());
        assert_eq!(ledger(&aws).replace_lock(&plan_name(), read, &lock()).await, Ok(Swap::Changed));
        aws.only_request();
    }
}

#[tokio::test(start_paused = true)]
async fn s5_a_fence_extends_the_lease_of_the_holder_and_of_nobody_else() {
    let aws = Script::new();
    aws.on("UpdateItem", json_answer(&json!({"Attributes": lock_attributes()})));
    let until = Timestamp::from_ms(T + 180_000);
    assert_eq!(ledger(&aws).fence(&plan_name(), holder(), until, Mark::Lease).await, Ok(held(lock())));
    let expected = json!({
        "TableName": "lifeboat",
        "Key": {"pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"}},
        "UpdateExpression": "SET lease_expires_at = :until",
        "ConditionExpression": "epoch = :epoch AND run_id = :run_id AND #state = :held \
                                AND (attribute_not_exists(stopped) OR past_point_of_no_return = :marked)",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {
            ":epoch": {"N": "7"}, ":run_id": {"S": RUN}, ":held": {"S": "held"}, ":until": {"N": "1800000180000"},
            ":marked": {"BOOL": true},
        },
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    });
    assert_eq!(aws.only_request().json(), expected);
}

#[tokio::test(start_paused = true)]
async fn s5_the_point_of_no_return_is_marked_in_the_same_write_as_the_fence() {
    let aws = Script::new();
    let mut marked = lock_attributes();
    marked["past_point_of_no_return"] = json!({"BOOL": true});
    aws.on("UpdateItem", json_answer(&json!({"Attributes": marked})));
    let fenced = ledger(&aws).fence(&plan_name(), holder(), Timestamp::from_ms(T), Mark::PointOfNoReturn).await;
    assert_eq!(fenced, Ok(held(Lock { past_point_of_no_return: true, ..lock() })));
    let request = aws.only_request().json();
    assert_eq!(request["UpdateExpression"], "SET lease_expires_at = :until, past_point_of_no_return = :marked");
    assert_eq!(request["ExpressionAttributeValues"][":marked"], json!({"BOOL": true}));
    let condition = request["ConditionExpression"].as_str().expect("a text");
    assert!(condition.contains("attribute_not_exists(stopped)"), "{condition}");
}

/// What a fence that DynamoDB refuses with `reply` says, by one request.
async fn refused_with(reply: Reply, mark: Mark) -> Result<Fenced, CallError> {
    let aws = Script::new();
    aws.on("UpdateItem", reply);
    let fenced = ledger(&aws).fence(&plan_name(), holder(), Timestamp::from_ms(T), mark).await;
    aws.only_request();
    fenced
}

#[tokio::test(start_paused = true)]
async fn s5_a_lost_fence_says_so() {
    for mark in [Mark::Lease, Mark::PointOfNoReturn] {
        assert_eq!(refused_with(condition_failed(), mark).await, Ok(Fenced::Lost), "there is no lock");
        // Another run's stop is none of ours.
        for mut item in [lock_attributes(), stopped_attributes()] {
            item["epoch"] = json!({"N": "8"});
            assert_eq!(refused_with(condition_failed_by(&item), mark).await, Ok(Fenced::Lost));
            item["epoch"] = json!({"N": "7"});
            item["state"] = json!({"S": "free"});
            assert_eq!(refused_with(condition_failed_by(&item), mark).await, Ok(Fenced::Lost));
        }
        assert_eq!(refused_with(condition_failed_by(&lock_attributes()), mark).await, Ok(Fenced::Lost), "not believed");
    }
}

#[tokio::test(start_paused = true)]
async fn s14_a_fence_of_a_stopped_run_says_who_stopped_it_and_why_by_the_same_request() {
    for mark in [Mark::Lease, Mark::PointOfNoReturn] {
        let fenced = refused_with(condition_failed_by(&stopped_attributes()), mark).await;
        assert_eq!(fenced, Ok(Fenced::Stopped(WHY.to_owned())));
        let mut half = stopped_attributes();
        half.as_object_mut().expect("an item").remove("run");
        let error = refused_with(condition_failed_by(&half), mark).await.expect_err("unreadable");
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "UnreadableItem"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn s5_a_fence_whose_answer_lacks_the_lock_is_an_error_of_unknown_effect() {
    let mut half = lock_attributes();
    half.as_object_mut().expect("an item").remove("epoch");
    for answer in [json!({}), json!({"Attributes": half})] {
        let aws = Script::new();
        aws.on("UpdateItem", json_answer(&answer));
        let error = ledger(&aws).fence(&plan_name(), holder(), Timestamp::from_ms(T), Mark::Lease).await;
        assert_eq!(error.expect_err("no lock").fault, Fault::Internal);
        aws.only_request();
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_meets_another_regions_is_a_conflict_and_no_lost_fence() {
    let conflict = || json_error(400, "ReplicatedWriteConflictException", "modified in another Region");
    let aws = Script::new();
    aws.on("UpdateItem", conflict()).on("PutItem", conflict());
    let ledger = ledger(&aws);
    let fence = ledger.fence(&plan_name(), holder(), Timestamp::from_ms(T), Mark::Lease).await.map(|_| ());
    let swap = ledger.replace_lock(&plan_name(), None, &lock()).await.map(|_| ());
    for result in [fence, swap] {
        assert_eq!(result.expect_err("a conflict").fault, Fault::Conflict);
    }
    aws.finish();
}
