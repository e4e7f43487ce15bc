//! Whether an alarm's transition starts a run.

use super::admit::approval_for;
use crate::lock::{Admission, Lock};
use crate::plan::Policy;
use crate::request::{Mode, Purpose, Trigger};
use crate::settings::Settings;
use crate::{Period, Plan, Region, Request, Timestamp};

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
    /// The state now.
    pub to: AlarmState,
    /// When it changed.
    pub at: Timestamp,
    /// Whether the alarm's actions are suppressed or muted.
    pub muted: bool,
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
    /// Nothing, because of this.
    Ignore(String),
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
    let ignore = |why: String| Start::Ignore(why);
    if transition.to != AlarmState::Alarm || transition.from == Some(AlarmState::Alarm) {
        return ignore("it is not a transition into ALARM".to_owned());
    }
    if transition.alarm != plan.automation.alarm.name {
        return ignore(format!("plan {} is started by alarm {}", plan.name, plan.automation.alarm.name));
    }
    if transition.region != *home {
        return ignore(format!("the alarm is in {}, and a run starts where it executes: in {home}", transition.region));
    }
    let Some(direction) = plan.direction_to(home) else {
        return ignore(format!("{home} is none of plan {}'s regions", plan.name));
    };
    if transition.muted {
        return ignore("the alarm's actions are muted".to_owned());
    }
    if transition.at.plus(TRANSITION_FRESH) < now {
        return ignore(format!("the transition of {} is more than {TRANSITION_FRESH} old", transition.at));
    }
    match plan.automation.policy {
        Policy::ManualOnly => return ignore("the plan's policy is manual-only: a person starts the run".to_owned()),
        Policy::Autonomous | Policy::Approve => {}
    }
    if let Some(why) = &settings.disabled {
        return ignore(format!("runs are disabled: {why}"));
    }
    let trigger = Trigger::Alarm { alarm: transition.alarm.clone(), transition_at: transition.at };
    let name = execution_name(plan, transition.at);
    let admission = Admission {
        run_id: name.clone(),
        plan_version,
        direction,
        mode: Mode::Failover,
        consent: plan.automation.consent.clone(),
        trigger: trigger.clone(),
        approval: approval_for(&trigger, plan.automation.policy),
        admitted_at: now,
    };
    if let Some(reason) = Lock::refuses_start(&plan.name, lock, admission, now) {
        return ignore(reason.to_string());
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

/// At most 80 characters of those that an execution's name may have.
fn execution_name(plan: &Plan, at: Timestamp) -> String {
    let at: String = at.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{}-{at}", plan.name)
}
