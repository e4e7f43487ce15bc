//! What the function's environment says, and the SDK configuration made of it.
//!
//! Purpose: Region, credentials, names and endpoints come from environment variables, once, at start-up; an SDK client gets
//! a configuration made by hand. `aws-config` would cost start-up time and reach for the network and the disk.
//! Guarantees: a variable that is set wrongly is an error that names it, never a default; no retries below a step for
//! mutations (S13); every call has a deadline.
//! Effects: reads environment variables. Fails when: a variable is missing or malformed.

mod services;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use lifeboat_model::limits::{CALL_TIMEOUT, ENDPOINT_TIMEOUT, READ_TIMEOUT};
use lifeboat_model::{Arn, Region};
use thiserror::Error;

pub use services::Service;

/// See the text at its head for where they come from.
const AMAZON_ROOTS: &[u8] = include_bytes!("../certs/amazon-roots.pem");

/// How long TCP and TLS may take to a control plane: the SDK's own default. The same for reads and mutations, so that both
/// share one pool of connections.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

/// How long TCP and TLS may take to a routing-control endpoint: three round trips around half the world.
const ENDPOINT_CONNECT_TIMEOUT: Duration = Duration::from_millis(1000);

/// A variable that names a resource of the stack by its ARN: the variable, the service, and what to do when it is of another.
type Own = (&'static str, &'static str, &'static str);

const STATE_MACHINE: Own = ("LIFEBOAT_STATE_MACHINE", "states", "a run executes in the Region that starts it");
const TOPIC: Own = ("LIFEBOAT_TOPIC", "sns", "messages are published in the Region that runs the step");

/// How often a read is tried, the first time included.
const READ_ATTEMPTS: u32 = 2;

/// A variable of the environment is missing or wrong.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("read {variable} from the environment: {problem}; {remedy}")]
pub struct ConfigError {
    /// The variable.
    pub variable: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

impl ConfigError {
    fn new(variable: &str, problem: impl ToString, remedy: &'static str) -> Self {
        Self { variable: variable.to_owned(), problem: problem.to_string(), remedy }
    }
}

/// What a client is for; its retries and deadlines follow from that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// Reads of a control plane or the table: tried twice at most, within [`READ_TIMEOUT`] altogether.
    Reads,
    /// Calls that change something: sent once, within [`CALL_TIMEOUT`].
    Mutations,
    /// Calls to one of five routing-control endpoints: sent once, within [`ENDPOINT_TIMEOUT`]; the step asks the next one.
    Endpoint,
}

impl Calls {
    /// The SDK's retries for such calls.
    pub fn retries(self) -> RetryConfig {
        match self {
            Self::Reads => RetryConfig::standard().with_max_attempts(READ_ATTEMPTS),
            Self::Mutations | Self::Endpoint => RetryConfig::disabled(),
        }
    }

    /// The deadlines of such calls.
    pub fn timeouts(self) -> TimeoutConfig {
        let timeouts = TimeoutConfig::builder();
        match self {
            Self::Reads => timeouts
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(READ_TIMEOUT.as_duration() / READ_ATTEMPTS)
                .operation_timeout(READ_TIMEOUT.as_duration()),
            Self::Mutations => timeouts.connect_timeout(CONNECT_TIMEOUT).operation_timeout(CALL_TIMEOUT.as_duration()),
            Self::Endpoint => {
                timeouts.connect_timeout(ENDPOINT_CONNECT_TIMEOUT).operation_timeout(ENDPOINT_TIMEOUT.as_duration())
            }
        }
        .build()
    }
}

/// What the function's environment says.
#[derive(Clone, Debug)]
pub struct Environment {
    home: Region,
    table: Option<String>,
    table_region: Region,
    state_machine: Option<Arn>,
    topic: Option<Arn>,
    bucket: Option<String>,
    credentials: Credentials,
    endpoints: BTreeMap<Service, String>,
    http_client: SharedHttpClient,
}

impl Environment {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// The first variable that is missing or malformed.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(|variable| std::env::var(variable).ok())
    }

    /// Reads the environment that `lookup` knows. An empty variable counts as missing, as an empty parameter of a template
    /// leaves one.
    ///
    /// # Errors
    /// The first variable that is missing or malformed.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let set = |variable: &str| lookup(variable).filter(|value| !value.is_empty());
        let required = |variable: &str, remedy| set(variable).ok_or_else(|| missing(variable, remedy));
        let home = parse::<Region>("AWS_REGION", &required("AWS_REGION", "Lambda sets it; set it for a local run")?)?;
        let table_region = match set("LIFEBOAT_TABLE_REGION") {
            Some(region) => parse("LIFEBOAT_TABLE_REGION", &region)?,
            None => home.clone(),
        };
        let credentials = Credentials::new(
            required("AWS_ACCESS_KEY_ID", "Lambda sets it from the function's role; set it for a local run")?,
            required("AWS_SECRET_ACCESS_KEY", "Lambda sets it from the function's role; set it for a local run")?,
            set("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        Ok(Self {
            state_machine: set(STATE_MACHINE.0).map(|arn| read_own(STATE_MACHINE, &arn, &home)).transpose()?,
            topic: set(TOPIC.0).map(|arn| read_own(TOPIC, &arn, &home)).transpose()?,
            bucket: set("LIFEBOAT_BUCKET").map(|name| read_bucket(&name)).transpose()?,
            table: set("LIFEBOAT_TABLE"),
            table_region,
            home,
            credentials,
            endpoints: read_endpoints(set)?,
            http_client: SharedHttpClient::new(Unchecked(https())),
        })
    }

    /// The same with another HTTP client, such as a scripted one.
    #[must_use]
    pub fn with_http_client(mut self, http_client: SharedHttpClient) -> Self {
        self.http_client = http_client;
        self
    }

    /// The Region in which this function runs.
    pub const fn home(&self) -> &Region {
        &self.home
    }

    /// The name of the table, and the Region in which this function uses it: home, unless told otherwise.
    ///
    /// # Errors
    /// `LIFEBOAT_TABLE` is not set.
    pub fn table(&self) -> Result<(&str, &Region), ConfigError> {
        let remedy = "set it to the name of the DynamoDB table that holds plans and locks";
        let table = self.table.as_deref().ok_or_else(|| missing("LIFEBOAT_TABLE", remedy))?;
        Ok((table, &self.table_region))
    }

    /// The state machine that runs are executions of, in the home Region.
    ///
    /// # Errors
    /// `LIFEBOAT_STATE_MACHINE` is not set.
    pub fn state_machine(&self) -> Result<&Arn, ConfigError> {
        let remedy = "set it to the ARN of Lifeboat's state machine in this Region";
        self.state_machine.as_ref().ok_or_else(|| missing(STATE_MACHINE.0, remedy))
    }

    /// The topic to which messages for people are published, in the home Region.
    ///
    /// # Errors
    /// `LIFEBOAT_TOPIC` is not set.
    pub fn topic(&self) -> Result<&Arn, ConfigError> {
        let remedy = "set it to the ARN of Lifeboat's SNS topic in this Region";
        self.topic.as_ref().ok_or_else(|| missing(TOPIC.0, remedy))
    }

    /// The name of the bucket in which reports are kept, in the home Region.
    ///
    /// # Errors
    /// `LIFEBOAT_BUCKET` is not set.
    pub fn bucket(&self) -> Result<&str, ConfigError> {
        let remedy = "set it to the name of Lifeboat's S3 bucket in this Region";
        self.bucket.as_deref().ok_or_else(|| missing("LIFEBOAT_BUCKET", remedy))
    }

    /// The configuration of an SDK client of `service` in `region` for `calls`.
    pub fn config(&self, service: Service, region: &Region, calls: Calls) -> SdkConfig {
        let mut config = SdkConfig::builder();
        config.set_endpoint_url(self.endpoints.get(&service).cloned());
        config
            .behavior_version(BehaviorVersion::latest())
            .region(aws_types::region::Region::new(region.as_str().to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
            .http_client(self.http_client.clone())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .retry_config(calls.retries())
            .timeout_config(calls.timeouts())
            // Answers are small, and the operation's deadline covers their bodies: one timer is enough.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    /// The configuration of a client of one routing-control endpoint: `url`, signed for `region`.
    pub fn endpoint_config(&self, url: &str, region: &Region) -> SdkConfig {
        let config = self.config(Service::RoutingControl, region, Calls::Endpoint);
        match config.endpoint_url() {
            Some(_overridden) => config,
            None => config.into_builder().endpoint_url(url).build(),
        }
    }
}

fn missing(variable: &str, remedy: &'static str) -> ConfigError {
    ConfigError::new(variable, "it is not set", remedy)
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(variable: &str, value: &str) -> Result<T, ConfigError> {
    value.parse().map_err(|expected| {
        ConfigError::new(variable, format!("it is {value:?}, {expected}"), "correct it in the function's environment")
    })
}

/// The ARN of one of the stack's own resources, which are in the home Region.
fn read_own((variable, service, remedy): Own, text: &str, home: &Region) -> Result<Arn, ConfigError> {
    let arn: Arn = parse(variable, text)?;
    if arn.service() == service && arn.region() == home.as_str() {
        Ok(arn)
    } else {
        let problem = format!("it is {text:?}, which is of another service than {service} or not in {home}");
        Err(ConfigError::new(variable, problem, remedy))
    }
}

/// A bucket's name, which becomes part of a host's name.
fn read_bucket(text: &str) -> Result<String, ConfigError> {
    let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if (3..=63).contains(&text.len()) && text.bytes().all(known) {
        Ok(text.to_owned())
    } else {
        let problem = format!("it is {text:?}, which is no name of a bucket");
        Err(ConfigError::new("LIFEBOAT_BUCKET", problem, "correct it in the function's environment"))
    }
}

fn read_endpoints(set: impl Fn(&str) -> Option<String>) -> Result<BTreeMap<Service, String>, ConfigError> {
    let mut endpoints = BTreeMap::new();
    for service in Service::ALL {
        for variable in [service.endpoint_variable(), "AWS_ENDPOINT_URL"] {
            let Some(url) = set(variable) else { continue };
            if !url.starts_with("http://") && !url.starts_with("https://") {
                return Err(ConfigError::new(variable, format!("it is {url:?}"), "start it with http:// or https://"));
            }
            endpoints.entry(service).or_insert(url);
        }
    }
    Ok(endpoints)
}

/// One client for every service: connections are pooled by host. It serves `http://` as well, for local runs.
fn https() -> SharedHttpClient {
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build().expect("rustls takes any context");
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::rustls(CryptoMode::Ring))
        .tls_context(context)
        .build_https()
}

/// That client without its check at the making of each SDK client, which reads the roots anew: a test reads them instead. It
/// was a seventh of the instructions of a cold start.
#[derive(Debug)]
struct Unchecked(SharedHttpClient);

impl HttpClient for Unchecked {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trust_store_holds_the_five_roots_that_amazon_trust_services_names() {
        let text = String::from_utf8_lossy(AMAZON_ROOTS);
        assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        for n in 1..=4 {
            assert!(text.contains(&format!("CN=Amazon Root CA {n}")));
        }
        assert!(text.contains("CN=Starfield Services Root Certificate Authority - G2"));
    }

    #[cfg(feature = "dynamodb")]
    #[test]
    fn the_roots_of_the_trust_store_can_be_read() {
        let lookup = |name: &str| match name {
            "AWS_REGION" => Some("us-west-2".to_owned()),
            name => name.starts_with("AWS_").then(|| "none".to_owned()).filter(|_| !name.contains("ENDPOINT")),
        };
        let environment = Environment::read(lookup).expect("an environment").with_http_client(https());
        // The check that `Unchecked` leaves out: it panics over a certificate that is none.
        drop(aws_sdk_dynamodb::Client::new(&environment.config(Service::DynamoDb, environment.home(), Calls::Reads)));
    }
}
