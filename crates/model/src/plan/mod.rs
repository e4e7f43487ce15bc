//! The plan: what a workload is made of, what is expected of it, and what Lifeboat may do without asking.
//!
//! A plan lists resources, never an order: the order is the state machine's. It is read by [`Plan::read`], which names
//! every problem at once; a plan that exists satisfies every rule of its reader, so no step checks again.

mod read;
mod resources;

pub(crate) use read::{bounded_text, read_consent};
pub use resources::{
    Broker, BrokerRef, Cache, Consistency, Database, Engine, InFlight, Placement, Requirement, Service, Table,
};

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::limits::Step;
use crate::read::Expected;
use crate::{Arn, Direction, Period, Region, Timestamp};

/// The version of the plan's form that this code reads.
pub const FORM_VERSION: u32 = 1;

/// A two-Region workload and how it may be moved. See `plans/retail-store.yaml` for one in full.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The form of this document: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Names the plan in requests, locks and reports.
    pub name: Name,
    /// The two Regions, in any order.
    #[schemars(length(min = 2, max = 2))]
    pub regions: [Region; 2],
    /// Whether one Region serves at a time, or both.
    pub topology: Topology,
    /// What a failover has to achieve; reports measure against it.
    pub objectives: Objectives,
    /// What may happen without a person.
    pub automation: Automation,
    /// How long things may take before a run stops and asks for a person.
    #[serde(default)]
    pub limits: Limits,
    /// The routing-control cluster and one control per Region.
    pub routing: Routing,
    /// The Aurora global databases.
    #[schemars(length(min = 1, max = 1000))]
    pub databases: Vec<Database>,
    /// The ElastiCache global datastores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<Cache>,
    /// The DynamoDB global tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// The Amazon MQ brokers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub brokers: Vec<Broker>,
    /// The Amazon ECS services that need capacity in the target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<Service>,
    /// The synthetic users whose results are evidence.
    #[schemars(length(min = 1, max = 100))]
    pub canaries: Vec<Canary>,
    /// The names by which clients find the workload.
    #[schemars(length(min = 1, max = 20))]
    pub dns: Vec<DnsName>,
}

impl Plan {
    /// The direction that ends in `target`, if the plan has that Region.
    pub fn direction_to(&self, target: &Region) -> Option<Direction> {
        let [a, b] = &self.regions;
        let source = match target {
            t if t == a => b,
            t if t == b => a,
            _ => return None,
        };
        Some(Direction { source: source.clone(), target: target.clone() })
    }

    /// The database called `name`.
    pub fn database(&self, name: &Name) -> Option<&Database> {
        self.databases.iter().find(|d| &d.name == name)
    }

    /// The cache called `name`.
    pub fn cache(&self, name: &Name) -> Option<&Cache> {
        self.caches.iter().find(|c| &c.name == name)
    }

    /// The table called `name`.
    pub fn table(&self, name: &Name) -> Option<&Table> {
        self.tables.iter().find(|t| &t.name == name)
    }

    /// The broker called `name`.
    pub fn broker(&self, name: &Name) -> Option<&Broker> {
        self.brokers.iter().find(|b| &b.name == name)
    }

    /// The service called `name`.
    pub fn service(&self, name: &Name) -> Option<&Service> {
        self.services.iter().find(|s| &s.name == name)
    }

    /// The names of the resources beside the databases that `step` sees to and that are `requirement`.
    pub fn resources_of(&self, step: Step, requirement: Requirement) -> impl Iterator<Item = &Name> {
        let caches = self.caches.iter().map(|c| (Step::PromoteCache, &c.name, c.requirement));
        let tables = self.tables.iter().map(|t| (Step::CheckTable, &t.name, t.requirement));
        let brokers = self.brokers.iter().map(|b| (Step::PromoteBroker, &b.name, b.requirement));
        let services = self.services.iter().map(|s| (Step::ScaleCompute, &s.name, s.requirement));
        let all = caches.chain(tables).chain(brokers).chain(services);
        all.filter(move |(of, _, is)| *of == step && *is == requirement).map(|(_, name, _)| name)
    }

    /// How many resources a run moves or checks.
    pub fn resources(&self) -> usize {
        self.databases.len() + self.caches.len() + self.tables.len() + self.brokers.len() + self.services.len()
    }

    /// The Regions from which canaries watch `watched` from outside it.
    pub fn outside_vantages(&self, watched: &Region) -> Vec<&Region> {
        let mut vantages: Vec<&Region> = self
            .canaries
            .iter()
            .filter(|c| &c.watches == watched && c.runs_in != c.watches)
            .map(|c| &c.runs_in)
            .collect();
        vantages.sort();
        vantages.dedup();
        vantages
    }
}

