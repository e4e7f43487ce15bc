//! An AWS that only pretends: a table, an execution, a clock that passes when somebody waits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use lifeboat_cli::exit::Failure;
use lifeboat_model::execution::ExecutionArn;
use lifeboat_model::journal::Entry;
use lifeboat_model::lock::{Admission, Approval, Lock, LockState};
use lifeboat_model::plan::Name;
use lifeboat_model::request::{Mode, Trigger};
use lifeboat_model::{Arn, Direction, Period, Plan, Region, Timestamp};
use lifeboat_ports::{
    Append, Bookmark, CallError, Clock, Execution, Executions, Fault, Journals, KillSwitch, Listed, Locks, PlanStore,
    RunEvent, Runs, Scope, Started, Swap,
};
use serde_json::Value;

/// 2027-01-15T08:00:00Z
pub const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);
pub const RUN: &str = "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover:run-1";

pub fn plan() -> Plan {
    lifeboat_cli::plan_file::load(None).expect("the example")
}

pub fn name() -> Name {
    "retail-store".parse().expect("a name")
}

pub fn region(name: &str) -> Region {
    name.parse().expect("a Region")
}

pub fn run() -> ExecutionArn {
    RUN.parse().expect("an execution")
}

pub fn failing(operation: &str, fault: Fault) -> CallError {
    CallError::new(operation, "us-west-2", fault)
}

/// A lock of run-1 from us-east-1 to us-west-2.
pub fn lock(state: LockState) -> Lock {
    Lock {
        epoch: 3,
        state,
        lease_expires_at: NOW.plus(Period::seconds(100)),
        run: Admission {
            run_id: RUN.to_owned(),
            plan_version: 1,
            direction: Direction { source: region("us-east-1"), target: region("us-west-2") },
            mode: Mode::Failover,
            consent: None,
            trigger: Trigger::Operator { name: None },
            approval: Approval::NotNeeded,
            admitted_at: NOW.minus(Period::seconds(60)),
        },
        past_point_of_no_return: false,
        inherits_change: false,
        cool_down_until: None,
        acknowledged: false,
        stopped: None,
    }
}

/// The world.
#[derive(Default)]
pub struct Pretended {
    pub current: RefCell<BTreeMap<Name, u64>>,
    pub versions: RefCell<BTreeMap<(Name, u64), String>>,
    pub alarms: RefCell<BTreeMap<String, Name>>,
    pub disabled: RefCell<BTreeMap<String, String>>,
    pub lock: RefCell<Option<Lock>>,
    pub journal: RefCell<Vec<Entry>>,
    /// What looks at the execution find, one after another; the last stays.
    pub executions: RefCell<Vec<Result<Option<Execution>, CallError>>>,
    pub events: RefCell<Vec<RunEvent>>,
    pub listed: RefCell<BTreeMap<String, Result<Vec<Listed>, CallError>>>,
    pub by_arn: RefCell<BTreeMap<String, Execution>>,
    /// What starts answer, one after another.
    pub starts: RefCell<Vec<Result<Started, CallError>>>,
    /// Every call that would change something, in order, also those that fail.
    pub changes: RefCell<Vec<String>>,
    /// The change with this number, counted from 0, and all after it fail so.
    pub fails_from: Cell<Option<(usize, Fault)>>,
    /// The condition of the change with this number does not hold.
    pub conflict_at: Cell<Option<usize>>,
    pub elapsed_ms: Cell<i64>,
}

impl Pretended {
    /// With this plan in force as version 1.
    pub fn with(plan: &Plan) -> Self {
        let world = Self::default();
        world.current.borrow_mut().insert(plan.name.clone(), 1);
        let body = serde_json::to_string(plan).expect("JSON");
        world.versions.borrow_mut().insert((plan.name.clone(), 1), body);
        world.alarms.borrow_mut().insert(plan.automation.alarm.name.clone(), plan.name.clone());
        world
    }

    fn change(&self, what: String) -> Result<Swap, CallError> {
        let n = self.changes.borrow().len();
        self.changes.borrow_mut().push(what);
        if let Some((_, fault)) = self.fails_from.get().filter(|(from, _)| n >= *from) {
            return Err(failing("dynamodb:PutItem", fault));
        }
        Ok(if self.conflict_at.get() == Some(n) { Swap::Changed } else { Swap::Stored })
    }

    pub fn changed(&self) -> Vec<String> {
        self.changes.borrow().clone()
    }
}

/// What `work` comes to: nothing here waits.
pub fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("nothing here waits"),
    }
}

pub fn yes(_: &str) -> Result<(), Failure> {
    Ok(())
}

pub fn no(_: &str) -> Result<(), Failure> {
    Err(Failure::NotPossible("not confirmed".to_owned()))
}

fn scoped(scope: Scope<'_>) -> String {
    match scope {
        Scope::Plan(plan) => plan.to_string(),
        Scope::AllPlans => "all".to_owned(),
    }
}

#[async_trait(?Send)]
impl Clock for Pretended {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(NOW.as_ms() + self.elapsed_ms.get())
    }

    async fn sleep(&self, period: Period) {
        self.elapsed_ms.set(self.elapsed_ms.get() + period.as_ms());
    }
}

#[async_trait(?Send)]
impl PlanStore for Pretended {
    async fn current_version(&self, plan: &Name) -> Result<Option<u64>, CallError> {
        Ok(self.current.borrow().get(plan).copied())
    }

