//! Global tables: what is asked of DynamoDB, and what is made of its answers.

use crate::common::resources::carts;
use crate::common::{AWAY, HOME, Reply, Script, json_answer, json_error, region};
use lifeboat_aws::DynamoTables;
use lifeboat_model::evidence::{GlobalTable, TableReplica, TableStatus};
use lifeboat_model::plan::Consistency;
use lifeboat_ports::{CallError, Fault, Tables};
use serde_json::{Value, json};

fn table() -> Value {
    json!({
        "TableName": "store-carts",
        "TableStatus": "ACTIVE",
        "MultiRegionConsistency": "STRONG",
        "Replicas": [
            {"RegionName": AWAY, "ReplicaStatus": "ACTIVE"},
            {"RegionName": "us-east-2", "ReplicaStatus": "INACCESSIBLE_ENCRYPTION_CREDENTIALS"},
        ],
    })
}

async fn describe(reply: Reply) -> Result<GlobalTable, CallError> {
    let aws = Script::new();
    aws.on("DescribeTable", reply);
    let seen = DynamoTables::new(&aws.environment()).describe(&carts(), &region(HOME)).await;
    aws.only_request();
    seen
}

async fn describe_with(change: impl FnOnce(&mut Value)) -> Result<GlobalTable, CallError> {
    let mut table = table();
    change(&mut table);
    describe(json_answer(&json!({"Table": table}))).await
}

fn without(value: &mut Value, field: &str) {
    value.as_object_mut().expect("an object").remove(field);
}

#[tokio::test(start_paused = true)]
async fn s12_a_description_asks_the_region_it_is_about() {
    let aws = Script::new();
    aws.on("DescribeTable", json_answer(&json!({"Table": table()})));
    DynamoTables::new(&aws.environment()).describe(&carts(), &region(AWAY)).await.expect("a description");
    let request = aws.only_request();
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("dynamodb.us-east-1.amazonaws.com", AWAY));
    assert_eq!(request.json(), json!({"TableName": "store-carts"}));
}

#[tokio::test(start_paused = true)]
async fn a_table_is_described_with_its_replicas() {
    let seen = describe_with(|_| ()).await.expect("a description");
    assert_eq!((&seen.vantage, &seen.status), (&region(HOME), &TableStatus::Active));
    assert_eq!(seen.consistency, Some(Consistency::Strong));
    let lost = TableStatus::Other("INACCESSIBLE_ENCRYPTION_CREDENTIALS".to_owned());
    let expected = [
        TableReplica { region: AWAY.to_owned(), status: TableStatus::Active },
        TableReplica { region: "us-east-2".to_owned(), status: lost },
    ];
    assert_eq!(seen.replicas, expected);
}

#[tokio::test(start_paused = true)]
async fn s9_a_mode_that_is_not_said_is_the_weaker_one_and_an_unknown_one_stays_unknown() {
    let seen = describe_with(|table| table["MultiRegionConsistency"] = json!("EVENTUAL")).await.expect("a description");
    assert_eq!(seen.consistency, Some(Consistency::Eventual));
    let seen = describe_with(|table| table["MultiRegionConsistency"] = json!("SPLENDID")).await.expect("a description");
    assert_eq!(seen.consistency, None);
    let seen = describe_with(|table| without(table, "MultiRegionConsistency")).await.expect("a description");
    assert_eq!(seen.consistency, Some(Consistency::Eventual));
}

#[tokio::test(start_paused = true)]
async fn s9_of_a_table_without_replicas_no_mode_is_known() {
    for replicas in [None, Some(json!([]))] {
        let seen = describe_with(|table| {
            without(table, "MultiRegionConsistency");
            without(table, "Replicas");
            if let Some(replicas) = replicas {
                table["Replicas"] = replicas;
            }
        });
        let seen = seen.await.expect("a description");
        assert_eq!((seen.consistency, seen.replicas.len()), (None, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_status_in_an_unknown_word_is_not_active() {
    let seen = describe_with(|table| table["TableStatus"] = json!("DOZING")).await.expect("a description");
    assert_eq!(seen.status, TableStatus::Other("DOZING".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn s9_an_answer_that_lacks_what_a_decision_needs_is_no_answer() {
    let cases = [
        ("no table", describe(json_answer(&json!({}))).await),
        ("no status", describe_with(|table| without(table, "TableStatus")).await),
        ("a replica nowhere", describe_with(|table| without(&mut table["Replicas"][0], "RegionName")).await),
        ("a replica without status", describe_with(|table| without(&mut table["Replicas"][0], "ReplicaStatus")).await),
    ];
    for (what, seen) in cases {
        let error = seen.expect_err(what);
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "IncompleteAnswer"), "{what}: {error}");
        assert_eq!((error.operation.as_str(), error.place.as_str()), ("dynamodb:DescribeTable", HOME));
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_not_there_is_not_found() {
    let error = describe(json_error(400, "ResourceNotFoundException", "no table")).await.expect_err("not found");
    assert_eq!((error.fault, error.message.as_str()), (Fault::NotFound, "no table"));
}
