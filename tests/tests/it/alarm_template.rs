//! The alarms of the template: which way round they are, what missing data makes of them, and where a lost start goes.
//!
//! A published set-up for this very workload has its alarm the wrong way round, and nobody noticed: it would fire when all
//! is well. A table over every state of every child notices.

use std::collections::BTreeMap;

use lifeboat_model::limits::GREEN_PERCENT;
use saphyr::Yaml;

use crate::alarm_rule::{State, evaluate};
use crate::common::{at, plan, said, template, written};

const OTHER: &str = "${OtherRegionAlarm}";
const THIS: &str = "${ThisRegionAlarm}";

fn absent(path: &str) -> bool {
    at(&template(), path).is_none()
}

/// The rule of the composite alarm.
fn rule() -> String {
    said("Resources/FailoverAlarm/Properties/AlarmRule").trim_start_matches("!Sub ").to_owned()
}

#[test]
fn the_alarm_calls_exactly_when_the_other_region_is_in_alarm_and_this_one_is_known_to_be_well() {
    let mut rows = Vec::new();
    for other in State::ALL {
        for this in State::ALL {
            let states = BTreeMap::from([(OTHER.to_owned(), other), (THIS.to_owned(), this)]);
            if evaluate(&rule(), &states).expect("a rule") {
                rows.push((other, this));
            }
        }
    }
    assert_eq!(rows, [(State::Alarm, State::Ok)]);
    // And each child watches what its name says, from here.
    for (alarm, canary) in [("OtherRegionAlarm", "OtherRegionCanary"), ("ThisRegionAlarm", "ThisRegionCanary")] {
        let property = |name: &str| format!("Resources/{alarm}/Properties/{name}");
        let template = template();
        let dimensions = at(&template, &property("Dimensions")).and_then(Yaml::as_sequence).expect("dimensions");
        let [dimension] = dimensions.as_slice() else { panic!("{alarm}: {dimensions:?}") };
        let dimension = ["Name", "Value"].map(|key| written(dimension.as_mapping_get(key).expect("a field")));
        assert_eq!(dimension, ["CanaryName".to_owned(), format!("!Ref {canary}")]);
        assert_eq!(said(&property("Namespace")), "CloudWatchSynthetics");
        assert_eq!(said(&property("MetricName")), "SuccessPercent");
    }
}

/// A number of the template: itself, or the default of the parameter that it refers to.
fn number(path: &str) -> f64 {
    let found = said(path);
    let found = match found.strip_prefix("!Ref ") {
        Some(parameter) => said(&format!("Parameters/{parameter}/Default")),
        None => found,
    };
    found.parse().unwrap_or_else(|_| panic!("{path} is no number: {found}"))
}

/// A metric alarm of the template, with the defaults of its parameters.
struct MetricAlarm {
    periods: usize,
    threshold: f64,
    comparison: String,
    missing: String,
}

impl MetricAlarm {
    fn named(alarm: &str) -> Self {
        let property = |name: &str| format!("Resources/{alarm}/Properties/{name}");
        let periods = number(&property("EvaluationPeriods")) as usize;
        assert!(absent(&property("DatapointsToAlarm")) || number(&property("DatapointsToAlarm")) as usize == periods);
        Self {
            periods,
            threshold: number(&property("Threshold")),
            comparison: said(&property("ComparisonOperator")),
            missing: said(&property("TreatMissingData")),
        }
    }

    fn is_bad(&self, value: f64) -> bool {
        match self.comparison.as_str() {
            "LessThanThreshold" => value < self.threshold,
            "GreaterThanThreshold" => value > self.threshold,
            other => panic!("it compares by {other}"),
        }
    }

