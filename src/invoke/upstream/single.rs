//! One call on one connection, to whatever server: what `heeler invoke` sends, and results on their way to a sink.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::Frame;
use hyper::{HeaderMap, StatusCode};

use super::connect::connect;
use super::connection::Connection;
use super::decode::{BadBody, Decoder, Step};
use super::endpoint::Target;
use super::head::{self, BadHead};
use super::upload::{Upload, UploadError};
use crate::invoke::body::RequestBody;

/// Room that is read into at once.
const ROOM: usize = 64 * 1024;

/// Why there is no (whole) answer.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Lost(#[from] Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("cannot connect: {0}")]
    Unreachable(io::Error),
    #[error("the connection was closed")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("it {0}")]
    Head(#[from] BadHead),
    #[error("it {0}")]
    Body(#[from] BadBody),
}

impl Lost {
    pub(super) fn unreachable(error: io::Error) -> Lost {
        Lost(Cause::Unreachable(error))
    }
}

/// A call that is on its way.
pub struct Single {
    connection: Connection,
    /// `None` once all of the request is sent, or nobody reads it.
    upload: Option<Upload>,
    /// Why nobody reads it. There may be an answer all the same.
    write_error: Option<io::Error>,
    decoder: Decoder,
    to_head: bool,
    /// The last head says that the connection may serve another call.
    keep_alive: bool,
}

impl Single {
    /// Connects.
    pub async fn connect(target: &Target) -> io::Result<Single> {
        Ok(Single::on(Connection::new(connect(target).await?)))
    }

    /// On a connection that is there.
    pub(super) fn on(connection: Connection) -> Single {
        let decoder = Decoder::Done;
        Single { connection, upload: None, write_error: None, decoder, to_head: false, keep_alive: false }
    }

    /// The connection, if all was sent, the answer is all read, and both sides may go on.
    pub(super) fn into_kept(self) -> Option<Connection> {
        let over = self.upload.is_none() && self.write_error.is_none() && self.decoder == Decoder::Done;
        (over && self.keep_alive).then_some(self.connection)
    }

    /// Sets out to send a request: all bytes of its head, and its body. It goes on while the answer is read.
    /// `expects`: the body waits for the server's 100. `to_head`: no body follows the answer's head.
    pub fn send(&mut self, head: &[u8], body: Bytes, expects: bool, to_head: bool) {
        let body = RequestBody::held([body].into_iter().filter(|body| !body.is_empty()).collect());
        let stream = self.connection.stream.clone();
        self.upload = Some(Upload::new(stream, BytesMut::from(head), body, false, expects, false));
        self.to_head = to_head;
    }

    /// The next head; one of 1xx is followed by another.
    pub async fn head(&mut self) -> Result<(StatusCode, HeaderMap), Lost> {
        Ok(poll_fn(|cx| self.poll_head(cx)).await?)
    }

    /// The next piece of the body, or its trailers; `None` is its end.
    pub async fn frame(&mut self) -> Result<Option<Frame<Bytes>>, Lost> {
        Ok(poll_fn(|cx| self.poll_frame(cx)).await?)
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<(StatusCode, HeaderMap), Cause>> {
        self.poll_upload(cx);
        loop {
            if !self.connection.buffer.is_empty()
                && let Some(mut head) = head::take(&mut self.connection.buffer)?
            {
                self.decoder = Decoder::new(head.framing(self.to_head)?);
                self.keep_alive = head.keep_alive && !head.status.is_informational();
                if let (StatusCode::CONTINUE, Some(upload)) = (head.status, &mut self.upload) {
                    upload.go_on();
                }
                return Poll::Ready(Ok((head.status, head.headers)));
            }
            if ready!(self.poll_fill(cx))? == 0 {
                return Poll::Ready(Err(self.write_error.take().map_or(Cause::Closed, Cause::Broken)));
            }
        }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Cause>> {
        self.poll_upload(cx);
        loop {
            match self.decoder.next(&mut self.connection.buffer)? {
                Step::Data(data) => return Poll::Ready(Ok(Some(Frame::data(data)))),
                Step::Trailers(trailers) => return Poll::Ready(Ok(Some(Frame::trailers(trailers)))),
                Step::End => return Poll::Ready(Ok(None)),
                Step::More => {}
            }
            if ready!(self.poll_fill(cx))? == 0 {
                self.decoder.close()?;
                return Poll::Ready(Ok(None));
            }
        }
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Cause>> {
        self.connection.poll_fill(cx, ROOM).map_err(Cause::Broken)
    }

    /// Sends on. A server that does not read may still answer.
    fn poll_upload(&mut self, cx: &mut Context<'_>) {
        let Some(upload) = &mut self.upload else { return };
        match upload.poll(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(UploadError::Write(error))) => self.write_error = Some(error),
            Poll::Ready(Err(UploadError::Body(_))) => unreachable!("a body that is held has no sender to fail"),
        }
        self.upload = None;
    }
}
