//! Reads what a run moves or checks beside databases, all of it from the target.

use futures_util::future::{try_join, try_join4};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lifeboat_model::StepError;
use lifeboat_model::decide::{ResourceSeen, ResourcesSeen};
use lifeboat_model::evidence::{BrokerSeen, Point};
use lifeboat_model::limits::{COUNT_FRESH, READS_AT_ONCE};
use lifeboat_model::plan::{Broker, Engine, Requirement};
use lifeboat_ports::CallError;
use lifeboat_step::Run;

use crate::{Ports, read};

/// Everything at the same time.
pub(crate) async fn all<'p>(run: &'p Run, ports: &Ports<'_>) -> Result<ResourcesSeen<'p>, StepError> {
    let (plan, target) = (&run.plan, run.target());
    let caches = each(run, ports, "elasticache:DescribeGlobalReplicationGroups", &plan.caches, |c| {
        (c.requirement, ports.caches.describe(c, target))
    });
    let tables =
        each(run, ports, "dynamodb:DescribeTable", &plan.tables, |t| (t.requirement, ports.tables.describe(t, target)));
    let brokers = each(run, ports, "mq:DescribeBroker", &plan.brokers, |b| (b.requirement, broker(b, run, ports)));
    let services = each(run, ports, "ecs:DescribeServices", &plan.services, |s| {
        (s.requirement, ports.compute.describe(s, target))
    });
    let (caches, tables, brokers, services) = try_join4(caches, tables, brokers, services).await?;
    Ok(ResourcesSeen { caches, tables, brokers, services })
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
