//! The kernel calls that no crate offers in the shape we need, each behind a safe function.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

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

    /// The shell's number for it: the code, or 128 + the signal.
    pub fn shell_code(self) -> u8 {
        match self {
            Status::Code(code) => code,
            Status::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
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
