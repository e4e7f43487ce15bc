//! The reads.

use lifeboat_aws::{
    AuroraDatabases, CloudWatchMetrics, ClusterRouting, DynamoLedger, DynamoTables, EcsCompute, ElastiCacheCaches,
    MqBrokers, S3Archive, SfnApprovals, SfnRuns,
};
use lifeboat_model::{Arn, Period, Region, Timestamp};
use lifeboat_ports::{
    Approvals, Bookmark, Brokers, Caches, Compute, Databases, Journals, KillSwitch, Ledger, Locks, Metrics, PlanStore,
    Reports, Routing, Runs, Scope, Tables,
};
use lifeboat_simulator::world::StartedBy;
use lifeboat_wire::platform::{execution_arn, machine_arn};
use serde_json::json;

use super::rows::{Arrange, Call, Row, Way, arrange, call};
use crate::common::{SOURCE, Served, TARGET, region};

pub fn target() -> Region {
    region(TARGET)
}

pub fn ledger(s: &Served) -> DynamoLedger {
    DynamoLedger::new(&s.environment()).expect("a table")
}

fn since(s: &Served) -> Timestamp {
    s.world.now().minus(Period::seconds(120))
}

fn metrics(s: &Served) -> CloudWatchMetrics {
    CloudWatchMetrics::new(&s.environment())
}

fn arn(text: String) -> Arn {
    text.parse().expect("an ARN")
}

/// There is an execution.
const RUNS: Arrange = arrange!(s => {
    let input = json!({"plan": s.plan.name, "target": TARGET, "mode": "rehearse"});
    drop(s.world.start_execution(&target(), "one", input, StartedBy::Operator))
});

pub fn rows() -> Vec<Row> {
    [workload(), metric_rows(), table(), runs()].concat()
}

fn workload() -> Vec<Row> {
    let database: Call = call!(s => AuroraDatabases::new(&s.environment()).describe(&s.plan.databases[0], &target()));
    let service: Call = call!(s => EcsCompute::new(&s.environment()).describe(&s.plan.services[0], &target()));
    let desired: Call = call!(s => EcsCompute::new(&s.environment()).desired(&s.plan.services[0], &region(SOURCE)));
    let controls: Call = call!(s => {
        let control = s.plan.routing.controls[&target()].clone();
        let endpoint = s.plan.routing.endpoints[0].clone();
        async move { ClusterRouting::new(&s.environment()).states(&endpoint, &[control]).await }
    });
    vec![
        Row::read("Databases::describe", "rds:DescribeGlobalClusters", database),
        Row::read("Databases::describe", "rds:DescribeDBClusters", database),
        Row::read(
            "Caches::describe",
            "elasticache:DescribeGlobalReplicationGroups",
            call!(s => ElastiCacheCaches::new(&s.environment()).describe(&s.plan.caches[0], &target())),
        ),
        Row::read(
            "Tables::describe",
            "dynamodb:DescribeTable",
            call!(s => DynamoTables::new(&s.environment()).describe(&s.plan.tables[0], &target())),
        ),
        Row::read(
            "Brokers::describe",
            "mq:DescribeBroker",
            call!(s => MqBrokers::new(&s.environment()).describe(&s.plan.brokers[0], &target())),
        ),
        Row::read("Compute::describe", "ecs:DescribeServices", service),
        Row::read("Compute::describe", "application-autoscaling:DescribeScalableTargets", service),
        Row::read("Compute::describe", "elasticloadbalancing:DescribeTargetHealth", service),
        Row::read("Compute::desired", "ecs:DescribeServices", desired).sent(Way::Once),
        Row::read("Routing::states", "route53-recovery-cluster:GetRoutingControlState", controls).sent(Way::Endpoint),
    ]
}

