//! The one way in which a step changes anything outside the table.
//!
//! Guarantees: the intent is in the journal before the call (S15); after that, and just before the call, the kill switch
//! is read and the lock fenced, which lets no run through that a person stopped (S14, S5), and the consent of what may lose
//! data is looked at again (S6); one attempt is one call (S10, S13); what came of it is in the journal. In a rehearsal
//! nothing is called (S17), whatever step asks.
//! Fails when: see [`Mutation::perform`].

use futures_util::future::join;
use lifeboat_model::decide::consent_objection;
use lifeboat_model::journal::{Call, Effect, Note};
use lifeboat_model::limits::{READ_TIMEOUT, Step};
use lifeboat_model::lock::Lock;
use lifeboat_model::request::Purpose;
use lifeboat_model::{Period, ReasonCode, StepError};
use lifeboat_ports::{Append, CallError, Clock, Ledger, Mark, Receipt, timely, within};

use crate::run::{Run, fence, timed_out};

/// A mutating call that a step is about to make.
#[derive(Debug)]
pub struct Mutation<'a> {
    /// The run that makes it.
    pub run: &'a Run,
    /// The step.
    pub step: Step,
    /// The resource that it changes.
    pub resource: &'a str,
    /// Counted from 1 for each resource, from the journal.
    pub attempt: u32,
    /// The call as it will be sent.
    pub call: Call,
    /// How long the call may take.
    pub timeout: Period,
    /// Whether it is one that a run does not come back from.
    pub mark: Mark,
}

/// What came of a mutation.
#[derive(Debug)]
pub enum Performed {
    /// The call was made; the error is the service's. The journal has its effect, the step decides what it means.
    Made(Result<Receipt, CallError>),
    /// The run is a rehearsal: the journal says what would have been called, and nothing was.
    Rehearsed,
}

/// What a step makes of a mutation when it looks at the resource again anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// The call was made, and had this effect: only a look tells what became of it.
    LookAgain(Effect),
    /// The run is a rehearsal.
    Rehearsed,
}

impl Performed {
    /// A reply that was lost is no error here: the step looks again.
    ///
    /// # Errors
    /// The service refused the call, or never got it.
    pub fn called(self) -> Result<Called, StepError> {
        match self {
            Self::Rehearsed => Ok(Called::Rehearsed),
            Self::Made(Ok(_)) => Ok(Called::LookAgain(Effect::Accepted)),
            Self::Made(Err(error)) => match error.effect() {
                Effect::Unknown => Ok(Called::LookAgain(Effect::Unknown)),
                Effect::Accepted | Effect::None => Err(error.while_changing()),
            },
        }
    }
}

impl Mutation<'_> {
    /// Makes the call `send`, or in a rehearsal only says so.
    ///
    /// # Errors
    /// `Refused` when the kill switch is set, a person stopped the run or the lock was lost; `Transient` when the table
    /// does not answer before the call; `Ambiguous` when another copy of this step makes the same attempt, or when the call was made and the
    /// journal could not be told.
    pub async fn perform(
        self,
        ledger: &dyn Ledger,
        clock: &dyn Clock,
        send: impl Future<Output = Result<Receipt, CallError>>,
    ) -> Result<Performed, StepError> {
        match self.run.purpose {
            Purpose::Act => {}
            Purpose::Rehearse => {
                let note = Note::WouldCall { call: self.call.clone() };
                self.run.note(self.step, self.resource, note, ledger, clock).await?;
                return Ok(Performed::Rehearsed);
            }
        }
        let intent = Note::Intent { attempt: self.attempt, call: self.call.clone() };
        if self.run.note(self.step, self.resource, intent, ledger, clock).await? == Append::AlreadyThere {
            let what =
                format!("attempt {} at {} is being made by another copy of this step", self.attempt, self.resource);
            return Err(StepError::Ambiguous(what));
        }
        // Only after the intent is durable: whoever fences this run out can then see what it may still do.
        if let Err(stopped) = self.may_go(ledger, clock).await {
            self.record(Effect::None, format!("not sent: {stopped}"), ledger, clock).await?;
            return Err(stopped);
        }
        let result = timely(clock, self.timeout, &self.call.operation, &self.call.region, send).await;
        let (effect, detail) = match &result {
            Ok(receipt) => (Effect::Accepted, receipt.request_id.clone()),
            Err(error) => (error.effect(), error.to_string()),
        };
        match self.record(effect, detail, ledger, clock).await {
            Ok(()) => Ok(Performed::Made(result)),
            Err(error) => Err(StepError::Ambiguous(format!("{} was called, then: {error}", self.call.operation))),
        }
    }

    /// The last look before the call: the kill switch and the fence, at the same time. A fence that marks the point of no
    /// return for a call that is then not made is harmless: how a run ended is read from the journal.
    async fn may_go(&self, ledger: &dyn Ledger, clock: &dyn Clock) -> Result<(), StepError> {
        let plan = &self.run.reference.plan;
        let settings = within(clock, READ_TIMEOUT, ledger.settings(plan));
        let fence = fence(&self.run.reference, ledger, clock, self.mark);
        let (settings, fenced) = join(settings, fence).await;
        let settings = settings.ok_or_else(|| timed_out("reading the kill switch"))?.map_err(|e| e.while_reading())?;
        match settings.disabled {
            Some(why) => Err(StepError::refused(ReasonCode::Disabled, format!("plan {plan}"), why)),
            None => self.still_consented(&fenced?, clock),
        }
    }

    /// A consent may end between the decision and the call, by the time that table and journal take.
    fn still_consented(&self, lock: &Lock, clock: &dyn Clock) -> Result<(), StepError> {
        let objection = match self.step {
            Step::PromoteDatabase | Step::PromoteCache | Step::PromoteBroker => consent_objection(lock, clock.now()),
            _ => None,
        };
        objection.map_or(Ok(()), |(code, detail)| Err(StepError::refused(code, self.resource, detail)))
    }

    async fn record(
        &self,
        effect: Effect,
        detail: String,
        ledger: &dyn Ledger,
        clock: &dyn Clock,
    ) -> Result<(), StepError> {
        let outcome = Note::Outcome { attempt: self.attempt, effect, detail };
        self.run.note(self.step, self.resource, outcome, ledger, clock).await.map(|_| ())
    }
}
