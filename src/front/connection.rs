//! One connection, from its first byte to its close.

use std::future::poll_fn;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, server::conn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::Shared;
use super::aside::Aside;
use super::clock::{Clock, Expired, Limits};
use super::hangup::Hangup;
use super::route::Door;
use super::serve::Session;
use super::socket::{Protocol, Socket, Stream, has_unread};
use super::stall::Stalls;
use crate::reason::Reason;

/// A request's head and everything that hyper reads at once. What does not fit is 431.
const LARGEST_HEAD: u32 = 64 * 1024;
/// What a call over HTTP/2 may have sent that its handler has not read; and all calls of a connection together. Were
/// both the same, one handler that does not read would hold up every other call on the connection.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;
/// After our last byte the client may still be sending; closing at once would reset the connection and could take
/// the answer with it.
const LINGER: Duration = Duration::from_millis(500);
/// Where a timer rests that nothing needs yet.
const FAR: Duration = Duration::from_secs(3600);
/// For the last words to a slow client.
const LAST_WORDS: Duration = Duration::from_secs(1);

const SLOW_HEAD: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\n\
    x-heeler-reason: slow_request\r\nconnection: close\r\ncontent-length: 69\r\n\r\n\
    slow_request: the request's head did not come in time (read_timeout)\n";

/// What the front tells its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Serve on.
    Serve,
    /// The listener is closed: finish what is open.
    Finish,
    /// Connections that have become something else than HTTP have to end, too.
    Farewell,
    /// Time is up.
    Cut,
}

/// Why a watch over a connection ended before the connection did.
enum Stop {
    Expired(Expired),
    HungUp,
    Order(Order),
}

/// Serves a connection to its end.
pub(super) async fn run(shared: Arc<Shared>, stream: Stream, door: Door) {
    let limits = Limits {
        idle: shared.config.idle_timeout,
        head: shared.config.read_timeout,
        write: shared.config.write_timeout,
    };
    let clock = Arc::new(Clock::new(limits));
    let (remote, local_port) = (stream.peer(), stream.local_port());
    let mut watch = Watch::new(&shared, clock.clone(), &stream);
    let mut socket = Socket::new(stream, clock.clone());
    let Some(protocol) = sniff(&shared, &mut socket, &mut watch).await else { return };
    let interim = (protocol == Protocol::Http1).then(|| socket.interim());
    let limit = shared.config.write_timeout.filter(|_| protocol == Protocol::Http2);
    let stalls = limit.map(|limit| Arc::new(Stalls::new(limit)));
    let session = Session {
        shared,
        clock,
        door,
        remote,
        local_port,
        interim,
        stalls,
        tunnel: Mutex::default(),
        ends_with_connection: AtomicBool::new(false),
    };
    let session = Arc::new(session);
    match protocol {
        Protocol::Nothing => {}
        Protocol::Http1 => http1(session, socket, watch).await,
        Protocol::Http2 => http2(session, socket, watch).await,
    }
}

/// Which protocol it is; `None` if it is over already.
async fn sniff(shared: &Shared, socket: &mut Socket, watch: &mut Watch) -> Option<Protocol> {
    loop {
        let stopped = {
            let mut protocol = pin!(socket.protocol());
            watch.over(|cx| protocol.as_mut().poll(cx)).await
        };
        match stopped {
            Ok(protocol) => return protocol.ok(),
            Err(Stop::Expired(Expired::Head)) => {
                refuse_slow_head(shared, socket).await;
                return None;
            }
            Err(Stop::Expired(_) | Stop::Order(Order::Cut)) => return None,
            Err(Stop::HungUp | Stop::Order(_)) => {} // An end of the stream is read like any byte.
        }
    }
}

async fn http1(session: Arc<Session>, socket: Socket, mut watch: Watch) {
    let (shared, opened) = (session.shared.clone(), session.clone());
    let service = service_fn(move |request: Request<Incoming>| Box::pin(session.clone().serve(request)));
    let mut connection = conn::http1::Builder::new()
        .max_buf_size(LARGEST_HEAD as usize)
        // Of headers it takes a hundred, without being told: for a number, be it the same, it fills a table with each request.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(socket), service);
    let stopped = loop {
        match watch.over(|cx| connection.poll_without_shutdown(cx)).await {
            Err(Stop::Order(order)) if order != Order::Cut => {} // Answers now say `Connection: close`.
            Err(Stop::HungUp) if !watch.clock.busy() => {}       // hyper reads, and sees it by itself.
            stopped => break stopped,
        }
    };
    match stopped {
        Ok(Ok(())) => {
            let parts = connection.into_parts();
            match opened.tunnel() {
                None => linger(parts.io.into_inner()).await,
                // Boxed: most connections never become one, and all would hold its room.
                Some(tunnel) => Box::pin(tunnel.run(&shared, parts.io.into_inner(), parts.read_buf)).await,
            }
        }
        Ok(Err(error)) => {
            crate::log::debug!(%error, "connection ended");
            let socket = || connection.into_parts().io.into_inner();
            if error.is_parse() {
                linger(socket()).await;
            } else if error.is_user() && opened.ends_with_connection.load(Ordering::Relaxed) {
                socket().reset();
            }
        }
        Err(Stop::Expired(Expired::Head)) => {
            refuse_slow_head(&shared, &mut connection.into_parts().io.into_inner()).await
        }
        Err(_) => {} // Dropping the connection drops its call, and that ends the handler.
    }
}

