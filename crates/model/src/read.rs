//! Reads a document (a plan, a request, an event) into types and names *every* problem in it, not just the first.
//!
//! Guarantees: nothing is defaulted that was given wrongly; a field that nobody reads is a problem of its own.
//! A document is a tree of [`Node`]s, made from YAML (with lines) or JSON (without).

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// What a value should have been: completes the sentence "expected ...".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected(pub &'static str);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

/// A value in a document, and the line on which it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Counted from 1; `None` where the document has no lines (JSON from a table or an event).
    pub line: Option<u32>,
    /// The value.
    pub value: Value,
}

/// A value in a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: `null`, or a key with no value.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A text.
    Text(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the document; a key that stands twice is here twice.
    Map(Vec<(String, Node)>),
}

impl From<&serde_json::Value> for Node {
    fn from(json: &serde_json::Value) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(b) => Value::Bool(*b),
            serde_json::Value::Number(n) => Value::Number(n.to_string()),
            serde_json::Value::String(s) => Value::Text(s.clone()),
            serde_json::Value::Array(items) => Value::List(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(map) => Value::Map(map.iter().map(|(k, v)| (k.clone(), Self::from(v))).collect()),
        };
        Self { line: None, value }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("nothing"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => f.write_str(n),
            Self::Text(t) if t.chars().count() > 80 => {
                write!(f, "{:?}...", t.chars().take(80).collect::<String>())
            }
            Self::Text(t) => write!(f, "{t:?}"),
            Self::List(items) if items.is_empty() => f.write_str("an empty list"),
            Self::List(items) => write!(f, "a list of {}", items.len()),
            Self::Map(_) => f.write_str("a mapping"),
        }
    }
}

/// One thing that is wrong with a document: where, what stood there, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line, counted from 1, where the document has lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The path of the field, such as `databases[1].clusters.us-west-2`.
    pub field: String,
    /// The value that stood there.
    pub value: String,
    /// What was expected, and where it is not plain, what to do.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A key that nobody knows is quoted as it was written, and may be anything.
        let mut field = String::with_capacity(self.field.len());
        for c in self.field.chars() {
            if c.is_control() { field.extend(c.escape_debug()) } else { field.push(c) }
        }
        write!(f, "{field}: {} found, expected {}", self.value, self.expected)
    }
}

/// The problems found so far, shared by all cursors of one document.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// All of them, in the order of their lines.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        problems.sort_by_key(|p| p.line);
        problems
    }

    /// A cursor on the root of a document; `name` stands for the whole document in messages.
    pub fn root<'a>(&'a self, name: &str, node: &'a Node) -> Cursor<'a> {
        Cursor { problems: self, field: name.to_owned(), node, root: true }
    }
}

/// A place in a document. What is wrong there is reported once and reads as `None`.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    problems: &'a Problems,
    field: String,
    node: &'a Node,
    root: bool,
}

impl<'a> Cursor<'a> {
    /// Reports that this value is not what was `expected`.
    pub fn problem(&self, expected: impl Into<String>) {
        self.report(self.field.clone(), self.node.line, self.node.value.to_string(), expected.into());
    }

    fn report(&self, field: String, line: Option<u32>, value: String, expected: String) {
        self.problems.0.borrow_mut().push(Problem { line, field, value, expected });
    }

    fn below(&self, key: &str, node: &'a Node) -> Self {
        let field = if self.root { key.to_owned() } else { format!("{}.{key}", self.field) };
        Self { problems: self.problems, field, node, root: false }
    }

