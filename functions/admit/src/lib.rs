//! `admit`: reads the request, loads the plan, takes the lock and mints the epoch.
//!
//! Purpose: one run per plan, over both Regions, directions and triggers (S4); nothing starts in a cool-down (S7), when
//! disabled (S14) or, as a failover, without consent (S6).
//! Effects: one conditional write of the lock. Never touches the workload.
//! Fails when: `Rejected` (request or plan), `Refused` (with every reason), `Transient` or `Ambiguous` (table).
//! Called again by the same execution it finds the lock its own.

use futures_util::future::try_join3;
use lifeboat_model::decide::{Admit, admit};
use lifeboat_model::limits::READ_TIMEOUT;
use lifeboat_model::lock::Lock;
use lifeboat_model::{Region, Request, StepError, Timestamp};
use lifeboat_ports::{CallError, Clock, Ledger, StoredPlan, Swap, timely};
use lifeboat_step::{Reply, RunRef, parse};
use serde::Deserialize;
use serde_json::{Value, json};

/// How often the lock is read again after somebody changed it under our hands.
const TRIES: u32 = 3;

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The Region that this function runs in.
    pub home: &'a Region,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    request: Value,
    execution: Execution,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Execution {
    id: String,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let event: Event = parse(&event)?;
    let request = Request::read(&event.request).map_err(StepError::Rejected)?;
    let stored = read(ports, ports.ledger.plan(&request.plan, None));
    let settings = read(ports, ports.ledger.settings(&request.plan));
    let lock = read(ports, ports.ledger.lock(&request.plan));
    let (stored, settings, mut lock) = try_join3(stored, settings, lock).await?;
    let plan = stored
        .ok_or_else(|| StepError::malformed("plan", &request.plan, "the name of a plan that is stored in the table"))?;
    for _ in 0..TRIES {
        let now = ports.clock.now();
        let who = (event.execution.id.as_str(), ports.home);
        match admit(&request, (&plan.plan, plan.version), who, &settings, lock.as_ref(), now) {
            Admit::Refuse(reasons) => return Err(StepError::Refused(reasons)),
            Admit::Mine => return admitted(&request, &plan, lock.as_ref(), now),
            Admit::Take(new) => match take(ports, &request, lock.as_ref(), &new).await? {
                Swap::Stored => return admitted(&request, &plan, Some(&new), now),
                Swap::Changed => lock = read(ports, ports.ledger.lock(&request.plan)).await?,
            },
        }
    }
    Err(StepError::Transient(format!(
        "the lock of plan {} changed {TRIES} times while it was being taken",
        request.plan
    )))
}

async fn read<T>(ports: &Ports<'_>, call: impl Future<Output = Result<T, CallError>>) -> Result<T, StepError> {
    timely(ports.clock, READ_TIMEOUT, "dynamodb:GetItem", "the table", call).await.map_err(|e| e.while_reading())
}

async fn take(ports: &Ports<'_>, request: &Request, read: Option<&Lock>, new: &Lock) -> Result<Swap, StepError> {
    let swap = ports.ledger.replace_lock(&request.plan, read, new);
    // Taken or not: the next attempt reads the lock and finds it this run's, or takes it.
    timely(ports.clock, READ_TIMEOUT, "dynamodb:PutItem", "the table", swap).await.map_err(|e| e.while_changing())
}

fn admitted(request: &Request, plan: &StoredPlan, lock: Option<&Lock>, now: Timestamp) -> Result<Value, StepError> {
    let Some(lock) = lock else {
        return Err(StepError::Transient("the lock vanished after it was taken".to_owned()));
    };
    let run_id = lock.run.run_id.clone();
    let reference =
        RunRef { plan: request.plan.clone(), run_id, epoch: lock.epoch, plan_version: lock.run.plan_version };
    let evidence = json!({
        "run": reference,
        "databases": plan.plan.databases.iter().map(|d| &d.name).collect::<Vec<_>>(),
        "source": lock.run.direction.source,
        "target": lock.run.direction.target,
        "mode": lock.run.mode,
        "admitted_at": now,
    });
    Reply::done(true, evidence).into_json()
}
