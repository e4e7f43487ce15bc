//! The mutating calls of a run: each intent with what came of it.

use std::collections::{BTreeMap, BTreeSet};

use lifeboat_model::Timestamp;
use lifeboat_model::journal::{Call, Effect, Entry};
use lifeboat_model::limits::Step;
use lifeboat_model::report::{CallMade, WhatCall, WouldCall};

/// What the journal says of one attempt.
#[derive(Default)]
struct Attempt<'e> {
    intent: Option<(Timestamp, &'e Call)>,
    outcome: Option<(Timestamp, Effect, &'e str)>,
}

/// Every call of the run, in the order of time.
pub(crate) fn made(entries: &[Entry], began_at: Timestamp) -> Vec<CallMade> {
    let mut attempts: BTreeMap<(Step, &str, u32), Attempt<'_>> = BTreeMap::new();
    for entry in entries {
        let key = |attempt: u32| (entry.step, entry.resource.as_str(), attempt);
        if let Some((attempt, call)) = entry.note.intent() {
            attempts.entry(key(attempt)).or_default().intent = Some((entry.at, call));
        }
        if let Some((attempt, effect, detail)) = entry.note.outcome() {
            attempts.entry(key(attempt)).or_default().outcome = Some((entry.at, effect, detail));
        }
    }
    let one = |((step, resource, attempt), of)| call(step, resource, attempt, &of, began_at);
    let mut calls: Vec<CallMade> = attempts.into_iter().filter_map(one).collect();
    calls.sort_by_key(|c| c.at);
    calls
}

fn call(step: Step, resource: &str, attempt: u32, of: &Attempt<'_>, began_at: Timestamp) -> Option<CallMade> {
    let intended_at = of.intent.map(|(at, _)| at);
    let ended_at = of.outcome.map(|(at, _, _)| at);
    let at = intended_at.or(ended_at)?;
    let (effect, request_id, error) = match of.outcome {
        Some((_, Effect::Accepted, id)) => (Effect::Accepted, Some(id.to_owned()).filter(|id| !id.is_empty()), None),
        Some((_, effect @ (Effect::None | Effect::Unknown), words)) => (effect, None, Some(words.to_owned())),
        None => (Effect::Unknown, None, Some("the journal does not say what came of it".to_owned())),
    };
    Some(CallMade {
        at,
        at_s: at.seconds_since(began_at),
        took_s: intended_at.zip(ended_at).map(|(from, until)| until.seconds_since(from)),
        step,
        resource: resource.to_owned(),
        attempt,
        call: of.intent.map(|(_, call)| what(call)),
        effect,
        request_id,
        error,
    })
}

fn what(call: &Call) -> WhatCall {
    WhatCall { operation: call.operation.clone(), region: call.region.clone(), parameters: call.parameters.clone() }
}

/// What a rehearsal would have called, in the order of time; a look that was made again says it once.
pub(crate) fn would_call(entries: &[Entry]) -> Vec<WouldCall> {
    let mut calls: Vec<WouldCall> = Vec::new();
    for entry in entries.iter().filter(|e| e.note.intent().is_none()) {
        let Some(call) = entry.note.planned_call() else { continue };
        let would = WouldCall { step: entry.step, resource: entry.resource.clone(), call: what(call) };
        if !calls.contains(&would) {
            calls.push(would);
        }
    }
    calls
}

/// The operation that suspends a service's scaling, and resumes it.
const REGISTER: &str = "application-autoscaling:RegisterScalableTarget";
/// What the names of its suspending parameters have in common.
const SUSPENDED: &str = "Suspended";

/// What a call does to a service's scaling.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scaling {
    Suspends,
    Resumes,
    Neither,
}

fn scaling(call: &WhatCall) -> Scaling {
    let mut suspensions = call.parameters.iter().filter(|(key, _)| key.contains(SUSPENDED)).map(|(_, value)| value);
    match (call.operation == REGISTER, suspensions.next()) {
        (false, _) | (true, None) => Scaling::Neither,
        (true, Some(first)) if first == "true" || suspensions.any(|value| value == "true") => Scaling::Suspends,
        (true, Some(_)) => Scaling::Resumes,
    }
}

/// The services whose scaling one of `calls`, which are in the order of time, suspended or may have, and none surely
/// resumed afterwards.
pub(crate) fn still_suspended(calls: &[CallMade]) -> Vec<String> {
    let mut suspended = BTreeSet::new();
    for made in calls {
        match (made.call.as_ref().map_or(Scaling::Neither, scaling), made.effect) {
            (Scaling::Suspends, Effect::Accepted | Effect::Unknown) => {
                suspended.insert(made.resource.clone());
            }
            (Scaling::Resumes, Effect::Accepted) => {
                suspended.remove(&made.resource);
            }
            (Scaling::Suspends, Effect::None)
            | (Scaling::Resumes, Effect::None | Effect::Unknown)
            | (Scaling::Neither, _) => {}
        }
    }
    suspended.into_iter().collect()
}
