//! Regions, and the direction in which a run moves a workload.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::read::Expected;

/// The name of an AWS Region, such as `us-east-1`. Its form is checked, not its existence: new Regions open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Region(String);

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Region {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let mut parts = text.split('-').rev();
        let number = parts.next().unwrap_or_default();
        let words: Vec<&str> = parts.collect();
        let lower = |word: &&str| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase());
        let named = (2..=4).contains(&words.len()) && words.iter().all(lower);
        if named && matches!(number.as_bytes(), [b'1'..=b'9']) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Expected("an AWS Region such as us-east-1"))
        }
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Region {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Region".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[a-z]{2,}(-[a-z]{2,}){1,3}-[1-9]$", "description": "an AWS Region such as us-east-1"})
    }
}

/// From where to where a run moves the workload: two different Regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Direction {
    /// The Region that serves now, or did.
    pub source: Region,
    /// The Region that shall serve; the run executes there.
    pub target: Region,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.source, self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_names_are_known_by_their_form() {
        for good in ["us-east-1", "eu-central-2", "ap-southeast-4", "us-gov-west-1", "il-central-1"] {
            assert!(good.parse::<Region>().is_ok(), "{good}");
        }
        for bad in ["", "us-east", "us-east1", "US-EAST-1", "us-east-1a", "us--1", "us-east-0", "useast-1 "] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }
}
