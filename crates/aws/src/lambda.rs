//! The Lambda wiring: one thread, one handler, two log lines per invocation.
//!
//! Purpose: a function's `main.rs` says which adapters its step gets, and nothing else.
//! Guarantees: an error leaves the function under the name that the state machine branches on; its message is cut to what
//! Lambda and Step Functions carry; each invocation writes a line of JSON to standard output when it begins and one when
//! it ends. Of a message they carry the names that are listed in `Subject`, never the message: no task token is logged.
//! Effects: polls the Lambda Runtime API, writes to standard output. Fails when: the Runtime API is gone, or there is no
//! Lambda environment.

use std::future::Future;
use std::io::Write;
use std::time::{Duration, Instant};

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use lifeboat_model::StepError;
use lifeboat_model::limits::{Step, is_warm_up};
use serde_json::{Value, json};

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
        let subject = Subject::of(step, &event);
        print(&subject.line("start", []).to_string());
        let result = match is_warm_up(&event.payload) {
            true => Ok(json!({"warm": true})),
            false => handler(event.payload).await,
        };
        print(&subject.line("end", ending(&result, started.elapsed())).to_string());
        result.map_err(|error| diagnostic(&error))
    });
    Runtime::new(service).run().await
}

/// Writes a line to standard output, where Lambda takes the function's log and its metrics from. A line that cannot be
/// written must not fail a step that did its work.
pub fn print(line: &str) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// A field of a log line; null is left out.
type Field = (&'static str, Value);

/// What an invocation is about, as far as its message says.
struct Subject([Field; 6]);

impl Subject {
    fn of(step: Step, event: &LambdaEvent<Value>) -> Self {
        let at = |path| event.payload.pointer(path).cloned().unwrap_or_default();
        let run = match at("/run/run_id") {
            Value::Null => at("/execution/id"),
            run => run,
        };
        Self([
            ("run", run),
            ("epoch", at("/run/epoch")),
            ("step", json!(step.as_str())),
            ("resources", at("/resources")),
            ("request_id", json!(event.context.request_id)),
            ("trace_id", json!(event.context.xray_trace_id)),
        ])
    }

    fn line(&self, event: &str, more: impl IntoIterator<Item = Field>) -> Value {
        let fields = self.0.iter().cloned().chain([("event", json!(event))]).chain(more);
        let known = fields.filter(|(_, value)| !value.is_null());
        Value::Object(known.map(|(name, value)| (name.to_owned(), value)).collect())
    }
}

/// How an invocation ended: the reply's status or outcome and its reason, or the error's name and message. Nobody gets the
/// reply of the function that an alarm calls: what it says has to stand here.
fn ending(result: &Result<Value, StepError>, took: Duration) -> [Field; 4] {
    let (status, error, said) = match result {
        Ok(reply) => {
            let status = reply.get("status").or(reply.get("outcome")).cloned();
            let reason = reply.get("reason").cloned().unwrap_or_default();
            (status.unwrap_or_else(|| json!("ok")), Value::Null, reason)
        }
        Err(error) => (Value::Null, json!(error.name()), json!(message(error))),
    };
    [("status", status), ("error", error), ("message", said), ("duration_ms", json!(took.as_millis() as u64))]
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

    fn event(payload: Value, trace_id: Option<&str>) -> LambdaEvent<Value> {
        let mut context = lambda_runtime::Context::default();
        context.request_id = "request-1".to_owned();
        context.xray_trace_id = trace_id.map(str::to_owned);
        LambdaEvent { payload, context }
    }

    #[test]
    fn the_log_lines_name_run_epoch_step_resources_request_and_trace() {
        let payload = json!({"run": {"run_id": "arn:run", "epoch": 7}, "resources": ["orders"]});
        let subject = Subject::of(Step::PromoteDatabase, &event(payload, Some("Root=1-5759e988")));
        let mut expected = json!({"run": "arn:run", "epoch": 7, "step": "promote-database", "resources": ["orders"],
            "request_id": "request-1", "trace_id": "Root=1-5759e988", "event": "start"});
        assert_eq!(subject.line("start", []), expected);
        let end = ending(&Ok(json!({"status": "pending"})), Duration::from_millis(12));
        expected["event"] = json!("end");
        expected["status"] = json!("pending");
        expected["duration_ms"] = json!(12);
        assert_eq!(subject.line("end", end), expected);
    }

    #[test]
    fn before_there_is_a_run_the_log_line_names_the_execution_and_the_error() {
        let subject = Subject::of(Step::Admit, &event(json!({"execution": {"id": "arn:execution"}}), None));
        let error = Err(StepError::Transient("it was throttled".to_owned()));
        let line = subject.line("end", ending(&error, Duration::ZERO));
        assert_eq!((&line["run"], &line["error"]), (&json!("arn:execution"), &json!("Lifeboat.Transient")));
        assert!(["epoch", "trace_id", "status", "resources"].iter().all(|field| line.get(field).is_none()), "{line}");
        assert!(line["message"].as_str().is_some_and(|m| m.starts_with("it was throttled")));
    }

    #[test]
    fn the_log_line_says_why_an_alarm_started_nothing() {
        let line = |reply| {
            let fields = ending(&Ok(reply), Duration::ZERO);
            Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let ignored = line(json!({"status": "ignored", "reason": "the alarm's actions are muted"}));
        assert_eq!(ignored["message"], "the alarm's actions are muted");
        assert_eq!(line(json!({"status": "done", "evidence": {"reason": "secret"}}))["message"], Value::Null);
    }

    #[test]
    fn no_task_token_and_no_answer_is_logged() {
        let payload = json!({"run": {"run_id": "arn:run", "epoch": 7}, "token": "secret", "answer": {"by": "secret"}});
        let subject = Subject::of(Step::RequestApproval, &event(payload, None));
        let reply = Ok(json!({"status": "done", "evidence": {"token": "secret"}}));
        let lines = [subject.line("start", []), subject.line("end", ending(&reply, Duration::ZERO))];
        assert!(lines.iter().all(|line| !line.to_string().contains("secret")), "{lines:?}");
    }
}
