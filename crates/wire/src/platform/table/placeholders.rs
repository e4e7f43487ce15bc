//! `ExpressionAttributeNames` and `ExpressionAttributeValues`: what an expression's placeholders stand for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::value::Value;

/// What placeholders stand for, and which of them were used.
#[derive(Debug, Default)]
pub struct Placeholders {
    names: BTreeMap<String, String>,
    values: BTreeMap<String, Value>,
    used: RefCell<BTreeSet<String>>,
}

impl Placeholders {
    /// Reads them from a request.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn read(request: &Json) -> Result<Self, String> {
        let fields = |field: &str| request.get(field).and_then(Json::as_object).into_iter().flatten();
        let mut placeholders = Self::default();
        for (key, name) in fields("ExpressionAttributeNames") {
            let name = name.as_str().filter(|_| key.starts_with('#'));
            let wrong = || format!("ExpressionAttributeNames contains invalid key: Syntax error; key: \"{key}\"");
            placeholders.names.insert(key.clone(), name.ok_or_else(wrong)?.to_owned());
        }
        for (key, value) in fields("ExpressionAttributeValues") {
            if !key.starts_with(':') {
                return Err(format!("ExpressionAttributeValues contains invalid key: Syntax error; key: \"{key}\""));
            }
            let wrong = |why| format!("ExpressionAttributeValues contains invalid value: {why}; key {key}");
            placeholders.values.insert(key.clone(), Value::read(value).map_err(wrong)?);
        }
        Ok(placeholders)
    }

    /// The name behind `#key`.
    pub(super) fn name(&self, key: &str) -> Result<String, String> {
        self.used.borrow_mut().insert(key.to_owned());
        self.names.get(key).cloned().ok_or_else(|| {
            format!("An expression attribute name used in the document path is not defined; attribute name: {key}")
        })
    }

    /// The value behind `:key`.
    pub(super) fn value(&self, key: &str) -> Result<Value, String> {
        self.used.borrow_mut().insert(key.to_owned());
        self.values.get(key).cloned().ok_or_else(|| {
            format!("An expression attribute value used in expression is not defined; attribute value: {key}")
        })
    }

    /// That no placeholder is left over, which DynamoDB refuses.
    ///
    /// # Errors
    /// Those that are.
    pub fn all_used(&self) -> Result<(), String> {
        let used = self.used.borrow();
        let unused = |keys: Vec<&String>, field: &str| {
            let left: Vec<&str> = keys.into_iter().filter(|key| !used.contains(*key)).map(String::as_str).collect();
            if left.is_empty() {
                return Ok(());
            }
            Err(format!("Value provided in {field} unused in expressions: keys: {{{}}}", left.join(", ")))
        };
        unused(self.names.keys().collect(), "ExpressionAttributeNames")?;
        unused(self.values.keys().collect(), "ExpressionAttributeValues")
    }
}
