//! Attribute values, as DynamoDB's JSON has them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

/// An attribute's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    S(String),
    /// A number, as its digits.
    N(Number),
    /// Bytes, still in base 64.
    B(String),
    /// A truth.
    Bool(bool),
    /// Null.
    Null,
    /// A list.
    L(Vec<Self>),
    /// A map.
    M(BTreeMap<String, Self>),
    /// A set of texts.
    Ss(BTreeSet<String>),
    /// A set of numbers.
    Ns(Vec<Number>),
    /// A set of bytes.
    Bs(BTreeSet<String>),
}

/// An item: attributes by name.
pub type Item = BTreeMap<String, Value>;

/// A number as DynamoDB keeps it: decimal, without needless digits. What this table holds (epochs, times in milliseconds)
/// fits into whole numbers; a fraction is kept and compared as the nearest double.
#[derive(Clone, Debug)]
pub struct Number(String);

impl Number {
    /// Reads digits.
    pub fn read(text: &str) -> Option<Self> {
        if text.parse::<i128>().is_ok_and(|n| n.unsigned_abs() < 10_u128.pow(38)) {
            return text.parse::<i128>().ok().map(|n| Self(n.to_string()));
        }
        let number: f64 = text.parse().ok()?;
        (number.is_finite() && text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)))
            .then(|| Self(number.to_string()))
    }

    /// The number as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn whole(&self) -> Option<i128> {
        self.0.parse().ok()
    }

    fn double(&self) -> f64 {
        // It was read as a number.
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The sum, or with `Sign::Minus` the difference.
    pub fn combined(&self, sign: Sign, other: &Self) -> Option<Self> {
        match (self.whole(), other.whole(), sign) {
            (Some(a), Some(b), Sign::Plus) => Self::read(&(a + b).to_string()),
            (Some(a), Some(b), Sign::Minus) => Self::read(&(a - b).to_string()),
            (_, _, Sign::Plus) => Self::read(&(self.double() + other.double()).to_string()),
            (_, _, Sign::Minus) => Self::read(&(self.double() - other.double()).to_string()),
        }
    }
}

/// Plus or minus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// Plus.
    Plus,
    /// Minus.
    Minus,
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.whole(), other.whole()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            (_, _) => self.double().partial_cmp(&other.double()),
        }
    }
}

impl Value {
    /// The letters that DynamoDB has for its type.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::L(_) => "L",
            Self::M(_) => "M",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
        }
    }

    /// How it compares with another of its type; `None` for what has no order.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::S(a), Self::S(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Self::N(a), Self::N(b)) => a.partial_cmp(b),
            (Self::B(a), Self::B(b)) => Some(a.cmp(b)),
            (_, _) => None,
        }
    }

    /// Reads `{"S": "text"}` and its like.
    ///
    /// # Errors
    /// What is wrong with it, in DynamoDB's words as far as it has them.
    pub fn read(json: &Json) -> Result<Self, String> {
        let fields = json.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.iter().next());
        let Some((kind, inner)) = fields else {
            return Err(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned()
            );
        };
        let wrong = || format!("the value of an attribute of type {kind} is {inner}");
        let text = || inner.as_str().map(str::to_owned).ok_or_else(wrong);
        let texts = || -> Result<Vec<String>, String> {
            let list = inner.as_array().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
            list.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        };
        let number = |text: &str| {
            let unreadable = || format!("The parameter cannot be converted to a numeric value: {text}");
            Number::read(text).ok_or_else(unreadable)
        };
        match kind.as_str() {
            "S" => text().map(Self::S),
            "N" => number(&text()?).map(Self::N),
            "B" => text().map(Self::B),
            "BOOL" => inner.as_bool().map(Self::Bool).ok_or_else(wrong),
            "NULL" => inner.as_bool().filter(|is| *is).map(|_| Self::Null).ok_or_else(wrong),
            "L" => inner.as_array().ok_or_else(wrong)?.iter().map(Self::read).collect::<Result<_, _>>().map(Self::L),
            "M" => read_item(inner).map(Self::M),
            "SS" => texts().map(|t| Self::Ss(t.into_iter().collect())),
            "BS" => texts().map(|t| Self::Bs(t.into_iter().collect())),
            "NS" => texts()?.iter().map(|t| number(t)).collect::<Result<_, _>>().map(Self::Ns),
            _ => {
                Err("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".to_owned())
            }
        }
    }

    /// As DynamoDB writes it.
    pub fn to_json(&self) -> Json {
        match self {
            Self::S(text) => json!({"S": text}),
            Self::N(number) => json!({"N": number.as_str()}),
            Self::B(bytes) => json!({"B": bytes}),
            Self::Bool(truth) => json!({"BOOL": truth}),
            Self::Null => json!({"NULL": true}),
            Self::L(list) => json!({"L": list.iter().map(Self::to_json).collect::<Vec<_>>()}),
            Self::M(map) => json!({"M": item_json(map)}),
            Self::Ss(set) => json!({"SS": set}),
            Self::Ns(set) => json!({"NS": set.iter().map(Number::as_str).collect::<Vec<_>>()}),
            Self::Bs(set) => json!({"BS": set}),
        }
    }

    /// How many bytes DynamoDB counts for it, roughly.
    pub fn size(&self) -> usize {
        match self {
            Self::S(text) | Self::B(text) => text.len(),
            Self::N(number) => number.as_str().len() / 2 + 1,
            Self::Bool(_) | Self::Null => 1,
            Self::L(list) => 3 + list.iter().map(|v| 1 + v.size()).sum::<usize>(),
            Self::M(map) => 3 + size_of_item(map),
            Self::Ss(set) | Self::Bs(set) => set.iter().map(String::len).sum(),
            Self::Ns(set) => set.iter().map(|n| n.as_str().len() / 2 + 1).sum(),
        }
    }
}

/// Reads an item.
///
/// # Errors
/// What is wrong with it.
pub fn read_item(json: &Json) -> Result<Item, String> {
    let fields = json.as_object().ok_or_else(|| format!("an item is {json}"))?;
    fields.iter().map(|(name, value)| Ok((name.clone(), Value::read(value)?))).collect()
}

/// An item as DynamoDB writes it.
pub fn item_json(item: &Item) -> Json {
    Json::Object(item.iter().map(|(name, value)| (name.clone(), value.to_json())).collect::<Map<_, _>>())
}

/// How many bytes DynamoDB counts for an item.
pub fn size_of_item(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}
