//! One environment: a process, and what goes to it and comes from it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::thread;

use bytes::Bytes;
use lifeboat_model::Region;
use lifeboat_model::limits::Step;
use lifeboat_simulator::machine::StateError;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot};

/// What an environment is to do.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) deadline_ms: i64,
    pub(super) arn: String,
}

/// What came of it.
pub(super) type Outcome = Result<Value, StateError>;

/// An environment.
pub(super) struct Environment {
    pub(super) step: Step,
    pub(super) region: Region,
    child: Child,
    pub(super) work: mpsc::UnboundedSender<Work>,
    /// What it is to do next.
    pub(super) next: Rc<Mutex<mpsc::UnboundedReceiver<Work>>>,
    /// Who waits for the answer to which request.
    pub(super) waits: Option<(String, oneshot::Sender<Outcome>)>,
}

impl Environment {
    /// Starts `command` for `step` in `region`; what it prints goes to `lines`, with `name` before it.
    pub(super) fn start(
        mut command: Command,
        (step, region): (Step, &Region),
        name: &str,
        lines: &mpsc::UnboundedSender<(String, String)>,
    ) -> std::io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (work, next) = mpsc::unbounded_channel();
        if let Some(out) = child.stdout.take() {
            pass_on(out, name, lines);
        }
        if let Some(err) = child.stderr.take() {
            pass_on(err, name, lines);
        }
        Ok(Self { step, region: region.clone(), child, work, next: Rc::new(Mutex::new(next)), waits: None })
    }

    /// How the process ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(status.to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    /// The process's id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        // One that has ended by itself cannot be ended again.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Reads lines on a thread of its own: pipes block.
fn pass_on(from: impl Read + Send + 'static, name: &str, lines: &mpsc::UnboundedSender<(String, String)>) {
    let (name, lines) = (name.to_owned(), lines.clone());
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if lines.send((name.clone(), line)).is_err() {
                return;
            }
        }
    });
}
