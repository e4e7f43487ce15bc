//! Reads what a run moves or checks beside databases, all of it from the target.

use futures_util::future::try_join4;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use lifeboat_model::StepError;
use lifeboat_model::decide::{ResourceSeen, ResourcesSeen};
use lifeboat_model::limits::READS_AT_ONCE;
use lifeboat_model::plan::Requirement;
use lifeboat_ports::CallError;
use lifeboat_step::Run;

use crate::{Ports, read};

/// Everything at the same time.
pub(crate) async fn all<'p>(run: &'p Run, ports: &Ports<'_>) -> Result<ResourcesSeen<'p>, StepError> {
    let (plan, target) = (&run.plan, run.target());
    let caches = each(
        "elasticache:DescribeGlobalReplicationGroups",
        &plan.caches,
        |c| c.requirement,
        run,
        ports,
        |c| ports.caches.describe(c, target),
    );
    let tables = each(
        "dynamodb:DescribeTable",
        &plan.tables,
        |t| t.requirement,
        run,
        ports,
        |t| ports.tables.describe(t, target),
    );
    let brokers =
        each("mq:DescribeBroker", &plan.brokers, |b| b.requirement, run, ports, |b| ports.brokers.describe(b, target));
    let services = each(
        "ecs:DescribeServices",
        &plan.services,
        |s| s.requirement,
        run,
        ports,
        |s| ports.compute.describe(s, target),
    );
    let (caches, tables, brokers, services) = try_join4(caches, tables, brokers, services).await?;
    Ok(ResourcesSeen { caches, tables, brokers, services })
}

/// Reads each of `resources`. One that is required has to answer; one that is not is unknown when it does not.
async fn each<'p, R, S, F: Future<Output = Result<S, CallError>>>(
    operation: &'static str,
    resources: &'p [R],
    requirement: impl Fn(&R) -> Requirement,
    run: &Run,
    ports: &Ports<'_>,
    describe: impl Fn(&'p R) -> F,
) -> Result<Vec<ResourceSeen<'p, R, S>>, StepError> {
    let (requirement, describe) = (&requirement, &describe);
    let reads = resources.iter().map(|resource| async move {
        let answer = read(operation, run.target(), ports, describe(resource)).await;
        match (answer, requirement(resource)) {
            (Ok(state), _) => Ok(ResourceSeen { resource, state: Some(state) }),
            (Err(_), Requirement::BestEffort) => Ok(ResourceSeen { resource, state: None }),
            (Err(error), Requirement::Required) => Err(error),
        }
    });
    stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await
}
