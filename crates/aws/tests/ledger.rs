//! The table: what is asked of DynamoDB under which condition, and what is made of its answers.

mod common;

use common::{HOME, Reply, Script, json_answer, json_error, region};
use lifeboat_aws::DynamoLedger;
use lifeboat_model::journal::{Call, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_model::lock::{Admission, Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::{Direction, Timestamp};
use lifeboat_ports::{Append, CallError, Fault, Holder, Ledger, Mark, Swap};
use serde_json::{Value, json};

const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:lifeboat:run-1";
const T: i64 = 1_800_000_000_000;

fn ledger(aws: &Script) -> DynamoLedger {
    DynamoLedger::new(&aws.environment()).expect("a table")
}

fn plan_name() -> Name {
    "retail-store".parse().expect("a name")
}

fn plan_body() -> Value {
    serde_json::from_str(include_str!("common/plan.json")).expect("JSON")
}

fn item(attributes: &Value) -> Reply {
    json_answer(&json!({"Item": attributes}))
}

fn nothing() -> Reply {
    json_answer(&json!({}))
}

fn condition_failed() -> Reply {
    json_error(400, "ConditionalCheckFailedException", "The conditional request failed")
}

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
            admitted_at: Timestamp::from_ms(T),
        },
        past_point_of_no_return: false,
        inherits_change: false,
        cool_down_until: None,
        acknowledged: false,
    }
}

/// The lock as the table holds it.
fn lock_attributes() -> Value {
    let run = json!({
        "run_id": RUN, "plan_version": 3, "direction": {"source": "us-east-1", "target": "us-west-2"},
        "mode": "switchover", "trigger": {"kind": "operator", "name": "Ada"}, "admitted_at": "2027-01-15T08:00:00.000Z",
    });
    json!({
        "pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"},
        "epoch": {"N": "7"}, "state": {"S": "held"}, "run_id": {"S": RUN},
        "lease_expires_at": {"N": "1800000180000"}, "acknowledged": {"BOOL": false},
        "past_point_of_no_return": {"BOOL": false}, "inherits_change": {"BOOL": false},
        "run": {"S": run.to_string()},
    })
}

fn holder() -> Holder<'static> {
    Holder { run_id: RUN, epoch: 7 }
}

fn entry() -> Entry {
    let call = Call {
        operation: "rds:FailoverGlobalCluster".to_owned(),
        region: region(HOME),
        parameters: [("GlobalClusterIdentifier".to_owned(), "store-orders".to_owned())].into(),
    };
    Entry {
        run_id: RUN.to_owned(),
        epoch: 7,
        step: Step::PromoteDatabase,
        resource: "orders".to_owned(),
        at: Timestamp::from_ms(T),
        note: Note::Intent { attempt: 1, call },
    }
}

/// The text of the JSON attribute, parsed: the order of its fields does not matter.
fn with_parsed(mut item: Value, attribute: &str) -> Value {
    let text = item[attribute]["S"].as_str().expect("a text").to_owned();
    item[attribute] = serde_json::from_str(&text).expect("JSON");
    item
}

