//! What differs between two documents, field by field.

use std::collections::BTreeSet;
use std::fmt;

use lifeboat_report::text::{clean, shortened};
use serde::Serialize;
use serde_json::Value;

/// The longest that a value is told, in characters.
const VALUE_MAX: usize = 100;

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its path, such as `databases[orders].clusters.us-west-2`.
    pub field: String,
    /// What it was; absent when it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What it is; absent when it is there no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |value: &Value| match value {
            Value::String(text) => shortened(&clean(text), VALUE_MAX),
            other => shortened(&clean(&other.to_string()), VALUE_MAX),
        };
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, "~ {}: {} -> {}", self.field, short(from), short(to)),
            (None, Some(to)) => write!(f, "+ {}: {}", self.field, short(to)),
            (Some(from), None) => write!(f, "- {}: {}", self.field, short(from)),
            (None, None) => write!(f, "  {}", self.field),
        }
    }
}

/// Every field that differs, in the order of their paths. What has a `name` is known by it, whatever its place in a list.
pub fn changes(from: &Value, to: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(from), Some(to), &mut changes);
    changes
}

fn compare(field: &str, from: Option<&Value>, to: Option<&Value>, changes: &mut Vec<Change>) {
    if from == to {
        return;
    }
    match (from.and_then(children), to.and_then(children)) {
        (Some(old), Some(new)) => {
            let keys: BTreeSet<&String> = old.iter().chain(&new).map(|(key, _)| key).collect();
            for key in keys {
                let at = |side: &[(String, Value)]| side.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
                let joined = if field.is_empty() || key.starts_with('[') { "" } else { "." };
                compare(&format!("{field}{joined}{key}"), at(&old).as_ref(), at(&new).as_ref(), changes);
            }
        }
        (Some(_), None) | (None, Some(_)) | (None, None) => {
            changes.push(Change { field: field.to_owned(), from: from.cloned(), to: to.cloned() });
        }
    }
}

/// What a map or a list holds, each with the end of its path; `None` for anything else.
fn children(value: &Value) -> Option<Vec<(String, Value)>> {
    match value {
        Value::Object(map) => Some(map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()),
        Value::Array(items) => {
            let names: BTreeSet<&str> = items.iter().filter_map(|item| item.get("name")?.as_str()).collect();
            let named = names.len() == items.len();
            let key = |(n, item): (usize, &Value)| {
                let name = item.get("name").and_then(Value::as_str).filter(|_| named);
                (name.map_or_else(|| format!("[{n}]"), |name| format!("[{name}]")), item.clone())
            };
            Some(items.iter().enumerate().map(key).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(from: &Value, to: &Value) -> Vec<String> {
        changes(from, to).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_the_same_does_not_differ_whatever_the_order_of_named_things() {
        let a = json!({"x": [{"name": "a", "n": 1}, {"name": "b", "n": 2}], "y": [1, 2]});
        let b = json!({"y": [1, 2], "x": [{"name": "b", "n": 2}, {"name": "a", "n": 1}]});
        assert_eq!(told(&a, &b), Vec::<String>::new());
    }

    #[test]
    fn each_field_that_differs_is_told_with_its_path() {
        let a = json!({"objectives": {"rto": "15m"}, "databases": [{"name": "orders", "clusters": {"us-west-2": "a"}},
            {"name": "old"}], "y": [1, 2]});
        let b = json!({"objectives": {"rto": "10m"}, "databases": [{"name": "orders", "clusters": {"us-west-2": "b"}},
            {"name": "new"}], "y": [1]});
        let expected = [
            "+ databases[new]: {\"name\":\"new\"}",
            "- databases[old]: {\"name\":\"old\"}",
            "~ databases[orders].clusters.us-west-2: a -> b",
            "~ objectives.rto: 15m -> 10m",
            "- y[1]: 2",
        ];
        assert_eq!(told(&a, &b), expected);
    }

    #[test]
    fn a_long_or_hostile_value_steers_no_terminal() {
        let line = told(&json!({"a": "\u{1b}[2J"}), &json!({"a": "x".repeat(1000)})).concat();
        assert!(!line.contains('\u{1b}') && line.chars().count() < 150, "{line}");
    }
}
