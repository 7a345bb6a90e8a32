//! Calls over HTTP/2: whether the upstream speaks it, and the one connection that all such calls share.

use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::endpoint::Endpoint;
use super::forward;
use super::pass::Sent;
use super::upgraded::Raw;
use crate::invoke::body::RequestBody;
use crate::invoke::error::CallError;
use crate::reason::Reason;

/// What a client with prior knowledge says first (RFC 9113 §3.4): the preface and empty settings.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// A server that was too slow to say it is asked again after so long; until then it gets HTTP/1.
const HELLO_PAUSE: Duration = Duration::from_secs(10);
/// A server that speaks it answers at once with settings of its own.
const HELLO_TIME: Duration = Duration::from_secs(1);
/// For each stream; more is not in flight on a loopback, and it is what a slow caller can make heeler hold.
const STREAM_WINDOW: u32 = 512 * 1024;
/// The greatest there is (RFC 9113 §6.9.1): all calls share the connection, and whatever is held for callers that do not
/// read must leave room for the others. The windows of the streams are the bound.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// Heads as large as callers may send them.
const LARGEST_HEAD: u32 = 64 * 1024;

/// What is known of an upstream's HTTP/2.
#[derive(Debug, Default)]
pub(super) struct Http2 {
    /// Held while it is being found out, so that it is asked once.
    speaks: tokio::sync::Mutex<Spoken>,
    sender: Mutex<Option<SendRequest<Outgoing>>>,
}

/// Whether HTTP/2 is spoken.
#[derive(Debug, Default)]
enum Spoken {
    #[default]
    Unknown,
    Known(bool),
    /// It gave no answer in time, as a server may that is busy with its start. It is asked again.
    NotBefore(Instant),
}

/// A request's body for hyper.
pub(super) struct Outgoing {
    body: RequestBody,
    fault: Fault,
    sent: Arc<Sent>,
}

/// What was wrong with a body. hyper resets the stream for it and tells of the reset alone.
type Fault = Arc<Mutex<Option<CallError>>>;

impl Outgoing {
    pub(super) fn new(body: RequestBody, sent: Arc<Sent>) -> Outgoing {
        if body.is_end() {
            sent.note();
        }
        Outgoing { body, fault: Fault::default(), sent }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = CallError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CallError>>> {
        let Outgoing { body, fault, sent } = self.get_mut();
        let frame = ready!(body.poll_next(cx));
        if frame.is_none() || body.is_end() {
            sent.note();
        }
        if let Some(Err(error)) = &frame {
            *fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(CallError::new(error.reason, &*error.message));
        }
        Poll::Ready(frame.map(|frame| frame.map(forward::passing)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Http2 {
    /// Whether the upstream speaks it: asked once, by a greeting on a connection of its own.
    pub(super) async fn is_spoken(&self, endpoint: &Endpoint) -> bool {
        let mut speaks = self.speaks.lock().await;
        match *speaks {
            Spoken::Known(speaks) => return speaks,
            Spoken::NotBefore(time) if Instant::now() < time => return false,
            Spoken::Unknown | Spoken::NotBefore(_) => {}
        }
        *speaks = match timeout(HELLO_TIME, greet(endpoint)).await {
            Ok(Ok(speaks)) => Spoken::Known(speaks),
            Ok(Err(_)) => Spoken::Unknown,
            Err(_) => Spoken::NotBefore(Instant::now() + HELLO_PAUSE),
        };
        let speaks = matches!(*speaks, Spoken::Known(true));
        crate::log::debug!(speaks, "whether the upstream speaks HTTP/2");
        speaks
    }

    /// Sends a request over the shared connection; one that was never sent is sent over a new connection.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        mut request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, CallError> {
        let fault = request.body().fault.clone();
        let mut last_error = None;
        for _ in 0..2 {
            let sender = self.sender(endpoint).await;
            let mut sender = sender.map_err(|error| endpoint.unreachable(&error))?;
            let mut failed = match sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            if let Some(fault) = fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(fault); // The connection is as good as before.
            }
            self.forget();
            match failed.take_message() {
                Some(unsent) => request = unsent,
                None => return Err(call_error(&failed.into_error())),
            }
            last_error = Some(failed.into_error());
        }
        Err(last_error.as_ref().map_or_else(|| upstream("the request could not be sent"), call_error))
    }

    /// Connects if there is no connection yet; nothing is sent by that.
    pub(super) async fn connect(&self, endpoint: &Endpoint) -> io::Result<()> {
        self.sender(endpoint).await.map(drop)
    }

    async fn sender(&self, endpoint: &Endpoint) -> io::Result<SendRequest<Outgoing>> {
        if let Some(sender) = self.lock().as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        let io = TokioIo::new(Raw::new(endpoint.connect().await?, BytesMut::new()));
        let (sender, connection) = Builder::new(crate::task::Executor)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(LARGEST_HEAD)
            .handshake(io)
            .await
            .map_err(io::Error::other)?;
        crate::task::spawn(async move {
            if let Err(error) = connection.await {
                crate::log::debug!(%error, "the HTTP/2 connection to the upstream ended");
            }
        });
        *self.lock() = Some(sender.clone());
        Ok(sender)
    }

    fn forget(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<SendRequest<Outgoing>>> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first frame of a server is its settings (type 4); a server of HTTP/1 answers in text, or closes.
async fn greet(endpoint: &Endpoint) -> io::Result<bool> {
    let mut stream = Raw::new(endpoint.connect().await?, BytesMut::new());
    stream.write_all(HELLO).await?;
    let mut frame = [0; 9];
    match stream.read_exact(&mut frame).await {
        Ok(_) => Ok(frame[3] == 4 && frame[5..] == [0; 4]),
        Err(_) => Ok(false),
    }
}

fn call_error(error: &hyper::Error) -> CallError {
    upstream(&format!("the upstream gave no answer: {}", with_sources(error)))
}

fn with_sources(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn upstream(text: &str) -> CallError {
    CallError::new(Reason::Upstream, text)
}
