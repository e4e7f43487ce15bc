//! A query of `GetMetricData`: which of the world's series it means.

use std::collections::BTreeMap;

use lifeboat_model::evidence::Point;
use lifeboat_model::plan::{Broker, Cache, Canary, Database, Table};
use lifeboat_model::{Plan, Region, Timestamp};
use lifeboat_simulator::world::Series;

use crate::input::{Input, Problem};

/// How many nodes a replication group has.
const NODES: usize = 2;

/// A query.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its id.
    pub id: String,
    label: Option<String>,
    what: What,
    period_s: u32,
    statistic: Statistic,
}

#[derive(Clone, Debug)]
enum What {
    /// A metric by its dimensions.
    Metric { namespace: String, name: String, dimensions: BTreeMap<String, String> },
    /// The lag of the nodes of this replication group.
    SearchLag(String),
}

#[derive(Clone, Copy, Debug)]
enum Statistic {
    Average,
    Maximum,
    Minimum,
    Sum,
    SampleCount,
}

/// What a value of the world is in the metric's own unit.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// As the world says it.
    AsItIs,
    /// Milliseconds, told in seconds.
    Seconds,
}

/// A series that was found.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// The world's series.
    pub series: Series<'a>,
    /// Its unit.
    pub unit: Unit,
    /// What each result of it is labelled with.
    pub labels: Vec<String>,
}

impl Query {
    /// Reads one.
    ///
    /// # Errors
    /// A parameter is missing or wrong, or is an expression that is not simulated.
    pub fn read(input: &Input) -> Result<Self, Problem> {
        let id = input.required("Id")?.to_owned();
        let label = input.text("Label")?.map(str::to_owned);
        if let Some(expression) = input.text("Expression")? {
            let expected = "a search for GlobalDatastoreReplicationLag; others are not simulated";
            let (group, statistic, period_s) =
                read_search(expression).ok_or_else(|| input.wrong("Expression", expected))?;
            return Ok(Self { id, label, what: What::SearchLag(group), period_s, statistic });
        }
        let stat = input.within("MetricStat")?.ok_or_else(|| input.wrong("MetricStat", "it, or Expression"))?;
        let metric = stat.within("Metric")?.ok_or_else(|| stat.wrong("Metric", "a structure"))?;
        let mut dimensions = BTreeMap::new();
        for dimension in metric.items("Dimensions")? {
            dimensions.insert(dimension.required("Name")?.to_owned(), dimension.required("Value")?.to_owned());
        }
        let namespace = metric.required("Namespace")?.to_owned();
        let what = What::Metric { namespace, name: metric.required("MetricName")?.to_owned(), dimensions };
        let period_s = stat.count("Period")?.filter(|s| *s > 0 && s.is_multiple_of(60));
        let period_s = period_s.ok_or_else(|| stat.wrong("Period", "a multiple of 60 seconds"))?;
        let statistic = read_statistic(stat.required("Stat")?).ok_or_else(|| {
            stat.wrong("Stat", "Average, Maximum, Minimum, Sum or SampleCount; others are not simulated")
        })?;
        Ok(Self { id, label, what, period_s, statistic })
    }

    /// Whether it finds its series by a search, of which there may be none.
    pub const fn searches(&self) -> bool {
        matches!(self.what, What::SearchLag(_))
    }

    /// What it means in `region`: one series at most, and none for a metric that the world does not have.
    pub fn find<'a>(&self, plan: &'a Plan, region: &'a Region) -> Option<Found<'a>> {
        match &self.what {
            What::SearchLag(term) => {
                let is_it = |c: &&Cache| c.groups.get(region).is_some_and(|g| g.eq_ignore_ascii_case(term));
                let cache = plan.caches.iter().find(is_it)?;
                let group = cache.groups.get(region)?.to_ascii_lowercase();
                let labels = (1..=NODES).map(|n| format!("{group}-{n:03}")).collect();
                Some(Found { series: Series::CacheLag(cache), unit: Unit::Seconds, labels })
            }
            What::Metric { namespace, name, dimensions } => {
                let (series, unit) = find_metric(plan, region, namespace, name, dimensions)?;
                Some(Found { series, unit, labels: vec![name.clone()] })
            }
        }
    }

    /// What a result is labelled with: what was asked for, with the node's name in its place, or the metric's name.
    pub fn label(&self, own: Option<&str>) -> String {
        let own = own.unwrap_or(self.id.as_str());
        self.label.as_ref().map_or_else(|| own.to_owned(), |l| l.replace("${PROP('Dim.CacheClusterId')}", own))
    }

    /// The values of each period, stamped with its start, oldest first.
    pub fn by_period(&self, points: &[Point], unit: Unit) -> Vec<Point> {
        let period_ms = i64::from(self.period_s) * 1000;
        let mut periods: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
        for point in points {
            let value = match unit {
                Unit::AsItIs => point.value,
                Unit::Seconds => point.value / 1000.0,
            };
            periods.entry(point.at.as_ms().div_euclid(period_ms) * period_ms).or_default().push(value);
        }
        let one =
            |(at, values): (i64, Vec<f64>)| Point { at: Timestamp::from_ms(at), value: self.statistic.of(&values) };
        periods.into_iter().map(one).collect()
    }
}

