//! An alarm's event, in either form, of either kind of alarm.
//!
//! Guarantees: what is not such an event is a problem that names its field. Fields that nothing rests on may be missing or
//! new: AWS adds some.

use aws_lambda_events::event::cloudwatch_alarms::{CloudWatchAlarm, CloudWatchAlarmData, CloudWatchAlarmStateValue};
use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use lifeboat_model::decide::{AlarmState, Transition};
use lifeboat_model::{Arn, Period, StepError, Timestamp};
use serde_json::Value;

/// The kind of event that EventBridge has for a change of an alarm's state.
const STATE_CHANGE: &str = "CloudWatch Alarm State Change";

/// Reads either form of an alarm event: the alarm's direct Lambda action, or EventBridge's.
pub(crate) fn read_transition(event: &Value) -> Result<Transition, StepError> {
    match (event.get("alarmData"), event.get("detail-type").and_then(Value::as_str)) {
        (Some(_), _) => {
            let alarm: CloudWatchAlarm<Value, Value> = typed(event)?;
            transition(alarm.alarm_arn.as_deref().unwrap_or_default(), alarm.alarm_data, false)
        }
        (None, Some(STATE_CHANGE)) => {
            let envelope: EventBridgeEvent<Value> = typed(event)?;
            let muted = envelope.detail.get("muteDetail").is_some_and(|m| !m.is_null());
            let arn = envelope.resources.and_then(|arns| arns.into_iter().next()).unwrap_or_default();
            transition(&arn, typed(&envelope.detail)?, muted)
        }
        (None, found) => {
            let found = found.map_or("something else".to_owned(), |kind| format!("detail-type {kind:?}"));
            let expected = "an alarm's Lambda action (alarmData) or a CloudWatch Alarm State Change event";
            Err(StepError::malformed("event", found, expected))
        }
    }
}

fn typed<T: serde::de::DeserializeOwned>(event: &Value) -> Result<T, StepError> {
    serde_json::from_value(event.clone()).map_err(|e| {
        let found = format!("an event that cannot be read ({e})");
        StepError::malformed("event", found, "an alarm event as CloudWatch sends it")
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
    let before = data.previous_state;
    Ok(Transition {
        alarm: data.alarm_name,
        region,
        was_muted: before.as_ref().is_some_and(|s| s.actions_suppressed_by.is_some()),
        from: before.map(|s| alarm_state(s.value)).transpose()?,
        at: Timestamp::from_ms(state.timestamp.timestamp_millis()),
        muted: muted || state.actions_suppressed_by.is_some(),
        to: alarm_state(state.value)?,
        saw: state.reason,
        period: period(&data.configuration),
    })
}

/// The period of the metric that the alarm is over. A composite alarm has none, and metric math may have several.
fn period(configuration: &Value) -> Option<Period> {
    let metrics = configuration.get("metrics")?.as_array()?;
    let [metric] = metrics.as_slice() else { return None };
    let seconds = metric.pointer("/metricStat/period")?.as_u64()?;
    Some(Period::seconds(u32::try_from(seconds).ok()?))
}

fn alarm_state(value: CloudWatchAlarmStateValue) -> Result<AlarmState, StepError> {
    match value {
        CloudWatchAlarmStateValue::Alarm => Ok(AlarmState::Alarm),
        CloudWatchAlarmStateValue::Ok => Ok(AlarmState::Ok),
        CloudWatchAlarmStateValue::InsufficientData => Ok(AlarmState::InsufficientData),
        other => Err(StepError::malformed("state.value", format!("{other:?}"), "OK, ALARM or INSUFFICIENT_DATA")),
    }
}
