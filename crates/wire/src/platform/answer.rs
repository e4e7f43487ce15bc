//! AWS JSON 1.0, for the services of one operation or one structure each.

use http::StatusCode;
use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::reply::Reply;
use crate::request::Request;

/// The content type of AWS JSON 1.0.
const JSON_1_0: &str = "application/x-amz-json-1.0";

/// What `request` asks of the API that is called `target`, and its parameters.
///
/// # Errors
/// The body is not JSON.
pub fn asked<'a>(request: &'a Request, target: &str) -> Result<(&'a str, Value), Refusal> {
    let asked = request.header("x-amz-target").unwrap_or_default();
    let operation = asked.strip_prefix(target).and_then(|rest| rest.strip_prefix('.')).unwrap_or(asked);
    let body = serde_json::from_slice(&request.body);
    Ok((operation, body.map_err(|why| Refusal::new("SerializationException", why.to_string()))?))
}

/// An answer or a refusal; `shape` is the namespace of the API's structures.
pub fn json_1_0(answer: Result<Value, Refusal>, shape: &str) -> Reply {
    match answer {
        Ok(body) => Reply::new(StatusCode::OK, JSON_1_0, body.to_string()),
        Err(Refusal::Said { status, code, message, mut more }) => {
            more.insert("__type".to_owned(), json!(format!("{shape}#{code}")));
            more.insert("message".to_owned(), json!(message));
            Reply::new(status, JSON_1_0, Value::Object(more).to_string()).with("x-amzn-errortype", code)
        }
        Err(Refusal::Gone) => Reply::Gone,
    }
}
