//! One worker as calls see it: its socket, the calls that are open on it, and whether it may have more.

use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use hyper::header::HeaderValue;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{Notify, watch};

use super::ask::Pongs;
use super::frame::{self, Kind};
use super::hear::{self, Hearing};
use super::insist::insist;
use super::lost::Lost;
use super::message::{self, Hello};
use super::numbered::{Numbered, Numbers};
use super::outbox::Outbox;
use super::seat::Seat;
use super::stream::{Cancel, Stream};
use crate::invoke::error::CallError;
use crate::log::HandlerLog;
use crate::reason::Reason;
use crate::task;

/// Body bytes that heeler takes on each call before it has passed any on.
pub(super) const WINDOW: u32 = 256 * 1024;

/// What a worker is told, and what heeler keeps of its settings.
#[derive(Clone)]
pub struct Greeting {
    /// Calls at once that the settings allow; 0 leaves it to the worker.
    pub concurrency: u32,
    /// For the language's runtime: names and values.
    pub settings: Vec<(String, String)>,
    /// After so many calls it wants to be replaced.
    pub max_requests: Option<u64>,
    /// From a cancel that is not heard to the worker's end.
    pub kill_grace: Duration,
    /// Its process, where it is known.
    pub pid: Option<i32>,
    /// Where lines of its calls go.
    pub log: HandlerLog,
    /// Told when a place at a worker becomes free.
    pub freed: Arc<Notify>,
}

/// A worker whose HELLO was heard.
#[derive(Debug)]
pub struct Worker {
    socket: UnixStream,
    state: Mutex<State>,
    outbox: Outbox,
    lost: watch::Sender<Option<Lost>>,
    /// Something that its keeper may wait for.
    changed: Notify,
    pongs: Pongs,
    freed: Arc<Notify>,
    concurrency: u32,
    window: u32,
    max_requests: u64,
    kill_grace: Duration,
    pid: Option<i32>,
}

#[derive(Debug, Default)]
struct State {
    streams: Numbered<Arc<Stream>>,
    numbers: Numbers,
    /// Places that are taken: open streams, and calls that are about to open one.
    taken: u32,
    /// Calls that are about to open a stream.
    seated: u32,
    /// Cancels that the worker has not acknowledged.
    owed: u32,
    /// Calls that nobody has waited for since longer than the grace, and that are not let go of.
    held: u32,
    served: u64,
    leaving: bool,
    /// It is to be told that no more calls come, or was.
    bye_due: bool,
    bye_said: bool,
    wants_replacement: bool,
    condemned: bool,
    /// Its keeper waits for the end of the last call.
    idle_awaited: bool,
}

impl Worker {
    /// Greets a worker on its socket, which does not block, and waits for its HELLO. Inside a runtime.
    pub async fn meet(mut socket: UnixStream, greeting: Greeting) -> Result<(Arc<Worker>, Hello), Lost> {
        let settings: Vec<_> = greeting.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // A pipe's end is a descriptor that epoll is asked to tell of bytes for, and of nothing else. For a socket of the
        // runtime's it would tell of room as well: each time that the worker reads.
        let from = socket.try_clone().map_err(broke)?;
        let mut from = Receiver::from_owned_fd_unchecked(from.into()).map_err(broke)?;
        // It fits into the empty socket. A worker that is gone already may have said why.
        let _ = socket.write_all(&message::hello(WINDOW, greeting.concurrency, &settings));
        let mut buffer = BytesMut::new();
        let hello = hear::hello(&mut from, &mut buffer).await?;
        let concurrency = match greeting.concurrency {
            0 => hello.concurrency,
            most => most.min(hello.concurrency),
        };
        let worker = Arc::new(Worker {
            socket,
            state: Mutex::default(),
            outbox: Outbox::default(),
            lost: watch::Sender::new(None),
            changed: Notify::new(),
            pongs: Pongs::new(&hello),
            freed: greeting.freed,
            concurrency,
            window: hello.window,
            max_requests: greeting.max_requests.unwrap_or(u64::MAX),
            kill_grace: greeting.kill_grace,
            pid: greeting.pid,
        });
        let sending = worker.clone();
        task::spawn(async move {
            // Where it breaks, whoever listens to it meets the same end.
            let _ = sending.outbox.empty(&sending.socket, || sending.over()).await;
        });
        let hearing = Hearing { worker: worker.clone(), log: greeting.log };
        task::spawn(async move {
            let lost = hearing.run(from, buffer).await;
            hearing.worker.lose(lost);
        });
        Ok((worker, hello))
    }

