//! The adapters, on real SDK clients whose connections are scripted. One target: the SDKs are linked once.

mod approvals;
mod archive;
mod brokers;
mod caches;
mod common;
mod compute;
mod databases;
mod environment;
mod executions;
mod faults;
mod ledger;
mod lock;
mod metrics;
mod notices;
mod operator;
mod resource_metrics;
mod routing;
mod tables;
mod wire;
