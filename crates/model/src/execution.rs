//! The names of a run and of the state machine that it is an execution of.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::read::Expected;
use crate::{Arn, Region, Timestamp};

/// The longest name of an execution or a state machine (quota of Step Functions).
pub const NAME_MAX: usize = 80;

/// The ARN of an execution: what a run is called in locks and journals, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ExecutionArn {
    arn: Arn,
    #[serde(skip)]
    region: Region,
}

impl ExecutionArn {
    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        self.arn.as_str()
    }

    /// The Region in which it executes.
    pub const fn region(&self) -> &Region {
        &self.region
    }

    /// The execution's name.
    pub fn name(&self) -> &str {
        self.arn.name()
    }

    /// Where a person sees its graph.
    pub fn console_url(&self) -> String {
        let host = match self.arn.as_str().split(':').nth(1) {
            Some("aws-cn") => "console.amazonaws.cn",
            Some("aws-us-gov") => "console.amazonaws-us-gov.com",
            Some(_) | None => "console.aws.amazon.com",
        };
        let region = &self.region;
        format!("https://{region}.{host}/states/home?region={region}#/v2/executions/details/{}", self.arn)
    }
}

impl fmt::Display for ExecutionArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.arn.fmt(f)
    }
}

impl FromStr for ExecutionArn {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        const EXPECTED: Expected =
            Expected("the ARN of an execution: arn:aws:states:REGION:ACCOUNT:execution:STATE-MACHINE:NAME");
        let arn: Arn = text.parse().map_err(|_| EXPECTED)?;
        let pieces: Vec<&str> = arn.resource().split(':').collect();
        let named =
            matches!(pieces.as_slice(), ["execution", machine, name] if !machine.is_empty() && !name.is_empty());
        let region = arn.region().parse().map_err(|_| EXPECTED)?;
        if arn.service() == "states" && named { Ok(Self { arn, region }) } else { Err(EXPECTED) }
    }
}

/// A state machine as a person names it: by its name, the same in both Regions, or by its ARN in one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateMachine {
    /// Its name; the account is the one of the plan's resources.
    Named(String),
    /// Its ARN.
    Arn(Arn),
}

impl StateMachine {
    /// Its ARN in `region`. A name is taken to be in the partition and the account of `resource`, one of the plan's.
    pub fn arn_in(&self, region: &Region, resource: &Arn) -> Result<Arn, Expected> {
        let (of, name) = match self {
            Self::Named(name) => (resource, name.as_str()),
            Self::Arn(arn) => (arn, arn.name()),
        };
        let parts: Vec<&str> = of.as_str().splitn(6, ':').collect();
        let (partition, account) = (parts.get(1).unwrap_or(&"aws"), parts.get(4).unwrap_or(&""));
        format!("arn:{partition}:states:{region}:{account}:stateMachine:{name}").parse()
    }
}

impl FromStr for StateMachine {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        const EXPECTED: Expected =
            Expected("the name of a state machine, 1 to 80 letters, digits, hyphens and underscores, or its ARN");
        if text.starts_with("arn:") {
            let arn: Arn = text.parse().map_err(|_| EXPECTED)?;
            let is_machine = arn.service() == "states" && arn.resource().starts_with("stateMachine:");
            return if is_machine { Ok(Self::Arn(arn)) } else { Err(EXPECTED) };
        }
        let known = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(known) {
            Ok(Self::Named(text.to_owned()))
        } else {
            Err(EXPECTED)
        }
    }
}

/// The name of an execution that a person starts: what it does, where to, and when, so that it can be told in a list:
/// `switchover-us-west-2-20261123T031500Z`.
pub fn execution_name(what: &str, target: &Region, at: Timestamp) -> String {
    let at: String = at.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    // Without the milliseconds, which stand before the last letter.
    let seconds = at.get(..15).unwrap_or(&at);
    format!("{what}-{target}-{seconds}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_is_known_by_its_arn_and_knows_its_region() {
        let arn = "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover:run-1";
        let run: ExecutionArn = arn.parse().expect("an execution");
        assert_eq!((run.as_str(), run.region().as_str(), run.name()), (arn, "us-west-2", "run-1"));
        assert_eq!(
            run.console_url(),
            format!(
                "https://us-west-2.console.aws.amazon.com/states/home?region=us-west-2#/v2/executions/details/{arn}"
            )
        );
        for bad in [
            "",
            "run-1",
            "arn:aws:states:us-west-2:111122223333:stateMachine:lifeboat-failover",
            "arn:aws:states::111122223333:execution:lifeboat-failover:run-1",
            "arn:aws:states:us-west-2:111122223333:execution:lifeboat-failover",
            "arn:aws:states:us-west-2:111122223333:execution::run-1",
            "arn:aws:rds:us-west-2:111122223333:execution:lifeboat-failover:run-1",
        ] {
            assert!(bad.parse::<ExecutionArn>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_state_machine_is_found_in_either_region_by_name_or_by_arn() {
        let resource: Arn = "arn:aws-us-gov:rds:us-gov-east-1:111122223333:cluster:orders".parse().expect("an ARN");
        let region: Region = "us-gov-west-1".parse().expect("a Region");
        let named: StateMachine = "lifeboat-failover".parse().expect("a name");
        assert_eq!(
            named.arn_in(&region, &resource).map(|a| a.to_string()),
            Ok("arn:aws-us-gov:states:us-gov-west-1:111122223333:stateMachine:lifeboat-failover".to_owned())
        );
        let elsewhere: StateMachine =
            "arn:aws:states:us-east-1:444455556666:stateMachine:ours".parse().expect("an ARN");
        assert_eq!(
            elsewhere.arn_in(&"us-west-2".parse().expect("a Region"), &resource).map(|a| a.to_string()),
            Ok("arn:aws:states:us-west-2:444455556666:stateMachine:ours".to_owned())
        );
        for bad in ["", "a b", "arn:aws:rds:us-east-1:111122223333:cluster:x", "arn:nothing"] {
            assert!(bad.parse::<StateMachine>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_executions_name_says_what_it_is_and_is_one_that_step_functions_takes() {
        let at: Timestamp = "2026-11-23T03:15:00.250Z".parse().expect("a time");
        let region: Region = "us-west-2".parse().expect("a Region");
        assert_eq!(execution_name("switchover", &region, at), "switchover-us-west-2-20261123T031500Z");
        let longest: Region = "us-gov-northeast-1".parse().expect("a Region");
        assert!(execution_name("rehearse-switchover", &longest, at).len() <= NAME_MAX);
    }
}
