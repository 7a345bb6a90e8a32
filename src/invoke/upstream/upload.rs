//! A request on its way to the upstream: its head, then its body as it comes.

use std::future::poll_fn;
use std::io::{self, IoSlice, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::body::Frame;
use tokio::time::{Sleep, sleep};

use super::stream::Stream;
use crate::invoke::body::RequestBody;
use crate::invoke::error::CallError;

/// Pieces below this are copied behind the head: one write for both.
const SMALL: usize = 8 * 1024;
/// Servers that know nothing of `Expect` send no 100; then the body is sent all the same (RFC 9110 §10.1.1).
const LONGEST_EXPECTATION: Duration = Duration::from_secs(1);

/// Why a request did not get through.
#[derive(Debug)]
pub(super) enum UploadError {
    /// The caller's body is at fault.
    Body(CallError),
    /// The upstream does not read (any more).
    Write(io::Error),
}

/// A request that is being sent.
#[derive(Debug)]
pub(super) struct Upload {
    stream: Arc<Stream>,
    /// To be written: the head, sizes of chunks, small pieces.
    out: BytesMut,
    /// Behind it: a large piece.
    data: Bytes,
    /// Behind that: the end of a chunk.
    tail: &'static [u8],
    body: RequestBody,
    chunked: bool,
    /// The last byte is in `out`, `data` or `tail`.
    over: bool,
    before: Before,
}

/// What the first piece of the body waits for.
#[derive(Debug)]
enum Before {
    /// One look and another a turn later, so that a small body can go with the head: hyper may hand it over only then.
    FirstLook,
    SecondLook,
    /// The upstream's 100, for so long; the head goes first.
    Continue(Option<Pin<Box<Sleep>>>),
    Nothing,
}

impl Upload {
    /// `expects`: the head says `Expect: 100-continue`. `by_turns`: the body comes from HTTP/1.
    pub(super) fn new(
        stream: Arc<Stream>,
        head: BytesMut,
        body: RequestBody,
        chunked: bool,
        expects: bool,
        by_turns: bool,
    ) -> Upload {
        // A body without a byte needs its last chunk all the same.
        let over = body.is_end() && !chunked;
        let before = match (expects, by_turns) {
            (true, _) => Before::Continue(None),
            (false, true) => Before::FirstLook,
            (false, false) => Before::SecondLook,
        };
        Upload { stream, out: head, data: Bytes::new(), tail: b"", body, chunked, over, before }
    }

    /// The upstream wants the body.
    pub(super) fn go_on(&mut self) {
        if matches!(self.before, Before::Continue(_)) {
            self.before = Before::Nothing;
        }
    }

    /// The upload, unless the upstream has answered without asking for the body: then neither is the caller asked.
    pub(super) fn unless_unasked(mut self) -> Option<Upload> {
        if matches!(self.before, Before::Continue(_)) {
            self.body.leave_unread();
            return None;
        }
        Some(self)
    }

    /// Sends to the end.
    pub(super) async fn run(mut self) -> Result<(), UploadError> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Ready when everything is with the kernel.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), UploadError>> {
        if !self.over {
            ready!(self.poll_first(cx))?;
        }
        loop {
            ready!(self.poll_flush(cx)).map_err(UploadError::Write)?;
            if self.over {
                return Poll::Ready(Ok(()));
            }
            if let Before::Continue(timer) = &mut self.before {
                ready!(timer.get_or_insert_with(|| Box::pin(sleep(LONGEST_EXPECTATION))).as_mut().poll(cx));
                self.before = Before::Nothing;
            }
            ready!(self.poll_next(cx))?;
        }
    }

    /// A first piece of the body, to go with the head, if it is there soon enough.
    fn poll_first(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), UploadError>> {
        let last_look = match self.before {
            Before::FirstLook => false,
            Before::SecondLook => true,
            Before::Continue(_) | Before::Nothing => return Poll::Ready(Ok(())),
        };
        match self.poll_next(cx) {
            Poll::Pending if !last_look => {
                self.before = Before::SecondLook;
                // There is a next turn even where the caller sends nothing more before it has seen an answer.
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Pending => {
                self.before = Before::Nothing;
                Poll::Ready(Ok(()))
            }
            ready => {
                self.before = Before::Nothing;
                ready
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), UploadError>> {
        match ready!(self.body.poll_next(cx)) {
            None => self.end(None),
            Some(Err(error)) => return Poll::Ready(Err(UploadError::Body(error))),
            Some(Ok(frame)) => self.take(frame),
        }
        Poll::Ready(Ok(()))
    }

    fn take(&mut self, frame: Frame<Bytes>) {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => return self.end(frame.into_trailers().ok()),
        };
        if data.is_empty() {
            return; // An empty chunk would end the body.
        }
        if self.chunked {
            let _ = write!((&mut self.out).writer(), "{:x}\r\n", data.len());
            self.tail = b"\r\n";
        }
        if data.len() < SMALL {
            self.out.put_slice(&data);
            self.out.put_slice(std::mem::take(&mut self.tail));
        } else {
            self.data = data;
        }
        if !self.chunked && self.body.is_end() {
            self.over = true;
        }
    }

    fn end(&mut self, trailers: Option<HeaderMap>) {
        self.over = true;
        if self.chunked {
            self.out.put_slice(b"0\r\n");
            for (name, value) in trailers.iter().flatten() {
                for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                    self.out.put_slice(part);
                }
            }
            self.out.put_slice(b"\r\n");
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.out.has_remaining() || self.data.has_remaining() || !self.tail.is_empty() {
            let pieces = [&self.out[..], &self.data[..], self.tail].map(IoSlice::new);
            let mut written = ready!(self.stream.poll_write(cx, &pieces))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            for part in [&mut self.out as &mut dyn Buf, &mut self.data, &mut self.tail] {
                let done = written.min(part.remaining());
                part.advance(done);
                written -= done;
            }
        }
        Poll::Ready(Ok(()))
    }
}
