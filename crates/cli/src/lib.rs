//! The `lifeboat` command.

pub mod plan_file;
