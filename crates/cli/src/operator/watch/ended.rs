//! How an execution ended.

use lifeboat_model::execution::ExecutionArn;
use lifeboat_model::report::Outcome;
use lifeboat_ports::{Execution, ExecutionStatus};
use serde_json::Value;

use crate::exit::Exit;

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The outcome that the run recorded; absent when nobody knows it.
    pub outcome: Option<Outcome>,
    /// Why, as the execution says it.
    pub cause: Option<String>,
    /// Where the report is stored.
    pub report: Option<String>,
    without: &'static str,
}

impl Ended {
    /// How `execution` ended; `None` while it runs.
    pub fn of(execution: &Execution) -> Option<Self> {
        let (outcome, without) = match &execution.status {
            ExecutionStatus::Running | ExecutionStatus::Unknown(_) => return None,
            ExecutionStatus::Succeeded => (of_success(execution), "outcome unknown"),
            ExecutionStatus::Failed => (of_failure(execution.error.as_deref()), "outcome unknown"),
            ExecutionStatus::TimedOut => (None, "timed out"),
            ExecutionStatus::Aborted => (None, "aborted"),
        };
        let cause = match (&execution.error, &execution.cause) {
            (Some(error), Some(cause)) => Some(format!("{error}: {cause}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        };
        let report = output(execution).and_then(|o| Some(o.pointer("/report/stored")?.as_str()?.to_owned()));
        Some(Self { outcome, cause, report, without })
    }

    /// The word for it.
    pub const fn word(&self) -> &str {
        match self.outcome {
            Some(outcome) => outcome.as_str(),
            None => self.without,
        }
    }

    /// The exit code that belongs to it.
    pub const fn exit(&self) -> Exit {
        match self.outcome {
            Some(Outcome::Completed | Outcome::Rehearsed) => Exit::AsExpected,
            Some(Outcome::Unchanged) => Exit::NotAsExpected,
            Some(Outcome::NeedsOperator) | None => Exit::NeedsPerson,
        }
    }

    /// What a person does next, and by which commands.
    pub fn next(&self, plan: Option<&str>, run: &ExecutionArn) -> (String, Vec<String>) {
        let plan = plan.unwrap_or("PLAN");
        let report = format!("lifeboat report --run {run}");
        let acknowledge = format!("lifeboat acknowledge {plan}");
        match self.outcome {
            Some(outcome @ (Outcome::Completed | Outcome::NeedsOperator)) => {
                (outcome.what_next().to_owned(), vec![report, acknowledge])
            }
            Some(outcome @ (Outcome::Unchanged | Outcome::Rehearsed)) => (outcome.what_next().to_owned(), vec![report]),
            None => {
                let what = "nobody recorded an outcome: wait three minutes (the lease), look at the databases, then start again \
                            in the same direction";
                (what.to_owned(), vec![report, acknowledge])
            }
        }
    }
}

fn output(execution: &Execution) -> Option<Value> {
    serde_json::from_str(execution.output.as_deref()?).ok()
}

fn of_success(execution: &Execution) -> Option<Outcome> {
    match output(execution)?.get("outcome")?.as_str()? {
        "Completed" => Some(Outcome::Completed),
        "Rehearsed" => Some(Outcome::Rehearsed),
        _ => None,
    }
}

fn of_failure(error: Option<&str>) -> Option<Outcome> {
    match error? {
        "Lifeboat.Unchanged" => Some(Outcome::Unchanged),
        "Lifeboat.NeedsOperator" => Some(Outcome::NeedsOperator),
        _ => None,
    }
}
