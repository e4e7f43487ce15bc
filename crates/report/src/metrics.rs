//! A run's figures as CloudWatch metrics, in the embedded metric format: a line on standard output that CloudWatch Logs
//! turns into metrics, so that no call is made and no permission needed.

use lifeboat_model::Timestamp;
use lifeboat_model::report::{Outcome, RunReport};
use serde_json::{Map, Value, json};

/// The metrics' namespace.
const NAMESPACE: &str = "Lifeboat";

/// The figures of a run, in seconds; what is not known makes no metric.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// From its beginning to its conclusion.
    pub run_s: Option<f64>,
    /// Its recovery time.
    pub rto_s: Option<f64>,
    /// The bound of its data loss.
    pub rpo_s: Option<f64>,
}

impl Figures {
    /// Those of a report.
    pub fn of(report: &RunReport) -> Self {
        Self { run_s: Some(report.run_s), rto_s: report.measured.rto_s, rpo_s: report.measured.rpo_s }
    }
}

/// The line for a run of `plan` that ended at `at`: its figures, and one metric per outcome that is 1 or 0, so that an
/// alarm on `NeedsOperator` has data whenever a run ends. By plan, and by plan and outcome.
pub fn metrics(plan: &str, outcome: Outcome, figures: Figures, at: Timestamp) -> String {
    let seconds = [("RunSeconds", figures.run_s), ("RtoSeconds", figures.rto_s), ("RpoSeconds", figures.rpo_s)];
    let seconds = seconds.into_iter().filter_map(|(name, value)| value.map(|v| (name, "Seconds", json!(v))));
    let outcomes = [Outcome::Completed, Outcome::Unchanged, Outcome::NeedsOperator, Outcome::Rehearsed];
    let counts = outcomes.into_iter().map(|o| (o.as_str(), "Count", json!(u8::from(o == outcome))));
    let values: Vec<(&str, &str, Value)> = seconds.chain(counts).collect();
    let definitions: Vec<Value> = values.iter().map(|(name, unit, _)| json!({"Name": name, "Unit": unit})).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at.as_ms(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Plan"], ["Plan", "Outcome"]],
                "Metrics": definitions,
            }],
        }),
    );
    line.insert("Plan".to_owned(), json!(plan));
    line.insert("Outcome".to_owned(), json!(outcome.as_str()));
    line.extend(values.into_iter().map(|(name, _, value)| (name.to_owned(), value)));
    Value::Object(line).to_string()
}
