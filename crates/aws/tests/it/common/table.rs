//! The table as a script answers for it.

use lifeboat_aws::DynamoLedger;
use lifeboat_model::plan::Name;
use serde_json::{Value, json};

use super::{Reply, Script, json_answer, json_error};

pub const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:lifeboat:run-1";
pub const T: i64 = 1_800_000_000_000;

pub fn ledger(aws: &Script) -> DynamoLedger {
    DynamoLedger::new(&aws.environment()).expect("a table")
}

pub fn plan_name() -> Name {
    "retail-store".parse().expect("a name")
}

pub fn item(attributes: &Value) -> Reply {
    json_answer(&json!({"Item": attributes}))
}

pub fn nothing() -> Reply {
    json_answer(&json!({}))
}

pub fn condition_failed() -> Reply {
    json_error(400, "ConditionalCheckFailedException", "The conditional request failed")
}

/// The text of the JSON attribute, parsed: the order of its fields does not matter.
pub fn with_parsed(mut item: Value, attribute: &str) -> Value {
    let text = item[attribute]["S"].as_str().expect("a text").to_owned();
    item[attribute] = serde_json::from_str(&text).expect("JSON");
    item
}
