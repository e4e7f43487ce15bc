//! Brokers: what is asked of Amazon MQ, and what is made of its answers.

use crate::common::resources::mail;
use crate::common::{AWAY, HOME, Reply, Script, json_answer, json_error, region};
use lifeboat_aws::MqBrokers;
use lifeboat_model::evidence::{BrokerSeen, BrokerState, ReplicationRole};
use lifeboat_model::journal::Effect;
use lifeboat_model::request::Mode;
use lifeboat_ports::{Brokers, CallError, Fault};
use serde_json::{Value, json};

async fn describe(reply: Reply) -> Result<BrokerSeen, CallError> {
    let aws = Script::new();
    aws.on("DescribeBroker", reply);
    let seen = MqBrokers::new(&aws.environment()).describe(&mail(), &region(HOME)).await;
    aws.only_request();
    seen
}

async fn describe_body(body: &Value) -> Result<BrokerSeen, CallError> {
    describe(json_answer(body)).await
}

#[tokio::test(start_paused = true)]
async fn s12_a_description_asks_the_brokers_own_region() {
    let aws = Script::new();
    aws.on("DescribeBroker", json_answer(&json!({"brokerState": "RUNNING"})));
    MqBrokers::new(&aws.environment()).describe(&mail(), &region(AWAY)).await.expect("a description");
    let request = aws.only_request();
    assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("mq.us-east-1.amazonaws.com", AWAY));
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/v1/brokers/b-use1"));
}

#[tokio::test(start_paused = true)]
async fn a_broker_has_the_state_and_the_role_that_it_says() {
    let in_pair =
        |role: &str| json!({"dataReplicationMode": "CRDR", "dataReplicationMetadata": {"dataReplicationRole": role}});
    let cases = [
        ("RUNNING", BrokerState::Running, in_pair("PRIMARY"), ReplicationRole::Primary),
        ("REPLICA", BrokerState::Replica, in_pair("REPLICA"), ReplicationRole::Replica),
        ("REPLICA", BrokerState::Replica, in_pair("Replica"), ReplicationRole::Replica),
        ("RUNNING", BrokerState::Running, in_pair("WITNESS"), ReplicationRole::Unknown),
        ("RUNNING", BrokerState::Running, json!({"dataReplicationMode": "NONE"}), ReplicationRole::Alone),
        ("RUNNING", BrokerState::Running, json!({}), ReplicationRole::Alone),
        (
            "RUNNING",
            BrokerState::Running,
            json!({"dataReplicationMetadata": {"dataReplicationRole": "PRIMARY"}}),
            ReplicationRole::Primary,
        ),
        ("REBOOT_IN_PROGRESS", BrokerState::Other("REBOOT_IN_PROGRESS".to_owned()), json!({}), ReplicationRole::Alone),
        ("DOZING", BrokerState::Other("DOZING".to_owned()), json!({}), ReplicationRole::Alone),
    ];
    for (word, state, mut body, role) in cases {
        body["brokerState"] = json!(word);
        let seen = describe_body(&body).await.expect("a description");
        assert_eq!((&seen.vantage, seen.state, seen.role), (&region(HOME), state, role), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn s9_an_answer_that_lacks_what_a_decision_needs_is_no_answer() {
    let cases = [
        json!({"dataReplicationMode": "NONE"}),
        json!({"brokerState": "RUNNING", "dataReplicationMode": "CRDR"}),
        json!({"brokerState": "RUNNING", "dataReplicationMode": "CRDR", "dataReplicationMetadata": {}}),
        json!({"brokerState": "RUNNING", "dataReplicationMode": "SPLENDID"}),
    ];
    for body in cases {
        let error = describe_body(&body).await.expect_err("in part");
        assert_eq!((error.fault, error.code.as_str()), (Fault::Internal, "IncompleteAnswer"), "{body}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_not_there_is_not_found() {
    let error = describe(json_error(404, "NotFoundException", "no broker")).await.expect_err("not found");
    assert_eq!(
        (error.operation.as_str(), error.fault, error.place.as_str()),
        ("mq:DescribeBroker", Fault::NotFound, HOME)
    );
}

#[tokio::test(start_paused = true)]
async fn s12_a_promotion_goes_to_the_target_and_says_in_which_mode() {
    for (mode, word) in [(Mode::Switchover, "SWITCHOVER"), (Mode::Failover, "FAILOVER")] {
        let aws = Script::new();
        aws.on("Promote", json_answer(&json!({"brokerId": "b-usw2"})));
        let brokers = MqBrokers::new(&aws.environment());
        let receipt = brokers.promote(&mail(), &region(HOME), mode).await.expect("a receipt");
        assert_eq!(receipt.request_id, "request-1");
        let request = aws.only_request();
        assert_eq!((request.host.as_str(), request.signed_for.as_str()), ("mq.us-west-2.amazonaws.com", HOME));
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/brokers/b-usw2/promote"));
        assert_eq!(request.json(), json!({"mode": word}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_promotion_had_no_effect() {
    let cases = [
        (404, "NotFoundException", Fault::NotFound),
        (400, "BadRequestException", Fault::Invalid),
        (403, "ForbiddenException", Fault::Denied),
    ];
    for (status, code, fault) in cases {
        let aws = Script::new();
        aws.on("Promote", json_error(status, code, "no"));
        let brokers = MqBrokers::new(&aws.environment());
        let error = brokers.promote(&mail(), &region(HOME), Mode::Failover).await.expect_err("a refusal");
        aws.only_request();
        assert_eq!((error.fault, error.effect(), error.code.as_str()), (fault, Effect::None, code));
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_the_plan_does_not_have_is_not_asked_for() {
    let aws = Script::new();
    let (brokers, nowhere) = (MqBrokers::new(&aws.environment()), region("eu-west-1"));
    let error = brokers.describe(&mail(), &nowhere).await.expect_err("no broker");
    assert_eq!(error.fault, Fault::Invalid);
    let error = brokers.promote(&mail(), &nowhere, Mode::Failover).await.expect_err("no broker");
    assert_eq!((error.fault, error.operation.as_str()), (Fault::Invalid, "mq:Promote"));
    assert!(aws.finish().is_empty());
}
