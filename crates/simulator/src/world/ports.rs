//! The ports of one invocation, on the world. Every call goes through [`SimPorts::call`]: latency, darkness, faults, the
//! record, and the check of the invariants.

mod metrics;
mod resources;
mod single;

pub use metrics::Series;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use lifeboat_model::evidence::{GlobalDatabase, Switch};
use lifeboat_model::journal::Entry;
use lifeboat_model::lock::Lock;
use lifeboat_model::plan::{Database, Endpoint, Name};
use lifeboat_model::settings::Settings;
use lifeboat_model::{Arn, Period, Region, Timestamp};
use lifeboat_ports::{
    Append, AskedApproval, CallError, Chance, Clock, Databases, Executions, Fault, Fenced, Holder, Ledger, Mark, Names,
    Receipt, Routing, Started, StoredPlan, Swap,
};

use super::aurora::Move;
use super::{CallRecord, Caller, StartedBy, World};
use crate::explore::{Evidence, Nature};
use crate::faults::{FaultKind, refusal};
use crate::invariants::Mutation;
use crate::service_times::{
    CONTROL_PLANE_CALL, CONTROL_PLANE_READ, DNS_QUERY, NOTICE_PUBLISH, OBJECT_PUT, ROUTING_CALL, Span, TABLE_READ,
    TABLE_WRITE,
};

/// How long a call to a dark Region hangs before the network gives up; every caller's deadline is shorter.
const HANGS: Period = Period::seconds(120);

/// The operations on the table that change it.
const TABLE_WRITES: [&str; 3] = ["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];

/// The ports of one invocation.
pub struct SimPorts {
    world: World,
    caller: Caller,
}

/// A call: what it is, where it goes, how long it takes, what it is about.
struct Call<'a> {
    operation: &'static str,
    place: &'a Region,
    span: Span,
    resource: &'a str,
    /// Whether the place answers; the table and DNS always do.
    down: bool,
}

impl SimPorts {
    pub(super) fn new(world: World, caller: Caller) -> Self {
        Self { world, caller }
    }

    pub(super) fn home(&self) -> &Region {
        &self.caller.home
    }

    /// Writes a line to the function's standard output.
    pub(super) fn print(&self, line: &str) {
        self.world.state_mut().messages.printed.push(line.to_owned());
    }

    /// A look at a resource: a read that can be stale, or answer in words that nobody knows.
    async fn look<T: Evidence>(
        &self,
        call: Call<'_>,
        effect: impl FnOnce(&World) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let subject = (call.operation, call.place.clone(), call.resource.to_owned());
        let seen = |world: &World, fault| Ok(world.seen(subject, effect(world)?, fault));
        self.call_with(call, Nature::Look, None, seen).await
    }

    async fn call<T>(
        &self,
        call: Call<'_>,
        mutation: Option<Mutation<'_>>,
        effect: impl FnOnce(&World) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let nature = match mutation {
            Some(_) => Nature::Mutation,
            None if TABLE_WRITES.contains(&call.operation) => Nature::Write,
            None => Nature::Read,
        };
        self.call_with(call, nature, mutation, |world, _| effect(world)).await
    }

    async fn call_with<T>(
        &self,
        call: Call<'_>,
        nature: Nature,
        mutation: Option<Mutation<'_>>,
        effect: impl FnOnce(&World, Option<FaultKind>) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let world = &self.world;
        let chosen = world.explore_call(&self.caller, call.operation, nature);
        let process = &self.caller.process;
        if let Some(FaultKind::StandsStillBefore(period)) = chosen {
            process.stand_still(world.now(), period).await;
        }
        let latency = world.latency(call.span, call.place);
        if call.down || world.is_out(call.operation, call.place) {
            self.record(&call, false);
            return self.unanswered(&call).await;
        }
        let by_rule = world.state_mut().faults.meet(call.operation, call.place);
        let fault = by_rule.or(chosen);
        let sent = world.now();
        if fault == Some(FaultKind::CrashBefore) {
            process.crash();
            return std::future::pending().await;
        }
        if let Some(FaultKind::Slow(more)) = fault {
            world.sleep(more).await;
        }
        world.sleep(Period::ms((latency.as_ms() / 2) as u32)).await;
        match fault {
            Some(FaultKind::Refuse(fault)) => {
                self.record(&call, false);
                return Err(refusal(call.operation, call.place, fault));
            }
            Some(FaultKind::Silence) => {
                self.record(&call, false);
                world.sleep(HANGS).await;
                return Err(CallError::new(call.operation, call.place, Fault::TimedOut));
            }
            Some(_) | None => {}
        }
        if let Some(mutation) = &mutation {
            world.check_before(mutation, &self.caller, sent);
        }
        let result = effect(world, fault);
        self.record(&call, result.is_ok());
        if let (Some(mutation), Ok(_)) = (&mutation, &result) {
            world.check_after(mutation, &self.caller);
        }
        match fault {
            Some(FaultKind::CrashAfter) => {
                process.crash();
                return std::future::pending().await;
            }
            Some(FaultKind::StandsStillAfter(period)) => process.stand_still(world.now(), period).await,
            Some(FaultKind::LostReply) => {
                world.sleep(HANGS).await;
                return Err(CallError::new(call.operation, call.place, Fault::TimedOut));
            }
            Some(FaultKind::Truncated) => {
                let broken = CallError::new(call.operation, call.place, Fault::Internal);
                return Err(broken.saying("", "the answer breaks off"));
            }
            Some(FaultKind::Slow(more)) => world.sleep(more).await,
            Some(_) | None => {}
        }
        world.sleep(Period::ms((latency.as_ms() - latency.as_ms() / 2) as u32)).await;
        result
    }

