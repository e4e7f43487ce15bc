//! The Region-switch plan of the sample that followed the guidance: capacity, then databases, then DNS.
//!
//! Source: `deployment/failover.yaml` of <https://github.com/aws-samples/sample-multi-region-resilient-microservice-on-aws>
//! (commit 431033a): a parallel step of six `ECSServiceScaling` blocks (15 minutes), an `AuroraGlobalDatabase` block
//! (`switchoverOnly`, ungraceful `failover`, 20 minutes), a DNS step (5 minutes). "Steps run in sequence" unless they are in
//! a `Parallel` block: <https://docs.aws.amazon.com/r53recovery/latest/dg/region-switch-plans.html>. What the blocks do:
//!
//! 1. `ECSServiceScaling` raises the target's minimum and desired count to the source's, as it was in the last 24 hours,
//!    and waits until it is fulfilled:
//!    <https://docs.aws.amazon.com/r53recovery/latest/dg/ecs-service-scaling-block.html>.
//! 2. `AuroraGlobalDatabase` switches over in graceful and fails over, with possible data loss, in ungraceful executions:
//!    <https://docs.aws.amazon.com/r53recovery/latest/dg/aurora-global-database-block.html>. No block reads the replication
//!    lag.
//! 3. `ARCRoutingControl` sets the states of the controls:
//!    <https://docs.aws.amazon.com/r53recovery/latest/dg/arc-routing-controls-block.html>.
//! 4. A step that fails or times out pauses the execution until somebody comes.
//!
//! Assumptions, in its favour where there is a choice:
//! - The alarm triggers it without delay, ungraceful in an outage; how a trigger chooses the mode is not documented.
//! - The sample moves one database. A plan with more has one Aurora step each, in the order of the plan. One could put
//!   them into a `Parallel` block; the sample shows only capacity there.
//! - The sample scales to 200 percent, since half of its capacity is in each Region; here it is 100 percent of the plan's.
//! - DNS by routing controls, both in one call, instead of the health checks that Region switch vends, because that is
//!   what clients of this world follow; endpoints from a random start, as the best practices ask.
//! - Blocks look every 5 s, steps follow one another after 1 s. AWS publishes neither.
//! - It counts as ended when Route 53 answers by the change, which nothing else depends on.

use futures_util::future::try_join_all;
use lifeboat_model::Period;
use lifeboat_model::evidence::{Status, Switch};
use lifeboat_model::limits::{ENDPOINT_TIMEOUT, Step};
use lifeboat_model::plan::{Database, Service};
use lifeboat_model::request::Mode;
use lifeboat_ports::{CallError, Compute, Databases, Routing, timely};

use super::Actor;

/// How often a block looks. Assumption.
const LOOK_EVERY: Period = Period::seconds(5);
/// Between two steps. Assumption.
const BETWEEN_STEPS: Period = Period::seconds(1);
/// The time-out of the sample's scaling blocks.
const CAPACITY_TIMEOUT: Period = Period::seconds(15 * 60);
/// The time-out of the sample's database block.
const DATABASE_TIMEOUT: Period = Period::seconds(20 * 60);
/// The time-out of the sample's DNS block.
const DNS_TIMEOUT: Period = Period::seconds(5 * 60);

impl Actor {
    pub(super) async fn run_sequential(&self) -> Result<(), String> {
        let (services, databases) = {
            let state = self.world.state();
            (state.plan.services.clone(), state.plan.databases.clone())
        };
        let began = self.world.now();
        try_join_all(services.iter().map(|service| self.scale(service))).await?;
        self.log_since(began, "ECSServiceScaling, all services at once");
        for database in &databases {
            self.world.sleep(BETWEEN_STEPS).await;
            let began = self.world.now();
            self.move_database(database).await?;
            self.log_since(began, format!("AuroraGlobalDatabase {}", database.name));
        }
        self.world.sleep(BETWEEN_STEPS).await;
        let began = self.world.now();
        self.move_dns().await?;
        self.log_since(began, "ARCRoutingControl");
        Ok(())
    }

    async fn scale(&self, service: &Service) -> Result<(), String> {
        let compute = self.ports(Step::ScaleCompute);
        let failed = |e: CallError| e.to_string();
        let until = self.world.now().plus(CAPACITY_TIMEOUT);
        let mut seen = Compute::describe(&compute, service, &self.target).await.map_err(failed)?;
        if seen.minimum.is_some_and(|minimum| minimum < service.capacity) {
            compute.raise_minimum(service, &self.target, service.capacity).await.map_err(failed)?;
        }
        if seen.desired < service.capacity {
            compute.raise_desired(service, &self.target, service.capacity).await.map_err(failed)?;
        }
        while seen.running < service.capacity {
            if self.world.now() > until {
                return Err(format!("ECSServiceScaling {}: paused after its time-out", service.name));
            }
            self.world.sleep(LOOK_EVERY).await;
            seen = Compute::describe(&compute, service, &self.target).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn move_database(&self, database: &Database) -> Result<(), String> {
        let databases = self.ports(Step::PromoteDatabase);
        let failed = |e: CallError| e.to_string();
        let Some(cluster) = database.clusters.get(&self.target) else { return Ok(()) };
        let until = self.world.now().plus(DATABASE_TIMEOUT);
        match self.mode {
            Mode::Switchover => databases.switchover(database, cluster, &self.source).await.map_err(failed)?,
            Mode::Failover => databases.failover(database, cluster, &self.target).await.map_err(failed)?,
        };
        loop {
            self.world.sleep(LOOK_EVERY).await;
            let seen = Databases::describe(&databases, database, &self.target).await.map_err(failed)?;
            let is_writer = seen.members.iter().any(|m| m.is_writer && m.cluster == *cluster);
            if is_writer && seen.operation.is_none() && seen.status == Status::Available {
                return Ok(());
            }
            if self.world.now() > until {
                return Err(format!("AuroraGlobalDatabase {}: paused after its time-out", database.name));
            }
        }
    }

    async fn move_dns(&self) -> Result<(), String> {
        let routing = self.ports(Step::ShiftTraffic);
        let plan = self.world.state().plan.routing.clone();
        let switch = |region| if region == &self.target { Switch::On } else { Switch::Off };
        let changes: Vec<_> = plan.controls.iter().map(|(region, arn)| (arn.clone(), switch(region))).collect();
        let until = self.world.now().plus(DNS_TIMEOUT);
        let first = self.world.below(plan.endpoints.len());
        for endpoint in plan.endpoints.iter().cycle().skip(first) {
            let operation = "route53-recovery-cluster:UpdateRoutingControlStates";
            let change = routing.change(endpoint, &changes);
            if timely(&routing, ENDPOINT_TIMEOUT, operation, &endpoint.region, change).await.is_ok() {
                break;
            }
            if self.world.now() > until {
                return Err("ARCRoutingControl: paused after its time-out".to_owned());
            }
        }
        while self.world.state().traffic.changes.last().is_some_and(|c| c.answered_at.is_none()) {
            self.world.sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}
