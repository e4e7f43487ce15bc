//! Reports, in Amazon S3.
//!
//! Purpose: keeps what a run reports where people find it, and with the feature `operator` finds it again.
//! Guarantees: one call, sent once; S3 stores the object whole or not at all, and refuses one whose checksum does not match;
//! nothing is stored or read outside of `runs/`. Encryption is the bucket's own: the request names no key.
//! Effects: writes an object to the stack's own bucket, in the home Region. Fails when: S3 refuses or does not answer.
//!
//! One signed PUT or GET, and not `aws-sdk-s3`: that crate has 250,000 lines and brings ten more crates, for checksums, event
//! streams and sessions of which neither needs any. The signature, the time limits and the mapping of failures are those of
//! the SDKs (`aws-sigv4` and the orchestrator of `aws-smithy-runtime`); only the address and the body of an error are
//! made and read here. The address is that of the partitions `aws`, `aws-us-gov` and `aws-cn`.

use std::time::SystemTime;

use async_trait::async_trait;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::SdkConfig;
use lifeboat_model::Region;
#[cfg(feature = "operator")]
use lifeboat_ports::Reports;
use lifeboat_ports::{Archive, CallError, Fault};
use sha2::{Digest, Sha256};

use crate::Environment;
use crate::environment::{Calls, ConfigError, Service};
use crate::errors::call_error;

const PUT: &str = "s3:PutObject";
#[cfg(feature = "operator")]
const GET: &str = "s3:GetObject";

/// Where reports are kept: what the function may write.
const FOLDER: &str = "runs/";

/// The bucket of the home Region.
#[derive(Debug)]
pub struct S3Archive {
    put: Operation<HttpRequest, String, ErrorMetadata>,
    #[cfg(feature = "operator")]
    get: Operation<HttpRequest, String, ErrorMetadata>,
    config: SdkConfig,
    home: Region,
    bucket: String,
    address: Address,
}

/// Where the bucket is.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    /// Scheme and host.
    endpoint: String,
    /// What precedes a key.
    path: String,
}

impl S3Archive {
    /// The bucket that the environment names.
    ///
    /// # Errors
    /// `LIFEBOAT_BUCKET` is not set.
    pub fn new(environment: &Environment) -> Result<Self, ConfigError> {
        let (home, bucket) = (environment.home().clone(), environment.bucket()?.to_owned());
        let config = environment.config(Service::S3, &home, Calls::Mutations);
        let address = Address::of(&bucket, &home, config.endpoint_url());
        Ok(Self {
            put: operation("PutObject", &config, &address.endpoint),
            #[cfg(feature = "operator")]
            get: operation("GetObject", &config, &address.endpoint),
            config,
            home,
            bucket,
            address,
        })
    }

    /// A request for an object with its signature.
    async fn signed(&self, method: Method<'_>, key: &str, body: &str) -> Result<HttpRequest, BoxError> {
        let provider = self.config.credentials_provider().ok_or("no credentials")?;
        let identity: Identity = provider.provide_credentials().await?.into();
        let mut settings = SigningSettings::default();
        // As S3 wants it: the path as it is sent, and the body's checksum as a header.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.home.as_str())
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()?
            .into();
        let path = format!("{}/{}", self.address.path, encoded(key));
        // A bucket with Object Lock takes no object without a checksum of this kind.
        let checksum = aws_smithy_types::base64::encode(Sha256::digest(body));
        let (verb, headers) = match method {
            Method::Put { content_type } => {
                ("PUT", vec![("content-type", content_type), ("x-amz-checksum-sha256", checksum.as_str())])
            }
            #[cfg(feature = "operator")]
            Method::Get => ("GET", Vec::new()),
        };
        let url = format!("{}{path}", self.address.endpoint);
        let signable = SignableRequest::new(verb, url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes()))?;
        let (signature, _) = sign(signable, &params)?.into_parts();

        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(verb)?;
        request.set_uri(path)?;
        for (name, value) in headers.into_iter().chain(signature.headers()) {
            request.headers_mut().try_insert(name.to_owned(), value.to_owned())?;
        }
        Ok(request)
    }

    fn refused(&self, operation: &str, detail: String) -> CallError {
        CallError::new(operation, &self.home, Fault::Invalid).saying("", detail)
    }

    fn in_folder(&self, operation: &str, key: &str) -> Result<(), CallError> {
        if key.starts_with(FOLDER) {
            Ok(())
        } else {
            Err(self.refused(operation, format!("key {key} is not under {FOLDER}")))
        }
    }
}

