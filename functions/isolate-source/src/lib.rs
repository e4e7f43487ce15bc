//! `isolate-source`: where both Regions serve, takes the source out of traffic before the writers move.
//!
//! Guarantees: only while the target is On by the same look, and both controls in one batch (S2); switches no Region On
//! (S3). In a switchover it is done when every name has answered with the target only for as long as a client may keep an
//! older answer: so the writers move when nobody uses the source any more. In a failover nobody waits.
//! Effects: `UpdateRoutingControlStates`; lease and journal.
//! Fails when: `Refused` (source-not-drained, safety-rule, what forbids any change), `Transient` (no endpoint answers).

use futures_util::future::try_join;
use lifeboat_model::decide::{Departure, Isolation, isolate_source, source_departure};
use lifeboat_model::evidence::RoutingStates;
use lifeboat_model::journal::{Attempts, Entry, Note, newest};
use lifeboat_model::limits::{POLL, SAFETY_RULE_WAIT_S, Step, WATCH};
use lifeboat_model::{Period, StepError, Timestamp};
use lifeboat_ports::{Chance, Clock, Ledger, Names, Routing};
use lifeboat_step::names::look_up_all;
use lifeboat_step::routing::{Changed, RoutingChange, RoutingPorts, read_states, rotation};
use lifeboat_step::{Reply, Run, RunMessage, parse};
use serde_json::{Value, json};

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// The routing-control cluster.
    pub routing: &'a dyn Routing,
    /// Name resolution.
    pub names: &'a dyn Names,
    /// Picks the endpoint to ask first.
    pub chance: &'a dyn Chance,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: RunMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let endpoints = rotation(&run.plan.routing, ports.chance);
    let states = read_states(&run.plan.routing, &endpoints, ports.routing, ports.clock);
    let (journal, seen) = try_join(run.journal(ports.ledger, ports.clock), states).await?;
    let before = attempts(&run, &journal);
    match decide(&run, &journal, &before, &seen, ports) {
        Isolation::NotNow(why) => return Reply::done(false, json!({"isolated": false, "why": why})).into_json(),
        Isolation::Refuse(reason) => return Err(StepError::Refused(vec![reason])),
        Isolation::Isolated | Isolation::Change => {}
    }
    let change = RoutingChange { run: &run, step: Step::IsolateSource, attempts: before.count };
    let through = RoutingPorts { ledger: ports.ledger, clock: ports.clock, routing: ports.routing };
    let may_go = |seen: &RoutingStates| match decide(&run, &journal, &before, seen, ports) {
        Isolation::Change | Isolation::Isolated => Ok(()),
        Isolation::Refuse(reason) => Err(StepError::Refused(vec![reason])),
        Isolation::NotNow(why) => Err(StepError::Transient(format!("the routing controls changed meanwhile: {why}"))),
    };
    match change.make(seen, &endpoints, &through, may_go).await? {
        Changed::Rehearsed(seen) => Reply::done(false, json!({"rehearsed": true, "states": seen.states})).into_json(),
        Changed::Settling(seen) => {
            Reply::pending_for(SAFETY_RULE_WAIT_S, before.count > 0, json!({"states": seen.states})).into_json()
        }
        Changed::Done(_, calls) => {
            let told_at = before.accepted_at.or(before.unknown_at).unwrap_or(ports.clock.now());
            departure(&run, told_at, left_at(&journal), calls > 0, ports).await
        }
    }
}

fn attempts(run: &Run, journal: &[Entry]) -> Attempts {
    Attempts::of(journal, Step::IsolateSource, run.plan.name.as_str())
}

fn left_at(journal: &[Entry]) -> Option<Timestamp> {
    newest(journal, |note| *note == Note::SourceLeft)
}

fn decide(run: &Run, journal: &[Entry], before: &Attempts, seen: &RoutingStates, ports: &Ports<'_>) -> Isolation {
    isolate_source(&run.plan, &run.lock, seen, before, run.verdict(journal).as_ref(), ports.clock.now())
}

/// Waits until clients have left the source, as long as one invocation may.
async fn departure(
    run: &Run,
    told_at: Timestamp,
    left_at: Option<Timestamp>,
    changed: bool,
    ports: &Ports<'_>,
) -> Result<Value, StepError> {
    let began = ports.clock.now();
    let mut left_at = left_at;
    loop {
        let names = look_up_all(run, ports.names, ports.clock).await;
        let now = ports.clock.now();
        let waiting_for = match source_departure(&run.plan, &run.lock, &names, told_at, left_at, now) {
            Departure::Gone => {
                let evidence = json!({"isolated": true, "source": run.source(), "left_at": left_at});
                return Reply::done(changed, evidence).into_json();
            }
            Departure::Refuse(reason) => return Err(StepError::Refused(vec![reason])),
            Departure::Leaving => {
                run.note(Step::IsolateSource, run.plan.name.as_str(), Note::SourceLeft, ports.ledger, ports.clock)
                    .await?;
                left_at = Some(now);
                continue;
            }
            Departure::Until(gone_at) => {
                let left_s = u32::try_from(gone_at.ms_since(now).max(0) / 1000 + 1).unwrap_or(1);
                return Reply::pending_for(left_s, changed, json!({"clients_leave_until": gone_at})).into_json();
            }
            Departure::Pending(what) => what,
        };
        if now >= began.plus(WATCH) {
            return Reply::pending(changed, json!({"waiting_for": waiting_for})).into_json();
        }
        ports.clock.sleep(Period::max(POLL, Period::ms(1000))).await;
    }
}
