//! A drill in which what goes wrong is chosen call by call.
//!
//! Purpose: tests enumerate the choices, so that nothing is left to chance; what they find is played again by
//! `lifeboat drill --choices`. Guarantees: the same choices in the same drill do the same; a choice that never happened is
//! counted as such.

mod choices;
mod events;
mod evidence;
mod recovery;
mod story;

use std::collections::BTreeSet;

use lifeboat_model::limits::Step;
use lifeboat_model::{Period, Region, Timestamp};

use crate::faults::FaultKind;
use crate::service_times::Span;
use crate::world::{Caller, World};

pub use choices::{Choice, Choices, DEVIATIONS, Deviation};
pub use events::Event;
pub(crate) use evidence::Evidence;
pub use recovery::Recovery;
pub use story::{Ending, Seen, explore};

/// What a call is, as far as it matters for what may go wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A look at a resource of the workload, which may be stale or speak in new words.
    Look,
    /// Any other read.
    Read,
    /// A write of the table.
    Write,
    /// A call that changes the workload.
    Mutation,
}

/// A call that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallMade {
    /// The step that made it.
    pub step: Step,
    /// The operation.
    pub operation: &'static str,
    /// What it is.
    pub nature: Nature,
    /// Whether it is its invocation's first.
    pub first: bool,
}

impl CallMade {
    /// Whether `what` says anything about such a call that nothing else says.
    pub fn may_meet(&self, what: Deviation) -> bool {
        use lifeboat_ports::Fault;
        let changes = matches!(self.nature, Nature::Write | Nature::Mutation);
        match what {
            Deviation::Fault(kind) => match kind {
                FaultKind::Refuse(Fault::Conflict) => self.nature == Nature::Mutation,
                FaultKind::Refuse(Fault::Unavailable) => self.operation.starts_with("route53-recovery-cluster:"),
                FaultKind::Refuse(_) | FaultKind::Silence | FaultKind::Truncated | FaultKind::Slow(_) => true,
                FaultKind::Stale | FaultKind::Unknown => self.nature == Nature::Look,
                FaultKind::CrashBefore | FaultKind::StandsStillBefore(_) => true,
                FaultKind::LostReply | FaultKind::CrashAfter | FaultKind::StandsStillAfter(_) => changes,
            },
            Deviation::Event(Event::DeliveredTwice | Event::DeliveredLate) => self.first && self.step != Step::StartRun,
            Deviation::Event(Event::Aborted | Event::Redriven) => self.step != Step::StartRun,
            Deviation::Event(_) => true,
        }
    }
}

/// What is chosen, and what came of it so far.
#[derive(Default)]
pub struct Explored {
    choices: Choices,
    /// Every call so far.
    pub calls: Vec<CallMade>,
    happened: usize,
    invocations: BTreeSet<u64>,
    answers: evidence::Answers,
    /// A Region that answers slowly, and until when.
    slow: Option<(Region, Timestamp)>,
    /// A Region's service that does not answer, and until when.
    out: Option<(Region, &'static str, Timestamp)>,
    /// The Region whose clocks are off, and by how many milliseconds.
    clock_off: Option<(Region, i64)>,
    /// When a person last moved traffic by hand.
    moved_by_hand: Option<Timestamp>,
    /// The executions that somebody stopped and will redrive.
    redriven: BTreeSet<String>,
    /// How many late deliveries are still to come.
    late: u32,
}

impl Explored {
    fn by(choices: Choices) -> Self {
        Self { choices, ..Self::default() }
    }

    /// How many of the choices have happened.
    pub fn happened(&self) -> usize {
        self.happened
    }
}

impl World {
    fn with_explored<T>(&self, change: impl FnOnce(&mut Explored) -> T) -> Option<T> {
        self.state_mut().faults.explored.as_mut().map(change)
    }

    /// Chooses what goes wrong from now on, call by call.
    pub fn explore(&self, choices: Choices) {
        self.state_mut().faults.explored = Some(Explored::by(choices));
    }

    /// Counts a call that is about to be made, lets happen what is chosen for it, and returns the fault that it meets.
    pub(crate) fn explore_call(&self, caller: &Caller, operation: &'static str, nature: Nature) -> Option<FaultKind> {
        let chosen: Vec<Deviation> = self.with_explored(|explored| {
            let first = explored.invocations.insert(caller.invocation);
            let number = u32::try_from(explored.calls.len()).unwrap_or(u32::MAX);
            explored.calls.push(CallMade { step: caller.step, operation, nature, first });
            let chosen: Vec<Deviation> = explored.choices.at(number).collect();
            explored.happened += chosen.len();
            chosen
        })?;
        let mut fault = None;
        for what in chosen {
            match what {
                Deviation::Event(event) => self.happen(event, caller),
                Deviation::Fault(kind) => fault = Some(kind),
            }
        }
        fault
    }

    /// How long a call to `place` takes, by chance.
    pub(crate) fn latency(&self, span: Span, place: &Region) -> Period {
        let latency = self.sample(span);
        let now = self.now();
        let slow = self.state().faults.explored.as_ref().is_some_and(|explored| {
            explored.slow.as_ref().is_some_and(|(region, until)| region == place && now < *until)
        });
        if slow { events::slowed(latency) } else { latency }
    }

    /// Whether the service of `operation` is out in `place`, and nothing else of that Region.
    pub(crate) fn is_out(&self, operation: &str, place: &Region) -> bool {
        let state = self.state();
        let out = state.faults.explored.as_ref().and_then(|explored| explored.out.as_ref());
        let now = self.now();
        out.is_some_and(|(region, service, until)| region == place && operation.starts_with(service) && now < *until)
    }

    /// What the clocks in `region` show.
    pub(crate) fn clock_in(&self, region: &Region) -> Timestamp {
        let now = self.now();
        let state = self.state();
        let off = state.faults.explored.as_ref().and_then(|explored| explored.clock_off.as_ref());
        match off {
            Some((there, ms)) if there == region => Timestamp::from_ms(now.as_ms() + ms),
            Some(_) | None => now,
        }
    }

    /// By how much any clock is off: what the journal says of a moment may be so wrong.
    pub(crate) fn clock_error(&self) -> Period {
        let state = self.state();
        let off = state.faults.explored.as_ref().and_then(|explored| explored.clock_off.as_ref());
        Period::ms(off.map_or(0, |(_, ms)| u32::try_from(ms.unsigned_abs()).unwrap_or(u32::MAX)))
    }

    /// Whether somebody redrives the execution that was stopped; once for each time that they stopped it.
    pub(crate) fn is_redriven(&self, execution: &str) -> bool {
        self.with_explored(|explored| explored.redriven.remove(execution)).unwrap_or(false)
    }

    /// When a person last moved traffic by hand.
    pub(crate) fn moved_by_hand(&self) -> Option<Timestamp> {
        self.state().faults.explored.as_ref().and_then(|explored| explored.moved_by_hand)
    }
}