#[tokio::test(start_paused = true)]
async fn the_current_version_of_a_plan_is_found_by_way_of_its_number() {
    let aws = Script::new();
    aws.on("GetItem", item(&json!({"version": {"N": "3"}})));
    aws.on("GetItem", item(&json!({"body": {"S": plan_body().to_string()}})));
    let stored = ledger(&aws).plan(&plan_name(), None).await.expect("an answer").expect("a plan");
    assert_eq!((stored.version, &stored.plan.name, stored.plan.databases.len()), (3, &plan_name(), 2));
    let requests = aws.finish();
    for (request, sk) in requests.iter().zip(["current", "version#000000000003"]) {
        let key = json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": sk}});
        assert_eq!(request.json(), json!({"TableName": "lifeboat", "Key": key, "ConsistentRead": true}));
        assert_eq!(request.signed_for, HOME);
    }
    assert_eq!(requests.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_asked_for_is_read_at_once() {
    let aws = Script::new();
    aws.on("GetItem", item(&json!({"body": {"S": plan_body().to_string()}})));
    let stored = ledger(&aws).plan(&plan_name(), Some(12)).await.expect("an answer").expect("a plan");
    assert_eq!(stored.version, 12);
    assert_eq!(aws.only_request().json()["Key"]["sk"], json!({"S": "version#000000000012"}));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_not_there_is_none_and_one_that_should_be_there_is_an_error() {
    for version in [None, Some(1)] {
        let aws = Script::new();
        aws.on("GetItem", nothing());
        assert_eq!(ledger(&aws).plan(&plan_name(), version).await, Ok(None));
        aws.only_request();
    }
    let aws = Script::new();
    aws.on("GetItem", item(&json!({"version": {"N": "3"}}))).on("GetItem", nothing());
    let error = ledger(&aws).plan(&plan_name(), None).await.expect_err("version 3 is missing");
    assert_eq!(error.fault, Fault::Internal);
    aws.finish();
}

#[tokio::test(start_paused = true)]
async fn a_stored_plan_obeys_every_rule_or_names_what_it_breaks() {
    let mut wrong = plan_body();
    wrong["databases"] = json!([]);
    let mut misfiled = plan_body();
    misfiled["name"] = json!("other-store");
    let cases = [(wrong.to_string(), "databases"), (misfiled.to_string(), "other-store"), ("{".to_owned(), "body")];
    for (body, named) in cases {
        let aws = Script::new();
        aws.on("GetItem", item(&json!({"body": {"S": body}})));
        let error = ledger(&aws).plan(&plan_name(), Some(1)).await.expect_err("a wrong plan");
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "UnreadableItem"));
        assert!(error.message.contains(named), "{error}");
        aws.only_request();
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_names_its_plan() {
    let aws = Script::new();
    aws.on("GetItem", item(&json!({"plan": {"S": "retail-store"}}))).on("GetItem", nothing());
    let ledger = ledger(&aws);
    assert_eq!(ledger.plan_of_alarm("impaired").await, Ok(Some(plan_name())));
    assert_eq!(ledger.plan_of_alarm("impaired").await, Ok(None));
    let key = json!({"pk": {"S": "alarm#impaired"}, "sk": {"S": "plan"}});
    assert_eq!(aws.finish()[0].json()["Key"], key);
}

#[tokio::test(start_paused = true)]
async fn the_kill_switch_of_all_plans_wins_over_that_of_one() {
    let off = |why: &str| item(&json!({"disabled": {"S": why}}));
    let cases = [
        (nothing(), nothing(), None),
        (item(&json!({})), item(&json!({})), None),
        (off("everything"), off("this one"), Some("everything")),
        (off("everything"), nothing(), Some("everything")),
        (nothing(), off("this one"), Some("this one")),
        (nothing(), off(""), Some("")),
    ];
    for (of_all, of_plan, expected) in cases {
        let aws = Script::new();
        aws.on("GetItem", of_all).on("GetItem", of_plan);
        let settings = ledger(&aws).settings(&plan_name()).await.expect("settings");
        assert_eq!(settings.disabled.as_deref(), expected);
        let keys: Vec<Value> = aws.finish().iter().map(|r| r.json()["Key"].clone()).collect();
        let all = json!({"pk": {"S": "settings"}, "sk": {"S": "all"}});
        let plan = json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": "settings"}});
        assert_eq!(keys, [all, plan]);
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_kill_switch_that_cannot_be_read_is_an_error_and_not_enabled() {
    for strange in [json!({"BOOL": false}), json!({"NULL": true}), json!({"N": "0"})] {
        let aws = Script::new();
        aws.on("GetItem", nothing()).on("GetItem", item(&json!({"disabled": strange})));
        let error = ledger(&aws).settings(&plan_name()).await.expect_err("unreadable");
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "UnreadableItem"));
        aws.finish();
    }
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
    for lock in [lock(), resting, waiting] {
        let aws = Script::new();
        aws.on("PutItem", nothing());
        let ledger = ledger(&aws);
        ledger.replace_lock(&plan_name(), None, &lock).await.expect("stored");
        let stored = Script::new();
        let put = aws.only_request().json()["Item"].clone();
        stored.on("GetItem", item(&put));
        let read = self::ledger(&stored).lock(&plan_name()).await;
        assert_eq!(read, Ok(Some(lock)));
        stored.only_request();
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_lock_that_cannot_be_read_in_full_is_an_error_and_not_free() {
    let whole = lock_attributes();
    let attributes: Vec<String> = whole.as_object().expect("an item").keys().cloned().collect();
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
    assert_eq!(request["ConditionExpression"], condition);
    assert_eq!(request["ExpressionAttributeNames"], json!({"#state": "state"}));
    let values = json!({
        ":epoch": {"N": "7"}, ":state": {"S": "held"}, ":run_id": {"S": RUN},
        ":lease_expires_at": {"N": "1800000180000"}, ":acknowledged": {"BOOL": false},
        ":past_point_of_no_return": {"BOOL": false},
    });
    assert_eq!(request["ExpressionAttributeValues"], values);
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
    assert_eq!(ledger(&aws).fence(&plan_name(), holder(), until, Mark::Lease).await, Ok(Some(lock())));
    let expected = json!({
        "TableName": "lifeboat",
        "Key": {"pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"}},
        "UpdateExpression": "SET lease_expires_at = :until",
        "ConditionExpression": "epoch = :epoch AND run_id = :run_id AND #state = :held",
        "ExpressionAttributeNames": {"#state": "state"},
        "ExpressionAttributeValues": {
            ":epoch": {"N": "7"}, ":run_id": {"S": RUN}, ":held": {"S": "held"}, ":until": {"N": "1800000180000"},
        },
        "ReturnValues": "ALL_NEW",
    });
    assert_eq!(aws.only_request().json(), expected);
}

#[tokio::test(start_paused = true)]
async fn s5_the_point_of_no_return_is_marked_in_the_same_write_as_the_fence() {
    let aws = Script::new();
    let mut marked = lock_attributes();
    marked["past_point_of_no_return"] = json!({"BOOL": true});
    aws.on("UpdateItem", json_answer(&json!({"Attributes": marked})));
    let lock = ledger(&aws).fence(&plan_name(), holder(), Timestamp::from_ms(T), Mark::PointOfNoReturn).await;
    assert!(lock.expect("an answer").expect("held").past_point_of_no_return);
    let request = aws.only_request().json();
    assert_eq!(request["UpdateExpression"], "SET lease_expires_at = :until, past_point_of_no_return = :marked");
    assert_eq!(request["ExpressionAttributeValues"][":marked"], json!({"BOOL": true}));
}

#[tokio::test(start_paused = true)]
async fn s5_a_lost_fence_answers_none() {
    for mark in [Mark::Lease, Mark::PointOfNoReturn] {
        let aws = Script::new();
        aws.on("UpdateItem", condition_failed());
        assert_eq!(ledger(&aws).fence(&plan_name(), holder(), Timestamp::from_ms(T), mark).await, Ok(None));
        aws.only_request();
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

#[tokio::test(start_paused = true)]
async fn a_line_of_the_journal_is_written_once() {
    let aws = Script::new();
    aws.on("PutItem", nothing()).on("PutItem", condition_failed());
    let ledger = ledger(&aws);
    assert_eq!(ledger.append(&entry()).await, Ok(Append::Written));
    assert_eq!(ledger.append(&entry()).await, Ok(Append::AlreadyThere));
    let request = aws.finish()[0].json();
    let expected = json!({
        "pk": {"S": format!("run#{RUN}")}, "sk": {"S": "promote-database#orders#001#intent"},
        "body": {"S": serde_json::to_string(&entry()).expect("JSON")},
    });
    assert_eq!(with_parsed(request["Item"].clone(), "body"), with_parsed(expected, "body"));
    assert_eq!(request["ConditionExpression"], "attribute_not_exists(pk)");
    assert!(request.get("ExpressionAttributeNames").is_none(), "{request}");
}

async fn journal(pages: &[Value]) -> (Result<Vec<Entry>, CallError>, Vec<Value>) {
    let aws = Script::new();
    for page in pages {
        aws.on("Query", json_answer(page));
    }
    let entries = ledger(&aws).journal(RUN).await;
    (entries, aws.finish().iter().map(common::Recorded::json).collect())
}

#[tokio::test(start_paused = true)]
async fn a_journal_is_read_to_its_last_page() {
    let line = json!({"body": {"S": serde_json::to_string(&entry()).expect("JSON")}});
    let key = json!({"pk": {"S": format!("run#{RUN}")}, "sk": {"S": "x"}});
    let first = json!({"Items": [line, line], "LastEvaluatedKey": key});
    let (entries, requests) = journal(&[first, json!({"Items": [line]})]).await;
    assert_eq!(entries, Ok(vec![entry(), entry(), entry()]));
    let query = json!({
        "TableName": "lifeboat", "ConsistentRead": true, "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": format!("run#{RUN}")}},
    });
    assert_eq!(requests[0], query);
    assert_eq!(requests[1]["ExclusiveStartKey"], key);
}

#[tokio::test(start_paused = true)]
async fn s9_a_journal_with_an_unreadable_line_or_without_end_is_an_error() {
    let (entries, _) = journal(&[json!({"Items": [{"body": {"S": "{}"}}]})]).await;
    assert_eq!(entries.expect_err("unreadable").code, "UnreadableItem");
    let (entries, _) = journal(&[json!({})]).await;
    assert_eq!(entries.expect_err("no list").code, "IncompleteAnswer");
    let endless = json!({"Items": [], "LastEvaluatedKey": {"pk": {"S": "x"}, "sk": {"S": "x"}}});
    let (entries, requests) = journal(&vec![endless; 64]).await;
    assert_eq!((entries.expect_err("no end").code.as_str(), requests.len()), ("IncompleteAnswer", 64));
}
