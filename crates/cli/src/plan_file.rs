//! A plan in a YAML file: read with its lines, so that each problem has a place.

use std::path::Path;

use lifeboat_model::Plan;
use lifeboat_model::read::Problem;
use thiserror::Error;

use crate::yaml;

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
    /// It is not YAML, or YAML of a kind that plans do not use.
    #[error("{file}:{line}: cannot be read as YAML: {reason}")]
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
    let document =
        yaml::read(text).map_err(|e| PlanFileError::NotYaml { file: file.clone(), line: e.line, reason: e.reason })?;
    Plan::read(&document).map_err(|problems| PlanFileError::NotAPlan { file, problems })
}
