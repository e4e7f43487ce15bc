//! Expressions, through the AWS wire format: what they accept, what they do, and what DynamoDB says of those it refuses.

use std::rc::Rc;

use http::{HeaderMap, HeaderValue, Method};
use lifeboat_wire::platform::TableService;
use lifeboat_wire::{Callers, Reply, Request, Service, Signature};
use serde_json::{Value, json};

use crate::common::{SOURCE, TARGET, plan, region};
use lifeboat_model::Direction;
use lifeboat_simulator::World;
use lifeboat_simulator::machine::Machine;

/// A table of its own, in virtual time.
struct Table {
    world: World,
    service: Rc<TableService>,
}

impl Table {
    fn new() -> Self {
        let machine = Rc::new(Machine::read(lifeboat_cli::MACHINE).expect("the shipped machine"));
        let direction = Direction { source: region(SOURCE), target: region(TARGET) };
        let world = World::new(plan(), direction, machine, 1);
        let service = Rc::new(TableService::new(Callers::new(world.clone()), "lifeboat"));
        Self { world, service }
    }

    /// Calls `operation` with `fields` on the table; the status, and the body.
    fn call(&self, operation: &str, fields: Value) -> (u16, Value) {
        let mut body = json!({"TableName": "lifeboat"});
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        let mut headers = HeaderMap::new();
        let target = HeaderValue::from_str(&format!("DynamoDB_20120810.{operation}")).expect("a header");
        headers.insert("x-amz-target", target);
        let request = Request {
            method: Method::POST,
            path: "/".to_owned(),
            query: Vec::new(),
            headers,
            body: body.to_string().into(),
            signature: Some(Signature {
                access_key: "test".to_owned(),
                region: region(TARGET),
                service: "dynamodb".to_owned(),
            }),
        };
        let service = Rc::clone(&self.service);
        match self.world.executor().run(async move { service.serve(&request).await }) {
            Reply::Answer { status, body, .. } => (status.as_u16(), serde_json::from_slice(&body).expect("JSON")),
            Reply::Truncated { .. } | Reply::Gone => panic!("no whole answer"),
        }
    }

    /// Whether `condition` holds of the item that stands in the table.
    fn holds(&self, condition: &str, names: Value, values: Value) -> Result<bool, String> {
        let mut fields = json!({"Key": key("a", "b"), "ConditionExpression": condition, "UpdateExpression": "SET touched = touched"});
        let object = fields.as_object_mut().expect("an object");
        if names != json!({}) {
            object.insert("ExpressionAttributeNames".to_owned(), names);
        }
        if values != json!({}) {
            object.insert("ExpressionAttributeValues".to_owned(), values);
        }
        match self.call("UpdateItem", fields) {
            (200, _) => Ok(true),
            (400, body) if body["__type"].as_str().is_some_and(|t| t.ends_with("ConditionalCheckFailedException")) => {
                Ok(false)
            }
            (_, body) => Err(body["message"].as_str().unwrap_or_default().to_owned()),
        }
    }
}

fn key(pk: &str, sk: &str) -> Value {
    json!({"pk": {"S": pk}, "sk": {"S": sk}})
}

fn table_with_item() -> Table {
    let table = Table::new();
    let item = json!({
        "pk": {"S": "a"}, "sk": {"S": "b"}, "touched": {"N": "0"}, "epoch": {"N": "7"}, "name_of": {"S": "orders"},
        "yes": {"BOOL": true}, "entries": {"L": [{"N": "1"}, {"S": "x"}]}, "nest": {"M": {"in": {"N": "3"}}},
        "words": {"SS": ["one", "two"]}, "state": {"S": "held"}, "ends_at": {"N": "1767225600000"},
    });
    assert_eq!(table.call("PutItem", json!({"Item": item})).0, 200);
    table
}

