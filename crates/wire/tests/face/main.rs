//! The face as its callers see it: the adapters that ship and the AWS CLI, against a world that listens.

mod adapters;
mod alarm;
mod callers;
mod cli;
mod common;
mod control;
mod every_call;
mod faults;
mod refusals;
