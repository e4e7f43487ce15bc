//! What the operations on items have in common: the table, keys, expressions, what is returned.

use serde_json::{Value as Json, json};

use super::evaluate::holds;
use super::expression::{self, Condition};
use super::placeholders::Placeholders;
use super::store::Key;
use super::value::{Item, Value, item_json, read_item, size_of_item};
use crate::refusal::Refusal;

/// The most bytes of an item.
const ITEM_BYTES_MAX: usize = 400 * 1024;

/// What came before expressions did; nobody needs it here.
const LEGACY: [&str; 7] = [
    "AttributesToGet",
    "AttributeUpdates",
    "ConditionalOperator",
    "Expected",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
];

/// Refuses what is not served, rather than to leave it out silently.
pub fn known(request: &Json) -> Result<(), Refusal> {
    match LEGACY.into_iter().find(|field| request.get(*field).is_some()) {
        Some(field) => Err(Refusal::invalid(format!("the simulator does not serve {field}; use an expression"))),
        None => Ok(()),
    }
}

/// A text of the request.
pub fn text<'a>(request: &'a Json, field: &str) -> Option<&'a str> {
    request.get(field).and_then(Json::as_str)
}

/// An expression of the request, read by `read`.
pub fn expression<T>(
    request: &Json,
    field: &str,
    placeholders: &Placeholders,
    read: impl FnOnce(&str, &Placeholders) -> Result<T, String>,
) -> Result<Option<T>, Refusal> {
    let said = text(request, field);
    let read = said.map(|text| read(text, placeholders)).transpose();
    read.map_err(|why| Refusal::invalid(format!("Invalid {field}: {why}")))
}

/// The request's placeholders.
pub fn placeholders(request: &Json) -> Result<Placeholders, Refusal> {
    Placeholders::read(request).map_err(Refusal::invalid)
}

/// The key of a request that names one item.
pub fn key(request: &Json) -> Result<Key, Refusal> {
    let json = request.get("Key").ok_or_else(|| required("key"))?;
    let item = read_item(json).map_err(|why| invalid_value(&why))?;
    if item.len() != 2 {
        return Err(Refusal::invalid("The provided key element does not match the schema"));
    }
    key_of(&item).map_err(|_| Refusal::invalid("The provided key element does not match the schema"))
}

/// That a parameter is missing.
pub fn required(field: &str) -> Refusal {
    let words = format!(
        "1 validation error detected: Value null at '{field}' failed to satisfy constraint: Member must not be null"
    );
    Refusal::invalid(words)
}

fn invalid_value(why: &str) -> Refusal {
    Refusal::invalid(format!("One or more parameter values were invalid: {why}"))
}

/// The key of `item`.
fn key_of(item: &Item) -> Result<Key, Refusal> {
    let part = |name: &str| match item.get(name) {
        Some(Value::S(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Value::S(_)) => Err(invalid_value(&format!(
            "The AttributeValue for a key attribute cannot contain an empty string value. Key: {name}"
        ))),
        Some(other) => {
            Err(invalid_value(&format!("Type mismatch for key {name} expected: S actual: {}", other.kind())))
        }
        None => Err(invalid_value(&format!("Missing the key {name} in the item"))),
    };
    Ok(Key { pk: part("pk")?, sk: part("sk")? })
}

/// The item of a `PutItem`, and its key.
pub fn new_item(request: &Json) -> Result<(Key, Item), Refusal> {
    let json = request.get("Item").ok_or_else(|| required("item"))?;
    let item = read_item(json).map_err(|why| invalid_value(&why))?;
    let key = key_of(&item)?;
    within_size(&item)?;
    Ok((key, item))
}

/// Refuses an item that is too large.
pub fn within_size(item: &Item) -> Result<(), Refusal> {
    if size_of_item(item) > ITEM_BYTES_MAX {
        return Err(invalid_value("Item size has exceeded the maximum allowed size"));
    }
    Ok(())
}

/// The condition of a write.
pub fn condition(request: &Json, placeholders: &Placeholders) -> Result<Option<Condition>, Refusal> {
    expression(request, "ConditionExpression", placeholders, expression::condition)
}

/// Refuses a write whose condition does not hold of what is there.
pub fn check(request: &Json, condition: Option<&Condition>, there: Option<&Item>) -> Result<(), Refusal> {
    let nothing = Item::new();
    if condition.is_none_or(|condition| holds(condition, there.unwrap_or(&nothing))) {
        return Ok(());
    }
    let refusal = Refusal::new("ConditionalCheckFailedException", "The conditional request failed");
    Err(match (text(request, "ReturnValuesOnConditionCheckFailure"), there) {
        (Some("ALL_OLD"), Some(item)) => refusal.saying("Item", item_json(item)),
        (_, _) => refusal,
    })
}

/// What the write returns of the item before and after.
pub fn returned(request: &Json, before: Option<&Item>, after: Option<&Item>) -> Result<Json, Refusal> {
    let differing = |of: Option<&Item>, other: Option<&Item>| -> Option<Item> {
        let other = other.cloned().unwrap_or_default();
        let changed = of?.iter().filter(|(name, value)| other.get(*name) != Some(value));
        Some(changed.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    let item = match text(request, "ReturnValues") {
        None | Some("NONE") => None,
        Some("ALL_OLD") => before.cloned(),
        Some("ALL_NEW") => after.cloned(),
        Some("UPDATED_OLD") => differing(before, after),
        Some("UPDATED_NEW") => differing(after, before),
        Some(other) => return Err(Refusal::invalid(format!("Return values set to invalid value {other}"))),
    };
    Ok(item.map_or_else(|| json!({}), |item| json!({"Attributes": item_json(&item)})))
}
