//! The adapters of the ports on the AWS SDKs, and the Lambda wiring.
//!
//! Purpose: everything that touches AWS is here, one file per port; a step sees only `lifeboat-ports`.
//!
//! Guarantees:
//! - A mutating call is sent at most once: its client has the SDK's retries off (S10, S13). Reads are tried twice at most.
//! - Every call has a deadline from `lifeboat_model::limits`.
//! - A call whose effect nobody knows is `TimedOut` or `Internal`; only a call that provably had none is anything else
//!   ([`errors`]).
//! - What an answer does not say is never filled with a default: it is an error or a value that says "unknown" (S9).
//!
//! Deliberately absent: `aws-config`, the instance metadata service, profile files, a second TLS stack, tracing. Region,
//! credentials and endpoints come from the function's environment ([`Environment`]), and start-up stays at milliseconds.

pub mod clients;
pub mod environment;
pub mod errors;
pub mod lambda;

mod chance;
mod clock;
mod names;

#[cfg(all(feature = "dynamodb", feature = "sfn"))]
mod approvals;
#[cfg(feature = "s3")]
mod archive;
#[cfg(feature = "mq")]
mod brokers;
#[cfg(feature = "elasticache")]
mod caches;
#[cfg(feature = "compute")]
mod compute;
#[cfg(feature = "rds")]
mod databases;
#[cfg(feature = "sfn")]
mod executions;
#[cfg(feature = "dynamodb")]
mod ledger;
#[cfg(feature = "cloudwatch")]
mod metrics;
#[cfg(feature = "sns")]
mod notices;
#[cfg(feature = "routing")]
mod routing;
#[cfg(feature = "operator")]
mod runs;
#[cfg(feature = "dynamodb")]
mod tables;

pub use chance::OsChance;
pub use clock::SystemClock;
pub use environment::{ConfigError, Environment};
pub use names::SystemNames;

#[cfg(all(feature = "dynamodb", feature = "sfn"))]
pub use approvals::SfnApprovals;
#[cfg(feature = "s3")]
pub use archive::S3Archive;
#[cfg(feature = "mq")]
pub use brokers::MqBrokers;
#[cfg(feature = "elasticache")]
pub use caches::ElastiCacheCaches;
#[cfg(feature = "compute")]
pub use compute::EcsCompute;
#[cfg(feature = "rds")]
pub use databases::AuroraDatabases;
#[cfg(feature = "sfn")]
pub use executions::SfnExecutions;
#[cfg(feature = "dynamodb")]
pub use ledger::DynamoLedger;
#[cfg(feature = "cloudwatch")]
pub use metrics::CloudWatchMetrics;
#[cfg(feature = "sns")]
pub use notices::SnsNotices;
#[cfg(feature = "routing")]
pub use routing::ClusterRouting;
#[cfg(feature = "operator")]
pub use runs::SfnRuns;
#[cfg(feature = "dynamodb")]
pub use tables::DynamoTables;
