//! What goes wrong in the world, as the adapters classify it. A class decides whether a step repeats a call.

use std::pin::Pin;
use std::time::Instant;

use futures_util::future::join_all;
use lifeboat_aws::{AuroraDatabases, CloudWatchMetrics, ClusterRouting, EcsCompute, ElastiCacheCaches, MqBrokers};
use lifeboat_model::evidence::Switch;
use lifeboat_model::journal::Effect;
use lifeboat_model::limits::ENDPOINT_TIMEOUT;
use lifeboat_model::request::Mode;
use lifeboat_model::{Arn, Period, Region};
use lifeboat_ports::{Brokers, Caches, CallError, Compute, Databases, Fault, Metrics, Routing};
use lifeboat_simulator::faults::{FaultKind, FaultRule, Faults};

use serde_json::json;

use crate::common::{SOURCE, Served, TARGET, region, send, serve, within};

/// A call of an adapter.
type Call = for<'a> fn(&'a Served) -> Pin<Box<dyn Future<Output = Result<(), CallError>> + 'a>>;

macro_rules! call {
    ($served:ident => $work:expr) => {
        |$served| Box::pin(async move { $work.await.map(drop) })
    };
}

fn target() -> Region {
    region(TARGET)
}

fn swap(served: &Served) -> Vec<(Arn, Switch)> {
    let control = |name: &str| served.plan.routing.controls[&region(name)].clone();
    vec![(control(SOURCE), Switch::Off), (control(TARGET), Switch::On)]
}

/// One call of each operation that has a failure class of its own, by the operation that a fault names.
static READS: [(&str, Call); 7] = [
    (
        "rds:DescribeGlobalClusters",
        call!(s => AuroraDatabases::new(&s.environment()).describe(&s.plan.databases[0], &target())),
    ),
    (
        "elasticache:DescribeGlobalReplicationGroups",
        call!(s => ElastiCacheCaches::new(&s.environment()).describe(&s.plan.caches[0], &target())),
    ),
    ("mq:DescribeBroker", call!(s => MqBrokers::new(&s.environment()).describe(&s.plan.brokers[0], &target()))),
    ("ecs:DescribeServices", call!(s => EcsCompute::new(&s.environment()).desired(&s.plan.services[0], &target()))),
    (
        "elasticloadbalancing:DescribeTargetHealth",
        call!(s => EcsCompute::new(&s.environment()).describe(&s.plan.services[0], &target())),
    ),
    (
        "cloudwatch:GetMetricData",
        call!(s => CloudWatchMetrics::new(&s.environment()).message_count(&s.plan.brokers[0], &target(), s.world.now().minus(Period::seconds(120)))),
    ),
    (
        "route53-recovery-cluster:GetRoutingControlState",
        call!(s => ClusterRouting::new(&s.environment()).states(&s.plan.routing.endpoints[0], &[swap(s)[0].0.clone()])),
    ),
];

static MUTATIONS: [(&str, Call); 7] = [
    (
        "rds:SwitchoverGlobalCluster",
        call!(s => AuroraDatabases::new(&s.environment()).switchover(&s.plan.databases[0], &s.plan.databases[0].clusters[&target()], &region(SOURCE))),
    ),
    (
        "rds:FailoverGlobalCluster",
        call!(s => AuroraDatabases::new(&s.environment()).failover(&s.plan.databases[0], &s.plan.databases[0].clusters[&target()], &target())),
    ),
    (
        "elasticache:FailoverGlobalReplicationGroup",
        call!(s => ElastiCacheCaches::new(&s.environment()).promote(&s.plan.caches[0], &target())),
    ),
    (
        "mq:Promote",
        call!(s => MqBrokers::new(&s.environment()).promote(&s.plan.brokers[1], &target(), Mode::Switchover)),
    ),
    (
        "ecs:UpdateService",
        call!(s => EcsCompute::new(&s.environment()).raise_desired(&s.plan.services[0], &target(), 6)),
    ),
    (
        "application-autoscaling:RegisterScalableTarget",
        call!(s => EcsCompute::new(&s.environment()).raise_minimum(&s.plan.services[0], &target(), 6)),
    ),
    (
        "route53-recovery-cluster:UpdateRoutingControlStates",
        call!(s => ClusterRouting::new(&s.environment()).change(&s.plan.routing.endpoints[0], &swap(s))),
    ),
];

/// A world for each of `cases`. All of them begin first: it takes time in which no other could answer.
async fn served_for(
    cases: impl IntoIterator<Item = &'static (&'static str, Call)>,
    time_scale: u32,
) -> Vec<(Served, &'static str, Call)> {
    let mut served = Vec::new();
    for (operation, call) in cases {
        served.push((serve(time_scale).await, *operation, *call));
    }
    served
}

