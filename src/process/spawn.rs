//! The one place where a process begins: `clone(CLONE_VM | CLONE_VFORK)`, then raw steps in the child up to exec.
//!
//! The child runs in heeler's memory on a stack of its own while the calling thread stands still. So between clone
//! and exec nothing allocates, locks or logs: every pointer is prepared before. posix_spawn would do the same but can
//! set neither a parent-death signal nor limits, and is slower by a few per cent.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::{io, ptr};

use nix::fcntl::{FcntlArg, OFlag};

use super::inherited::Inherited;
use super::sys;

/// Why a process did not come to be; each is treated differently by the caller.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// EMFILE, ENFILE.
    #[error("no file descriptor to be had: {0}")]
    NoDescriptor(io::Error),
    /// EAGAIN, ENOMEM: the pids limit, or memory.
    #[error("no process to be had: {0}")]
    NoProcess(io::Error),
    /// E2BIG: one string over 128 KiB, or all of them over a quarter of the stack limit (execve(2)).
    #[error("arguments and environment are too large for the kernel: {0}")]
    TooLarge(io::Error),
    /// The file is gone.
    #[error("cannot execute {path:?}: {error}")]
    NotFound {
        /// As it was to be executed.
        path: CString,
        /// ENOENT or ENOTDIR: of the file itself, or of the interpreter that it names.
        error: io::Error,
    },
    /// The file cannot be executed.
    #[error("cannot execute {path:?}: {error}")]
    NotExecutable {
        /// As it was to be executed.
        path: CString,
        /// Mostly EACCES or ENOEXEC.
        error: io::Error,
    },
}

impl SpawnError {
    /// The code that shells use for it.
    pub fn exit_code(&self) -> u8 {
        match self {
            SpawnError::NotFound { .. } => 127,
            SpawnError::NotExecutable { .. } => 126,
            SpawnError::NoDescriptor(_) | SpawnError::NoProcess(_) | SpawnError::TooLarge(_) => 1,
        }
    }

    pub(super) fn of_resource(error: io::Error) -> SpawnError {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => SpawnError::NoDescriptor(error),
            _ => SpawnError::NoProcess(error),
        }
    }

    fn of_exec(path: &CStr, errno: i32) -> SpawnError {
        let error = io::Error::from_raw_os_error(errno);
        match errno {
            libc::E2BIG => SpawnError::TooLarge(error),
            libc::EAGAIN | libc::ENOMEM => SpawnError::NoProcess(error),
            libc::EMFILE | libc::ENFILE => SpawnError::NoDescriptor(error),
            libc::ENOENT | libc::ENOTDIR => SpawnError::NotFound { path: path.to_owned(), error },
            _ => SpawnError::NotExecutable { path: path.to_owned(), error },
        }
    }
}

/// Where the child stands among sessions and groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A session and group of its own, no terminal: handlers.
    Session,
    /// A group of its own, which takes heeler's place in the foreground of the terminal on standard input: the plain
    /// init's command.
    ForegroundGroup,
}

/// Everything that the child needs, by reference.
pub(crate) struct Start<'a> {
    pub(crate) path: &'a CStr,
    pub(crate) argv: &'a [CString],
    /// Two lists, so that a call need not copy what all share.
    pub(crate) env: [&'a [CString]; 2],
    /// For descriptors 0, 1 and 2; `None` keeps heeler's own.
    pub(crate) stdio: Option<[RawFd; 3]>,
    /// For descriptor 3; without it there is none.
    pub(crate) socket: Option<RawFd>,
    pub(crate) place: Place,
    pub(crate) inherited: &'a Inherited,
    /// Hard limit of RLIMIT_LOCKS to set, the tree's mark.
    pub(crate) mark: Option<u64>,
    /// Whether the child dies by KILL when the thread that started it ends.
    pub(crate) dies_with_parent: bool,
}

/// The child's view of a [`Start`]: pointers only.
struct Plan {
    path: *const libc::c_char,
    argv: *const *const libc::c_char,
    /// `sh path args…`, for a script without an interpreter line.
    shell_argv: *const *const libc::c_char,
    envp: *const *const libc::c_char,
    stdio: Option<[RawFd; 3]>,
    socket: Option<RawFd>,
    place: Place,
    inherited: *const Inherited,
    mark: Option<u64>,
    parent: Option<libc::pid_t>,
    report: RawFd,
}

/// The number of a child's socket.
pub const SOCKET: RawFd = 3;

const SHELL: &CStr = c"/bin/sh";

/// What one start after the other uses: a stack for the child, and the pipe that a failed exec reports by.
pub(crate) struct Nursery {
    /// Room for the child's few frames. It is only in use while the caller stands still, so one serves for all.
    stack: Box<[u8]>,
    read: OwnedFd,
    write: OwnedFd,
}

impl Nursery {
    /// Needs two descriptors.
    pub(crate) fn new() -> io::Result<Nursery> {
        let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // The child's socket would else take the place of the pipe that its exec reports by.
        let write = above_socket(write)?;
        Ok(Nursery { stack: vec![0; 32 * 1024].into_boxed_slice(), read, write })
    }

    /// Stacks grow down and calls want 16-byte alignment on both of our machines.
    fn top(&mut self) -> *mut libc::c_void {
        let end = self.stack.as_mut_ptr_range().end;
        end.wrapping_sub(end.addr() % 16).cast()
    }

    /// The errno of the child's exec, if it failed. By the time clone returns the child has run its exec or is gone.
    /// Not so under qemu-user, which makes a fork of a vfork: there the child's exit code, 126 or 127, must do, and
    /// its report is passed over by the next start, as it names another pid.
    fn failure_of(&self, child: libc::pid_t) -> Option<i32> {
        let mut report = [0; 8];
        while let Ok(8) = nix::unistd::read(&self.read, &mut report) {
            let [pid, errno] = [&report[..4], &report[4..]].map(|half| half.try_into().map_or(0, i32::from_ne_bytes));
            if pid == child {
                return Some(errno);
            }
        }
        None
    }
}

