//! Every mutating operation met by every fault: it is sent once, and nobody is told that an unknown effect is none.
//! Every read met by a passing fault: it is tried twice, and not three times.

use crate::common::resources::{carts, checkout, mail, sessions};
use crate::common::{HOME, Reply, Script, json_answer, json_error, orders, rds, rds_error, region, s3_error};
use lifeboat_aws::{
    AuroraDatabases, CloudWatchMetrics, ClusterRouting, DynamoLedger, DynamoTables, EcsCompute, ElastiCacheCaches,
    MqBrokers, S3Archive, SfnApprovals, SfnExecutions, SnsNotices,
};
use lifeboat_model::evidence::Switch;
use lifeboat_model::journal::{Effect, Entry, Note};
use lifeboat_model::limits::{CALL_TIMEOUT, READ_TIMEOUT, Step};
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::{Endpoint, Name};
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::{Arn, Direction, Timestamp};
use lifeboat_ports::{
    Approvals, Archive, AskedApproval, Brokers, Caches, CallError, Compute, Databases, Executions, Fault, Holder,
    Ledger, Mark, Metrics, Notices, Routing, Tables,
};
use serde_json::json;

/// An operation under test: what it is called on the wire and in errors, and how its service words an error.
#[derive(Clone, Copy, Debug)]
struct Operation {
    wire: &'static str,
    named: &'static str,
    error: fn(u16, &str, &str) -> Reply,
    call: Port,
}

/// The port's method that makes the call.
#[derive(Clone, Copy, Debug)]
enum Port {
    Switchover,
    Failover,
    Change,
    Start,
    ReplaceLock,
    Fence,
    Append,
    AskApproval,
    AnswerApproval,
    PromoteCache,
    PromoteBroker,
    RaiseMinimum,
    RaiseDesired,
    ResumeScaleIn,
    Publish,
    Store,
    Describe,
    Cache,
    CacheLag,
    Table,
    Broker,
    Service,
    Limits,
    Health,
    Lag,
    Lock,
    Journal,
}

const MUTATIONS: [Operation; 16] = [
    operation("SwitchoverGlobalCluster", "rds:SwitchoverGlobalCluster", rds_error, Port::Switchover),
    operation("FailoverGlobalCluster", "rds:FailoverGlobalCluster", rds_error, Port::Failover),
    operation(
        "UpdateRoutingControlStates",
        "route53-recovery-cluster:UpdateRoutingControlStates",
        json_error,
        Port::Change,
    ),
    operation("StartExecution", "states:StartExecution", json_error, Port::Start),
    operation("SendTaskSuccess", "states:SendTaskSuccess", json_error, Port::AnswerApproval),
    operation("PutItem", "dynamodb:PutItem", json_error, Port::ReplaceLock),
    operation("UpdateItem", "dynamodb:UpdateItem", json_error, Port::Fence),
    operation("PutItem", "dynamodb:PutItem", json_error, Port::Append),
    operation("PutItem", "dynamodb:PutItem", json_error, Port::AskApproval),
    operation(
        "FailoverGlobalReplicationGroup",
        "elasticache:FailoverGlobalReplicationGroup",
        rds_error,
        Port::PromoteCache,
    ),
    operation("Promote", "mq:Promote", json_error, Port::PromoteBroker),
    operation(
        "RegisterScalableTarget",
        "application-autoscaling:RegisterScalableTarget",
        json_error,
        Port::RaiseMinimum,
    ),
    operation("UpdateService", "ecs:UpdateService", json_error, Port::RaiseDesired),
    operation(
        "RegisterScalableTarget",
        "application-autoscaling:RegisterScalableTarget",
        json_error,
        Port::ResumeScaleIn,
    ),
    operation("Publish", "sns:Publish", rds_error, Port::Publish),
    operation("PutObject", "s3:PutObject", s3_error, Port::Store),
];

