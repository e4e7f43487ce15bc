//! What Lifeboat stands on, as its callers see it: the adapters that ship, the runbook's commands, the binaries.

mod adapters;
mod binaries;
mod common;
mod expressions;
mod runbook;
