//! The AWS CLI against the face: a read and a mutation of each service, in whichever protocol it speaks.

use std::path::{Path, PathBuf};
use std::process::Command;

use futures_util::stream::{self, StreamExt};
use lifeboat_simulator::world::watchers::AlarmState;
use serde_json::Value;

use crate::common::{SOURCE, Served, TARGET, region, serve, within};

/// The CLI: the one that the repository installs for itself, or the one on the path.
fn program() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/aws");
    if own.exists() { own } else { PathBuf::from("aws") }
}

/// Runs `aws ARGUMENTS --region REGION`, and reads what it prints.
async fn aws(served: &Served, region: &str, arguments: &str) -> Result<Value, String> {
    let mut command = Command::new(program());
    // Version 1 of the CLI has an address of its own for RDS in us-east-1, whatever the environment says.
    let own_address: &[&str] = if arguments.starts_with("rds ") { &["--endpoint-url", &served.url] } else { &[] };
    command
        .args(arguments.split_whitespace())
        .args(own_address)
        .args(["--region", region, "--output", "json"])
        .env_clear()
        .envs(["PATH", "HOME", "PYENV_ROOT"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .envs([("AWS_ENDPOINT_URL", served.url.as_str()), ("AWS_ACCESS_KEY_ID", "operator")])
        .envs([("AWS_SECRET_ACCESS_KEY", "none"), ("AWS_PAGER", ""), ("AWS_MAX_ATTEMPTS", "1")])
        .envs([("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it does not panic");
    let output = output.unwrap_or_else(|error| {
        panic!("{} cannot be run: {error}; install the AWS CLI: pip install awscli", program().display())
    });
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(err.into_owned());
    }
    Ok(if out.trim().is_empty() { Value::Null } else { serde_json::from_str(&out).expect("JSON") })
}

/// A command, where it goes, a pointer into what it prints, and what is there.
type Case = (&'static str, &'static str, &'static str, &'static str);

const READS: [Case; 9] = [
    (
        "rds describe-global-clusters --global-cluster-identifier retail-store-orders",
        TARGET,
        "/GlobalClusters/0/GlobalClusterMembers/1/SynchronizationStatus",
        "connected",
    ),
    (
        "rds describe-db-clusters --db-cluster-identifier retail-store-orders-use1",
        SOURCE,
        "/DBClusters/0/DBClusterMembers/0/DBInstanceIdentifier",
        "retail-store-orders-use1-1",
    ),
    (
        "elasticache describe-global-replication-groups --show-member-info",
        TARGET,
        "/GlobalReplicationGroups/0/Members/0/Role",
        "PRIMARY",
    ),
    (
        "mq describe-broker --broker-id b-payments-us-west-2",
        TARGET,
        "/DataReplicationMetadata/DataReplicationCounterpart/Region",
        SOURCE,
    ),
    ("ecs describe-services --cluster retail-store --services ui no-such", TARGET, "/failures/0/reason", "MISSING"),
    (
        "application-autoscaling describe-scalable-targets --service-namespace ecs",
        TARGET,
        "/ScalableTargets/0/ResourceId",
        "service/retail-store/ui",
    ),
    (
        "elbv2 describe-target-health --target-group-arn arn:aws:elasticloadbalancing:us-west-2:111122223333:targetgroup/ui/fedcba9876543210",
        TARGET,
        "/TargetHealthDescriptions/0/TargetHealth/State",
        "healthy",
    ),
    (
        "cloudwatch describe-alarms --alarm-names retail-store-other-region-impaired",
        TARGET,
        "/MetricAlarms/0/StateValue",
        "OK",
    ),
    ("route53-recovery-cluster list-routing-controls", "eu-west-1", "/RoutingControls/0/RoutingControlState", "On"),
];

const MUTATIONS: [Case; 7] = [
    (
        "rds switchover-global-cluster --global-cluster-identifier retail-store-orders --target-db-cluster-identifier arn:aws:rds:us-west-2:111122223333:cluster:retail-store-orders-usw2",
        SOURCE,
        "/GlobalCluster/FailoverState/Status",
        "pending",
    ),
    (
        "elasticache failover-global-replication-group --global-replication-group-id ldgnf-retail-store-checkout --primary-region us-west-2 --primary-replication-group-id checkout-usw2",
        TARGET,
        "/GlobalReplicationGroup/Status",
        "modifying",
    ),
    ("mq promote --broker-id b-payments-us-west-2 --mode SWITCHOVER", TARGET, "/BrokerId", "b-payments-us-west-2"),
    (
        "ecs update-service --cluster retail-store --service assets --desired-count 2",
        TARGET,
        "/service/serviceName",
        "assets",
    ),
    (
        "application-autoscaling register-scalable-target --service-namespace ecs --resource-id service/retail-store/ui --scalable-dimension ecs:service:DesiredCount --min-capacity 4 --suspended-state DynamicScalingInSuspended=true",
        TARGET,
        "/ScalableTargetARN",
        "arn:aws:application-autoscaling:us-west-2:111122223333:scalable-target/service/retail-store/ui",
    ),
    (
        "cloudwatch set-alarm-state --alarm-name retail-store-other-region-impaired --state-value INSUFFICIENT_DATA --state-reason drill",
        TARGET,
        "",
        "",
    ),
    (
        "route53-recovery-cluster update-routing-control-states --update-routing-control-state-entries RoutingControlArn=arn:aws:route53-recovery-control::111122223333:controlpanel/8f2c1b/routingcontrol/east01,RoutingControlState=On RoutingControlArn=arn:aws:route53-recovery-control::111122223333:controlpanel/8f2c1b/routingcontrol/west02,RoutingControlState=On",
        "ap-northeast-1",
        "",
        "",
    ),
];

async fn holds(served: &Served, (arguments, region, place, expected): Case) {
    let printed = aws(served, region, arguments).await.unwrap_or_else(|error| panic!("aws {arguments}: {error}"));
    if !place.is_empty() {
        assert_eq!(printed.pointer(place).and_then(Value::as_str), Some(expected), "aws {arguments}: {printed:#}");
    }
}

/// Two at a time: each is a second of computing, which the other tests need as well.
async fn hold(served: &Served, cases: &[Case]) {
    stream::iter(cases).for_each_concurrent(2, |case| holds(served, *case)).await;
}

#[test]
fn the_aws_cli_reads_and_changes_every_service() {
    within(async {
        let served = serve(1).await;
        let metric = "cloudwatch get-metric-data --metric-data-queries \
            [{\"Id\":\"a\",\"MetricStat\":{\"Metric\":{\"Namespace\":\"CloudWatchSynthetics\",\"MetricName\":\"SuccessPercent\",\"Dimensions\":[{\"Name\":\"CanaryName\",\"Value\":\"store-usw2-read\"}]},\"Period\":60,\"Stat\":\"Average\"}}]";
        let now = served.world.now();
        let since = now.minus(lifeboat_model::Period::seconds(240));
        let metric = format!("{metric} --start-time {since} --end-time {now}");
        hold(&served, &READS).await;
        let printed = aws(&served, TARGET, &metric).await.expect("metrics");
        assert_eq!(printed["MetricDataResults"][0]["Values"][0], 100.0, "{printed:#}");
        assert_eq!(printed["MetricDataResults"][0]["StatusCode"], "Complete", "{printed:#}");

        hold(&served, &MUTATIONS).await;
        for operation in [
            "rds:SwitchoverGlobalCluster",
            "elasticache:FailoverGlobalReplicationGroup",
            "mq:Promote",
            "ecs:UpdateService",
            "application-autoscaling:RegisterScalableTarget",
            "cloudwatch:SetAlarmState",
            "route53-recovery-cluster:UpdateRoutingControlStates",
        ] {
            assert_eq!(served.effective(operation), 1, "{operation}");
        }
        let alarm = served.world.state().watchers.alarm_state(&region(TARGET));
        assert_eq!(alarm, AlarmState::InsufficientData);
        let off = "route53-recovery-cluster update-routing-control-state --routing-control-state Off --routing-control-arn \
                   arn:aws:route53-recovery-control::111122223333:controlpanel/8f2c1b/routingcontrol/no-such";
        let refused = aws(&served, "eu-west-1", off).await.expect_err("there is no such control");
        assert!(refused.contains("ResourceNotFoundException"), "{refused}");
    });
}