fn metric_rows() -> Vec<Row> {
    let read = |method: &'static str, call: Call| Row::read(method, "cloudwatch:GetMetricData", call);
    vec![
        read(
            "Metrics::replication_lag_ms",
            call!(s => metrics(s).replication_lag_ms(&s.plan.databases[0], &target(), since(s))),
        ),
        read("Metrics::cache_lag_ms", call!(s => metrics(s).cache_lag_ms(&s.plan.caches[0], &target(), since(s)))),
        read(
            "Metrics::table_latency_ms",
            call!(s => metrics(s).table_latency_ms(&s.plan.tables[0], &region(SOURCE), &target(), since(s))),
        ),
        read("Metrics::message_count", call!(s => metrics(s).message_count(&s.plan.brokers[0], &target(), since(s)))),
        read("Metrics::queue_count", call!(s => metrics(s).queue_count(&s.plan.brokers[0], &target(), since(s)))),
        read(
            "Metrics::canary_results",
            call!(s => {
                let canary = s.plan.canaries.iter().find(|c| c.runs_in == target()).expect("a canary");
                async move { metrics(s).canary_results(&target(), &[canary], since(s)).await }
            }),
        ),
    ]
}

fn table() -> Vec<Row> {
    let read = |method: &'static str, call: Call| Row::read(method, "dynamodb:GetItem", call);
    vec![
        read("Ledger::plan", call!(s => ledger(s).plan(&s.plan.name, Some(1)))),
        read("Ledger::plan_of_alarm", call!(s => Ledger::plan_of_alarm(&ledger(s), &s.plan.automation.alarm.name))),
        Row { at_once: 2, ..read("Ledger::settings", call!(s => ledger(s).settings(&s.plan.name))) },
        read("Ledger::lock", call!(s => Ledger::lock(&ledger(s), &s.plan.name))),
        Row::read("Ledger::journal", "dynamodb:Query", call!(s => Ledger::journal(&ledger(s), "run-1"))),
        Row::read("Journals::journal", "dynamodb:Query", call!(s => Journals::journal(&ledger(s), "run-1"))),
        read("Approvals::asked", call!(s => SfnApprovals::new(&s.environment()).expect("a table").asked(&s.plan.name))),
        read("PlanStore::current_version", call!(s => ledger(s).current_version(&s.plan.name))),
        read("PlanStore::body", call!(s => ledger(s).body(&s.plan.name, 1))),
        read(
            "PlanStore::plan_of_alarm",
            call!(s => PlanStore::plan_of_alarm(&ledger(s), &s.plan.automation.alarm.name)),
        ),
        read("KillSwitch::why", call!(s => ledger(s).why(Scope::AllPlans))),
        read("Locks::lock", call!(s => Locks::lock(&ledger(s), &s.plan.name))),
    ]
}

fn runs() -> Vec<Row> {
    vec![
        Row::read(
            "Runs::execution",
            "states:DescribeExecution",
            call!(s => {
                let run = execution_arn(&target(), "one").parse().expect("an ARN");
                async move { SfnRuns::new(&s.environment()).execution(&run).await }
            }),
        )
        .after(RUNS),
        Row::read(
            "Runs::events",
            "states:GetExecutionHistory",
            call!(s => {
                let run = execution_arn(&target(), "one").parse().expect("an ARN");
                async move { SfnRuns::new(&s.environment()).events(&run, &Bookmark::default()).await }
            }),
        )
        .after(RUNS),
        Row::read(
            "Runs::executions",
            "states:ListExecutions",
            call!(s => {
                let machine = arn(machine_arn(&target()));
                async move { SfnRuns::new(&s.environment()).executions(&machine, None).await }
            }),
        )
        .after(RUNS),
        Row::read(
            "Reports::fetch",
            "s3:GetObject",
            call!(s => S3Archive::new(&s.environment()).expect("a bucket").fetch("runs/one.json")),
        )
        .sent(Way::Once)
        .after(arrange!(s => s.world.store_object(&target(), "runs/one.json", "application/json", "{}"))),
    ]
}
