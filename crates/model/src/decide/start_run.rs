//! Whether an alarm's transition starts a run, and whether people have to hear that it did not.
//!
//! An alarm that called and could not act must not be silent. Silent is what asks for nothing (any other change of state, a
//! muted alarm), and what is seen to already: the run of this very transition, or a live one in the same direction.

use super::admit::approval_for;
use crate::lock::{Admission, Lock};
use crate::plan::Policy;
use crate::request::{Mode, Purpose, Trigger};
use crate::settings::Settings;
use crate::{Direction, Period, Plan, Reason, ReasonCode, Region, Request, Timestamp};

/// An alarm event older than this starts nothing: what it tells of has passed, or was dealt with by hand.
pub const TRANSITION_FRESH: Period = Period::seconds(900);

/// A state of a CloudWatch alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// `ALARM`
    Alarm,
    /// `OK`
    Ok,
    /// `INSUFFICIENT_DATA`
    InsufficientData,
}

/// An alarm's change of state, from either form of event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The alarm's name.
    pub alarm: String,
    /// The Region that the alarm is in.
    pub region: Region,
    /// The state before; `None` when the event does not tell.
    pub from: Option<AlarmState>,
    /// Whether the alarm's actions were suppressed in the state before: then nobody acted on it.
    pub was_muted: bool,
    /// The state now.
    pub to: AlarmState,
    /// When it changed.
    pub at: Timestamp,
    /// Whether the alarm's actions are suppressed or muted.
    pub muted: bool,
    /// What the alarm says it saw.
    pub saw: String,
    /// The length of the alarm's evaluation period, where the event tells: that of a metric alarm over one metric does.
    pub period: Option<Period>,
}

impl Transition {
    /// Why this asks for nothing, if it does not.
    ///
    /// A composite alarm with a suppressor goes into ALARM suppressed and acts when its wait is over, by an event whose
    /// state before is ALARM too. So a state before that was suppressed does not count.
    pub fn asks_for_nothing(&self) -> Option<&'static str> {
        if self.to != AlarmState::Alarm || self.from == Some(AlarmState::Alarm) && !self.was_muted {
            Some("it is not a transition into ALARM")
        } else if self.muted {
            Some("the alarm's actions are muted")
        } else {
            None
        }
    }

    /// What to say when the alarm does not hold as long as `plan` says; the run starts all the same.
    pub fn other_hold_time(&self, plan: &Plan) -> Option<String> {
        let said = plan.automation.alarm.period;
        let period = self.period.filter(|period| *period != said)?;
        Some(format!("the alarm's period is {period}, plan {} says {said}: make them the same", plan.name))
    }
}

/// What `start-run` does.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// Start an execution of this name with this input.
    Run {
        /// The execution's name: the same for every delivery of one transition.
        name: String,
        /// Its input.
        request: Box<Request>,
    },
    /// Nothing, because of this, and nobody has to hear of it.
    Ignore(String),
    /// Nothing, although the alarm called: people hear of it.
    Tell(NotStarted),
}

/// Why an alarm's call started nothing, and what a person does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStarted {
    /// Why.
    pub why: String,
    /// What to do.
    pub what_next: String,
}

impl NotStarted {
    /// Nothing was started because of `why`; a person does `what_next`.
    pub fn new(why: impl Into<String>, what_next: impl Into<String>) -> Self {
        Self { why: why.into(), what_next: what_next.into() }
    }
}

/// Decides on `transition` for `plan`, heard in Region `home`.
pub fn start_run(
    plan: &Plan,
    plan_version: u64,
    home: &Region,
    transition: &Transition,
    settings: &Settings,
    lock: Option<&Lock>,
    now: Timestamp,
) -> Start {
    if let Some(why) = transition.asks_for_nothing() {
        return Start::Ignore(why.to_owned());
    }
    let direction = match may_start(plan, home, transition, settings, now) {
        Ok(direction) => direction,
        Err(not_started) => return Start::Tell(not_started),
    };
    let trigger = Trigger::Alarm { alarm: transition.alarm.clone(), transition_at: transition.at };
    let name = execution_name(plan, transition.at);
    let admission = Admission {
        run_id: name.clone(),
        plan_version,
        direction: direction.clone(),
        mode: Mode::Failover,
        consent: plan.automation.consent.clone(),
        trigger: trigger.clone(),
        approval: approval_for(&trigger, plan.automation.policy),
        admitted_at: now,
    };
    if let Some(reason) = Lock::refuses_start(&plan.name, lock, admission, now) {
        let seen_to = lock.is_some_and(|lock| {
            let held = reason.code == ReasonCode::LockHeld;
            lock.run.trigger == trigger || held && lock.run.direction == direction
        });
        return if seen_to { Start::Ignore(reason.to_string()) } else { Start::Tell(NotStarted::from(&reason)) };
    }
    let request = Request {
        plan: plan.name.clone(),
        target: home.clone(),
        mode: Mode::Failover,
        purpose: Purpose::Act,
        consent: None,
        trigger,
    };
    Start::Run { name, request: Box::new(request) }
}

/// Where a run would go, or why an alarm may start none now, whatever the lock says.
fn may_start(
    plan: &Plan,
    home: &Region,
    transition: &Transition,
    settings: &Settings,
    now: Timestamp,
) -> Result<Direction, NotStarted> {
    let no = |why: String, what_next: &str| Err(NotStarted::new(why, what_next));
    let alarm = &plan.automation.alarm.name;
    if transition.alarm != *alarm {
        let why = format!("plan {} is started by alarm {alarm}, not by {}", plan.name, transition.alarm);
        return no(why, "name this alarm in the plan, or take its item out of the table");
    }
    if transition.region != *home {
        let why = format!("the alarm is in {}, and a run starts where it executes: in {home}", transition.region);
        return no(why, "let the alarm call the function of its own Region");
    }
    let Some(direction) = plan.direction_to(home) else {
        let why = format!("{home} is none of plan {}'s regions", plan.name);
        return no(why, "let the alarm call only in the plan's Regions");
    };
    if transition.at.plus(TRANSITION_FRESH) < now {
        let why = format!("the transition of {} is more than {TRANSITION_FRESH} old", transition.at);
        return no(why, "look whether the other Region is still ill; if it is, start a run by hand");
    }
    match plan.automation.policy {
        Policy::ManualOnly => {
            let why = "the plan's policy is manual-only: a person starts the run".to_owned();
            return no(why, "look at the other Region and decide");
        }
        Policy::Autonomous | Policy::Approve => {}
    }
    match &settings.disabled {
        Some(why) => no(format!("runs are disabled: {why}"), ReasonCode::Disabled.remedy()),
        None => Ok(direction),
    }
}

impl From<&Reason> for NotStarted {
    fn from(reason: &Reason) -> Self {
        let why = format!("{} ({}): {}", reason.resource, reason.code.as_str(), reason.detail);
        Self::new(why, reason.code.remedy())
    }
}

/// At most 80 characters of those that an execution's name may have.
fn execution_name(plan: &Plan, at: Timestamp) -> String {
    let at: String = at.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{}-{at}", plan.name)
}
