//! RPC v2 CBOR: what CloudWatch speaks to SDKs of this age.

use ciborium::Value as Cbor;
use serde_json::{Map, Value};

use crate::shape::Shape;

/// The tag of a time: seconds since 1970.
const TIME: u64 = 1;

/// Reads a request's body; times become seconds. `None` for what is no CBOR, or not of a kind that parameters are.
pub fn read(body: &[u8]) -> Option<Value> {
    if body.is_empty() {
        return Some(Map::new().into());
    }
    as_json(ciborium::from_reader(body).ok()?)
}

fn as_json(cbor: Cbor) -> Option<Value> {
    Some(match cbor {
        Cbor::Text(text) => text.into(),
        Cbor::Bool(truth) => truth.into(),
        Cbor::Null => Value::Null,
        Cbor::Integer(number) => i64::try_from(number).ok()?.into(),
        Cbor::Float(number) => number.into(),
        Cbor::Tag(TIME, seconds) => as_json(*seconds).filter(Value::is_number)?,
        Cbor::Array(items) => items.into_iter().map(as_json).collect::<Option<Vec<_>>>()?.into(),
        Cbor::Map(fields) => {
            let field = |(name, value): (Cbor, Cbor)| Some((name.into_text().ok()?, as_json(value)?));
            fields.into_iter().map(field).collect::<Option<Map<_, _>>>()?.into()
        }
        _ => return None,
    })
}

/// Writes an answer.
pub fn write(shape: &Shape) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&as_cbor(shape), &mut bytes).expect("a vector takes every byte");
    bytes
}

fn as_cbor(shape: &Shape) -> Cbor {
    match shape {
        Shape::Text(text) => Cbor::Text(text.clone()),
        Shape::Integer(number) => Cbor::Integer((*number).into()),
        Shape::Number(number) => Cbor::Float(*number),
        Shape::Truth(truth) => Cbor::Bool(*truth),
        Shape::Time(at) => Cbor::Tag(TIME, Box::new(Cbor::Float(at.as_ms() as f64 / 1000.0))),
        Shape::List(_, items) => Cbor::Array(items.iter().map(as_cbor).collect()),
        Shape::Record(fields) => {
            Cbor::Map(fields.iter().map(|(name, value)| (Cbor::Text((*name).to_owned()), as_cbor(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use lifeboat_model::Timestamp;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_can_be_read_and_times_are_seconds() {
        let shape = Shape::record([
            ("Text", Some(Shape::Text("x".to_owned()))),
            ("List", Shape::list("member", [Shape::Integer(1), Shape::Number(0.5)])),
            ("At", Some(Shape::Time(Timestamp::from_ms(1_500)))),
        ]);
        assert_eq!(read(&write(&shape)), Some(json!({"Text": "x", "List": [1, 0.5], "At": 1.5})));
        assert_eq!(read(&[]), Some(json!({})));
        for bad in [&[0xff][..], &[0x61], &[0xa1, 0x01, 0x01], &[0xc1, 0x61, b'x']] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
