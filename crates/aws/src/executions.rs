//! Executions of the state machine, on Step Functions.
//!
//! Purpose: an alarm starts a run. Guarantees: one call, sent once; the name makes a repetition by the caller harmless, as
//! Step Functions starts one execution per name. Effects: starts an execution in the home Region.
//! Fails when: Step Functions refuses or does not answer.

use async_trait::async_trait;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use lifeboat_model::{Arn, Region};
use lifeboat_ports::{CallError, Executions, Started};

use crate::Environment;
use crate::environment::{Calls, ConfigError, Service};
use crate::errors::{call_error, incomplete};

const START: &str = "states:StartExecution";

/// The state machine of the home Region.
#[derive(Debug)]
pub struct SfnExecutions {
    client: Client,
    home: Region,
    state_machine: Arn,
}

impl SfnExecutions {
    /// The state machine that the environment names.
    ///
    /// # Errors
    /// `LIFEBOAT_STATE_MACHINE` is not set.
    pub fn new(environment: &Environment) -> Result<Self, ConfigError> {
        let config = environment.config(Service::StepFunctions, environment.home(), Calls::Mutations);
        Ok(Self {
            client: Client::new(&config),
            home: environment.home().clone(),
            state_machine: environment.state_machine()?.clone(),
        })
    }
}

#[async_trait(?Send)]
impl Executions for SfnExecutions {
    async fn start(&self, name: &str, input: &serde_json::Value) -> Result<Started, CallError> {
        let call = self
            .client
            .start_execution()
            .state_machine_arn(self.state_machine.as_str())
            .name(name)
            .input(input.to_string());
        match call.send().await {
            Ok(output) if output.execution_arn().is_empty() => {
                Err(incomplete(START, &self.home, "the execution's ARN"))
            }
            Ok(output) => Ok(Started::Running(output.execution_arn)),
            Err(error) if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) => {
                Ok(Started::NameTaken)
            }
            Err(error) => Err(call_error(START, &self.home, &error)),
        }
    }
}
