//! Caches, tables, brokers, services, messages and reports, on the world.

use async_trait::async_trait;
use lifeboat_model::Region;
use lifeboat_model::evidence::{BrokerSeen, GlobalCache, GlobalTable, ServiceSeen};
use lifeboat_model::plan::{Broker, Cache, Service, Table};
use lifeboat_model::request::Mode;
use lifeboat_ports::{Archive, Brokers, Caches, CallError, Compute, Notices, Receipt, Tables};

use super::SimPorts;
use crate::invariants::{Mutation, Size};
use crate::service_times::{CONTROL_PLANE_CALL, CONTROL_PLANE_READ, NOTICE_PUBLISH, OBJECT_PUT};
use crate::world::World;

#[async_trait(?Send)]
impl Caches for SimPorts {
    async fn describe(&self, cache: &Cache, region: &Region) -> Result<GlobalCache, CallError> {
        let operation = "elasticache:DescribeGlobalReplicationGroups";
        let call = self.control_plane(operation, CONTROL_PLANE_READ, region, cache.name.as_str());
        self.look(call, |world| world.describe_cache(cache, region)).await
    }

    async fn promote(&self, cache: &Cache, target: &Region) -> Result<Receipt, CallError> {
        let operation = "elasticache:FailoverGlobalReplicationGroup";
        let call = self.control_plane(operation, CONTROL_PLANE_CALL, target, cache.name.as_str());
        let mutation = Mutation::CachePromotion { cache, target };
        self.call(call, Some(mutation), |world| world.promote_cache(cache, target)).await
    }
}

#[async_trait(?Send)]
impl Tables for SimPorts {
    async fn describe(&self, table: &Table, region: &Region) -> Result<GlobalTable, CallError> {
        let call = self.control_plane("dynamodb:DescribeTable", CONTROL_PLANE_READ, region, table.name.as_str());
        self.look(call, |world| world.describe_table(table, region)).await
    }
}

#[async_trait(?Send)]
impl Brokers for SimPorts {
    async fn describe(&self, broker: &Broker, region: &Region) -> Result<BrokerSeen, CallError> {
        let call = self.control_plane("mq:DescribeBroker", CONTROL_PLANE_READ, region, broker.name.as_str());
        self.look(call, |world| world.describe_broker(broker, region)).await
    }

    async fn promote(&self, broker: &Broker, target: &Region, mode: Mode) -> Result<Receipt, CallError> {
        let call = self.control_plane("mq:Promote", CONTROL_PLANE_CALL, target, broker.name.as_str());
        let mutation = Mutation::BrokerPromotion { broker, target, mode };
        self.call(call, Some(mutation), |world| world.promote_broker(broker, target, mode)).await
    }
}

/// What `ecs:DescribeServices` stands for in [`Compute::describe`]: that call, and after it
/// `application-autoscaling:DescribeScalableTargets` and `elasticloadbalancing:DescribeTargetHealth`.
const DESCRIBE: &str = "ecs:DescribeServices";

#[async_trait(?Send)]
impl Compute for SimPorts {
    async fn describe(&self, service: &Service, region: &Region) -> Result<ServiceSeen, CallError> {
        let call = self.control_plane(DESCRIBE, CONTROL_PLANE_READ, region, service.name.as_str());
        self.look(call, |world| world.describe_service(service, region)).await
    }

    async fn desired(&self, service: &Service, region: &Region) -> Result<u32, CallError> {
        let call = self.control_plane(DESCRIBE, CONTROL_PLANE_READ, region, service.name.as_str());
        self.look(call, |world| world.describe_service(service, region)).await.map(|seen| seen.desired)
    }

    async fn raise_minimum(&self, service: &Service, region: &Region, minimum: u32) -> Result<Receipt, CallError> {
        let mutation = Mutation::Compute { service, region, to: Size::Minimum(minimum) };
        self.scaling(service, region, mutation, |world| world.set_minimum(service, region, minimum)).await
    }

    async fn raise_desired(&self, service: &Service, region: &Region, desired: u32) -> Result<Receipt, CallError> {
        let call = self.control_plane("ecs:UpdateService", CONTROL_PLANE_CALL, region, service.name.as_str());
        let mutation = Mutation::Compute { service, region, to: Size::Desired(desired) };
        self.call(call, Some(mutation), |world| world.set_desired(service, region, desired)).await
    }

    async fn resume_scale_in(&self, service: &Service, region: &Region) -> Result<Receipt, CallError> {
        let mutation = Mutation::Compute { service, region, to: Size::ScalesIn };
        self.scaling(service, region, mutation, |world| world.allow_scale_in(service, region)).await
    }
}

impl SimPorts {
    pub(super) async fn scaling(
        &self,
        service: &Service,
        region: &Region,
        mutation: Mutation<'_>,
        effect: impl FnOnce(&World) -> Result<Receipt, CallError>,
    ) -> Result<Receipt, CallError> {
        let operation = "application-autoscaling:RegisterScalableTarget";
        let call = self.control_plane(operation, CONTROL_PLANE_CALL, region, service.name.as_str());
        self.call(call, Some(mutation), effect).await
    }
}

