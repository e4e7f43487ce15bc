//! The phase `raise`: capacity is added and waited for.

use std::rc::Rc;

use futures_util::future::join;
use lifeboat_model::decide::{Raise, Scaling, ScalingCalls, ServiceFacts, raises, scale_compute, source_left_at};
use lifeboat_model::evidence::ServiceSeen;
use lifeboat_model::journal::{Entry, Note};
use lifeboat_model::limits::{SOURCE_TIMEOUT, Step, WATCH};
use lifeboat_model::plan::Service;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::{Reason, StepError};
use lifeboat_ports::within;
use lifeboat_step::{Called, Pace, Reply, Run};
use serde_json::{Value, json};

use super::{Ports, SUSPENDED, describe, mutation, placement, scalable_target};

pub(super) async fn see_to(
    run: &Run,
    service: &Service,
    journal: &[Entry],
    pace: Rc<Pace>,
    ports: &Ports<'_>,
) -> Result<Reply, StepError> {
    let began = ports.clock.now();
    let mut calls = ScalingCalls::of(journal, &service.name);
    let (source_tasks, seen) = join(source_tasks(run, service, ports), describe(run, service, ports)).await;
    let (wanted, mut seen) = (service.wanted(source_tasks), seen?);
    let verdict = run.verdict(journal);
    loop {
        let facts = ServiceFacts {
            service,
            lock: &run.lock,
            seen: &seen,
            wanted,
            calls: &calls,
            verdict: verdict.as_ref(),
            left_at: source_left_at(&run.plan, journal),
            limit: run.plan.limits.compute,
        };
        let now = ports.clock.now();
        let changed = calls.attempts.count > 0;
        let told = |what: &str| evidence(service, &seen, wanted, what);
        match (scale_compute(&facts, now), run.purpose) {
            (Scaling::Done(what) | Scaling::GoOnWith(what), Purpose::Act | Purpose::Rehearse) => {
                let note = Note::Ready { what: what.clone() };
                run.note(Step::ScaleCompute, service.name.as_str(), note, ports.ledger, ports.clock).await?;
                return Ok(Reply::done(changed, told(&what)));
            }
            (Scaling::Watch(what), Purpose::Rehearse) => {
                return Ok(Reply::done(false, told(&format!("would wait: {what}"))));
            }
            (Scaling::Refuse(reason), Purpose::Rehearse) => {
                return Ok(Reply::done(false, told(&would_refuse(&reason))));
            }
            (Scaling::Refuse(reason), Purpose::Act) => return Err(StepError::Refused(vec![reason])),
            (Scaling::Watch(what), Purpose::Act) if now >= began.plus(WATCH) => {
                return Ok(Reply::pending(changed, told(&what)));
            }
            (Scaling::Watch(_), Purpose::Act) => {}
            (Scaling::Call { .. }, Purpose::Rehearse) => return rehearse(run, service, &seen, wanted, ports).await,
            (Scaling::Call { raise, attempt }, Purpose::Act) => {
                match call(run, service, raise, attempt, ports).await? {
                    Called::LookAgain(_) | Called::Rehearsed => {
                        calls = ScalingCalls::of(&run.journal(ports.ledger, ports.clock).await?, &service.name);
                    }
                }
            }
        }
        pace.wait(ports.clock).await;
        seen = describe(run, service, ports).await?;
    }
}

/// How many tasks the source shall run, if it says so at once; a failover does not ask it.
async fn source_tasks(run: &Run, service: &Service, ports: &Ports<'_>) -> Option<u32> {
    match run.lock.run.mode {
        Mode::Switchover => {
            within(ports.clock, SOURCE_TIMEOUT, ports.compute.desired(service, run.source())).await?.ok()
        }
        Mode::Failover => None,
    }
}

async fn call(
    run: &Run,
    service: &Service,
    raise: Raise,
    attempt: u32,
    ports: &Ports<'_>,
) -> Result<Called, StepError> {
    let at = placement(run, service)?;
    let performed = match raise {
        Raise::Minimum(minimum) => {
            let suspended = (SUSPENDED, true.to_string());
            let parameters = scalable_target(at, [("MinCapacity", minimum.to_string()), suspended]);
            let send = ports.compute.raise_minimum(service, run.target(), minimum);
            mutation(run, service, attempt, raise.operation(), parameters)
                .perform(ports.ledger, ports.clock, send)
                .await?
        }
        Raise::Desired(desired) => {
            let parameters = [
                ("cluster", at.cluster.clone()),
                ("service", at.service.clone()),
                ("desiredCount", desired.to_string()),
            ];
            let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            let send = ports.compute.raise_desired(service, run.target(), desired);
            mutation(run, service, attempt, raise.operation(), parameters)
                .perform(ports.ledger, ports.clock, send)
                .await?
        }
    };
    performed.called()
}

/// Says every call that a run would make, one after the other.
async fn rehearse(
    run: &Run,
    service: &Service,
    seen: &ServiceSeen,
    wanted: u32,
    ports: &Ports<'_>,
) -> Result<Reply, StepError> {
    let mut would = Vec::new();
    for (raise, attempt) in raises(seen, wanted).into_iter().zip(1..) {
        call(run, service, raise, attempt, ports).await?;
        would.push(match raise {
            Raise::Minimum(minimum) => format!("raise the minimum to {minimum} and suspend scale-in"),
            Raise::Desired(desired) => format!("raise the desired count to {desired}"),
        });
    }
    let what = format!("rehearsed, nothing was called: would {}", would.join(", then "));
    Ok(Reply::done(false, evidence(service, seen, wanted, &what)))
}

fn would_refuse(reason: &Reason) -> String {
    format!("would refuse: {reason}")
}

fn evidence(service: &Service, seen: &ServiceSeen, wanted: u32, what: &str) -> Value {
    json!({
        "service": service.name,
        "what": what,
        "wanted": wanted,
        "serving": seen.serving(),
        "desired": seen.desired,
        "minimum": seen.minimum,
        "maximum": seen.maximum,
        "observed_at": seen.observed_at,
    })
}