    /// Resolves when there is no talking to it any more; all its calls have failed by then.
    pub async fn over(&self) -> Lost {
        let mut lost = self.lost.subscribe();
        match lost.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(lost)) => lost.clone(),
            _ => Lost::Closed,
        }
    }

    /// Fails all its calls at once: its keeper knows that it is dead.
    pub fn fail(&self, how: &str) {
        self.lose(Lost::Ended(how.to_owned()));
    }

    /// Tells it that no more calls will come; and none will, but for those that have a place already: it hears of the
    /// end behind them.
    pub fn bye(&self) {
        let mut state = self.state();
        state.leaving = true;
        state.bye_due = true;
        self.say_bye(state);
    }

    fn say_bye(&self, mut state: MutexGuard<'_, State>) {
        if state.bye_due && !state.bye_said && state.seated == 0 {
            state.bye_said = true;
            drop(state);
            let mut out = BytesMut::new();
            frame::put(&mut out, Kind::Bye, false, 0, b"");
            self.send(out);
        }
    }

    /// Resolves when it should be replaced: it asked for it, has served its number of calls, or half of its places
    /// have been held for a while by calls that nobody waits for.
    pub async fn wants_replacement(&self) {
        self.until(|state| state.wants_replacement).await;
    }

    /// Resolves when it is to be killed: it does not let go of a call, and of no other either.
    pub async fn condemned(&self) {
        self.until(|state| state.condemned).await;
    }

    /// Resolves when no call is open.
    pub async fn idle(&self) {
        self.state().idle_awaited = true;
        self.until(|state| state.taken == 0).await;
    }

    /// Whether it has answered any call.
    pub fn served(&self) -> bool {
        self.state().served > 0
    }

    /// Calls that are open on it, for the choice among several; `None` if it takes no more now.
    pub(super) fn load(&self) -> Option<u32> {
        self.free(&self.state())
    }

    /// Takes a place, if there is one.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Seat> {
        let mut state = self.state();
        self.free(&state)?;
        state.taken += 1;
        state.seated += 1;
        drop(state);
        Some(Seat::at(self.clone()))
    }

    /// Opens a call with the frame that `begin` makes. From here on its place is held until the worker has said its last
    /// word; `None` if it never will.
    pub(super) fn open(
        &self,
        call_id: HeaderValue,
        begin: impl FnOnce(u32, &Stream) -> BytesMut,
    ) -> Option<(u32, Arc<Stream>)> {
        let stream = Arc::new(Stream::new(call_id, WINDOW, self.window));
        let number = {
            let mut state = self.state();
            if self.lost.borrow().is_some() {
                state.taken -= 1;
                state.seated -= 1;
                return None;
            }
            let State { streams, numbers, .. } = &mut *state;
            let number = numbers.next(|number| streams.contains_key(&number));
            streams.insert(number, stream.clone());
            number
        };
        self.send(begin(number, &stream));
        self.unseat(self.state());
        Some((number, stream))
    }

    /// A call has given its place back without having used it.
    pub(super) fn give_back(&self) {
        let mut state = self.state();
        state.taken -= 1;
        self.unseat(state);
        self.tell();
    }

    fn unseat(&self, mut state: MutexGuard<'_, State>) {
        state.seated -= 1;
        self.say_bye(state);
    }

    fn free(&self, state: &State) -> Option<u32> {
        let takes = !state.leaving && state.owed == 0 && state.taken < self.concurrency;
        takes.then_some(state.taken)
    }

    /// Its process, where it is known.
    pub(super) fn pid(&self) -> Option<i32> {
        self.pid
    }

    /// Calls at once that it takes.
    pub(super) fn concurrency(&self) -> u32 {
        self.concurrency
    }

    /// Sends what was put together.
    pub(super) fn send(&self, bytes: BytesMut) {
        self.outbox.send(&self.socket, bytes);
    }

    /// The call of a number. An unknown one may be a call that ended while the worker spoke; one that was never given
    /// is an error.
    pub(super) fn stream(&self, number: u32) -> Result<Option<Arc<Stream>>, Lost> {
        let state = self.state();
        match state.streams.get(&number) {
            Some(stream) => Ok(Some(stream.clone())),
            None if state.numbers.given(number) => Ok(None),
            None => Err(Lost::protocol(format!("a frame for call {number}, which there never was"))),
        }
    }

    /// The worker has said its last word on a call.
    pub(super) fn ended(&self, number: u32) {
        let mut state = self.state();
        let Some(stream) = state.streams.remove(&number) else { return };
        state.taken -= 1;
        state.served += 1;
        state.owed -= u32::from(stream.cancel() == Cancel::Told);
        state.held -= u32::from(stream.is_held());
        state.wants_replacement |= state.served >= self.max_requests;
        // For most ends its keeper would wake up for nothing.
        let matters = state.wants_replacement || state.taken == 0 && state.idle_awaited;
        drop(state);
        if matters {
            self.changed.notify_waiters();
        }
        self.freed.notify_one();
    }

    /// The worker has heard that nobody waits for a call, whose code runs on.
    pub(super) fn abandoned(&self, stream: &Stream) {
        let mut state = self.state();
        if stream.cancel() == Cancel::Told {
            stream.set_cancel(Cancel::Abandoned);
            state.owed -= 1;
        }
        drop(state);
        self.tell();
    }

    /// It wants no more calls.
    pub(super) fn said_bye(&self) {
        self.state().wants_replacement = true;
        self.tell();
    }

    /// Its answers to pings.
    pub(super) fn pongs(&self) -> &Pongs {
        &self.pongs
    }

    /// Whether a call that nobody waits for still has its place.
    pub(super) fn owes(&self, number: u32) -> bool {
        self.state().streams.get(&number).is_some_and(|stream| stream.cancel() != Cancel::No)
    }

    /// A call has had its grace, and is not let go of.
    pub(super) fn holds(&self, number: u32) {
        let mut state = self.state();
        let Some(stream) = state.streams.get(&number).cloned() else { return };
        stream.hold();
        state.held += 1;
        // One that has not even heard the cancel gets no calls, so it may as well go.
        state.wants_replacement |= state.held * 2 >= self.concurrency || stream.cancel() == Cancel::Told;
        drop(state);
        self.tell();
    }

    /// It is to be killed.
    pub(super) fn condemn(&self) {
        self.state().condemned = true;
        self.tell();
    }

    fn tell(&self) {
        self.changed.notify_waiters();
        self.freed.notify_one();
    }

    fn lose(&self, lost: Lost) {
        let streams = {
            let mut state = self.state();
            state.leaving = true;
            state.taken = state.taken.saturating_sub(u32::try_from(state.streams.len()).unwrap_or(u32::MAX));
            std::mem::take(&mut state.streams)
        };
        for stream in streams.into_values() {
            stream.fail(CallError::new(Reason::Worker, format!("{lost} before the call was answered")));
        }
        self.lost.send_if_modified(|known| {
            let news = known.is_none();
            if news {
                *known = Some(lost);
            }
            news
        });
        self.outbox.close();
        self.tell();
    }

    /// Nobody waits for a call any more.
    pub(super) fn give_up(self: &Arc<Self>, number: u32, why: u8) {
        {
            let mut state = self.state();
            let Some(stream) = state.streams.get(&number) else { return };
            stream.set_cancel(Cancel::Told);
            state.owed += 1;
        }
        let mut out = BytesMut::new();
        frame::put(&mut out, Kind::Cancel, false, number, &[why]);
        self.send(out);
        task::spawn(insist(Arc::downgrade(self), number, self.kill_grace));
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if holds(&self.state()) {
                return;
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn broke(error: io::Error) -> Lost {
    Lost::Broke(error.to_string())
}
