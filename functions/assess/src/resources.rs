//! Reads what a run moves or checks beside databases, all of it from the target.

use futures_util::future::{join, try_join, try_join4};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lifeboat_model::StepError;
use lifeboat_model::decide::{ResourceSeen, ResourcesSeen};
use lifeboat_model::evidence::{BrokerSeen, GlobalCache, GlobalTable, Point};
use lifeboat_model::limits::{COUNT_FRESH, LAG_FRESH, READS_AT_ONCE, SOURCE_TIMEOUT};
use lifeboat_model::plan::{Broker, Cache, Consistency, Engine, Requirement, Table};
use lifeboat_model::request::Mode;
use lifeboat_ports::{CallError, within};
use lifeboat_step::Run;

use crate::{Ports, read};

/// Everything at the same time.
pub(crate) async fn all<'p>(run: &'p Run, ports: &Ports<'_>) -> Result<ResourcesSeen<'p>, StepError> {
    let (plan, target) = (&run.plan, run.target());
    let caches = each(run, ports, "elasticache:DescribeGlobalReplicationGroups", &plan.caches, |c| {
        (c.requirement, cache(c, run, ports))
    });
    let tables = each(run, ports, "dynamodb:DescribeTable", &plan.tables, |t| (t.requirement, table(t, run, ports)));
    let brokers = each(run, ports, "mq:DescribeBroker", &plan.brokers, |b| (b.requirement, broker(b, run, ports)));
    let services = each(run, ports, "ecs:DescribeServices", &plan.services, |s| {
        (s.requirement, ports.compute.describe(s, target))
    });
    let (caches, tables, brokers, services) = try_join4(caches, tables, brokers, services).await?;
    Ok(ResourcesSeen { caches, tables, brokers, services })
}

/// A cache and, for a planned move, how far the target is behind.
async fn cache(cache: &Cache, run: &Run, ports: &Ports<'_>) -> Result<(GlobalCache, Vec<Point>), CallError> {
    let lag_ms = async {
        match run.lock.run.mode {
            Mode::Switchover => {
                let since = ports.clock.now().minus(LAG_FRESH);
                ports.metrics.cache_lag_ms(cache, run.target(), since).await
            }
            Mode::Failover => Ok(Vec::new()),
        }
    };
    try_join(ports.caches.describe(cache, run.target()), lag_ms).await
}

/// A table and, for a planned move, how long writes take to arrive: told in the source only, which is well then and is not
/// waited for. Without an answer it is not known.
async fn table(table: &Table, run: &Run, ports: &Ports<'_>) -> Result<(GlobalTable, Vec<Point>), CallError> {
    let latency_ms = async {
        match (run.lock.run.mode, table.consistency) {
            (Mode::Switchover, Consistency::Eventual) => {
                let since = ports.clock.now().minus(LAG_FRESH);
                let look = ports.metrics.table_latency_ms(table, run.source(), run.target(), since);
                within(ports.clock, SOURCE_TIMEOUT, look).await.and_then(Result::ok).unwrap_or_default()
            }
            (Mode::Switchover, Consistency::Strong) | (Mode::Failover, _) => Vec::new(),
        }
    };
    let (state, latency_ms) = join(ports.tables.describe(table, run.target()), latency_ms).await;
    Ok((state?, latency_ms))
}

/// A broker, and the queues that it has declared where the plan wants some.
async fn broker(broker: &Broker, run: &Run, ports: &Ports<'_>) -> Result<(BrokerSeen, Vec<Point>), CallError> {
    let queues = async {
        match broker.engine {
            Engine::RabbitMq { queues, .. } if queues > 0 => {
                let since = ports.clock.now().minus(COUNT_FRESH);
                ports.metrics.queue_count(broker, run.target(), since).await
            }
            Engine::ActiveMq | Engine::RabbitMq { .. } => Ok(Vec::new()),
        }
    };
    try_join(ports.brokers.describe(broker, run.target()), queues).await
}

/// Reads each of `resources`. One that is required has to answer; one that is not is unknown when it does not.
async fn each<'p, R, S, F: Future<Output = Result<S, CallError>>>(
    run: &Run,
    ports: &Ports<'_>,
    operation: &'static str,
    resources: &'p [R],
    describe: impl Fn(&'p R) -> (Requirement, F),
) -> Result<Vec<ResourceSeen<'p, R, S>>, StepError> {
    let describe = &describe;
    let reads = resources.iter().map(|resource| async move {
        let (requirement, look) = describe(resource);
        match (read(operation, run.target(), ports, look).await, requirement) {
            (Ok(state), _) => Ok(ResourceSeen { resource, state: Some(state) }),
            (Err(_), Requirement::BestEffort) => Ok(ResourceSeen { resource, state: None }),
            (Err(error), Requirement::Required) => Err(error),
        }
    });
    stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await
}
