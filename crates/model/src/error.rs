//! The closed error taxonomy of the steps, and the reasons for which a run refuses to go on.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::read::Problem;

/// How a step fails. The names are public API: the state machine branches on them.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum StepError {
    /// The input or the plan is wrong. Nothing was touched; repeating it cannot help.
    #[error("{}", join(.0))]
    Rejected(Vec<Problem>),
    /// To go on now would be unsafe. The reasons say what would make it safe.
    #[error("{}", join(.0))]
    Refused(Vec<Reason>),
    /// A call had no effect and may be made again.
    #[error("{0}; it had no effect and is tried again")]
    Transient(String),
    /// A call may have taken effect. Look again; never repeat it blindly.
    #[error("{0}; it may have taken effect, so look before you repeat it")]
    Ambiguous(String),
}

impl StepError {
    /// Every name that a step can fail with.
    pub const NAMES: [&'static str; 4] =
        ["Lifeboat.Rejected", "Lifeboat.Refused", "Lifeboat.Transient", "Lifeboat.Ambiguous"];

    /// The name that the state machine branches on.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rejected(_) => Self::NAMES[0],
            Self::Refused(_) => Self::NAMES[1],
            Self::Transient(_) => Self::NAMES[2],
            Self::Ambiguous(_) => Self::NAMES[3],
        }
    }

    /// A refusal for one reason.
    pub fn refused(code: ReasonCode, resource: impl fmt::Display, detail: impl Into<String>) -> Self {
        Self::Refused(vec![Reason::new(code, resource, detail)])
    }

    /// One error for several: what is wrong with the input first, then what is unsafe, with every problem and reason; then
    /// calls of unknown fate, and last calls without effect. `None` when there are none.
    pub fn worst_of(errors: Vec<Self>) -> Option<Self> {
        let (mut problems, mut reasons, mut ambiguous, mut transient) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for error in errors {
            match error {
                Self::Rejected(more) => problems.extend(more),
                Self::Refused(more) => reasons.extend(more),
                Self::Ambiguous(what) => ambiguous.push(what),
                Self::Transient(what) => transient.push(what),
            }
        }
        match (problems.is_empty(), reasons.is_empty(), ambiguous.is_empty(), transient.is_empty()) {
            (false, _, _, _) => Some(Self::Rejected(problems)),
            (true, false, _, _) => Some(Self::Refused(reasons)),
            (true, true, false, _) => Some(Self::Ambiguous(ambiguous.join("; "))),
            (true, true, true, false) => Some(Self::Transient(transient.join("; "))),
            (true, true, true, true) => None,
        }
    }

    /// A rejection for one problem of a message between our own states.
    pub fn malformed(field: &str, detail: impl fmt::Display, expected: &str) -> Self {
        Self::Rejected(vec![Problem {
            line: None,
            field: field.to_owned(),
            value: detail.to_string(),
            expected: expected.to_owned(),
        }])
    }
}

fn join<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join("; ")
}

/// Why a run does not go on: what is unsafe, about which resource, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// The kind of reason; RUNBOOK has a paragraph on each.
    pub code: ReasonCode,
    /// The resource it is about.
    pub resource: String,
    /// What was seen.
    pub detail: String,
}

impl Reason {
    /// A reason of kind `code` about `resource`.
    pub fn new(code: ReasonCode, resource: impl fmt::Display, detail: impl Into<String>) -> Self {
        Self { code, resource: resource.to_string(), detail: detail.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}; {}", self.resource, self.code.as_str(), self.detail, self.code.remedy())
    }
}

macro_rules! reason_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $remedy:literal;)+) => {
        /// The kinds of reason for which a run refuses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum ReasonCode {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl ReasonCode {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in messages, reports and RUNBOOK.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What a person does about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)+ }
            }
        }
    };
}

