//! Executions as a person follows them: Step Functions, in whichever Region a run is.
//!
//! Purpose: what `lifeboat watch` and `lifeboat history` read. Guarantees: only reads; a status in a word that we do not know
//! is [`ExecutionStatus::Unknown`]; an event that we do not know is told by its own word. Effects: none.
//! Fails when: Step Functions refuses or does not answer.

use async_trait::async_trait;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionError;
use aws_sdk_sfn::types::{ExecutionStatus as Status, HistoryEvent};
use lifeboat_model::execution::ExecutionArn;
use lifeboat_model::{Arn, Region, Timestamp};
use lifeboat_ports::{Bookmark, CallError, Execution, ExecutionStatus, Fault, Happened, Listed, RunEvent, Runs};

use crate::Environment;
use crate::clients::RegionalClients;
use crate::environment::{Calls, Service};
use crate::errors::{call_error, incomplete};

const DESCRIBE: &str = "states:DescribeExecution";
const HISTORY: &str = "states:GetExecutionHistory";
const LIST: &str = "states:ListExecutions";

/// Events in a page: the most that the service gives.
const PAGE: i32 = 1000;
/// The most pages of one history: it ends at 25,000 events.
const PAGES_MAX: usize = 32;
/// Executions in a page.
const LIST_PAGE: i32 = 50;

/// Step Functions in every Region.
#[derive(Debug)]
pub struct SfnRuns {
    clients: RegionalClients<Client>,
}

impl SfnRuns {
    /// With the credentials of `environment`.
    pub fn new(environment: &Environment) -> Self {
        Self { clients: RegionalClients::new(environment, Service::StepFunctions, Calls::Reads, Client::new) }
    }
}

#[async_trait(?Send)]
impl Runs for SfnRuns {
    async fn execution(&self, run: &ExecutionArn) -> Result<Option<Execution>, CallError> {
        let call = self.clients.of(run.region()).describe_execution().execution_arn(run.as_str());
        let told = match call.send().await {
            Ok(told) => told,
            Err(error) if error.as_service_error().is_some_and(DescribeExecutionError::is_execution_does_not_exist) => {
                return Ok(None);
            }
            Err(error) => return Err(call_error(DESCRIBE, run.region(), &error)),
        };
        let stopped_at = told.stop_date.map(|at| time(DESCRIBE, run.region(), &at)).transpose()?;
        Ok(Some(Execution {
            status: status(&told.status),
            started_at: time(DESCRIBE, run.region(), &told.start_date)?,
            stopped_at,
            input: told.input,
            output: told.output,
            error: told.error,
            cause: told.cause,
        }))
    }

    async fn events(&self, run: &ExecutionArn, from: &Bookmark) -> Result<(Vec<RunEvent>, Bookmark), CallError> {
        let client = self.clients.of(run.region());
        let (mut events, mut at) = (Vec::new(), from.clone());
        for _page in 0..PAGES_MAX {
            let call = client.get_execution_history().execution_arn(run.as_str()).max_results(PAGE);
            let call = call.include_execution_data(false).set_next_token(at.page.clone());
            let page = call.send().await.map_err(|error| call_error(HISTORY, run.region(), &error))?;
            for event in page.events.iter().filter(|event| event.id > from.seen) {
                at.seen = at.seen.max(event.id);
                events.push(read(run.region(), event)?);
            }
            match page.next_token.filter(|token| !token.is_empty()) {
                Some(next) => at.page = Some(next),
                // The last page grows while the run goes on: it is read again.
                None => return Ok((events, at)),
            }
        }
        Err(incomplete(HISTORY, run.region(), format!("an end after {PAGES_MAX} pages")))
    }

    async fn executions(
        &self,
        state_machine: &Arn,
        page: Option<&str>,
    ) -> Result<(Vec<Listed>, Option<String>), CallError> {
        let refused = |why: &str| CallError::new(LIST, state_machine.region(), Fault::Invalid).saying("", why);
        let region: Region = state_machine.region().parse().map_err(|_| refused("the state machine has no Region"))?;
        let call = self.clients.of(&region).list_executions().state_machine_arn(state_machine.as_str());
        let call = call.max_results(LIST_PAGE).set_next_token(page.map(str::to_owned));
        let told = call.send().await.map_err(|error| call_error(LIST, &region, &error))?;
        let mut listed = Vec::new();
        for item in told.executions {
            let run = item.execution_arn.parse().map_err(|_| incomplete(LIST, &region, "the ARN of an execution"))?;
            listed.push(Listed { run, started_at: time(LIST, &region, &item.start_date)? });
        }
        Ok((listed, told.next_token.filter(|token| !token.is_empty())))
    }
}

fn status(told: &Status) -> ExecutionStatus {
    match told {
        Status::Running => ExecutionStatus::Running,
        Status::Succeeded => ExecutionStatus::Succeeded,
        Status::Failed => ExecutionStatus::Failed,
        Status::TimedOut => ExecutionStatus::TimedOut,
        Status::Aborted => ExecutionStatus::Aborted,
        other => ExecutionStatus::Unknown(other.as_str().to_owned()),
    }
}

fn time(operation: &str, region: &Region, at: &aws_smithy_types::DateTime) -> Result<Timestamp, CallError> {
    at.to_millis().map(Timestamp::from_ms).map_err(|_| incomplete(operation, region, "a time that can be read"))
}

fn read(region: &Region, event: &HistoryEvent) -> Result<RunEvent, CallError> {
    let kind = event.r#type.as_str();
    let what = if let Some(entered) = &event.state_entered_event_details {
        Happened::Entered { state: entered.name.clone() }
    } else if let Some(exited) = &event.state_exited_event_details {
        Happened::Exited { state: exited.name.clone() }
    } else if kind.ends_with("Failed") || kind.ends_with("TimedOut") {
        failed(kind, event)
    } else if kind.ends_with("Aborted") {
        Happened::Aborted
    } else if kind == "TaskScheduled" {
        Happened::Called
    } else {
        Happened::Other(kind.to_owned())
    };
    Ok(RunEvent { id: event.id, previous: event.previous_event_id, at: time(HISTORY, region, &event.timestamp)?, what })
}

/// What the event says of its error; where it says nothing, its own word stands for the error.
fn failed(kind: &str, event: &HistoryEvent) -> Happened {
    let task = event.task_failed_event_details.as_ref().map(|d| (d.error.clone(), d.cause.clone()));
    let timed_out = || event.task_timed_out_event_details.as_ref().map(|d| (d.error.clone(), d.cause.clone()));
    let whole = || event.execution_failed_event_details.as_ref().map(|d| (d.error.clone(), d.cause.clone()));
    let expression = || event.evaluation_failed_event_details.as_ref().map(|d| (d.error.clone(), d.cause.clone()));
    let (error, cause) = task.or_else(timed_out).or_else(whole).or_else(expression).unwrap_or_default();
    Happened::Failed { error: error.unwrap_or_else(|| kind.to_owned()), cause: cause.unwrap_or_default() }
}
