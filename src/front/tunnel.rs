//! What a connection becomes behind an answer of 101: bytes both ways, until both sides have said all.

use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::header::HeaderValue;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::watch;
use tokio::time::timeout;

use super::Shared;
use super::answer::Record;
use super::connection::{self, Order};
use super::frames::Frames;
use super::socket::Socket;
use crate::invoke::{Deadline, Raw, Upgraded};
use crate::reason::Reason;

/// For the last words, and for the frame in whose middle they may not be said.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);
/// Room that is read into at once.
const ROOM: usize = 8 * 1024;
/// "Going away" (RFC 6455 §7.4.1). Servers do not mask.
const CLOSE: [u8; 4] = [0x88, 0x02, 0x03, 0xe9];
/// The same as clients have to say it: masked, by zeros.
const CLOSE_MASKED: [u8; 8] = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9];

/// A connection's next life.
pub(super) struct Tunnel {
    upgraded: Upgraded,
    record: Box<Record>,
    /// It carries frames between which something can be said.
    is_websocket: bool,
}

impl Tunnel {
    /// `protocol`: what the upstream changes to.
    pub(super) fn new(upgraded: Upgraded, record: Box<Record>, protocol: Option<&HeaderValue>) -> Tunnel {
        let is_websocket = protocol.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"));
        Tunnel { upgraded, record, is_websocket }
    }

    /// Carries bytes to the end. `ahead`: what the client sent behind its request.
    pub(super) async fn run(self, shared: &Shared, mut client: Socket, ahead: Bytes) {
        let Tunnel { upgraded: Upgraded { io: mut upstream, deadline, place }, mut record, is_websocket } = self;
        let _open = Opened::new(shared);
        let (ask, asked) = watch::channel(false);
        let stop = Stop { asked, frames: is_websocket.then(Frames::default), stall: shared.config.write_timeout };
        let why = {
            let mut carried = pin!(carry(&mut client, &mut upstream, ahead, &stop, &mut record.bytes));
            tokio::select! {
                biased;
                ended = &mut carried => ended.err(),
                why = reason_to_stop(shared, deadline) => {
                    ask.send_replace(true);
                    let _ = timeout(FAREWELL, carried).await;
                    Some(why)
                }
            }
        };
        record.reason = why;
        record.whole = true;
        drop((record, upstream, place));
        connection::linger(client).await;
    }
}

/// What ends a session that its sides would go on with.
async fn reason_to_stop(shared: &Shared, deadline: Deadline) -> Reason {
    let mut orders = shared.orders.subscribe();
    let ordered = orders.wait_for(|order| matches!(order, Order::Farewell | Order::Cut));
    tokio::select! {
        () = deadline.passed() => Reason::Timeout,
        _ = ordered => Reason::Draining,
    }
}

/// How both directions are brought to their end.
struct Stop {
    asked: watch::Receiver<bool>,
    /// Where frames end, if there are any.
    frames: Option<Frames>,
    /// How long a write may stall.
    stall: Option<Duration>,
}

/// An error is told by the side that failed.
async fn carry(
    client: &mut Socket,
    upstream: &mut Raw,
    ahead: Bytes,
    stop: &Stop,
    bytes: &mut u64,
) -> Result<(), Reason> {
    let (from_client, to_client) = split(client);
    let (from_upstream, to_upstream) = split(upstream);
    let (client, upstream) = (Reason::ClientGone, Reason::Upstream);
    let from_client = Side { io: ahead.chain(from_client), fault: client };
    let mut up = pin!(pump(from_client, Side { io: to_upstream, fault: upstream }, stop, &CLOSE_MASKED, None));
    let from_upstream = Side { io: from_upstream, fault: upstream };
    let mut down = pin!(pump(from_upstream, Side { io: to_client, fault: client }, stop, &CLOSE, Some(bytes)));
    tokio::select! {
        // A client that has said all may still be told much.
        said = &mut up => { said?; down.await }
        // When the upstream has, it is over: the client is only waited for so that its last words are read.
        told = &mut down => { told?; timeout(FAREWELL, up).await.unwrap_or(Ok(())) }
    }
}

/// One end of a direction, and what it means if that end fails.
struct Side<T> {
    io: T,
    fault: Reason,
}

/// One direction, up to its sender's end or heeler's own.
async fn pump(
    mut from: Side<impl AsyncRead + Unpin>,
    mut to: Side<impl AsyncWrite + Unpin>,
    stop: &Stop,
    goodbye: &[u8],
    mut count: Option<&mut u64>,
) -> Result<(), Reason> {
    let (mut asked, mut frames) = (stop.asked.clone(), stop.frames);
    let mut buffer = BytesMut::with_capacity(ROOM);
    loop {
        let is_asked = *asked.borrow();
        if is_asked && frames.is_none_or(|frames| frames.at_boundary()) {
            let words = if frames.is_some() { goodbye } else { b"" };
            to.write(words, stop.stall).await?;
            break;
        }
        buffer.clear();
        buffer.reserve(ROOM);
        let read = tokio::select! {
            biased;
            _ = asked.changed(), if !is_asked => continue,
            read = from.io.read_buf(&mut buffer) => read.map_err(|_| from.fault)?,
        };
        if read == 0 {
            break;
        }
        if let Some(frames) = &mut frames {
            frames.pass(&buffer);
        }
        to.write(&buffer, stop.stall).await?;
        if let Some(count) = &mut count {
            **count += read as u64;
        }
    }
    to.io.shutdown().await.map_err(|_| to.fault)
}

impl<T: AsyncWrite + Unpin> Side<T> {
    async fn write(&mut self, mut left: &[u8], stall: Option<Duration>) -> Result<(), Reason> {
        while !left.is_empty() {
            let written = match stall {
                Some(limit) => timeout(limit, self.io.write(left)).await.map_err(|_| self.fault)?,
                None => self.io.write(left).await,
            };
            left = &left[written.map_err(|_| self.fault)?..];
        }
        Ok(())
    }
}

/// A session that is counted.
struct Opened<'a>(&'a Shared);

impl Opened<'_> {
    fn new(shared: &Shared) -> Opened<'_> {
        shared.open.send_modify(|open| open.tunnels += 1);
        Opened(shared)
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.0.open.send_modify(|open| open.tunnels -= 1);
    }
}
