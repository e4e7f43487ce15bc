//! Reports: what is asked of S3, and what is made of its answers.

mod common;

use common::{HOME, Reply, Script, s3_error};
use lifeboat_aws::S3Archive;
use lifeboat_ports::{Archive, CallError, Fault};

const KEY: &str = "runs/retail-store/run 1.json";

fn stored() -> Reply {
    Reply::Answer { status: 200, headers: Vec::new(), body: Vec::new() }
}

async fn store(aws: &Script, key: &str) -> Result<String, CallError> {
    S3Archive::new(&aws.environment()).expect("a bucket").store(key, "application/json", "{}").await
}

#[tokio::test(start_paused = true)]
async fn s12_a_report_is_put_whole_into_the_bucket_of_the_home_region() {
    let aws = Script::new();
    aws.on("PutObject", stored());
    assert_eq!(store(&aws, KEY).await, Ok(format!("s3://lifeboat-reports/{KEY}")));
    let request = aws.only_request();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("PUT", "/runs/retail-store/run%201.json"));
    assert_eq!(request.host, "lifeboat-reports.s3.us-west-2.amazonaws.com");
    assert_eq!((request.signed_for.as_str(), request.body.as_slice()), (HOME, b"{}".as_slice()));
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    assert_eq!(header("content-type"), "application/json");
    // sha256("{}"), in both notations.
    assert_eq!(header("x-amz-content-sha256"), "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    assert_eq!(header("x-amz-checksum-sha256"), "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
    assert_eq!(header("x-amz-security-token"), "token");
    let signed =
        "SignedHeaders=content-type;host;x-amz-checksum-sha256;x-amz-content-sha256;x-amz-date;x-amz-security-token";
    assert!(header("authorization").contains(signed), "{}", header("authorization"));
    assert!(!request.headers.keys().any(|name| name.contains("server-side-encryption")), "{:?}", request.headers);
}

#[tokio::test(start_paused = true)]
async fn a_report_is_kept_nowhere_but_among_the_runs() {
    for key in ["", "run-1.json", "/runs/run-1.json", "settings/all"] {
        let aws = Script::new();
        let error = store(&aws, key).await.expect_err("another folder");
        assert_eq!((error.fault, error.operation.as_str()), (Fault::Invalid, "s3:PutObject"), "{key}");
        assert!(aws.finish().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_the_words_of_the_service() {
    let cases = [
        (404, "NoSuchBucket", Fault::NotFound),
        (403, "AccessDenied", Fault::Denied),
        (403, "SignatureDoesNotMatch", Fault::Denied),
        (400, "BadDigest", Fault::Invalid),
        (409, "OperationAborted", Fault::Conflict),
        (503, "SlowDown", Fault::Throttled),
        (500, "InternalError", Fault::Internal),
        (301, "PermanentRedirect", Fault::Internal),
    ];
    for (status, code, fault) in cases {
        let aws = Script::new();
        aws.on("PutObject", s3_error(status, code, "no"));
        let error = store(&aws, KEY).await.expect_err("a refusal");
        aws.only_request();
        assert_eq!((error.fault, error.code.as_str(), error.message.as_str()), (fault, code, "no"));
        assert_eq!((error.operation.as_str(), error.place.as_str()), ("s3:PutObject", HOME));
    }
}
