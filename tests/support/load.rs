//! Callers that go on until heeler is gone, and what they lost by it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::client::{Conn, Failure};
use super::heeler::Heeler;
use super::message::Request;
use super::{PATIENCE, eventually};

/// What the callers saw.
#[derive(Debug, Default)]
pub struct Tally {
    pub answered: AtomicUsize,
    pub lost: AtomicUsize,
    /// Calls on new connections that ended without an answer: whether heeler had accepted them, nobody can tell.
    pub unheard: AtomicUsize,
}

/// Sends TERM while so many callers send this request, whose answer has this body; then waits for the end, a clean one.
/// How long that took.
#[track_caller]
pub fn term_under_load(mut heeler: Heeler, request: &Request, body: &[u8], callers: usize, tally: &Tally) -> Duration {
    let mut began = Instant::now();
    under_load(heeler.address(), request, body, callers, tally, || {
        began = Instant::now();
        heeler.signal(Signal::SIGTERM);
    });
    assert_eq!(heeler.exit_code(), 0);
    began.elapsed()
}

/// Begins the end while so many callers send this request, and returns when none of them finds anybody any more.
#[track_caller]
pub fn under_load(
    address: SocketAddr,
    request: &Request,
    body: &[u8],
    callers: usize,
    tally: &Tally,
    begin_the_end: impl FnOnce(),
) {
    let over = AtomicBool::new(false);
    let goal = tally.answered.load(Ordering::Relaxed) + callers * 2;
    std::thread::scope(|scope| {
        let over = &over;
        (0..callers).for_each(|_| drop(scope.spawn(move || call_until(over, address, request, body, tally))));
        eventually("the load is on", || tally.answered.load(Ordering::Relaxed) >= goal);
        over.store(true, Ordering::Relaxed);
        begin_the_end();
    });
}

/// Calls on one kept connection after the other until heeler is gone. A call counts as lost if it was written on a
/// connection that heeler had served before and had neither closed nor said it would close, and no whole answer came.
fn call_until(over: &AtomicBool, address: SocketAddr, request: &Request, body: &[u8], tally: &Tally) {
    // Once the end has begun, a connection that is not there at once is not to be: its SYN was dropped, and the kernel
    // tries again only after a second.
    let patience = || if over.load(Ordering::Relaxed) { PATIENCE / 40 } else { PATIENCE };
    while let Ok(mut conn) = Conn::try_open_within(address, patience()) {
        conn.set_patience(PATIENCE);
        let mut served = false;
        let mut free_since = Instant::now();
        loop {
            // An answer may have waited for the caller for so long that heeler has closed an idle connection, as it should.
            let closed = conn.is_closed();
            conn.send(&request.bytes());
            let stalled = closed || free_since.elapsed() > Duration::from_millis(200);
            match conn.read_response(&request.method) {
                Ok(answer) => {
                    assert_eq!((answer.status, answer.body.as_slice()), (200, body), "{}", answer.text());
                    tally.answered.fetch_add(1, Ordering::Relaxed);
                    served = true;
                    free_since = Instant::now();
                    if answer.closes() {
                        break;
                    }
                }
                Err(Failure::Nothing) if !served || stalled => {
                    tally.unheard.fetch_add(usize::from(!served), Ordering::Relaxed);
                    break;
                }
                Err(failure) => {
                    eprintln!("lost: {failure:?}");
                    tally.lost.fetch_add(1, Ordering::Relaxed);
                    break;
                }
            }
        }
        if over.load(Ordering::Relaxed) && !served {
            return;
        }
    }
}
