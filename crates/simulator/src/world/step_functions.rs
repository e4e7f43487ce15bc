//! Executions of the shipped state machine, and the trigger.

use async_trait::async_trait;
use futures_util::future::{Either, select};
use lifeboat_model::limits::Step;
use lifeboat_model::report::{Lane, Outcome};
use lifeboat_model::{Period, Region, Timestamp};
use lifeboat_ports::Started;
use serde_json::Value;

use super::World;
use crate::machine::{Ended, EndedBy, Execution, Functions, Invocation, Observer, Runner, StateError, What};
use crate::service_times::{EXECUTION_START, STATE_TRANSITION};

/// How long somebody takes to redrive an execution.
const REDRIVE: Period = Period::seconds(20);

/// Who or what started an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartedBy {
    /// An alarm, by `start-run`.
    Alarm,
    /// A person.
    Operator,
}

/// An execution, and how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The execution.
    pub execution: Execution,
    /// The Region.
    pub region: Region,
    /// Who started it.
    pub started_by: StartedBy,
    /// When it ended, and how.
    pub ended: Option<(Timestamp, Ended)>,
}

impl RunRecord {
    /// The outcome, as the execution's end tells it.
    pub fn outcome(&self) -> Option<Outcome> {
        let (_, ended) = self.ended.as_ref()?;
        match &ended.result {
            Ok(output) => {
                let ended_as = |outcome: &Outcome| output["outcome"] == outcome.as_str();
                [Outcome::Completed, Outcome::Rehearsed].into_iter().find(ended_as)
            }
            Err(error) => [Outcome::Unchanged, Outcome::NeedsOperator]
                .into_iter()
                .find(|o| error.error.strip_prefix("Lifeboat.") == Some(o.as_str())),
        }
    }
}

impl World {
    /// Starts an execution, as `StartExecution` does: the same name and input start only one.
    pub fn start_execution(&self, region: &Region, name: &str, input: Value, by: StartedBy) -> Started {
        let id = format!("arn:aws:states:{region}:111122223333:execution:lifeboat-failover:{name}");
        let existing = self.state().runs.iter().find(|r| r.execution.id == id).cloned();
        if let Some(run) = existing {
            return match run.ended {
                None if run.execution.input == input => Started::Running(id),
                None | Some(_) => Started::NameTaken,
            };
        }
        let execution = Execution { id: id.clone(), name: name.to_owned(), input, started_at: self.now() };
        let record = RunRecord { execution: execution.clone(), region: region.clone(), started_by: by, ended: None };
        self.state_mut().runs.push(record);
        self.log(Lane::Run, format!("execution {name} starts in {region}"));
        let (world, region) = (self.clone(), region.clone());
        self.executor().spawn(async move { world.carry_execution(execution, region).await });
        Started::Running(id)
    }

    /// An execution is where its Region is: it goes on when the Region does.
    async fn until_light(&self, region: &Region) {
        while self.is_dark(region) {
            self.sleep(Period::seconds(1)).await;
        }
    }

    async fn carry_execution(&self, execution: Execution, region: Region) {
        self.pause(EXECUTION_START).await;
        let functions = HomeFunctions { world: self.clone(), region: region.clone() };
        let observer = Timeline { world: self.clone(), region };
        let runner = Runner::new(self.machine(), functions, observer);
        let mut ended = self.unless_stopped(&execution.id, runner.execute(&execution)).await;
        while ended.by == EndedBy::Stop && self.is_redriven(&execution.id) {
            self.sleep(REDRIVE).await;
            self.forget_stop(&execution.id);
            ended = self.unless_stopped(&execution.id, runner.redrive(&execution)).await;
        }
        let now = self.now();
        let text = match (&ended.result, ended.by) {
            (Ok(_), _) => format!("execution {} succeeds", execution.name),
            (Err(error), EndedBy::Itself | EndedBy::TimeLimit) => {
                format!("execution {} fails: {}", execution.name, error.error)
            }
            (Err(_), EndedBy::Stop) => format!("execution {} is stopped", execution.name),
        };
        for run in self.state_mut().runs.iter_mut().filter(|r| r.execution.id == execution.id) {
            run.ended = Some((now, ended.clone()));
        }
        self.state_mut().tokens.close_all_of(&execution.id);
        self.log(Lane::Run, text);
        // Who stops an execution has taken its ending away from it.
        match ended.by {
            EndedBy::Itself | EndedBy::TimeLimit => self.check_ending(&execution.id),
            EndedBy::Stop => {}
        }
    }

