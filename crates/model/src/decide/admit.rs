//! Whether a request becomes a run.

use crate::lock::{Acquisition, Admission, Approval, Lock};
use crate::plan::{Consent, Name, Policy};
use crate::request::{Mode, Purpose, Trigger};
use crate::settings::Settings;
use crate::{Plan, Reason, ReasonCode, Region, Request, Timestamp};

/// What `admit` does.
#[derive(Clone, Debug, PartialEq)]
pub enum Admit {
    /// Store this lock, if it is still as it was read.
    Take(Box<Lock>),
    /// The lock is this run's already: an earlier attempt took it.
    Mine,
    /// Take nothing and change nothing: walk through the run.
    Rehearse {
        /// What a run would have been admitted with.
        admission: Box<Admission>,
        /// Why it would not have been, now.
        objections: Vec<Reason>,
    },
    /// No, for all these reasons.
    Refuse(Vec<Reason>),
}

/// Decides on `request` for `plan` in version `plan_version`, asked by execution `run_id` in Region `home`.
pub fn admit(
    request: &Request,
    (plan, plan_version): (&Plan, u64),
    (run_id, home): (&str, &Region),
    settings: &Settings,
    lock: Option<&Lock>,
    now: Timestamp,
) -> Admit {
    let Some(direction) = plan.direction_to(&request.target) else {
        let [a, b] = &plan.regions;
        let detail = format!("the plan's regions are {a} and {b}");
        return Admit::Refuse(vec![Reason::new(ReasonCode::WrongRegion, format!("target {}", request.target), detail)]);
    };
    if request.target != *home {
        let detail = format!("this execution is in {home}");
        return Admit::Refuse(vec![Reason::new(ReasonCode::WrongRegion, format!("target {}", request.target), detail)]);
    }
    let mut reasons = Vec::new();
    if let Some(why) = &settings.disabled {
        reasons.push(Reason::new(ReasonCode::Disabled, format!("plan {}", plan.name), why));
    }
    let consent = match consent_for(request, plan, now) {
        Ok(consent) => consent,
        Err(reason) => {
            reasons.push(reason);
            None
        }
    };
    let admission = Admission {
        run_id: run_id.to_owned(),
        plan_version,
        direction,
        mode: request.mode,
        consent,
        trigger: request.trigger.clone(),
        approval: approval_for(&request.trigger, plan.automation.policy),
        admitted_at: now,
    };
    let acquisition = Lock::acquire(&plan.name, lock, admission.clone(), now);
    match (request.purpose, acquisition) {
        (Purpose::Rehearse, acquisition) => {
            reasons.extend(refusal(acquisition));
            Admit::Rehearse { admission: Box::new(admission), objections: reasons }
        }
        (Purpose::Act, Acquisition::Mine) => Admit::Mine,
        (Purpose::Act, Acquisition::Take(lock)) if reasons.is_empty() => Admit::Take(lock),
        (Purpose::Act, acquisition) => {
            reasons.extend(refusal(acquisition));
            Admit::Refuse(reasons)
        }
    }
}

fn refusal(acquisition: Acquisition) -> Option<Reason> {
    match acquisition {
        Acquisition::Refuse(reason) => Some(reason),
        Acquisition::Take(_) | Acquisition::Mine => None,
    }
}

/// Whether a person has to say yes first: where the plan asks for it, to whatever an alarm started. Who starts a run by hand
/// has decided.
pub(super) fn approval_for(trigger: &Trigger, policy: Policy) -> Approval {
    match (trigger, policy) {
        (Trigger::Alarm { .. }, Policy::Approve) => Approval::Awaited,
        (Trigger::Alarm { .. }, Policy::Autonomous | Policy::ManualOnly) | (Trigger::Operator { .. }, _) => {
            Approval::NotNeeded
        }
    }
}

/// The consent that a run acts under (S6): a person's own for the run, or the plan's for one that an alarm started. That
/// one is for an autonomous plan only: whoever claims to be an alarm gets no further than an alarm would. Where a person is
/// going to be asked, their answer may bring the consent; the plan's counts until then, if it has one that holds.
fn consent_for(request: &Request, plan: &Plan, now: Timestamp) -> Result<Option<Consent>, Reason> {
    let consent = match (request.mode, &request.trigger) {
        (Mode::Switchover, _) => return Ok(None),
        (Mode::Failover, Trigger::Operator { .. }) => &request.consent,
        (Mode::Failover, Trigger::Alarm { .. }) => match plan.automation.policy {
            Policy::Autonomous => &plan.automation.consent,
            Policy::Approve => return Ok(plan.automation.consent.clone().filter(|c| c.expires > now)),
            Policy::ManualOnly => &None,
        },
    };
    match consent {
        None => Err(missing(&plan.name)),
        Some(consent) if consent.expires <= now => Err(Reason::new(
            ReasonCode::ConsentExpired,
            format!("plan {}", plan.name),
            format!("{} accepted until {}", consent.accepted_by, consent.expires),
        )),
        Some(consent) => Ok(Some(consent.clone())),
    }
}

fn missing(plan: &Name) -> Reason {
    Reason::new(
        ReasonCode::ConsentMissing,
        format!("plan {plan}"),
        "a failover may lose data, and nobody accepted that",
    )
}
