//! Metrics: what is asked of CloudWatch, and what is made of its answers: of caches, tables and brokers.

use crate::common::cloudwatch::{GET, Row, SINCE, asked, found, page, point};
use crate::common::resources::{carts, mail, sessions};
use crate::common::{AWAY, HOME, Recorded, Reply, Script, region};
use lifeboat_aws::CloudWatchMetrics;
use lifeboat_model::evidence::Point;
use lifeboat_ports::{CallError, Fault, Metrics};
use serde_json::{Value, json};

async fn cache_lag(reply: Reply) -> (Result<Vec<Point>, CallError>, Recorded) {
    let aws = Script::new();
    aws.on(GET, reply);
    let points = CloudWatchMetrics::new(&aws.environment()).cache_lag_ms(&sessions(), &region(HOME), SINCE).await;
    (points, aws.only_request())
}

#[tokio::test(start_paused = true)]
async fn the_lag_of_a_cache_is_searched_for_among_the_nodes_of_its_group() {
    let (points, request) = cache_lag(found(&[("sessions-usw2-001", "Complete", &[(0, 0.25)])], None)).await;
    assert_eq!(points, Ok(vec![point(0, 250.0)]));
    assert_eq!(request.signed_for, HOME);
    let expression = "SEARCH('{AWS/ElastiCache,CacheClusterId} MetricName=\"GlobalDatastoreReplicationLag\" \
        CacheClusterId=sessions-usw2', 'Maximum', 60)";
    let expected = json!([{"Id": "q0", "ReturnData": true, "Expression": expression,
        "Label": "${PROP('Dim.CacheClusterId')}"}]);
    assert_eq!(asked(&request)["MetricDataQueries"], expected);
    assert_eq!(asked(&request)["StartTime"], json!(SINCE.as_ms()));
}

#[tokio::test(start_paused = true)]
async fn the_worst_node_of_each_minute_counts_and_another_groups_nodes_do_not() {
    let rows: [Row<'_>; 6] = [
        ("sessions-usw2-0001-001", "Complete", &[(60, 2.0), (0, 1.0)]),
        ("sessions-usw2-0002-001", "Complete", &[(0, 3.0), (120, 0.5)]),
        ("web-sessions-usw2-001", "Complete", &[(0, 90.0)]),
        ("sessions-usw2-eu-001", "Complete", &[(0, 90.0)]),
        ("sessions-usw22-001", "Complete", &[(180, 90.0)]),
        ("sessionsusw2-001", "InternalError", &[]),
    ];
    let (points, _) = cache_lag(found(&rows, None)).await;
    assert_eq!(points, Ok(vec![point(0, 3000.0), point(60, 2000.0), point(120, 500.0)]));
}

#[tokio::test(start_paused = true)]
async fn s9_a_cache_of_which_nothing_is_reported_has_no_lag_not_a_lag_of_zero() {
    for rows in [&[][..], &[("sessions-usw2-001", "Complete", &[] as &[_])]] {
        assert_eq!(cache_lag(found(rows, None)).await.0, Ok(Vec::new()));
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_lag_of_a_cache_that_cloudwatch_gives_in_part_is_an_error() {
    let whole: Row<'_> = ("sessions-usw2-0001-001", "Complete", &[(0, 1.0)]);
    let cases = [
        found(&[whole, ("sessions-usw2-0002-001", "PartialData", &[(0, 1.0)])], None),
        found(&[whole, ("sessions-usw2-0002-001", "InternalError", &[])], None),
        found(&[whole], Some("MaxMetricsExceeded")),
    ];
    for reply in cases {
        let error = cache_lag(reply).await.0.expect_err("in part");
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "IncompleteAnswer"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_no_identifier_is_not_searched_for() {
    let aws = Script::new();
    let mut cache = sessions();
    cache.groups.insert(region(HOME), "a OR b".to_owned());
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let error = metrics.cache_lag_ms(&cache, &region(HOME), SINCE).await.expect_err("no identifier");
    assert_eq!(error.fault, Fault::Invalid);
    let error = metrics.cache_lag_ms(&cache, &region("eu-west-1"), SINCE).await.expect_err("no group");
    assert_eq!(error.fault, Fault::Invalid);
    assert!(aws.finish().is_empty());
}

fn stat(namespace: &str, metric: &str, dimensions: Value, statistic: &str) -> Value {
    json!([{"Id": "q0", "ReturnData": true, "MetricStat": {
        "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": dimensions},
        "Period": 60, "Stat": statistic}}])
}

#[tokio::test(start_paused = true)]
async fn the_latency_of_a_table_is_asked_for_in_the_region_that_was_written_to() {
    let aws = Script::new();
    aws.on(GET, page(&[("q0", "Complete", &[(0, 800.0), (60, 900.0)])], None));
    let metrics = CloudWatchMetrics::new(&aws.environment());
    let points = metrics.table_latency_ms(&carts(), &region(AWAY), &region(HOME), SINCE).await;
    assert_eq!(points, Ok(vec![point(0, 800.0), point(60, 900.0)]));
    let request = aws.only_request();
    assert_eq!(request.signed_for, AWAY);
    let dimensions = json!([{"Name": "TableName", "Value": "store-carts"}, {"Name": "ReceivingRegion", "Value": HOME}]);
    let expected = stat("AWS/DynamoDB", "ReplicationLatency", dimensions, "Maximum");
    assert_eq!(asked(&request)["MetricDataQueries"], expected);
}

#[tokio::test(start_paused = true)]
async fn of_a_broker_the_most_messages_and_the_fewest_queues_count() {
    let aws = Script::new();
    aws.on(GET, page(&[("q0", "Complete", &[(0, 7.0)])], None)).on(GET, page(&[("q0", "Complete", &[(0, 3.0)])], None));
    let metrics = CloudWatchMetrics::new(&aws.environment());
    assert_eq!(metrics.message_count(&mail(), &region(AWAY), SINCE).await, Ok(vec![point(0, 7.0)]));
    assert_eq!(metrics.queue_count(&mail(), &region(HOME), SINCE).await, Ok(vec![point(0, 3.0)]));
    let requests = aws.finish();
    let cases = [("MessageCount", "Maximum", "mail-use1", AWAY), ("QueueCount", "Minimum", "mail-usw2", HOME)];
    for (request, (metric, statistic, name, at)) in requests.iter().zip(cases) {
        assert_eq!(request.signed_for, at);
        let expected = stat("AWS/AmazonMQ", metric, json!([{"Name": "Broker", "Value": name}]), statistic);
        assert_eq!(asked(request)["MetricDataQueries"], expected);
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_count_without_datapoints_is_none_and_one_in_part_is_an_error() {
    let aws = Script::new();
    aws.on(GET, page(&[("q0", "Complete", &[])], None)).on(GET, page(&[("q0", "InternalError", &[(0, 0.0)])], None));
    let metrics = CloudWatchMetrics::new(&aws.environment());
    assert_eq!(metrics.message_count(&mail(), &region(HOME), SINCE).await, Ok(Vec::new()));
    let error = metrics.message_count(&mail(), &region(HOME), SINCE).await.expect_err("in part");
    assert_eq!(error.fault, Fault::Internal);
    let error = metrics.queue_count(&mail(), &region("eu-west-1"), SINCE).await.expect_err("no broker");
    assert_eq!(error.fault, Fault::Invalid);
    aws.finish();
}
