//! The interpreter that is not ours.

use std::io::Write;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use crate::cases::{Script, root};
use crate::trace::{Call, Event, Trace};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ran {
    result: Ended,
    ended_ms: u64,
    events: Vec<Event>,
    calls: Vec<Call>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    output: Option<Value>,
    error: Option<String>,
    cause: Option<String>,
}

/// What it makes of each of them, in one process: it takes seconds to start.
pub fn run(scripts: &[&Script]) -> Vec<Trace> {
    let python = root().join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: run `make .venv/installed`", python.display());
    let mut child = Command::new(python)
        .arg(root().join("tools/asl_oracle.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("Python starts");
    let given = serde_json::to_vec(scripts).expect("JSON");
    child.stdin.take().expect("a pipe").write_all(&given).expect("Python listens");
    let done = child.wait_with_output().expect("Python ends");
    assert!(done.status.success(), "tools/asl_oracle.py failed: run `make .venv/installed`, or see above");
    let ran: Vec<Ran> = serde_json::from_slice(&done.stdout).expect("what became of each");
    assert_eq!(ran.len(), scripts.len());
    scripts.iter().zip(ran).map(|(script, ran)| ran.trace(&script.definition)).collect()
}

impl Ran {
    fn trace(self, definition: &Value) -> Trace {
        let Ended { output, error, cause } = self.result;
        let outcome = match error {
            Some(error) => Err((error, cause.unwrap_or_default())),
            None => Ok(output.unwrap_or_default()),
        };
        Trace::new(definition, outcome, self.ended_ms, &self.events, self.calls)
    }
}
