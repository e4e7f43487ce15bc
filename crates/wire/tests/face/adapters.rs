//! Each adapter's reads and mutations, as the shipped functions make them.

use std::rc::Rc;

use async_trait::async_trait;
use lifeboat_aws::{
    AuroraDatabases, CloudWatchMetrics, ClusterRouting, DynamoTables, EcsCompute, ElastiCacheCaches, MqBrokers,
};
use lifeboat_model::Period;
use lifeboat_model::evidence::{
    Association, BrokerState, CacheRole, OperationPhase, ReplicationRole, ScaleIn, Status, Switch, Synchronization,
    TableStatus,
};
use lifeboat_model::plan::Consistency;
use lifeboat_model::request::Mode;
use lifeboat_ports::{Brokers, Caches, Clock, Compute, Databases, Fault, Metrics, Routing, Tables};
use lifeboat_wire::services::tables::describe_table;
use lifeboat_wire::{Callers, Reply, Request, Service};

use crate::common::{SOURCE, TARGET, region, serve, serve_with, within};

#[test]
fn a_database_is_described_and_its_writer_moved_and_both_regions_tell_of_themselves() {
    within(async {
        let served = serve(20).await;
        let databases = AuroraDatabases::new(&served.environment());
        let database = served.plan.databases.first().expect("a database");
        let (source, target) = (region(SOURCE), region(TARGET));

        let seen = databases.describe(database, &target).await.expect("described");
        assert_eq!((seen.status, seen.operation), (Status::Available, None));
        let local = seen.local.expect("a cluster in the target");
        assert_eq!((&local.cluster, local.instances), (&database.clusters[&target], 2));
        let synchronization: Vec<_> = seen.members.iter().map(|m| (m.is_writer, m.synchronization)).collect();
        assert_eq!(synchronization, [(true, Synchronization::Unknown), (false, Synchronization::Connected)]);
        let there = databases.describe(database, &source).await.expect("described");
        assert_eq!(there.local.expect("a cluster in the source").cluster, database.clusters[&source]);

        let elsewhere = databases.switchover(database, &database.clusters[&target], &target).await;
        assert_eq!(elsewhere.expect_err("not where the writer is").fault, Fault::Invalid);
        let receipt = databases.switchover(database, &database.clusters[&target], &source).await.expect("accepted");
        assert!(receipt.request_id.starts_with("rds-"), "{receipt:?}");
        let seen = databases.describe(database, &target).await.expect("described");
        let operation = seen.operation.expect("under way");
        assert!(matches!(operation.phase, OperationPhase::Pending | OperationPhase::SwitchingOver), "{operation:?}");
        assert_eq!((&operation.to, seen.status.as_str()), (&database.clusters[&target], "modifying"));
        let again = databases.failover(database, &database.clusters[&target], &target).await;
        assert_eq!(again.expect_err("one is under way").fault, Fault::Conflict);
        assert_eq!(served.effective("rds:SwitchoverGlobalCluster"), 1);
        assert_eq!(served.effective("rds:FailoverGlobalCluster"), 0);
    });
}

#[test]
fn a_failover_is_one_with_data_loss() {
    within(async {
        let served = serve(20).await;
        let databases = AuroraDatabases::new(&served.environment());
        let (database, target) = (&served.plan.databases[1], region(TARGET));
        served.world.darken(&region(SOURCE));
        databases.failover(database, &database.clusters[&target], &target).await.expect("accepted");
        assert_eq!(served.effective("rds:FailoverGlobalCluster"), 1);
    });
}

#[test]
fn a_cache_is_described_and_promoted() {
    within(async {
        let served = serve(20).await;
        let caches = ElastiCacheCaches::new(&served.environment());
        let (cache, target) = (&served.plan.caches[0], region(TARGET));
        let seen = caches.describe(cache, &target).await.expect("described");
        assert_eq!(seen.status, Status::Available);
        assert_eq!(seen.primary().map(|m| &m.group), cache.groups.get(&region(SOURCE)));
        let secondary = seen.member(&cache.groups[&target]).expect("a member");
        assert_eq!((secondary.role, &secondary.association), (CacheRole::Secondary, &Association::Associated));
        caches.promote(cache, &target).await.expect("accepted");
        assert_eq!(caches.describe(cache, &target).await.expect("described").status.as_str(), "modifying");
        assert_eq!(served.effective("elasticache:FailoverGlobalReplicationGroup"), 1);
    });
}

