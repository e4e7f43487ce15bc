//! `lifeboat report`: the report of a run, as it was stored, or made anew from the run's journal.
//!
//! Guarantees: the same journal makes the same report, so that both are one; which of the two it is, is said.
//! Effects: none, but for the files that were asked for. Fails when: the run has not concluded, or left no journal that can
//! be read, and the bucket has nothing.

use lifeboat_model::execution::ExecutionArn;
use lifeboat_model::journal::Entry;
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Name;
use lifeboat_model::report::RunReport;
use lifeboat_ports::{CallError, Journals, PlanStore, Reports};
use lifeboat_report::text::clean_lines;
use lifeboat_report::{html, message};

use super::stored;
use crate::exit::Failure;

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The page.
    Html,
    /// Its data.
    Json,
    /// What people are told.
    Text,
}

/// Where a report comes from.
pub struct Ports<'a> {
    /// The bucket; `None` when nobody said which.
    pub bucket: Option<&'a dyn Reports>,
    /// Journals.
    pub journals: &'a dyn Journals,
    /// Stored plans.
    pub plans: &'a dyn PlanStore,
}

/// The report of `run` in one or more forms, and where it comes from.
///
/// # Errors
/// There is none yet, or what it is made of cannot be read.
pub async fn of(
    run: &ExecutionArn,
    plan: Option<&Name>,
    forms: &[Form],
    ports: &Ports<'_>,
) -> Result<(Vec<String>, String), Failure> {
    // The journal knows the plan, and so the place in the bucket; the bucket may have what the table no longer says.
    let journal = match ports.journals.journal(run.as_str()).await {
        Ok(journal) => journal,
        Err(error) if plan.is_some() && ports.bucket.is_some() => return fetched(run, plan, forms, ports, error).await,
        Err(error) => return Err(Failure::of_read(error)),
    };
    let of_plan = plan.cloned().or_else(|| plan_of(&journal));
    if let (Some(bucket), Some(plan), false) = (ports.bucket, &of_plan, forms.contains(&Form::Text)) {
        match stored_forms(run, plan, forms, bucket).await {
            Ok(Some(told)) => return Ok((told, address(run, plan))),
            Ok(None) => {}
            Err(error) => {
                let error = clean_lines(&error.to_string());
                eprintln!("{error}; the report is made from the journal instead");
            }
        }
    }
    let report = made(run, of_plan.as_ref(), &journal, ports).await?;
    let told = forms.iter().map(|form| write(*form, &report)).collect::<Result<Vec<String>, Failure>>()?;
    Ok((told, format!("the journal of {run}")))
}

/// The name of the plan, as the run's conclusion has it.
fn plan_of(journal: &[Entry]) -> Option<Name> {
    journal.iter().find(|e| e.step == Step::Conclude)?.resource.parse().ok()
}

/// The table is silent: the bucket alone.
async fn fetched(
    run: &ExecutionArn,
    plan: Option<&Name>,
    forms: &[Form],
    ports: &Ports<'_>,
    error: CallError,
) -> Result<(Vec<String>, String), Failure> {
    match (ports.bucket, plan) {
        (Some(bucket), Some(plan)) if !forms.contains(&Form::Text) => {
            match stored_forms(run, plan, forms, bucket).await.map_err(Failure::of_read)? {
                Some(told) => Ok((told, address(run, plan))),
                None => Err(Failure::of_read(error)),
            }
        }
        (Some(_), _) | (None, _) => Err(Failure::of_read(error)),
    }
}

fn folder(run: &ExecutionArn, plan: &Name) -> String {
    format!("runs/{plan}/{}", run.name())
}

fn address(run: &ExecutionArn, plan: &Name) -> String {
    format!("the bucket, {}", folder(run, plan))
}

/// The stored report in each of `forms`; `None` when one is missing.
async fn stored_forms(
    run: &ExecutionArn,
    plan: &Name,
    forms: &[Form],
    bucket: &dyn Reports,
) -> Result<Option<Vec<String>>, CallError> {
    let mut told = Vec::new();
    for form in forms {
        let file = match form {
            Form::Html => "report.html",
            Form::Json => "report.json",
            Form::Text => return Ok(None),
        };
        match bucket.fetch(&format!("{}/{file}", folder(run, plan))).await? {
            Some(text) => told.push(text),
            None => return Ok(None),
        }
    }
    Ok(Some(told))
}

async fn made(
    run: &ExecutionArn,
    plan: Option<&Name>,
    journal: &[Entry],
    ports: &Ports<'_>,
) -> Result<RunReport, Failure> {
    let ending = journal.iter().find_map(|e| e.note.conclusion()?.1);
    let none = |why: &str| {
        Failure::NotPossible(format!("there is no report of {run}: {why}; follow it: lifeboat watch --run {run}"))
    };
    let (Some(ending), Some(plan)) = (ending, plan) else {
        let why = if journal.is_empty() { "its journal is empty" } else { "its journal has no conclusion yet" };
        return Err(none(why));
    };
    let stored = stored::plan(plan, Some(ending.plan_version), ports.plans).await?;
    lifeboat_report::of(&stored.plan, journal).ok_or_else(|| none("its conclusion does not say what it was"))
}

fn write(form: Form, report: &RunReport) -> Result<String, Failure> {
    match form {
        Form::Html => Ok(html::page(report)),
        Form::Json => {
            let json = serde_json::to_string_pretty(report).map_err(|e| Failure::Output(e.into()))?;
            Ok(json + "\n")
        }
        Form::Text => {
            let message = message::of(report, Ok(&format!("lifeboat report --run {} --html", report.run_id)));
            Ok(format!("{}\n\n{}\n", message.subject, message.body.trim_end()))
        }
    }
}
