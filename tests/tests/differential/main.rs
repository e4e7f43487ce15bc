//! The runner is honest: what it makes of a machine is what the documentation of Step Functions says, and what an interpreter
//! makes of it that is not ours (`tools/asl_oracle.py`).
//!
//! `cases/` are small machines, `shipped/` are scripts for the shipped machine; what must come of each stands in it, derived by
//! hand from the documentation, so that both interpreters are judged and not only compared. Where the other one is known to be
//! wrong, [`known`] says so.

mod cases;
mod coverage;
mod known;
mod oracle;
mod ours;
mod recorded;
mod shipped;
mod small;
mod trace;