#[async_trait(?Send)]
impl Notices for SimPorts {
    async fn publish(&self, subject: &str, body: &str) -> Result<Receipt, CallError> {
        let home = self.home();
        let call = self.control_plane("sns:Publish", NOTICE_PUBLISH, home, "topic");
        self.call(call, None, |world| world.publish(home, subject, body)).await
    }
}

#[async_trait(?Send)]
impl Archive for SimPorts {
    async fn store(&self, key: &str, content_type: &str, body: &str) -> Result<String, CallError> {
        let home = self.home();
        let call = self.control_plane("s3:PutObject", OBJECT_PUT, home, key);
        self.call(call, None, |world| Ok(world.store_object(home, key, content_type, body))).await
    }
}

#[cfg(test)]
mod tests {
    use lifeboat_model::limits::Step;
    use lifeboat_ports::Fault;
    use serde_json::json;

    use super::*;
    use crate::world::fixture::{SOURCE, TARGET, plan, region, within, world};
    use crate::world::process::Process;
    use crate::world::{Caller, StartedBy};

    fn ports(world: &World, step: Step, run_id: &str) -> SimPorts {
        let caller = Caller {
            invocation: 1,
            step,
            run_id: run_id.to_owned(),
            home: region(TARGET),
            process: Process::default(),
        };
        SimPorts::new(world.clone(), caller)
    }

    fn violated(world: &World) -> Vec<String> {
        let results = world.state().invariants.results();
        results.into_iter().filter(|(_, r)| r.violations > 0).map(|(id, _)| id).collect()
    }

    #[test]
    fn whoever_promotes_a_cache_twice_without_a_run_violates_everything_that_guards_it() {
        let world = world(plan());
        let cache = world.state().plan.caches[0].clone();
        within(&world, |world| async move {
            let ports = ports(&world, Step::PromoteCache, "nobody");
            Caches::promote(&ports, &cache, &region(TARGET)).await.expect("accepted");
            assert_eq!(violated(&world), ["S11", "S14", "S15", "S4", "S5", "S6", "S8"]);
            Caches::promote(&ports, &cache, &region(TARGET)).await.expect("accepted, while the first is under way");
            assert!(violated(&world).contains(&"S10".to_owned()));
        });
    }

    #[test]
    fn s16_only_the_brokers_of_the_plan_are_promoted_and_services_never_shrink() {
        let world = world(plan());
        let (rabbit, service) = {
            let state = world.state();
            (state.plan.brokers[1].clone(), state.plan.services[0].clone())
        };
        within(&world, |world| async move {
            let ports = ports(&world, Step::ScaleCompute, "nobody");
            Compute::raise_desired(&ports, &service, &region(TARGET), 5).await.expect("accepted");
            Compute::raise_minimum(&ports, &service, &region(TARGET), 5).await.expect("accepted");
            Compute::resume_scale_in(&ports, &service, &region(TARGET)).await.expect("accepted");
            assert!(!violated(&world).contains(&"S16".to_owned()));
            Compute::raise_desired(&ports, &service, &region(TARGET), 3).await.expect("accepted");
            let shrinks = || world.state().invariants.results().get("S16").map(|r| r.violations);
            assert_eq!(shrinks(), Some(1));
            Brokers::promote(&ports, &rabbit, &region(TARGET), Mode::Failover).await.expect_err("it has no replica");
            assert_eq!(shrinks(), Some(2));
        });
    }

    #[test]
    fn s17_a_rehearsal_may_look_and_tell_and_is_found_out_when_it_calls_what_changes_something() {
        let world = world(plan());
        let service = world.state().plan.services[0].clone();
        within(&world, |world| async move {
            let input = json!({"plan": "store", "target": TARGET, "mode": "rehearse"});
            world.start_execution(&region(TARGET), "rehearsal", input, StartedBy::Operator);
            let run_id = world.state().runs[0].execution.id.clone();
            let ports = ports(&world, Step::ScaleCompute, &run_id);
            Compute::describe(&ports, &service, &region(TARGET)).await.expect("described");
            Notices::publish(&ports, "Rehearsed", "nothing was changed").await.expect("published");
            assert!(!violated(&world).contains(&"S17".to_owned()));
            Compute::raise_desired(&ports, &service, &region(TARGET), 7).await.expect("accepted");
            assert!(violated(&world).contains(&"S17".to_owned()));
        });
    }

    #[test]
    fn a_dark_region_answers_no_call() {
        let world = world(plan());
        let state = world.state().plan.clone();
        world.darken(&region(SOURCE));
        within(&world, |world| async move {
            let ports = ports(&world, Step::Assess, "nobody");
            let dark = region(SOURCE);
            let errors = [
                Caches::describe(&ports, &state.caches[0], &dark).await.err(),
                Tables::describe(&ports, &state.tables[0], &dark).await.err(),
                Brokers::describe(&ports, &state.brokers[0], &dark).await.err(),
                Compute::desired(&ports, &state.services[0], &dark).await.err(),
            ];
            for error in errors {
                let fault = error.map(|e| e.fault);
                assert!(matches!(fault, Some(Fault::Unreachable | Fault::TimedOut)), "{fault:?}");
            }
            assert!(Caches::describe(&ports, &state.caches[0], &region(TARGET)).await.is_ok());
        });
    }
}
