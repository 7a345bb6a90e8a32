//! From a listener to connections, within the limits on both.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::Shared;
use super::connection::{self, Order};
use super::listen::Listener;
use super::route::Door;
use super::socket::Stream;
use crate::invoke::CallError;
use crate::reason::Reason;

/// The operators' door has room for its few visitors, however many clients the function has.
pub(super) const MOST_AT_ADMIN: usize = 128;
/// Clients that are told 503 at once; beyond those a connection is closed without a word.
const MOST_REFUSALS: usize = 64;
/// For reading a refusal.
const REFUSAL_TIME: Duration = Duration::from_millis(500);
/// Without descriptors nothing can be accepted; sooner than this nobody will have given one back.
const NO_DESCRIPTOR_PAUSE: Duration = Duration::from_millis(10);

/// Accepts until the order to finish; then the door is closed and who stood in it is served.
pub(super) async fn run(shared: Arc<Shared>, listener: Listener, door: Door) {
    let mut room = Room::new(&shared, door);
    let mut orders = shared.orders.subscribe();
    // The operators' door stays open to the end: somebody wants to see how the drain goes.
    let mut finished = Box::pin(async move {
        match door {
            Door::Main => drop(orders.wait_for(|order| *order != Order::Serve).await),
            Door::Admin => std::future::pending().await,
        }
    });
    loop {
        tokio::select! {
            () = &mut finished => break,
            accepted = listener.accept() => match accepted {
                Ok(stream) => room.take(&shared, stream),
                Err(error) => room.make_room(&shared, &listener, error).await,
            },
        }
    }
    for stream in listener.close().await {
        room.take(&shared, stream);
    }
}

struct Room {
    door: Door,
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    /// Given up for a moment where no other descriptor is left, so that a client can be told.
    spare: Option<File>,
}

impl Room {
    fn new(shared: &Shared, door: Door) -> Room {
        let places = match door {
            Door::Main => shared.connections.clone(),
            Door::Admin => Arc::new(Semaphore::new(MOST_AT_ADMIN)),
        };
        Room { door, places, refusals: Arc::new(Semaphore::new(MOST_REFUSALS)), spare: open_spare() }
    }

    fn take(&self, shared: &Arc<Shared>, stream: Stream) {
        match self.places.clone().try_acquire_owned() {
            Ok(place) => {
                let opened = (self.door == Door::Main).then(|| Opened::new(shared));
                crate::task::spawn(serve(shared.clone(), stream, self.door, place, opened));
            }
            Err(_) => self.refuse(shared, stream),
        }
    }

    fn refuse(&self, shared: &Shared, stream: Stream) {
        let error = CallError::new(Reason::Connections, "all connections (max_connections) are taken");
        shared.metrics.refused(error.reason);
        if let Ok(place) = self.refusals.clone().try_acquire_owned() {
            crate::task::spawn(async move {
                let _ = timeout(REFUSAL_TIME, say_no(stream, &error)).await;
                drop(place);
            });
        }
    }

    /// EMFILE and ENFILE leave the client in the queue: the spare descriptor lets it in to be told.
    async fn make_room(&mut self, shared: &Shared, listener: &Listener, error: io::Error) {
        if !matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) {
            crate::log::debug!(%error, "a client was not accepted");
            // It may have left, or the kernel has no memory: then asking again at once would only spin.
            sleep(NO_DESCRIPTOR_PAUSE).await;
            return;
        }
        if self.spare.take().is_some() {
            if let Ok(accepted) = timeout(NO_DESCRIPTOR_PAUSE, listener.accept()).await {
                let why = CallError::new(Reason::NoDescriptor, format!("no file descriptor to be had: {error}"));
                shared.metrics.refused(why.reason);
                // Within the pause: the descriptor is needed for the next one.
                let _ = timeout(NO_DESCRIPTOR_PAUSE, async { say_no(accepted?, &why).await }).await;
            }
        } else {
            sleep(NO_DESCRIPTOR_PAUSE).await;
        }
        self.spare = open_spare();
    }
}

fn open_spare() -> Option<File> {
    File::open("/dev/null").ok()
}

async fn serve(shared: Arc<Shared>, stream: Stream, door: Door, place: OwnedSemaphorePermit, opened: Option<Opened>) {
    connection::run(shared, stream, door).await;
    drop(opened);
    drop(place);
}

/// A connection that is open, from before its task runs: a drain must not miss it.
struct Opened(Arc<Shared>);

impl Opened {
    fn new(shared: &Arc<Shared>) -> Opened {
        shared.metrics.connection_opened();
        shared.open.send_modify(|open| open.connections += 1);
        Opened(shared.clone())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.metrics.connection_closed();
        self.0.open.send_modify(|open| open.connections -= 1);
    }
}

/// A 503 without a connection's machinery. The request is read off, so that closing does not reset the connection
/// before the answer is read.
async fn say_no(stream: Stream, error: &CallError) -> io::Result<()> {
    match stream {
        Stream::Tcp(mut tcp) => say_no_to(&mut tcp, error).await,
        Stream::Unix(mut unix) => say_no_to(&mut unix, error).await,
    }
}

async fn say_no_to(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), error: &CallError) -> io::Result<()> {
    let (line, reason) = (format!("{error}\n"), error.reason.word());
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\nx-heeler-reason: {reason}\r\n\
         retry-after: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{line}",
        line.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}