    /// The state that it comes to by the datapoints of its periods.
    fn comes_to(&self, datapoints: &[Option<f64>]) -> State {
        assert_eq!(datapoints.len(), self.periods);
        let bad: Vec<bool> = datapoints
            .iter()
            .filter_map(|point| match (point, self.missing.as_str()) {
                (Some(value), _) => Some(self.is_bad(*value)),
                (None, "notBreaching") => Some(false),
                (None, "missing") => None,
                (None, other) => panic!("it treats missing data as {other}"),
            })
            .collect();
        match bad.as_slice() {
            [] => State::InsufficientData,
            bad if bad.iter().all(|b| *b) => State::Alarm,
            _ => State::Ok,
        }
    }
}

#[test]
fn only_bad_results_in_every_period_of_the_other_region_and_good_ones_here_make_the_alarm_call() {
    let results = [Some(100.0), Some(GREEN_PERCENT), Some(GREEN_PERCENT - 0.1), Some(0.0), None];
    let bad = |result: Option<f64>| result.is_some_and(|value| value < GREEN_PERCENT);
    let (other, this, rule) = (MetricAlarm::named("OtherRegionAlarm"), MetricAlarm::named("ThisRegionAlarm"), rule());
    let mut called = 0;
    for first in results {
        for second in results {
            for here in results {
                let (there, here_now) = (other.comes_to(&[first, second]), this.comes_to(&[here]));
                let states = BTreeMap::from([(OTHER.to_owned(), there), (THIS.to_owned(), here_now)]);
                let calls = evaluate(&rule, &states).expect("a rule");
                let expected = bad(first) && bad(second) && here.is_some() && !bad(here);
                assert_eq!(calls, expected, "{first:?} {second:?}, here {here:?}");
                called += u32::from(calls);
            }
        }
    }
    assert_eq!(called, 2 * 2 * 2);
    assert_eq!(this.comes_to(&[None]), State::InsufficientData, "nothing known is not well");
    // One good try in a period is enough to be well there, one bad one not to be well here.
    assert_eq!(said("Resources/OtherRegionAlarm/Properties/Statistic"), "Maximum");
    assert_eq!(said("Resources/ThisRegionAlarm/Properties/Statistic"), "Minimum");
}

#[test]
fn the_alarm_holds_as_long_as_the_example_plan_says_and_calls_green_what_steps_call_green() {
    let alarm = plan().automation.alarm;
    assert_eq!(number("Parameters/AlarmPeriodSeconds/Default") as i64 * 1000, alarm.period.as_ms());
    assert_eq!(number("Parameters/AlarmEvaluationPeriods/Default") as u32, alarm.evaluation_periods);
    assert_eq!(number("Parameters/AlarmThresholdPercent/Default"), GREEN_PERCENT);
    assert_eq!(said("Resources/OtherRegionAlarm/Properties/Period"), "!Ref AlarmPeriodSeconds");
    assert_eq!(said("Resources/OtherRegionAlarm/Properties/EvaluationPeriods"), "!Ref AlarmEvaluationPeriods");
}

#[test]
fn only_going_into_alarm_does_anything_and_only_the_composite_alarm_calls_the_function() {
    for alarm in ["OtherRegionAlarm", "ThisRegionAlarm", "FailoverAlarm"] {
        let property = |name: &str| format!("Resources/{alarm}/Properties/{name}");
        assert_eq!(said(&format!("Resources/{alarm}/Condition")), "MakesAlarm");
        assert!(absent(&property("OKActions")) && absent(&property("InsufficientDataActions")), "{alarm}");
        assert_eq!(absent(&property("AlarmActions")), alarm != "FailoverAlarm", "{alarm}");
    }
    assert_eq!(said("Resources/FailoverAlarm/Properties/AlarmActions"), "[!GetAtt StartRunFunction.Arn]");
    assert_eq!(said("Resources/FailoverAlarm/Properties/AlarmName"), "!Ref AlarmName");
    assert_eq!(said("Resources/FailoverAlarm/DependsOn"), "AlarmPermission");
    assert_eq!(said("Resources/AlarmPermission/Properties/Principal"), "lambda.alarms.cloudwatch.amazonaws.com");
    assert!(said("Resources/AlarmPermission/Properties/SourceArn").ends_with(":alarm:${AlarmName}"));
}