    /// A dark place: half of the calls find nobody at once, the other half hang.
    async fn unanswered<T>(&self, call: &Call<'_>) -> Result<T, CallError> {
        if self.world.below(2) == 0 {
            self.world.sleep(Period::ms(50)).await;
            return Err(CallError::new(call.operation, call.place, Fault::Unreachable));
        }
        self.world.sleep(HANGS).await;
        Err(CallError::new(call.operation, call.place, Fault::TimedOut))
    }

    fn record(&self, call: &Call<'_>, effective: bool) {
        let record = CallRecord {
            invocation: self.caller.invocation,
            step: self.caller.step,
            run_id: self.caller.run_id.clone(),
            at: self.world.now(),
            operation: call.operation,
            place: call.place.clone(),
            resource: call.resource.to_owned(),
            effective,
        };
        self.world.check_call(&record);
        self.world.state_mut().lambda.calls.push(record);
    }

    /// A call of `operation` on the table's replica in `place`, about `resource`, that does `effect`.
    ///
    /// # Errors
    /// The Region is dark; what a fault of the drill makes of it, or `effect`'s.
    pub async fn call_table<T>(
        &self,
        operation: &'static str,
        place: &Region,
        resource: &str,
        effect: impl FnOnce(&World) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let span = if TABLE_WRITES.contains(&operation) { TABLE_WRITE } else { TABLE_READ };
        self.call(self.control_plane(operation, span, place, resource), None, effect).await
    }

    /// A call of `operation` on a service of the platform (Step Functions, Lambda, SNS, S3) in `place`, about `resource`,
    /// that does `effect`.
    ///
    /// # Errors
    /// The Region is dark; what a fault of the drill makes of it; or `effect`'s.
    pub async fn call_platform<T>(
        &self,
        operation: &'static str,
        place: &Region,
        resource: &str,
        effect: impl FnOnce(&World) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let span = match operation {
            "sns:Publish" => NOTICE_PUBLISH,
            "s3:PutObject" => OBJECT_PUT,
            _ => CONTROL_PLANE_READ,
        };
        self.call(self.control_plane(operation, span, place, resource), None, effect).await
    }

    fn table<'a>(&'a self, operation: &'static str, span: Span, resource: &'a str) -> Call<'a> {
        Call { operation, place: &self.caller.home, span, resource, down: false }
    }

    fn control_plane<'a>(&self, operation: &'static str, span: Span, place: &'a Region, resource: &'a str) -> Call<'a> {
        Call { operation, place, span, resource, down: self.world.is_dark(place) }
    }
}

#[async_trait(?Send)]
impl Clock for SimPorts {
    fn now(&self) -> Timestamp {
        self.world.clock_in(&self.caller.home)
    }

    async fn sleep(&self, period: Period) {
        self.world.sleep(period).await;
    }
}

impl Chance for SimPorts {
    fn below(&self, bound: usize) -> usize {
        self.world.below(bound)
    }
}

#[async_trait(?Send)]
impl Databases for SimPorts {
    async fn describe(&self, database: &Database, region: &Region) -> Result<GlobalDatabase, CallError> {
        let call = self.control_plane("rds:DescribeGlobalClusters", CONTROL_PLANE_READ, region, database.name.as_str());
        self.look(call, |world| world.describe_database(database, region)).await
    }

    async fn switchover(
        &self,
        database: &Database,
        target: &Arn,
        writer_region: &Region,
    ) -> Result<Receipt, CallError> {
        let operation = "rds:SwitchoverGlobalCluster";
        let call = self.control_plane(operation, CONTROL_PLANE_CALL, writer_region, database.name.as_str());
        let mutation = Mutation::Promotion { database, target, loses_data: false };
        let effect = |world: &World| world.promote(database, target, Move::Switchover, operation, writer_region);
        self.call(call, Some(mutation), effect).await
    }

    async fn failover(&self, database: &Database, target: &Arn, target_region: &Region) -> Result<Receipt, CallError> {
        let operation = "rds:FailoverGlobalCluster";
        let call = self.control_plane(operation, CONTROL_PLANE_CALL, target_region, database.name.as_str());
        let mutation = Mutation::Promotion { database, target, loses_data: true };
        let effect = |world: &World| world.promote(database, target, Move::Failover, operation, target_region);
        self.call(call, Some(mutation), effect).await
    }
}