impl Statistic {
    fn of(self, values: &[f64]) -> f64 {
        let sum: f64 = values.iter().sum();
        match self {
            Self::Average => sum / values.len().max(1) as f64,
            Self::Maximum => values.iter().copied().fold(f64::MIN, f64::max),
            Self::Minimum => values.iter().copied().fold(f64::MAX, f64::min),
            Self::Sum => sum,
            Self::SampleCount => values.len() as f64,
        }
    }
}

fn read_statistic(word: &str) -> Option<Statistic> {
    Some(match word {
        "Average" => Statistic::Average,
        "Maximum" => Statistic::Maximum,
        "Minimum" => Statistic::Minimum,
        "Sum" => Statistic::Sum,
        "SampleCount" => Statistic::SampleCount,
        _ => return None,
    })
}

/// Reads the only search that is simulated, with its statistic and period.
fn read_search(expression: &str) -> Option<(String, Statistic, u32)> {
    let within = expression.trim().strip_prefix("SEARCH('")?.strip_suffix(')')?;
    let (search, rest) = within.split_once('\'')?;
    let search = search.strip_prefix("{AWS/ElastiCache,CacheClusterId}")?;
    let mut words = search.split_whitespace();
    let metric = words.next()?.strip_prefix("MetricName=")?.trim_matches('"');
    let group = words.next()?.strip_prefix("CacheClusterId=")?;
    if metric != "GlobalDatastoreReplicationLag" || words.next().is_some() {
        return None;
    }
    let (statistic, period) = rest.strip_prefix(',')?.split_once(',')?;
    let statistic = read_statistic(statistic.trim().trim_matches('\''))?;
    Some((group.to_owned(), statistic, period.trim().parse().ok().filter(|s: &u32| *s > 0)?))
}

fn find_metric<'a>(
    plan: &'a Plan,
    region: &'a Region,
    namespace: &str,
    name: &str,
    dimensions: &BTreeMap<String, String>,
) -> Option<(Series<'a>, Unit)> {
    let dimension = |name: &str| dimensions.get(name).map(String::as_str);
    let only = |n: usize| (dimensions.len() == n).then_some(());
    let series = match (namespace, name) {
        ("AWS/RDS", "AuroraGlobalDBRPOLag" | "AuroraGlobalDBReplicationLag" | "AuroraGlobalDBProgressLag") => {
            only(1)?;
            let wanted = dimension("DBClusterIdentifier")?;
            let is_it = |d: &&Database| d.clusters.get(region).is_some_and(|c| c.name() == wanted);
            Series::ReplicationLag(plan.databases.iter().find(is_it)?)
        }
        ("AWS/ElastiCache", "GlobalDatastoreReplicationLag") => {
            only(1)?;
            let (group, _node) = dimension("CacheClusterId")?.rsplit_once('-')?;
            let is_it = |c: &&Cache| c.groups.get(region).is_some_and(|g| g.eq_ignore_ascii_case(group));
            return Some((Series::CacheLag(plan.caches.iter().find(is_it)?), Unit::Seconds));
        }
        ("AWS/DynamoDB", "ReplicationLatency") => {
            only(2)?;
            let (wanted, to) = (dimension("TableName")?, dimension("ReceivingRegion")?);
            let is_it = |t: &&Table| t.table == wanted;
            let to = plan.regions.iter().find(|r| r.as_str() == to && *r != region)?;
            Series::TableLatency(plan.tables.iter().find(is_it)?, to)
        }
        ("AWS/AmazonMQ", "MessageCount" | "QueueCount") => {
            only(1)?;
            let wanted = dimension("Broker")?;
            let is_it = |b: &&Broker| b.brokers.get(region).is_some_and(|at| at.name == wanted);
            let broker = plan.brokers.iter().find(is_it)?;
            if name == "QueueCount" { Series::Queues(broker) } else { Series::Messages(broker) }
        }
        ("CloudWatchSynthetics", "SuccessPercent") => {
            only(1)?;
            let wanted = dimension("CanaryName")?;
            let is_it = |c: &&Canary| c.name == wanted && c.runs_in == *region;
            Series::Canary(plan.canaries.iter().find(is_it)?)
        }
        (_, _) => return None,
    };
    Some((series, Unit::AsItIs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_search_that_is_simulated_is_understood() {
        let asked = "SEARCH('{AWS/ElastiCache,CacheClusterId} MetricName=\"GlobalDatastoreReplicationLag\" \
                     CacheClusterId=carts-usw2', 'Maximum', 60)";
        let (group, _, period_s) = read_search(asked).expect("understood");
        assert_eq!((group.as_str(), period_s), ("carts-usw2", 60));
        for other in ["", "m1 + m2", &asked.replace("Lag", "Bytes"), &asked.replace("60", "0"), &asked.replace(')', "")]
        {
            assert!(read_search(other).is_none(), "{other}");
        }
    }
}