/// Puts in a fault that meets every call of `operation`, and nothing else.
fn put(served: &Served, operation: &'static str, kind: FaultKind) {
    let mut faults = Faults::default();
    faults.add(FaultRule { times: 9, ..FaultRule::once(operation, kind) });
    served.world.state_mut().faults = faults;
}

/// How the adapter reads a refusal of `class`: as it is, but for "not available", which only the routing cluster says in
/// words that prove that nothing was done.
fn as_read(operation: &str, class: Fault) -> Fault {
    match class {
        Fault::Unavailable if !operation.starts_with("route53") => Fault::Internal,
        class => class,
    }
}

#[test]
fn every_refusal_is_read_back_as_the_class_that_it_is() {
    let classes = [
        Fault::Throttled,
        Fault::Unavailable,
        Fault::Internal,
        Fault::Denied,
        Fault::NotFound,
        Fault::Conflict,
        Fault::Invalid,
    ];
    within(async {
        let cases = served_for(READS.iter().chain(&MUTATIONS), 10).await;
        join_all(cases.iter().map(|(served, operation, call)| async move {
            for class in classes {
                put(served, operation, FaultKind::Refuse(class));
                let error = call(served).await.expect_err(operation);
                assert_eq!(error.fault, as_read(operation, class), "{operation} {class:?}: {error}");
                assert!(served.world.state().faults.fired() > 0, "{operation} {class:?}");
                assert_eq!(served.effective(operation), 0, "{operation} {class:?}");
            }
            served.world.state_mut().faults = Faults::default();
            call(served).await.unwrap_or_else(|error| panic!("{operation} without a fault: {error}"));
        }))
        .await;
    });
}

#[test]
fn s10_a_lost_reply_leaves_a_mutation_made_exactly_once_and_its_effect_unknown() {
    within(async {
        let cases = served_for(&MUTATIONS, 30).await;
        join_all(cases.iter().map(|(served, operation, call)| async move {
            put(served, operation, FaultKind::LostReply);
            let error = call(served).await.expect_err(operation);
            assert_eq!(error.effect(), Effect::Unknown, "{operation}: {error}");
            assert_eq!(served.world.state().faults.fired(), 1, "{operation}: sent once");
            assert_eq!(served.effective(operation), 1, "{operation}");
        }))
        .await;
    });
}

#[test]
fn silence_is_a_deadline_that_passes() {
    within(async {
        let served = serve(1).await;
        let (operation, call) = READS[6];
        put(&served, operation, FaultKind::Silence);
        let began = Instant::now();
        let error = call(&served).await.expect_err("silence");
        assert_eq!(error.fault, Fault::TimedOut, "{error}");
        assert!(began.elapsed() < ENDPOINT_TIMEOUT.as_duration() * 2, "{:?}", began.elapsed());
    });
}

#[test]
fn a_call_that_nobody_waits_for_any_more_is_carried_out_all_the_same() {
    within(async {
        let served = serve(20).await;
        let entries: Vec<_> = swap(&served)
            .into_iter()
            .map(|(arn, switch)| json!({"RoutingControlArn": arn, "RoutingControlState": format!("{switch:?}")}))
            .collect();
        let body = json!({"UpdateRoutingControlStateEntries": entries}).to_string();
        let target = ("x-amz-target", "ToggleCustomerAPI.UpdateRoutingControlStates");
        let connection = send(&served, "POST /", "route53-recovery-cluster", &[target], &body).await;
        // Read, and not yet answered: a call at an endpoint takes the world some milliseconds even at this pace.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        drop(connection);
        for _ in 0..1000 {
            if served.effective("route53-recovery-cluster:UpdateRoutingControlStates") == 1 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        panic!("it was called back");
    });
}

#[test]
fn a_dark_region_gives_no_answer_and_the_other_one_does() {
    within(async {
        let served = serve(60).await;
        served.world.darken(&region(SOURCE));
        let databases = AuroraDatabases::new(&served.environment());
        let database = &served.plan.databases[0];
        for _ in 0..3 {
            let error = databases.describe(database, &region(SOURCE)).await.expect_err("dark");
            // On one port for all Regions a connection is always made, and what breaks after that may have been seen.
            assert!(matches!(error.fault, Fault::Internal | Fault::TimedOut), "{error}");
        }
        databases.describe(database, &target()).await.expect("the other Region answers");
        served.world.light(&region(SOURCE));
        databases.describe(database, &region(SOURCE)).await.expect("it is back");
    });
}
