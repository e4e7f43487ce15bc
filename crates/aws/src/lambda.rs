//! The Lambda wiring: one thread, one handler, one log line per invocation.
//!
//! Purpose: a function's `main.rs` says which adapters its step gets, and nothing else.
//! Guarantees: an error leaves the function under the name that the state machine branches on; its message is cut to what
//! Lambda and Step Functions carry; each invocation writes one line of JSON to standard output.
//! Effects: polls the Lambda Runtime API, writes to standard output. Fails when: the Runtime API is gone, or there is no
//! Lambda environment.

use std::future::Future;
use std::io::Write;
use std::time::{Duration, Instant};

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use lifeboat_model::StepError;
use lifeboat_model::limits::{Step, is_warm_up};
use serde_json::{Map, Value, json};

pub use lambda_runtime::Error;

/// The longest error message that leaves the function. Step Functions cuts a cause at 32,768 characters, after escaping.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Runs a function's `main` on one thread: more would only cost start-up time, as Lambda gives a function one event at a
/// time.
///
/// # Errors
/// What `main` fails with, or that there is no runtime to be had from the system.
pub fn run(main: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(main)
}

/// Serves the invocations of `step` by `handler` until Lambda ends the process.
///
/// # Errors
/// The Runtime API cannot be reached.
pub async fn serve<F, Fut>(step: Step, handler: F) -> Result<(), Error>
where
    F: Fn(Value) -> Fut,
    Fut: Future<Output = Result<Value, StepError>>,
{
    let handler = &handler;
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        let started = Instant::now();
        let subject = Subject::of(&event.payload);
        let result = match is_warm_up(&event.payload) {
            true => Ok(json!({"warm": true})),
            false => handler(event.payload).await,
        };
        let line = log_line(step, &event.context.request_id, subject, &result, started.elapsed());
        // A log that cannot be written must not fail a step that did its work.
        drop(writeln!(std::io::stdout().lock(), "{line}"));
        result.map_err(|error| diagnostic(&error))
    });
    Runtime::new(service).run().await
}

/// Which run an event is about, as far as it says.
struct Subject {
    run_id: Value,
    epoch: Value,
}

impl Subject {
    fn of(event: &Value) -> Self {
        let at = |path| event.pointer(path).cloned();
        Self {
            run_id: at("/run/run_id").or_else(|| at("/execution/id")).unwrap_or_default(),
            epoch: at("/run/epoch").unwrap_or_default(),
        }
    }
}

fn log_line(
    step: Step,
    request_id: &str,
    subject: Subject,
    result: &Result<Value, StepError>,
    took: Duration,
) -> Value {
    let mut line = Map::new();
    line.insert("step".to_owned(), json!(step.as_str()));
    line.insert("request_id".to_owned(), json!(request_id));
    for (field, value) in [("run_id", subject.run_id), ("epoch", subject.epoch)] {
        if !value.is_null() {
            line.insert(field.to_owned(), value);
        }
    }
    match result {
        Ok(_) => line.insert("outcome".to_owned(), json!("ok")),
        Err(error) => {
            line.insert("message".to_owned(), json!(message(error)));
            line.insert("outcome".to_owned(), json!(error.name()))
        }
    };
    line.insert("duration_ms".to_owned(), json!(took.as_millis() as u64));
    Value::Object(line)
}

fn diagnostic(error: &StepError) -> Diagnostic {
    Diagnostic { error_type: error.name().to_owned(), error_message: message(error) }
}

fn message(error: &StepError) -> String {
    let mut message = error.to_string();
    message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handler_may_borrow_its_world() {
        async fn step(world: &str, _: Value) -> Result<Value, StepError> {
            Ok(json!(world))
        }
        let world = "its ports".to_owned();
        // Not run: it would wait for Lambda.
        drop(serve(Step::Admit, |event| step(&world, event)));
        assert!(run(async { Err("failed to start".into()) }).is_err_and(|e| e.to_string() == "failed to start"));
    }

    #[test]
    fn an_error_leaves_under_the_name_that_the_state_machine_branches_on() {
        let error = StepError::Ambiguous("rds:FailoverGlobalCluster in us-west-2 gave no answer in time".to_owned());
        let diagnostic = diagnostic(&error);
        assert_eq!(diagnostic.error_type, "Lifeboat.Ambiguous");
        assert_eq!(diagnostic.error_message, error.to_string());
    }

    #[test]
    fn a_long_message_is_cut_between_two_characters() {
        let error = StepError::Transient("é".repeat(MESSAGE_BYTES_MAX));
        let text = diagnostic(&error).error_message;
        assert!(text.len() <= MESSAGE_BYTES_MAX && text.len() > MESSAGE_BYTES_MAX - 2, "{}", text.len());
        assert!(text.chars().all(|c| c == 'é'));
        let odd = StepError::Transient(format!("x{}", "é".repeat(MESSAGE_BYTES_MAX)));
        assert_eq!(diagnostic(&odd).error_message.len(), MESSAGE_BYTES_MAX - 1);
    }

    #[test]
    fn the_log_line_names_step_request_run_and_outcome() {
        let event = json!({"run": {"run_id": "arn:run", "epoch": 7}, "database": "orders"});
        let line = log_line(
            Step::PromoteDatabase,
            "request-1",
            Subject::of(&event),
            &Ok(json!({"status": "done"})),
            Duration::from_millis(12),
        );
        let expected = json!({"step": "promote-database", "request_id": "request-1", "run_id": "arn:run", "epoch": 7,
            "outcome": "ok", "duration_ms": 12});
        assert_eq!(line, expected);
    }

    #[test]
    fn before_there_is_a_run_the_log_line_names_the_execution_and_the_error() {
        let event = json!({"execution": {"id": "arn:execution"}});
        let error = Err(StepError::Transient("it was throttled".to_owned()));
        let line = log_line(Step::Admit, "request-2", Subject::of(&event), &error, Duration::ZERO);
        assert_eq!((&line["run_id"], &line["outcome"]), (&json!("arn:execution"), &json!("Lifeboat.Transient")));
        assert_eq!(line.get("epoch"), None);
        assert!(line["message"].as_str().is_some_and(|m| m.starts_with("it was throttled")));
    }
}
