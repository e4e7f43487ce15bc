//! YAML as a tree of nodes with their lines: what [`lifeboat_model::read`] reads.
//!
//! Guarantees: nothing is dropped or joined on the way: a key that stands twice is there twice, a number is as it was
//! written. What plans do not use (aliases, a second document, deep nesting) is an error with its line, never a guess.

use lifeboat_model::read::{Node, Value};
use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScanError, Span};

/// A plan is five levels deep; more than this is no plan.
const DEPTH_MAX: usize = 32;

/// Where reading stopped, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YamlError {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

/// The one document in `text`; nothing when it is empty.
pub(crate) fn read(text: &str) -> Result<Node, YamlError> {
    let mut parser = Parser::new_from_str(text);
    let mut tree = Tree::default();
    while let Some(next) = parser.next_event() {
        let (event, span) =
            next.map_err(|e: ScanError| YamlError { line: e.marker().line(), reason: e.info().to_owned() })?;
        let line = span.start.line();
        tree.take(event, &span).map_err(|reason| YamlError { line, reason: reason.to_owned() })?;
    }
    Ok(tree.root.unwrap_or(Node { line: Some(1), value: Value::Null }))
}

/// A list or mapping that is still open.
enum Open {
    List { line: Option<u32>, items: Vec<Node> },
    Map { line: Option<u32>, entries: Vec<(String, Node)>, key: Option<Node> },
}

#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    root: Option<Node>,
}

impl Tree {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), &'static str> {
        let line = u32::try_from(span.start.line()).ok();
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err("one document expected, a second one begins here"),
            Event::Alias(_) => Err("an alias stands here; write the value itself"),
            Event::SequenceStart(..) => self.descend(Open::List { line, items: Vec::new() }),
            Event::MappingStart(..) => self.descend(Open::Map { line, entries: Vec::new(), key: None }),
            Event::Scalar(text, style, _, tag) => {
                let written = text.to_string();
                let value = match Scalar::parse_from_cow_and_metadata(text, style, tag.as_ref()) {
                    Some(Scalar::Null) => Value::Null,
                    Some(Scalar::Boolean(b)) => Value::Bool(b),
                    Some(Scalar::Integer(_) | Scalar::FloatingPoint(_)) => Value::Number(written),
                    Some(Scalar::String(text)) => Value::Text(text.to_string()),
                    None => return Err("the value does not fit its tag"),
                };
                self.add(Node { line, value });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => {
                match self.open.pop() {
                    Some(Open::List { line, items }) => self.add(Node { line, value: Value::List(items) }),
                    Some(Open::Map { line, entries, .. }) => self.add(Node { line, value: Value::Map(entries) }),
                    None => {}
                }
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn descend(&mut self, open: Open) -> Result<(), &'static str> {
        self.open.push(open);
        if self.open.len() > DEPTH_MAX { Err("nested deeper than any plan") } else { Ok(()) }
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                None => *key = Some(node),
                // A value is placed on the line of its key, where a person looks.
                Some(key) => entries.push((name(&key.value), Node { line: key.line, value: node.value })),
            },
        }
    }
}

fn name(key: &Value) -> String {
    match key {
        Value::Text(text) | Value::Number(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => key.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_lines_and_their_spelling() {
        let node = read("a: 007\nb:\n  - x\n  - ~\na: true\n").expect("YAML");
        let Value::Map(entries) = node.value else { panic!("{node:?}") };
        let lines: Vec<(&str, Option<u32>)> = entries.iter().map(|(k, n)| (k.as_str(), n.line)).collect();
        assert_eq!(lines, [("a", Some(1)), ("b", Some(2)), ("a", Some(5))]);
        let values: Vec<&Value> = entries.iter().map(|(_, n)| &n.value).collect();
        assert_eq!(values.first(), Some(&&Value::Number("007".to_owned())));
        let item = |line, value| Node { line: Some(line), value };
        let list = Value::List(vec![item(3, Value::Text("x".to_owned())), item(4, Value::Null)]);
        assert_eq!(values.get(1), Some(&&list));
    }

    #[test]
    fn nesting_without_end_is_an_error() {
        let deep = "[".repeat(100_000);
        assert_eq!(read(&deep).map_err(|e| e.line), Err(1));
    }
}
