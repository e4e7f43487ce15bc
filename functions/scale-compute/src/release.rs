//! The phase `release`: the target serves, and Application Auto Scaling may take tasks away again.

use lifeboat_model::StepError;
use lifeboat_model::evidence::{ScaleIn, ServiceSeen};
use lifeboat_model::journal::{Attempts, Effect, Entry};
use lifeboat_model::limits::Step;
use lifeboat_model::plan::Service;
use lifeboat_model::request::Purpose;
use lifeboat_step::{Called, Reply, Run};
use serde_json::{Value, json};

use super::{Ports, SUSPENDED, describe, mutation, placement, scalable_target};

/// One look, and one call where scale-in is suspended. Nothing is waited for: the call is the last word on it.
pub(super) async fn see_to(
    run: &Run,
    service: &Service,
    journal: &[Entry],
    ports: &Ports<'_>,
) -> Result<Reply, StepError> {
    let seen = describe(run, service, ports).await?;
    let suspended = match run.purpose {
        Purpose::Act => seen.scale_in,
        // A run would have suspended it before.
        Purpose::Rehearse => seen.scale_in.map(|_| ScaleIn::Suspended),
    };
    match suspended {
        None => return Ok(Reply::done(false, evidence(service, &seen, "it does not scale by itself"))),
        Some(ScaleIn::Allowed) => return Ok(Reply::done(false, evidence(service, &seen, "scale-in is allowed"))),
        Some(ScaleIn::Suspended) if !was_suspended_by_this_run(service, journal) => {
            return Ok(Reply::done(false, evidence(service, &seen, "scale-in was suspended by somebody else")));
        }
        Some(ScaleIn::Suspended) => {}
    }
    let attempt = Attempts::of(journal, Step::ScaleCompute, service.name.as_str()).count + 1;
    let resumed = (SUSPENDED, false.to_string());
    let parameters = scalable_target(placement(run, service)?, [resumed]);
    let send = ports.compute.resume_scale_in(service, run.target());
    let performed = mutation(run, service, attempt, "application-autoscaling:RegisterScalableTarget", parameters)
        .perform(ports.ledger, ports.clock, send)
        .await?;
    match performed.called()? {
        Called::LookAgain(Effect::Accepted) => Ok(Reply::done(true, evidence(service, &seen, "scale-in was resumed"))),
        Called::Rehearsed => Ok(Reply::done(false, evidence(service, &seen, "rehearsed: would resume scale-in"))),
        Called::LookAgain(Effect::Unknown | Effect::None) => {
            let what = format!("the call to resume scale-in of service {} gave no answer", service.name);
            Err(StepError::Ambiguous(what))
        }
    }
}

/// What a person suspended is for a person to resume.
fn was_suspended_by_this_run(service: &Service, journal: &[Entry]) -> bool {
    let mine = journal.iter().filter(|e| e.step == Step::ScaleCompute && e.resource == service.name.as_str());
    let mut calls = mine.filter_map(|e| e.note.planned_call());
    calls.any(|call| call.parameters.get(SUSPENDED).is_some_and(|value| value == "true"))
}

fn evidence(service: &Service, seen: &ServiceSeen, what: &str) -> Value {
    json!({
        "service": service.name,
        "what": what,
        "minimum": seen.minimum,
        "observed_at": seen.observed_at,
    })
}
