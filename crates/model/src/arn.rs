//! Amazon Resource Names.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::read::Expected;

/// An ARN of six parts: `arn:partition:service:region:account:resource`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Arn(String);

impl Arn {
    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition, such as `aws` or `aws-us-gov`.
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// The service, such as `rds`.
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The Region's name; empty for a global resource.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account's number; empty where a resource has none.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// What follows the account, such as `cluster:orders`.
    pub fn resource(&self) -> &str {
        self.part(5)
    }

    /// The last piece of the resource: its name or id.
    pub fn name(&self) -> &str {
        self.resource().rsplit([':', '/']).next().unwrap_or_default()
    }

    fn part(&self, n: usize) -> &str {
        self.0.splitn(6, ':').nth(n).unwrap_or_default()
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Arn {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let clean = text.len() <= 2048 && text.bytes().all(|b| b.is_ascii_graphic());
        match parts.as_slice() {
            ["arn", partition, service, _, account, resource]
                if clean
                    && partition.starts_with("aws")
                    && !service.is_empty()
                    && (account.is_empty() || account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()))
                    && !resource.is_empty() =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Expected("an ARN: arn:aws:service:region:account:resource")),
        }
    }
}

impl<'de> Deserialize<'de> for Arn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Arn {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Arn".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:[!-~]+$", "description": "an ARN: arn:aws:service:region:account:resource"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_gives_its_parts() {
        let arn: Arn = "arn:aws:rds:us-east-1:111122223333:cluster:orders-use1".parse().expect("an ARN");
        assert_eq!((arn.service(), arn.region(), arn.resource()), ("rds", "us-east-1", "cluster:orders-use1"));
        assert_eq!((arn.name(), arn.partition(), arn.account()), ("orders-use1", "aws", "111122223333"));
    }

    #[test]
    fn what_is_no_arn_is_an_error() {
        for bad in [
            "",
            "orders",
            "arn:aws:rds",
            "arn:aws:rds:us-east-1:123:cluster:a",
            "arn:aws::us-east-1:111122223333:x",
            "arn:aws:rds:us-east-1:111122223333:",
        ] {
            assert!(bad.parse::<Arn>().is_err(), "{bad}");
        }
    }
}
