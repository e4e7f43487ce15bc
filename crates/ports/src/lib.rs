//! What a step needs from the world: one trait per capability, matched to one block of its function's IAM policy.
//!
//! Guarantees: no SDK type crosses a port; a call that may have taken effect never looks like one that did not
//! ([`CallError::effect`]). Adapters: `crates/aws` on the AWS SDKs, `crates/simulator` on a simulated world.
//! Futures are not `Send`: a Lambda has one thread, and so has the simulator.

mod call;
mod clock;
mod operator;
mod resources;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use lifeboat_model::evidence::{CanaryResults, GlobalDatabase, Point, Switch};
use lifeboat_model::journal::Entry;
use lifeboat_model::lock::Lock;
use lifeboat_model::plan::{Broker, Cache, Canary, Database, Endpoint, Name, Table};
use lifeboat_model::settings::Settings;
use lifeboat_model::{Arn, Plan, Region, Timestamp};

pub use call::{CallError, Fault, Receipt};
pub use clock::{Clock, timely, within};
pub use operator::{
    Bookmark, Execution, ExecutionStatus, Happened, Journals, KillSwitch, Listed, Locks, PlanStore, Reports, RunEvent,
    Runs, Scope,
};
pub use resources::{Brokers, Caches, Compute, Tables};

/// Aurora global databases. IAM, target: `rds:DescribeGlobalClusters`, `rds:DescribeDBClusters`,
/// `rds:FailoverGlobalCluster`; source: `rds:SwitchoverGlobalCluster`, the documented exception to "target only".
#[async_trait(?Send)]
pub trait Databases {
    /// Describes `database` through the control plane of `region`: the global cluster, and the member cluster there.
    async fn describe(&self, database: &Database, region: &Region) -> Result<GlobalDatabase, CallError>;

    /// Asks for a switchover to `target`. Sent in the Region of the present writer, `writer_region`, as AWS requires.
    async fn switchover(&self, database: &Database, target: &Arn, writer_region: &Region)
    -> Result<Receipt, CallError>;

    /// Asks for a failover to `target` with data loss allowed. Sent in the target's Region.
    async fn failover(&self, database: &Database, target: &Arn, target_region: &Region) -> Result<Receipt, CallError>;
}

/// Metrics. IAM: `cloudwatch:GetMetricData` in the Regions of the plan and its canaries.
#[async_trait(?Send)]
pub trait Metrics {
    /// How far the member of `database` in `region` was behind its writer since `since`, in milliseconds, oldest first.
    /// A missing datapoint is absent, never zero.
    async fn replication_lag_ms(
        &self,
        database: &Database,
        region: &Region,
        since: Timestamp,
    ) -> Result<Vec<Point>, CallError>;

    /// How far the member of `cache` in `region` was behind its primary since `since`, in milliseconds, oldest first.
    async fn cache_lag_ms(&self, cache: &Cache, region: &Region, since: Timestamp) -> Result<Vec<Point>, CallError>;

    /// How long writes to `table` in `from` took to reach its replica in `to` since `since`, in milliseconds, oldest
    /// first. DynamoDB reports it in `from`, and not at all for tables that are strongly consistent.
    async fn table_latency_ms(
        &self,
        table: &Table,
        from: &Region,
        to: &Region,
        since: Timestamp,
    ) -> Result<Vec<Point>, CallError>;

    /// How many messages were in `broker` in `region` since `since`, oldest first (RabbitMQ).
    async fn message_count(&self, broker: &Broker, region: &Region, since: Timestamp) -> Result<Vec<Point>, CallError>;

    /// How many queues `broker` in `region` had declared since `since`, oldest first (RabbitMQ).
    async fn queue_count(&self, broker: &Broker, region: &Region, since: Timestamp) -> Result<Vec<Point>, CallError>;

    /// The success percentage of each of `canaries`, all of which run in `region`, since `since`, oldest first.
    async fn canary_results(
        &self,
        region: &Region,
        canaries: &[&Canary],
        since: Timestamp,
    ) -> Result<Vec<CanaryResults>, CallError>;
}

/// The routing-control cluster's data plane. IAM: `route53-recovery-cluster:GetRoutingControlState`,
/// `route53-recovery-cluster:UpdateRoutingControlStates` on the plan's controls.
#[async_trait(?Send)]
pub trait Routing {
    /// The states of `controls` as `endpoint` tells them. A state in a word that we do not know is absent.
    async fn states(&self, endpoint: &Endpoint, controls: &[Arn]) -> Result<BTreeMap<Arn, Switch>, CallError>;

    /// Changes all of `changes` in one atomic batch. Never overrides a safety rule.
    async fn change(&self, endpoint: &Endpoint, changes: &[(Arn, Switch)]) -> Result<Receipt, CallError>;
}

/// Messages to people. IAM: `sns:Publish` on the stack's own topic.
#[async_trait(?Send)]
pub trait Notices {
    /// Publishes a message: at most 100 ASCII characters of `subject`, at most 256 KiB of `body`.
    async fn publish(&self, subject: &str, body: &str) -> Result<Receipt, CallError>;
}

/// Where reports are kept. IAM: `s3:PutObject` under `runs/` in the stack's own bucket.
#[async_trait(?Send)]
pub trait Archive {
    /// Stores `body` as `key`, and returns the address at which it is found. Storing the same again is harmless.
    async fn store(&self, key: &str, content_type: &str, body: &str) -> Result<String, CallError>;
}

