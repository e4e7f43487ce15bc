//! Plans, settings and journals: what is asked of DynamoDB, and what is made of its answers.

use crate::common::table::{RUN, T, condition_failed, item, ledger, nothing, plan_name, with_parsed};
use crate::common::{HOME, Script, json_answer, json_error, region};
use lifeboat_model::Timestamp;
use lifeboat_model::journal::{Call, Entry, Note};
use lifeboat_model::limits::Step;
use lifeboat_ports::{Append, AskedApproval, CallError, Fault, Ledger};
use serde_json::{Value, json};

fn plan_body() -> Value {
    serde_json::from_str(include_str!("common/plan.json")).expect("JSON")
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
    (entries, aws.finish().iter().map(crate::common::Recorded::json).collect())
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

fn question() -> AskedApproval {
    AskedApproval {
        run_id: RUN.to_owned(),
        token: "much-secret".to_owned(),
        asked_at: Timestamp::from_ms(T),
        expires_at: Timestamp::from_ms(T + 900_000),
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_for_approval_replaces_the_one_before() {
    let aws = Script::new();
    aws.on("PutItem", nothing());
    assert_eq!(ledger(&aws).ask_approval(&plan_name(), &question()).await, Ok(()));
    let request = aws.only_request();
    assert_eq!(request.signed_for, HOME);
    let item = json!({
        "pk": {"S": "plan#retail-store"},
        "sk": {"S": "approval"},
        "run_id": {"S": RUN},
        "token": {"S": "much-secret"},
        "asked_at": {"N": T.to_string()},
        "expires_at": {"N": (T + 900_000).to_string()},
    });
    assert_eq!(request.json(), json!({"TableName": "lifeboat", "Item": item}));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_in_no_error() {
    let aws = Script::new();
    aws.on("PutItem", json_error(400, "ValidationException", "no"));
    let error = ledger(&aws).ask_approval(&plan_name(), &question()).await.expect_err("a refusal");
    aws.only_request();
    assert_eq!(error.fault, Fault::Invalid);
    assert!(!format!("{error} {error:?}").contains("much-secret"));
}
