//! What a service does not know, or cannot read, is refused in its own protocol, and the words say what is wrong.

use crate::common::{ask, serve, within};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const CBOR: (&str, &str) = ("smithy-protocol", "rpc-v2-cbor");

/// A request, and what the head and the body of its answer have to hold.
struct Case {
    what: &'static str,
    service: &'static str,
    header: (&'static str, &'static str),
    body: &'static str,
    status: &'static str,
    says: &'static [&'static str],
}

/// A form that is refused with the status 400.
const fn form(service: &'static str, body: &'static str, says: &'static [&'static str]) -> Case {
    Case { what: "POST /", service, header: FORM, body, status: "400", says }
}

/// JSON for `target` that is refused with the status 400.
const fn json(service: &'static str, target: &'static str, body: &'static str, says: &'static [&'static str]) -> Case {
    Case { what: "POST /", service, header: ("x-amz-target", target), body, status: "400", says }
}

const CASES: [Case; 15] = [
    form(
        "rds",
        "Action=DeleteDBCluster",
        &["<Code>InvalidAction</Code>", "The action DeleteDBCluster is not valid for this web service."],
    ),
    form("rds", "Version=2014-10-31", &["<Code>MissingAction</Code>"]),
    form(
        "rds",
        "Action=FailoverGlobalCluster&GlobalClusterIdentifier=retail-store-orders&AllowDataLoss=perhaps",
        &["<Code>InvalidParameterValue</Code>", "AllowDataLoss: found &quot;perhaps&quot;, expected true or false"],
    ),
    Case {
        what: "POST /",
        service: "rds",
        header: FORM,
        body: "Action=FailoverGlobalCluster&GlobalClusterIdentifier=no-such&AllowDataLoss=true",
        status: "404",
        says: &["<Code>GlobalClusterNotFoundFault</Code>"],
    },
    Case {
        what: "POST /",
        service: "rds",
        header: FORM,
        body: "Action=DescribeDBClusters&DBClusterIdentifier=no-such",
        status: "404",
        says: &["<Code>DBClusterNotFoundFault</Code>", "<RequestId>"],
    },
    form(
        "elasticache",
        "Action=FailoverGlobalReplicationGroup&GlobalReplicationGroupId=ldgnf-retail-store-checkout&PrimaryRegion=us-east-1&PrimaryReplicationGroupId=checkout-use1",
        &["PrimaryRegion: found &quot;us-east-1&quot;, expected us-west-2, where the request was sent"],
    ),
    form("elasticloadbalancing", "Action=DescribeTargetHealth&TargetGroupArn=x", &["<Code>TargetGroupNotFound</Code>"]),
    json("ecs", "AmazonEC2ContainerServiceV20141113.DeleteService", "{}", &["UnknownOperationException"]),
    json(
        "ecs",
        "AmazonEC2ContainerServiceV20141113.DescribeServices",
        "{\"cluster\": \"retail-store\"}",
        &["InvalidParameterException", "services: found nothing, expected 1 to 10 names of services"],
    ),
    json("ecs", "AmazonEC2ContainerServiceV20141113.DescribeServices", "{", &["SerializationException"]),
    json(
        "application-autoscaling",
        "AnyScaleFrontendService.RegisterScalableTarget",
        "{\"ServiceNamespace\": \"ecs\", \"ResourceId\": \"service/retail-store/ui\", \"ScalableDimension\": \"ecs:service:DesiredCount\", \"MinCapacity\": -1}",
        &["ValidationException", "MinCapacity: found -1"],
    ),
    json(
        "route53-recovery-cluster",
        "ToggleCustomerAPI.UpdateRoutingControlStates",
        "{\"UpdateRoutingControlStateEntries\": [{\"RoutingControlArn\": \"x\", \"RoutingControlState\": \"Perhaps\"}]}",
        &["ValidationException", "UpdateRoutingControlStateEntries[0].RoutingControlState: found"],
    ),
    Case {
        what: "GET /v1/brokers/no-such",
        service: "mq",
        header: FORM,
        body: "",
        status: "404",
        says: &["x-amzn-errortype: NotFoundException", "no-such"],
    },
    Case {
        what: "DELETE /v1/brokers/no-such",
        service: "mq",
        header: FORM,
        body: "",
        status: "404",
        says: &["x-amzn-errortype: UnknownOperationException"],
    },
    Case {
        what: "POST /service/GraniteServiceVersion20100801/operation/PutMetricData",
        service: "monitoring",
        header: CBOR,
        body: "",
        status: "400",
        says: &[
            "smithy-protocol: rpc-v2-cbor",
            "x-amzn-query-error: InvalidAction;Sender",
            "PutMetricData is not valid",
        ],
    },
];

#[test]
fn what_is_not_understood_is_refused_in_its_own_protocol() {
    within(async {
        let served = serve(60).await;
        for case in CASES {
            let (head, body) = ask(&served, case.what, case.service, &[case.header], case.body).await;
            let answer = format!("{head}\n{body}");
            assert!(head.starts_with(&format!("HTTP/1.1 {}", case.status)), "{} {}: {answer}", case.what, case.body);
            assert!(head.contains("x-amzn-requestid: "), "{answer}");
            for says in case.says {
                assert!(answer.contains(says), "{} {}: {says} in {answer}", case.what, case.body);
            }
        }
        assert!(served.world.state().lambda.calls.is_empty(), "nothing of that was a call");
    });
}

#[test]
fn a_service_that_nobody_serves_is_named_with_those_that_are() {
    within(async {
        let served = serve(60).await;
        let (head, body) = ask(&served, "POST /", "ec2", &[FORM], "Action=RunInstances").await;
        assert!(head.starts_with("HTTP/1.1 400"), "{head}");
        assert!(body.contains("is signed for ec2; the simulator serves") && body.contains("rds"), "{body}");
        let (_, body) = ask(&served, "GET /", "", &[FORM], "").await;
        assert!(body.contains("it is not signed"), "{body}");
    });
}

#[test]
fn every_protocol_of_cloudwatch_gets_its_own_answer() {
    within(async {
        let served = serve(60).await;
        let target = ("x-amz-target", "GraniteServiceVersion20100801.DescribeAlarms");
        let (head, body) = ask(&served, "POST /", "monitoring", &[target], "{}").await;
        assert!(head.contains("content-type: application/x-amz-json-1.0"), "{head}");
        assert!(body.contains("\"StateValue\":\"OK\""), "{body}");
        let query = "Action=DescribeAlarms&AlarmNames.member.1=no-such";
        let (head, body) = ask(&served, "POST /", "monitoring", &[FORM], query).await;
        assert!(head.contains("content-type: text/xml"), "{head}");
        assert!(body.contains("<MetricAlarms></MetricAlarms>"), "{body}");
        let path = "POST /service/GraniteServiceVersion20100801/operation/DescribeAlarms";
        let (head, _) = ask(&served, path, "monitoring", &[CBOR], "").await;
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("smithy-protocol: rpc-v2-cbor"), "{head}");
    });
}
