//! Answers to questions for approval, from a person's terminal: the table and Step Functions.
//!
//! Purpose: what `lifeboat approve` and `lifeboat deny` call. Guarantees: the question is read strongly consistently; the
//! answer is sent once, to the Region of the run; no error holds the token, not even one in which the service repeats it.
//! Effects: ends the wait of one task. Fails when: DynamoDB or Step Functions refuses or does not answer.

use async_trait::async_trait;
use aws_sdk_sfn::Client;
use aws_sdk_sfn::operation::send_task_success::SendTaskSuccessError;
use lifeboat_model::Region;
use lifeboat_model::plan::Name;
use lifeboat_ports::{Approvals, AskedApproval, CallError, Delivery};

use crate::environment::{Calls, ConfigError, Service};
use crate::errors::call_error;
use crate::{DynamoLedger, Environment};

const ANSWER: &str = "states:SendTaskSuccess";

/// The questions in the table, and the tasks that wait.
#[derive(Debug)]
pub struct SfnApprovals {
    environment: Environment,
    ledger: DynamoLedger,
}

impl SfnApprovals {
    /// The table that the environment names.
    ///
    /// # Errors
    /// `LIFEBOAT_TABLE` is not set.
    pub fn new(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self { environment: environment.clone(), ledger: DynamoLedger::new(environment)? })
    }
}

#[async_trait(?Send)]
impl Approvals for SfnApprovals {
    async fn asked(&self, plan: &Name) -> Result<Option<AskedApproval>, CallError> {
        self.ledger.approval(plan).await
    }

    async fn answer(&self, region: &Region, token: &str, output: &serde_json::Value) -> Result<Delivery, CallError> {
        // Which Region it is only the question tells: the client is made for this one call.
        let client = Client::new(&self.environment.config(Service::StepFunctions, region, Calls::Mutations));
        let call = client.send_task_success().task_token(token).output(output.to_string());
        match call.send().await {
            Ok(_) => Ok(Delivery::Taken),
            Err(error) if error.as_service_error().is_some_and(is_not_open) => Ok(Delivery::NotOpen),
            Err(error) => Err(without(token, call_error(ANSWER, region, &error))),
        }
    }
}

fn is_not_open(error: &SendTaskSuccessError) -> bool {
    error.is_task_timed_out() || error.is_task_does_not_exist() || error.is_invalid_token()
}

/// Step Functions quotes the value that it refuses.
fn without(token: &str, mut error: CallError) -> CallError {
    if !token.is_empty() {
        error.message = error.message.replace(token, "[token]");
    }
    error
}
