//! The lock of a plan: which run holds it, under which epoch, until when, and what the last run left behind.
//!
//! Pure transitions; the ledger stores a record by compare-and-swap on what was read. One record per plan serves every
//! Region, direction and trigger (S4); the epoch only grows and fences stale actors (S5).

use serde::{Deserialize, Serialize};

use crate::limits::LEASE;
use crate::plan::{Consent, Name};
use crate::request::{Mode, Trigger};
use crate::{Direction, Reason, ReasonCode, Timestamp};

/// The lock of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// Grows by one with each admitted run.
    pub epoch: u64,
    /// Held, free or waiting for a person.
    pub state: LockState,
    /// Until when the holder is taken to be alive.
    pub lease_expires_at: Timestamp,
    /// The run that holds the plan, or held it last.
    pub run: Admission,
    /// Whether this run is about to make, or has made, its first promotion. Set with the fence before that call.
    pub past_point_of_no_return: bool,
    /// Whether an earlier run died after its point of no return, and this one finishes what it began.
    pub inherits_change: bool,
    /// Until when no run starts; set when a run ends well. A later run keeps it, long past, until a person acknowledges:
    /// it is what is remembered of a change that no alarm may undo.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cool_down_until: Option<Timestamp>,
    /// Whether a person has acknowledged the last run.
    pub acknowledged: bool,
    /// Who stopped this run before its point of no return, and why: `NAME: reason`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped: Option<String>,
}

/// Who may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockState {
    /// A run holds the plan.
    Held,
    /// No run holds it.
    Free,
    /// The last run ended in NeedsOperator: nothing starts before a person acknowledges it.
    NeedsOperator,
}

/// What was admitted: the authority under which every step of the run acts. Steps take it from here, not from input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// The execution's ARN: unique across Regions.
    pub run_id: String,
    /// The version of the plan that the run was admitted with.
    pub plan_version: u64,
    /// From where to where.
    pub direction: Direction,
    /// How.
    pub mode: Mode,
    /// The consent that a failover acts under.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub consent: Option<Consent>,
    /// Who or what asked.
    pub trigger: Trigger,
    /// Whether a person has to say yes, and has.
    #[serde(default)]
    pub approval: Approval,
    /// When it was admitted.
    pub admitted_at: Timestamp,
}

/// Whether a person has to say yes before a run changes anything, and has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum Approval {
    /// Nobody is asked: a person started the run, or the plan lets an alarm do it.
    #[default]
    NotNeeded,
    /// A person is asked, and nothing is changed before the answer.
    Awaited,
    /// A person said yes.
    Given {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
}

/// What `admit` does with the lock it read.
#[derive(Clone, Debug, PartialEq)]
pub enum Acquisition {
    /// Store this record, if the lock is still as it was read.
    Take(Box<Lock>),
    /// This run holds it already.
    Mine,
    /// No.
    Refuse(Reason),
}

impl Lock {
    /// Decides whether `admission` may take the lock of `plan` that reads as `current`.
    pub fn acquire(plan: &Name, current: Option<&Self>, admission: Admission, now: Timestamp) -> Acquisition {
        let refuse = |code, detail: String| Acquisition::Refuse(Reason::new(code, format!("plan {plan}"), detail));
        let Some(lock) = current else {
            return Acquisition::Take(Box::new(Self::held(1, admission, now)));
        };
        let next = |admission| {
            let inherits_change = lock.state == LockState::Held && lock.left_something();
            let cool_down_until = lock.cool_down_until.filter(|_| !lock.acknowledged);
            let held = Self::held(lock.epoch + 1, admission, now);
            Acquisition::Take(Box::new(Self { inherits_change, cool_down_until, ..held }))
        };
        let no_way_back = || {
            refuse(
                ReasonCode::AutomaticFailback,
                format!("nobody has acknowledged what came before; the last run went {}", lock.run.direction),
            )
        };
        let last = &lock.run;
        let same_run = last.run_id == admission.run_id;
        let same_direction = last.direction == admission.direction;
        match lock.state {
            LockState::Held if same_run => Acquisition::Mine,
            LockState::Free | LockState::NeedsOperator if same_run => {
                refuse(ReasonCode::RunEnded, format!("run {} has ended", last.run_id))
            }
            LockState::Held if lock.lease_expires_at > now => refuse(
                ReasonCode::LockHeld,
                format!("run {} ({}) holds it until {}", last.run_id, last.direction, lock.lease_expires_at),
            ),
            LockState::Held if lock.left_something() && !same_direction => refuse(
                ReasonCode::UnfinishedRun,
                format!("run {} ({}) stopped after its point of no return", last.run_id, last.direction),
            ),
            LockState::Held if !lock.left_something() && lock.would_fail_back_by_itself(&admission) => no_way_back(),
            LockState::Held => next(admission),
            LockState::NeedsOperator => {
                refuse(ReasonCode::NeedsOperator, format!("run {} ({}) needs a person", last.run_id, last.direction))
            }
            LockState::Free => match lock.rests_until(now) {
                Some(until) => {
                    refuse(ReasonCode::CoolDown, format!("run {} ended; nothing starts before {until}", last.run_id))
                }
                None if lock.would_fail_back_by_itself(&admission) => no_way_back(),
                None => next(admission),
            },
        }
    }

