//! Brokers, on Amazon MQ.
//!
//! Purpose: says whether a broker runs and which part it has in replication, and asks for the promotion of a replica.
//! Guarantees:
//! - A description comes from the broker's own Region, and only from there (S12).
//! - What an answer lacks is an error; a state or a role in an unknown word stays unknown (S9). A role is a free text in the
//!   API, and is compared without regard to case.
//! - A promotion is sent once, to the target (S10, S12).
//!
//! Effects: `promote` makes the replica the primary. Fails when: Amazon MQ refuses, does not answer, or answers in part.

use async_trait::async_trait;
use aws_sdk_mq::Client;
use aws_sdk_mq::operation::describe_broker::DescribeBrokerOutput;
use aws_sdk_mq::types::PromoteMode;
use lifeboat_model::Region;
use lifeboat_model::evidence::{BrokerSeen, BrokerState, ReplicationRole};
use lifeboat_model::plan::{Broker, BrokerRef};
use lifeboat_model::request::Mode;
use lifeboat_ports::{Brokers, CallError, Clock, Receipt};

use crate::clients::RegionalClients;
use crate::environment::{Calls, Service};
use crate::errors::{call_error, receipt, said, unplanned};
use crate::{Environment, SystemClock};

const DESCRIBE: &str = "mq:DescribeBroker";
const PROMOTE: &str = "mq:Promote";

/// The Amazon MQ control planes of the plan's Regions.
#[derive(Debug)]
pub struct MqBrokers {
    reads: RegionalClients<Client>,
    mutations: RegionalClients<Client>,
}

impl MqBrokers {
    /// The control planes as this environment reaches them.
    pub fn new(environment: &Environment) -> Self {
        Self {
            reads: RegionalClients::new(environment, Service::Mq, Calls::Reads, Client::new),
            mutations: RegionalClients::new(environment, Service::Mq, Calls::Mutations, Client::new),
        }
    }
}

#[async_trait(?Send)]
impl Brokers for MqBrokers {
    async fn describe(&self, broker: &Broker, region: &Region) -> Result<BrokerSeen, CallError> {
        let planned = planned(DESCRIBE, broker, region)?;
        let call = self.reads.of(region).describe_broker().broker_id(&planned.id);
        let output = call.send().await.map_err(|error| call_error(DESCRIBE, region, &error))?;
        let state = output.broker_state().map(|state| state.as_str());
        Ok(BrokerSeen {
            observed_at: SystemClock.now(),
            vantage: region.clone(),
            state: match said(DESCRIBE, region, "the broker's state", state)? {
                "RUNNING" => BrokerState::Running,
                "REPLICA" => BrokerState::Replica,
                other => BrokerState::Other(other.to_owned()),
            },
            role: read_role(&output, region)?,
        })
    }

    async fn promote(&self, broker: &Broker, target: &Region, mode: Mode) -> Result<Receipt, CallError> {
        let planned = planned(PROMOTE, broker, target)?;
        let mode = match mode {
            Mode::Switchover => PromoteMode::Switchover,
            Mode::Failover => PromoteMode::Failover,
        };
        let call = self.mutations.of(target).promote().broker_id(&planned.id).mode(mode);
        let output = call.send().await.map_err(|error| call_error(PROMOTE, target, &error))?;
        Ok(receipt(&output))
    }
}

fn planned<'a>(operation: &str, broker: &'a Broker, region: &Region) -> Result<&'a BrokerRef, CallError> {
    broker.brokers.get(region).ok_or_else(|| unplanned(operation, region, format!("broker of {}", broker.name)))
}

/// A broker is alone when it says so, or says nothing of replication at all. One that takes part has to say as what.
fn read_role(broker: &DescribeBrokerOutput, region: &Region) -> Result<ReplicationRole, CallError> {
    let mode = broker.data_replication_mode().map(|mode| mode.as_str());
    let role = broker.data_replication_metadata().and_then(|metadata| metadata.data_replication_role());
    match (mode, role) {
        (Some("NONE"), _) | (None, None) => Ok(ReplicationRole::Alone),
        (Some(_), None) | (_, Some(_)) => Ok(match said(DESCRIBE, region, "the broker's part in replication", role)? {
            role if role.eq_ignore_ascii_case("PRIMARY") => ReplicationRole::Primary,
            role if role.eq_ignore_ascii_case("REPLICA") => ReplicationRole::Replica,
            _ => ReplicationRole::Unknown,
        }),
    }
}
