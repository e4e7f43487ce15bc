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

const CASES: [Case; 15] = [
    Case {
        what: "POST /",
        service: "rds",
        header: FORM,
        body: "Action=DeleteDBCluster",
        status: "400",
        says: &["<Code>InvalidAction</Code>", "The action DeleteDBCluster is not valid for this web service."],
    },
    Case {
        what: "POST /",
        service: "rds",
        header: FORM,
        body: "Version=2014-10-31",
        status: "400",
        says: &["<Code>MissingAction</Code>"],
    },
    Case {
        what: "POST /",
        service: "rds",
        header: FORM,
        body: "Action=FailoverGlobalCluster&GlobalClusterIdentifier=retail-store-orders&AllowDataLoss=perhaps",
        status: "400",
        says: &[
            "<Code>InvalidParameterValue</Code>",
            "AllowDataLoss: found &quot;perhaps&quot;, expected true or false",
        ],
    },
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
    Case {
        what: "POST /",
        service: "elasticache",
        header: FORM,
        body: "Action=FailoverGlobalReplicationGroup&GlobalReplicationGroupId=ldgnf-retail-store-checkout&PrimaryRegion=us-east-1&PrimaryReplicationGroupId=checkout-use1",
        status: "400",
        says: &["PrimaryRegion: found &quot;us-east-1&quot;, expected us-west-2, where the request was sent"],
    },
    Case {
        what: "POST /",
        service: "elasticloadbalancing",
        header: FORM,
        body: "Action=DescribeTargetHealth&TargetGroupArn=x",
        status: "400",
        says: &["<Code>TargetGroupNotFound</Code>"],
    },
    Case {
        what: "POST /",
        service: "ecs",
        header: ("x-amz-target", "AmazonEC2ContainerServiceV20141113.DeleteService"),
        body: "{}",
        status: "400",
        says: &["UnknownOperationException"],
    },
    Case {
        what: "POST /",
        service: "ecs",
        header: ("x-amz-target", "AmazonEC2ContainerServiceV20141113.DescribeServices"),
        body: "{\"cluster\": \"retail-store\"}",
        status: "400",
        says: &["InvalidParameterException", "services: found nothing, expected 1 to 10 names of services"],
    },
    Case {
        what: "POST /",
        service: "ecs",
        header: ("x-amz-target", "AmazonEC2ContainerServiceV20141113.DescribeServices"),
        body: "{",
        status: "400",
        says: &["SerializationException"],
    },
    Case {
        what: "POST /",
        service: "application-autoscaling",
        header: ("x-amz-target", "AnyScaleFrontendService.RegisterScalableTarget"),
        body: "{\"ServiceNamespace\": \"ecs\", \"ResourceId\": \"service/retail-store/ui\", \"ScalableDimension\": \"ecs:service:DesiredCount\", \"MinCapacity\": -1}",
        status: "400",
        says: &["ValidationException", "MinCapacity: found -1"],
    },
    Case {
        what: "POST /",
        service: "route53-recovery-cluster",
        header: ("x-amz-target", "ToggleCustomerAPI.UpdateRoutingControlStates"),
        body: "{\"UpdateRoutingControlStateEntries\": [{\"RoutingControlArn\": \"x\", \"RoutingControlState\": \"Perhaps\"}]}",
        status: "400",
        says: &["ValidationException", "UpdateRoutingControlStateEntries[0].RoutingControlState: found"],
    },
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
