//! How the command ends.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use lifeboat_ports::CallError;
use thiserror::Error;

use crate::plan_file::PlanFileError;

/// The exit codes, as `--help` tells them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  as it should be
  1  the drill did not end as it should, or an invariant was violated; of approve and deny: no question is open
  2  bad input: the arguments, the plan or the environment
  3  the report could not be written
  4  AWS refused a call or could not be reached; nothing was answered
  5  the answer was sent, and nobody knows whether it arrived: look at the run";

/// How the command ended. Scripts rely on the codes: they are public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As it should be.
    AsExpected,
    /// The drill did not end as it should, or an invariant was violated; or there is no open question to answer.
    NotAsExpected,
    /// The arguments, the plan or the environment cannot be used.
    BadInput,
    /// A report, a picture or the output could not be written.
    NotWritten,
    /// AWS refused a call or could not be reached; nothing was changed.
    NotDone,
    /// A call was sent, and its fate is unknown.
    Unknown,
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
         or make lifeboat-aws ARGS=\"approve ...\""
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
    /// There is nothing that an answer could change.
    #[error("{0}; nothing was changed")]
    NotOpen(String),
    /// A call to AWS failed, and provably changed nothing.
    #[error("error: {0}; nothing was answered")]
    Call(CallError),
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
            Self::NotOpen(_) => Exit::NotAsExpected,
            Self::Call(_) => Exit::NotDone,
            Self::FateUnknown { .. } => Exit::Unknown,
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
