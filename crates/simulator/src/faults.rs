//! Faults that a test or a scenario puts into calls.

use lifeboat_model::{Period, Region};
use lifeboat_ports::{CallError, Fault};

use crate::explore::Explored;

/// What a fault does to the call that it meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The call is refused with this class, without effect.
    Refuse(Fault),
    /// No answer, and no effect.
    Silence,
    /// The call takes effect and its answer is lost.
    LostReply,
    /// The call takes effect, and its answer breaks off.
    Truncated,
    /// The call takes effect, and each way takes this much longer.
    Slow(Period),
    /// A look answers as it would have some seconds ago.
    Stale,
    /// A look answers in words that nobody knows.
    Unknown,
    /// The process ends before the call.
    CrashBefore,
    /// The process ends after the call took effect.
    CrashAfter,
    /// The process stands still before the call, for so long; for longer than its hard timeout means for ever.
    StandsStillBefore(Period),
    /// The process stands still after the call took effect.
    StandsStillAfter(Period),
}

/// A fault, and which calls it meets.
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// The operation, such as `rds:FailoverGlobalCluster`.
    pub operation: &'static str,
    /// Only calls to this Region or endpoint.
    pub place: Option<Region>,
    /// How many matching calls go by first.
    pub skip: u32,
    /// How many calls it meets after that.
    pub times: u32,
    /// What it does.
    pub kind: FaultKind,
}

impl FaultRule {
    /// Meets the first call of `operation`.
    pub fn once(operation: &'static str, kind: FaultKind) -> Self {
        Self { operation, place: None, skip: 0, times: 1, kind }
    }
}

/// The faults of a drill, and how often each fired.
#[derive(Default)]
pub struct Faults {
    rules: Vec<(FaultRule, u32)>,
    fired: u32,
    /// What is chosen call by call, if anything is.
    pub explored: Option<Explored>,
}

impl Faults {
    /// Adds a fault.
    pub fn add(&mut self, rule: FaultRule) {
        self.rules.push((rule, 0));
    }

    /// How many calls met a fault of a rule.
    pub fn fired(&self) -> u32 {
        self.fired
    }

    /// The fault that this call meets by a rule.
    pub(crate) fn meet(&mut self, operation: &str, place: &Region) -> Option<FaultKind> {
        for (rule, seen) in &mut self.rules {
            if rule.operation != operation || rule.place.as_ref().is_some_and(|p| p != place) {
                continue;
            }
            *seen += 1;
            if *seen > rule.skip && *seen <= rule.skip + rule.times {
                self.fired += 1;
                return Some(rule.kind);
            }
        }
        None
    }
}

/// The error of a refused call.
pub(crate) fn refusal(operation: &str, place: &Region, fault: Fault) -> CallError {
    CallError::new(operation, place, fault).saying("Injected", "by the drill")
}
