//! `admit`: reads the request, loads the plan, takes the lock and mints the epoch.
//!
//! Purpose: one run per plan, over both Regions, directions and triggers (S4); nothing starts in a cool-down (S7), when
//! disabled (S14) or, as a failover, without consent (S6).
//! Effects: one conditional write of the lock. Never touches the workload.
//! Fails when: `Rejected` (request or plan), `Refused` (with every reason), `Transient` or `Ambiguous` (table).
//! Called again by the same execution it finds the lock its own. A rehearsal takes no lock: it could keep out the run that
//! is needed.

use futures_util::future::try_join3;
use lifeboat_model::decide::{Admit, admit};
use lifeboat_model::limits::{READ_TIMEOUT, Step, shares};
use lifeboat_model::lock::{Admission, Approval, Lock};
use lifeboat_model::plan::{Name, Requirement, Topology};
use lifeboat_model::request::Mode;
use lifeboat_model::{Plan, Reason, Region, Request, StepError};
use lifeboat_ports::{CallError, Clock, Ledger, StoredPlan, Swap, timely};
use lifeboat_step::{Rehearsal, Reply, RunRef, parse};
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
            Admit::Mine => return admitted(&request, &plan, lock.as_ref()),
            Admit::Rehearse { admission, objections } => return rehearsed(&request, &plan, *admission, &objections),
            Admit::Take(new) => match take(ports, &request, lock.as_ref(), &new).await? {
                Swap::Stored => return admitted(&request, &plan, Some(&new)),
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

fn admitted(request: &Request, plan: &StoredPlan, lock: Option<&Lock>) -> Result<Value, StepError> {
    let Some(lock) = lock else {
        return Err(StepError::Transient("the lock vanished after it was taken".to_owned()));
    };
    let run_id = lock.run.run_id.clone();
    let plan_version = lock.run.plan_version;
    let run = RunRef { plan: request.plan.clone(), run_id, epoch: lock.epoch, plan_version, rehearsal: None };
    Reply::done(true, evidence(run, &plan.plan, &lock.run, &[])).into_json()
}

fn rehearsed(
    request: &Request,
    plan: &StoredPlan,
    admission: Admission,
    objections: &[Reason],
) -> Result<Value, StepError> {
    let run = RunRef {
        plan: request.plan.clone(),
        run_id: admission.run_id.clone(),
        epoch: 0,
        plan_version: plan.version,
        rehearsal: Some(Box::new(Rehearsal { admission: admission.clone() })),
    };
    Reply::done(false, evidence(run, &plan.plan, &admission, objections)).into_json()
}

/// What the state machine goes by, and what people read in its graph.
fn evidence(run: RunRef, plan: &Plan, admission: &Admission, objections: &[Reason]) -> Value {
    let isolates = plan.topology == Topology::ActiveActive;
    let drains = plan.brokers.iter().filter(|b| b.requirement == Requirement::Required && b.engine.drains());
    let drains = drains.filter(|_| admission.mode == Mode::Switchover);
    json!({
        "run": run,
        "source": admission.direction.source,
        "target": admission.direction.target,
        "mode": admission.mode,
        "admitted_at": admission.admitted_at,
        "would_be_refused_now": objections,
        "steps": {
            "request_approval": run.rehearsal.is_none() && admission.approval == Approval::Awaited,
            "approval_timeout_s": plan.limits.approval.as_ms() / 1000,
            "isolate_source": isolates,
            "scale_first": isolates && admission.mode == Mode::Switchover,
            "databases": shares_of(plan.databases.iter().map(|d| &d.name)),
            "caches": shares_of(plan.resources_of(Step::PromoteCache, Requirement::Required)),
            "tables": shares_of(plan.resources_of(Step::CheckTable, Requirement::Required)),
            "brokers": shares_of(plan.resources_of(Step::PromoteBroker, Requirement::Required)),
            "services": shares_of(plan.resources_of(Step::ScaleCompute, Requirement::Required)),
            "drains": shares_of(drains.map(|b| &b.name)),
            "settle_s": match run.rehearsal {
                None => plan.limits.green_window.as_ms() / 2000,
                Some(_) => 0,
            },
            "scaled": shares_of(plan.services.iter().map(|s| &s.name)),
            "best_effort": best_effort(plan),
        },
    })
}

/// The names of one kind of resource, cut into the shares that one function each sees to. A list of objects, since a list
/// of lists is easily taken for its first list in JSONata.
fn shares_of<'p>(names: impl IntoIterator<Item = &'p Name>) -> Vec<Value> {
    let names: Vec<&Name> = names.into_iter().collect();
    shares(&names).into_iter().map(|resources| json!({"resources": resources})).collect()
}

/// The same for the resources that nothing waits for, each share with the step that sees to it.
fn best_effort(plan: &Plan) -> Vec<Value> {
    let steps = [Step::ScaleCompute, Step::PromoteCache, Step::PromoteBroker, Step::CheckTable];
    let of = |step: Step| {
        let names: Vec<&Name> = plan.resources_of(step, Requirement::BestEffort).collect();
        shares(&names).into_iter().map(move |resources| json!({"step": step, "resources": resources}))
    };
    steps.into_iter().flat_map(of).collect()
}
