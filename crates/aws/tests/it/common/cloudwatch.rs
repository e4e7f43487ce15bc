//! CloudWatch as a script answers for it. It speaks CBOR.

use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::{Decoder, Encoder};
use aws_smithy_types::DateTime;
use lifeboat_model::Timestamp;
use lifeboat_model::evidence::Point;
use serde_json::{Map, Value};

use super::{Recorded, Reply};

/// The operation.
pub const GET: &str = "GetMetricData";
/// On the minute, so that what CloudWatch rounds is easy to see.
pub const SINCE: Timestamp = Timestamp::from_ms(1_800_000_000_000);

/// One result: the query's id or the label, the status and the points in seconds after [`SINCE`].
pub type Row<'a> = (&'a str, &'a str, &'a [(i64, f64)]);

/// A page of results, by query.
pub fn page(rows: &[Row<'_>], token: Option<&str>) -> Reply {
    let mut cbor = Encoder::new(Vec::new());
    cbor.map(if token.is_some() { 2 } else { 1 }).str("MetricDataResults").array(rows.len());
    for (id, status, points) in rows {
        cbor.map(4).str("Id").str(id);
        write_points(&mut cbor, status, points);
    }
    if let Some(token) = token {
        cbor.str("NextToken").str(token);
    }
    answer(200, cbor)
}

/// What a search found: results of one query, each with its label; and a message about them, if any.
pub fn found(rows: &[Row<'_>], message: Option<&str>) -> Reply {
    let mut cbor = Encoder::new(Vec::new());
    cbor.map(if message.is_some() { 2 } else { 1 }).str("MetricDataResults").array(rows.len());
    for (label, status, points) in rows {
        cbor.map(5).str("Id").str("q0").str("Label").str(label);
        write_points(&mut cbor, status, points);
    }
    if let Some(code) = message {
        cbor.str("Messages").array(1).map(2).str("Code").str(code).str("Value").str("too many");
    }
    answer(200, cbor)
}

fn write_points(cbor: &mut Encoder, status: &str, points: &[(i64, f64)]) {
    cbor.str("StatusCode").str(status).str("Timestamps").array(points.len());
    for (after_s, _) in points {
        cbor.timestamp(&DateTime::from_millis(SINCE.as_ms() + after_s * 1000));
    }
    cbor.str("Values").array(points.len());
    for (_, value) in points {
        cbor.double(*value);
    }
}

/// A refusal.
pub fn error(status: u16, code: &str, message: &str) -> Reply {
    let mut cbor = Encoder::new(Vec::new());
    cbor.map(2).str("__type").str(&format!("com.amazonaws.cloudwatch#{code}")).str("message").str(message);
    answer(status, cbor)
}

/// An answer.
pub fn answer(status: u16, cbor: Encoder) -> Reply {
    let headers = vec![("smithy-protocol", "rpc-v2-cbor".to_owned()), ("content-type", "application/cbor".to_owned())];
    Reply::Answer { status, headers, body: cbor.into_writer() }
}

/// What was sent.
pub fn asked(request: &Recorded) -> Value {
    as_json(&mut Decoder::new(&request.body))
}

fn as_json(cbor: &mut Decoder<'_>) -> Value {
    let ended = |cbor: &Decoder<'_>| cbor.datatype().expect("a type") == Type::Break;
    match cbor.datatype().expect("a type") {
        Type::Map | Type::MapIndef => {
            let mut map = Map::new();
            let length = cbor.map().expect("a map");
            while length.map_or_else(|| !ended(cbor), |length| (map.len() as u64) < length) {
                map.insert(cbor.string().expect("a key"), as_json(cbor));
            }
            if length.is_none() {
                cbor.skip().expect("an end");
            }
            map.into()
        }
        Type::Array | Type::ArrayIndef => {
            let mut list = Vec::new();
            let length = cbor.list().expect("a list");
            while length.map_or_else(|| !ended(cbor), |length| (list.len() as u64) < length) {
                list.push(as_json(cbor));
            }
            if length.is_none() {
                cbor.skip().expect("an end");
            }
            list.into()
        }
        Type::String | Type::StringIndef => cbor.string().expect("a text").into(),
        Type::Bool => cbor.boolean().expect("a bool").into(),
        Type::Tag => cbor.timestamp().expect("a time").to_millis().expect("milliseconds").into(),
        _ => cbor.long().expect("a number").into(),
    }
}

/// A point so long after [`SINCE`].
pub fn point(after_s: i64, value: f64) -> Point {
    Point { at: Timestamp::from_ms(SINCE.as_ms() + after_s * 1000), value }
}
