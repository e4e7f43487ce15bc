//! Metrics, on the world.

use async_trait::async_trait;
use lifeboat_model::evidence::{CanaryResults, Point};
use lifeboat_model::plan::{Broker, Cache, Canary, Database, Name, Table};
use lifeboat_model::{Region, Timestamp};
use lifeboat_ports::{CallError, Metrics};

use super::SimPorts;
use crate::service_times::METRICS_READ;
use crate::world::World;

impl SimPorts {
    async fn points(
        &self,
        region: &Region,
        resource: &Name,
        read: impl FnOnce(&World) -> Vec<Point>,
    ) -> Result<Vec<Point>, CallError> {
        let call = self.control_plane("cloudwatch:GetMetricData", METRICS_READ, region, resource.as_str());
        self.call(call, None, |world| Ok(read(world))).await
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
        self.call(call, None, |world| Ok(canaries.iter().map(|c| world.canary_points(c, since, world.now())).collect()))
            .await
    }
}
