//! Condition, update and key condition expressions, as trees.

mod reader;

pub use reader::{condition, projection, update};

use super::value::{Sign, Value};

/// A place in an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The attribute.
    pub attribute: String,
    /// Where in it.
    pub within: Vec<Element>,
}

/// A step into an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// A field of a map.
    Field(String),
    /// An item of a list.
    Item(usize),
}

/// A value that an expression names.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// What stands in the item.
    Path(Path),
    /// A value of the request.
    Value(Value),
    /// The size of what stands in the item.
    Size(Path),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Both.
    And(Box<Self>, Box<Self>),
    /// One of them or both.
    Or(Box<Self>, Box<Self>),
    /// Not.
    Not(Box<Self>),
    /// Two values compared.
    Compare(Operand, Comparison, Operand),
    /// A value between two others, or one of them.
    Between(Operand, Operand, Operand),
    /// One of these.
    In(Operand, Vec<Operand>),
    /// The attribute is there.
    Exists(Path),
    /// The attribute is not there.
    NotExists(Path),
    /// A text begins with another.
    BeginsWith(Operand, Operand),
    /// A text, list or set contains something.
    Contains(Operand, Operand),
    /// The attribute has this type.
    Type(Path, Operand),
}

/// What an update changes.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// `SET path = value`
    Set(Path, Source),
    /// `REMOVE path`
    Remove(Path),
}

/// Where a new value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A value.
    Operand(Operand),
    /// What stands there, or this.
    IfNotExists(Path, Box<Self>),
    /// A sum or a difference.
    Sum(Box<Self>, Sign, Box<Self>),
}

impl Change {
    /// What it changes.
    pub const fn path(&self) -> &Path {
        match self {
            Self::Set(path, _) | Self::Remove(path) => path,
        }
    }
}
