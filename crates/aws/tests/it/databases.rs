//! Aurora global databases: what is asked of RDS, and what is made of its answers.

use crate::common::{AWAY, HOME, Reply, Script, orders, page, rds, rds_error, region};
use lifeboat_aws::AuroraDatabases;
use lifeboat_model::Arn;
use lifeboat_model::evidence::{GlobalDatabase, OperationPhase, Status, Synchronization};
use lifeboat_model::journal::Effect;
use lifeboat_ports::{CallError, Databases, Fault};

const MEMBERS: &str = "<GlobalClusterMembers>\
    <GlobalClusterMember><DBClusterArn>arn:aws:rds:us-east-1:111122223333:cluster:orders-use1</DBClusterArn>\
    <IsWriter>true</IsWriter></GlobalClusterMember>\
    <GlobalClusterMember><DBClusterArn>arn:aws:rds:us-west-2:111122223333:cluster:orders-usw2</DBClusterArn>\
    <IsWriter>false</IsWriter><SynchronizationStatus>connected</SynchronizationStatus></GlobalClusterMember>\
    </GlobalClusterMembers>";

const LOCAL: &str = "<DBClusters><DBCluster>\
    <DBClusterIdentifier>orders-usw2</DBClusterIdentifier>\
    <DBClusterArn>arn:aws:rds:us-west-2:111122223333:cluster:orders-usw2</DBClusterArn>\
    <Status>available</Status>\
    <DBClusterMembers><DBClusterMember><DBInstanceIdentifier>a</DBInstanceIdentifier></DBClusterMember>\
    <DBClusterMember><DBInstanceIdentifier>b</DBInstanceIdentifier></DBClusterMember></DBClusterMembers>\
    </DBCluster></DBClusters>";

fn global(content: &str) -> String {
    format!(
        "<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>store-orders</GlobalClusterIdentifier>\
         {content}</GlobalClusterMember></GlobalClusters>"
    )
}

fn calm() -> String {
    global(&format!("<Status>available</Status>{MEMBERS}"))
}

fn target() -> Arn {
    orders().clusters[&region(HOME)].clone()
}

async fn describe(global: Reply, local: Reply) -> Result<GlobalDatabase, CallError> {
    let aws = Script::new();
    aws.on("DescribeGlobalClusters", global).may("DescribeDBClusters", local);
    let seen = AuroraDatabases::new(&aws.environment()).describe(&orders(), &region(HOME)).await;
    aws.finish();
    seen
}

async fn describe_bodies(global: &str, local: &str) -> Result<GlobalDatabase, CallError> {
    describe(rds("DescribeGlobalClusters", global), rds("DescribeDBClusters", local)).await
}

