//! Services: what is asked of ECS, Application Auto Scaling and Elastic Load Balancing, and what is made of their answers.

use crate::common::resources::{checkout, target_group};
use crate::common::{AWAY, HOME, Reply, Script, json_answer, json_error, rds, rds_error, region};
use lifeboat_aws::EcsCompute;
use lifeboat_model::evidence::{ScaleIn, ServiceSeen, ServiceStatus};
use lifeboat_model::journal::Effect;
use lifeboat_model::limits::CALL_TIMEOUT;
use lifeboat_ports::{CallError, Compute, Fault};
use serde_json::{Value, json};

const SERVICES: &str = "DescribeServices";
const LIMITS: &str = "DescribeScalableTargets";
const HEALTH: &str = "DescribeTargetHealth";
const REGISTER: &str = "RegisterScalableTarget";
const UPDATE: &str = "UpdateService";

fn services() -> Value {
    let service = json!({"serviceName": "checkout", "status": "ACTIVE", "desiredCount": 4, "runningCount": 3});
    json!({"services": [service], "failures": []})
}

fn target(suspended: &Value) -> Value {
    json!({
        "ServiceNamespace": "ecs",
        "ResourceId": "service/store-usw2/checkout",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 2,
        "MaxCapacity": 9,
        "RoleARN": "arn:aws:iam::111122223333:role/scaling",
        "CreationTime": 1.0,
        "SuspendedState": suspended,
    })
}

fn limits(suspended: &Value) -> Reply {
    json_answer(&json!({"ScalableTargets": [target(suspended)]}))
}

fn nothing_suspended() -> Value {
    json!({
        "DynamicScalingInSuspended": false,
        "DynamicScalingOutSuspended": false,
        "ScheduledScalingSuspended": false,
    })
}

fn health(states: &[&str]) -> Reply {
    let described = |state: &&str| format!("<member><TargetHealth><State>{state}</State></TargetHealth></member>");
    let members: String = states.iter().map(described).collect();
    rds(HEALTH, &format!("<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"))
}

async fn describe(services: Reply, limits: Reply, health: Reply) -> Result<ServiceSeen, CallError> {
    let aws = Script::new();
    aws.may(SERVICES, services).may(LIMITS, limits).may(HEALTH, health);
    let seen = EcsCompute::new(&aws.environment()).describe(&checkout(), &region(HOME)).await;
    assert!(!aws.finish().is_empty());
    seen
}

async fn describe_services(body: &Value) -> Result<ServiceSeen, CallError> {
    describe(json_answer(body), limits(&nothing_suspended()), health(&["healthy"])).await
}

