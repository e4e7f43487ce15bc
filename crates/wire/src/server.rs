//! The HTTP server: one thread, loopback only.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

use crate::face::Face;
use crate::reply::Reply;
use crate::request::Request;

/// The largest body that is read: that of Lambda's synchronous invocations, and more than a report has.
const BODY_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Why the server did not start.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address is taken, or not to be had.
    #[error("failed to listen on {address}: {reason}; give another port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        reason: std::io::Error,
    },
}

/// Listens on `port`, or on any that is free when it is 0, of `host`.
///
/// # Errors
/// The port is taken.
pub async fn listen(host: Ipv4Addr, port: u16) -> Result<TcpListener, ServeError> {
    let address = SocketAddr::new(IpAddr::V4(host), port);
    TcpListener::bind(address).await.map_err(|reason| ServeError::Listen { address, reason })
}

/// Serves `face` for ever. Has to run inside a `tokio::task::LocalSet`.
pub async fn serve(listener: TcpListener, face: Rc<Face>) {
    loop {
        // A connection that could not be accepted is the caller's to open again.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let face = Rc::clone(&face);
        tokio::task::spawn_local(connection(stream, face));
    }
}

/// Serves one connection until either side closes it.
async fn connection(stream: TcpStream, face: Rc<Face>) {
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let face = Rc::clone(&face);
        async move {
            let request = read(request).await.map_err(|_| Closed)?;
            // On its own: a caller that stops waiting does not call back what it asked for.
            let reply = tokio::task::spawn_local(async move { face.serve(request).await });
            match reply.await.map_err(|_| Closed)? {
                Reply::Answer { status, headers, body } => response(status, headers, Sent::Whole(Full::new(body))),
                Reply::Truncated { body, .. } if body.is_empty() => Err(Closed),
                Reply::Truncated { status, headers, body } => response(status, headers, Sent::half(&body)),
                Reply::Gone => Err(Closed),
            }
        }
    });
    // It ends in an error whenever a caller goes away, or a reply is `Gone`: that is the caller's to notice.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

fn response(
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: Sent,
) -> Result<hyper::Response<Sent>, Closed> {
    let mut response = hyper::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(body).map_err(|_| Closed)
}

/// A body: whole, or one that breaks off.
enum Sent {
    /// All of it.
    Whole(Full<Bytes>),
    /// As much of so many bytes as is left to send, before the connection closes.
    Half { left: Option<Bytes>, promised: u64, flushed: bool },
}

impl Sent {
    fn half(body: &Bytes) -> Self {
        let promised = u64::try_from(body.len()).unwrap_or(u64::MAX);
        Self::Half { left: Some(body.slice(..body.len() / 2)), promised, flushed: false }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        match &mut *self {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(Closed::from),
            Self::Half { left, .. } if left.is_some() => Poll::Ready(left.take().map(|bytes| Ok(Frame::data(bytes)))),
            // What was sent goes out first.
            Self::Half { flushed, .. } if !*flushed => {
                *flushed = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Half { .. } => Poll::Ready(Some(Err(Closed))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Half { promised, .. } => SizeHint::with_exact(*promised),
        }
    }
}

/// The connection is closed.
#[derive(Debug, Error)]
#[error("the connection is closed")]
struct Closed;

impl From<Infallible> for Closed {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request, Closed> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map_err(|_| Closed)?.to_bytes();
    Ok(Request::of(head, body))
}
