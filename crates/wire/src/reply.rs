//! What is sent back.

use bytes::Bytes;
use http::StatusCode;

/// A reply, or none.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer.
    Answer {
        /// The status.
        status: StatusCode,
        /// The headers.
        headers: Vec<(&'static str, String)>,
        /// The body.
        body: Bytes,
    },
    /// The connection is closed without an answer, as by a place that is gone.
    Gone,
}

impl Reply {
    /// An answer with a body of `content_type`.
    pub fn new(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::Answer { status, headers: vec![("content-type", content_type.to_owned())], body: body.into() }
    }

    /// The same with another header; nothing is added to a connection that closes.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        match &mut self {
            Self::Answer { headers, .. } => headers.push((name, value.into())),
            Self::Gone => {}
        }
        self
    }
}