/// CloudWatch's code travels in the header of its own that AWS's older protocol left behind.
const READS: [Operation; 11] = [
    operation("DescribeGlobalClusters", "rds:DescribeGlobalClusters", rds_error, Port::Describe),
    operation("GetMetricData", "cloudwatch:GetMetricData", cloudwatch_error, Port::Lag),
    operation("GetItem", "dynamodb:GetItem", json_error, Port::Lock),
    operation("Query", "dynamodb:Query", json_error, Port::Journal),
    operation("DescribeGlobalReplicationGroups", "elasticache:DescribeGlobalReplicationGroups", rds_error, Port::Cache),
    operation("GetMetricData", "cloudwatch:GetMetricData", cloudwatch_error, Port::CacheLag),
    operation("DescribeTable", "dynamodb:DescribeTable", json_error, Port::Table),
    operation("DescribeBroker", "mq:DescribeBroker", json_error, Port::Broker),
    operation("DescribeServices", "ecs:DescribeServices", json_error, Port::Service),
    operation("DescribeScalableTargets", "application-autoscaling:DescribeScalableTargets", json_error, Port::Limits),
    operation("DescribeTargetHealth", "elasticloadbalancing:DescribeTargetHealth", rds_error, Port::Health),
];

const fn operation(
    wire: &'static str,
    named: &'static str,
    error: fn(u16, &str, &str) -> Reply,
    call: Port,
) -> Operation {
    Operation { wire, named, error, call }
}

fn cloudwatch_error(status: u16, code: &str, message: &str) -> Reply {
    let mut cbor = aws_smithy_cbor::Encoder::new(Vec::new());
    cbor.map(2).str("__type").str(code).str("message").str(message);
    let headers = vec![("smithy-protocol", "rpc-v2-cbor".to_owned())];
    Reply::Answer { status, headers, body: cbor.into_writer() }
}

/// Makes the call and returns its error.
async fn failure(aws: &Script, call: Port) -> CallError {
    let environment = aws.environment();
    let databases = AuroraDatabases::new(&environment);
    let ledger = DynamoLedger::new(&environment).expect("a table");
    let compute = EcsCompute::new(&environment);
    let plan: Name = "retail-store".parse().expect("a name");
    let target = orders().clusters[&region(HOME)].clone();
    let now = Timestamp::from_ms(1_800_000_000_000);
    match call {
        Port::Switchover => databases.switchover(&orders(), &target, &region(HOME)).await.map(drop),
        Port::Failover => databases.failover(&orders(), &target, &region(HOME)).await.map(drop),
        Port::Change => {
            let endpoint = Endpoint { region: region(HOME), url: "https://endpoint.example/v1".to_owned() };
            ClusterRouting::new(&environment).change(&endpoint, &[(control(), Switch::On)]).await.map(drop)
        }
        Port::Start => {
            let executions = SfnExecutions::new(&environment).expect("a state machine");
            executions.start("alarm-1", &json!({})).await.map(drop)
        }
        Port::AnswerApproval => {
            let approvals = SfnApprovals::new(&environment).expect("a table");
            approvals.answer(&region(HOME), "token", &json!({})).await.map(drop)
        }
        Port::ReplaceLock => ledger.replace_lock(&plan, None, &lock(now)).await.map(drop),
        Port::Fence => {
            ledger.fence(&plan, Holder { run_id: "run-1", epoch: 1 }, now, Mark::PointOfNoReturn).await.map(drop)
        }
        Port::Append => ledger.append(&entry(now)).await.map(drop),
        Port::AskApproval => {
            let asked =
                AskedApproval { run_id: "run-1".to_owned(), token: "token".to_owned(), asked_at: now, expires_at: now };
            ledger.ask_approval(&plan, &asked).await
        }
        Port::PromoteCache => ElastiCacheCaches::new(&environment).promote(&sessions(), &region(HOME)).await.map(drop),
        Port::PromoteBroker => {
            MqBrokers::new(&environment).promote(&mail(), &region(HOME), Mode::Failover).await.map(drop)
        }
        Port::RaiseMinimum => {
            aws.may("DescribeScalableTargets", limits());
            compute.raise_minimum(&checkout(), &region(HOME), 6).await.map(drop)
        }
        Port::RaiseDesired => compute.raise_desired(&checkout(), &region(HOME), 6).await.map(drop),
        Port::ResumeScaleIn => {
            aws.may("DescribeScalableTargets", limits());
            compute.resume_scale_in(&checkout(), &region(HOME)).await.map(drop)
        }
        Port::Publish => SnsNotices::new(&environment).expect("a topic").publish("subject", "body").await.map(drop),
        Port::Store => {
            let archive = S3Archive::new(&environment).expect("a bucket");
            archive.store("runs/run-1.json", "application/json", "{}").await.map(drop)
        }
        Port::Cache => ElastiCacheCaches::new(&environment).describe(&sessions(), &region(HOME)).await.map(drop),
        Port::CacheLag => {
            CloudWatchMetrics::new(&environment).cache_lag_ms(&sessions(), &region(HOME), now).await.map(drop)
        }
        Port::Table => DynamoTables::new(&environment).describe(&carts(), &region(HOME)).await.map(drop),
        Port::Broker => MqBrokers::new(&environment).describe(&mail(), &region(HOME)).await.map(drop),
        Port::Service | Port::Limits | Port::Health => {
            aws.may("DescribeServices", json_answer(&json!({"services": [{"serviceName": "checkout"}]})));
            aws.may("DescribeScalableTargets", limits());
            aws.may("DescribeTargetHealth", rds("DescribeTargetHealth", "<TargetHealthDescriptions/>"));
            compute.describe(&checkout(), &region(HOME)).await.map(drop)
        }
        Port::Describe => {
            aws.may("DescribeDBClusters", rds("DescribeDBClusters", "<DBClusters/>"));
            databases.describe(&orders(), &region(HOME)).await.map(drop)
        }
        Port::Lag => {
            CloudWatchMetrics::new(&environment).replication_lag_ms(&orders(), &region(HOME), now).await.map(drop)
        }
        Port::Lock => ledger.lock(&plan).await.map(drop),
        Port::Journal => ledger.journal("run-1").await.map(drop),
    }
    .expect_err("a fault")
}