/// Name resolution. No IAM.
#[async_trait(?Send)]
pub trait Names {
    /// The addresses that `name` resolves to now, as text; never none. A name without addresses is an error, since a
    /// resolver cannot tell that for certain from its own failure.
    async fn resolve(&self, name: &str) -> Result<BTreeSet<String>, CallError>;
}

/// Executions of the state machine. IAM: `states:StartExecution` on it.
#[async_trait(?Send)]
pub trait Executions {
    /// Starts an execution called `name` in the home Region. The same name and input start only one.
    async fn start(&self, name: &str, input: &serde_json::Value) -> Result<Started, CallError>;
}

/// What became of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// The execution with this ARN runs: it was started now, or by an earlier delivery with the same input.
    Running(String),
    /// An execution of this name exists already: it has ended, or has another input.
    NameTaken,
}

/// The table: plans, locks, settings and journals, shared by both Regions.
/// IAM: `dynamodb:GetItem`, `PutItem`, `UpdateItem`, `Query` on it, and `kms:Decrypt` with its key, through DynamoDB. Reads
/// are strongly consistent.
#[async_trait(?Send)]
pub trait Ledger {
    /// The plan called `name`, in its current version or the one given.
    async fn plan(&self, name: &Name, version: Option<u64>) -> Result<Option<StoredPlan>, CallError>;

    /// The name of the plan that `alarm` starts.
    async fn plan_of_alarm(&self, alarm: &str) -> Result<Option<Name>, CallError>;

    /// The kill switch as it is for `plan`: its own, or the one of all plans.
    async fn settings(&self, plan: &Name) -> Result<Settings, CallError>;

    /// The lock of `plan`.
    async fn lock(&self, plan: &Name) -> Result<Option<Lock>, CallError>;

    /// Stores `new` if the lock is still exactly as `read`: epoch, state, holder, lease, mark, acknowledgement and stop;
    /// `None` means that there was no lock.
    async fn replace_lock(&self, plan: &Name, read: Option<&Lock>, new: &Lock) -> Result<Swap, CallError>;

    /// Extends the lease of the run `run_id` under `epoch` to `until`, and returns the lock; with `mark`, also records
    /// that the run passes its point of no return. Neither happens when that run holds the lock no longer, or when a
    /// person stopped it before that point: it must not act then.
    async fn fence(&self, plan: &Name, holder: Holder<'_>, until: Timestamp, mark: Mark) -> Result<Fenced, CallError>;

    /// Writes a line of the journal, once: a line with the same key is never replaced.
    async fn append(&self, entry: &Entry) -> Result<Append, CallError>;

    /// Remembers that a person is asked to approve a run of `plan`, and the token that answers for them; the newest
    /// question replaces the one before. IAM: `PutItem`.
    async fn ask_approval(&self, plan: &Name, asked: &AskedApproval) -> Result<(), CallError>;

    /// The journal of a run.
    async fn journal(&self, run_id: &str) -> Result<Vec<Entry>, CallError>;
}

/// A question that a person is to answer.
#[derive(Clone, PartialEq, Eq)]
pub struct AskedApproval {
    /// The run that asks.
    pub run_id: String,
    /// The task token with which `SendTaskSuccess` answers. Whoever has it can approve: it is never logged.
    pub token: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// Until when an answer counts.
    pub expires_at: Timestamp,
}

/// A person's side of a question: what a terminal needs to answer it, under the person's own permission.
/// IAM: `dynamodb:GetItem` on the table, `states:SendTaskSuccess`.
#[async_trait(?Send)]
pub trait Approvals {
    /// The newest question about `plan`. It stays after it was answered: whether it is still open, only the answer shows.
    async fn asked(&self, plan: &Name) -> Result<Option<AskedApproval>, CallError>;

    /// Answers the task that waits for `token` in `region`. No error repeats the token.
    async fn answer(&self, region: &Region, token: &str, output: &serde_json::Value) -> Result<Delivery, CallError>;
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The run has it.
    Taken,
    /// No task waits for it: another answer came first, the time is over, the run ended or has asked again.
    NotOpen,
}

impl std::fmt::Debug for AskedApproval {
    /// All of it but the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AskedApproval")
            .field("run_id", &self.run_id)
            .field("asked_at", &self.asked_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Who claims to hold a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder<'a> {
    /// The run.
    pub run_id: &'a str,
    /// Its epoch.
    pub epoch: u64,
}

/// Whether a fence marks the point of no return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Only the lease.
    Lease,
    /// The lease, and that the next call is past the point of no return.
    PointOfNoReturn,
}

/// What became of a fence.
#[derive(Clone, Debug, PartialEq)]
pub enum Fenced {
    /// The run holds the lock, which is now as it says here.
    Held(Box<Lock>),
    /// A person stopped the run before its point of no return: who, and why. Nothing was extended and nothing marked.
    Stopped(String),
    /// The run holds the lock no longer.
    Lost,
}

/// A plan as the table holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredPlan {
    /// Grows with each change of the plan; a run keeps to the version that it was admitted with.
    pub version: u64,
    /// The plan.
    pub plan: Plan,
}

/// What became of a compare-and-swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The new record is stored.
    Stored,
    /// The lock was no longer as it was read; nothing was stored.
    Changed,
}

/// What became of a line of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Append {
    /// It is written.
    Written,
    /// A line with its key was there before; nothing was written.
    AlreadyThere,
}

/// Randomness, injected so that a drill can be repeated. No IAM.
pub trait Chance {
    /// A number from 0 up to, not including, `bound`.
    fn below(&self, bound: usize) -> usize;
}