/// The statement called `sid` in the policy at `path`.
fn statement(path: &str, sid: &str) -> Yaml<'static> {
    let template = template();
    let statements = at(&template, &format!("{path}/Statement")).and_then(Yaml::as_sequence).expect("statements");
    let found = statements.iter().find(|s| s.as_mapping_get("Sid").and_then(Yaml::as_str) == Some(sid));
    found.unwrap_or_else(|| panic!("{path} has no statement {sid}")).clone()
}

#[test]
fn a_start_that_is_lost_is_tried_again_kept_and_told_of() {
    let function = |name: &str| said(&format!("Resources/StartRunFunction/Properties/EventInvokeConfig/{name}"));
    assert_eq!(function("MaximumRetryAttempts"), "2", "the most that Lambda offers");
    assert_eq!(function("DestinationConfig/OnFailure/Type"), "SQS");
    assert_eq!(function("DestinationConfig/OnFailure/Destination"), "!GetAtt MissedStarts.Arn");
    let (loud, quiet) = ([Some(1.0)], [Some(0.0), None]);
    for (alarm, metric) in [
        ("MissedStartsAlarm", "AWS/SQS ApproximateNumberOfMessagesVisible"),
        ("DroppedStartsAlarm", "AWS/Lambda AsyncEventsDropped"),
    ] {
        let property = |name: &str| said(&format!("Resources/{alarm}/Properties/{name}"));
        assert_eq!(format!("{} {}", property("Namespace"), property("MetricName")), metric);
        let by_metric = MetricAlarm::named(alarm);
        assert_eq!(by_metric.comes_to(&loud), State::Alarm, "{alarm}");
        assert!(quiet.iter().all(|point| by_metric.comes_to(&[*point]) == State::Ok), "{alarm}");
        assert_eq!(property("AlarmActions"), "[!Ref Notices]");
        assert!(property("AlarmName").starts_with("!Sub ${AWS::StackName}-"), "the key's policy knows it by its name");
    }
}

#[test]
fn the_topic_takes_messages_of_three_steps_and_two_alarms_and_of_nobody_else() {
    let policy = "Resources/NoticesPolicy/Properties/PolicyDocument";
    let alarms = "[!GetAtt MissedStartsAlarm.Arn, !GetAtt DroppedStartsAlarm.Arn]";
    let field = |statement: &Yaml<'static>, path: &str| written(at(statement, path).expect("a field"));
    let denied = statement(policy, "OnlyTheStepsAndAlarms");
    assert_eq!(field(&denied, "Effect"), "Deny");
    let steps = "[!GetAtt StartRunRole.Arn, !GetAtt RequestApprovalRole.Arn, !GetAtt ConcludeRole.Arn]";
    assert_eq!(field(&denied, "Condition/ArnNotEquals/aws:PrincipalArn"), steps);
    assert_eq!(field(&denied, "Condition/ArnNotEquals/aws:SourceArn"), alarms);
    let allowed = statement(policy, "Alarms");
    assert_eq!(field(&allowed, "Effect"), "Allow");
    assert_eq!(field(&allowed, "Principal/Service"), "cloudwatch.amazonaws.com");
    assert_eq!(field(&allowed, "Condition/ArnEquals/aws:SourceArn"), alarms);
    assert_eq!(field(&allowed, "Condition/StringEquals/aws:SourceAccount"), "!Ref AWS::AccountId");
    let key = statement("Resources/Key/Properties/KeyPolicy", "Alarms");
    assert_eq!(field(&key, "Principal/Service"), "cloudwatch.amazonaws.com");
    assert_eq!(field(&key, "Action"), "[kms:Decrypt, kms:GenerateDataKey*]");
    assert!(field(&key, "Condition/ArnLike/aws:SourceArn").ends_with(":alarm:${AWS::StackName}-*"));
}
