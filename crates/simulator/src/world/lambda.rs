//! Lambda: environments that start cold, run the shipped steps, and are ended at their hard timeout.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker};

use async_trait::async_trait;
use futures_util::future::{Either, LocalBoxFuture, select};
use lifeboat_model::limits::{Step, is_warm_up};
use lifeboat_model::{Arn, Period, Region, StepError, Timestamp};
use serde_json::{Value, json};

use super::World;
use super::ports::SimPorts;
use super::process::Process;
use crate::machine::StateError;
use crate::service_times::{LAMBDA_COLD, LAMBDA_WARM};

/// Function environments and what was called from them.
#[derive(Default)]
pub struct Lambda {
    idle: BTreeMap<(Region, Step), u32>,
    invocations: u64,
    host: Option<Weak<dyn FunctionHost>>,
    /// The invocations that go on: their numbers, where, and their processes.
    running: Vec<(u64, Region, Process)>,
    /// How many calls each invocation made.
    made: BTreeMap<u64, usize>,
    /// Every call that a step made.
    pub calls: Vec<CallRecord>,
}

impl Lambda {
    /// Counts a call of this invocation; how many it has made before.
    pub(crate) fn count_call(&mut self, invocation: u64) -> usize {
        let made = self.made.entry(invocation).or_default();
        *made += 1;
        *made - 1
    }
}

/// Runs functions elsewhere than in this process.
#[async_trait(?Send)]
pub trait FunctionHost {
    /// Runs one invocation: of the step, in the Region and for the run that `caller` names. Dropped before it is done, it
    /// ends the environment that it runs in.
    async fn run(&self, caller: Caller, payload: Value) -> Result<Value, StateError>;
}

/// Who calls: one invocation of one step.
#[derive(Clone)]
pub struct Caller {
    /// The invocation's number.
    pub invocation: u64,
    /// The step.
    pub step: Step,
    /// The execution that invoked it; empty for a trigger.
    pub run_id: String,
    /// The Region that it runs in.
    pub home: Region,
    pub(super) process: Process,
}

impl Caller {
    /// How long its process has stood still since `since`.
    pub(crate) fn stood_still_since(&self, since: Timestamp) -> Period {
        self.process.stood_still_since(since)
    }
}

/// A call that a step made.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    /// The invocation.
    pub invocation: u64,
    /// The step.
    pub step: Step,
    /// The execution; empty for a trigger.
    pub run_id: String,
    /// When it took effect, or would have.
    pub at: Timestamp,
    /// The operation.
    pub operation: &'static str,
    /// The Region or endpoint.
    pub place: Region,
    /// What it was about.
    pub resource: String,
    /// Whether it took effect (for a read: was answered).
    pub effective: bool,
}

/// An invocation's result, and who waits for it.
type Answer = Rc<RefCell<(Option<Result<Value, StateError>>, Option<Waker>)>>;