#[test]
fn brokers_are_described_and_a_replica_is_promoted() {
    within(async {
        let served = serve(20).await;
        let brokers = MqBrokers::new(&served.environment());
        let (rabbit, active, target) = (&served.plan.brokers[0], &served.plan.brokers[1], region(TARGET));
        let seen = brokers.describe(rabbit, &target).await.expect("described");
        assert_eq!((seen.state, seen.role), (BrokerState::Running, ReplicationRole::Alone));
        let seen = brokers.describe(active, &target).await.expect("described");
        assert_eq!((seen.state, seen.role), (BrokerState::Replica, ReplicationRole::Replica));
        let seen = brokers.describe(active, &region(SOURCE)).await.expect("described");
        assert_eq!((seen.state, seen.role), (BrokerState::Running, ReplicationRole::Primary));
        let alone = brokers.promote(rabbit, &target, Mode::Failover).await.expect_err("it has no replica");
        assert_eq!((alone.fault, alone.code.as_str()), (Fault::Invalid, "BadRequestException"));
        brokers.promote(active, &target, Mode::Switchover).await.expect("accepted");
        assert_eq!(served.effective("mq:Promote"), 1);
    });
}

#[test]
fn a_service_is_described_over_three_apis_and_scaled() {
    within(async {
        let served = serve(20).await;
        let compute = EcsCompute::new(&served.environment());
        let (service, target) = (&served.plan.services[0], region(TARGET));
        let seen = compute.describe(service, &target).await.expect("described");
        assert_eq!((seen.desired, seen.running, seen.healthy), (3, 3, Some(3)), "a warm stand-by of 6");
        assert_eq!((seen.minimum, seen.maximum, seen.scale_in), (Some(3), Some(12), Some(ScaleIn::Allowed)));
        assert_eq!(compute.desired(service, &region(SOURCE)).await.expect("looked"), 6);
        for operation in
            ["application-autoscaling:DescribeScalableTargets", "elasticloadbalancing:DescribeTargetHealth"]
        {
            assert_eq!(served.effective(operation), 1, "{operation}");
        }
        compute.raise_minimum(service, &target, 6).await.expect("accepted");
        compute.raise_desired(service, &target, 6).await.expect("accepted");
        let seen = compute.describe(service, &target).await.expect("described");
        assert_eq!((seen.minimum, seen.scale_in, seen.desired), (Some(6), Some(ScaleIn::Suspended), 6));
        compute.resume_scale_in(service, &target).await.expect("accepted");
        let seen = compute.describe(service, &target).await.expect("described");
        assert_eq!((seen.minimum, seen.scale_in), (Some(6), Some(ScaleIn::Allowed)));
        let too_many = compute.raise_minimum(service, &target, 13).await.expect_err("more than the maximum");
        assert_eq!((too_many.fault, too_many.code.as_str()), (Fault::Invalid, "ValidationException"));
    });
}