/// What is done with an object.
#[derive(Clone, Copy)]
enum Method<'a> {
    Put {
        content_type: &'a str,
    },
    #[cfg(feature = "operator")]
    Get,
}

#[async_trait(?Send)]
impl Archive for S3Archive {
    async fn store(&self, key: &str, content_type: &str, body: &str) -> Result<String, CallError> {
        self.in_folder(PUT, key)?;
        let request = self.signed(Method::Put { content_type }, key, body).await;
        let request = request.map_err(|why| self.refused(PUT, why.to_string()))?;
        self.put.invoke(request).await.map_err(|error| call_error(PUT, &self.home, &error))?;
        Ok(format!("s3://{}/{key}", self.bucket))
    }
}

#[cfg(feature = "operator")]
#[async_trait(?Send)]
impl Reports for S3Archive {
    async fn fetch(&self, key: &str) -> Result<Option<String>, CallError> {
        self.in_folder(GET, key)?;
        let request = self.signed(Method::Get, key, "").await;
        let request = request.map_err(|why| self.refused(GET, why.to_string()))?;
        match self.get.invoke(request).await {
            Ok(body) => Ok(Some(body)),
            Err(error) if error.as_service_error().and_then(ErrorMetadata::code) == Some("NoSuchKey") => Ok(None),
            Err(error) => Err(call_error(GET, &self.home, &error)),
        }
    }
}

impl Address {
    /// The bucket's own host. In the path where the host cannot carry it: a certificate covers no name with more dots, and
    /// a local stand-in has one host.
    fn of(bucket: &str, region: &Region, endpoint: Option<&str>) -> Self {
        let suffix = if region.as_str().starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let in_path = |endpoint: String| Self { endpoint, path: format!("/{bucket}") };
        match endpoint {
            Some(url) => in_path(url.trim_end_matches('/').to_owned()),
            None if bucket.contains('.') => in_path(format!("https://s3.{region}.{suffix}")),
            None => Self { endpoint: format!("https://{bucket}.s3.{region}.{suffix}"), path: String::new() },
        }
    }
}

/// A call as the SDKs would send it: this client, these time limits, no retries. The request comes signed.
fn operation(name: &'static str, config: &SdkConfig, endpoint: &str) -> Operation<HttpRequest, String, ErrorMetadata> {
    let mut operation = Operation::builder()
        .service_name("s3")
        .operation_name(name)
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .no_auth()
        .no_retry()
        .timeout_config(Calls::Mutations.timeouts())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(client) = config.http_client() {
        operation = operation.http_client(client);
    }
    if let Some(sleep) = config.sleep_impl() {
        operation = operation.sleep_impl(sleep);
    }
    operation.serializer(Ok::<HttpRequest, BoxError>).deserializer(read).build()
}

fn read(response: &HttpResponse) -> Result<String, OrchestratorError<ErrorMetadata>> {
    let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
    if response.status().is_success() {
        return Ok(body.into_owned());
    }
    let mut error = ErrorMetadata::builder();
    if let Some(code) = element(&body, "Code") {
        error = error.code(code);
    }
    if let Some(message) = element(&body, "Message") {
        error = error.message(message);
    }
    Err(OrchestratorError::operation(error.build()))
}

/// The text of an element of S3's error document, which is flat.
fn element(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

/// A key as a path: every byte but the unreserved ones and the slash.
fn encoded(key: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    key.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_found_by_its_own_host_unless_that_cannot_carry_its_name() {
        let cases = [
            ("reports", "us-west-2", None, "https://reports.s3.us-west-2.amazonaws.com", ""),
            ("my.reports", "us-west-2", None, "https://s3.us-west-2.amazonaws.com", "/my.reports"),
            ("reports", "cn-north-1", None, "https://reports.s3.cn-north-1.amazonaws.com.cn", ""),
            ("reports", "us-west-2", Some("http://localhost:4566/"), "http://localhost:4566", "/reports"),
        ];
        for (bucket, region, endpoint, host, path) in cases {
            let address = Address::of(bucket, &region.parse().expect("a Region"), endpoint);
            assert_eq!((address.endpoint.as_str(), address.path.as_str()), (host, path));
        }
    }

    #[test]
    fn a_key_is_escaped_but_for_its_slashes() {
        assert_eq!(encoded("runs/retail-store/a:b c+ä.json"), "runs/retail-store/a%3Ab%20c%2B%C3%A4.json");
    }
}
