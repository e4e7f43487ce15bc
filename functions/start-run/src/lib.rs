//! `start-run`: the trigger. An alarm's transition into ALARM starts a run, once, where the plan allows it.
//!
//! Guarantees: one transition has one execution name, so that however often it is delivered it starts one run (S4);
//! whatever it does not understand or may not do it says, and starts nothing (S9).
//! Effects: `StartExecution` in the Region it runs in, the one that survives.
//! Fails when: `Rejected` (not an alarm event), `Refused`, `Transient` or `Ambiguous` (table, Step Functions): Lambda
//! delivers the event again.

use aws_lambda_events::event::cloudwatch_alarms::{CloudWatchAlarm, CloudWatchAlarmData, CloudWatchAlarmStateValue};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use lifeboat_model::decide::{AlarmState, Start, Transition, start_run};
use lifeboat_model::limits::{CALL_TIMEOUT, READ_TIMEOUT};
use lifeboat_model::{Arn, Period, Region, StepError, Timestamp};
use lifeboat_ports::{CallError, Clock, Executions, Ledger, Started, timely};
use serde_json::{Value, json};

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Step Functions.
    pub executions: &'a dyn Executions,
    /// The Region that this function runs in.
    pub home: &'a Region,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let transition = read_transition(&event)?;
    let lookup = ports.ledger.plan_of_alarm(&transition.alarm);
    let Some(name) = call(ports, READ_TIMEOUT, "dynamodb:GetItem", lookup).await.map_err(|e| e.while_reading())? else {
        return Ok(ignored(&format!("no plan names alarm {}", transition.alarm)));
    };
    let stored = call(ports, READ_TIMEOUT, "dynamodb:GetItem", ports.ledger.plan(&name, None)).await;
    let Some(stored) = stored.map_err(|e| e.while_reading())? else {
        return Ok(ignored(&format!("plan {name} is not stored")));
    };
    let settings = call(ports, READ_TIMEOUT, "dynamodb:GetItem", ports.ledger.settings(&name)).await;
    let settings = settings.map_err(|e| e.while_reading())?;
    let lock = call(ports, READ_TIMEOUT, "dynamodb:GetItem", ports.ledger.lock(&name)).await;
    let lock = lock.map_err(|e| e.while_reading())?;
    let now = ports.clock.now();
    match start_run(&stored.plan, stored.version, ports.home, &transition, &settings, lock.as_ref(), now) {
        Start::Ignore(why) => Ok(ignored(&why)),
        Start::Run { name, request } => {
            let input = serde_json::to_value(request).map_err(|e| StepError::malformed("request", e, "JSON"))?;
            let start = ports.executions.start(&name, &input);
            let started = call(ports, CALL_TIMEOUT, "states:StartExecution", start).await;
            // Starting twice under one name starts once: an unknown fate is simply tried again.
            match started.map_err(|e| e.while_changing())? {
                Started::Running(execution) => Ok(json!({"status": "started", "execution": execution, "name": name})),
                Started::NameTaken => Ok(ignored(&format!("execution {name} was started by an earlier delivery"))),
            }
        }
    }
}

fn ignored(why: &str) -> Value {
    json!({"status": "ignored", "reason": why})
}

async fn call<T>(
    ports: &Ports<'_>,
    limit: Period,
    operation: &str,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    timely(ports.clock, limit, operation, ports.home, call).await
}

/// Reads either form of an alarm event: the alarm's direct Lambda action, or EventBridge's.
fn read_transition(event: &Value) -> Result<Transition, StepError> {
    match (event.get("alarmData"), event.get("detail-type").and_then(Value::as_str)) {
        (Some(_), _) => {
            let alarm: CloudWatchAlarm<Value, Value> = typed(event)?;
            transition(alarm.alarm_arn.as_deref().unwrap_or_default(), alarm.alarm_data, false)
        }
        (None, Some("CloudWatch Alarm State Change")) => {
            let envelope: EventBridgeEvent<Value> = typed(event)?;
            let muted = envelope.detail.get("muteDetail").is_some_and(|m| !m.is_null());
            let arn = envelope.resources.and_then(|arns| arns.into_iter().next()).unwrap_or_default();
            transition(&arn, typed(&envelope.detail)?, muted)
        }
        (None, found) => {
            let found = found.map_or("something else".to_owned(), |kind| format!("detail-type {kind:?}"));
            Err(StepError::malformed(
                "event",
                found,
                "an alarm's Lambda action (alarmData) or a CloudWatch Alarm State Change event",
            ))
        }
    }
}

fn typed<T: serde::de::DeserializeOwned>(event: &Value) -> Result<T, StepError> {
    serde_json::from_value(event.clone()).map_err(|e| {
        StepError::malformed(
            "event",
            format!("an event that cannot be read ({e})"),
            "an alarm event as CloudWatch sends it",
        )
    })
}

fn transition(arn: &str, data: CloudWatchAlarmData<Value, Value>, muted: bool) -> Result<Transition, StepError> {
    let arn: Arn = arn.parse().map_err(|_| StepError::malformed("alarmArn", format!("{arn:?}"), "the alarm's ARN"))?;
    let region = arn
        .region()
        .parse()
        .map_err(|_| StepError::malformed("alarmArn", format!("{:?}", arn.as_str()), "an ARN with a Region"))?;
    let Some(state) = data.state else {
        return Err(StepError::malformed("state", "nothing", "the alarm's new state"));
    };
    let suppressed = state.actions_suppressed_by.is_some();
    Ok(Transition {
        alarm: data.alarm_name,
        region,
        from: data.previous_state.map(|s| alarm_state(s.value)).transpose()?,
        at: Timestamp::from_ms(state.timestamp.timestamp_millis()),
        to: alarm_state(state.value)?,
        muted: muted || suppressed,
    })
}

fn alarm_state(value: CloudWatchAlarmStateValue) -> Result<AlarmState, StepError> {
    match value {
        CloudWatchAlarmStateValue::Alarm => Ok(AlarmState::Alarm),
        CloudWatchAlarmStateValue::Ok => Ok(AlarmState::Ok),
        CloudWatchAlarmStateValue::InsufficientData => Ok(AlarmState::InsufficientData),
        other => Err(StepError::malformed("state.value", format!("{other:?}"), "OK, ALARM or INSUFFICIENT_DATA")),
    }
}
