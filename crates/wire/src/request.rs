//! A request as it came, before its service reads it.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method};
use lifeboat_model::Region;
use percent_encoding::percent_decode_str;

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, still percent-encoded, as it was sent.
    pub path: String,
    /// The parameters of the query string, decoded.
    pub query: Vec<(String, String)>,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// Who signed it, and for what; `None` when it is not signed.
    pub signature: Option<Signature>,
}

/// What a signature says; whether it is right is not checked, as there are no secrets here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The id of the access key: it tells callers apart.
    pub access_key: String,
    /// The Region of the scope, which is the Region that the caller means to talk to.
    pub region: Region,
    /// The signing name of the service, such as `rds`.
    pub service: String,
}

impl Signature {
    /// Reads `AWS4-HMAC-SHA256 Credential=KEY/20260101/us-west-2/rds/aws4_request, SignedHeaders=..., Signature=...`.
    pub fn read(authorization: &str) -> Option<Self> {
        let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let credential = fields.split(',').find_map(|field| field.trim().strip_prefix("Credential="))?;
        let mut parts = credential.rsplitn(5, '/');
        let (end, service, region, _day) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let access_key = parts.next()?.to_owned();
        let region = region.parse().ok()?;
        (end == "aws4_request").then(|| Self { access_key, region, service: service.to_owned() })
    }
}

impl Request {
    /// The request with this head and `body`.
    pub fn of(head: Parts, body: Bytes) -> Self {
        let signature = head.headers.get("authorization").and_then(|v| v.to_str().ok()).and_then(Signature::read);
        let query = head.uri.query().unwrap_or_default();
        Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: head.headers,
            body,
            signature,
        }
    }

    /// The header called `name`, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The path's segments, decoded; the leading slash and empty segments are left out.
    pub fn segments(&self) -> Vec<String> {
        let decoded = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        self.path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect()
    }

    /// The parameter of the query string called `name`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_says_who_where_and_for_what() {
        let header =
            "AWS4-HMAC-SHA256 Credential=KEY/20261123/us-west-2/rds/aws4_request, SignedHeaders=host, Signature=0";
        let signature = Signature::read(header).expect("a signature");
        assert_eq!(signature.access_key, "KEY");
        assert_eq!(signature.region.as_str(), "us-west-2");
        assert_eq!(signature.service, "rds");
        for not_one in [
            "",
            "Bearer x",
            "AWS4-HMAC-SHA256 Credential=KEY/20261123/us-west-2/rds/other",
            "AWS4-HMAC-SHA256 Credential=KEY",
        ] {
            assert_eq!(Signature::read(not_one), None, "{not_one}");
        }
    }
}
