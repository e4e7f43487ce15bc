//! Metrics: what is asked of CloudWatch, and what is made of its answers: of databases and canaries.

use crate::common::cloudwatch::{GET, Row, SINCE, asked, error, page, point};
use crate::common::{AWAY, HOME, Script, orders, region};
use lifeboat_aws::CloudWatchMetrics;
use lifeboat_model::plan::{Canary, Checks};
use lifeboat_ports::{Fault, Metrics};
use serde_json::{Value, json};

fn canary(name: &str) -> Canary {
    Canary { name: name.to_owned(), runs_in: region(HOME), watches: region(AWAY), checks: Checks::Read }
}

#[tokio::test(start_paused = true)]
async fn the_lag_is_asked_for_in_the_members_region_under_the_members_name() {
    let aws = Script::new();
    aws.on(GET, page(&[("q0", "Complete", &[(0, 40.0), (60, 55.5)])], None));
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let points = metrics.replication_lag_ms(&orders(), &region(HOME), SINCE).await;
    assert_eq!(points, Ok(vec![point(0, 40.0), point(60, 55.5)]));
    let request = aws.only_request();
    assert_eq!(request.signed_for, HOME);
    let sent = asked(&request);
    let expected = json!([{"Id": "q0", "ReturnData": true, "MetricStat": {
        "Metric": {"Namespace": "AWS/RDS", "MetricName": "AuroraGlobalDBRPOLag",
            "Dimensions": [{"Name": "DBClusterIdentifier", "Value": "orders-usw2"}]},
        "Period": 60, "Stat": "Maximum"}}]);
    assert_eq!(sent["MetricDataQueries"], expected);
    assert_eq!((&sent["StartTime"], &sent["ScanBy"]), (&json!(SINCE.as_ms()), &json!("TimestampAscending")));
}

#[tokio::test(start_paused = true)]
async fn s9_points_come_in_order_and_none_is_made_up() {
    let aws = Script::new();
    // Out of order, one from before the time asked for, one that is no number.
    aws.on(GET, page(&[("q0", "Complete", &[(120, 3.0), (-60, 9.0), (60, f64::NAN), (0, 1.0)])], None));
    aws.on(GET, page(&[("q0", "Complete", &[])], None));
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let points = metrics.replication_lag_ms(&orders(), &region(HOME), SINCE).await;
    assert_eq!(points, Ok(vec![point(0, 1.0), point(120, 3.0)]));
    assert_eq!(metrics.replication_lag_ms(&orders(), &region(HOME), SINCE).await, Ok(Vec::new()));
    aws.finish();
}

