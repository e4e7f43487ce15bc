//! Amazon CloudWatch: the metrics that verdicts rest on, and the plan's alarm.
//!
//! The world has one value a minute, or one for each run of a canary; CloudWatch gives them by period, stamped with the
//! period's start. A metric that the world does not have is one without data, as on AWS.

mod query;

use async_trait::async_trait;
use lifeboat_model::evidence::Point;
use lifeboat_model::limits::Step;
use lifeboat_model::{Plan, Timestamp};
use lifeboat_simulator::world::watchers::AlarmState;

use super::{ACCOUNT, Asking, Done, Operations};
use crate::callers::Act;
use crate::protocol::{Api, Protocol};
use crate::refusal::{Code, Codes, Trouble};
use crate::shape::{Shape, integer, text, truth};

use self::query::Query;

const NO_ALARM: Code = (404, "ResourceNotFound");

/// The service.
pub struct CloudWatch;

async fn get_metric_data(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let input = asking.input;
    let (since, until) = (input.time("StartTime")?, input.time("EndTime")?);
    if since >= until {
        return Err(input.wrong("StartTime", "a time before EndTime").into());
    }
    if input.has("NextToken") {
        return Err(Trouble::Said((400, "InvalidNextToken"), "there is only one page".to_owned()));
    }
    let newest_first = match input.text("ScanBy")? {
        None | Some("TimestampDescending") => true,
        Some("TimestampAscending") => false,
        Some(_) => return Err(input.wrong("ScanBy", "TimestampDescending or TimestampAscending").into()),
    };
    let plan = asking.plan();
    let queries = input.items("MetricDataQueries")?.iter().map(Query::read).collect::<Result<Vec<_>, _>>()?;
    if queries.is_empty() {
        return Err(input.wrong("MetricDataQueries", "at least one").into());
    }
    let found: Vec<_> = queries.iter().map(|query| query.find(&plan, asking.region)).collect();
    let series: Vec<_> = found.iter().flatten().map(|found| found.series).collect();
    // CloudWatch rounds the start down to a minute; the world's own minutes begin after it.
    let from = Timestamp::from_ms(since.as_ms() - since.as_ms().rem_euclid(60_000) - 1);
    let ports = asking.ports(Step::Assess, Act::Look);
    let mut points = ports.metric_data(asking.region, &series, from).await?.into_iter();
    let mut results = Vec::new();
    for (query, found) in queries.iter().zip(&found) {
        // A search that finds nothing has no result; a metric without data has an empty one.
        if found.is_none() && !query.searches() {
            results.push(result(query, None, Vec::new()));
        }
        if let Some(found) = found {
            let mut points = query.by_period(&points.next().unwrap_or_default(), found.unit);
            points.retain(|point| point.at < until);
            if newest_first {
                points.reverse();
            }
            for label in &found.labels {
                results.push(result(query, Some(label), points.clone()));
            }
        }
    }
    let results = Shape::list("member", results);
    Ok(Done::read(Shape::record([("MetricDataResults", results), ("Messages", Shape::list("member", []))])))
}

async fn describe_alarms(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let input = asking.input;
    let plan = asking.plan();
    let alarm = &plan.automation.alarm;
    let ports = asking.ports(Step::Assess, Act::Look);
    let state = ports.describe_alarm(asking.region).await?;
    let named = input.texts("AlarmNames")?.is_none_or(|names| names.contains(&alarm.name));
    let begins = input.text("AlarmNamePrefix")?.is_none_or(|prefix| alarm.name.starts_with(prefix));
    let shows = input.text("StateValue")?.is_none_or(|wanted| wanted == state.as_str());
    let is_here = plan.regions.contains(asking.region);
    let alarms = (is_here && named && begins && shows).then(|| described(asking, &plan, state));
    let (alarms, none) = (Shape::list("member", alarms), Shape::list("member", []));
    Ok(Done::read(Shape::record([("MetricAlarms", alarms), ("CompositeAlarms", none)])))
}

fn described(asking: &Asking<'_>, plan: &Plan, state: AlarmState) -> Shape {
    let alarm = &plan.automation.alarm;
    let world = asking.world();
    let since = world.state().watchers.states.get(asking.region).map(|(_, since)| *since);
    let since = since.unwrap_or_else(|| world.state().log.began());
    let arn = format!("arn:aws:cloudwatch:{}:{ACCOUNT}:alarm:{}", asking.region, alarm.name);
    Shape::record([
        ("AlarmName", text(&alarm.name)),
        ("AlarmArn", text(arn)),
        ("AlarmDescription", text("the other Region is impaired")),
        ("ActionsEnabled", truth(true)),
        ("StateValue", text(state.as_str())),
        ("StateUpdatedTimestamp", Some(Shape::Time(since))),
        ("EvaluationPeriods", integer(alarm.evaluation_periods)),
        ("Period", Some(Shape::Integer(alarm.period.as_ms() / 1000))),
    ])
}

async fn set_alarm_state(asking: &Asking<'_>) -> Result<Done, Trouble> {
    let input = asking.input;
    let (name, plan) = (input.required("AlarmName")?, asking.plan());
    input.required("StateReason")?;
    let state = match input.required("StateValue")? {
        "OK" => AlarmState::Ok,
        "ALARM" => AlarmState::Alarm,
        "INSUFFICIENT_DATA" => AlarmState::InsufficientData,
        _ => return Err(input.wrong("StateValue", "OK, ALARM or INSUFFICIENT_DATA").into()),
    };
    if name != plan.automation.alarm.name || !plan.regions.contains(asking.region) {
        return Err(Trouble::Said(NO_ALARM, format!("no alarm {name} in {}", asking.region)));
    }
    let ports = asking.ports(Step::StartRun, Act::Look);
    ports.set_alarm(asking.region, state).await?;
    Ok(Done::read(Shape::nothing()))
}

fn result(query: &Query, label: Option<&str>, points: Vec<Point>) -> Shape {
    let times = points.iter().map(|point| Shape::Time(point.at));
    let values = points.iter().map(|point| Shape::Number(point.value));
    Shape::record([
        ("Id", text(&query.id)),
        ("Label", text(query.label(label))),
        ("Timestamps", Shape::list("member", times)),
        ("Values", Shape::list("member", values)),
        ("StatusCode", text("Complete")),
    ])
}

#[async_trait(?Send)]
impl Operations for CloudWatch {
    fn api(&self) -> Api {
        let namespace = "http://monitoring.amazonaws.com/doc/2010-08-01/";
        Api { namespace, target: "GraniteServiceVersion20100801", speaks: Protocol::Cbor }
    }

    fn codes(&self) -> Codes {
        Codes {
            internal: (500, "InternalServiceError"),
            not_found: NO_ALARM,
            conflict: (409, "ConflictException"),
            ..Codes::QUERY
        }
    }

    async fn operate(&self, asking: &Asking<'_>) -> Result<Done, Trouble> {
        match asking.operation {
            "GetMetricData" => get_metric_data(asking).await,
            "DescribeAlarms" => describe_alarms(asking).await,
            "SetAlarmState" => set_alarm_state(asking).await,
            _ => Err(Trouble::NoSuchOperation),
        }
    }
}