reason_codes! {
    /// The run was started in a Region that is not its target.
    WrongRegion = "wrong-region", "start it in the target Region: a run must live without the source";
    /// The kill switch is set, for this plan or for all.
    Disabled = "disabled", "clear the kill switch when you want runs again";
    /// Another run holds the plan.
    LockHeld = "lock-held", "follow that run; when it ends, start again if there is still need";
    /// A run died after its point of no return, and this one goes elsewhere.
    UnfinishedRun = "unfinished-run", "start a run in the same direction as the unfinished one, or acknowledge it first";
    /// A run ended in NeedsOperator and nobody has acknowledged it.
    NeedsOperator = "needs-operator", "read that run's report, mend what it names, acknowledge it, then start again";
    /// A run ended less than the cool-down ago.
    CoolDown = "cool-down", "wait, or acknowledge the earlier run to end its cool-down";
    /// An alarm asked for the way back.
    AutomaticFailback = "automatic-failback", "go back by a switchover that a person starts, or acknowledge the earlier run";
    /// This run has already ended; a late copy of one of its steps came.
    RunEnded = "run-ended", "nothing: the late copy changed nothing";
    /// The lock's epoch moved on: another run took over.
    LockLost = "lock-lost", "follow the run that holds the plan now";
    /// A failover needs a person's consent to data loss and has none.
    ConsentMissing = "consent-missing", "give consent in the request: max_data_loss, accepted_by, reason, expires";
    /// The consent to data loss has expired.
    ConsentExpired = "consent-expired", "give a new consent";
    /// A failover was asked for while the source answers.
    SourceHealthy = "source-healthy", "use a switchover, which loses nothing";
    /// Not enough vantage points agree that the source is down.
    SourceUncertain = "source-uncertain", "look at the canaries; unreachable from one place is not down";
    /// A switchover was asked for while the source is not well.
    SourceUnhealthy = "source-unhealthy", "mend the source, or decide for a failover with consent";
    /// A failover to where the workload already is.
    AlreadyThere = "already-there", "nothing: writers, primaries and traffic are in the target";
    /// The target could not serve.
    TargetUnhealthy = "target-unhealthy", "mend the target first: moving there would make it worse";
    /// Nobody knows how far the target is behind.
    LagUnknown = "lag-unknown", "find out why the lag metric is missing; unknown is not zero";
    /// More would be lost than was consented to, or a switchover would wait too long.
    LagOverLimit = "lag-over-limit", "wait until replication catches up, or give consent with a higher max_data_loss";
    /// A database cannot be promoted as it stands.
    DatabaseNotReady = "database-not-ready", "look at the cluster in the RDS console of the target";
    /// Somebody else's operation is under way.
    OperationInProgress = "operation-in-progress", "let it end or cancel it, then start again";
    /// The verdict is too old to act on.
    VerdictStale = "verdict-stale", "start again: the world may have changed since it was assessed";
    /// The routing-control cluster does not know a control of the plan.
    RoutingUnknown = "routing-unknown", "compare the plan's controls with the cluster's control panel";
    /// A promotion was accepted and did not end in time.
    PromotionStalled = "promotion-stalled", "look at the global cluster; when its writer is in the target, acknowledge and start again";
    /// A promotion was accepted, and now none is under way and the writer has not moved.
    PromotionLost = "promotion-lost", "read the RDS events of the global cluster, acknowledge and start again";
    /// A promotion is being cancelled.
    PromotionCancelled = "promotion-cancelled", "find out who cancelled it, acknowledge and start again";
    /// A writer is not where it has to be before traffic moves.
    WriterNotVerified = "writer-not-verified", "look at the named cluster; traffic was not moved";
    /// No fresh verification of the writers stands in the journal.
    WritersUnverified = "writers-unverified", "run verify-writers again; traffic moves only on its fresh word";
    /// A safety rule of the routing-control cluster blocked the change.
    SafetyRule = "safety-rule", "look at the named safety rule; Lifeboat never overrides one";
    /// The target did not come to serve in time after traffic moved.
    TrafficNotVerified = "traffic-not-verified", "look at DNS and canaries; traffic stays where it is, a person decides";
    /// A person said no.
    ApprovalDenied = "approval-denied", "ask who denied it; start again when they agree";
    /// A person stopped this run before its point of no return.
    Stopped = "stopped", "ask who stopped it; start again when they agree";
    /// Nobody answered in time.
    ApprovalExpired = "approval-expired", "start a run by hand, or let the next alarm ask again";
    /// A person has to approve this run and has not.
    ApprovalMissing = "approval-missing", "approve it or deny it; nothing is changed before";
    /// A cache could not be promoted, or is not well.
    CacheNotReady = "cache-not-ready", "look at the global datastore in the ElastiCache console of the target";
    /// A global table does not serve in the target.
    TableNotReady = "table-not-ready", "look at the table's replica in the target";
    /// A global table is behind, or nobody knows how far.
    TableBehind = "table-behind", "look at ReplicationLatency in the source; wait until it falls, then start again";
    /// A broker does not run in the target, or could not be promoted.
    BrokerNotReady = "broker-not-ready", "look at the broker in the Amazon MQ console of the target";
    /// In a failover nobody can say how far an eventually consistent table is behind. Warns, and refuses nothing.
    TableLagUnknown = "table-lag-unknown", "nothing now; look at the table's newest items in the source when it is back";
    /// Messages are left in the source's broker.
    BrokerNotDrained = "broker-not-drained", "let consumers in the source empty the queues, then acknowledge";
    /// The target's capacity cannot be raised as far as the plan wants.
    ComputeNotReady = "compute-not-ready", "look at the service and its scaling limits in the target";
    /// The capacity that the target needs did not come in time.
    CapacityShort = "capacity-short", "look at the service's events in the target; lower minimum_percent only if less is enough";
    /// Traffic did not leave the source in time.
    SourceNotDrained = "source-not-drained", "look at DNS; the source is off, the target serves, writers have not moved";
    /// AWS refused a call.
    CallRefused = "call-refused", "look at the message: permission, name or state is wrong";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_name_of_its_own_and_a_remedy() {
        let mut names: Vec<_> = ReasonCode::ALL.iter().map(|c| c.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ReasonCode::ALL.len());
        for code in ReasonCode::ALL {
            assert!(code.remedy().len() > 10, "{}", code.as_str());
            assert_eq!(serde_json::to_value(code).ok(), Some(code.as_str().into()));
        }
    }
}