#[async_trait(?Send)]
impl Routing for SimPorts {
    async fn states(&self, endpoint: &Endpoint, controls: &[Arn]) -> Result<BTreeMap<Arn, Switch>, CallError> {
        let down = self.world.endpoint_is_down(&endpoint.region);
        let operation = "route53-recovery-cluster:GetRoutingControlState";
        let call = Call { operation, place: &endpoint.region, span: ROUTING_CALL, resource: "routing", down };
        self.look(call, |world| Ok(world.routing_states(controls))).await
    }

    async fn change(&self, endpoint: &Endpoint, changes: &[(Arn, Switch)]) -> Result<Receipt, CallError> {
        let down = self.world.endpoint_is_down(&endpoint.region);
        let operation = "route53-recovery-cluster:UpdateRoutingControlStates";
        let call = Call { operation, place: &endpoint.region, span: ROUTING_CALL, resource: "routing", down };
        let mutation = Mutation::Routing { changes };
        self.call(call, Some(mutation), |world| world.change_routing(&endpoint.region, changes)).await
    }
}

#[async_trait(?Send)]
impl Names for SimPorts {
    async fn resolve(&self, name: &str) -> Result<BTreeSet<String>, CallError> {
        let call =
            Call { operation: "dns:Query", place: &self.caller.home, span: DNS_QUERY, resource: name, down: false };
        self.look(call, |world| match world.resolve_name(name) {
            addresses if addresses.is_empty() => Err(CallError::new("dns:Query", name, Fault::Unreachable)),
            addresses => Ok(addresses),
        })
        .await
    }
}

#[async_trait(?Send)]
impl Executions for SimPorts {
    async fn start(&self, name: &str, input: &serde_json::Value) -> Result<Started, CallError> {
        let region = self.caller.home.clone();
        let call = self.control_plane("states:StartExecution", CONTROL_PLANE_READ, &region, name);
        self.call(call, None, |world| Ok(world.start_execution(&region, name, input.clone(), StartedBy::Alarm))).await
    }
}

#[async_trait(?Send)]
impl Ledger for SimPorts {
    async fn plan(&self, name: &Name, version: Option<u64>) -> Result<Option<StoredPlan>, CallError> {
        let call = self.table("dynamodb:GetItem", TABLE_READ, "plan");
        self.call(call, None, |world| Ok(world.state().table.plan(name, version))).await
    }

    async fn plan_of_alarm(&self, alarm: &str) -> Result<Option<Name>, CallError> {
        let call = self.table("dynamodb:GetItem", TABLE_READ, "alarm");
        self.call(call, None, |world| Ok(world.state().table.plan_of_alarm(alarm))).await
    }

    async fn settings(&self, plan: &Name) -> Result<Settings, CallError> {
        let call = self.table("dynamodb:GetItem", TABLE_READ, "settings");
        self.call(call, None, |world| Ok(world.state().table.settings(plan))).await
    }

    async fn lock(&self, plan: &Name) -> Result<Option<Lock>, CallError> {
        let call = self.table("dynamodb:GetItem", TABLE_READ, "lock");
        self.call(call, None, |world| Ok(world.state().table.locks.get(plan).cloned())).await
    }

    async fn replace_lock(&self, plan: &Name, read: Option<&Lock>, new: &Lock) -> Result<Swap, CallError> {
        let call = self.table("dynamodb:PutItem", TABLE_WRITE, "lock");
        self.call(call, None, |world| {
            let before = world.state().table.locks.get(plan).cloned();
            let swap = world.state_mut().table.replace_lock(plan, read, new);
            if swap == Swap::Stored {
                world.check_lock(before.as_ref(), new);
            }
            Ok(swap)
        })
        .await
    }

    async fn fence(&self, plan: &Name, holder: Holder<'_>, until: Timestamp, mark: Mark) -> Result<Fenced, CallError> {
        let call = self.table("dynamodb:UpdateItem", TABLE_WRITE, "lock");
        self.call(call, None, |world| Ok(world.state_mut().table.fence(plan, holder, until, mark))).await
    }

    async fn append(&self, entry: &Entry) -> Result<Append, CallError> {
        let call = self.table("dynamodb:PutItem", TABLE_WRITE, "journal");
        self.call(call, None, |world| Ok(world.state_mut().table.append(entry))).await
    }

    async fn ask_approval(&self, plan: &Name, asked: &AskedApproval) -> Result<(), CallError> {
        let call = self.table("dynamodb:PutItem", TABLE_WRITE, "approval");
        self.call(call, None, |world| {
            world.state_mut().table.approvals.insert(plan.clone(), asked.clone());
            Ok(())
        })
        .await
    }

    async fn journal(&self, run_id: &str) -> Result<Vec<Entry>, CallError> {
        let call = self.table("dynamodb:Query", TABLE_READ, "journal");
        self.call(call, None, |world| Ok(world.state().table.journal_of(run_id))).await
    }
}
