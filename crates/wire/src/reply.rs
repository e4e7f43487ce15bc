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
    /// The beginning of such an answer: the connection closes in the middle of its body, or before an answer without one.
    Truncated {
        /// The status.
        status: StatusCode,
        /// The headers.
        headers: Vec<(&'static str, String)>,
        /// The whole body.
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
            Self::Answer { headers, .. } | Self::Truncated { headers, .. } => headers.push((name, value.into())),
            Self::Gone => {}
        }
        self
    }

    /// The same, but the connection closes before its end.
    #[must_use]
    pub fn truncated(self) -> Self {
        match self {
            Self::Answer { status, headers, body } => Self::Truncated { status, headers, body },
            truncated @ Self::Truncated { .. } => truncated,
            Self::Gone => Self::Gone,
        }
    }
}
