//! The kernel calls that no crate offers in the shape we need, each behind a safe function.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

use crate::metrics::Ended;

/// Signals of the kernel's numbering, 1 to 64, as a bit each. The C libraries' own sets leave out the two or three
/// real-time signals that their threads use, with musl 34 too, which is SIGRTMIN to everybody else.
pub(super) type SignalSet = u64;

/// The signals that tell of a fault of the process itself: never blocked.
pub(crate) const FAULTS: [i32; 7] =
    [libc::SIGFPE, libc::SIGILL, libc::SIGSEGV, libc::SIGBUS, libc::SIGABRT, libc::SIGTRAP, libc::SIGSYS];

/// How a process ended, with wait4's account of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Code or signal.
    pub status: Status,
    /// User and system time of the process and the children that it waited for.
    pub cpu: Duration,
    /// Greatest resident set, in bytes.
    pub max_rss_bytes: u64,
}

/// The two ways to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It called exit with this code.
    Code(u8),
    /// This signal ended it.
    Signal(i32),
}

impl Status {
    /// Of what wait gives for a child that has ended.
    fn of_wait(status: i32) -> Status {
        if libc::WIFSIGNALED(status) {
            Status::Signal(libc::WTERMSIG(status))
        } else {
            Status::Code(u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX))
        }
    }

    /// How an end that was not ours to bring about is counted.
    pub fn ended(self) -> Ended {
        match self {
            Status::Code(0) => Ended::Zero,
            Status::Code(_) => Ended::NonZero,
            Status::Signal(_) => Ended::Signal,
        }
    }

    /// The shell's number for it: the code, or 128 + the signal.
    pub fn shell_code(self) -> u8 {
        match self {
            Status::Code(code) => code,
            Status::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

impl std::fmt::Display for Status {
    /// What it did, for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Code(code) => write!(f, "ended with exit code {code}"),
            Status::Signal(number) => match nix::sys::signal::Signal::try_from(*number) {
                Ok(signal) => write!(f, "was ended by {}", signal.as_str()),
                Err(_) => write!(f, "was ended by signal {number}"),
            },
        }
    }
}

/// A child that has ended and is not collected yet: `WNOWAIT` leaves it a zombie, so its pid
/// and its group's number stay taken. `None` when no child has ended, or there is none.
pub(super) fn peek_dead_child() -> Option<i32> {
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the pointer is to a whole siginfo_t of ours, and waitid writes nothing else.
        let result =
            unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), libc::WEXITED | libc::WNOHANG | libc::WNOWAIT) };
        if result == -1 {
            if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
                continue;
            }
            return None; // ECHILD: nobody to wait for.
        }
        // SAFETY: zeroed above and filled by waitid; a zero pid says "none has ended" (waitid(2)).
        let pid = unsafe { info.assume_init().si_pid() };
        return (pid != 0).then_some(pid);
    }
}

/// Collects one dead child.
pub(super) fn collect(pid: i32) -> io::Result<Exit> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to values of ours of the right type.
    let got = unsafe { libc::wait4(pid, &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) };
    if got != pid {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed above, and wait4 filled it as it returned the pid.
    let usage = unsafe { usage.assume_init() };
    let status = Status::of_wait(status);
    let max_rss_bytes = u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024;
    Ok(Exit { status, cpu: time_of(usage.ru_utime) + time_of(usage.ru_stime), max_rss_bytes })
}

