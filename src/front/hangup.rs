//! Who hung up while nobody was reading.
//!
//! hyper sees the client's end only when it reads, and it does not read while a handler is slow with the body. An
//! epoll of our own asks for nothing but the end (EPOLLRDHUP), so it is silent while data waits.

use std::collections::HashMap;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;

/// Ends heard in one round.
const ROUND: usize = 64;

/// All connections that are watched.
#[derive(Debug)]
pub(super) struct Hangups {
    epoll: Epoll,
    waiting: Mutex<HashMap<u64, Arc<Notify>>>,
    next: AtomicU64,
}

/// One connection's watch; dropping it ends the watch.
#[derive(Debug)]
pub(super) struct Hangup {
    hangups: Arc<Hangups>,
    key: u64,
    heard: Arc<Notify>,
}

impl Hangups {
    /// Starts the watch. Inside a runtime.
    pub(super) fn start() -> io::Result<Arc<Hangups>> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let watched: OwnedFd = epoll.0.try_clone()?;
        let hangups = Arc::new(Hangups { epoll, waiting: Mutex::default(), next: AtomicU64::new(0) });
        crate::task::spawn(hear(hangups.clone(), crate::fd::watch(watched)?));
        Ok(hangups)
    }

    /// Watches a socket; it must stay open as long as the watch.
    pub(super) fn watch(self: &Arc<Self>, socket: BorrowedFd<'_>) -> io::Result<Hangup> {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let heard = Arc::new(Notify::new());
        self.waiting().insert(key, heard.clone());
        let hangup = Hangup { hangups: self.clone(), key, heard };
        let once = EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLONESHOT;
        self.epoll.add(socket, EpollEvent::new(once, key))?;
        Ok(hangup)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Arc<Notify>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells one round of connections; whether there was any.
    fn tell(&self) -> bool {
        let mut events = [EpollEvent::empty(); ROUND];
        let count = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        let waiting = self.waiting();
        for heard in events[..count].iter().filter_map(|event| waiting.get(&event.data())) {
            heard.notify_one();
        }
        count > 0
    }
}

impl Hangup {
    /// Resolves when the client has closed its side.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }
}

impl Drop for Hangup {
    fn drop(&mut self) {
        self.hangups.waiting().remove(&self.key);
    }
}

async fn hear(hangups: Arc<Hangups>, epoll: AsyncFd<OwnedFd>) {
    while let Ok(mut ready) = epoll.readable().await {
        // Cleared first: an end that comes while these are told makes it ready again.
        ready.clear_ready();
        while hangups.tell() {}
    }
}