/// A service that scales by itself.
fn limits() -> Reply {
    let target = json!({
        "ServiceNamespace": "ecs",
        "ResourceId": "service/store-usw2/checkout",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 2,
        "MaxCapacity": 9,
        "RoleARN": "arn:aws:iam::111122223333:role/scaling",
        "CreationTime": 1.0,
    });
    json_answer(&json!({"ScalableTargets": [target]}))
}

fn control() -> Arn {
    "arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/c".parse().expect("an ARN")
}

fn lock(now: Timestamp) -> Lock {
    let run = Admission {
        run_id: "run-1".to_owned(),
        plan_version: 1,
        direction: Direction { source: region("us-east-1"), target: region(HOME) },
        mode: Mode::Failover,
        consent: None,
        trigger: Trigger::Operator { name: None },
        approval: Approval::default(),
        admitted_at: now,
    };
    Lock {
        epoch: 1,
        state: LockState::Held,
        lease_expires_at: now,
        run,
        past_point_of_no_return: false,
        inherits_change: false,
        cool_down_until: None,
        acknowledged: false,
        stopped: None,
    }
}

fn entry(now: Timestamp) -> Entry {
    Entry {
        run_id: "run-1".to_owned(),
        epoch: 1,
        step: Step::VerifyWriters,
        resource: "retail-store".to_owned(),
        at: now,
        note: Note::WritersVerified,
    }
}

/// How many requests of `operation` there were.
fn sent(aws: Script, operation: Operation) -> usize {
    aws.finish().iter().filter(|request| request.operation == operation.wire).count()
}

