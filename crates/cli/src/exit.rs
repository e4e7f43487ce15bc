//! How the command ends.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use lifeboat_model::journal::Effect;
use lifeboat_ports::{CallError, Fault};
use thiserror::Error;

use crate::plan_file::PlanFileError;

/// The exit codes, as `--help` tells them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  as it should be; of a run that was followed: Completed or Rehearsed
  1  the drill did not end as it should, or an invariant was violated;
     of a run that was followed: Unchanged;
     of any other command: it cannot be done now, and nothing was changed
  2  bad input: the arguments, the plan or the environment
  3  the report could not be written
  4  AWS refused a call or could not be reached; nothing was changed
  5  a call was sent, and nobody knows whether it arrived: look first
  6  the run that was followed needs a person: NeedsOperator, or no outcome";

/// How the command ended. Scripts rely on the codes: they are public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As it should be.
    AsExpected,
    /// The drill did not end as it should, or an invariant was violated; or what was asked for cannot be done as things stand.
    NotAsExpected,
    /// The arguments, the plan or the environment cannot be used.
    BadInput,
    /// A report, a picture or the output could not be written.
    NotWritten,
    /// AWS refused a call or could not be reached; nothing was changed.
    NotDone,
    /// A call was sent, and its fate is unknown.
    Unknown,
    /// The run that was followed needs a person.
    NeedsPerson,
}

impl Exit {
    /// The code that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::AsExpected => 0,
            Self::NotAsExpected => 1,
            Self::BadInput => 2,
            Self::NotWritten => 3,
            Self::NotDone => 4,
            Self::Unknown => 5,
            Self::NeedsPerson => 6,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why the command could not do what was asked.
#[derive(Debug, Error)]
pub enum Failure {
    /// The arguments make no sense together, or with the plan.
    #[error("error: {0}")]
    Arguments(String),
    /// The plan cannot be used. Each problem is a line of its own that starts with the file, as compilers print them.
    #[error("{0}")]
    Plan(#[from] PlanFileError),
    /// A file could not be written.
    #[error("error: failed to write {}: {reason}; give another place with {option}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: io::Error,
        /// The option that chooses the place.
        option: &'static str,
    },
    /// Standard output could not be written.
    #[error("error: failed to write to standard output: {0}")]
    Output(io::Error),
    /// The command needs AWS, and this binary has no adapters for it.
    #[error(
        "error: this lifeboat was built without AWS; get one that has it: cargo install --path crates/cli --features aws, \
         or make lifeboat-aws ARGS=\"--help\""
    )]
    WithoutAws,
    /// The command serves, and this binary has no server.
    #[error(
        "error: this lifeboat was built without the server; get one that has it: cargo install --path crates/cli \
         --features simulate, or make simulate"
    )]
    WithoutServer,
    /// The server did not start.
    #[error("error: {0}")]
    NotServed(String),
    /// The environment lacks what a call to AWS needs, or has it wrong.
    #[error("error: {0}; nothing was sent")]
    Environment(String),
    /// As things stand it cannot be done: there is no question to answer, no run to stop, no plan to start.
    #[error("{0}; nothing was changed")]
    NotPossible(String),
    /// A call to AWS failed, and provably changed nothing.
    #[error("error: {0}; nothing was answered")]
    Call(CallError),
    /// A call of another command failed, and provably changed nothing.
    #[error("error: {}; nothing was changed; {}", .0, remedy(.0))]
    NotDone(Box<CallError>),
    /// A call was sent, and nobody knows whether it was carried out.
    #[error("error: {error}; nobody knows whether {what}")]
    Unclear {
        /// What is known.
        error: Box<CallError>,
        /// What nobody knows, and what to do.
        what: String,
    },
    /// The answer was sent, and nobody knows whether it arrived.
    #[error(
        "error: {error}; nobody knows whether the answer arrived: look again at the run before anything else, {run}. \
         If it still waits in RequestApproval, answer again: a second answer changes nothing"
    )]
    FateUnknown {
        /// The run.
        run: String,
        /// What is known.
        error: Box<CallError>,
    },
}

impl Failure {
    /// The exit code that belongs to it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Arguments(_)
            | Self::Plan(_)
            | Self::WithoutAws
            | Self::WithoutServer
            | Self::NotServed(_)
            | Self::Environment(_) => Exit::BadInput,
            Self::File { .. } | Self::Output(_) => Exit::NotWritten,
            Self::NotPossible(_) => Exit::NotAsExpected,
            Self::Call(_) | Self::NotDone(_) => Exit::NotDone,
            Self::FateUnknown { .. } | Self::Unclear { .. } => Exit::Unknown,
        }
    }
}

impl Failure {
    /// Of a read that failed, or a change that failed: in doubt, `what` is what nobody knows and what to do about it.
    pub fn of_change(error: CallError, what: impl FnOnce() -> String) -> Self {
        match error.effect() {
            Effect::None => Self::NotDone(Box::new(error)),
            Effect::Unknown | Effect::Accepted => Self::Unclear { error: Box::new(error), what: what() },
        }
    }

    /// Of a read that failed: it changed nothing, whatever became of it.
    pub fn of_read(error: CallError) -> Self {
        Self::NotDone(Box::new(error))
    }
}

/// What a person does about a call that failed.
fn remedy(error: &CallError) -> String {
    match error.fault {
        Fault::Denied => format!("allow {} to whoever these credentials are of, or get new ones", error.operation),
        Fault::Unreachable | Fault::Unavailable | Fault::TimedOut => {
            format!("look at the network and at {}'s health, then try again", error.place)
        }
        Fault::Throttled => "wait a moment and try again".to_owned(),
        Fault::NotFound => {
            "look whether the names and the Region are right: --region, --table, --state-machine".to_owned()
        }
        Fault::Conflict => "somebody else changes the same: look again, then try again".to_owned(),
        Fault::Invalid | Fault::Internal => {
            "the service's words say what is wrong; mend that, then try again".to_owned()
        }
    }
}

/// Writes to standard output. A reader that has seen enough and closed the pipe is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(e)),
        Ok(()) | Err(_) => Ok(()),
    }
}
