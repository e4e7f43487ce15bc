//! What an operation answers, before a protocol writes it: the same tree becomes XML, JSON or CBOR.

use lifeboat_model::Timestamp;

/// A value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A text, or one of an enum's words.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A truth.
    Truth(bool),
    /// A point in time.
    Time(Timestamp),
    /// A list, and what XML calls each item of it.
    List(&'static str, Vec<Self>),
    /// Named values, in the order in which they are written.
    Record(Vec<(&'static str, Self)>),
}

impl Shape {
    /// A record of `fields`, without those that are `None`: AWS leaves out what it does not say.
    pub fn record<const N: usize>(fields: [(&'static str, Option<Self>); N]) -> Self {
        Self::Record(fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    /// A record without fields.
    pub const fn nothing() -> Self {
        Self::Record(Vec::new())
    }

    /// A list of `items`, which XML calls `item`.
    pub fn list(item: &'static str, items: impl IntoIterator<Item = Self>) -> Option<Self> {
        Some(Self::List(item, items.into_iter().collect()))
    }
}

/// A text that is said.
pub fn text(text: impl ToString) -> Option<Shape> {
    Some(Shape::Text(text.to_string()))
}

/// A whole number that is said.
pub fn integer(number: impl Into<i64>) -> Option<Shape> {
    Some(Shape::Integer(number.into()))
}

/// A truth that is said.
pub const fn truth(is_so: bool) -> Option<Shape> {
    Some(Shape::Truth(is_so))
}