    /// The text that stands here.
    pub fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text),
            Value::Text(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                self.problem("a text that is not empty");
                None
            }
        }
    }

    /// The text that stands here, as a type that knows its own form.
    pub fn parse<T: FromStr<Err = Expected>>(&self) -> Option<T> {
        let text = match &self.node.value {
            Value::Text(text) | Value::Number(text) => text.as_str(),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => "",
        };
        text.parse().map_err(|expected: Expected| self.problem(expected.0)).ok()
    }

    /// A whole number within `range`.
    pub fn integer(&self, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let number = match &self.node.value {
            Value::Number(n) => n.parse().ok().filter(|n| range.contains(n)),
            Value::Text(_) | Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => None,
        };
        if number.is_none() {
            self.problem(format!("a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// The items of a list of at least one and at most `max`.
    pub fn list(&self, max: usize) -> Option<Vec<Self>> {
        match &self.node.value {
            Value::List(items) if (1..=max).contains(&items.len()) => Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(n, node)| Self {
                        problems: self.problems,
                        field: format!("{}[{n}]", self.field),
                        node,
                        root: false,
                    })
                    .collect(),
            ),
            Value::List(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Map(_) => {
                self.problem(format!("a list of 1 to {max} items"));
                None
            }
        }
    }

    /// Every item of a list read by `read`; `None` when the list or any of its items is wrong.
    pub fn list_of<T>(&self, max: usize, mut read: impl FnMut(Self) -> Option<T>) -> Option<Vec<T>> {
        let items: Vec<Option<T>> = self.list(max)?.into_iter().map(&mut read).collect();
        items.into_iter().collect()
    }

    /// The fields of a mapping, all of which must be in `known`.
    pub fn fields(&self, known: &'static [&'static str]) -> Option<Fields<'a>> {
        let fields = self.entries()?;
        for (key, cursor) in &fields.entries {
            if !known.contains(&key.as_str()) {
                cursor.problem(format!("no such field; the fields here are {}", known.join(", ")));
            }
        }
        Some(fields)
    }

    /// The fields of a mapping whose keys are free.
    pub fn entries(&self) -> Option<Fields<'a>> {
        match &self.node.value {
            Value::Map(entries) => {
                let mut seen: Vec<(String, Self)> = Vec::with_capacity(entries.len());
                for (key, node) in entries {
                    let cursor = self.below(key, node);
                    if seen.iter().any(|(k, _)| k == key) {
                        cursor.problem("each key once; remove one of the two");
                    } else {
                        seen.push((key.clone(), cursor));
                    }
                }
                Some(Fields { parent: self.clone(), entries: seen })
            }
            Value::List(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {
                self.problem("a mapping");
                None
            }
        }
    }
}

/// The fields of a mapping.
#[derive(Debug)]
pub struct Fields<'a> {
    parent: Cursor<'a>,
    /// Each key with its value, in the document's order.
    pub entries: Vec<(String, Cursor<'a>)>,
}

impl<'a> Fields<'a> {
    /// The field `key`, if it is there.
    pub fn optional(&self, key: &str) -> Option<Cursor<'a>> {
        self.entries.iter().find(|(k, _)| k == key).map(|(_, cursor)| cursor.clone())
    }

    /// The field `key`; a problem when it is not there.
    pub fn required(&self, key: &str) -> Option<Cursor<'a>> {
        let found = self.optional(key);
        if found.is_none() {
            let missing = self.parent.below(key, self.parent.node);
            missing.report(
                missing.field.clone(),
                self.parent.node.line,
                "nothing".to_owned(),
                "this field: it is required".to_owned(),
            );
        }
        found
    }

    /// The field `key` read by `read`, or `default` when the field is not there.
    pub fn or<T>(&self, key: &str, default: T, read: impl FnOnce(Cursor<'a>) -> Option<T>) -> Option<T> {
        match self.optional(key) {
            Some(cursor) => read(cursor),
            None => Some(default),
        }
    }
}

/// Reports every item whose key was seen before it; `what` names the thing that must be unique.
pub fn report_duplicates<'a, K: PartialEq>(what: &str, items: impl IntoIterator<Item = (K, Cursor<'a>)>) {
    let mut seen: Vec<K> = Vec::new();
    for (key, cursor) in items {
        if seen.contains(&key) {
            cursor.problem(format!("{what} that stands nowhere else in the plan"));
        } else {
            seen.push(key);
        }
    }
}