async fn http2(session: Arc<Session>, socket: Socket, mut watch: Watch) {
    watch.clock.http2();
    watch.leave_ends_to_hyper();
    let service = service_fn(move |request: Request<Incoming>| session.clone().serve(request));
    let mut connection = pin!(
        conn::http2::Builder::new(crate::task::Executor)
            .max_header_list_size(LARGEST_HEAD)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .serve_connection(TokioIo::new(socket), service)
    );
    let mut farewell = false;
    loop {
        match watch.over(|cx| connection.as_mut().poll(cx)).await {
            Ok(_) | Err(Stop::Order(Order::Cut) | Stop::Expired(Expired::Write)) => return,
            Err(Stop::Expired(_)) if farewell => return,
            Err(Stop::Order(Order::Finish)) => connection.as_mut().graceful_shutdown(),
            Err(Stop::Expired(_)) => {
                // GOAWAY, and a moment for the client to hear it and for what it had sent before.
                connection.as_mut().graceful_shutdown();
                watch.clock.touch();
                watch.clock.drain();
                farewell = true;
            }
            Err(Stop::Order(Order::Serve | Order::Farewell) | Stop::HungUp) => {}
        }
    }
}

async fn refuse_slow_head(shared: &Shared, socket: &mut Socket) {
    shared.metrics.refused(Reason::SlowRequest);
    let words = async {
        socket.write_all(SLOW_HEAD).await?;
        socket.shutdown().await
    };
    // A client that does not read its 408 either has lost it.
    let _ = timeout(LAST_WORDS, words).await;
}

/// Says that nothing more comes, and reads off what the client still sends.
pub(super) async fn linger(mut socket: Socket) {
    // Not in an array: that would be a part of every connection from its beginning.
    let mut rest = vec![0; 4096];
    let _ = timeout(LINGER, async {
        socket.shutdown().await?;
        while socket.read(&mut rest).await? > 0 {}
        std::io::Result::Ok(())
    })
    .await;
}

/// The limits, orders and ends that a connection lives under.
struct Watch {
    clock: Arc<Clock>,
    orders: watch::Receiver<Order>,
    hangup: Option<Hangup>,
    /// The client has closed its side.
    gone: bool,
    fd: RawFd,
}

impl Watch {
    fn new(shared: &Shared, clock: Arc<Clock>, stream: &Stream) -> Watch {
        let mut orders = shared.orders.subscribe();
        orders.mark_changed(); // What was ordered before this connection came holds for it too.
        let hangup = shared.hangups.watch(stream.as_fd());
        let hangup = hangup.inspect_err(|error| crate::log::debug!(%error, "a hang-up will be seen late")).ok();
        Watch { clock, orders, hangup, gone: false, fd: stream.as_fd().as_raw_fd() }
    }

    /// HTTP/2 is always read on, so its end is seen without a watch. It would be told again and again while calls are
    /// ended and a client that does not read keeps the connection from its own end.
    fn leave_ends_to_hyper(&mut self) {
        self.hangup = None;
        self.gone = false;
    }

    /// Polls a connection until it is ready, or something else has to happen first. A hang-up is told once, and
    /// again when a call begins behind it.
    async fn over<T>(&mut self, mut connection: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Result<T, Stop> {
        let Watch { clock, orders, hangup, gone, fd } = self;
        let mut aside = Aside::new();
        let mut timer = pin!(sleep_until(Instant::now() + FAR));
        let mut heard = pin!(async {
            match hangup {
                Some(hangup) => hangup.heard().await,
                None => std::future::pending().await,
            }
        });
        let mut changed = Box::pin(orders.changed());
        let mut ended = pin!(clock.changed());
        let stopped = poll_fn(|cx| {
            if let Poll::Ready(done) = clock.polling(|| connection(cx)) {
                return Poll::Ready(Ok(done));
            }
            let rung = aside.has_rung(cx);
            if rung && changed.as_mut().poll(&mut aside.context()).is_ready() {
                return Poll::Ready(Err(Stop::Order(Order::Serve)));
            }
            let heard_now = rung && !*gone && heard.as_mut().poll(&mut aside.context()).is_ready();
            if heard_now || *gone && clock.busy() {
                *gone = true;
                return Poll::Ready(Err(Stop::HungUp));
            }
            if rung && ended.as_mut().poll(&mut aside.context()).is_ready() {
                ended.set(clock.changed());
                aside.ring();
                cx.waker().wake_by_ref();
            }
            let limit = poll_limits(clock, timer.as_mut(), rung, &mut aside.context());
            if limit == Poll::Ready(Expired::Idle) && has_unread(*fd) {
                // A request is there after all: hyper is polled again and will read it.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            limit.map(|expired| Err(Stop::Expired(expired)))
        })
        .await;
        drop(changed);
        let Err(Stop::Order(_)) = stopped else { return stopped };
        let order = *orders.borrow_and_update();
        if order != Order::Serve {
            clock.drain();
        }
        Err(Stop::Order(order))
    }
}

/// Ready when a limit is reached. The timer is moved only when it must ring earlier, or has rung too early.
fn poll_limits(
    clock: &Clock,
    mut timer: Pin<&mut tokio::time::Sleep>,
    rung: bool,
    cx: &mut Context<'_>,
) -> Poll<Expired> {
    while let Some((at, expired)) = clock.next() {
        let moves = at < timer.deadline() || timer.is_elapsed();
        if moves {
            timer.as_mut().reset(at);
        }
        if !moves && !rung || timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if at <= Instant::now() {
            return Poll::Ready(expired);
        }
    }
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_what_it_returns<A, B, C, F>(_: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    /// Ten thousand may be open, most of them idle: 1,000 idle ones once held 22 MB, 6 KiB of each for its end.
    #[test]
    fn an_open_connection_has_no_room_set_aside_for_its_end() {
        let bytes = size_of_what_it_returns(run);
        assert!(bytes <= 3072, "{bytes} bytes for each connection");
    }
}
