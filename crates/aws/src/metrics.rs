//! Replication lag and canary results, on Amazon CloudWatch.
//!
//! Purpose: evidence for the verdict. Guarantees: a missing datapoint is absent, never zero or green; a canary whose data
//! CloudWatch could not give in full has no points at all, so that it counts as unknown (S9); points come oldest first.
//! Effects: none. Fails when: CloudWatch refuses, does not answer, or cannot give the lag in full.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use lifeboat_model::evidence::{CanaryResults, Point};
use lifeboat_model::plan::{Canary, Database};
use lifeboat_model::{Arn, Region, Timestamp};
use lifeboat_ports::{CallError, Clock, Fault, Metrics};

use crate::clients::RegionalClients;
use crate::environment::{Calls, Service};
use crate::errors::{call_error, incomplete};
use crate::{Environment, SystemClock};

const GET: &str = "cloudwatch:GetMetricData";

/// The most queries in one call (quota of GetMetricData).
const QUERIES_MAX: usize = 500;

/// The most pages of one call. A page holds 100,800 datapoints, and we ask for some thousands; more pages than this mean
/// that CloudWatch hands out tokens without end.
const PAGES_MAX: usize = 10;

/// CloudWatch's finest period for these metrics.
const PERIOD_S: i32 = 60;

/// CloudWatch in the plan's Regions.
#[derive(Debug)]
pub struct CloudWatchMetrics {
    reads: RegionalClients<Client>,
}

/// What is known of one query.
#[derive(Clone, Debug, PartialEq)]
enum Series {
    /// Every datapoint there is, oldest first.
    Complete(Vec<Point>),
    /// CloudWatch could not give all of it.
    InPart,
}

/// One series to ask for.
struct Query<'a> {
    namespace: &'static str,
    metric: &'static str,
    dimension: &'static str,
    of: &'a str,
    statistic: &'static str,
}

impl CloudWatchMetrics {
    /// CloudWatch as this environment reaches it.
    pub fn new(environment: &Environment) -> Self {
        Self { reads: RegionalClients::new(environment, Service::CloudWatch, Calls::Reads, Client::new) }
    }

