//! Replication lag, messages and canary results, on Amazon CloudWatch.
//!
//! Purpose: evidence for the verdict. Guarantees: a missing datapoint is absent, never zero or green; a canary whose data
//! CloudWatch could not give in full has no points at all, so that it counts as unknown (S9); points come oldest first;
//! of the values of a minute, the one that speaks most against a move counts.
//! Effects: none. Fails when: CloudWatch refuses, does not answer, or cannot give a lag or a count in full.

mod queries;

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{MetricDataQuery, MetricDataResult, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use lifeboat_model::evidence::{CanaryResults, Point};
use lifeboat_model::plan::{Broker, BrokerRef, Cache, Canary, Database, Table};
use lifeboat_model::{Region, Timestamp};
use lifeboat_ports::{CallError, Clock, Fault, Metrics};

use self::queries::{Query, id, is_node_of, search_of};
use crate::clients::RegionalClients;
use crate::environment::{Calls, Service};
use crate::errors::{call_error, incomplete, unplanned};
use crate::{Environment, SystemClock};

const GET: &str = "cloudwatch:GetMetricData";

/// The most queries in one call (quota of GetMetricData).
const QUERIES_MAX: usize = 500;

/// The most pages of one call. A page holds 100,800 datapoints, and we ask for some thousands; more pages than this mean
/// that CloudWatch hands out tokens without end.
const PAGES_MAX: usize = 10;

const MS_PER_S: f64 = 1000.0;

/// CloudWatch in the plan's Regions.
#[derive(Debug)]
pub struct CloudWatchMetrics {
    reads: RegionalClients<Client>,
}

/// What all pages of one call say.
#[derive(Debug, Default)]
struct Answer {
    results: Vec<MetricDataResult>,
    /// Whether CloudWatch has something to say about the answer as a whole, such as that a search found too much.
    messages: bool,
}

/// What is known of one query.
#[derive(Clone, Debug, PartialEq)]
enum Series {
    /// Every datapoint there is, oldest first.
    Complete(Vec<Point>),
    /// CloudWatch could not give all of it.
    InPart,
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
            let queries = chunk.iter().enumerate().map(|(n, query)| query.to_aws(n)).collect();
            let results = by(self.ask(region, queries, since).await?.results, MetricDataResult::id);
            series.extend((0..chunk.len()).map(|n| read_series(results.get(&id(n)), since)));
        }
        Ok(series)
    }

    /// The only series of `query`, which has to be whole.
    async fn whole(&self, region: &Region, query: Query<'_>, since: Timestamp) -> Result<Vec<Point>, CallError> {
        match self.series(region, &[query], since).await?.pop() {
            Some(Series::Complete(points)) => Ok(points),
            Some(Series::InPart) | None => Err(incomplete(GET, region, "a part of the datapoints")),
        }
    }

    /// Every page of results.
    async fn ask(&self, region: &Region, queries: Vec<MetricDataQuery>, since: Timestamp) -> Result<Answer, CallError> {
        let call = self
            .reads
            .of(region)
            .get_metric_data()
            .start_time(DateTime::from_millis(since.as_ms()))
            .end_time(DateTime::from_millis(SystemClock.now().as_ms()))
            .scan_by(ScanBy::TimestampAscending)
            .set_metric_data_queries(Some(queries));
        let mut answer = Answer::default();
        let mut token = None;
        for _page in 0..PAGES_MAX {
            let page = call.clone().set_next_token(token).send().await;
            let page = page.map_err(|error| call_error(GET, region, &error))?;
            answer.messages |= !page.messages().is_empty();
            for result in page.metric_data_results.ok_or_else(|| incomplete(GET, region, "the list of results"))? {
                if result.status_code() == Some(&StatusCode::Forbidden) {
                    return Err(CallError::new(GET, region, Fault::Denied).saying("Forbidden", label(&result)));
                }
                answer.results.push(result);
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(answer);
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
        let missing = || unplanned(GET, region, format!("cluster of {}", database.name));
        let cluster = database.clusters.get(region).ok_or_else(missing)?;
        self.whole(region, Query::lag_of(cluster), since).await
    }

    async fn cache_lag_ms(&self, cache: &Cache, region: &Region, since: Timestamp) -> Result<Vec<Point>, CallError> {
        let missing = || unplanned(GET, region, format!("replication group of {}", cache.name));
        let group = cache.groups.get(region).ok_or_else(missing)?;
        let Some(query) = search_of(group) else {
            let detail = format!("{group} is no identifier of a replication group");
            return Err(CallError::new(GET, region, Fault::Invalid).saying("", detail));
        };
        let answer = self.ask(region, vec![query], since).await?;
        if answer.messages {
            return Err(incomplete(GET, region, "nodes of the replication group: it says that there are too many"));
        }
        let mut worst: BTreeMap<Timestamp, f64> = BTreeMap::new();
        for (node, results) in by(answer.results, MetricDataResult::label) {
            if !is_node_of(group, &node) {
                continue;
            }
            let Series::Complete(points) = read_series(Some(&results), since) else {
                return Err(incomplete(GET, region, format!("a part of the datapoints of {node}")));
            };
            for point in points {
                let lag_s = worst.entry(point.at).or_insert(point.value);
                *lag_s = lag_s.max(point.value);
            }
        }
        Ok(worst.into_iter().map(|(at, lag_s)| Point { at, value: lag_s * MS_PER_S }).collect())
    }

    async fn table_latency_ms(
        &self,
        table: &Table,
        from: &Region,
        to: &Region,
        since: Timestamp,
    ) -> Result<Vec<Point>, CallError> {
        self.whole(from, Query::latency_of(table, to), since).await
    }

    async fn message_count(&self, broker: &Broker, region: &Region, since: Timestamp) -> Result<Vec<Point>, CallError> {
        self.whole(region, Query::messages_of(planned(broker, region)?), since).await
    }

    async fn queue_count(&self, broker: &Broker, region: &Region, since: Timestamp) -> Result<Vec<Point>, CallError> {
        self.whole(region, Query::queues_of(planned(broker, region)?), since).await
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

fn planned<'a>(broker: &'a Broker, region: &Region) -> Result<&'a BrokerRef, CallError> {
    broker.brokers.get(region).ok_or_else(|| unplanned(GET, region, format!("broker of {}", broker.name)))
}

/// The results in the order in which they came, by what `name` calls them.
fn by(
    results: Vec<MetricDataResult>,
    name: fn(&MetricDataResult) -> Option<&str>,
) -> BTreeMap<String, Vec<MetricDataResult>> {
    let mut named: BTreeMap<String, Vec<MetricDataResult>> = BTreeMap::new();
    for result in results {
        named.entry(name(&result).unwrap_or_default().to_owned()).or_default().push(result);
    }
    named
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
