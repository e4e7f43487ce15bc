//! Points in time and lengths of time, as they stand in plans, events, evidence and reports.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::read::Expected;

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z. Written as RFC 3339 with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// This point plus `period`; saturates at the end of time.
    pub const fn plus(self, period: Period) -> Self {
        Self(self.0.saturating_add(period.as_ms()))
    }

    /// This point less `period`.
    pub const fn minus(self, period: Period) -> Self {
        Self(self.0.saturating_sub(period.as_ms()))
    }

    /// Seconds from `earlier` to this point; negative when `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        self.ms_since(earlier) as f64 / 1000.0
    }

    /// Milliseconds from `earlier` to this point; negative when `earlier` is later.
    pub const fn ms_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match chrono::DateTime::from_timestamp_millis(self.0) {
            Some(at) => f.write_str(&at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)),
            None => write!(f, "{}ms", self.0),
        }
    }
}

impl FromStr for Timestamp {
    type Err = Expected;

    /// RFC 3339, or CloudWatch's form of it (`+0000`, no colon in the offset).
    fn from_str(text: &str) -> Result<Self, Expected> {
        chrono::DateTime::parse_from_rfc3339(text)
            .or_else(|_| chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
            .map(|at| Self(at.timestamp_millis()))
            .map_err(|_| Expected("a time such as 2027-06-30T00:00:00Z"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "description": "RFC 3339, such as 2027-06-30T00:00:00Z"})
    }
}

/// A length of time in whole milliseconds, up to 7 days. Written `500ms`, `30s`, `10m` or `2h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(u32);

impl Period {
    /// The longest period a plan may state: a week. Longer is a slip of the pen.
    pub const MAX: Self = Self(7 * 24 * 3600 * 1000);

    /// From whole seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds * 1000)
    }

    /// From milliseconds.
    pub const fn ms(ms: u32) -> Self {
        Self(ms)
    }

    /// In milliseconds.
    pub const fn as_ms(self) -> i64 {
        self.0 as i64
    }

    /// In seconds.
    pub fn as_seconds(self) -> f64 {
        f64::from(self.0) / 1000.0
    }

    /// As the standard library's type, for timers.
    pub const fn as_duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0 as u64)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms % 3_600_000 == 0 && ms > 0 => write!(f, "{}h", ms / 3_600_000),
            ms if ms % 60_000 == 0 && ms > 0 => write!(f, "{}m", ms / 60_000),
            ms if ms % 1000 == 0 => write!(f, "{}s", ms / 1000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

const PERIOD_EXPECTED: Expected =
    Expected("a whole number with a unit, from 1ms to 168h, such as 500ms, 30s, 10m or 2h");

impl FromStr for Period {
    type Err = Expected;

    fn from_str(text: &str) -> Result<Self, Expected> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit_ms: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(PERIOD_EXPECTED),
        };
        let number: u64 = number.parse().map_err(|_| PERIOD_EXPECTED)?;
        let ms = number.checked_mul(unit_ms).ok_or(PERIOD_EXPECTED)?;
        match u32::try_from(ms) {
            Ok(ms) if ms > 0 && Self(ms) <= Self::MAX => Ok(Self(ms)),
            Ok(_) | Err(_) => Err(PERIOD_EXPECTED),
        }
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$", "description": "a length of time, such as 500ms, 30s, 10m or 2h; at most 168h"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_written_alike() {
        for text in ["1ms", "500ms", "1s", "30s", "90s", "10m", "2h", "168h"] {
            let period: Period = text.parse().expect(text);
            assert_eq!(period.to_string().parse::<Period>(), Ok(period), "{text}");
        }
        assert_eq!("120s".parse::<Period>().map(|p| p.to_string()), Ok("2m".to_owned()));
    }

    #[test]
    fn a_period_without_unit_or_sense_is_an_error() {
        for text in ["", "5", "s", "0s", "-5s", "1.5h", "5 m", "5min", "169h", "99999999999999999999h", "5M"] {
            assert_eq!(text.parse::<Period>(), Err(PERIOD_EXPECTED), "{text:?}");
        }
    }

    #[test]
    fn times_are_read_in_both_forms_that_cloudwatch_sends() {
        let rfc3339: Timestamp = "2023-08-04T12:36:15.490Z".parse().expect("RFC 3339");
        let cloudwatch: Timestamp = "2023-08-04T12:36:15.490+0000".parse().expect("CloudWatch");
        assert_eq!(rfc3339, cloudwatch);
        assert_eq!(rfc3339.to_string(), "2023-08-04T12:36:15.490Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
    }
}
