//! How long the simulated services take. Every figure with its source; where AWS publishes none, our assumption says so.
//!
//! A [`Span`] is a triangular distribution: never below `min`, most often near `typical`, never above `max`.

use lifeboat_model::Period;

/// A distribution of durations, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The shortest.
    pub min_ms: u32,
    /// The most frequent.
    pub typical_ms: u32,
    /// The longest.
    pub max_ms: u32,
}

impl Span {
    const fn new(min_ms: u32, typical_ms: u32, max_ms: u32) -> Self {
        Self { min_ms, typical_ms, max_ms }
    }

    /// Whether it is seconds that it takes: promotions, tasks, propagation; no single call.
    pub(crate) const fn takes_seconds(self) -> bool {
        self.typical_ms > 1_000
    }

    /// One duration, by chance.
    pub fn sample(self, rng: &mut fastrand::Rng) -> Period {
        let (min, mode, max) = (f64::from(self.min_ms), f64::from(self.typical_ms), f64::from(self.max_ms));
        let u = rng.f64();
        let split = (mode - min) / (max - min);
        let ms = if u < split {
            min + (u * (max - min) * (mode - min)).sqrt()
        } else {
            max - ((1.0 - u) * (max - min) * (max - mode)).sqrt()
        };
        Period::ms(ms.round() as u32)
    }
}

/// Aurora failover, from the accepted call to the cleared `FailoverState`. The disaster recovery whitepaper says under
/// one minute, the user guide "a few minutes" (aws-facts 3.3): the two disagree, so we span both.
pub const FAILOVER: Span = Span::new(35_000, 75_000, 180_000);

/// Aurora switchover, from the accepted call to the cleared `FailoverState`. The user guide gives no figure beyond
/// "RPO 0"; assumption: like a failover without the detection.
pub const SWITCHOVER: Span = Span::new(30_000, 60_000, 120_000);

/// The part of a switchover in which no cluster takes writes. Assumption.
pub const SWITCHOVER_WRITE_STOP: Span = Span::new(6_000, 12_000, 30_000);

/// From the writer's move to the cluster being `available` and `FailoverState` clear. Assumption.
pub const PROMOTION_SETTLES: Span = Span::new(1_000, 3_000, 8_000);

/// How long an accepted operation stays `pending`. Assumption.
pub const PROMOTION_PENDING: Span = Span::new(500, 1_500, 4_000);

/// Aurora global replication lag: "typically under a second".
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database.html>
pub const REPLICATION_LAG: Span = Span::new(60, 250, 900);

/// The old primary's way back after a failover: "a few minutes to several hours" (aws-facts 3.3); we take the near end,
/// since drills are short.
pub const REJOIN: Span = Span::new(180_000, 400_000, 900_000);

/// ElastiCache, promotion of a global datastore's secondary, from the accepted call to the group being `available`. The AWS
/// DR workshop says about one minute (aws-facts 4.1); the spread is an assumption.
pub const CACHE_PROMOTION: Span = Span::new(20_000, 45_000, 90_000);

/// Replication lag of a global datastore: "generally less than a second" (aws-facts 4.1). The distribution is an assumption.
pub const CACHE_LAG: Span = Span::new(40, 150, 600);

/// From the return of a dark Region to its former primary being a secondary again, with its data copied anew. Assumption.
pub const CACHE_REJOIN: Span = Span::new(120_000, 240_000, 600_000);

/// DynamoDB global table replication: "typically within a second" (aws-facts 4.2). The distribution is an assumption.
pub const TABLE_LATENCY: Span = Span::new(200, 600, 1_500);

/// Amazon MQ, promotion of an ActiveMQ replica broker, from the accepted call to it being `RUNNING`. AWS publishes no
/// figure. Assumption.
pub const BROKER_PROMOTION: Span = Span::new(30_000, 60_000, 150_000);

/// The part of a broker's switchover in which neither broker takes messages: the developer guide says that there is one,
/// without a figure. <https://docs.aws.amazon.com/amazon-mq/latest/developer-guide/initate-failover.html> Assumption.
pub const BROKER_WRITE_STOP: Span = Span::new(3_000, 8_000, 20_000);

/// From the return of a dark Region to its former primary broker being a replica. Assumption.
pub const BROKER_REJOIN: Span = Span::new(60_000, 180_000, 480_000);

/// Until the consumers of a RabbitMQ broker have emptied its queues, once nobody sends any more. Assumption. Not drawn:
/// reading a metric must not draw from the world's chances.
pub const BROKER_DRAINS: Period = Period::seconds(90);