#[test]
fn conditions_hold_as_dynamodb_says() {
    let table = table_with_item();
    let values = json!({":7": {"N": "7"}, ":7.0": {"N": "7.0"}, ":9": {"N": "9"}, ":o": {"S": "or"}, ":x": {"S": "x"},
        ":t": {"BOOL": true}, ":one": {"S": "one"}, ":3": {"N": "3"}, ":n": {"S": "N"}, ":big": {"N": "1767225600001"}});
    let cases = [
        ("epoch = :7", true),
        ("epoch = :7.0", true),
        ("epoch <> :7", false),
        ("epoch < :9 AND epoch <= :7 AND epoch >= :7", true),
        ("epoch > :9 OR yes = :t", true),
        ("NOT epoch > :9", true),
        ("not (epoch > :9 or yes = :t)", false),
        ("epoch = :9 OR epoch = :7 AND yes = :t", true),
        ("(epoch = :9 OR epoch = :7) AND NOT yes = :t", false),
        ("epoch BETWEEN :3 AND :9", true),
        ("epoch IN (:3, :9)", false),
        ("epoch IN (:3, :7)", true),
        ("attribute_exists(epoch) AND attribute_not_exists(lacking)", true),
        ("attribute_exists(nest.lacking)", false),
        ("begins_with(name_of, :o)", true),
        ("begins_with(epoch, :o)", false),
        ("contains(name_of, :o)", true),
        ("contains(words, :one)", true),
        ("contains(entries, :x)", true),
        ("nest.#in = :3 AND entries[1] = :x", true),
        ("entries[5] = :x", false),
        ("size(words) < :3", true),
        ("attribute_type(epoch, :n)", true),
        ("lacking = :7", false),
        ("lacking <> :7", true),
        ("epoch = :x", false),
        ("epoch < :x", false),
        ("ends_at < :big", true),
        ("#state = :x", false),
    ];
    for (condition, expected) in cases {
        let used = |all: &Value| -> Value {
            let names = all.as_object().expect("an object").iter();
            // `:7` is a part of `:7.0`: what stands behind the word decides.
            let stands = |k: &str| {
                condition.match_indices(k).any(|(at, k)| {
                    let next = condition[at + k.len()..].chars().next();
                    !next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.')
                })
            };
            names
                .filter(|(k, _)| stands(k))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let names = used(&json!({"#in": "in", "#state": "state"}));
        assert_eq!(table.holds(condition, names, used(&values)), Ok(expected), "{condition}");
    }
}

#[test]
fn what_dynamodb_refuses_is_refused_in_its_words() {
    let table = table_with_item();
    let none = || json!({});
    let cases = [
        ("state = :a", none(), json!({":a": {"S": "x"}}), "reserved keyword: state"),
        ("token = :a", none(), json!({":a": {"S": "x"}}), "reserved keyword: token"),
        ("epoch = :a", none(), none(), "value used in expression is not defined; attribute value: :a"),
        ("#a = epoch", none(), none(), "name used in the document path is not defined; attribute name: #a"),
        (
            "epoch = :a",
            none(),
            json!({":a": {"N": "1"}, ":b": {"N": "1"}}),
            "ExpressionAttributeValues unused in expressions: keys: {:b}",
        ),
        ("epoch = epoch", json!({"#a": "b"}), none(), "ExpressionAttributeNames unused in expressions: keys: {#a}"),
        ("epoch = = epoch", none(), none(), "Invalid ConditionExpression: Syntax error; token: \"=\""),
        ("epoch", none(), none(), "Syntax error; token: \"<EOF>\""),
        ("(epoch = epoch", none(), none(), "Syntax error"),
        ("", none(), none(), "The expression can not be empty"),
        ("nonsense(epoch)", none(), none(), "Invalid function name; function: nonsense"),
        ("epoch ! epoch", none(), none(), "Syntax error; token: \"!\""),
        ("epoch = :a", none(), json!({":a": {"N": "x"}}), "cannot be converted to a numeric value: x"),
    ];
    for (condition, names, values, words) in cases {
        let said = table.holds(condition, names, values).expect_err(condition);
        assert!(said.contains(words), "{condition}: {said}");
    }
}

#[test]
fn updates_change_what_they_name_and_answer_what_they_are_asked() {
    let table = table_with_item();
    let update = |expression: &str, values: Value, returns: &str| {
        let mut fields = json!({"Key": key("a", "b"), "UpdateExpression": expression, "ReturnValues": returns});
        if values != json!({}) {
            fields["ExpressionAttributeValues"] = values;
        }
        table.call("UpdateItem", fields)
    };
    let (status, body) = update(
        "SET epoch = epoch + :1, made = if_not_exists(made, :1) REMOVE yes",
        json!({":1": {"N": "1"}}),
        "UPDATED_NEW",
    );
    assert_eq!((status, body), (200, json!({"Attributes": {"epoch": {"N": "8"}, "made": {"N": "1"}}})));
    let (_, body) = update("SET epoch = epoch - :1", json!({":1": {"N": "1"}}), "ALL_NEW");
    assert_eq!((&body["Attributes"]["epoch"], body["Attributes"].get("yes")), (&json!({"N": "7"}), None));
    for (expression, words) in [
        ("SET pk = :1", "Cannot update attribute pk"),
        ("SET lacking = absent", "refers to an attribute that does not exist"),
        ("SET name_of = name_of + :1", "incorrect data type"),
        ("SET epoch = :1, epoch = :1", "overlap"),
        ("SET epoch = :1 SET touched = :1", "can only be used once"),
        ("ADD epoch :1", "Syntax error"),
        ("SET absent.deeper = :1", "invalid for update"),
    ] {
        let values = if expression.contains(":1") { json!({":1": {"N": "1"}}) } else { json!({}) };
        let (status, body) = update(expression, values, "NONE");
        assert_eq!(status, 400, "{expression}");
        assert!(body["message"].as_str().is_some_and(|m| m.contains(words)), "{expression}: {body}");
    }
    let (status, body) = table.call(
        "UpdateItem",
        json!({"Key": key("new", "one"), "UpdateExpression": "SET a = :1",
        "ExpressionAttributeValues": {":1": {"S": "x"}}, "ReturnValues": "ALL_NEW"}),
    );
    assert_eq!((status, &body["Attributes"]["pk"]), (200, &json!({"S": "new"})));
}

#[test]
fn a_failed_condition_returns_the_item_when_it_is_asked_for() {
    let table = table_with_item();
    let put = json!({"Item": key("a", "b"), "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD"});
    let (status, body) = table.call("PutItem", put);
    assert_eq!((status, &body["Item"]["epoch"]), (400, &json!({"N": "7"})));
    let (_, body) = table.call("DeleteItem", json!({"Key": key("a", "b"), "ReturnValues": "ALL_OLD"}));
    assert_eq!(body["Attributes"]["name_of"], json!({"S": "orders"}));
    assert_eq!(table.call("GetItem", json!({"Key": key("a", "b")})), (200, json!({})));
}

#[test]
fn a_query_finds_a_partition_in_order_and_in_pages() {
    let table = Table::new();
    for sk in ["c", "a2", "b", "a1"] {
        assert_eq!(table.call("PutItem", json!({"Item": key("p", sk)})).0, 200);
    }
    table.call("PutItem", json!({"Item": key("q", "a0")}));
    let query = |condition: &str, mut more: Value| {
        let values = json!({":p": {"S": "p"}, ":a": {"S": "a"}});
        more["KeyConditionExpression"] = json!(condition);
        more["ExpressionAttributeValues"] = values
            .as_object()
            .expect("an object")
            .iter()
            .filter(|(name, _)| condition.contains(name.as_str()))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let (status, body) = table.call("Query", more);
        assert_eq!(status, 200, "{condition}: {body}");
        let sks: Vec<String> = body["Items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|i| i["sk"]["S"].as_str().expect("a text").to_owned())
            .collect();
        (sks.join(" "), body.get("LastEvaluatedKey").cloned())
    };
    assert_eq!(query("pk = :p", json!({})), ("a1 a2 b c".to_owned(), None));
    assert_eq!(query("pk = :p AND begins_with(sk, :a)", json!({})), ("a1 a2".to_owned(), None));
    assert_eq!(query("pk = :p AND sk > :a", json!({"ScanIndexForward": false})).0, "c b a2 a1");
    let (first, last) = query("pk = :p", json!({"Limit": 3}));
    assert_eq!((first.as_str(), last.clone()), ("a1 a2 b", Some(key("p", "b"))));
    assert_eq!(query("pk = :p", json!({"ExclusiveStartKey": last})), ("c".to_owned(), None));
    let (status, body) = table
        .call("Query", json!({"KeyConditionExpression": "sk = :p", "ExpressionAttributeValues": {":p": {"S": "p"}}}));
    assert_eq!((status, body["message"].as_str()), (400, Some("Query condition missed key schema element: pk")));
}

#[test]
fn a_wrong_key_or_table_or_operation_is_refused() {
    let table = Table::new();
    for (operation, fields, code, words) in [
        ("GetItem", json!({"Key": {"pk": {"S": "a"}}}), "ValidationException", "does not match the schema"),
        ("PutItem", json!({"Item": {"pk": {"S": "a"}}}), "ValidationException", "Missing the key sk"),
        (
            "PutItem",
            json!({"Item": {"pk": {"S": "a"}, "sk": {"N": "1"}}}),
            "ValidationException",
            "Type mismatch for key sk",
        ),
        ("PutItem", json!({"Item": {"pk": {"S": "a"}, "sk": {"S": ""}}}), "ValidationException", "empty string"),
        (
            "PutItem",
            json!({"Item": {"pk": {"S": "a"}, "sk": {"S": "x".repeat(410_000)}}}),
            "ValidationException",
            "Item size",
        ),
        ("PutItem", json!({"Item": key("a", "b"), "Expected": {}}), "ValidationException", "Expected"),
        ("GetItem", json!({"TableName": "other", "Key": key("a", "b")}), "ResourceNotFoundException", "not found"),
        ("TransactWriteItems", json!({"TransactItems": []}), "UnknownOperationException", "TransactWriteItems"),
    ] {
        let (status, body) = table.call(operation, fields);
        assert_eq!(status, 400, "{operation}");
        assert!(body["__type"].as_str().is_some_and(|t| t.ends_with(&format!("#{code}"))), "{operation}: {body}");
        assert!(body["message"].as_str().is_some_and(|m| m.contains(words)), "{operation}: {body}");
    }
}

#[test]
fn s9_an_item_that_does_not_decode_stays_and_the_log_says_so() {
    let table = Table::new();
    let item = json!({"pk": {"S": "plan#retail-store"}, "sk": {"S": "lock"}, "epoch": {"N": "1"}});
    assert_eq!(table.call("PutItem", json!({"Item": item})).0, 200);
    let (_, body) = table.call("GetItem", json!({"Key": key("plan#retail-store", "lock")}));
    assert_eq!(body["Item"]["epoch"], json!({"N": "1"}));
    let state = table.world.state();
    assert!(state.table.locks.is_empty());
    assert!(state.log.events.iter().any(|e| e.text.contains("plan#retail-store lock of the table cannot be read")));
}
