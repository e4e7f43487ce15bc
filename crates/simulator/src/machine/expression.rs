//! JSONata expressions: `"{% ... %}"` anywhere in a template.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use bumpalo::Bump;
use jsonata_rs::JsonAta;
use serde_json::{Map, Value};

use super::states::{States, object};

/// Variables by name, without the dollar sign.
pub type Variables = BTreeMap<String, Value>;

/// Functions whose answer is not the same each time; a machine that uses one cannot be drilled twice alike.
const UNREPEATABLE: [&str; 4] = ["$now(", "$millis(", "$random(", "$uuid("];

fn source(text: &str) -> Option<&str> {
    text.strip_prefix("{%")?.strip_suffix("%}").map(str::trim)
}

/// Checks every expression in a template.
pub fn check(template: &Value) -> Result<(), String> {
    match template {
        Value::String(text) => check_text(text),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(fields) => fields.values().try_for_each(check),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Checks a text that may be an expression.
pub fn check_text(text: &str) -> Result<(), String> {
    let Some(source) = source(text) else {
        return if text.contains("{%") { Err(format!("{text:?} is half an expression")) } else { Ok(()) };
    };
    if let Some(name) = UNREPEATABLE.iter().find(|name| source.contains(**name)) {
        return Err(format!("{name}) gives another answer each time"));
    }
    let arena = Bump::new();
    JsonAta::new(source, &arena).map(|_| ()).map_err(|e| format!("{source:?} is no JSONata: {e}"))
}

/// Fills a template in: each expression is replaced by its value, everything else stays.
///
/// # Errors
/// The words of `States.QueryEvaluationError`: an expression that fails, or that has no value.
pub fn fill(template: &Value, states: States<'_>, variables: &Variables) -> Result<Value, String> {
    match template {
        Value::String(text) => match source(text) {
            Some(source) => evaluate(source, states, variables),
            None => Ok(template.clone()),
        },
        Value::Array(items) => items.iter().map(|item| fill(item, states, variables)).collect(),
        Value::Object(fields) => {
            let filled: Result<Map<String, Value>, String> =
                fields.iter().map(|(key, value)| Ok((key.clone(), fill(value, states, variables)?))).collect();
            filled.map(Value::Object)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(template.clone()),
    }
}

/// How many values are remembered; then all are forgotten.
const REMEMBERED: usize = 20_000;

thread_local! {
    /// The values of expressions by what they were made of: explorations ask for the same ones over and over.
    static VALUES: RefCell<HashMap<Vec<u8>, Result<Value, String>>> = RefCell::default();
}

fn evaluate(source: &str, states: States<'_>, variables: &Variables) -> Result<Value, String> {
    let states = states.named_in(source);
    let variables: Vec<(&str, &Value)> = variables
        .iter()
        .filter(|(name, _)| mentions(source, name))
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    let mut made_of = source.as_bytes().to_vec();
    for (name, value) in states.iter().chain(&variables) {
        made_of.push(0);
        made_of.extend_from_slice(name.as_bytes());
        made_of.push(b' ');
        serde_json::to_writer(&mut made_of, value).map_err(|e| format!("${name} is no JSON: {e}"))?;
    }
    if let Some(known) = VALUES.with_borrow(|values| values.get(&made_of).cloned()) {
        return known;
    }
    let value = evaluate_anew(source, &object(&states), &variables);
    VALUES.with_borrow_mut(|values| {
        if values.len() >= REMEMBERED {
            values.clear();
        }
        values.insert(made_of, value.clone());
    });
    value
}

fn mentions(source: &str, variable: &str) -> bool {
    source.match_indices(variable).any(|(at, _)| source[..at].ends_with('$'))
}

fn evaluate_anew(source: &str, states: &Value, variables: &[(&str, &Value)]) -> Result<Value, String> {
    let arena = Bump::new();
    let failed = |e: jsonata_rs::Error| format!("the expression {source:?} failed: {e}");
    let expression = JsonAta::new(source, &arena).map_err(failed)?;
    let mut bindings: HashMap<&str, &Value> = variables.iter().copied().collect();
    bindings.insert("states", states);
    let value = expression.evaluate(None, Some(&bindings)).map_err(failed)?;
    if value.is_undefined() {
        return Err(format!("the expression {source:?} has no value"));
    }
    serde_json::from_str(&value.serialize(false)).map_err(|e| format!("the value of {source:?} is no JSON: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Execution;
    use crate::machine::states::Context;
    use lifeboat_model::Timestamp;
    use serde_json::json;

    fn filled(template: &Value, input: &Value, variables: &Variables) -> Result<Value, String> {
        let (id, name) = ("arn:of:it".to_owned(), "it".to_owned());
        let execution = Execution { id, name, input: json!({"asked": true}), started_at: Timestamp::from_ms(0) };
        let context = Context::new(&execution, None, "Here");
        fill(template, States { input, context: &context, came_to: None }, variables)
    }

    #[test]
    fn expressions_see_states_and_variables() {
        let states = json!({"a": 1, "list": ["x", "y"], "off": false});
        let variables = Variables::from([("run".to_owned(), json!({"epoch": 7}))]);
        let cases = [
            (json!("{% $states.input.a + 1 %}"), json!(2)),
            (json!({"run": "{% $run %}", "plain": "text"}), json!({"run": {"epoch": 7}, "plain": "text"})),
            (json!("{% $exists($states.input.none) ? 1 : 'no' %}"), json!("no")),
            (json!("{% $states.input.list %}"), json!(["x", "y"])),
            (json!("{% $states.input.off %}"), json!(false)),
            (json!("{% 'a' & 'b' %}"), json!("ab")),
            (json!("{% $states.context.State.Name %}"), json!("Here")),
            (json!("{% $states.context.Execution.Input.asked %}"), json!(true)),
            (json!("{% $exists($states.result) %}"), json!(false)),
            (json!("{% $count($states.*) %}"), json!(2)),
        ];
        for (template, expected) in cases {
            assert_eq!(filled(&template, &states, &variables), Ok(expected), "{template}");
        }
    }

    #[test]
    fn an_expression_without_value_is_an_error() {
        let error = filled(&json!("{% $states.input.none %}"), &json!({}), &Variables::new()).expect_err("undefined");
        assert!(error.contains("has no value"), "{error}");
    }

    #[test]
    fn what_cannot_be_repeated_or_parsed_is_refused_when_read() {
        for bad in ["{% $now() %}", "{% $random() %}", "{% $states. %}", "{% 1", "a {% b %} c {%"] {
            assert!(check(&json!({"deep": [bad]})).is_err(), "{bad}");
        }
    }
}
