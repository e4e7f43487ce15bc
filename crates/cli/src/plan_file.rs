//! A plan in a YAML file: read with its lines, so that each problem has a place.

use std::fmt;
use std::path::Path;

use lifeboat_model::Plan;
use lifeboat_model::read::{Node, Problem, Value};
use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use thiserror::Error;

/// The example plan, as it stands in `plans/`.
pub const EXAMPLE: (&str, &str) = ("plans/retail-store.yaml", include_str!("../../../plans/retail-store.yaml"));

/// Why a plan file cannot be used.
#[derive(Debug, Error)]
pub enum PlanFileError {
    /// The file cannot be read.
    #[error("failed to read {file}: {reason}; give the path of a plan file")]
    Unreadable {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// It is not YAML.
    #[error("{file}:{line}: not valid YAML: {reason}")]
    NotYaml {
        /// The file.
        file: String,
        /// The line where reading stopped.
        line: usize,
        /// Why.
        reason: String,
    },
    /// It is not a plan.
    #[error("{}", list(.file, .problems))]
    NotAPlan {
        /// The file.
        file: String,
        /// Everything that is wrong.
        problems: Vec<Problem>,
    },
}

fn list(file: &str, problems: &[Problem]) -> String {
    let line = |p: &Problem| format!("{file}:{}: {p}", p.line.unwrap_or(0));
    let lines: Vec<String> = problems.iter().map(line).collect();
    format!("{}\n{} problem(s) in {file}; nothing was changed", lines.join("\n"), problems.len())
}

/// Reads the plan in `path`, or the example when there is none.
///
/// # Errors
/// See [`PlanFileError`].
pub fn load(path: Option<&Path>) -> Result<Plan, PlanFileError> {
    let Some(path) = path else { return parse(EXAMPLE.0, EXAMPLE.1) };
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| PlanFileError::Unreadable { file: file.clone(), reason: e.to_string() })?;
    parse(&file, &text)
}

/// Reads the plan that stands in `text`, which came from `file`.
///
/// # Errors
/// `NotYaml` or `NotAPlan`.
pub fn parse(file: &str, text: &str) -> Result<Plan, PlanFileError> {
    let file = file.to_owned();
    let documents = MarkedYaml::load_from_str(text).map_err(|e| PlanFileError::NotYaml {
        file: file.clone(),
        line: e.marker().line(),
        reason: e.info().to_owned(),
    })?;
    let document = match documents.as_slice() {
        [one] => node(one),
        [] => Node { line: Some(1), value: Value::Null },
        [_, second, ..] => {
            let reason = "one document expected, a second one begins here".to_owned();
            return Err(PlanFileError::NotYaml { file, line: second.span.start.line(), reason });
        }
    };
    Plan::read(&document).map_err(|problems| PlanFileError::NotAPlan { file, problems })
}

fn node(yaml: &MarkedYaml<'_>) -> Node {
    let value = match &yaml.data {
        YamlData::Value(scalar) => scalar_value(scalar),
        YamlData::Representation(text, ..) => Value::Text(text.to_string()),
        YamlData::Sequence(items) => Value::List(items.iter().map(node).collect()),
        YamlData::Mapping(entries) => Value::Map(entries.iter().map(|(k, v)| (key(k), at_key(k, v))).collect()),
        YamlData::Tagged(_, inner) => return node(inner),
        YamlData::Alias(_) => Value::Text("an alias, which plans do not use".to_owned()),
        YamlData::BadValue => Value::Text("a value that does not fit its tag".to_owned()),
    };
    Node { line: u32::try_from(yaml.span.start.line()).ok(), value }
}

/// A mapping's value is placed on the line of its key, where a person looks.
fn at_key(key: &MarkedYaml<'_>, value: &MarkedYaml<'_>) -> Node {
    Node { line: u32::try_from(key.span.start.line()).ok(), value: node(value).value }
}

fn key(yaml: &MarkedYaml<'_>) -> String {
    match node(yaml).value {
        Value::Text(text) | Value::Number(text) => text,
        other @ (Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_)) => other.to_string(),
    }
}

fn scalar_value(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(b) => Value::Bool(*b),
        Scalar::Integer(n) => Value::Number(n.to_string()),
        Scalar::FloatingPoint(n) => Value::Number(n.to_string()),
        Scalar::String(text) => Value::Text(text.to_string()),
    }
}

/// How a problem of the command's user is told: on standard error, without a stack.
pub fn complain(problem: &dyn fmt::Display) {
    eprintln!("{problem}");
}
