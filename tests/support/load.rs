//! Callers that go on until heeler is gone, and what they lost by it.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::client::{Conn, Failure};
use super::heeler::Heeler;
use super::message::Request;
use super::{PATIENCE, within};

/// What the callers saw.
#[derive(Debug, Default)]
pub struct Tally {
    pub answered: AtomicUsize,
    pub lost: AtomicUsize,
    /// Calls on new connections that ended without an answer once the end had begun: whether heeler had accepted them, nobody
    /// can tell.
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

/// Begins the end while so many callers send this request, and returns when none of them finds anybody any more. Whatever
/// goes wrong, the end begins, and no caller goes on for ever.
#[track_caller]
pub fn under_load(
    address: SocketAddr,
    request: &Request,
    body: &[u8],
    callers: usize,
    tally: &Tally,
    begin_the_end: impl FnOnce(),
) {
    let over = OnceLock::new();
    let goal = tally.answered.load(Ordering::Relaxed) + callers * 2;
    let (on, left) = std::thread::scope(|scope| {
        let over = &over;
        let call = || scope.spawn(move || call_until(over, address, request, body, tally));
        let calling: Vec<_> = (0..callers).map(|_| call()).collect();
        let on = within(PATIENCE, || tally.answered.load(Ordering::Relaxed) >= goal);
        over.get_or_init(Instant::now);
        begin_the_end();
        (
            on,
            calling.into_iter().map(|caller| caller.join().expect("what it got is right")).filter(|gone| !gone).count(),
        )
    });
    assert!(on, "the load was not on within {PATIENCE:?}: {tally:?}");
    assert_eq!(left, 0, "callers that found somebody {PATIENCE:?} after the end had begun: {tally:?}");
}

/// Calls on one kept connection after the other until heeler is gone. A call counts as lost if it was written on a
/// connection that heeler had served before and had neither closed nor said it would close, and no whole answer came.
///
/// Says whether heeler was gone in time.
fn call_until(over: &OnceLock<Instant>, address: SocketAddr, request: &Request, body: &[u8], tally: &Tally) -> bool {
    let too_late = || over.get().is_some_and(|began| began.elapsed() > PATIENCE);
    // Once the end has begun, a connection that is not there at once is not to be: its SYN was dropped, and the kernel
    // tries again only after a second.
    let patience = || if over.get().is_some() { PATIENCE / 40 } else { PATIENCE };
    while let Ok(mut conn) = Conn::try_open_within(address, patience()) {
        conn.set_patience(PATIENCE);
        let mut served = false;
        let mut free_since = Instant::now();
        loop {
            if too_late() {
                return false;
            }
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
                Err(Failure::Nothing) if !served && over.get().is_some() || stalled => {
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
        if over.get().is_some() && !served {
            return true;
        }
    }
    true
}