    fn left_something(&self) -> bool {
        self.past_point_of_no_return || self.inherits_change
    }

    fn held(epoch: u64, run: Admission, now: Timestamp) -> Self {
        Self {
            epoch,
            state: LockState::Held,
            lease_expires_at: now.plus(LEASE),
            run,
            past_point_of_no_return: false,
            inherits_change: false,
            cool_down_until: None,
            acknowledged: false,
            stopped: None,
        }
    }

    fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.cool_down_until.filter(|until| *until > now && !self.acknowledged)
    }

    /// Whether an alarm asks to undo a change that nobody has acknowledged. When the last run made none itself, the
    /// change is that of a run before it, whose direction is not recorded here: then no alarm starts anything.
    fn would_fail_back_by_itself(&self, admission: &Admission) -> bool {
        let automatic = match admission.trigger {
            Trigger::Alarm { .. } => true,
            Trigger::Operator { .. } => false,
        };
        match self.cool_down_until {
            Some(until) if automatic && !self.acknowledged => {
                let of_an_earlier_run = until <= self.run.admitted_at;
                of_an_earlier_run || admission.direction != self.run.direction
            }
            Some(_) | None => false,
        }
    }

    /// Why a run that an alarm wants to start now would be refused; `None` when it may be tried.
    pub fn refuses_start(plan: &Name, current: Option<&Self>, admission: Admission, now: Timestamp) -> Option<Reason> {
        match Self::acquire(plan, current, admission, now) {
            Acquisition::Take(_) | Acquisition::Mine => None,
            Acquisition::Refuse(reason) => Some(reason),
        }
    }

    /// The record with which `conclude` of the run itself fences out its other steps before it looks at what they did: an
    /// aborted map leaves functions running, and one that has not passed its fence by now never acts (S5, S11).
    #[must_use]
    pub fn fencing_out_its_steps(mut self, now: Timestamp) -> Self {
        self.epoch += 1;
        self.lease_expires_at = now.plus(LEASE);
        self
    }

    /// The record after the run ended well: free, resting.
    #[must_use]
    pub fn completed(mut self, cool_down_until: Timestamp) -> Self {
        self.state = LockState::Free;
        self.cool_down_until = Some(cool_down_until);
        self
    }

    /// The record after the run ended without having changed anything: free at once.
    #[must_use]
    pub fn unchanged(mut self) -> Self {
        self.state = LockState::Free;
        self
    }

    /// The record after the run ended in a state that a person must look at.
    #[must_use]
    pub fn needs_operator(mut self) -> Self {
        self.state = LockState::NeedsOperator;
        self
    }

    /// The record after a person acknowledged the last run: nothing rests, nothing waits. A run that is alive has not
    /// ended, so there is nothing to acknowledge; one that died is over with this, and fenced out.
    #[must_use]
    pub fn acknowledged(mut self, now: Timestamp) -> Self {
        match self.state {
            LockState::Held if self.lease_expires_at > now => self,
            LockState::Held | LockState::Free | LockState::NeedsOperator => {
                self.state = LockState::Free;
                self.acknowledged = true;
                self
            }
        }
    }
}
