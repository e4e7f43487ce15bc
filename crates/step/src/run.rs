//! Entering a step: who acts, under which epoch, on which plan.

use std::rc::Rc;

use futures_util::future::{Either, FutureExt, LocalBoxFuture, Shared, TryFutureExt, join, ready};
use lifeboat_model::journal::{Entry, Note, newest_verdict};
use lifeboat_model::limits::{LEASE, READ_TIMEOUT, Step};
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::{Consent, Name};
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{Plan, ReasonCode, Region, StepError, Timestamp};
use lifeboat_ports::{Clock, Fault, Fenced, Holder, Ledger, Mark, within};
use serde::{Deserialize, Serialize};

/// What a message carries of its run: enough to find the rest. Direction, mode and consent are read from the lock, so
/// that no message can claim them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRef {
    /// The plan's name.
    pub plan: Name,
    /// The execution's ARN.
    pub run_id: String,
    /// The epoch that `admit` minted.
    pub epoch: u64,
    /// The plan's version that the run was admitted with: lets a step read the plan while it renews the lease.
    pub plan_version: u64,
    /// Set in a rehearsal, which holds no lock: so the message has to say what else the lock would. It can claim nothing
    /// by that, since a rehearsal changes nothing (S17).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Box<Rehearsal>>,
}

/// What a rehearsal's messages carry in place of a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// What a run would have been admitted with.
    pub admission: Admission,
}

impl Rehearsal {
    /// The lock that a run would hold.
    fn lock(&self, now: Timestamp) -> Lock {
        Lock {
            epoch: 0,
            state: LockState::Held,
            lease_expires_at: now.plus(LEASE),
            run: self.admission.clone(),
            past_point_of_no_return: false,
            inherits_change: false,
            cool_down_until: None,
            acknowledged: false,
            stopped: None,
        }
    }
}

/// The message of a step that needs nothing but its run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunMessage {
    /// The run.
    pub run: RunRef,
}

/// A journal that several resources of a share wait for.
pub type SharedJournal<'a> = Shared<LocalBoxFuture<'a, Result<Rc<Vec<Entry>>, StepError>>>;

/// A run that holds the lock, as of this moment.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the message carried.
    pub reference: RunRef,
    /// The lock, with the lease just renewed.
    pub lock: Lock,
    /// The plan in the version that the run was admitted with.
    pub plan: Plan,
    /// Whether it does what it says.
    pub purpose: Purpose,
}

impl Run {
    /// Renews the lease and, at the same time, reads the plan.
    ///
    /// # Errors
    /// `Refused` when the run holds the lock no longer (lock-lost) or a person stopped it (stopped); `Transient` when the
    /// table does not answer; `Rejected` when the plan's version is gone.
    pub async fn enter(reference: RunRef, ledger: &dyn Ledger, clock: &dyn Clock) -> Result<Self, StepError> {
        let version = reference.plan_version;
        let read = within(clock, READ_TIMEOUT, ledger.plan(&reference.plan, Some(version)));
        let (purpose, held) = match &reference.rehearsal {
            None => (Purpose::Act, Either::Left(fence(&reference, ledger, clock, Mark::Lease))),
            Some(rehearsal) => (Purpose::Rehearse, Either::Right(ready(Ok(rehearsal.lock(clock.now()))))),
        };
        let (lock, read) = join(held, read).await;
        let lock = lock?;
        let stored = read.ok_or_else(|| timed_out("reading the plan"))?.map_err(|e| e.while_reading())?;
        let plan = stored.filter(|_| lock.run.plan_version == version).ok_or_else(|| {
            let value = format!("{} version {version}", reference.plan);
            StepError::malformed("plan", value, "the stored version that the run was admitted with; start a new run")
        })?;
        let lock = match purpose {
            Purpose::Act => lock,
            Purpose::Rehearse => supposing_consent(lock, &plan.plan, clock.now()),
        };
        Ok(Self { reference, lock, plan: plan.plan, purpose })
    }

    /// The Region that shall serve.
    pub fn target(&self) -> &Region {
        &self.lock.run.direction.target
    }

    /// The Region that serves now, or did.
    pub fn source(&self) -> &Region {
        &self.lock.run.direction.source
    }

    /// Holds the lock until `until` without a sign of life, because a person is being waited for.
    ///
    /// # Errors
    /// `Refused` (lock-lost, stopped), or `Transient` when the table does not answer.
    pub async fn hold_until(
        &self,
        until: Timestamp,
        ledger: &dyn Ledger,
        clock: &dyn Clock,
    ) -> Result<Lock, StepError> {
        fence_until(&self.reference, until, ledger, clock, Mark::Lease).await
    }