#[tokio::test(start_paused = true)]
async fn s9_a_lag_that_cloudwatch_gives_in_part_is_an_error() {
    let cases: [&[Row<'_>]; 3] = [&[("q0", "PartialData", &[(0, 1.0)])], &[("q0", "InternalError", &[])], &[]];
    for rows in cases {
        let aws = Script::new();
        aws.on(GET, page(rows, None));
        let metrics = CloudWatchMetrics::new(&aws.environment());
        let error = metrics.replication_lag_ms(&orders(), &region(HOME), SINCE).await.expect_err("in part");
        assert_eq!((error.fault, error.operation.as_str()), (Fault::Internal, "cloudwatch:GetMetricData"), "{rows:?}");
        aws.only_request();
    }
}

#[tokio::test(start_paused = true)]
async fn pages_are_put_together_and_followed_to_the_last() {
    let aws = Script::new();
    aws.on(GET, page(&[("q0", "PartialData", &[(0, 100.0)])], Some("more")));
    aws.on(GET, page(&[("q1", "Complete", &[(0, 50.0)]), ("q0", "Complete", &[(60, 0.0)])], None));
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let (a, b) = (canary("a"), canary("b"));
    let results = metrics.canary_results(&region(HOME), &[&a, &b], SINCE).await.expect("results");
    assert_eq!(results[0].points, [point(0, 100.0), point(60, 0.0)]);
    assert_eq!(results[1].points, [point(0, 50.0)]);
    let requests = aws.finish();
    let tokens: Vec<Value> = requests.iter().map(|r| asked(r)["NextToken"].clone()).collect();
    assert_eq!(tokens, [Value::Null, json!("more")]);
}

#[tokio::test(start_paused = true)]
async fn tokens_without_end_are_an_error() {
    let aws = Script::new();
    for _page in 0..10 {
        aws.on(GET, page(&[("q0", "PartialData", &[])], Some("more")));
    }
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let error = metrics.replication_lag_ms(&orders(), &region(HOME), SINCE).await.expect_err("no end");
    assert_eq!(error.fault, Fault::Internal);
    assert_eq!(aws.finish().len(), 10);
}

#[tokio::test(start_paused = true)]
async fn s9_a_canary_without_data_or_with_data_in_part_has_no_points() {
    let aws = Script::new();
    aws.on(
        GET,
        page(
            &[("q0", "Complete", &[(0, 100.0)]), ("q1", "Complete", &[]), ("q2", "InternalError", &[(0, 100.0)])],
            None,
        ),
    );
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let canaries = ["a", "b", "c", "d"].map(canary);
    let results = metrics.canary_results(&region(HOME), &canaries.each_ref(), SINCE).await.expect("results");
    let named: Vec<(&str, usize)> = results.iter().map(|r| (r.canary.as_str(), r.points.len())).collect();
    assert_eq!(named, [("a", 1), ("b", 0), ("c", 0), ("d", 0)]);
    let request = aws.only_request();
    let queries = asked(&request)["MetricDataQueries"].clone();
    let expected = json!({"Id": "q3", "ReturnData": true, "MetricStat": {
        "Metric": {"Namespace": "CloudWatchSynthetics", "MetricName": "SuccessPercent",
            "Dimensions": [{"Name": "CanaryName", "Value": "d"}]},
        "Period": 60, "Stat": "Average"}});
    assert_eq!(queries[3], expected);
}

#[tokio::test(start_paused = true)]
async fn more_canaries_than_one_call_takes_are_asked_for_in_two() {
    let aws = Script::new();
    aws.on(GET, page(&[("q0", "Complete", &[(0, 1.0)])], None)).on(GET, page(&[("q0", "Complete", &[(0, 2.0)])], None));
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let canaries: Vec<Canary> = (0..501).map(|n| canary(&format!("c{n}"))).collect();
    let all: Vec<&Canary> = canaries.iter().collect();
    let results = metrics.canary_results(&region(HOME), &all, SINCE).await.expect("results");
    assert_eq!((results.len(), &results[500].points), (501, &vec![point(0, 2.0)]));
    assert_eq!(aws.finish().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_metric_without_permission_is_denied() {
    let aws = Script::new();
    aws.on(GET, page(&[("q0", "Forbidden", &[])], None));
    let a = canary("a");
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let error = metrics.canary_results(&region(HOME), &[&a], SINCE).await.expect_err("forbidden");
    assert_eq!(error.fault, Fault::Denied);
    aws.only_request();
}

#[tokio::test(start_paused = true)]
async fn s13_a_read_that_is_throttled_once_is_tried_again() {
    let aws = Script::new();
    aws.on(GET, error(400, "Throttling", "Rate exceeded")).on(GET, page(&[("q0", "Complete", &[])], None));
    let metrics = CloudWatchMetrics::new(&aws.environment());
    assert_eq!(metrics.replication_lag_ms(&orders(), &region(HOME), SINCE).await, Ok(Vec::new()));
    assert_eq!(aws.finish().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_the_words_of_the_service() {
    let aws = Script::new();
    aws.on(GET, error(403, "AccessDenied", "not authorized"));
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let error = metrics.replication_lag_ms(&orders(), &region(HOME), SINCE).await.expect_err("a refusal");
    assert_eq!(
        (error.fault, error.code.as_str(), error.message.as_str()),
        (Fault::Denied, "AccessDenied", "not authorized")
    );
    aws.only_request();
}
