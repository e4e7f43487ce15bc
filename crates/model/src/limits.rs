//! Every bound of a run that is not the plan's to choose. A test holds `template.yaml` and the state machine to them.

use crate::Period;

/// The names of the steps, one per folder of `functions/`, state, template resource and log field.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// `start-run`
    StartRun,
    /// `admit`
    Admit,
    /// `assess`
    Assess,
    /// `request-approval`
    RequestApproval,
    /// `isolate-source`
    IsolateSource,
    /// `scale-compute`
    ScaleCompute,
    /// `promote-database`
    PromoteDatabase,
    /// `promote-cache`
    PromoteCache,
    /// `promote-broker`
    PromoteBroker,
    /// `check-table`
    CheckTable,
    /// `verify-writers`
    VerifyWriters,
    /// `shift-traffic`
    ShiftTraffic,
    /// `verify-traffic`
    VerifyTraffic,
    /// `conclude`
    Conclude,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 14] = [
        Self::StartRun,
        Self::Admit,
        Self::Assess,
        Self::RequestApproval,
        Self::IsolateSource,
        Self::ScaleCompute,
        Self::PromoteDatabase,
        Self::PromoteCache,
        Self::PromoteBroker,
        Self::CheckTable,
        Self::VerifyWriters,
        Self::ShiftTraffic,
        Self::VerifyTraffic,
        Self::Conclude,
    ];

    /// The name of its folder, binary and log field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartRun => "start-run",
            Self::Admit => "admit",
            Self::Assess => "assess",
            Self::RequestApproval => "request-approval",
            Self::IsolateSource => "isolate-source",
            Self::ScaleCompute => "scale-compute",
            Self::PromoteDatabase => "promote-database",
            Self::PromoteCache => "promote-cache",
            Self::PromoteBroker => "promote-broker",
            Self::CheckTable => "check-table",
            Self::VerifyWriters => "verify-writers",
            Self::ShiftTraffic => "shift-traffic",
            Self::VerifyTraffic => "verify-traffic",
            Self::Conclude => "conclude",
        }
    }

    /// The name of its state and, with `Function` behind it, of its template resource: `PromoteDatabase`.
    pub fn state_name(self) -> String {
        let capitalise = |word: &str| word[..1].to_uppercase() + &word[1..];
        self.as_str().split('-').map(capitalise).collect()
    }

    /// The hard timeout of its function: AWS ends the process then.
    pub const fn timeout(self) -> Period {
        match self {
            Self::StartRun | Self::Admit | Self::RequestApproval | Self::VerifyWriters => Period::seconds(30),
            Self::Assess | Self::ShiftTraffic => Period::seconds(45),
            Self::IsolateSource
            | Self::ScaleCompute
            | Self::PromoteDatabase
            | Self::PromoteCache
            | Self::PromoteBroker
            | Self::CheckTable
            | Self::VerifyTraffic
            | Self::Conclude => Period::seconds(60),
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether a message only wants the function's environment to exist. The state machine sends it while the verdict is
/// made, so that later steps start warm; nothing is read or changed.
pub fn is_warm_up(event: &serde_json::Value) -> bool {
    *event == serde_json::json!({"warm_up": true})
}

/// How long the lock is held without a sign of life. Longer than any step's hard timeout plus the longest wait between
/// two steps' signs of life (S5): whoever could still act is dead before another run may take the lock.
pub const LEASE: Period = Period::seconds(180);

/// How old a verdict may be when the point of no return is passed on its word (S8).
pub const VERDICT_FRESH: Period = Period::seconds(120);

/// How old a verification of the writers may be when traffic moves on its word (S3).
pub const WRITERS_FRESH: Period = Period::seconds(120);

/// How old the last lag datapoint may be, at the moment that it has to speak for. CloudWatch gives one a minute.
pub const LAG_FRESH: Period = Period::seconds(180);

/// How old a broker's last count of queues or messages may be and still be evidence. Amazon MQ reports one a minute.
pub const COUNT_FRESH: Period = Period::seconds(180);

/// How old a canary's last result may be and still be evidence. Canaries run once a minute.
pub const CANARY_FRESH: Period = Period::seconds(150);

/// How far back canary results are read: longer than any alarm that starts a run takes.
pub const CANARY_HISTORY: Period = Period::seconds(1800);

/// How far back they are read in an outage that is older than that, because nobody decided on a failover sooner: a long
/// weekend. CloudWatch keeps values of a minute for fifteen days; three of them are some 4,300 values of each metric.
pub const OUTAGE_HISTORY: Period = Period::seconds(259_200);

/// A canary run is green from this success percentage up.
pub const GREEN_PERCENT: f64 = 90.0;

/// How many outside vantage points must agree that the source is down (S9).
pub const VANTAGES_MIN: usize = 2;

/// After a promotion call that may have been lost: how long to look before believing that nothing happened.
pub const SETTLE: Period = Period::seconds(30);

/// How often one promotion may be called in one run, all but the last of them without effect.
pub const PROMOTION_CALLS_MAX: u32 = 3;

/// How often one service's capacity may be raised in one run. Raising twice does no harm, so a call of unknown fate is
/// looked for and then made again.
pub const SCALING_CALLS_MAX: u32 = 6;

/// Inside one invocation: how long a step watches an operation before it answers `pending`.
pub const WATCH: Period = Period::seconds(48);

/// The least time between two looks while watching: completion is seen half of it late, on average.
pub const POLL: Period = Period::ms(500);

/// The time between two looks at one of `resources` that are watched at the same time: all of one kind together ask their
/// control plane no more than about 20 times a second, whatever their number. AWS publishes no rates for these calls, and
/// in a Region's outage we are not alone. Never longer than [`POLL_MAX`], so that a look fits into [`WATCH`].
pub fn poll_among(resources: usize) -> Period {
    let together = u32::try_from(resources.max(1)).unwrap_or(u32::MAX);
    Period::ms(together.saturating_mul(50)).clamp(POLL, POLL_MAX)
}

/// The most time between two looks while watching.
pub const POLL_MAX: Period = Period::seconds(20);

/// How many reads a step makes at the same time: enough for a plan of a hundred databases in
/// one round trip. AWS publishes no rates; one that is throttled is read again.
pub const READS_AT_ONCE: usize = 100;

/// How many functions of one kind run at the same time, and how many shares a kind of resource is cut into at most.
pub const FUNCTIONS_AT_ONCE: usize = 10;

/// Cuts the names of one kind of resource into shares, at most [`FUNCTIONS_AT_ONCE`] of them: one function sees to all
/// resources of a share at the same time. Up to ten resources each has a function of its own. So the run's history does not
/// grow with the plan, and a function that has nearly all of its share behind it can look more often at the rest.
pub fn shares<T: Clone>(resources: &[T]) -> Vec<Vec<T>> {
    let size = resources.len().div_ceil(FUNCTIONS_AT_ONCE).max(1);
    resources.chunks(size).map(<[T]>::to_vec).collect()
}

/// The wait that a `pending` answer asks of the state machine.
pub const PENDING_WAIT_S: u32 = 1;

/// How long one read of a control plane may take, retries included.
pub const READ_TIMEOUT: Period = Period::seconds(8);

/// How long one mutating call to a control plane may take. No retries below the step.
pub const CALL_TIMEOUT: Period = Period::seconds(15);

/// How long `conclude` waits for the outcome of a call that another function of its run is making: the call's own
/// time-out, and the time to write what came of it. Less than its own hard timeout.
pub const CALLS_END: Period = Period::seconds(18);

/// How long after its beginning `conclude` gives up storing and telling its report: less than its hard timeout, at which AWS
/// would end it and the state machine would call a run that is well concluded again.
pub const REPORTED_BY: Period = Period::seconds(50);

/// How long one call to a routing-control endpoint may take before the next endpoint is asked.
pub const ENDPOINT_TIMEOUT: Period = Period::ms(1500);

/// How long a read waits for one routing-control endpoint before it asks the next as well: twice a usual answer.
pub const ENDPOINT_HEDGE: Period = Period::ms(300);

/// How long a look at the source may take: nothing waits for the source (S12).
pub const SOURCE_TIMEOUT: Period = Period::seconds(2);

/// How long `verify-writers` looks for agreement before it refuses.
pub const VERIFY_WRITERS_WINDOW: Period = Period::seconds(20);

/// The most routing controls in one atomic batch (quota of the routing-control API).
pub const ROUTING_BATCH_MAX: usize = 10;

/// How long a safety rule's wait period lasts unless configured otherwise, in seconds (5,000 ms, model of
/// route53-recovery-control-config).
pub const SAFETY_RULE_WAIT_S: u32 = 5;

/// How often `shift-traffic` changes routing in one invocation when a change's fate is unknown or read back wrong.
pub const SHIFT_ATTEMPTS_MAX: u32 = 3;
