//! Reports: what is asked of S3, and what is made of its answers.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};

use crate::common::{HOME, Reply, Script, s3_error};
use lifeboat_aws::{Environment, S3Archive};
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

#[tokio::test]
async fn over_the_wire_a_report_is_one_request_with_its_length() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let serving = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let mut request = Vec::new();
        let mut piece = [0; 4096];
        while !request.ends_with(b"\r\n\r\n{}") {
            let read = connection.read(&mut piece).expect("a piece");
            assert!(read > 0, "the request has to come in full");
            request.extend_from_slice(&piece[..read]);
        }
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("an answer");
        String::from_utf8(request).expect("text")
    });
    let endpoint = format!("http://{address}");
    let lookup = |variable: &str| match variable {
        "AWS_REGION" => Some(HOME.to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("example".to_owned()),
        "AWS_ENDPOINT_URL_S3" => Some(endpoint.clone()),
        "LIFEBOAT_BUCKET" => Some("reports".to_owned()),
        _ => None,
    };
    let archive = S3Archive::new(&Environment::read(lookup).expect("an environment")).expect("a bucket");
    let stored = archive.store("runs/run-1.json", "application/json", "{}").await;
    assert_eq!(stored, Ok("s3://reports/runs/run-1.json".to_owned()));
    let request = serving.join().expect("a server").to_ascii_lowercase();
    assert!(request.starts_with("put /reports/runs/run-1.json http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\ncontent-length: 2\r\n") && !request.contains("transfer-encoding"), "{request}");
    assert!(request.contains(&format!("\r\nhost: {address}\r\n")), "{request}");
}
