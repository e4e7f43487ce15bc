//! A task: one call of a function, or of somebody who answers with a token.

use futures_util::future::{Either, select};
use lifeboat_model::Period;
use serde_json::{Value, json};

use super::{Runner, Visit};
use crate::machine::definition::Task;
use crate::machine::execution::{Functions, Invocation, Observer, StateError};
use crate::machine::history::{AnswerBy, What};
use crate::machine::scope::{Scope, evaluated, limit_data, not_a};
use crate::machine::states::States;

impl<F: Functions, O: Observer> Runner<F, O> {
    /// The task's result, after its retries.
    pub(super) async fn try_task(&self, task: &Task, visit: &Visit<'_, '_>) -> Result<Value, StateError> {
        self.with_retries(&task.retry, visit, async || self.call(task, visit).await).await
    }

    async fn call(&self, task: &Task, visit: &Visit<'_, '_>) -> Result<Value, StateError> {
        let Visit { name, states, scope } = *visit;
        let token = task.waits_for_token().then(|| self.functions.new_token(scope.execution, name));
        let context = token.as_deref().map(|token| states.context.with_token(token));
        let states = States { context: context.as_ref().unwrap_or(states.context), ..states };
        let arguments = evaluated(&task.arguments, states, scope)?;
        limit_data(&arguments)?;
        let seconds = evaluated(&task.timeout_seconds, states, scope)?;
        let whole = seconds.as_u64().and_then(|s| u32::try_from(s).ok()).filter(|s| (1..=99_999_999).contains(s));
        let whole = whole.ok_or_else(|| not_a("TimeoutSeconds", "a whole number from 1", &seconds))?;
        scope.counters.count(3)?;
        let answer = if token.is_some() { AnswerBy::Token } else { AnswerBy::Function };
        self.note(scope, || What::TaskScheduled { parameters: arguments.clone(), timeout_s: whole, answer });
        self.note(scope, || What::TaskStarted(answer));
        let limit = self.functions.sleep(Period::ms(whole.saturating_mul(1000)));
        let work = self.invoke(&arguments, token.as_deref(), scope);
        match select(std::pin::pin!(work), limit).await {
            Either::Left((Ok(output), _)) => {
                self.note(scope, || What::TaskSucceeded { output: output.clone(), answer });
                limit_data(&output)?;
                Ok(output)
            }
            Either::Left((Err(error), _)) => {
                self.note(scope, || What::TaskFailed { error: error.clone(), answer });
                Err(error)
            }
            Either::Right(((), _)) => {
                // Step Functions gives a task's time-out no words.
                let error = StateError::new("States.Timeout", "");
                self.note(scope, || What::TaskTimedOut { error: error.clone(), answer });
                Err(error)
            }
        }
    }

    async fn invoke(&self, arguments: &Value, token: Option<&str>, scope: &Scope<'_>) -> Result<Value, StateError> {
        let function = arguments.get("FunctionName").and_then(Value::as_str).unwrap_or_default();
        let payload = arguments.get("Payload").cloned().unwrap_or_else(|| json!({}));
        let invocation = Invocation { function, payload, execution: scope.execution };
        let result = self.functions.invoke(invocation).await?;
        let output = json!({"Payload": result, "StatusCode": 200, "ExecutedVersion": "$LATEST"});
        match token {
            None => Ok(output),
            Some(token) => {
                self.note(scope, || What::TaskSubmitted { output });
                self.functions.answer(token).await
            }
        }
    }
}
