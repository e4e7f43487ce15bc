//! Executions of the shipped state machine, and the trigger.

use std::collections::BTreeMap;
use std::task::{Poll, Waker};

use async_trait::async_trait;
use lifeboat_model::limits::Step;
use lifeboat_model::report::{Lane, Outcome};
use lifeboat_model::{Period, Region, Timestamp};
use lifeboat_ports::Started;
use serde_json::Value;

use super::World;
use crate::machine::{Ended, Execution, Functions, Invocation, Observer, Runner, StateError};
use crate::service_times::{EXECUTION_START, STATE_TRANSITION};

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

    async fn carry_execution(&self, execution: Execution, region: Region) {
        self.pause(EXECUTION_START).await;
        let functions = HomeFunctions { world: self.clone(), region: region.clone() };
        let observer = Timeline { world: self.clone(), region };
        let runner = Runner::new(self.machine(), functions, observer);
        let ended = runner.execute(&execution).await;
        let now = self.now();
        let text = match &ended.result {
            Ok(_) => format!("execution {} succeeds", execution.name),
            Err(error) => format!("execution {} fails: {}", execution.name, error.error),
        };
        for run in self.state_mut().runs.iter_mut().filter(|r| r.execution.id == execution.id) {
            run.ended = Some((now, ended.clone()));
        }
        self.log(Lane::Run, text);
        self.check_ending(&execution.id);
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

/// What is known of each task token: nothing yet, or its answer, and who waits for it.
#[derive(Default)]
pub struct TaskTokens(BTreeMap<String, (Option<Value>, Option<Waker>)>);

impl World {
    fn new_token(&self, execution: &str, state: &str) -> String {
        let tokens = &mut self.state_mut().tokens.0;
        let token = format!("token-{execution}-{state}-{}", tokens.len());
        tokens.insert(token.clone(), (None, None));
        token
    }

    async fn answer_to(&self, token: &str) -> Result<Value, StateError> {
        std::future::poll_fn(|context| {
            let mut state = self.state_mut();
            match state.tokens.0.get_mut(token) {
                None => Poll::Ready(Err(StateError::new("States.Runtime", "there is no such task token"))),
                Some((Some(answer), _)) => Poll::Ready(Ok(answer.clone())),
                Some((None, waker)) => {
                    *waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// `SendTaskSuccess`: the first answer to a token counts. Whether there was somebody to hear it.
    pub fn send_task_success(&self, token: &str, output: Value) -> bool {
        let waker = {
            let mut state = self.state_mut();
            match state.tokens.0.get_mut(token) {
                Some((answer @ None, waker)) => {
                    *answer = Some(output);
                    waker.take()
                }
                Some((Some(_), _)) | None => return false,
            }
        };
        waker.into_iter().for_each(Waker::wake);
        true
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
        self.world.invoke(step, &self.region, &invocation.execution.id, invocation.payload).await
    }

    fn new_token(&self, execution: &Execution, state: &str) -> String {
        self.world.new_token(&execution.name, state)
    }

    async fn answer(&self, token: &str) -> Result<Value, StateError> {
        self.world.answer_to(token).await
    }

    fn now(&self) -> Timestamp {
        self.world.now()
    }

    async fn sleep(&self, period: Period) {
        self.world.sleep(period).await;
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

    fn left(&self, execution: &Execution, state: &str, item: Option<&str>, problem: Option<&StateError>) {
        self.world.state_left(&execution.name, state, item.map(item_name), problem.map(|p| p.error.as_str()));
    }

    fn retries(&self, execution: &Execution, state: &str, item: Option<&str>, error: &StateError, after: Period) {
        let item = item.map_or(String::new(), |i| format!(" {}", item_name(i)));
        self.world
            .log(Lane::Run, format!("{}: {state}{item} tried again after {after}: {}", execution.name, error.error));
    }
}
