//! The query protocol: parameters such as `Dimensions.member.1.Name=x` in, XML out.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::shape::Shape;

/// How deep parameters may be nested. AWS's own go five levels deep.
const DEPTH_MAX: usize = 16;

/// The tree that flat parameters stand for: a name that has only numbers below it is a list, and so is one that has only
/// such a name below it (`member`, or the item's own name). `None` for parameters that contradict each other.
pub fn unflatten(parameters: &[(String, String)]) -> Option<Value> {
    let mut root = Map::new();
    for (name, value) in parameters {
        let parts: Vec<&str> = name.split('.').collect();
        if parts.len() > DEPTH_MAX {
            return None;
        }
        insert(&mut root, &parts, value)?;
    }
    Some(root.into_iter().map(|(name, value)| (name, listed(value))).collect::<Map<_, _>>().into())
}

fn insert(into: &mut Map<String, Value>, parts: &[&str], value: &str) -> Option<()> {
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        return into.insert((*first).to_owned(), value.into()).is_none().then_some(());
    }
    let below = into.entry(*first).or_insert_with(|| Map::new().into());
    insert(below.as_object_mut()?, rest, value)
}

fn listed(value: Value) -> Value {
    let Value::Object(fields) = value else { return value };
    if let Some(items) = numbered(&fields) {
        return items;
    }
    let mut values = fields.values();
    // Only what has the numbers right below it is an item's name: a structure may have a list as its only field.
    if let (Some(Value::Object(below)), None) = (values.next(), values.next())
        && let Some(items) = numbered(below)
    {
        return items;
    }
    fields.into_iter().map(|(name, value)| (name, listed(value))).collect::<Map<_, _>>().into()
}

/// The items of a list, if there are only numbers here.
fn numbered(fields: &Map<String, Value>) -> Option<Value> {
    let mut numbers = fields.keys().map(|name| name.parse().ok()).collect::<Option<Vec<u32>>>()?;
    // As texts they stand in another order: 10 before 2.
    numbers.sort_unstable();
    let items = numbers.iter().filter_map(|n| fields.get(&n.to_string()).cloned()).map(listed);
    (!numbers.is_empty()).then(|| items.collect())
}

/// The answer to `operation` as XML.
pub fn answer(namespace: &str, operation: &str, result: &Shape, request_id: &str) -> String {
    let mut xml = String::new();
    write_all(&mut xml, format_args!("<{operation}Response xmlns=\"{namespace}\">"));
    element(&mut xml, &format!("{operation}Result"), result);
    write_all(
        &mut xml,
        format_args!("<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>", Escaped(request_id)),
    );
    write_all(&mut xml, format_args!("</{operation}Response>"));
    xml
}

/// A refusal as XML.
pub fn refusal(namespace: &str, status: u16, code: &str, message: &str, request_id: &str) -> String {
    let whose = if status < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{whose}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{}</RequestId></ErrorResponse>",
        Escaped(code),
        Escaped(message),
        Escaped(request_id)
    )
}

fn element(xml: &mut String, name: &str, shape: &Shape) {
    write_all(xml, format_args!("<{name}>"));
    match shape {
        Shape::Text(text) => write_all(xml, format_args!("{}", Escaped(text))),
        Shape::Integer(number) => write_all(xml, format_args!("{number}")),
        Shape::Number(number) => write_all(xml, format_args!("{number}")),
        Shape::Truth(truth) => write_all(xml, format_args!("{truth}")),
        Shape::Time(at) => write_all(xml, format_args!("{at}")),
        Shape::List(item, items) => items.iter().for_each(|i| element(xml, item, i)),
        Shape::Record(fields) => fields.iter().for_each(|(name, value)| element(xml, name, value)),
    }
    write_all(xml, format_args!("</{name}>"));
}

fn write_all(xml: &mut String, what: std::fmt::Arguments<'_>) {
    xml.write_fmt(what).expect("a String takes every text");
}

struct Escaped<'a>(&'a str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\r' => f.write_str("&#13;"),
            '\n' | '\t' => f.write_char(c),
            // XML 1.0 has no way to write these.
            c if c.is_control() => f.write_char('\u{fffd}'),
            c => f.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tree(parameters: &[(&str, &str)]) -> Option<Value> {
        let owned: Vec<_> = parameters.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        unflatten(&owned)
    }

    #[test]
    fn flat_parameters_stand_for_lists_and_structures() {
        let parameters = [
            ("Queries.member.2.Id", "b"),
            ("Queries.member.1.Id", "a"),
            ("Queries.member.10.Id", "j"),
            ("Queries.member.1.Stat.Dimensions.member.1.Name", "CanaryName"),
            ("Filters.Filter.1.Name", "x"),
            ("Flat.1", "y"),
            ("One.Two", "z"),
        ];
        let expected = json!({
            "Queries": [{"Id": "a", "Stat": {"Dimensions": [{"Name": "CanaryName"}]}}, {"Id": "b"}, {"Id": "j"}],
            "Filters": [{"Name": "x"}],
            "Flat": ["y"],
            "One": {"Two": "z"},
        });
        assert_eq!(tree(&parameters), Some(expected));
    }

    #[test]
    fn parameters_that_contradict_each_other_are_refused() {
        assert_eq!(tree(&[("A", "x"), ("A.B", "y")]), None);
        assert_eq!(tree(&[("A.B", "y"), ("A", "x")]), None);
        assert_eq!(tree(&[("A", "x"), ("A", "x")]), None);
        assert_eq!(tree(&[(&"A.".repeat(40), "x")]), None);
    }

    #[test]
    fn an_answer_is_xml_whatever_its_texts_are() {
        let result = Shape::record([
            ("Name", Some(Shape::Text("<a> & \"b\"\u{1}".to_owned()))),
            ("Missing", None),
            ("List", Shape::list("Item", [Shape::Integer(1), Shape::Truth(true)])),
            ("Empty", Shape::list("Item", [])),
        ]);
        assert_eq!(
            answer("urn:x", "Do", &result, "id"),
            "<DoResponse xmlns=\"urn:x\"><DoResult><Name>&lt;a&gt; &amp; &quot;b&quot;\u{fffd}</Name><List><Item>1</Item>\
             <Item>true</Item></List><Empty></Empty></DoResult><ResponseMetadata><RequestId>id</RequestId>\
             </ResponseMetadata></DoResponse>"
        );
    }
}
