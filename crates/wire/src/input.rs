//! What an operation is asked, whichever protocol it came in.

use lifeboat_model::Timestamp;
use serde_json::Value;
use thiserror::Error;

/// A parameter that is missing or wrong.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field}: found {found}, expected {expected}")]
pub struct Problem {
    /// The parameter, with its place in those around it.
    pub field: String,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

/// The parameters, or those within one of them. The query protocol has texts only; a text that says a number is one.
#[derive(Clone, Debug)]
pub struct Input {
    /// Where these parameters stand in those around them; empty at the top.
    place: String,
    value: Value,
}

impl Input {
    /// The parameters of a request.
    pub const fn new(value: Value) -> Self {
        Self { place: String::new(), value }
    }

    fn get(&self, field: &str) -> Option<&Value> {
        self.value.get(field).filter(|value| !value.is_null())
    }

    fn place_of(&self, field: &str) -> String {
        if self.place.is_empty() { field.to_owned() } else { format!("{}.{field}", self.place) }
    }

    fn problem(&self, field: &str, expected: &str) -> Problem {
        let found = self.get(field).map_or_else(|| "nothing".to_owned(), Value::to_string);
        Problem { field: self.place_of(field), found, expected: expected.to_owned() }
    }

    /// That `field` is wrong, and what was expected.
    pub fn wrong(&self, field: &str, expected: impl AsRef<str>) -> Problem {
        self.problem(field, expected.as_ref())
    }

    /// Whether `field` is there.
    pub fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    /// A text.
    ///
    /// # Errors
    /// It is not a text.
    pub fn text(&self, field: &str) -> Result<Option<&str>, Problem> {
        let wrong = || self.problem(field, "a text");
        self.get(field).map(|value| value.as_str().ok_or_else(wrong)).transpose()
    }

    /// A text that has to be there, and not empty.
    ///
    /// # Errors
    /// It is not.
    pub fn required(&self, field: &str) -> Result<&str, Problem> {
        self.text(field)?.filter(|text| !text.is_empty()).ok_or_else(|| self.problem(field, "a text"))
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// It is not one.
    pub fn count(&self, field: &str) -> Result<Option<u32>, Problem> {
        let read = |value: &Value| match value {
            Value::Number(number) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let wrong = || self.problem(field, "a whole number that is not negative");
        self.get(field).map(|value| read(value).ok_or_else(wrong)).transpose()
    }

    /// A truth.
    ///
    /// # Errors
    /// It is none.
    pub fn truth(&self, field: &str) -> Result<Option<bool>, Problem> {
        let read = |value: &Value| match value {
            Value::Bool(truth) => Some(*truth),
            Value::String(text) => text.to_ascii_lowercase().parse().ok(),
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        };
        self.get(field).map(|value| read(value).ok_or_else(|| self.problem(field, "true or false"))).transpose()
    }

    /// A point in time that has to be there: a text, or seconds since 1970.
    ///
    /// # Errors
    /// It is not.
    pub fn time(&self, field: &str) -> Result<Timestamp, Problem> {
        let read = |value: &Value| match value {
            Value::Number(seconds) => seconds.as_f64().map(|s| Timestamp::from_ms((s * 1000.0) as i64)),
            Value::String(text) => text.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let wrong = || self.problem(field, "a time such as 2027-06-30T00:00:00Z");
        self.get(field).and_then(read).ok_or_else(wrong)
    }

    /// The parameters within `field`.
    ///
    /// # Errors
    /// It has none within.
    pub fn within(&self, field: &str) -> Result<Option<Self>, Problem> {
        let wrong = || self.problem(field, "a structure");
        let Some(value) = self.get(field) else { return Ok(None) };
        let value = value.is_object().then(|| value.clone()).ok_or_else(wrong)?;
        Ok(Some(Self { place: self.place_of(field), value }))
    }

    /// The items of a list, none when it is not there.
    ///
    /// # Errors
    /// It is no list, or not one of structures.
    pub fn items(&self, field: &str) -> Result<Vec<Self>, Problem> {
        let items = self.list(field)?.into_iter().enumerate();
        items
            .map(|(n, value)| {
                let place = format!("{}[{n}]", self.place_of(field));
                if value.is_object() {
                    return Ok(Self { place, value });
                }
                Err(Problem { field: place, found: value.to_string(), expected: "a structure".to_owned() })
            })
            .collect()
    }

    /// The texts of a list; `None` when it is not there.
    ///
    /// # Errors
    /// It is no list, or not one of texts.
    pub fn texts(&self, field: &str) -> Result<Option<Vec<String>>, Problem> {
        if !self.has(field) {
            return Ok(None);
        }
        let text =
            |value: Value| value.as_str().map(str::to_owned).ok_or_else(|| self.problem(field, "a list of texts"));
        self.list(field)?.into_iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    fn list(&self, field: &str) -> Result<Vec<Value>, Problem> {
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items.clone()),
            // The query protocol's empty list.
            Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
            Some(_) => Err(self.problem(field, "a list")),
        }
    }
}
