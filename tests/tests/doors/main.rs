//! The doors through which a workload is moved, each tried as its user would, against the simulator's HTTP face on loopback.

mod alarm;
mod break_glass;
mod console;
mod ssm;
mod terminal;
mod world;
