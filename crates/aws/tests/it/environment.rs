//! What the environment has to say, and what is made of it.

use lifeboat_aws::Environment;
use lifeboat_aws::environment::{Calls, ConfigError, Service};
use lifeboat_model::limits::{CALL_TIMEOUT, ENDPOINT_TIMEOUT, READ_TIMEOUT};

const LAMBDA: [(&str, &str); 4] = [
    ("AWS_REGION", "us-west-2"),
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "much-secret"),
    ("AWS_SESSION_TOKEN", "much-token"),
];

fn read(more: &[(&str, &str)]) -> Result<Environment, ConfigError> {
    let variables: Vec<(&str, &str)> = more.iter().chain(&LAMBDA).copied().collect();
    Environment::read(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn home_and_the_table_are_in_the_region_that_lambda_names() {
    let environment = read(&[("LIFEBOAT_TABLE", "lifeboat")]).expect("an environment");
    assert_eq!(environment.home().as_str(), "us-west-2");
    let (table, at) = environment.table().expect("a table");
    assert_eq!((table, at.as_str()), ("lifeboat", "us-west-2"));
    let other = [("LIFEBOAT_TABLE", "lifeboat"), ("LIFEBOAT_TABLE_REGION", "us-east-2")];
    assert_eq!(read(&other).expect("an environment").table().expect("a table").1.as_str(), "us-east-2");
}

#[test]
fn what_is_missing_or_wrong_is_named_with_what_to_do() {
    let cases = [
        (vec![("AWS_REGION", "")], "AWS_REGION"),
        (vec![("AWS_REGION", "west")], "AWS_REGION"),
        (vec![("AWS_ACCESS_KEY_ID", "")], "AWS_ACCESS_KEY_ID"),
        (vec![("AWS_SECRET_ACCESS_KEY", "")], "AWS_SECRET_ACCESS_KEY"),
        (vec![("LIFEBOAT_TABLE_REGION", "here")], "LIFEBOAT_TABLE_REGION"),
        (vec![("LIFEBOAT_STATE_MACHINE", "lifeboat")], "LIFEBOAT_STATE_MACHINE"),
        (
            vec![("LIFEBOAT_STATE_MACHINE", "arn:aws:states:us-east-1:111122223333:stateMachine:x")],
            "LIFEBOAT_STATE_MACHINE",
        ),
        (vec![("LIFEBOAT_STATE_MACHINE", "arn:aws:sqs:us-west-2:111122223333:x")], "LIFEBOAT_STATE_MACHINE"),
        (vec![("LIFEBOAT_TOPIC", "lifeboat")], "LIFEBOAT_TOPIC"),
        (vec![("LIFEBOAT_TOPIC", "arn:aws:sns:us-east-1:111122223333:lifeboat")], "LIFEBOAT_TOPIC"),
        (vec![("LIFEBOAT_TOPIC", "arn:aws:sqs:us-west-2:111122223333:lifeboat")], "LIFEBOAT_TOPIC"),
        (vec![("LIFEBOAT_BUCKET", "re/ports")], "LIFEBOAT_BUCKET"),
        (vec![("LIFEBOAT_BUCKET", "Reports")], "LIFEBOAT_BUCKET"),
        (vec![("LIFEBOAT_BUCKET", "no")], "LIFEBOAT_BUCKET"),
        (vec![("AWS_ENDPOINT_URL", "localhost:8000")], "AWS_ENDPOINT_URL"),
        (vec![("AWS_ENDPOINT_URL_SFN", "localhost:8000")], "AWS_ENDPOINT_URL_SFN"),
    ];
    for (variables, named) in cases {
        let error = read(&variables).expect_err(named);
        assert_eq!(error.variable, named);
        assert!(error.to_string().starts_with(&format!("read {named} from the environment: ")), "{error}");
        assert!(!error.remedy.is_empty());
    }
}

#[test]
fn what_only_some_functions_need_is_asked_for_by_those() {
    let environment = read(&[]).expect("an environment");
    assert_eq!(environment.table().expect_err("no table").variable, "LIFEBOAT_TABLE");
    assert_eq!(environment.state_machine().expect_err("no state machine").variable, "LIFEBOAT_STATE_MACHINE");
    assert_eq!(environment.topic().expect_err("no topic").variable, "LIFEBOAT_TOPIC");
    assert_eq!(environment.bucket().expect_err("no bucket").variable, "LIFEBOAT_BUCKET");
    let topic = "arn:aws:sns:us-west-2:111122223333:lifeboat";
    let environment = read(&[("LIFEBOAT_TOPIC", topic), ("LIFEBOAT_BUCKET", "my.reports-1")]).expect("an environment");
    assert_eq!(environment.topic().expect("a topic").as_str(), topic);
    assert_eq!(environment.bucket(), Ok("my.reports-1"));
}

#[test]
fn each_service_has_the_endpoint_variable_that_the_aws_cli_knows() {
    let cases = [
        (Service::ElastiCache, "AWS_ENDPOINT_URL_ELASTICACHE"),
        (Service::Ecs, "AWS_ENDPOINT_URL_ECS"),
        (Service::AutoScaling, "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING"),
        (Service::LoadBalancing, "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2"),
        (Service::Mq, "AWS_ENDPOINT_URL_MQ"),
        (Service::Sns, "AWS_ENDPOINT_URL_SNS"),
        (Service::S3, "AWS_ENDPOINT_URL_S3"),
    ];
    for (service, variable) in cases {
        let environment = read(&[(variable, "http://one:2")]).expect("an environment");
        let config = environment.config(service, environment.home(), Calls::Reads);
        assert_eq!(config.endpoint_url(), Some("http://one:2"), "{variable}");
    }
}

#[test]
fn an_endpoint_of_one_service_wins_over_that_of_all() {
    let environment = read(&[("AWS_ENDPOINT_URL", "http://all:1"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://one:2")]);
    let environment = environment.expect("an environment");
    let endpoint =
        |service| environment.config(service, environment.home(), Calls::Reads).endpoint_url().map(str::to_owned);
    assert_eq!(endpoint(Service::Rds).as_deref(), Some("http://all:1"));
    assert_eq!(endpoint(Service::DynamoDb).as_deref(), Some("http://one:2"));
    let plain = read(&[]).expect("an environment");
    assert_eq!(plain.config(Service::Rds, plain.home(), Calls::Reads).endpoint_url(), None);
    let url = "https://1a2b.route53-recovery-cluster.us-east-1.amazonaws.com/v1";
    assert_eq!(plain.endpoint_config(url, plain.home()).endpoint_url(), Some(url));
    assert_eq!(environment.endpoint_config(url, environment.home()).endpoint_url(), Some("http://all:1"));
}

#[test]
fn s13_only_reads_are_tried_again_and_every_call_has_a_deadline() {
    let cases =
        [(Calls::Reads, 2, READ_TIMEOUT), (Calls::Mutations, 1, CALL_TIMEOUT), (Calls::Endpoint, 1, ENDPOINT_TIMEOUT)];
    for (calls, attempts, deadline) in cases {
        assert_eq!(calls.retries().max_attempts(), attempts, "{calls:?}");
        assert_eq!(calls.timeouts().operation_timeout(), Some(deadline.as_duration()), "{calls:?}");
        assert!(calls.timeouts().connect_timeout() < Some(deadline.as_duration()), "{calls:?}");
    }
}

#[test]
fn no_secret_is_printed() {
    let printed = format!("{:?}", read(&[]).expect("an environment"));
    assert!(!printed.contains("much-secret") && !printed.contains("much-token"), "{printed}");
}
