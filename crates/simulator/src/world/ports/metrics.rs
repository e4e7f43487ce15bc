//! Metrics, on the world.

use async_trait::async_trait;
use lifeboat_model::evidence::{CanaryResults, Point};
use lifeboat_model::plan::{Broker, Cache, Canary, Database, Name, Table};
use lifeboat_model::{Region, Timestamp};
use lifeboat_ports::{CallError, Metrics};

use super::SimPorts;
use crate::service_times::METRICS_READ;
use crate::world::World;

/// A series of datapoints that CloudWatch has of the plan's resources in one Region.
#[derive(Clone, Copy, Debug)]
pub enum Series<'a> {
    /// How far the member of a database is behind its writer, in milliseconds.
    ReplicationLag(&'a Database),
    /// How far the member of a cache is behind its primary, in milliseconds.
    CacheLag(&'a Cache),
    /// How long writes take to the replica in another Region, in milliseconds.
    TableLatency(&'a Table, &'a Region),
    /// How many messages wait in a broker.
    Messages(&'a Broker),
    /// How many queues a broker has.
    Queues(&'a Broker),
    /// The success of a canary, in percent.
    Canary(&'a Canary),
}

impl Series<'_> {
    fn resource(&self) -> &str {
        match self {
            Self::ReplicationLag(database) => database.name.as_str(),
            Self::CacheLag(cache) => cache.name.as_str(),
            Self::TableLatency(table, _) => table.name.as_str(),
            Self::Messages(broker) | Self::Queues(broker) => broker.name.as_str(),
            Self::Canary(_) => "canaries",
        }
    }

    fn read(&self, world: &World, region: &Region, since: Timestamp) -> Vec<Point> {
        match self {
            Self::ReplicationLag(database) => world.lag_points(database, region, since),
            Self::CacheLag(cache) => world.cache_lag_points(cache, region, since),
            Self::TableLatency(table, to) => world.table_latency_points(table, region, to, since),
            Self::Messages(broker) => world.message_points(broker, region, since),
            Self::Queues(broker) => world.queue_points(broker, region, since),
            Self::Canary(canary) => world.canary_points(canary, since, world.now()).points,
        }
    }
}

impl SimPorts {
    /// All of `series` in `region` since `since`, in one call.
    ///
    /// # Errors
    /// The call's.
    pub async fn metric_data(
        &self,
        region: &Region,
        series: &[Series<'_>],
        since: Timestamp,
    ) -> Result<Vec<Vec<Point>>, CallError> {
        let resource = series.first().map_or("nothing", Series::resource);
        let call = self.control_plane("cloudwatch:GetMetricData", METRICS_READ, region, resource);
        self.call(call, None, |world| Ok(series.iter().map(|s| s.read(world, region, since)).collect())).await
    }

    async fn points(
        &self,
        region: &Region,
        resource: &Name,
        read: impl FnOnce(&World) -> Vec<Point>,
    ) -> Result<Vec<Point>, CallError> {
        let call = self.control_plane("cloudwatch:GetMetricData", METRICS_READ, region, resource.as_str());
        self.look(call, |world| Ok(read(world))).await
    }
}

#[async_trait(?Send)]
impl Metrics for SimPorts {
    async fn replication_lag_ms(
        &self,
        database: &Database,
        region: &Region,
        since: Timestamp,
    ) -> Result<Vec<Point>, CallError> {
        self.points(region, &database.name, |world| world.lag_points(database, region, since)).await
    }

    async fn cache_lag_ms(&self, cache: &Cache, region: &Region, since: Timestamp) -> Result<Vec<Point>, CallError> {
        self.points(region, &cache.name, |world| world.cache_lag_points(cache, region, since)).await
    }

    async fn table_latency_ms(
        &self,
        table: &Table,
        from: &Region,
        to: &Region,
        since: Timestamp,
    ) -> Result<Vec<Point>, CallError> {
        self.points(from, &table.name, |world| world.table_latency_points(table, from, to, since)).await
    }

    async fn message_count(&self, broker: &Broker, region: &Region, since: Timestamp) -> Result<Vec<Point>, CallError> {
        self.points(region, &broker.name, |world| world.message_points(broker, region, since)).await
    }

    async fn queue_count(&self, broker: &Broker, region: &Region, since: Timestamp) -> Result<Vec<Point>, CallError> {
        self.points(region, &broker.name, |world| world.queue_points(broker, region, since)).await
    }

    async fn canary_results(
        &self,
        region: &Region,
        canaries: &[&Canary],
        since: Timestamp,
    ) -> Result<Vec<CanaryResults>, CallError> {
        let call = self.control_plane("cloudwatch:GetMetricData", METRICS_READ, region, "canaries");
        self.look(call, |world| Ok(canaries.iter().map(|c| world.canary_points(c, since, world.now())).collect())).await
    }
}
