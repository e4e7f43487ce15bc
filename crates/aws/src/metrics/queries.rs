//! What CloudWatch is asked for.
//!
//! Purpose: one place knows namespaces, metrics and dimensions. Guarantees: of a minute, the value that speaks most against a
//! move is asked for: the longest lag, the most messages, the fewest queues. Effects: none. Fails when: never.

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use lifeboat_model::plan::{BrokerRef, Canary, Table};
use lifeboat_model::{Arn, Region};

/// CloudWatch's finest period for these metrics.
const PERIOD_S: i32 = 60;

/// One series to ask for.
pub(super) struct Query<'a> {
    namespace: &'static str,
    metric: &'static str,
    dimensions: Vec<(&'static str, &'a str)>,
    statistic: &'static str,
}

impl<'a> Query<'a> {
    /// Under the secondary's name, in the secondary's Region.
    pub(super) fn lag_of(cluster: &'a Arn) -> Self {
        Self {
            namespace: "AWS/RDS",
            metric: "AuroraGlobalDBRPOLag",
            dimensions: vec![("DBClusterIdentifier", cluster.name())],
            statistic: "Maximum",
        }
    }

    pub(super) fn success_of(canary: &'a Canary) -> Self {
        Self {
            namespace: "CloudWatchSynthetics",
            metric: "SuccessPercent",
            dimensions: vec![("CanaryName", &canary.name)],
            statistic: "Average",
        }
    }

    /// In the Region that was written to.
    pub(super) fn latency_of(table: &'a Table, to: &'a Region) -> Self {
        Self {
            namespace: "AWS/DynamoDB",
            metric: "ReplicationLatency",
            dimensions: vec![("TableName", &table.table), ("ReceivingRegion", to.as_str())],
            statistic: "Maximum",
        }
    }

    pub(super) fn messages_of(broker: &'a BrokerRef) -> Self {
        Self::of_broker("MessageCount", broker, "Maximum")
    }

    pub(super) fn queues_of(broker: &'a BrokerRef) -> Self {
        Self::of_broker("QueueCount", broker, "Minimum")
    }

    fn of_broker(metric: &'static str, broker: &'a BrokerRef, statistic: &'static str) -> Self {
        Self { namespace: "AWS/AmazonMQ", metric, dimensions: vec![("Broker", &broker.name)], statistic }
    }

    pub(super) fn to_aws(&self, n: usize) -> MetricDataQuery {
        let dimension = |&(name, value): &(&str, &str)| Dimension::builder().name(name).value(value).build();
        let dimensions = self.dimensions.iter().map(dimension).collect();
        let metric = Metric::builder().namespace(self.namespace).metric_name(self.metric);
        let metric = metric.set_dimensions(Some(dimensions)).build();
        let stat = MetricStat::builder().metric(metric).period(PERIOD_S).stat(self.statistic).build();
        MetricDataQuery::builder().id(id(n)).metric_stat(stat).return_data(true).build()
    }
}

/// CloudWatch wants a lower-case letter first.
pub(super) fn id(n: usize) -> String {
    format!("q{n}")
}

/// The lag of each node of the replication group `group`, in seconds; each series is labelled with its node. `None` when
/// `group` is no identifier, and would be read as something else in an expression.
///
/// The lag is reported per node, and nodes come and go, so they are searched for. A term without quotation marks finds the
/// nodes whose name has the words of `group` in this order, which may be those of another group too: [`is_node_of`] tells.
pub(super) fn search_of(group: &str) -> Option<MetricDataQuery> {
    let in_identifiers = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if group.is_empty() || !group.bytes().all(in_identifiers) {
        return None;
    }
    // ElastiCache keeps identifiers in lower case, and the words of a search tell cases apart.
    let group = group.to_ascii_lowercase();
    let expression = format!(
        "SEARCH('{{AWS/ElastiCache,CacheClusterId}} MetricName=\"GlobalDatastoreReplicationLag\" CacheClusterId={group}', \
         'Maximum', {PERIOD_S})"
    );
    let query = MetricDataQuery::builder().id(id(0)).expression(expression).label("${PROP('Dim.CacheClusterId')}");
    Some(query.return_data(true).build())
}

/// Whether `node` is one of the replication group `group`: `<group>-NNN`, or `<group>-NNNN-NNN` with shards. Next to a group
/// `a` with shards, nobody can tell the nodes of a group `a-0001`: they count too, and the lag can only be too long.
pub(super) fn is_node_of(group: &str, node: &str) -> bool {
    let Some(rest) = node.strip_prefix(&group.to_ascii_lowercase()).and_then(|rest| rest.strip_prefix('-')) else {
        return false;
    };
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    match rest.split_once('-') {
        None => digits(rest, 3),
        Some((shard, node)) => digits(shard, 4) && digits(node, 3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_belongs_to_the_group_whose_name_it_carries_in_full() {
        let cases = [
            ("sessions-001", true),
            ("sessions-0001-001", true),
            ("sessions", false),
            ("sessions-1", false),
            ("sessions-01-001", false),
            ("sessions-001-001", false),
            ("sessions-0001-001-001", false),
            ("sessions-eu-001", false),
            ("web-sessions-001", false),
            ("sessions2-001", false),
            ("", false),
        ];
        for (node, expected) in cases {
            assert_eq!(is_node_of("sessions", node), expected, "{node}");
            assert_eq!(is_node_of("Sessions", node), expected, "{node}");
        }
    }

    #[test]
    fn only_an_identifier_becomes_part_of_an_expression() {
        assert!(search_of("retail-Store-1").is_some());
        for group in ["", "a b", "a OR b", "a') OR ('", "a\"", "ä"] {
            assert_eq!(search_of(group), None, "{group}");
        }
    }
}
