//! A person's stop of one run, before its point of no return.
//!
//! The stop and the mark of the point of no return are conditional writes of the same record, so exactly one of them wins:
//! a run is stopped only while it holds the plan and has not passed that point, and a run that was stopped does not pass
//! it. Once it is past, a stop counts for nothing, whoever wrote it there: a run then only goes forward (S11). A stop is of
//! one run; the next one's lock has none.

use crate::lock::{Lock, LockState};

/// What a run's claim to hold the lock is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It holds it, and may go on.
    Holds,
    /// It holds it, and a person stopped it: who, and why. It makes no further change, and ends.
    Stopped(String),
    /// It holds it no longer: it must not act.
    Lost,
}

/// Why a run cannot be stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstoppable {
    /// It does not hold the plan: it has ended, has not begun, or another run has taken over.
    NotHeld,
    /// It is past its point of no return.
    PastPointOfNoReturn,
}

impl Lock {
    /// Who stopped the run that holds this lock, and why; `None` when nobody did, and past the point of no return.
    pub fn stop_in_force(&self) -> Option<&str> {
        self.stopped.as_deref().filter(|_| !self.past_point_of_no_return)
    }

    /// What the claim of `run_id` to hold this lock under `epoch` is worth.
    pub fn claim_of(&self, run_id: &str, epoch: u64) -> Claim {
        if self.state != LockState::Held || self.epoch != epoch || self.run.run_id != run_id {
            return Claim::Lost;
        }
        self.stop_in_force().map_or(Claim::Holds, |why| Claim::Stopped(why.to_owned()))
    }

    /// The record after a person stopped `run_id`; `why` says who and why, as `NAME: reason`. The epoch does not matter: a
    /// run that is being concluded has another one, and is stopped by then anyway.
    ///
    /// # Errors
    /// The run cannot be stopped.
    pub fn stop(mut self, run_id: &str, why: &str) -> Result<Self, Unstoppable> {
        if self.state != LockState::Held || self.run.run_id != run_id {
            return Err(Unstoppable::NotHeld);
        }
        if self.past_point_of_no_return {
            return Err(Unstoppable::PastPointOfNoReturn);
        }
        self.stopped = Some(why.to_owned());
        Ok(self)
    }
}