    /// The series of `queries`, in their order.
    async fn series(&self, region: &Region, queries: &[Query<'_>], since: Timestamp) -> Result<Vec<Series>, CallError> {
        let mut series = Vec::with_capacity(queries.len());
        for chunk in queries.chunks(QUERIES_MAX) {
            let results = self.ask(region, chunk, since).await?;
            series.extend((0..chunk.len()).map(|n| read_series(results.get(&id(n)), since)));
        }
        Ok(series)
    }

    /// Every page of results, by query.
    async fn ask(
        &self,
        region: &Region,
        queries: &[Query<'_>],
        since: Timestamp,
    ) -> Result<BTreeMap<String, Vec<MetricDataResult>>, CallError> {
        let call = self
            .reads
            .of(region)
            .get_metric_data()
            .start_time(DateTime::from_millis(since.as_ms()))
            .end_time(DateTime::from_millis(SystemClock.now().as_ms()))
            .scan_by(ScanBy::TimestampAscending)
            .set_metric_data_queries(Some(queries.iter().enumerate().map(|(n, query)| query.to_aws(n)).collect()));
        let mut results: BTreeMap<String, Vec<MetricDataResult>> = BTreeMap::new();
        let mut token = None;
        for _page in 0..PAGES_MAX {
            let page = call.clone().set_next_token(token).send().await;
            let page = page.map_err(|error| call_error(GET, region, &error))?;
            for result in page.metric_data_results.ok_or_else(|| incomplete(GET, region, "the list of results"))? {
                if result.status_code() == Some(&StatusCode::Forbidden) {
                    return Err(CallError::new(GET, region, Fault::Denied).saying("Forbidden", label(&result)));
                }
                results.entry(result.id().unwrap_or_default().to_owned()).or_default().push(result);
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(results);
            }
        }
        Err(incomplete(GET, region, format!("an end after {PAGES_MAX} pages")))
    }
}

#[async_trait(?Send)]
impl Metrics for CloudWatchMetrics {
    async fn replication_lag_ms(
        &self,
        database: &Database,
        region: &Region,
        since: Timestamp,
    ) -> Result<Vec<Point>, CallError> {
        let Some(cluster) = database.clusters.get(region) else {
            let detail = format!("the plan has no cluster of {} there", database.name);
            return Err(CallError::new(GET, region, Fault::Invalid).saying("", detail));
        };
        match self.series(region, &[Query::lag_of(cluster)], since).await?.pop() {
            Some(Series::Complete(points)) => Ok(points),
            Some(Series::InPart) | None => Err(incomplete(GET, region, "a part of the lag's datapoints")),
        }
    }

    async fn canary_results(
        &self,
        region: &Region,
        canaries: &[&Canary],
        since: Timestamp,
    ) -> Result<Vec<CanaryResults>, CallError> {
        let queries: Vec<Query<'_>> = canaries.iter().map(|canary| Query::success_of(canary)).collect();
        let series = self.series(region, &queries, since).await?;
        Ok(canaries.iter().zip(series).map(|(canary, series)| results_of(canary, series)).collect())
    }
}

impl<'a> Query<'a> {
    /// Under the secondary's name, in the secondary's Region. Maximum: the worst moment of a minute counts.
    fn lag_of(cluster: &'a Arn) -> Self {
        Self {
            namespace: "AWS/RDS",
            metric: "AuroraGlobalDBRPOLag",
            dimension: "DBClusterIdentifier",
            of: cluster.name(),
            statistic: "Maximum",
        }
    }

    fn success_of(canary: &'a Canary) -> Self {
        Self {
            namespace: "CloudWatchSynthetics",
            metric: "SuccessPercent",
            dimension: "CanaryName",
            of: &canary.name,
            statistic: "Average",
        }
    }

    fn to_aws(&self, n: usize) -> MetricDataQuery {
        let dimension = Dimension::builder().name(self.dimension).value(self.of).build();
        let metric = Metric::builder().namespace(self.namespace).metric_name(self.metric).dimensions(dimension).build();
        let stat = MetricStat::builder().metric(metric).period(PERIOD_S).stat(self.statistic).build();
        MetricDataQuery::builder().id(id(n)).metric_stat(stat).return_data(true).build()
    }
}

/// CloudWatch wants a lower-case letter first.
fn id(n: usize) -> String {
    format!("q{n}")
}

fn label(result: &MetricDataResult) -> String {
    format!("no permission to read {}", result.label().unwrap_or("a metric"))
}

fn results_of(canary: &Canary, series: Series) -> CanaryResults {
    let points = match series {
        Series::Complete(points) => points,
        // The points that are missing may be the red ones.
        Series::InPart => Vec::new(),
    };
    CanaryResults { canary: canary.name.clone(), runs_in: canary.runs_in.clone(), points }
}

/// The points at or after `since` (CloudWatch rounds the start down to a minute). A query without any result is incomplete:
/// for a metric without data CloudWatch gives an empty one.
fn read_series(results: Option<&Vec<MetricDataResult>>, since: Timestamp) -> Series {
    let Some(results) = results else { return Series::InPart };
    // Each page but the last says PartialData. InternalError, or a word that we do not know, on any page spoils all.
    let told =
        |result: &MetricDataResult, words: &[StatusCode]| result.status_code().is_some_and(|s| words.contains(s));
    let whole = results.last().is_some_and(|last| told(last, &[StatusCode::Complete]));
    if !whole || !results.iter().all(|page| told(page, &[StatusCode::Complete, StatusCode::PartialData])) {
        return Series::InPart;
    }
    let mut points = Vec::new();
    for result in results {
        if result.timestamps().len() != result.values().len() {
            return Series::InPart;
        }
        for (at, value) in result.timestamps().iter().zip(result.values()) {
            let Ok(at) = at.to_millis() else { return Series::InPart };
            points.push(Point { at: Timestamp::from_ms(at), value: *value });
        }
    }
    points.retain(|point| point.at >= since && point.value.is_finite());
    points.sort_by_key(|point| point.at);
    Series::Complete(points)
}
