//! `start-run`: the trigger. An alarm's transition into ALARM starts a run, once, where the plan allows it.
//!
//! Guarantees: one transition has one execution name, so that however often it is delivered it starts one run (S4);
//! whatever it does not understand or may not do it says, and starts nothing (S9). An alarm that called in vain is not
//! silent: people get one message for the transition, with why and how to start a run by hand.
//! Effects: `StartExecution` in the Region it runs in, the one that survives; or a message to the topic, and in the table
//! the lines that keep it from being sent again.
//! Fails when: `Rejected` (not an alarm event), `Refused`, `Transient` or `Ambiguous` (table, Step Functions, topic): Lambda
//! delivers the event again, and keeps it where people find it when that does not help.

mod event;
mod tell;

use lifeboat_model::decide::{NotStarted, Start, start_run};
use lifeboat_model::limits::{CALL_TIMEOUT, READ_TIMEOUT};
use lifeboat_model::{Arn, Period, Region, StepError};
use lifeboat_ports::{CallError, Clock, Executions, Ledger, Notices, Started, timely};
use serde_json::{Value, json};

use crate::event::read_transition;
use crate::tell::tell;

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Step Functions.
    pub executions: &'a dyn Executions,
    /// The topic.
    pub notices: &'a dyn Notices,
    /// The Region that this function runs in.
    pub home: &'a Region,
    /// The state machine, for people who start a run by hand.
    pub state_machine: &'a Arn,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let transition = read_transition(&event)?;
    if let Some(why) = transition.asks_for_nothing() {
        return Ok(ignored(why));
    }
    let Some(name) = read(ports, ports.ledger.plan_of_alarm(&transition.alarm)).await? else {
        let why = format!("no plan names alarm {}", transition.alarm);
        let what_next =
            "store the alarm's item and its plan in the table, or take the function off the alarm's actions";
        return tell(&transition, None, &NotStarted::new(why, what_next), ports).await;
    };
    let Some(stored) = read(ports, ports.ledger.plan(&name, None)).await? else {
        let why = format!("alarm {} starts plan {name}, which is not stored", transition.alarm);
        return tell(&transition, None, &NotStarted::new(why, "store the plan in the table"), ports).await;
    };
    let settings = read(ports, ports.ledger.settings(&name)).await?;
    let lock = read(ports, ports.ledger.lock(&name)).await?;
    let (plan, now) = (&stored.plan, ports.clock.now());
    match start_run(plan, stored.version, ports.home, &transition, &settings, lock.as_ref(), now) {
        Start::Ignore(why) => Ok(ignored(&why)),
        Start::Tell(not_started) => tell(&transition, Some(plan), &not_started, ports).await,
        Start::Run { name, request } => {
            let input = serde_json::to_value(request).map_err(|e| StepError::malformed("request", e, "JSON"))?;
            let start = ports.executions.start(&name, &input);
            let started = call(ports, CALL_TIMEOUT, "states:StartExecution", start).await;
            // Starting twice under one name starts once: an unknown fate is simply tried again.
            match started.map_err(|e| e.while_changing())? {
                Started::Running(execution) => {
                    let warning = transition.other_hold_time(plan);
                    Ok(json!({"status": "started", "execution": execution, "name": name, "reason": warning}))
                }
                Started::NameTaken => Ok(ignored(&format!("execution {name} was started by an earlier delivery"))),
            }
        }
    }
}

fn ignored(why: &str) -> Value {
    json!({"status": "ignored", "reason": why})
}

async fn read<T>(ports: &Ports<'_>, read: impl Future<Output = Result<T, CallError>>) -> Result<T, StepError> {
    call(ports, READ_TIMEOUT, "dynamodb:GetItem", read).await.map_err(|e| e.while_reading())
}

async fn call<T>(
    ports: &Ports<'_>,
    limit: Period,
    operation: &str,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    timely(ports.clock, limit, operation, ports.home, call).await
}