    /// The run's journal.
    ///
    /// # Errors
    /// `Transient` when the table does not answer.
    pub async fn journal(&self, ledger: &dyn Ledger, clock: &dyn Clock) -> Result<Vec<Entry>, StepError> {
        let read = within(clock, READ_TIMEOUT, ledger.journal(&self.reference.run_id)).await;
        read.ok_or_else(|| timed_out("reading the journal"))?.map_err(|e| e.while_reading())
    }

    /// The run's journal, read once for all who wait for it.
    pub fn shared_journal<'a>(&'a self, ledger: &'a dyn Ledger, clock: &'a dyn Clock) -> SharedJournal<'a> {
        self.journal(ledger, clock).map_ok(Rc::new).boxed_local().shared()
    }

    /// The newest verdict in the run's journal, on whose word a step acts. A rehearsal supposes that it was to go, so that
    /// every step tells its calls; what spoke against a run stands in the journal and the report.
    pub fn verdict(&self, journal: &[Entry]) -> Option<Verdict> {
        let verdict = newest_verdict(journal).cloned();
        match self.purpose {
            Purpose::Act => verdict,
            Purpose::Rehearse => verdict.map(|verdict| Verdict { reasons: Vec::new(), ..verdict }),
        }
    }

    /// Writes a line of the journal; one that stands there already, from an earlier delivery, is as good.
    ///
    /// # Errors
    /// `Transient` when the table does not answer: writing the same line again is harmless.
    pub async fn note(
        &self,
        step: Step,
        resource: &str,
        note: Note,
        ledger: &dyn Ledger,
        clock: &dyn Clock,
    ) -> Result<lifeboat_ports::Append, StepError> {
        let entry = Entry {
            run_id: self.reference.run_id.clone(),
            epoch: self.reference.epoch,
            step,
            resource: resource.to_owned(),
            at: clock.now(),
            note,
        };
        let written = within(clock, READ_TIMEOUT, ledger.append(&entry)).await;
        written.ok_or_else(|| timed_out("writing the journal"))?.map_err(|e| StepError::Transient(e.to_string()))
    }
}

/// A rehearsal of a failover that nobody has consented to supposes a consent to what the plan's objective allows. It
/// authorises nothing: a rehearsal changes nothing (S17).
fn supposing_consent(mut lock: Lock, plan: &Plan, now: Timestamp) -> Lock {
    let supposed = || Consent {
        max_data_loss: plan.objectives.rpo,
        accepted_by: "nobody: this is a rehearsal".to_owned(),
        reason: "supposed, as far as the objective goes".to_owned(),
        expires: now.plus(LEASE),
    };
    match lock.run.mode {
        Mode::Switchover => {}
        Mode::Failover => {
            lock.run.consent.get_or_insert_with(supposed);
        }
    }
    lock.run.approval = Approval::NotNeeded;
    lock
}

/// Renews the lease and, with `mark`, passes the point of no return.
pub(crate) async fn fence(
    reference: &RunRef,
    ledger: &dyn Ledger,
    clock: &dyn Clock,
    mark: Mark,
) -> Result<Lock, StepError> {
    fence_until(reference, clock.now().plus(LEASE), ledger, clock, mark).await
}

async fn fence_until(
    reference: &RunRef,
    until: Timestamp,
    ledger: &dyn Ledger,
    clock: &dyn Clock,
    mark: Mark,
) -> Result<Lock, StepError> {
    let holder = Holder { run_id: &reference.run_id, epoch: reference.epoch };
    let fenced = within(clock, READ_TIMEOUT, ledger.fence(&reference.plan, holder, until, mark)).await;
    let fenced = fenced.ok_or_else(|| timed_out("renewing the lock"))?.map_err(|error| match error.fault {
        Fault::Denied | Fault::Invalid => error.while_reading(),
        // Renewing twice is harmless, so a renewal of unknown fate is simply made again.
        Fault::Unreachable
        | Fault::Throttled
        | Fault::Unavailable
        | Fault::NotFound
        | Fault::Conflict
        | Fault::TimedOut
        | Fault::Internal => StepError::Transient(error.to_string()),
    })?;
    match fenced {
        Fenced::Held(lock) => Ok(*lock),
        Fenced::Stopped(why) => {
            Err(StepError::refused(ReasonCode::Stopped, format!("run {}", reference.run_id), format!("by {why}")))
        }
        Fenced::Lost => {
            let detail = format!("run {} no longer holds it under epoch {}", reference.run_id, reference.epoch);
            Err(StepError::refused(ReasonCode::LockLost, format!("plan {}", reference.plan), detail))
        }
    }
}

pub(crate) fn timed_out(what: &str) -> StepError {
    StepError::Transient(format!("{what} took longer than {READ_TIMEOUT}"))
}
