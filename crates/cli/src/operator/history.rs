//! `lifeboat history`: a plan's runs of both Regions, newest first.
//!
//! Purpose: from Step Functions, which knows every execution of the last 90 days, also those that never held the lock; what
//! was asked and how it ended stands in their input and output. Older ones are in the bucket's reports.
//! Guarantees: a Region that does not answer is named, and does not hide the other. Effects: none.
//! Fails when: neither Region answers.

use lifeboat_model::execution::{ExecutionArn, StateMachine};
use lifeboat_model::request::{Purpose, Trigger};
use lifeboat_model::{Plan, Region, Request, Timestamp};
use lifeboat_ports::{CallError, Execution, ExecutionStatus, Listed, Runs};
use lifeboat_report::figures::duration;
use lifeboat_report::text::clean;
use serde_json::{Value, json};

use super::Told;
use super::start::machine_of;
use super::watch::Ended;
use crate::exit::Failure;

/// How many executions of one Region are listed at most, in pages of fifty: the state machine may serve other plans.
const PAGES_MAX: usize = 4;
/// How many executions are looked at, at most.
const LOOKS_MAX: usize = 150;

/// A run, as the list shows it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its ARN.
    pub run: ExecutionArn,
    /// What was asked for.
    pub request: Request,
    /// When it was started.
    pub started_at: Timestamp,
    /// How long it took; absent while it runs.
    pub took_s: Option<f64>,
    /// How it ended; absent while it runs.
    pub ended: Option<Ended>,
}

/// The runs that were found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Newest first.
    pub runs: Vec<Run>,
    /// Regions that did not answer, and why.
    pub silent: Vec<(Region, CallError)>,
    /// Whether there may be older ones that were not looked at.
    pub more: bool,
}

/// The newest `limit` runs of `plan` in both its Regions.
///
/// # Errors
/// Neither Region answered.
pub async fn of(plan: &Plan, machine: &StateMachine, limit: usize, runs: &dyn Runs) -> Result<Found, Failure> {
    let mut found = Found { runs: Vec::new(), silent: Vec::new(), more: false };
    let mut listed: Vec<Listed> = Vec::new();
    for region in &plan.regions {
        let machine = machine_of(plan, machine, region)?;
        match list(&machine, runs).await {
            Ok((some, more)) => {
                listed.extend(some);
                found.more |= more;
            }
            Err(error) => found.silent.push((region.clone(), error)),
        }
    }
    if found.silent.len() == plan.regions.len() {
        let (_, error) = found.silent.remove(0);
        return Err(Failure::of_read(error));
    }
    listed.sort_by_key(|one| std::cmp::Reverse(one.started_at));
    for (looks, one) in listed.into_iter().enumerate() {
        if found.runs.len() == limit || looks == LOOKS_MAX {
            found.more = true;
            break;
        }
        match runs.execution(&one.run).await {
            Ok(Some(execution)) => found.runs.extend(run(plan, one.run, &execution)),
            Ok(None) => {}
            Err(error) => {
                let region = one.run.region().clone();
                if !found.silent.iter().any(|(silent, _)| *silent == region) {
                    found.silent.push((region, error));
                }
            }
        }
    }
    Ok(found)
}

async fn list(machine: &lifeboat_model::Arn, runs: &dyn Runs) -> Result<(Vec<Listed>, bool), CallError> {
    let (mut all, mut page) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let (some, next) = runs.executions(machine, page.as_deref()).await?;
        all.extend(some);
        page = next;
        if page.is_none() {
            break;
        }
    }
    Ok((all, page.is_some()))
}

/// The run, if it is one of this plan. An input that is no request started nothing.
fn run(plan: &Plan, run: ExecutionArn, execution: &Execution) -> Option<Run> {
    let input: Value = serde_json::from_str(execution.input.as_deref()?).ok()?;
    let request = Request::read(&input).ok().filter(|request| request.plan == plan.name)?;
    let took_s = execution.stopped_at.map(|at| at.seconds_since(execution.started_at));
    Some(Run { run, request, started_at: execution.started_at, took_s, ended: Ended::of(execution) })
}

impl Found {
    /// For a person and for a script.
    pub fn told(&self, plan: &Plan) -> Told {
        let mut text = String::new();
        let rows: Vec<[String; 5]> = self.runs.iter().map(|run| run.row(plan)).collect();
        let heads = ["started", "what", "direction", "took", "outcome"].map(str::to_owned);
        let width = |n: usize| rows.iter().chain([&heads]).map(|r| r[n].chars().count()).max().unwrap_or(0);
        let widths: [usize; 5] = std::array::from_fn(width);
        for (n, row) in [&heads].into_iter().chain(&rows).enumerate() {
            let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
            if let Some(run) = n.checked_sub(1).and_then(|n| self.runs.get(n)) {
                text.push_str(&format!("  {}\n", run.run));
            }
        }
        if self.runs.is_empty() {
            text = format!("plan {} has had no run that AWS remembers (90 days)\n", plan.name);
        }
        for (region, error) in &self.silent {
            text.push_str(&format!("{region} did not answer, so its runs are missing here: {error}\n"));
        }
        if self.more {
            text.push_str("there may be older runs: --limit N, or their reports in the bucket\n");
        }
        let silent: Vec<Value> =
            self.silent.iter().map(|(region, error)| json!({"region": region, "error": error.to_string()})).collect();
        let runs: Vec<Value> = self.runs.iter().map(|run| run.as_json(plan)).collect();
        Told { text, json: json!({"plan": plan.name, "runs": runs, "silent": silent, "more": self.more}) }
    }
}

impl Run {
    fn row(&self, plan: &Plan) -> [String; 5] {
        let what = match self.request.purpose {
            Purpose::Act => self.request.mode.as_str().to_owned(),
            Purpose::Rehearse => format!("rehearsal ({})", self.request.mode.as_str()),
        };
        let by = match &self.request.trigger {
            Trigger::Operator { name: Some(name) } => format!(", {}", clean(name)),
            Trigger::Operator { name: None } => String::new(),
            Trigger::Alarm { alarm, .. } => format!(", alarm {}", clean(alarm)),
        };
        let direction = plan.direction_to(&self.request.target).map_or_else(String::new, |d| d.to_string());
        let outcome = self.ended.as_ref().map_or_else(|| "runs".to_owned(), |ended| ended.word().to_owned());
        let started: String = self.started_at.to_string().chars().take(19).chain(['Z']).collect();
        [started, what + &by, direction, self.took_s.map_or_else(|| "-".to_owned(), duration), outcome]
    }

    fn as_json(&self, plan: &Plan) -> Value {
        json!({
            "run": self.run, "name": self.run.name(), "mode": self.request.mode, "purpose": self.request.purpose,
            "direction": plan.direction_to(&self.request.target), "trigger": self.request.trigger,
            "started_at": self.started_at, "took_s": self.took_s,
            "outcome": self.ended.as_ref().map(Ended::word), "cause": self.ended.as_ref().and_then(|e| e.cause.as_deref()),
        })
    }
}

/// Whether an execution has not ended, as far as its status tells.
pub(crate) fn is_open(status: &ExecutionStatus) -> bool {
    match status {
        ExecutionStatus::Running | ExecutionStatus::Unknown(_) => true,
        ExecutionStatus::Succeeded | ExecutionStatus::Failed | ExecutionStatus::TimedOut | ExecutionStatus::Aborted => {
            false
        }
    }
}