#[tokio::test(start_paused = true)]
async fn s12_a_description_asks_only_the_region_it_is_about() {
    let aws = Script::new();
    aws.on("DescribeGlobalClusters", rds("DescribeGlobalClusters", &calm()));
    aws.on("DescribeDBClusters", rds("DescribeDBClusters", LOCAL));
    AuroraDatabases::new(&aws.environment()).describe(&orders(), &region(HOME)).await.expect("a description");
    let requests = aws.finish();
    assert_eq!(requests.len(), 2);
    for request in &requests {
        assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("rds.us-west-2.amazonaws.com", HOME));
        let asked = if request.operation == "DescribeDBClusters" {
            ("DBClusterIdentifier", "orders-usw2")
        } else {
            ("GlobalClusterIdentifier", "store-orders")
        };
        assert_eq!(request.form().get(asked.0).map(String::as_str), Some(asked.1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_calm_global_database_is_described_in_full() {
    let seen = describe_bodies(&calm(), LOCAL).await.expect("a description");
    assert_eq!((&seen.vantage, &seen.status, &seen.operation), (&region(HOME), &Status::Available, &None));
    assert_eq!(seen.writer(), Some(&orders().clusters[&region(AWAY)]));
    let member = seen.member(&target()).expect("the member in the target");
    assert_eq!((member.is_writer, member.synchronization), (false, Synchronization::Connected));
    let local = seen.local.expect("a local cluster");
    assert_eq!((&local.cluster, &local.status, local.instances), (&target(), &Status::Available, 2));
}

#[tokio::test(start_paused = true)]
async fn an_operation_under_way_is_read_by_its_word_also_by_the_one_that_the_sdk_lacks() {
    let cases = [
        ("pending", OperationPhase::Pending),
        ("failing-over", OperationPhase::FailingOver),
        ("switching-over", OperationPhase::SwitchingOver),
        ("cancelling", OperationPhase::Cancelling),
        ("pondering", OperationPhase::Other("pondering".to_owned())),
    ];
    for (word, phase) in cases {
        let state = format!(
            "<Status>{word}</Status>{MEMBERS}<FailoverState><Status>{word}</Status><ToDbClusterArn>{}</ToDbClusterArn>\
             </FailoverState>",
            target()
        );
        let seen = describe_bodies(&global(&state), LOCAL).await.expect("a description");
        let operation = seen.operation.expect("an operation");
        assert_eq!((operation.phase, operation.to), (phase, target()), "{word}");
        assert_eq!(seen.status, Status::Other(word.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_failover_state_is_no_operation() {
    for state in ["<FailoverState/>", "<FailoverState><Status></Status></FailoverState>"] {
        let body = global(&format!("<Status>available</Status>{MEMBERS}{state}"));
        assert_eq!(describe_bodies(&body, LOCAL).await.expect("a description").operation, None, "{state}");
    }
}

#[tokio::test(start_paused = true)]
async fn s9_an_unknown_or_missing_replication_status_stays_unknown() {
    for status in ["", "<SynchronizationStatus>splendid</SynchronizationStatus>"] {
        let members = MEMBERS.replace("<SynchronizationStatus>connected</SynchronizationStatus>", status);
        let body = global(&format!("<Status>available</Status>{members}"));
        let seen = describe_bodies(&body, LOCAL).await.expect("a description");
        let member = seen.member(&target()).expect("the member in the target");
        assert_eq!(member.synchronization, Synchronization::Unknown);
    }
}

#[tokio::test(start_paused = true)]
async fn s9_an_answer_that_lacks_what_a_decision_needs_is_no_answer() {
    let arn = target().to_string();
    let half = format!("<FailoverState><ToDbClusterArn>{arn}</ToDbClusterArn></FailoverState>");
    let globals = [
        ("no list", String::new()),
        ("no status", global(MEMBERS)),
        ("no members", global("<Status>available</Status>")),
        ("a member that may write or not", calm().replace("<IsWriter>true</IsWriter>", "")),
        ("a member without ARN", calm().replace(&format!("<DBClusterArn>{arn}</DBClusterArn>"), "")),
        ("a member whose ARN is none", calm().replace(&arn, "orders-usw2")),
        (
            "a phase without target",
            global(&format!(
                "<Status>available</Status>{MEMBERS}<FailoverState><Status>pending</Status></FailoverState>"
            )),
        ),
        ("a target without phase", global(&format!("<Status>available</Status>{MEMBERS}{half}"))),
    ];
    for (what, body) in globals {
        let error = describe_bodies(&body, LOCAL).await.expect_err(what);
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "IncompleteAnswer"), "{what}: {error}");
        assert_eq!(error.operation, "rds:DescribeGlobalClusters");
    }
    let members =
        &LOCAL[LOCAL.find("<DBClusterMembers>").expect("members")..LOCAL.find("</DBCluster>").expect("its end")];
    let locals = [
        ("no list", String::new()),
        ("no status", LOCAL.replace("<Status>available</Status>", "")),
        ("no instances", LOCAL.replace(members, "")),
        ("no ARN", LOCAL.replace(&format!("<DBClusterArn>{arn}</DBClusterArn>"), "")),
    ];
    for (what, body) in locals {
        let error = describe_bodies(&calm(), &body).await.expect_err(what);
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "IncompleteAnswer"), "{what}: {error}");
        assert_eq!(error.operation, "rds:DescribeDBClusters");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_instances_is_headless_and_one_that_is_not_there_is_none() {
    let headless = "<DBClusters><DBCluster><DBClusterIdentifier>orders-usw2</DBClusterIdentifier>\
        <DBClusterArn>arn:aws:rds:us-west-2:111122223333:cluster:orders-usw2</DBClusterArn>\
        <Status>available</Status><DBClusterMembers/></DBCluster></DBClusters>";
    let seen = describe_bodies(&calm(), headless).await.expect("a description");
    assert_eq!(seen.local.map(|local| local.instances), Some(0));

    let gone = rds_error(404, "DBClusterNotFoundFault", "orders-usw2 not found");
    let seen = describe(rds("DescribeGlobalClusters", &calm()), gone).await.expect("a description");
    assert_eq!(seen.local, None);
    let seen = describe_bodies(&calm(), "<DBClusters/>").await.expect("a description");
    assert_eq!(seen.local, None);
}

#[tokio::test(start_paused = true)]
async fn a_global_cluster_that_is_not_there_is_not_found() {
    let refusal = rds_error(404, "GlobalClusterNotFoundFault", "store-orders not found");
    for global in [refusal, rds("DescribeGlobalClusters", "<GlobalClusters/>")] {
        let error = describe(global, rds("DescribeDBClusters", LOCAL)).await.expect_err("not found");
        assert_eq!((error.fault, error.place.as_str()), (Fault::NotFound, HOME));
    }
}

#[tokio::test(start_paused = true)]
async fn s13_a_read_that_is_throttled_once_is_tried_again_and_not_more_than_once() {
    let throttled = || rds_error(400, "Throttling", "Rate exceeded");
    let aws = Script::new();
    aws.on("DescribeGlobalClusters", throttled()).on("DescribeGlobalClusters", rds("DescribeGlobalClusters", &calm()));
    aws.on("DescribeDBClusters", rds("DescribeDBClusters", LOCAL));
    AuroraDatabases::new(&aws.environment()).describe(&orders(), &region(HOME)).await.expect("a description");
    assert_eq!(aws.finish().iter().filter(|r| r.operation == "DescribeGlobalClusters").count(), 2);

    let aws = Script::new();
    aws.on("DescribeGlobalClusters", throttled()).on("DescribeGlobalClusters", throttled());
    aws.on("DescribeDBClusters", rds("DescribeDBClusters", LOCAL));
    let error =
        AuroraDatabases::new(&aws.environment()).describe(&orders(), &region(HOME)).await.expect_err("throttled");
    assert_eq!(
        (error.fault, error.code.as_str(), error.message.as_str()),
        (Fault::Throttled, "Throttling", "Rate exceeded")
    );
    assert_eq!(aws.finish().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_never_answered_ends_within_its_time_limit() {
    let aws = Script::new();
    for _attempt in 0..2 {
        aws.on("DescribeGlobalClusters", Reply::Never);
    }
    aws.on("DescribeDBClusters", rds("DescribeDBClusters", LOCAL));
    let started = tokio::time::Instant::now();
    let error =
        AuroraDatabases::new(&aws.environment()).describe(&orders(), &region(HOME)).await.expect_err("no answer");
    assert_eq!(error.fault, Fault::TimedOut);
    assert_eq!(started.elapsed().as_secs(), 8);
    aws.finish();
}

#[tokio::test(start_paused = true)]
async fn s12_a_switchover_goes_to_the_writers_region_and_names_the_target() {
    let aws = Script::new();
    aws.on("SwitchoverGlobalCluster", rds("SwitchoverGlobalCluster", ""));
    let databases = AuroraDatabases::new(&aws.environment());
    let receipt = databases.switchover(&orders(), &target(), &region(AWAY)).await.expect("a receipt");
    assert_eq!(receipt.request_id, "request-1");
    let request = aws.only_request();
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("rds.us-east-1.amazonaws.com", AWAY));
    let form = request.form();
    assert_eq!(form["GlobalClusterIdentifier"], "store-orders");
    assert_eq!(form["TargetDbClusterIdentifier"], target().to_string());
    assert_eq!(form.len(), 4, "action, version and these two: {form:?}");
}

#[tokio::test(start_paused = true)]
async fn s12_a_failover_goes_to_the_targets_region_and_allows_data_loss() {
    let aws = Script::new();
    aws.on("FailoverGlobalCluster", rds("FailoverGlobalCluster", ""));
    let databases = AuroraDatabases::new(&aws.environment());
    databases.failover(&orders(), &target(), &region(HOME)).await.expect("a receipt");
    let request = aws.only_request();
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("rds.us-west-2.amazonaws.com", HOME));
    let form = request.form();
    assert_eq!(form["GlobalClusterIdentifier"], "store-orders");
    assert_eq!(form["TargetDbClusterIdentifier"], target().to_string());
    assert_eq!(form["AllowDataLoss"], "true");
    assert!(!form.contains_key("Switchover"), "{form:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_the_words_of_the_service() {
    let aws = Script::new();
    aws.on("FailoverGlobalCluster", rds_error(400, "InvalidGlobalClusterStateFault", "is not available"));
    let databases = AuroraDatabases::new(&aws.environment());
    let error = databases.failover(&orders(), &target(), &region(HOME)).await.expect_err("a refusal");
    aws.finish();
    assert_eq!((error.fault, error.effect()), (Fault::Conflict, Effect::None));
    assert_eq!(
        error.to_string(),
        "rds:FailoverGlobalCluster in us-west-2 conflicts with the present state \
         (InvalidGlobalClusterStateFault: is not available)"
    );
}

#[tokio::test(start_paused = true)]
async fn s10_an_error_in_no_known_form_has_an_unknown_effect() {
    for status in [400, 403, 500, 502, 503] {
        let aws = Script::new();
        aws.on("FailoverGlobalCluster", page(status));
        let databases = AuroraDatabases::new(&aws.environment());
        let error = databases.failover(&orders(), &target(), &region(HOME)).await.expect_err("an error");
        aws.only_request();
        assert_eq!((error.fault, error.effect()), (Fault::Internal, Effect::Unknown), "{status}: {error}");
    }
}
