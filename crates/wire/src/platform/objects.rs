//! S3: the reports of runs.
//!
//! Purpose: `conclude` stores, people and the AWS CLI fetch. Guarantees: what was stored last under a key is what is there;
//! a bucket answers in its own Region only. Effects: stores objects. Fails when: never.

use async_trait::async_trait;
use http::{Method, StatusCode};
use lifeboat_model::limits::Step;
use lifeboat_model::{Region, Timestamp};
use lifeboat_simulator::world::messages::Stored;

use super::bucket;
use super::notices::escaped;
use crate::callers::{Act, Callers};
use crate::face::Service;
use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;

/// S3, with one bucket in each Region.
pub struct ObjectsService {
    callers: Callers,
}

impl ObjectsService {
    /// The buckets of the world of `callers`.
    pub const fn new(callers: Callers) -> Self {
        Self { callers }
    }

    async fn answer(&self, request: &Request) -> Result<Reply, Refusal> {
        let forbidden = || Refusal::with_status(StatusCode::FORBIDDEN, "AccessDenied", "the request is not signed");
        let signature = request.signature.as_ref().ok_or_else(forbidden)?;
        let (access_key, region) = (&signature.access_key, &signature.region);
        let key = key(request, region)?;
        let (operation, act) = match (&request.method, key.is_empty()) {
            (&Method::PUT, false) => ("s3:PutObject", Act::Change),
            (&Method::GET | &Method::HEAD, false) => ("s3:GetObject", Act::Look),
            (&Method::GET, true) if request.parameter("list-type") == Some("2") => ("s3:ListObjectsV2", Act::Look),
            (&Method::HEAD, true) => ("s3:HeadBucket", Act::Look),
            (method, _) => {
                let words = format!("the simulator does not serve {method} {}", request.path);
                return Err(Refusal::with_status(StatusCode::NOT_IMPLEMENTED, "NotImplemented", words));
            }
        };
        let ports = self.callers.ports(access_key, Step::Conclude, act, region);
        let reply = ports.call_platform(operation, region, &key, |world| {
            Ok(match operation {
                "s3:PutObject" => {
                    let body = String::from_utf8_lossy(&request.body);
                    let content_type = request.header("content-type").unwrap_or("binary/octet-stream");
                    world.store_object(region, &key, content_type, &body);
                    Ok(Reply::new(StatusCode::OK, "application/xml", "").with("etag", etag(&body)))
                }
                "s3:GetObject" => {
                    let state = world.state();
                    let found = state.messages.stored.iter().rev().find(|o| o.key == key && o.region == *region);
                    found.map(|object| object_reply(object, &request.method)).ok_or_else(|| {
                        let words = "The specified key does not exist.";
                        Refusal::with_status(StatusCode::NOT_FOUND, "NoSuchKey", words)
                    })
                }
                "s3:ListObjectsV2" => Ok(listed(&world.state().messages.stored, request, region)),
                _ => Ok(Reply::new(StatusCode::OK, "application/xml", "")),
            })
        });
        reply.await?
    }
}

#[async_trait(?Send)]
impl Service for ObjectsService {
    async fn serve(&self, request: &Request) -> Reply {
        match self.answer(request).await {
            Ok(reply) => reply.with("x-amz-request-id", "SIMULATED"),
            Err(Refusal::Said { status, code, message, .. }) => {
                let message = escaped(&message);
                let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
                // An answer to HEAD has no body.
                let body = if request.method == Method::HEAD { String::new() } else { body };
                Reply::new(status, "application/xml", body).with("x-amz-request-id", "SIMULATED")
            }
            Err(Refusal::Gone) => Reply::Gone,
        }
    }
}

/// The key that the request names: in the path after the bucket, or where the host names the bucket in the path alone.
fn key(request: &Request, region: &Region) -> Result<String, Refusal> {
    let own = bucket(region);
    let host = request.header("host").unwrap_or_default();
    let mut segments = request.segments();
    if !host.starts_with(&format!("{own}.")) {
        if segments.first() != Some(&own) {
            let words = "The specified bucket does not exist";
            return Err(Refusal::with_status(StatusCode::NOT_FOUND, "NoSuchBucket", words));
        }
        segments.remove(0);
    }
    Ok(segments.join("/"))
}

/// Not MD5, which nobody checks here: what differs has another one.
fn etag(body: &str) -> String {
    let sum = body.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, b| (sum ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("\"{sum:032x}\"")
}

fn object_reply(object: &Stored, method: &Method) -> Reply {
    let body = if method == Method::HEAD { "" } else { object.body.as_str() };
    let reply = Reply::new(StatusCode::OK, &object.content_type, body.to_owned());
    let reply = reply.with("etag", etag(&object.body)).with("last-modified", http_date(object.at));
    if method == Method::HEAD { reply.with("content-length", object.body.len().to_string()) } else { reply }
}

/// `Mon, 23 Nov 2026 12:00:00 GMT`
fn http_date(at: Timestamp) -> String {
    let date = chrono::DateTime::from_timestamp_millis(at.as_ms()).unwrap_or_default();
    date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn listed(stored: &[Stored], request: &Request, region: &Region) -> Reply {
    let prefix = request.parameter("prefix").unwrap_or_default();
    let mut newest: std::collections::BTreeMap<&str, &Stored> = std::collections::BTreeMap::new();
    for object in stored.iter().filter(|o| o.region == *region && o.key.starts_with(prefix)) {
        newest.insert(&object.key, object);
    }
    let contents: String = newest
        .values()
        .map(|o| {
            let (key, tag) = (escaped(&o.key), escaped(&etag(&o.body)));
            format!(
                "<Contents><Key>{key}</Key><LastModified>{}</LastModified><ETag>{tag}</ETag><Size>{}</Size>\
                 <StorageClass>STANDARD</StorageClass></Contents>",
                o.at,
                o.body.len()
            )
        })
        .collect();
    let body = format!(
        "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{}</Name><Prefix>{}</Prefix>\
         <KeyCount>{}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>",
        bucket(region),
        escaped(prefix),
        newest.len()
    );
    Reply::new(StatusCode::OK, "application/xml", body)
}