    async fn unless_stopped(&self, id: &str, work: impl Future<Output = Ended>) -> Ended {
        match select(std::pin::pin!(work), std::pin::pin!(self.stopped(id))).await {
            Either::Left((ended, _)) => ended,
            Either::Right((error, _)) => self.aborted(id, error),
        }
    }

    fn aborted(&self, id: &str, error: StateError) -> Ended {
        let previous = self.history_of(id).last().map_or(0, |event| event.id);
        self.note_event(id, previous, || What::ExecutionAborted(error.clone()));
        let history_events = self.history_of(id).len() as u64;
        Ended { result: Err(error), transitions: 0, history_events, by: EndedBy::Stop }
    }

    /// Invokes `start-run` with an alarm's event, as CloudWatch does: up to two more times when it fails.
    pub async fn trigger(&self, region: &Region, event: Value) {
        for wait_s in [0, 60, 120] {
            self.sleep(Period::seconds(wait_s)).await;
            match self.invoke(Step::StartRun, region, "", event.clone()).await {
                Ok(reply) => {
                    let word = |key: &str| reply.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                    let why = word("reason");
                    let text = if why.is_empty() { word("status") } else { format!("{}: {why}", word("status")) };
                    return self.log(Lane::Detection, format!("start-run in {region}: {text}"));
                }
                Err(error) => self.log(Lane::Detection, format!("start-run in {region} fails: {}", error.error)),
            }
        }
    }
}

struct HomeFunctions {
    world: World,
    region: Region,
}

/// The step behind a function, as the definition names it: `${PromoteDatabaseFunctionArn}`.
fn step_of(function: &str) -> Option<Step> {
    let name = function.strip_prefix("${")?.strip_suffix("FunctionArn}")?;
    Step::ALL.into_iter().find(|step| step.state_name() == name)
}

#[async_trait(?Send)]
impl Functions for HomeFunctions {
    async fn invoke(&self, invocation: Invocation<'_>) -> Result<Value, StateError> {
        let step = step_of(invocation.function)
            .ok_or_else(|| StateError::new("Lambda.ResourceNotFoundException", invocation.function))?;
        self.world.until_light(&self.region).await;
        self.world.invoke(step, &self.region, &invocation.execution.id, invocation.payload).await
    }

    fn new_token(&self, execution: &Execution, state: &str) -> String {
        self.world.new_token(execution, state)
    }

    async fn answer(&self, token: &str) -> Result<Value, StateError> {
        self.world.answer_to(token).await
    }

    fn now(&self) -> Timestamp {
        self.world.now()
    }

    async fn sleep(&self, period: Period) {
        self.world.sleep(period).await;
        self.world.until_light(&self.region).await;
    }

    fn transition_time(&self) -> Period {
        self.world.sample(STATE_TRANSITION)
    }

    fn chance(&self) -> f64 {
        self.world.chance()
    }
}

struct Timeline {
    world: World,
    region: Region,
}

/// An item as people read it: a function without what the template makes of its name.
fn item_name(item: &str) -> &str {
    item.strip_prefix("${").and_then(|i| i.strip_suffix("FunctionArn}")).unwrap_or(item)
}

impl Observer for Timeline {
    fn entered(&self, execution: &Execution, state: &str, item: Option<&str>) {
        self.world.state_entered(&execution.name, &self.region, state, item.map(item_name));
    }

    fn notes(&self, execution: &Execution, previous: u64, what: impl FnOnce() -> What) -> u64 {
        self.world.note_event(&execution.id, previous, what)
    }

    fn left(&self, execution: &Execution, state: &str, item: Option<&str>, problem: Option<&StateError>) {
        self.world.state_left(&execution.name, state, item.map(item_name), problem.map(|p| p.error.as_str()));
    }

    fn retries(&self, execution: &Execution, state: &str, item: Option<&str>, error: &StateError, after: Period) {
        let item = item.map_or(String::new(), |i| format!(" {}", item_name(i)));
        self.world
            .log(Lane::Run, format!("{}: {state}{item} tried again after {after}: {}", execution.name, error.error));
    }
}