/// A Fargate task, from the raised count until it is healthy behind the load balancer: image, start, health checks. AWS
/// publishes no figure. Assumption.
pub const TASK_START: Span = Span::new(25_000, 45_000, 90_000);

/// From a raised minimum to Application Auto Scaling raising the count below it. It "adjusts" it by itself (aws-facts 4.4),
/// when is not said. Assumption.
pub const AUTO_SCALING_ACTS: Period = Period::seconds(1);

/// How often target tracking adds a task while a Region that serves everybody has too few. Assumption: its alarms look
/// once a minute.
pub const TARGET_TRACKING: Period = Period::seconds(60);

/// A message to SNS. Assumption.
pub const NOTICE_PUBLISH: Span = Span::new(30, 60, 250);

/// An object to S3. Assumption.
pub const OBJECT_PUT: Span = Span::new(40, 80, 300);

/// A describe or other control-plane read. Assumption.
pub const CONTROL_PLANE_READ: Span = Span::new(30, 70, 250);

/// A mutating control-plane call. Assumption.
pub const CONTROL_PLANE_CALL: Span = Span::new(150, 350, 1_200);

/// A strongly consistent read of a multi-Region strongly consistent table: one round trip to another Region of the set
/// (us-east-1 to us-west-2 is about 65 ms). Assumption on that basis.
pub const TABLE_READ: Span = Span::new(30, 70, 160);

/// A write of such a table. Assumption on the same basis.
pub const TABLE_WRITE: Span = Span::new(40, 80, 200);

/// GetMetricData. Assumption.
pub const METRICS_READ: Span = Span::new(40, 90, 300);

/// A routing-control endpoint, which may be a continent away. Assumption.
pub const ROUTING_CALL: Span = Span::new(40, 150, 400);

/// From a routing-control change to Route 53 answering by it, through the health check. AWS publishes no figure
/// (aws-facts 2.5). Assumption: health-check propagation of some seconds.
pub const ROUTING_PROPAGATION: Span = Span::new(2_000, 8_000, 30_000);

/// A DNS query. Assumption.
pub const DNS_QUERY: Span = Span::new(2, 10, 60);

/// Step Functions, one state transition. Assumption; Standard workflows publish no latency.
pub const STATE_TRANSITION: Span = Span::new(15, 30, 80);

/// Starting an execution, until its first state is entered. Assumption.
pub const EXECUTION_START: Span = Span::new(40, 90, 250);

/// Lambda: invoking a warm environment. Assumption.
pub const LAMBDA_WARM: Span = Span::new(5, 12, 40);

/// Lambda: a new environment for a small Rust binary; its own init is about 3 ms of CPU (measured), the rest is Lambda's.
/// Assumption for the rest.
pub const LAMBDA_COLD: Span = Span::new(90, 160, 400);

/// From a canary's run to its result being readable. Assumption.
pub const CANARY_PUBLISHES: Span = Span::new(3_000, 8_000, 15_000);

/// From the end of an alarm's period to its evaluation: alarms with periods of a minute are evaluated every minute
/// (aws-facts 5.3); the delay within the minute is an assumption.
pub const ALARM_EVALUATES: Span = Span::new(2_000, 5_000, 10_000);

/// From an alarm's transition to its Lambda action being invoked. Assumption.
pub const ALARM_ACTS: Span = Span::new(300, 800, 2_500);

/// The time between two runs of a canary: the guidance runs them once a minute.
pub const CANARY_INTERVAL: Period = Period::seconds(60);

/// How long the store's services keep the resolved global writer endpoint: the Aurora guide says to lower DNS caches,
/// to 5 seconds for example (aws-facts 3.5).
pub const WRITER_ENDPOINT_CACHE: Period = Period::seconds(5);

/// The wait period of a safety rule: 5,000 ms by default (model of route53-recovery-control-config).
pub const SAFETY_RULE_WAIT: Period = Period::seconds(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_stay_within_their_span_and_centre_near_its_mode() {
        let mut rng = fastrand::Rng::with_seed(1);
        let samples: Vec<i64> = (0..2000).map(|_| FAILOVER.sample(&mut rng).as_ms()).collect();
        assert!(samples.iter().all(|ms| (35_000..=180_000).contains(ms)));
        let mean = samples.iter().sum::<i64>() / 2000;
        assert!((90_000..104_000).contains(&mean), "{mean}");
    }
}
