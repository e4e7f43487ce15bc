//! The target's broker, before traffic moves.

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::try_join3;
use lifeboat_model::StepError;
use lifeboat_model::decide::{Ground, Promotion, promote_broker};
use lifeboat_model::evidence::{BrokerSeen, Point};
use lifeboat_model::journal::{Attempts, Call, Effect, Note};
use lifeboat_model::limits::{CALL_TIMEOUT, COUNT_FRESH, READ_TIMEOUT, Step, WATCH};
use lifeboat_model::plan::{Broker, Engine};
use lifeboat_model::request::Purpose;
use lifeboat_model::verdict::Verdict;
use lifeboat_ports::{Fault, Mark, timely};
use lifeboat_step::{Called, Mutation, Pace, Performed, Reply, Run};
use serde_json::{Value, json};

use crate::Ports;

/// Promotes the target's broker, or proves that it runs; watches it for a while.
pub async fn see_to(run: &Run, broker: &Broker, pace: Rc<Pace>, ports: &Ports<'_>) -> Result<Reply, StepError> {
    let began = ports.clock.now();
    // The metric has one value a minute: one look per invocation.
    let looks = try_join3(recall(run, broker, ports), describe(run, broker, ports), declared(run, broker, ports));
    let (mut recalled, mut state, queues) = looks.await?;
    loop {
        let now = ports.clock.now();
        let attempts = recalled.attempts;
        let verdict = recalled.verdict.as_ref();
        let ground = Ground { lock: &run.lock, attempts: &attempts, verdict, limits: &run.plan.limits, now };
        let decision = promote_broker(broker, &state, &queues, &ground);
        let changed = attempts.count > 0;
        match (decision, run.purpose) {
            (Promotion::Done, Purpose::Act | Purpose::Rehearse) => {
                let what = format!("the broker in {} runs", run.target());
                run.note(Step::PromoteBroker, broker.name.as_str(), Note::Ready { what }, ports.ledger, ports.clock)
                    .await?;
                return Ok(Reply::done(changed, seen(broker, &state, "done")));
            }
            (Promotion::Watch(what), Purpose::Rehearse) => {
                return Ok(Reply::done(false, seen(broker, &state, &format!("would wait: {what}"))));
            }
            (Promotion::Refuse(reason), Purpose::Rehearse) => {
                return Ok(Reply::done(false, seen(broker, &state, &format!("would refuse: {reason}"))));
            }
            (Promotion::Refuse(reason), Purpose::Act) => return Err(StepError::Refused(vec![reason])),
            (Promotion::Watch(what), Purpose::Act) => {
                if now >= began.plus(WATCH) {
                    return Ok(Reply::pending(changed, seen(broker, &state, &what)));
                }
            }
            (Promotion::Call(attempt), Purpose::Act | Purpose::Rehearse) => {
                match call(run, broker, &attempts, attempt, ports).await? {
                    Called::Rehearsed => {
                        return Ok(Reply::done(false, seen(broker, &state, "rehearsed: nothing was called")));
                    }
                    Called::LookAgain(effect) => recalled.attempts = attempts.and(now, effect),
                }
            }
        }
        pace.wait(ports.clock).await;
        state = describe(run, broker, ports).await?;
    }
}

/// What the journal says.
struct Recalled {
    attempts: Attempts,
    verdict: Option<Verdict>,
}

async fn recall(run: &Run, broker: &Broker, ports: &Ports<'_>) -> Result<Recalled, StepError> {
    let journal = run.journal(ports.ledger, ports.clock).await?;
    let attempts = Attempts::of(&journal, Step::PromoteBroker, broker.name.as_str());
    Ok(Recalled { attempts, verdict: run.verdict(&journal) })
}

async fn describe(run: &Run, broker: &Broker, ports: &Ports<'_>) -> Result<BrokerSeen, StepError> {
    let look = ports.brokers.describe(broker, run.target());
    let operation = "mq:DescribeBroker";
    timely(ports.clock, READ_TIMEOUT, operation, run.target(), look).await.map_err(|e| e.while_reading())
}

/// How many queues the target has declared, where the plan asks. Metrics that do not answer leave it unknown.
async fn declared(run: &Run, broker: &Broker, ports: &Ports<'_>) -> Result<Vec<Point>, StepError> {
    match broker.engine {
        Engine::RabbitMq { queues: 1.., .. } => {}
        Engine::RabbitMq { queues: 0, .. } | Engine::ActiveMq => return Ok(Vec::new()),
    }
    let look = ports.metrics.queue_count(broker, run.target(), ports.clock.now().minus(COUNT_FRESH));
    let answer = timely(ports.clock, READ_TIMEOUT, "cloudwatch:GetMetricData", run.target(), look).await;
    match answer.map_err(|e| e.while_reading()) {
        Ok(points) => Ok(points),
        Err(StepError::Transient(_)) => Ok(Vec::new()),
        Err(error @ (StepError::Rejected(_) | StepError::Refused(_) | StepError::Ambiguous(_))) => Err(error),
    }
}

async fn call(
    run: &Run,
    broker: &Broker,
    earlier: &Attempts,
    attempt: u32,
    ports: &Ports<'_>,
) -> Result<Called, StepError> {
    let (target, mode) = (run.target(), run.lock.run.mode);
    let in_target = broker
        .brokers
        .get(target)
        .ok_or_else(|| StepError::malformed("broker", &broker.name, "a broker with one in the target"))?;
    let mutation = Mutation {
        run,
        step: Step::PromoteBroker,
        resource: broker.name.as_str(),
        attempt,
        call: Call {
            operation: "mq:Promote".to_owned(),
            region: target.clone(),
            parameters: BTreeMap::from([
                ("BrokerId".to_owned(), in_target.id.clone()),
                ("Mode".to_owned(), mode.as_str().to_uppercase()),
            ]),
        },
        timeout: CALL_TIMEOUT,
        mark: Mark::PointOfNoReturn,
    };
    match mutation.perform(ports.ledger, ports.clock, ports.brokers.promote(broker, target, mode)).await? {
        // The state forbids it: perhaps because an earlier call, whose reply was lost, is under way.
        Performed::Made(Err(error))
            if earlier.unknown_at.is_some() && matches!(error.fault, Fault::Conflict | Fault::Invalid) =>
        {
            Ok(Called::LookAgain(Effect::None))
        }
        performed @ (Performed::Made(_) | Performed::Rehearsed) => performed.called(),
    }
}

fn seen(broker: &Broker, state: &BrokerSeen, what: &str) -> Value {
    json!({
        "broker": broker.name,
        "what": what,
        "role": state.role,
        "state": state.state,
        "observed_at": state.observed_at,
    })
}
