//! `promote-cache`: makes the target's member of each ElastiCache global datastore of its share the primary.
//!
//! Guarantees: done means that the target is the only primary, associated, the datastore available; at most one call of
//! unknown or accepted fate at a time (S10); a switchover does not begin with a lag that is unknown or over the limit (S9).
//! ElastiCache promotes without waiting for replication, so that a switchover too may lose the last moments' writes.
//! Effects: `FailoverGlobalReplicationGroup` in the target; lease and journal. In a rehearsal the journal only.
//! Fails when: `Refused` (the decision says why), `Transient` or `Ambiguous` (call again: it looks first).

use std::collections::BTreeMap;
use std::rc::Rc;

use futures_util::future::try_join;
use lifeboat_model::decide::{Ground, Promotion, promote_cache};
use lifeboat_model::evidence::{GlobalCache, Point};
use lifeboat_model::journal::{Attempts, Call, Note};
use lifeboat_model::limits::{CALL_TIMEOUT, LAG_FRESH, READ_TIMEOUT, SETTLE, Step, WATCH};
use lifeboat_model::plan::Cache;
use lifeboat_model::request::{Mode, Purpose};
use lifeboat_model::verdict::Verdict;
use lifeboat_model::{ReasonCode, StepError};
use lifeboat_ports::{Caches, Clock, Ledger, Mark, Metrics, timely};
use lifeboat_step::{Called, Mutation, Pace, Reply, Run, ShareMessage, parse, see_to_all};
use serde_json::{Value, json};

/// What this step needs.
pub struct Ports<'a> {
    /// The table.
    pub ledger: &'a dyn Ledger,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// ElastiCache.
    pub caches: &'a dyn Caches,
    /// CloudWatch.
    pub metrics: &'a dyn Metrics,
}

/// Performs the step.
///
/// # Errors
/// See the module's documentation.
pub async fn handle(event: Value, ports: &Ports<'_>) -> Result<Value, StepError> {
    let message: ShareMessage = parse(&event)?;
    let run = Run::enter(message.run, ports.ledger, ports.clock).await?;
    let caches = ShareMessage::resolve(&message.resources, "cache", |name| run.plan.cache(name))?;
    see_to_all(&caches, run.plan.caches.len(), ports.clock, |cache, pace| see_to(&run, cache, pace, ports)).await
}

async fn see_to(run: &Run, cache: &Cache, pace: Rc<Pace>, ports: &Ports<'_>) -> Result<Reply, StepError> {
    let began = ports.clock.now();
    let (mut recalled, mut state) = try_join(recall(run, cache, ports), describe(run, cache, ports)).await?;
    // The metric has one value a minute: one look per invocation.
    let lag_ms = lag(run, cache, &recalled.attempts, &state, ports).await?;
    let mut lost_since = None;
    loop {
        let now = ports.clock.now();
        let attempts = recalled.attempts;
        let verdict = recalled.verdict.as_ref();
        let ground = Ground { lock: &run.lock, attempts: &attempts, verdict, limits: &run.plan.limits, now };
        let decision = promote_cache(cache, &state, &lag_ms, &ground);
        lost_since = if is_lost(&decision) { lost_since.or(Some(now)) } else { None };
        let changed = attempts.count > 0;
        match (decision, run.purpose) {
            (Promotion::Done, Purpose::Act | Purpose::Rehearse) => {
                let what = format!("{} is the only primary, the datastore available", run.target());
                run.note(Step::PromoteCache, cache.name.as_str(), Note::Ready { what }, ports.ledger, ports.clock)
                    .await?;
                return Ok(Reply::done(changed, seen(cache, &state, "done")));
            }
            (Promotion::Watch(what), Purpose::Rehearse) => {
                return Ok(Reply::done(false, seen(cache, &state, &format!("would wait: {what}"))));
            }
            (Promotion::Refuse(reason), Purpose::Rehearse) => {
                return Ok(Reply::done(false, seen(cache, &state, &format!("would refuse: {reason}"))));
            }
            // One look may be stale. A promotion is lost when nothing is seen of it for as long as a call needs to show.
            (Promotion::Refuse(reason), Purpose::Act) if lost_since.is_some_and(|since| now <= since.plus(SETTLE)) => {
                if now >= began.plus(WATCH) {
                    return Ok(Reply::pending(changed, seen(cache, &state, &reason.detail)));
                }
            }
            (Promotion::Refuse(reason), Purpose::Act) => return Err(StepError::Refused(vec![reason])),
            (Promotion::Watch(what), Purpose::Act) => {
                if now >= began.plus(WATCH) {
                    return Ok(Reply::pending(changed, seen(cache, &state, &what)));
                }
            }
            (Promotion::Call(attempt), Purpose::Act | Purpose::Rehearse) => {
                match call(run, cache, attempt, ports).await? {
                    Called::Rehearsed => {
                        return Ok(Reply::done(false, seen(cache, &state, "rehearsed: nothing was called")));
                    }
                    Called::LookAgain(effect) => recalled.attempts = attempts.and(now, effect),
                }
            }
        }
        pace.wait(ports.clock).await;
        state = describe(run, cache, ports).await?;
    }
}

