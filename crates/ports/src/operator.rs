//! What a person at a terminal needs of AWS, under their own permission: stored plans, the kill switch, the lock, the
//! executions and the reports. No step uses any of it.
//!
//! Reads are strongly consistent where the table is read. What changes something is sent once, and conditionally where
//! somebody else may have changed the same meanwhile.

use async_trait::async_trait;
use lifeboat_model::execution::ExecutionArn;
use lifeboat_model::journal::Entry;
use lifeboat_model::lock::Lock;
use lifeboat_model::plan::Name;
use lifeboat_model::{Arn, Plan, Timestamp};

use crate::{Append, CallError, Swap};

/// The plans in the table. IAM: `dynamodb:GetItem`, `PutItem`, `DeleteItem` on it.
#[async_trait(?Send)]
pub trait PlanStore {
    /// The number of the version that is in force.
    async fn current_version(&self, plan: &Name) -> Result<Option<u64>, CallError>;

    /// A version as it is stored, as JSON: it may break rules that are newer than it.
    async fn body(&self, plan: &Name, version: u64) -> Result<Option<String>, CallError>;

    /// Stores `plan` as `version`, and replaces nothing. It is not in force by that.
    async fn add_version(&self, plan: &Plan, version: u64) -> Result<Append, CallError>;

    /// Puts `version` in force, if the version in force is still `read`.
    async fn make_current(&self, plan: &Name, read: Option<u64>, version: u64) -> Result<Swap, CallError>;

    /// The plan that `alarm` starts.
    async fn plan_of_alarm(&self, alarm: &str) -> Result<Option<Name>, CallError>;

    /// Lets `alarm` start `plan`, unless it starts another one.
    async fn claim_alarm(&self, alarm: &str, plan: &Name) -> Result<Swap, CallError>;

    /// Lets `alarm` start nothing, if it still starts `plan`.
    async fn release_alarm(&self, alarm: &str, plan: &Name) -> Result<Swap, CallError>;
}

/// The kill switch. IAM: `dynamodb:GetItem`, `PutItem`, `DeleteItem` on the table.
#[async_trait(?Send)]
pub trait KillSwitch {
    /// Why it is set for `scope`; `None` when it is not.
    async fn why(&self, scope: Scope<'_>) -> Result<Option<String>, CallError>;

    /// Sets it, whatever it was: an emergency waits for no comparison.
    async fn set(&self, scope: Scope<'_>, why: &str) -> Result<(), CallError>;

    /// Clears it, if it is still set because of `why`.
    async fn clear(&self, scope: Scope<'_>, why: &str) -> Result<Swap, CallError>;
}

/// What a kill switch stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The runs of one plan.
    Plan(&'a Name),
    /// All runs.
    AllPlans,
}

/// A person's side of a plan's lock. IAM: `dynamodb:GetItem`, `UpdateItem` on the table.
#[async_trait(?Send)]
pub trait Locks {
    /// The lock of `plan`.
    async fn lock(&self, plan: &Name) -> Result<Option<Lock>, CallError>;

    /// Acknowledges the last run of `plan`: nothing rests, nothing waits. Only if the lock's epoch is still that of `read`,
    /// so that what was shown is what is acknowledged, and no run is alive at `now`. `who` is kept beside it.
    async fn acknowledge(&self, plan: &Name, read: &Lock, who: &str, now: Timestamp) -> Result<Swap, CallError>;

    /// Asks the run `run_id` to end before its next change. Only while it holds the plan and has not passed its point of
    /// no return.
    async fn stop_run(&self, plan: &Name, run_id: &str, why: &str) -> Result<Swap, CallError>;
}

/// Executions of the state machine, to look at. IAM, in both Regions: `states:DescribeExecution`,
/// `states:GetExecutionHistory`, `states:ListExecutions`.
#[async_trait(?Send)]
pub trait Runs {
    /// The execution as it stands; `None` when there is none of this name (any more: AWS forgets them after 90 days).
    async fn execution(&self, run: &ExecutionArn) -> Result<Option<Execution>, CallError>;

    /// What has happened since `from`, oldest first, and where to go on.
    async fn events(&self, run: &ExecutionArn, from: &Bookmark) -> Result<(Vec<RunEvent>, Bookmark), CallError>;

    /// The executions of `state_machine` in its own Region, newest first, from the page that `page` names; and the next one.
    async fn executions(
        &self,
        state_machine: &Arn,
        page: Option<&str>,
    ) -> Result<(Vec<Listed>, Option<String>), CallError>;
}

/// Where reading of a history goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bookmark {
    /// The service's token of the last page that was read; `None` for the first.
    pub page: Option<String>,
    /// The number of the last event that was read.
    pub seen: i64,
}

/// An execution in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its ARN.
    pub run: ExecutionArn,
    /// When it was started.
    pub started_at: Timestamp,
}

/// An execution as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Where it stands.
    pub status: ExecutionStatus,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub stopped_at: Option<Timestamp>,
    /// Its input, as JSON.
    pub input: Option<String>,
    /// Its output, as JSON; only of one that succeeded.
    pub output: Option<String>,
    /// The error that it ended with.
    pub error: Option<String>,
    /// Why.
    pub cause: Option<String>,
}

/// Where an execution stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// It runs.
    Running,
    /// It ended in a state that succeeds.
    Succeeded,
    /// It ended in a state that fails.
    Failed,
    /// It took longer than the state machine allows.
    TimedOut,
    /// Somebody stopped it from outside.
    Aborted,
    /// A word that we do not know.
    Unknown(String),
}

/// Something that happened in an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEvent {
    /// Its number: they only grow.
    pub id: i64,
    /// The number of the event that it follows from; 0 for none.
    pub previous: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happened,
}

/// What happened in an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// A state was entered.
    Entered {
        /// The state.
        state: String,
    },
    /// A state was left; also when its error was caught.
    Exited {
        /// The state.
        state: String,
    },
    /// A call, or what belongs to a state as a whole, failed; it may be tried again.
    Failed {
        /// The error's name.
        error: String,
        /// Why.
        cause: String,
    },
    /// A state was broken off, as another branch failed.
    Aborted,
    /// A call is made, for the first time or again.
    Called,
    /// Anything else, by the service's word for it.
    Other(String),
}

/// The journals of runs, to look at. IAM: `dynamodb:Query` on the table.
#[async_trait(?Send)]
pub trait Journals {
    /// The journal of a run, in no order; empty when it has none.
    async fn journal(&self, run_id: &str) -> Result<Vec<Entry>, CallError>;
}

/// The reports of runs. IAM: `s3:GetObject` under `runs/` in the stack's bucket, and `kms:Decrypt` with its key.
#[async_trait(?Send)]
pub trait Reports {
    /// What is stored as `key`; `None` when there is nothing.
    async fn fetch(&self, key: &str) -> Result<Option<String>, CallError>;
}
