//! Task tokens: a task waits until somebody sends its answer.

use std::collections::BTreeMap;
use std::task::{Poll, Waker};

use serde_json::Value;

use super::World;
use crate::machine::{Execution, StateError};

/// The task tokens that were given out.
#[derive(Default)]
pub struct TaskTokens(BTreeMap<String, Task>);

struct Task {
    execution: String,
    answer: Answer,
    waker: Option<Waker>,
}

/// What is known of a task's answer.
enum Answer {
    /// Nothing yet.
    Open,
    /// It came.
    Given(Result<Value, StateError>),
    /// The task waits no more.
    Closed,
}

/// What became of an answer that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The task has it.
    Taken,
    /// The task waits no more: it was answered, its time was over, or its execution ended.
    TooLate,
    /// No task has such a token.
    Unknown,
}

impl TaskTokens {
    /// Nobody waits any more for what `execution` asked.
    pub(super) fn close_all_of(&mut self, execution: &str) {
        for task in self.0.values_mut().filter(|t| t.execution == execution) {
            task.close();
        }
    }
}

impl Task {
    /// What came counts, whether or not it was fetched.
    fn close(&mut self) {
        match self.answer {
            Answer::Open => self.answer = Answer::Closed,
            Answer::Given(_) | Answer::Closed => {}
        }
    }
}

impl World {
    pub(super) fn new_token(&self, execution: &Execution, state: &str) -> String {
        let tokens = &mut self.state_mut().tokens.0;
        let token = format!("token-{}-{state}-{}", execution.name, tokens.len());
        let task = Task { execution: execution.id.clone(), answer: Answer::Open, waker: None };
        tokens.insert(token.clone(), task);
        token
    }

    /// The answer to the task with `token`. Dropped before it came, the task waits no more.
    pub(super) async fn answer_to(&self, token: &str) -> Result<Value, StateError> {
        let _waits = Waits { world: self, token };
        std::future::poll_fn(|context| {
            let mut state = self.state_mut();
            match state.tokens.0.get_mut(token) {
                None => Poll::Ready(Err(StateError::new("States.Runtime", "there is no such task token"))),
                Some(task) => match &task.answer {
                    Answer::Given(answer) => Poll::Ready(answer.clone()),
                    Answer::Open | Answer::Closed => {
                        task.waker = Some(context.waker().clone());
                        Poll::Pending
                    }
                },
            }
        })
        .await
    }

    /// `SendTaskSuccess`: the first answer to a token counts. Whether there was somebody to hear it.
    pub fn send_task_success(&self, token: &str, output: Value) -> bool {
        self.send_task(token, Ok(output)) == Sent::Taken
    }

    /// `SendTaskSuccess` and `SendTaskFailure`: the first answer to a token counts.
    pub fn send_task(&self, token: &str, answer: Result<Value, StateError>) -> Sent {
        let waker = {
            let mut state = self.state_mut();
            match state.tokens.0.get_mut(token) {
                Some(task) => match task.answer {
                    Answer::Open => {
                        task.answer = Answer::Given(answer);
                        task.waker.take()
                    }
                    Answer::Given(_) | Answer::Closed => return Sent::TooLate,
                },
                None => return Sent::Unknown,
            }
        };
        waker.into_iter().for_each(Waker::wake);
        Sent::Taken
    }

    /// The execution whose task has `token`.
    pub fn task_execution(&self, token: &str) -> Option<String> {
        self.state().tokens.0.get(token).map(|task| task.execution.clone())
    }

    /// Whether the task with `token` still waits: what `SendTaskHeartbeat` tells.
    pub fn task_waits(&self, token: &str) -> Sent {
        match self.state().tokens.0.get(token).map(|task| &task.answer) {
            Some(Answer::Open) => Sent::Taken,
            Some(Answer::Given(_) | Answer::Closed) => Sent::TooLate,
            None => Sent::Unknown,
        }
    }
}

/// A task that waits.
struct Waits<'a> {
    world: &'a World,
    token: &'a str,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        // A world that is being taken apart is borrowed, and nobody asks it any more.
        if let Ok(mut state) = self.world.0.state.try_borrow_mut()
            && let Some(task) = state.tokens.0.get_mut(self.token)
        {
            task.close();
        }
    }
}
