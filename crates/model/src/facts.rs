//! Published service figures on which predictions rest. Each has its source; none is a promise.

use crate::Period;

/// Aurora: "Typically, the chosen secondary cluster assumes the primary role within a few minutes"; the disaster
/// recovery whitepaper says under one minute. We predict with the upper one.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html>
pub const PROMOTION_TYPICAL: Period = Period::seconds(180);

/// A routing-control change until Route 53 answers by it. AWS publishes no figure; Route 53 record changes "typically
/// propagate in less than 60 seconds", so we predict with that bound.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/best-practices-dns.html>
pub const ROUTING_PROPAGATION: Period = Period::seconds(60);

/// For how many times the worst recent replication latency writes to a DynamoDB global table must have ceased before all of
/// them can be taken to have arrived: no metric tells that for certain, and AWS says to pause writes and wait ten times
/// the recent maximum.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-global-table-design.html>
pub const TABLE_DRAIN_LATENCIES: f64 = 10.0;