#[test]
fn every_metric_that_a_verdict_rests_on_has_a_past() {
    within(async {
        let served = serve(1).await;
        let metrics = CloudWatchMetrics::new(&served.environment());
        let plan = &served.plan;
        let (source, target) = (region(SOURCE), region(TARGET));
        let since = lifeboat_aws::SystemClock.now().minus(Period::seconds(240));
        let lag = metrics.replication_lag_ms(&plan.databases[0], &target, since).await.expect("read");
        assert!((3..=4).contains(&lag.len()), "{lag:?}");
        assert!(lag.iter().all(|p| p.at >= since && p.value > 0.0), "{lag:?}");
        assert!(lag.is_sorted_by_key(|p| p.at), "{lag:?}");
        let of_writer = metrics.replication_lag_ms(&plan.databases[0], &source, since).await.expect("read");
        assert!(of_writer.is_empty(), "a writer is behind nobody: {of_writer:?}");
        let cache = metrics.cache_lag_ms(&plan.caches[0], &target, since).await.expect("read");
        let own = served.world.now();
        assert!(
            !cache.is_empty() && cache.iter().all(|p| p.at <= own && (1.0..5_000.0).contains(&p.value)),
            "{cache:?}"
        );
        let table = metrics.table_latency_ms(&plan.tables[0], &source, &target, since).await.expect("read");
        assert!(!table.is_empty(), "DynamoDB tells in the Region that was written to");
        let messages = metrics.message_count(&plan.brokers[0], &source, since).await.expect("read");
        assert!(messages.iter().any(|p| p.value > 0.0), "{messages:?}");
        let queues = metrics.queue_count(&plan.brokers[0], &target, since).await.expect("read");
        assert!(!queues.is_empty() && queues.iter().all(|p| p.value == 2.0), "{queues:?}");
        let here: Vec<_> = plan.canaries.iter().filter(|c| c.runs_in == target).collect();
        let results = metrics.canary_results(&target, &here, since).await.expect("read");
        assert_eq!(results.len(), here.len());
        assert!(
            results.iter().all(|r| !r.points.is_empty() && r.points.iter().all(|p| p.value == 100.0)),
            "{results:?}"
        );
        assert_eq!(served.effective("cloudwatch:GetMetricData"), 7, "one call each, whatever is in it");
    });
}

#[test]
fn s2_routing_controls_change_in_one_batch_on_an_endpoint_and_never_all_off() {
    within(async {
        let served = serve(20).await;
        let routing = ClusterRouting::new(&served.environment());
        let endpoints = &served.plan.routing.endpoints;
        let control = |name: &str| served.plan.routing.controls[&region(name)].clone();
        let both = [control(SOURCE), control(TARGET)];
        let states = routing.states(&endpoints[2], &both).await.expect("read");
        assert_eq!(states.values().collect::<Vec<_>>(), [&Switch::On, &Switch::Off]);
        let off = routing.change(&endpoints[3], &[(control(SOURCE), Switch::Off)]).await.expect_err("the safety rule");
        assert_eq!((off.fault, off.code.as_str()), (Fault::Conflict, "ConflictException"));
        let swap = [(control(SOURCE), Switch::Off), (control(TARGET), Switch::On)];
        routing.change(&endpoints[3], &swap).await.expect("accepted");
        let states = routing.states(&endpoints[4], &both).await.expect("read");
        assert_eq!(states.values().collect::<Vec<_>>(), [&Switch::Off, &Switch::On]);
        let places: Vec<_> = {
            let state = served.world.state();
            let calls = state.lambda.calls.iter().filter(|c| c.operation.ends_with("UpdateRoutingControlStates"));
            calls.map(|c| (c.place.clone(), c.effective)).collect()
        };
        let endpoint = endpoints[3].region.clone();
        assert_eq!(places, [(endpoint.clone(), false), (endpoint, true)], "the signature says which endpoint");
    });
}

/// A DynamoDB that knows the workload's tables only.
struct WorkloadTables(Callers);

#[async_trait(?Send)]
impl Service for WorkloadTables {
    async fn serve(&self, request: &Request) -> Reply {
        let signature = request.signature.as_ref().expect("signed");
        let body: serde_json::Value = serde_json::from_slice(&request.body).expect("JSON");
        let name = body["TableName"].as_str().expect("a name");
        let told = describe_table(&self.0, &signature.access_key, &signature.region, name).await;
        let body = told.expect("described").expect("a table of the workload");
        Reply::new(http::StatusCode::OK, "application/x-amz-json-1.0", body.to_string())
    }
}

#[test]
fn a_table_of_the_workload_is_described() {
    within(async {
        let dynamodb = |callers: &Callers| Rc::new(WorkloadTables(callers.clone()));
        let served = serve_with(20, |s| s.with(|face, callers| face.with("dynamodb", dynamodb(callers)))).await;
        let tables = DynamoTables::new(&served.environment());
        let seen = tables.describe(&served.plan.tables[0], &region(TARGET)).await.expect("described");
        assert_eq!((seen.status, seen.consistency), (TableStatus::Active, Some(Consistency::Eventual)));
        assert_eq!(seen.replicas.iter().map(|r| r.region.as_str()).collect::<Vec<_>>(), [SOURCE]);
        assert_eq!(served.effective("dynamodb:DescribeTable"), 1);
    });
}