fn time_of(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

/// The hard limit of RLIMIT_LOCKS of another process (0: our own); an error where it is gone or not ours to ask.
pub(super) fn locks_limit(pid: i32) -> io::Result<u64> {
    let mut limit = MaybeUninit::<libc::rlimit64>::zeroed();
    // SAFETY: no new limit is given, and the old one is written to a value of ours.
    let result = unsafe { libc::prlimit64(pid, libc::RLIMIT_LOCKS, std::ptr::null(), limit.as_mut_ptr()) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed above and filled by prlimit.
    Ok(unsafe { limit.assume_init() }.rlim_max)
}

/// Marks every descriptor from 3 on close-on-exec, so that what heeler was started with does not leak into handlers.
/// Kernels before 5.11 and old seccomp lists refuse: the caller then has to walk `/proc/self/fd`.
pub(super) fn close_on_exec_from_3() -> io::Result<()> {
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: changes flags of descriptors only, no memory is touched.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Marks one descriptor close-on-exec.
pub(super) fn close_on_exec(fd: i32) {
    // SAFETY: F_SETFD changes a flag of the descriptor only; a closed one is refused with EBADF, which is as good.
    unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
}

/// Sends a signal by number, real-time ones too (nix's `Signal` knows none of those).
/// A negative pid is a process group.
pub fn kill(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill touches no memory of ours.
    if unsafe { libc::kill(pid, signal) } == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The set of these signals.
pub(super) fn set_of(signals: &[i32]) -> SignalSet {
    signals.iter().fold(0, |set, signal| set | 1 << (signal - 1))
}

/// Changes the calling thread's mask and returns the old one. `how` is `SIG_BLOCK`, `SIG_UNBLOCK` or `SIG_SETMASK`.
/// One system call and nothing else, so it may stand between clone and exec.
pub(super) fn change_mask(how: i32, set: SignalSet) -> SignalSet {
    let mut before: SignalSet = 0;
    // SAFETY: both pointers are to sets of ours of the given size, which is the kernel's on both of our machines.
    unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, how, &raw const set, &raw mut before, size_of::<SignalSet>());
    }
    before
}

/// Waits for a signal and takes it: every one that is blocked by [`super::inherited::take`].
pub(crate) fn next_signal() -> i32 {
    let set = !set_of(&FAULTS);
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        let no_limit = std::ptr::null::<libc::timespec>();
        // SAFETY: the set is ours and of the given size, the kernel fills the details and takes null for "no limit".
        let signal = unsafe {
            libc::syscall(
                libc::SYS_rt_sigtimedwait,
                &raw const set,
                info.as_mut_ptr(),
                no_limit,
                size_of::<SignalSet>(),
            )
        };
        // EINTR: heeler was stopped and continued meanwhile.
        let Ok(signal @ 1..) = i32::try_from(signal) else { continue };
        // SAFETY: zeroed above and filled by the kernel; every kind of SIGPIPE names its sender.
        let sender = unsafe { info.assume_init().si_pid() };
        // A write of our own to somebody who is gone: it waits although it is ignored, since it is blocked.
        if signal != libc::SIGPIPE || sender != nix::unistd::getpid().as_raw() {
            return signal;
        }
    }
}

/// What can happen to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is gone, and collected.
    Ended(Status),
    /// This signal stopped it.
    Stopped(i32),
}

/// The next news of any child, if there is some.
pub(crate) fn next_change() -> Option<(i32, Change)> {
    let mut status = 0;
    loop {
        // SAFETY: the status is ours.
        match unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::WUNTRACED) } {
            0 => return None,
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            -1 => return None, // ECHILD: nobody to wait for.
            pid if libc::WIFSTOPPED(status) => return Some((pid, Change::Stopped(libc::WSTOPSIG(status)))),
            pid => return Some((pid, Change::Ended(Status::of_wait(status)))),
        }
    }
}

/// Stops all of heeler's process group, as the terminal would, until somebody continues it. The kernel drops the
/// signal where nobody could: a group without a parent in its session is never stopped by SIGTSTP (setpgid(2)).
pub(crate) fn stop_with_group() {
    let stop = set_of(&[libc::SIGTSTP]);
    // It waits until it is unblocked, so that all others have it before heeler stands still.
    if kill(0, libc::SIGTSTP).is_ok() {
        change_mask(libc::SIG_UNBLOCK, stop);
        change_mask(libc::SIG_BLOCK, stop);
    }
}

/// Asks for a signal when the thread that started heeler ends.
pub(crate) fn set_parent_death_signal(signal: i32) -> io::Result<()> {
    // SAFETY: PR_SET_PDEATHSIG takes a number, no memory.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal) } == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes away the handlers of Rust's runtime for SIGSEGV and SIGBUS, which only tell a stack overflow apart and
/// swallow the first such signal that somebody sends. What was ignored at the start has none and stays ignored.
pub(crate) fn default_faults() {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: the action is ours; it is asked for, emptied (all zero is SIG_DFL without flags) and set.
        unsafe {
            libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
            if action.assume_init().sa_sigaction != libc::SIG_IGN {
                action = MaybeUninit::zeroed();
                libc::sigaction(signal, action.as_ptr(), std::ptr::null_mut());
            }
        }
    }
}
