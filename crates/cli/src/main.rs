//! Wiring of the `lifeboat` command.

use std::process::ExitCode;

use clap::Parser;
use lifeboat_cli::args::Args;

fn main() -> ExitCode {
    lifeboat_cli::run(Args::parse()).into()
}
