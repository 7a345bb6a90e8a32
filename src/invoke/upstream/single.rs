//! One call on a connection of its own, to whatever server: what `heeler invoke` sends.

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
    #[error("the connection was closed")]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("it {0}")]
    Head(#[from] BadHead),
    #[error("it {0}")]
    Body(#[from] BadBody),
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
}

impl Single {
    /// Connects.
    pub async fn connect(target: &Target) -> io::Result<Single> {
        let connection = Connection::new(connect(target).await?);
        Ok(Single { connection, upload: None, write_error: None, decoder: Decoder::Done, to_head: false })
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
