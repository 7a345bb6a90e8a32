//! One HTTP/1 connection to the upstream, between its calls.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;

use super::stream::Stream;

/// A connection and what was read from it ahead of need.
#[derive(Debug)]
pub(super) struct Connection {
    /// Shared with an upload that goes on while the answer comes.
    pub(super) stream: Arc<Stream>,
    pub(super) buffer: BytesMut,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Connection {
        Connection { stream: Arc::new(stream), buffer: BytesMut::new() }
    }

    /// Reads more into the buffer, with `room` for it; 0 is the end.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        self.stream.poll_read(cx, &mut self.buffer, room)
    }
}
