//! What heeler was started with and changes for itself, so that every child gets it back:
//! the signal mask, the dispositions of SIGPIPE and SIGCHLD, the limit on descriptors.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::sys::{self, FAULTS, SignalSet};

/// The state to give back to a child.
#[derive(Clone, Copy)]
pub struct Inherited {
    /// Signals that were blocked.
    pub(super) mask: SignalSet,
    /// `SIG_DFL` or `SIG_IGN`.
    pub(super) sigpipe: libc::sighandler_t,
    /// `SIG_DFL` or `SIG_IGN`.
    pub(super) sigchld: libc::sighandler_t,
    /// Soft and hard limit on descriptors.
    pub(super) nofile: libc::rlimit,
}

/// Rust's runtime sets SIGPIPE to ignored before `main`, and with its handlers musl unblocks 33 and 34, whoever had
/// blocked them (musl's sigaction.c); what stood there before is caught earlier still, by the loader's list of
/// initialisers.
static SIGPIPE_AT_START: AtomicUsize = AtomicUsize::new(libc::SIG_DFL);
static MASK_AT_START: AtomicU64 = AtomicU64::new(0);

#[used]
// SAFETY: .init_array holds pointers to functions of this type, called once before main with no other thread about.
#[unsafe(link_section = ".init_array")]
static REMEMBER_START: extern "C" fn() = remember_start;

extern "C" fn remember_start() {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: asks only (no new action), into a zeroed value of ours.
    let handler = unsafe {
        libc::sigaction(libc::SIGPIPE, std::ptr::null(), action.as_mut_ptr());
        action.assume_init().sa_sigaction
    };
    SIGPIPE_AT_START.store(handler, Ordering::Relaxed);
    MASK_AT_START.store(sys::change_mask(libc::SIG_BLOCK, 0), Ordering::Relaxed);
}

static STATE: OnceLock<Inherited> = OnceLock::new();

/// Takes note of what heeler was started with, blocks every signal and raises the soft limit on descriptors to the
/// hard one. Must be the first thing in `main`: a thread started earlier would keep signals open.
pub fn take() -> &'static Inherited {
    STATE.get_or_init(|| {
        let sigpipe = SIGPIPE_AT_START.load(Ordering::Relaxed);
        let mask = MASK_AT_START.load(Ordering::Relaxed);
        block_all_signals();
        Inherited { mask, sigpipe, sigchld: hear_of_children(), nofile: raise_nofile() }
    })
}

/// Signals do again what they did before, for a command that listens for none.
pub fn unblock_signals() {
    sys::change_mask(libc::SIG_SETMASK, take().mask);
}

/// Blocked signals stay pending until the signalfd reads them; PID 1 would otherwise lose those with a default action.
/// Faults of our own must still kill: a blocked SIGSEGV would only hide where it came from (tini leaves them too).
fn block_all_signals() {
    sys::change_mask(libc::SIG_SETMASK, !sys::set_of(&FAULTS));
}

/// Under an ignored SIGCHLD, which exec passes on, the kernel drops statuses and wakes nobody (wait(2)).
fn hear_of_children() -> libc::sighandler_t {
    let mut default = MaybeUninit::<libc::sigaction>::zeroed();
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: both actions are ours. All zero is SIG_DFL without flags, and the kernel fills the second.
    unsafe {
        (*default.as_mut_ptr()).sa_sigaction = libc::SIG_DFL;
        libc::sigaction(libc::SIGCHLD, default.as_ptr(), before.as_mut_ptr());
        before.assume_init().sa_sigaction
    }
}

fn raise_nofile() -> libc::rlimit {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: reads into and writes from a value of ours. A refused raise leaves the old limit, which is valid too.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised);
    }
    limit
}