impl World {
    /// Invokes `step` in `region` for execution `run_id`, as Step Functions does.
    pub async fn invoke(&self, step: Step, region: &Region, run_id: &str, payload: Value) -> Result<Value, StateError> {
        if self.is_dark(region) {
            return Err(StateError::new("Lambda.SdkClientException", format!("{region} does not answer")));
        }
        let caller = self.begin_with(step, region, run_id, payload.clone());
        let answer: Answer = Rc::default();
        let (world, to, region) = (self.clone(), Rc::clone(&answer), region.clone());
        // On its own: a function runs on when whoever called it has stopped waiting.
        self.executor().spawn(async move {
            let result = world.run_environment(step, &region, caller, payload).await;
            let waker = {
                let mut cell = to.borrow_mut();
                cell.0 = Some(result);
                cell.1.take()
            };
            waker.into_iter().for_each(Waker::wake);
        });
        std::future::poll_fn(|context| {
            let mut cell = answer.borrow_mut();
            match cell.0.take() {
                Some(result) => Poll::Ready(result),
                None => {
                    cell.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// The ports of a process in `region` that is none of our functions, on behalf of `run_id`. Its calls are recorded as
    /// those of the step that does likewise.
    pub fn ports_of(&self, step: Step, region: &Region, run_id: &str) -> SimPorts {
        SimPorts::new(self.clone(), self.begin(step, region, run_id))
    }

    /// The ports of an invocation that began before, with [`World::begin`].
    pub fn ports_for(&self, caller: &Caller) -> SimPorts {
        SimPorts::new(self.clone(), caller.clone())
    }

    async fn run_environment(
        &self,
        step: Step,
        region: &Region,
        caller: Caller,
        payload: Value,
    ) -> Result<Value, StateError> {
        let (process, invocation) = (caller.process.clone(), caller.invocation);
        let host = self.state().lambda.host.clone();
        let ending = std::pin::pin!(self.ending(step, &process));
        let work: LocalBoxFuture<'_, Result<Value, StateError>> = match host {
            Some(host) => {
                let Some(host) = host.upgrade() else {
                    return Err(StateError::new("Lambda.ServiceException", "the host of the functions has ended"));
                };
                Box::pin(async move { host.run(caller, payload).await })
            }
            None => {
                let warm = self.take_environment(region, step);
                self.pause(if warm { LAMBDA_WARM } else { LAMBDA_COLD }).await;
                let ports = SimPorts::new(self.clone(), caller);
                Box::pin(async move {
                    let result = run_step(step, payload, &ports).await;
                    self.return_environment(region, step);
                    result.map_err(|error| as_lambda_reports(&error))
                })
            }
        };
        self.state_mut().lambda.running.push((invocation, region.clone(), process.clone()));
        let work = std::pin::pin!(process.carry(self.executor(), work));
        let result = match select(work, ending).await {
            Either::Left((result, _)) => result,
            Either::Right((error, _)) => Err(error),
        };
        self.state_mut().lambda.running.retain(|(number, _, _)| *number != invocation);
        result
    }

    /// Ends every function in `region`, which has gone dark.
    pub(super) fn end_functions(&self, region: &Region) {
        let running = self.state().lambda.running.clone();
        running.iter().filter(|(_, place, _)| place == region).for_each(|(_, _, process)| process.crash());
    }

    /// Delivers what `caller` was invoked with once more, to another process; nobody hears its answer.
    pub(crate) async fn deliver_again(&self, caller: &Caller) {
        let payload = caller.process.payload().clone();
        let again = self.begin_with(caller.step, &caller.home, &caller.run_id, payload.clone());
        let _unheard = self.run_environment(caller.step, &caller.home, again, payload).await;
    }

    /// How an invocation of `step` ends that does not answer.
    async fn ending(&self, step: Step, process: &Process) -> StateError {
        match select(std::pin::pin!(process.crashes()), self.executor().sleep(step.timeout())).await {
            Either::Left(_) => StateError::new("Runtime.ExitError", "the process ended"),
            Either::Right(_) => StateError::new("Sandbox.Timedout", format!("Task timed out after {}", step.timeout())),
        }
    }

    /// Runs functions by `host` from now on, for as long as somebody else keeps it.
    pub fn host_functions(&self, host: &Rc<dyn FunctionHost>) {
        self.state_mut().lambda.host = Some(Rc::downgrade(host));
    }

    /// Begins an invocation of `step` in `region` for `run_id`: what it looked at counts for what it changes (S8, S14), so
    /// that all its calls have to be made by one caller.
    pub fn begin(&self, step: Step, region: &Region, run_id: &str) -> Caller {
        self.begin_with(step, region, run_id, Value::Null)
    }

    fn begin_with(&self, step: Step, region: &Region, run_id: &str, payload: Value) -> Caller {
        let lambda = &mut self.state_mut().lambda;
        lambda.invocations += 1;
        Caller {
            invocation: lambda.invocations,
            step,
            run_id: run_id.to_owned(),
            home: region.clone(),
            process: Process::with(payload),
        }
    }

    fn take_environment(&self, region: &Region, step: Step) -> bool {
        let mut state = self.state_mut();
        match state.lambda.idle.get_mut(&(region.clone(), step)) {
            Some(idle) if *idle > 0 => {
                *idle -= 1;
                true
            }
            Some(_) | None => false,
        }
    }

    fn return_environment(&self, region: &Region, step: Step) {
        *self.state_mut().lambda.idle.entry((region.clone(), step)).or_default() += 1;
    }
}

/// A function's error as Step Functions sees it: the error's name, and its payload as the cause.
fn as_lambda_reports(error: &StepError) -> StateError {
    let payload = json!({"errorType": error.name(), "errorMessage": error.to_string()});
    StateError::new(error.name(), payload.to_string())
}

/// The state machine of `home`, as the template calls it.
fn state_machine(home: &Region) -> Arn {
    let arn = format!("arn:aws:states:{home}:111122223333:stateMachine:lifeboat-failover");
    arn.parse().expect("the ARN of a state machine")
}

async fn run_step(step: Step, event: Value, p: &SimPorts) -> Result<Value, StepError> {
    let (ledger, clock) = (p, p);
    if is_warm_up(&event) {
        return Ok(json!({"warm": true}));
    }
    match step {
        Step::StartRun => {
            let (home, state_machine) = (p.home(), &state_machine(p.home()));
            let ports = start_run::Ports { ledger, clock, executions: p, notices: p, home, state_machine };
            start_run::handle(event, &ports).await
        }
        Step::Admit => admit::handle(event, &admit::Ports { ledger, clock, home: p.home() }).await,
        Step::Assess => {
            let ports = assess::Ports {
                ledger,
                clock,
                databases: p,
                metrics: p,
                routing: p,
                chance: p,
                caches: p,
                tables: p,
                brokers: p,
                compute: p,
            };
            assess::handle(event, &ports).await
        }
        Step::PromoteDatabase => {
            promote_database::handle(event, &promote_database::Ports { ledger, clock, databases: p }).await
        }
        Step::VerifyWriters => {
            verify_writers::handle(event, &verify_writers::Ports { ledger, clock, databases: p }).await
        }
        Step::ShiftTraffic => {
            shift_traffic::handle(event, &shift_traffic::Ports { ledger, clock, routing: p, chance: p }).await
        }
        Step::VerifyTraffic => {
            verify_traffic::handle(event, &verify_traffic::Ports { ledger, clock, metrics: p, names: p }).await
        }
        Step::IsolateSource => {
            let ports = isolate_source::Ports { ledger, clock, routing: p, names: p, chance: p };
            isolate_source::handle(event, &ports).await
        }
        Step::RequestApproval => {
            request_approval::handle(event, &request_approval::Ports { ledger, clock, notices: p }).await
        }
        Step::ScaleCompute => scale_compute::handle(event, &scale_compute::Ports { ledger, clock, compute: p }).await,
        Step::PromoteCache => {
            promote_cache::handle(event, &promote_cache::Ports { ledger, clock, caches: p, metrics: p }).await
        }
        Step::PromoteBroker => {
            promote_broker::handle(event, &promote_broker::Ports { ledger, clock, brokers: p, metrics: p }).await
        }
        Step::CheckTable => {
            check_table::handle(event, &check_table::Ports { ledger, clock, tables: p, metrics: p }).await
        }
        Step::Conclude => {
            let metrics_out = |line: &str| p.print(line);
            let ports = conclude::Ports { ledger, clock, notices: p, archive: p, metrics_out: &metrics_out };
            conclude::handle(event, &ports).await
        }
    }
}
