//! What is chosen to go wrong, call by call: a list that a test enumerates, that a failure prints, and that
//! `lifeboat drill --choices` plays again.

use std::fmt;
use std::str::FromStr;

use lifeboat_model::Period;
use lifeboat_ports::Fault;

use super::Event;
use crate::faults::FaultKind;

/// Something that goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deviation {
    /// The call itself fails, or the process that makes it.
    Fault(FaultKind),
    /// Something happens in the world just before the call.
    Event(Event),
}

impl Deviation {
    /// Whether it may still be felt when every execution has ended.
    pub(super) const fn lasts(self) -> bool {
        match self {
            Self::Fault(FaultKind::Slow(_) | FaultKind::StandsStillBefore(_) | FaultKind::StandsStillAfter(_)) => true,
            Self::Fault(
                FaultKind::Refuse(_)
                | FaultKind::Silence
                | FaultKind::LostReply
                | FaultKind::Truncated
                | FaultKind::Stale
                | FaultKind::Unknown
                | FaultKind::CrashBefore
                | FaultKind::CrashAfter,
            ) => false,
            Self::Event(_) => true,
        }
    }
}

/// Longer than any deadline of a call, and shorter than any hard timeout.
const LONG: Period = Period::seconds(20);
/// Longer than any hard timeout: Lambda ends the process.
const FOR_EVER: Period = Period::seconds(600);

/// Every deviation by its name.
pub const DEVIATIONS: [(&str, Deviation); 41] = {
    use Deviation::{Event as E, Fault as F};
    use FaultKind::{
        CrashAfter, CrashBefore, LostReply, Refuse, Silence, Slow, Stale, StandsStillAfter, StandsStillBefore,
        Truncated, Unknown,
    };
    [
        ("throttled", F(Refuse(Fault::Throttled))),
        ("internal", F(Refuse(Fault::Internal))),
        ("unavailable", F(Refuse(Fault::Unavailable))),
        ("unreachable", F(Refuse(Fault::Unreachable))),
        ("denied", F(Refuse(Fault::Denied))),
        ("conflict", F(Refuse(Fault::Conflict))),
        ("silence", F(Silence)),
        ("lost-reply", F(LostReply)),
        ("truncated", F(Truncated)),
        ("slow", F(Slow(Period::ms(900)))),
        ("stale", F(Stale)),
        ("unknown", F(Unknown)),
        ("crash-before", F(CrashBefore)),
        ("crash-after", F(CrashAfter)),
        ("hang-before", F(StandsStillBefore(FOR_EVER))),
        ("hang-after", F(StandsStillAfter(FOR_EVER))),
        ("pause", F(StandsStillBefore(LONG))),
        ("pause-after", F(StandsStillAfter(LONG))),
        ("source-dark", E(Event::SourceDark)),
        ("source-blinks", E(Event::SourceBlinks)),
        ("source-back", E(Event::SourceBack)),
        ("source-slow", E(Event::SourceSlow)),
        ("source-databases-dark", E(Event::SourceDatabasesDark)),
        ("target-impaired", E(Event::TargetImpaired)),
        ("home-dark", E(Event::HomeDark)),
        ("endpoints-down", E(Event::EndpointsDown)),
        ("kill-switch", E(Event::KillSwitch)),
        ("stop", E(Event::Stop)),
        ("consent-expires", E(Event::ConsentExpires)),
        ("start-again", E(Event::StartAgain)),
        ("start-opposite", E(Event::StartOpposite)),
        ("start-elsewhere", E(Event::StartElsewhere)),
        ("alarm", E(Event::Alarm)),
        ("hand-to-target", E(Event::HandToTarget)),
        ("hand-to-source", E(Event::HandToSource)),
        ("delivered-twice", E(Event::DeliveredTwice)),
        ("delivered-late", E(Event::DeliveredLate)),
        ("aborted", E(Event::Aborted)),
        ("redriven", E(Event::Redriven)),
        ("clock-ahead", E(Event::ClockAhead)),
        ("clock-behind", E(Event::ClockBehind)),
    ]
};

impl Deviation {
    /// Its name.
    pub fn name(self) -> &'static str {
        DEVIATIONS.iter().find(|(_, d)| *d == self).map_or("unnamed", |(name, _)| name)
    }
}

/// A deviation, and the call that it happens at, counted from 0 over the whole drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The call.
    pub call: u32,
    /// What happens.
    pub what: Deviation,
}

/// What is chosen in one drill, in the order of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices(Vec<Choice>);

impl Choices {
    /// These, in whatever order they are given.
    pub fn new(mut choices: Vec<Choice>) -> Self {
        choices.sort_by_key(|choice| choice.call);
        Self(choices)
    }

    /// These and one more.
    #[must_use]
    pub fn and(&self, call: u32, what: Deviation) -> Self {
        let mut all = self.0.clone();
        all.push(Choice { call, what });
        Self::new(all)
    }

    /// What happens at the call with this number.
    pub fn at(&self, call: u32) -> impl Iterator<Item = Deviation> {
        self.0.iter().filter(move |choice| choice.call == call).map(|choice| choice.what)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Choice> {
        self.0.iter()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, Choice { call, what }) in self.0.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma}{call}:{}", what.name())?;
        }
        Ok(())
    }
}

impl FromStr for Choices {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let one = |part: &str| {
            let wrong = |what: &str| format!("{part:?}: {what}, as in 17:lost-reply,42:kill-switch");
            let (call, name) =
                part.split_once(':').ok_or_else(|| wrong("expected the number of a call, : and a name"))?;
            let call = call.trim().parse().map_err(|_| wrong("expected the number of a call before the colon"))?;
            let found = DEVIATIONS.iter().find(|(known, _)| *known == name.trim());
            let names = || DEVIATIONS.map(|(name, _)| name).join(", ");
            let (_, what) = found.ok_or_else(|| wrong(&format!("expected one of {}", names())))?;
            Ok(Choice { call, what: *what })
        };
        text.split(',').map(one).collect::<Result<_, String>>().map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_read_as_they_are_printed_and_each_deviation_has_a_name_of_its_own() {
        for (n, (name, what)) in DEVIATIONS.iter().enumerate() {
            assert_eq!(what.name(), *name, "two names for one");
            let choices = Choices::default().and(7, *what).and(n as u32, DEVIATIONS[0].1);
            assert_eq!(choices.to_string().parse(), Ok(choices));
        }
    }

    #[test]
    fn what_is_no_choice_is_refused_with_what_was_expected() {
        for (text, expected) in [("17", "number of a call"), ("x:stop", "number"), ("3:stopp", "kill-switch, stop,")] {
            let error = text.parse::<Choices>().expect_err("no choice");
            assert!(error.contains(expected), "{error}");
        }
    }
}