    async fn body(&self, plan: &Name, version: u64) -> Result<Option<String>, CallError> {
        Ok(self.versions.borrow().get(&(plan.clone(), version)).cloned())
    }

    async fn add_version(&self, plan: &Plan, version: u64) -> Result<Append, CallError> {
        self.change(format!("version {version}"))?;
        let key = (plan.name.clone(), version);
        if self.versions.borrow().contains_key(&key) {
            return Ok(Append::AlreadyThere);
        }
        self.versions.borrow_mut().insert(key, serde_json::to_string(plan).expect("JSON"));
        Ok(Append::Written)
    }

    async fn make_current(&self, plan: &Name, read: Option<u64>, version: u64) -> Result<Swap, CallError> {
        let swap = self.change(format!("current {version}"))?;
        if swap == Swap::Changed || self.current.borrow().get(plan).copied() != read {
            return Ok(Swap::Changed);
        }
        self.current.borrow_mut().insert(plan.clone(), version);
        Ok(Swap::Stored)
    }

    async fn plan_of_alarm(&self, alarm: &str) -> Result<Option<Name>, CallError> {
        Ok(self.alarms.borrow().get(alarm).cloned())
    }

    async fn claim_alarm(&self, alarm: &str, plan: &Name) -> Result<Swap, CallError> {
        let swap = self.change(format!("claim {alarm}"))?;
        if swap == Swap::Stored {
            self.alarms.borrow_mut().insert(alarm.to_owned(), plan.clone());
        }
        Ok(swap)
    }

    async fn release_alarm(&self, alarm: &str, _: &Name) -> Result<Swap, CallError> {
        let swap = self.change(format!("release {alarm}"))?;
        if swap == Swap::Stored {
            self.alarms.borrow_mut().remove(alarm);
        }
        Ok(swap)
    }
}

#[async_trait(?Send)]
impl KillSwitch for Pretended {
    async fn why(&self, scope: Scope<'_>) -> Result<Option<String>, CallError> {
        Ok(self.disabled.borrow().get(&scoped(scope)).cloned())
    }

    async fn set(&self, scope: Scope<'_>, why: &str) -> Result<(), CallError> {
        self.change(format!("disable {}", scoped(scope)))?;
        self.disabled.borrow_mut().insert(scoped(scope), why.to_owned());
        Ok(())
    }

    async fn clear(&self, scope: Scope<'_>, _: &str) -> Result<Swap, CallError> {
        let swap = self.change(format!("enable {}", scoped(scope)))?;
        if swap == Swap::Stored {
            self.disabled.borrow_mut().remove(&scoped(scope));
        }
        Ok(swap)
    }
}

#[async_trait(?Send)]
impl Locks for Pretended {
    async fn lock(&self, _: &Name) -> Result<Option<Lock>, CallError> {
        Ok(self.lock.borrow().clone())
    }

    async fn acknowledge(&self, _: &Name, read: &Lock, who: &str, now: Timestamp) -> Result<Swap, CallError> {
        let swap = self.change(format!("acknowledge {} {who}", read.epoch))?;
        if swap == Swap::Stored {
            let acknowledged = self.lock.borrow().clone().map(|lock| lock.acknowledged(now));
            self.lock.replace(acknowledged);
        }
        Ok(swap)
    }

    async fn stop_run(&self, _: &Name, run_id: &str, why: &str) -> Result<Swap, CallError> {
        let swap = self.change(format!("stop {run_id}: {why}"))?;
        if swap == Swap::Changed
            && let Some(lock) = self.lock.borrow_mut().as_mut()
        {
            // As it happens while the person types: the run went on.
            lock.past_point_of_no_return = true;
        }
        Ok(swap)
    }
}

#[async_trait(?Send)]
impl Journals for Pretended {
    async fn journal(&self, _: &str) -> Result<Vec<Entry>, CallError> {
        Ok(self.journal.borrow().clone())
    }
}

#[async_trait(?Send)]
impl Runs for Pretended {
    async fn execution(&self, run: &ExecutionArn) -> Result<Option<Execution>, CallError> {
        if let Some(execution) = self.by_arn.borrow().get(run.as_str()) {
            return Ok(Some(execution.clone()));
        }
        let mut looks = self.executions.borrow_mut();
        if looks.len() > 1 { looks.remove(0) } else { looks.first().cloned().unwrap_or(Ok(None)) }
    }

    async fn events(&self, _: &ExecutionArn, from: &Bookmark) -> Result<(Vec<RunEvent>, Bookmark), CallError> {
        let events: Vec<RunEvent> = self.events.borrow().iter().filter(|e| e.id > from.seen).cloned().collect();
        let seen = events.iter().map(|e| e.id).max().unwrap_or(from.seen);
        Ok((events, Bookmark { page: None, seen }))
    }

    async fn executions(
        &self,
        state_machine: &Arn,
        _: Option<&str>,
    ) -> Result<(Vec<Listed>, Option<String>), CallError> {
        let listed = self.listed.borrow().get(state_machine.region()).cloned().unwrap_or(Ok(Vec::new()));
        listed.map(|listed| (listed, None))
    }
}

#[async_trait(?Send)]
impl Executions for Pretended {
    async fn start(&self, name: &str, input: &Value) -> Result<Started, CallError> {
        self.changes.borrow_mut().push(format!("start {name} {input}"));
        let mut starts = self.starts.borrow_mut();
        if starts.is_empty() { Ok(Started::Running(RUN.to_owned())) } else { starts.remove(0) }
    }
}
