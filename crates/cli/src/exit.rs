//! How the command ends.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use thiserror::Error;

use crate::plan_file::PlanFileError;

/// The exit codes, as `--help` tells them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  as it should be
  1  the drill did not end as it should, or an invariant was violated
  2  bad input: the arguments or the plan
  3  the report could not be written";

/// How the command ended. Scripts rely on the codes: they are public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As it should be.
    AsExpected,
    /// The drill did not end as it should, or an invariant was violated.
    NotAsExpected,
    /// The arguments or the plan cannot be used.
    BadInput,
    /// A report, a picture or the output could not be written.
    NotWritten,
}

impl Exit {
    /// The code that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::AsExpected => 0,
            Self::NotAsExpected => 1,
            Self::BadInput => 2,
            Self::NotWritten => 3,
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
}

impl Failure {
    /// The exit code that belongs to it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Arguments(_) | Self::Plan(_) => Exit::BadInput,
            Self::File { .. } | Self::Output(_) => Exit::NotWritten,
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
