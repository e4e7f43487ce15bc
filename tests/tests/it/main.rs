//! Scenarios, faults and the consistency of code, state machine, template and documents. One file a subject.

mod alarm_events;
mod alarm_notices;
mod alarm_rule;
mod alarm_template;
mod approval;
mod common;
mod consistency;
mod corpus;
mod deploy_policy;
mod document_form;
mod document_stage;
mod document_start;
mod document_stop;
mod documents;
mod encryption;
mod faults;
mod guards;
mod local_events;
mod requests;
mod runner;
mod scenarios;
mod secrets;
mod stop;
mod takeover;
mod wildcards;
mod workload;
