//! Routing controls: what is asked of which endpoint, and what is made of its answers.

use std::collections::BTreeMap;

use crate::common::{Reply, Script, json_answer, json_error, region};
use lifeboat_aws::ClusterRouting;
use lifeboat_model::Arn;
use lifeboat_model::evidence::Switch;
use lifeboat_model::plan::Endpoint;
use lifeboat_ports::{Fault, Routing};
use serde_json::json;

const GET: &str = "GetRoutingControlState";
const UPDATE: &str = "UpdateRoutingControlStates";

fn endpoint(at: &str) -> Endpoint {
    Endpoint { region: region(at), url: format!("https://1a2b.route53-recovery-cluster.{at}.amazonaws.com/v1") }
}

fn control(name: &str) -> Arn {
    format!("arn:aws:route53-recovery-control::111122223333:controlpanel/p/routingcontrol/{name}")
        .parse()
        .expect("an ARN")
}

fn state(name: &str, word: &str) -> Reply {
    json_answer(&json!({"RoutingControlArn": control(name).as_str(), "RoutingControlState": word}))
}

#[tokio::test(start_paused = true)]
async fn s12_an_endpoint_is_asked_at_its_address_and_signed_for_its_region() {
    let aws = Script::new();
    aws.on(GET, state("east", "On")).on(GET, state("west", "Off"));
    let routing = ClusterRouting::new(&aws.environment());
    let controls = [control("east"), control("west")];
    let states = routing.states(&endpoint("ap-southeast-2"), &controls).await.expect("states");
    assert_eq!(states, BTreeMap::from([(control("east"), Switch::On), (control("west"), Switch::Off)]));
    let requests = aws.finish();
    assert_eq!(requests.len(), 2);
    for (request, control) in requests.iter().zip(&controls) {
        assert_eq!(request.host, "1a2b.route53-recovery-cluster.ap-southeast-2.amazonaws.com");
        assert_eq!(request.signed_for, "ap-southeast-2");
        assert_eq!(request.json(), json!({"RoutingControlArn": control.as_str()}));
    }
}

#[tokio::test(start_paused = true)]
async fn two_endpoints_are_two_clients_even_in_turns() {
    let aws = Script::new();
    let routing = ClusterRouting::new(&aws.environment());
    for at in ["us-east-1", "eu-west-1", "us-east-1"] {
        aws.on(GET, state("east", "On"));
        routing.states(&endpoint(at), &[control("east")]).await.expect("states");
    }
    let signed_for: Vec<String> = aws.finish().into_iter().map(|r| r.signed_for).collect();
    assert_eq!(signed_for, ["us-east-1", "eu-west-1", "us-east-1"]);
}

#[tokio::test(start_paused = true)]
async fn s9_a_state_in_an_unknown_word_or_of_another_control_is_absent() {
    let aws = Script::new();
    aws.on(GET, state("east", "Ajar")).on(GET, state("north", "On"));
    let routing = ClusterRouting::new(&aws.environment());
    let states = routing.states(&endpoint("us-east-1"), &[control("east"), control("west")]).await;
    assert_eq!(states, Ok(BTreeMap::new()));
    aws.finish();
}

#[tokio::test(start_paused = true)]
async fn s15_a_change_is_one_batch_that_overrides_no_safety_rule() {
    let aws = Script::new();
    aws.on(UPDATE, json_answer(&json!({})));
    let changes = [(control("east"), Switch::Off), (control("west"), Switch::On)];
    let receipt =
        ClusterRouting::new(&aws.environment()).change(&endpoint("eu-west-1"), &changes).await.expect("a receipt");
    assert_eq!(receipt.request_id, "request-1");
    let request = aws.only_request();
    assert_eq!(request.signed_for, "eu-west-1");
    let expected = json!({"UpdateRoutingControlStateEntries": [
        {"RoutingControlArn": control("east").as_str(), "RoutingControlState": "Off"},
        {"RoutingControlArn": control("west").as_str(), "RoutingControlState": "On"},
    ]});
    assert_eq!(request.json(), expected);
}

#[tokio::test(start_paused = true)]
async fn s13_an_endpoint_is_asked_once_whatever_it_answers_and_given_up_after_its_time() {
    let cases = [
        (json_error(503, "EndpointTemporarilyUnavailableException", "try another"), Fault::Unavailable),
        (json_error(500, "InternalServerException", "oops"), Fault::Internal),
        (json_error(429, "ThrottlingException", "slower"), Fault::Throttled),
        (json_error(404, "ResourceNotFoundException", "no such control"), Fault::NotFound),
        (Reply::Refused, Fault::Unreachable),
        (Reply::Never, Fault::TimedOut),
    ];
    for (reply, fault) in cases {
        let aws = Script::new();
        aws.on(GET, reply);
        let started = tokio::time::Instant::now();
        let routing = ClusterRouting::new(&aws.environment());
        let error = routing.states(&endpoint("us-east-1"), &[control("east")]).await.expect_err("a fault");
        assert_eq!((error.fault, error.place.as_str()), (fault, "us-east-1"), "{error}");
        assert!(started.elapsed().as_millis() <= 1500, "{:?}", started.elapsed());
        aws.only_request();
    }
}

#[tokio::test(start_paused = true)]
async fn s15_a_safety_rules_refusal_keeps_the_rules_name() {
    let words =
        "Blocked by safety rule arn:aws:route53-recovery-control::111122223333:controlpanel/p/safetyrule/one-on";
    for (status, code, fault) in
        [(409, "ConflictException", Fault::Conflict), (400, "ValidationException", Fault::Invalid)]
    {
        let aws = Script::new();
        aws.on(UPDATE, json_error(status, code, words));
        let routing = ClusterRouting::new(&aws.environment());
        let error =
            routing.change(&endpoint("us-east-1"), &[(control("east"), Switch::Off)]).await.expect_err("a refusal");
        assert_eq!((error.fault, error.message.as_str()), (fault, words));
        aws.only_request();
    }
}
