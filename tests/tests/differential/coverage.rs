//! The small machines show everything that the shipped one uses.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::cases::{Case, read, root};

/// Functions and operators of JSONata, and what is read of the execution.
const WORDS: [&str; 22] = [
    "$exists(",
    "$not(",
    "$lookup(",
    "$states.input",
    "$states.result",
    "$states.errorOutput.Error",
    "$states.errorOutput.Cause",
    "$states.context.Execution.Id",
    "$states.context.Execution.Input",
    "$states.context.Task.Token",
    "$states.context.Map.Item.Value",
    " & ",
    " = ",
    " != ",
    " and ",
    " ? ",
    "null",
    "[0]",
    "{'",
    "'",
    "true",
    "false",
];

/// The `$` words that are neither in [`WORDS`] nor a variable are found by this: a letter after the sign.
fn functions_called(text: &str) -> impl Iterator<Item = String> {
    text.match_indices('$').filter_map(|(at, _)| {
        let name: String = text[at + 1..].chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        text[at + 1 + name.len()..].starts_with('(').then(|| format!("${name}("))
    })
}

fn features(value: &Value, kind: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let kind = fields.get("Type").and_then(Value::as_str).unwrap_or(kind);
            for (key, value) in fields {
                // A state's or a payload's own names are no features; a field of the language begins with a capital.
                let states = key == "States";
                if key.starts_with(|c: char| c.is_ascii_uppercase()) && key != "Comment" {
                    found.insert(format!("{kind}.{key}"));
                }
                if states {
                    value.as_object().into_iter().flat_map(|s| s.values()).for_each(|s| features(s, "", found));
                } else if matches!(
                    key.as_str(),
                    "Retry" | "Catch" | "Choices" | "ItemProcessor" | "ProcessorConfig" | "Branches"
                ) {
                    features(value, &format!("{kind}.{key}"), found);
                } else {
                    words(value, found);
                    if key == "Resource" || key == "JitterStrategy" {
                        found.insert(format!("{key} {value}"));
                    }
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| features(item, kind, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn words(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.starts_with("{%") => {
            found.extend(WORDS.iter().filter(|w| text.contains(**w)).map(|w| (*w).to_owned()));
            found.extend(functions_called(text));
        }
        Value::Object(fields) => fields.values().for_each(|v| words(v, found)),
        Value::Array(items) => items.iter().for_each(|v| words(v, found)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn every_field_and_every_word_of_the_shipped_machine_has_a_case() {
    let text = std::fs::read_to_string(root().join("statemachine/failover.asl.json")).expect("the machine");
    let mut used = BTreeSet::new();
    features(&serde_json::from_str(&text).expect("JSON"), "machine", &mut used);
    let mut shown = BTreeSet::new();
    for case in read::<Case>("cases").values() {
        features(&case.script().definition, "machine", &mut shown);
    }
    assert!(used.len() > 60, "{} features found", used.len());
    let missing: Vec<&String> = used.difference(&shown).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}
