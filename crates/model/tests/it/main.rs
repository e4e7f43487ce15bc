//! Every decision, table by table. One target: a change of the model is compiled once and not thirty times.

mod common;

mod admit;
mod approve;
mod assess;
mod assess_evidence;
mod assess_forecast;
mod assess_resources;
mod check_table;
mod conclude;
mod conclude_resources;
mod drain_broker;
mod ending;
mod errors;
mod isolate_source;
mod journal;
mod limits;
mod lock;
mod plan;
mod plan_resources;
mod plan_rules;
mod promote_broker;
mod promote_cache;
mod promote_cache_answers;
mod promote_database;
mod promote_database_answers;
mod scale_compute;
mod shift_traffic;
mod start_run;
mod stop;
mod verify_traffic;
mod verify_writers;
mod words;