/// What the journal says.
struct Recalled {
    attempts: Attempts,
    verdict: Option<Verdict>,
}

fn is_lost(decision: &Promotion) -> bool {
    match decision {
        Promotion::Refuse(reason) => reason.code == ReasonCode::PromotionLost,
        Promotion::Done | Promotion::Watch(_) | Promotion::Call(_) => false,
    }
}

async fn recall(run: &Run, cache: &Cache, ports: &Ports<'_>) -> Result<Recalled, StepError> {
    let journal = run.journal(ports.ledger, ports.clock).await?;
    let attempts = Attempts::of(&journal, Step::PromoteCache, cache.name.as_str());
    Ok(Recalled { attempts, verdict: run.verdict(&journal) })
}

async fn describe(run: &Run, cache: &Cache, ports: &Ports<'_>) -> Result<GlobalCache, StepError> {
    let look = ports.caches.describe(cache, run.target());
    let operation = "elasticache:DescribeGlobalReplicationGroups";
    timely(ports.clock, READ_TIMEOUT, operation, run.target(), look).await.map_err(|e| e.while_reading())
}

/// How far the target is behind, where that decides about a call. Metrics that do not answer leave it unknown.
async fn lag(
    run: &Run,
    cache: &Cache,
    attempts: &Attempts,
    state: &GlobalCache,
    ports: &Ports<'_>,
) -> Result<Vec<Point>, StepError> {
    let is_primary = state.primary().is_some_and(|p| Some(&p.group) == cache.groups.get(run.target()));
    match run.lock.run.mode {
        Mode::Switchover if attempts.accepted_at.is_none() && !is_primary => {}
        Mode::Switchover | Mode::Failover => return Ok(Vec::new()),
    }
    let look = ports.metrics.cache_lag_ms(cache, run.target(), ports.clock.now().minus(LAG_FRESH));
    let answer = timely(ports.clock, READ_TIMEOUT, "cloudwatch:GetMetricData", run.target(), look).await;
    match answer.map_err(|e| e.while_reading()) {
        Ok(points) => Ok(points),
        Err(StepError::Transient(_)) => Ok(Vec::new()),
        Err(error @ (StepError::Rejected(_) | StepError::Refused(_) | StepError::Ambiguous(_))) => Err(error),
    }
}

async fn call(run: &Run, cache: &Cache, attempt: u32, ports: &Ports<'_>) -> Result<Called, StepError> {
    let target = run.target();
    let group = cache
        .groups
        .get(target)
        .ok_or_else(|| StepError::malformed("cache", &cache.name, "a cache with a replication group in the target"))?;
    let mutation = Mutation {
        run,
        step: Step::PromoteCache,
        resource: cache.name.as_str(),
        attempt,
        call: Call {
            operation: "elasticache:FailoverGlobalReplicationGroup".to_owned(),
            region: target.clone(),
            parameters: BTreeMap::from([
                ("GlobalReplicationGroupId".to_owned(), cache.global_datastore.clone()),
                ("PrimaryRegion".to_owned(), target.to_string()),
                ("PrimaryReplicationGroupId".to_owned(), group.clone()),
            ]),
        },
        timeout: CALL_TIMEOUT,
        mark: Mark::PointOfNoReturn,
    };
    mutation.perform(ports.ledger, ports.clock, ports.caches.promote(cache, target)).await?.called()
}

fn seen(cache: &Cache, state: &GlobalCache, what: &str) -> Value {
    json!({
        "cache": cache.name,
        "what": what,
        "primary": state.primary().map(|p| &p.group),
        "status": state.status.as_str(),
        "observed_at": state.observed_at,
    })
}