/// A name of 1 to 48 lower-case letters, digits and hyphens that starts with a letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if (1..=48).contains(&text.len()) && letters && text.as_bytes()[0].is_ascii_lowercase() {
            Ok(Self(text.to_owned()))
        } else {
            Err(Expected("a name of 1 to 48 lower-case letters, digits and hyphens that starts with a letter"))
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[a-z][a-z0-9-]{0,47}$", "description": "1 to 48 lower-case letters, digits and hyphens, a letter first"})
    }
}

/// Whether one Region serves at a time, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// Both Regions serve; the databases' writers are in one of them.
    ActiveActive,
    /// One Region serves, the other stands by.
    ActivePassive,
}

/// What a failover has to achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Objectives {
    /// Recovery time objective: from the first failed request to clients served again.
    pub rto: Period,
    /// Recovery point objective: how much of the newest data may be lost.
    pub rpo: Period,
}

/// What may happen without a person.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Automation {
    /// What an alarm may do.
    pub policy: Policy,
    /// The alarm, of the same name in each Region, that watches the other Region.
    pub alarm: Alarm,
    /// How long after a run no other run starts unless a person acknowledges the first.
    pub cool_down: Period,
    /// The standing consent to bounded data loss that an automatic failover acts under; required for `autonomous`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

/// What an alarm may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Start a failover.
    Autonomous,
    /// Start a run that assesses, asks a person, and waits for the answer before it changes anything.
    Approve,
    /// Nothing but say so: a person starts the run.
    ManualOnly,
}

/// The CloudWatch alarm that starts a run. Period times evaluation periods is the hold time: how long the other Region must
/// have been bad without a break before the alarm calls. CloudWatch keeps it; the run then asks canaries of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// The alarm's name, the same in each Region.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The length of one evaluation period; the template's `AlarmPeriodSeconds`.
    pub period: Period,
    /// How many periods in a row must be bad; the template's `AlarmEvaluationPeriods`.
    #[schemars(range(min = 1, max = 60))]
    pub evaluation_periods: u32,
}

/// A person's acceptance of bounded data loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The most that may be lost, as time.
    pub max_data_loss: Period,
    /// Who accepted it.
    #[schemars(length(min = 1, max = 200))]
    pub accepted_by: String,
    /// Why.
    #[schemars(length(min = 1, max = 500))]
    pub reason: String,
    /// Until when the acceptance holds.
    pub expires: Timestamp,
}

/// How long things may take before a run stops and asks for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// One database's promotion, from the call to the confirmed writer. Default 10m.
    pub promotion: Period,
    /// From the shift of traffic to DNS and canaries agreeing; also, before a planned move of a workload that both
    /// Regions serve, for traffic to leave the source. Default 10m.
    pub traffic: Period,
    /// The most replication lag with which a switchover starts. Default 5s.
    pub switchover_lag: Period,
    /// How long every canary of the target must have been green before the run counts as done. Default 1m.
    pub green_window: Period,
    /// One cache's promotion, from the call to the confirmed primary. Default 5m.
    pub cache: Period,
    /// Until one table is seen to be replicated. Default 5m.
    pub table: Period,
    /// One broker's promotion, or until it runs; also until what was in flight is drained. Default 5m.
    pub broker: Period,
    /// Until one service has its capacity in the target. Default 10m.
    pub compute: Period,
    /// How long a person has to approve. Default 30m.
    pub approval: Period,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            promotion: Period::seconds(600),
            traffic: Period::seconds(600),
            switchover_lag: Period::seconds(5),
            green_window: Period::seconds(60),
            cache: Period::seconds(300),
            table: Period::seconds(300),
            broker: Period::seconds(300),
            compute: Period::seconds(600),
            approval: Period::seconds(1800),
        }
    }
}

/// The routing-control cluster and one control per Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Routing {
    /// The cluster's five endpoints.
    #[schemars(length(min = 5, max = 5))]
    pub endpoints: Vec<Endpoint>,
    /// Region to the ARN of the control that sends it traffic.
    pub controls: BTreeMap<Region, Arn>,
}

/// One of the five endpoints of a routing-control cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The Region that serves it, and that calls to it are signed for.
    pub region: Region,
    /// Its address, as the cluster's description gives it.
    #[schemars(regex(pattern = r"^https?://[^/]+(/.*)?$"))]
    pub url: String,
}

/// A synthetic user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The canary's name.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// The Region it runs in and reports its results to.
    pub runs_in: Region,
    /// The Region whose workload it uses.
    pub watches: Region,
    /// What it does there.
    pub checks: Checks,
}

/// What a canary does with the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Checks {
    /// Reads only: green in a healthy stand-by Region too.
    Read,
    /// Writes too: green only where the write reaches a writer.
    Write,
}

/// A name by which clients find the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsName {
    /// The name that clients resolve.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its time to live.
    pub ttl: Period,
    /// Region to the name of the entry there, such as its load balancer's: what `name` must answer with.
    pub answers: BTreeMap<Region, String>,
}