#[tokio::test(start_paused = true)]
async fn s12_a_description_asks_three_services_of_the_region_it_is_about() {
    let aws = Script::new();
    aws.on(SERVICES, json_answer(&services())).on(LIMITS, limits(&nothing_suspended())).on(HEALTH, health(&[]));
    EcsCompute::new(&aws.environment()).describe(&checkout(), &region(HOME)).await.expect("a description");
    let requests = aws.finish();
    assert_eq!(requests.len(), 3);
    for request in &requests {
        assert_eq!(request.signed_for, HOME);
        match request.operation.as_str() {
            SERVICES => {
                assert_eq!(request.host, "ecs.us-west-2.amazonaws.com");
                assert_eq!(request.json(), json!({"cluster": "store-usw2", "services": ["checkout"]}));
            }
            LIMITS => {
                assert_eq!(request.host, "application-autoscaling.us-west-2.amazonaws.com");
                let expected = json!({"ServiceNamespace": "ecs", "ResourceIds": ["service/store-usw2/checkout"],
                    "ScalableDimension": "ecs:service:DesiredCount"});
                assert_eq!(request.json(), expected);
            }
            _ => {
                assert_eq!(request.host, "elasticloadbalancing.us-west-2.amazonaws.com");
                assert_eq!(request.form()["TargetGroupArn"], target_group().to_string());
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_described_with_its_limits_and_the_health_of_its_tasks() {
    let health = health(&["healthy", "unhealthy", "initial", "draining", "splendid", "healthy"]);
    let seen = describe(json_answer(&services()), limits(&nothing_suspended()), health).await.expect("a description");
    assert_eq!((&seen.vantage, &seen.status), (&region(HOME), &ServiceStatus::Active));
    assert_eq!((seen.desired, seen.running, seen.healthy), (4, 3, Some(2)));
    assert_eq!((seen.minimum, seen.maximum, seen.scale_in), (Some(2), Some(9), Some(ScaleIn::Allowed)));
    assert_eq!(seen.serving(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_scale_by_itself_and_is_behind_nothing_has_no_limits_and_no_health() {
    let aws = Script::new();
    aws.on(SERVICES, json_answer(&services())).on(LIMITS, json_answer(&json!({"ScalableTargets": []})));
    let seen = EcsCompute::new(&aws.environment()).describe(&checkout(), &region(AWAY)).await.expect("a description");
    assert_eq!((seen.minimum, seen.maximum, seen.scale_in, seen.healthy), (None, None, None, None));
    assert_eq!(aws.finish().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn scale_in_is_suspended_when_it_says_so() {
    let cases = [
        (json!({"DynamicScalingInSuspended": true}), ScaleIn::Suspended),
        (json!({"DynamicScalingOutSuspended": true}), ScaleIn::Allowed),
        (Value::Null, ScaleIn::Allowed),
    ];
    for (suspended, expected) in cases {
        let seen = describe(json_answer(&services()), limits(&suspended), health(&[])).await.expect("a description");
        assert_eq!(seen.scale_in, Some(expected), "{suspended}");
    }
}

#[tokio::test(start_paused = true)]
async fn s9_a_status_in_an_unknown_word_is_not_active() {
    for word in ["DRAINING", "INACTIVE", "SPLENDID"] {
        let mut body = services();
        body["services"][0]["status"] = json!(word);
        let seen = describe_services(&body).await.expect("a description");
        assert_eq!(seen.status, ServiceStatus::Other(word.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn s9_an_answer_that_lacks_what_a_decision_needs_is_no_answer() {
    let (calm, fine) = (|| limits(&nothing_suspended()), || json_answer(&services()));
    let mut no_status = services();
    no_status["services"][0].as_object_mut().expect("an object").remove("status");
    let mut negative = services();
    negative["services"][0]["runningCount"] = json!(-1);
    let mut other = services();
    other["services"][0]["serviceName"] = json!("checkout-2");
    let paged = json_answer(&json!({"ScalableTargets": [], "NextToken": "more"}));
    let cases = [
        ("no list", json_answer(&json!({})), calm(), health(&[])),
        ("no status", json_answer(&no_status), calm(), health(&[])),
        ("a count below nothing", json_answer(&negative), calm(), health(&[])),
        ("another service", json_answer(&other), calm(), health(&[])),
        ("no list of scalable targets", fine(), json_answer(&json!({})), health(&[])),
        ("no end of that list", fine(), paged, health(&[])),
        ("no list of targets", fine(), calm(), rds(HEALTH, "")),
    ];
    for (what, services, limits, health) in cases {
        let error = describe(services, limits, health).await.expect_err(what);
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "IncompleteAnswer"), "{what}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_not_found() {
    let failure = |reason: &str| json_answer(&json!({"services": [], "failures": [{"arn": "x", "reason": reason}]}));
    let calm = || limits(&nothing_suspended());
    let cases = [
        (failure("MISSING"), calm(), health(&[]), Fault::NotFound),
        (failure("SPLENDID"), calm(), health(&[]), Fault::Internal),
        (json_error(400, "ClusterNotFoundException", "no"), calm(), health(&[]), Fault::NotFound),
        (json_error(400, "ClientException", "no"), calm(), health(&[]), Fault::Invalid),
        (json_error(400, "InvalidParameterException", "no"), calm(), health(&[]), Fault::Invalid),
        (json_answer(&services()), json_error(400, "ValidationException", "no"), health(&[]), Fault::Invalid),
        (json_answer(&services()), calm(), rds_error(400, "TargetGroupNotFound", "no"), Fault::NotFound),
    ];
    for (services, limits, health, fault) in cases {
        let error = describe(services, limits, health).await.expect_err("a refusal");
        assert_eq!((error.fault, error.place.as_str()), (fault, HOME), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_look_at_a_region_that_may_be_dark_is_one_call_tried_once() {
    let aws = Script::new();
    aws.on(SERVICES, json_answer(&services()));
    assert_eq!(EcsCompute::new(&aws.environment()).desired(&checkout(), &region(AWAY)).await, Ok(4));
    let request = aws.only_request();
    assert_eq!((request.signed_for.as_str(), &request.json()["cluster"]), (AWAY, &json!("store-use1")));

    for reply in [Reply::Never, Reply::Refused, json_error(500, "ServerException", "oops")] {
        let aws = Script::new();
        aws.on(SERVICES, reply);
        let started = tokio::time::Instant::now();
        EcsCompute::new(&aws.environment()).desired(&checkout(), &region(AWAY)).await.expect_err("dark");
        assert!(started.elapsed() <= CALL_TIMEOUT.as_duration());
        aws.only_request();
    }
}

#[tokio::test(start_paused = true)]
async fn raising_the_minimum_suspends_scale_in_and_leaves_the_other_suspensions_as_they_are() {
    let cases = [
        (
            nothing_suspended(),
            json!({"DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": false,
            "ScheduledScalingSuspended": false}),
        ),
        (
            json!({"DynamicScalingInSuspended": false, "DynamicScalingOutSuspended": true,
                "ScheduledScalingSuspended": true}),
            json!({"DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": true,
                "ScheduledScalingSuspended": true}),
        ),
        (Value::Null, json!({"DynamicScalingInSuspended": true})),
    ];
    for (before, after) in cases {
        let aws = Script::new();
        aws.on(LIMITS, limits(&before)).on(REGISTER, json_answer(&json!({})));
        let compute = EcsCompute::new(&aws.environment());
        let receipt = compute.raise_minimum(&checkout(), &region(HOME), 6).await.expect("a receipt");
        assert_eq!(receipt.request_id, "request-1");
        let request = aws.finish().remove(1);
        assert_eq!(request.host, "application-autoscaling.us-west-2.amazonaws.com");
        let expected = json!({"ServiceNamespace": "ecs", "ResourceId": "service/store-usw2/checkout",
            "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 6, "SuspendedState": after});
        assert_eq!(request.json(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn resuming_scale_in_changes_nothing_else() {
    let aws = Script::new();
    let before = json!({"DynamicScalingInSuspended": true, "DynamicScalingOutSuspended": false,
        "ScheduledScalingSuspended": true});
    aws.on(LIMITS, limits(&before)).on(REGISTER, json_answer(&json!({})));
    EcsCompute::new(&aws.environment()).resume_scale_in(&checkout(), &region(HOME)).await.expect("a receipt");
    let after = json!({"DynamicScalingInSuspended": false, "DynamicScalingOutSuspended": false,
        "ScheduledScalingSuspended": true});
    let expected = json!({"ServiceNamespace": "ecs", "ResourceId": "service/store-usw2/checkout",
        "ScalableDimension": "ecs:service:DesiredCount", "SuspendedState": after});
    assert_eq!(aws.finish().remove(1).json(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_scale_by_itself_is_not_registered() {
    let aws = Script::new();
    aws.on(LIMITS, json_answer(&json!({"ScalableTargets": []})));
    let compute = EcsCompute::new(&aws.environment());
    let error = compute.raise_minimum(&checkout(), &region(HOME), 6).await.expect_err("no target");
    assert_eq!((error.fault, error.effect()), (Fault::NotFound, Effect::None));
    aws.only_request();
}

#[tokio::test(start_paused = true)]
async fn s10_a_read_before_a_change_that_fails_leaves_no_doubt_about_the_effect() {
    for reply in [Reply::Never, Reply::LostAfterEffect, json_error(500, "InternalServiceException", "oops")] {
        let aws = Script::new();
        aws.on(LIMITS, reply.clone()).on(LIMITS, reply);
        let compute = EcsCompute::new(&aws.environment());
        let error = compute.raise_minimum(&checkout(), &region(HOME), 6).await.expect_err("no answer");
        assert_eq!((error.fault, error.effect()), (Fault::Unavailable, Effect::None), "{error}");
        assert!(aws.finish().iter().all(|request| request.operation == LIMITS));
    }
}

#[tokio::test(start_paused = true)]
async fn s12_raising_the_desired_count_goes_to_the_target() {
    let aws = Script::new();
    aws.on(UPDATE, json_answer(&json!({"service": {}})));
    let compute = EcsCompute::new(&aws.environment());
    compute.raise_desired(&checkout(), &region(HOME), 6).await.expect("a receipt");
    let request = aws.only_request();
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("ecs.us-west-2.amazonaws.com", HOME));
    assert_eq!(request.json(), json!({"cluster": "store-usw2", "service": "checkout", "desiredCount": 6}));
}

#[tokio::test(start_paused = true)]
async fn a_refused_change_had_no_effect() {
    let scaling = [
        (500, "ConcurrentUpdateException", Fault::Conflict),
        (400, "ConcurrentUpdateException", Fault::Conflict),
        (400, "ObjectNotFoundException", Fault::NotFound),
        (400, "LimitExceededException", Fault::Throttled),
        (400, "ValidationException", Fault::Invalid),
    ];
    for (status, code, fault) in scaling {
        let aws = Script::new();
        aws.on(LIMITS, limits(&nothing_suspended())).on(REGISTER, json_error(status, code, "no"));
        let compute = EcsCompute::new(&aws.environment());
        let error = compute.raise_minimum(&checkout(), &region(HOME), 6).await.expect_err("a refusal");
        assert_eq!(aws.finish().len(), 2);
        assert_eq!((error.fault, error.effect(), error.code.as_str()), (fault, Effect::None, code));
    }
    let service = [
        (400, "ServiceNotActiveException", Fault::Conflict),
        (400, "ServiceNotFoundException", Fault::NotFound),
        (400, "ClusterNotFoundException", Fault::NotFound),
        (400, "ClientException", Fault::Invalid),
        (400, "InvalidParameterException", Fault::Invalid),
    ];
    for (status, code, fault) in service {
        let aws = Script::new();
        aws.on(UPDATE, json_error(status, code, "no"));
        let compute = EcsCompute::new(&aws.environment());
        let error = compute.raise_desired(&checkout(), &region(HOME), 6).await.expect_err("a refusal");
        aws.only_request();
        assert_eq!((error.fault, error.effect(), error.code.as_str()), (fault, Effect::None, code));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_plan_does_not_have_and_what_no_service_can_run_is_not_asked_for() {
    let aws = Script::new();
    let (compute, nowhere) = (EcsCompute::new(&aws.environment()), region("eu-west-1"));
    let error = compute.raise_desired(&checkout(), &nowhere, 6).await.expect_err("no placement");
    assert_eq!(error.fault, Fault::Invalid);
    let error = compute.raise_minimum(&checkout(), &region(HOME), u32::MAX).await.expect_err("too many");
    assert_eq!(
        (error.fault, error.operation.as_str()),
        (Fault::Invalid, "application-autoscaling:RegisterScalableTarget")
    );
    assert!(aws.finish().is_empty());
}