#[tokio::test(start_paused = true)]
async fn s10_s13_a_mutation_is_sent_once_and_its_fault_says_what_it_may_have_done() {
    for operation in MUTATIONS {
        let says = operation.error;
        let cases = [
            ("no connection", Reply::Refused, Fault::Unreachable, Effect::None),
            ("no answer", Reply::Never, Fault::TimedOut, Effect::Unknown),
            ("the reply lost after the effect", Reply::LostAfterEffect, Fault::Internal, Effect::Unknown),
            ("throttled", says(400, "ThrottlingException", "slower"), Fault::Throttled, Effect::None),
            ("throttled by another name", says(503, "RequestLimitExceeded", "slower"), Fault::Throttled, Effect::None),
            ("denied", says(403, "AccessDeniedException", "no"), Fault::Denied, Effect::None),
            ("expired", says(400, "ExpiredTokenException", "no"), Fault::Denied, Effect::None),
            ("missing", says(400, "ResourceNotFoundException", "no"), Fault::NotFound, Effect::None),
            ("in conflict", says(409, "ConflictException", "no"), Fault::Conflict, Effect::None),
            ("invalid", says(400, "ValidationException", "no"), Fault::Invalid, Effect::None),
            ("failed inside", says(500, "InternalFailure", "oops"), Fault::Internal, Effect::Unknown),
            ("not available", says(503, "ServiceUnavailable", "oops"), Fault::Internal, Effect::Unknown),
            ("a gateway's page", crate::common::page(504), Fault::Internal, Effect::Unknown),
        ];
        for (what, reply, fault, effect) in cases {
            let aws = Script::new();
            aws.on(operation.wire, reply);
            let started = tokio::time::Instant::now();
            let error = failure(&aws, operation.call).await;
            assert_eq!((error.fault, error.effect()), (fault, effect), "{what}: {error}");
            assert_eq!((error.operation.as_str(), error.place.as_str()), (operation.named, HOME), "{what}");
            assert!(started.elapsed() <= CALL_TIMEOUT.as_duration(), "{what}: {:?}", started.elapsed());
            assert_eq!(sent(aws, operation), 1, "{what}: {}", operation.named);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s10_an_answer_that_breaks_off_leaves_the_effect_unknown() {
    for operation in MUTATIONS {
        let aws = Script::new();
        aws.on(operation.wire, Reply::BrokenBody);
        let error = failure(&aws, operation.call).await;
        assert_eq!((error.fault, error.effect()), (Fault::Internal, Effect::Unknown), "{error}");
        assert_eq!(sent(aws, operation), 1, "{}", operation.named);
    }
}

#[tokio::test(start_paused = true)]
async fn s13_a_read_is_tried_twice_when_that_may_help_and_once_when_it_cannot() {
    for operation in READS {
        let says = operation.error;
        let cases = [
            ("no connection", Reply::Refused, Fault::Unreachable, 2),
            ("no answer", Reply::Never, Fault::TimedOut, 2),
            ("a broken connection", Reply::LostAfterEffect, Fault::Internal, 2),
            ("throttled", says(400, "ThrottlingException", "slower"), Fault::Throttled, 2),
            ("failed inside", says(500, "InternalFailure", "oops"), Fault::Internal, 2),
            ("denied", says(403, "AccessDeniedException", "no"), Fault::Denied, 1),
            ("missing", says(404, "ResourceNotFoundException", "no"), Fault::NotFound, 1),
            ("invalid", says(400, "ValidationException", "no"), Fault::Invalid, 1),
        ];
        for (what, reply, fault, times) in cases {
            let aws = Script::new();
            for _ in 0..times {
                aws.on(operation.wire, reply.clone());
            }
            let started = tokio::time::Instant::now();
            let error = failure(&aws, operation.call).await;
            assert_eq!((error.fault, error.operation.as_str()), (fault, operation.named), "{what}: {error}");
            // A timer fires on the millisecond after.
            let limit = READ_TIMEOUT.as_duration() + std::time::Duration::from_millis(1);
            assert!(started.elapsed() <= limit, "{what}: {:?}", started.elapsed());
            assert_eq!(sent(aws, operation), times, "{what}: {}", operation.named);
        }
    }
}