/// Starts a process and returns its pid once it runs its own program. The caller has every signal blocked
/// (a handler running in the child would write to heeler's memory) and holds the reaper's table, so that the
/// status cannot be collected before the pid is known.
pub(crate) fn spawn(start: &Start<'_>, nursery: &mut Nursery) -> Result<libc::pid_t, SpawnError> {
    let argv = pointers(start.argv.iter());
    let shell_argv: Vec<_> =
        [SHELL.as_ptr(), start.path.as_ptr()].into_iter().chain(argv.iter().skip(1).copied()).collect();
    let envp = pointers(start.env[0].iter().chain(start.env[1]));
    let plan = Plan {
        path: start.path.as_ptr(),
        argv: argv.as_ptr(),
        shell_argv: shell_argv.as_ptr(),
        envp: envp.as_ptr(),
        stdio: start.stdio,
        socket: start.socket,
        place: start.place,
        inherited: start.inherited,
        mark: start.mark,
        parent: start.dies_with_parent.then(nix::unistd::getpid).map(nix::unistd::Pid::as_raw),
        report: nursery.write.as_raw_fd(),
    };
    // SAFETY: `child` gets a plan whose pointers live until this function returns, and CLONE_VFORK holds this thread
    // until the child has left this memory by exec or exit. The stack is ours alone (`&mut`) for as long.
    let pid = unsafe {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        libc::clone(child, nursery.top(), flags, (&raw const plan).cast_mut().cast())
    };
    if pid == -1 {
        return Err(SpawnError::of_resource(io::Error::last_os_error()));
    }
    match nursery.failure_of(pid) {
        None => Ok(pid),
        Some(errno) => {
            // It is on its way out and nobody knows it; waiting here keeps it from being counted as an orphan.
            // SAFETY: no status is asked for, so no memory is written.
            unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
            Err(SpawnError::of_exec(start.path, errno))
        }
    }
}

fn above_socket(fd: OwnedFd) -> io::Result<OwnedFd> {
    if fd.as_raw_fd() > SOCKET {
        return Ok(fd);
    }
    let above = nix::fcntl::fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(SOCKET + 1))?;
    // SAFETY: the kernel has just made this descriptor, for nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(above) })
}

fn pointers<'a>(strings: impl Iterator<Item = &'a CString>) -> Vec<*const libc::c_char> {
    strings.map(|string| string.as_ptr()).chain([ptr::null()]).collect()
}

/// Runs in the child, in the parent's memory: raw calls only.
extern "C" fn child(plan: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `spawn` passes a Plan that outlives this function, and stands still meanwhile.
    let plan = unsafe { &*plan.cast::<Plan>() };
    // SAFETY: every call below is a bare system call on values of the plan (prepared, NUL-terminated, alive), none
    // allocates or locks; errno lands in the parent's thread-local, which the parent reads only after its own calls.
    unsafe {
        take_place(plan.place);
        // A child whose parent died before prctl would never hear of it (prctl(2)): the second look closes the gap.
        if let Some(parent) = plan.parent {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            if libc::getppid() != parent {
                libc::_exit(127);
            }
        }
        if let Some(mark) = plan.mark {
            let limit = libc::rlimit { rlim_cur: mark, rlim_max: mark };
            libc::setrlimit(libc::RLIMIT_LOCKS, &raw const limit);
        }
        let inherited = &*plan.inherited;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const inherited.nofile);
        if let Some(stdio) = plan.stdio {
            for (target, source) in (0..).zip(stdio) {
                libc::dup2(source, target); // Never the same number: 0 to 2 are always open in heeler.
            }
        }
        if let Some(source) = plan.socket {
            libc::dup2(source, SOCKET);
            libc::fcntl(SOCKET, libc::F_SETFD, 0); // To itself dup2 does nothing, and close-on-exec would stay (dup2(2)).
        }
        for (signal, handler) in [(libc::SIGPIPE, inherited.sigpipe), (libc::SIGCHLD, inherited.sigchld)] {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler;
            libc::sigaction(signal, &raw const action, ptr::null_mut());
        }
        sys::change_mask(libc::SIG_SETMASK, inherited.mask);
        libc::execve(plan.path, plan.argv, plan.envp);
        let mut errno = *libc::__errno_location();
        if errno == libc::ENOEXEC {
            // A script without an interpreter line runs under sh, as with execvp and every shell.
            libc::execve(SHELL.as_ptr(), plan.shell_argv, plan.envp);
            errno = *libc::__errno_location();
        }
        let report = [libc::getpid(), errno];
        libc::write(plan.report, report.as_ptr().cast(), 8); // Below PIPE_BUF: whole, or not at all (pipe(7)).
        libc::_exit(if errno == libc::ENOENT { 127 } else { 126 })
    }
}

/// # Safety
/// Only system calls on numbers; meant for the child between clone and exec.
unsafe fn take_place(place: Place) {
    // SAFETY: no memory is touched. tcsetpgrp by a background group raises SIGTTOU, which is blocked here.
    unsafe {
        match place {
            Place::Session => {
                libc::setsid();
            }
            Place::ForegroundGroup => {
                // A job in the background (`heeler init … &`) must not take the terminal from the shell.
                let foreground = libc::tcgetpgrp(0) == libc::getpgrp();
                libc::setpgid(0, 0);
                if foreground {
                    libc::tcsetpgrp(0, libc::getpid());
                }
            }
        }
    }
}
