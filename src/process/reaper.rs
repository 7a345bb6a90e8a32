//! The only wait: statuses by pid, orphans, and which of them belong to which tree.
//!
//! One lock covers starting and collecting. So a status cannot be collected before its pid is known, and a pid that
//! was found under the lock stays whose it is until the lock is let go: nobody else collects.

use std::collections::{HashMap, HashSet};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::children::Children;
use super::inherited::Inherited;
use super::marks::{Mark, Marks};
use super::spawn::{Nursery, Place, SpawnError, Start, spawn};
use super::spec::{Leftovers, Program, Stdio};
use super::sys::{self, Exit};
use crate::metrics::Metrics;

/// All processes below heeler; cheap to clone.
#[derive(Clone)]
pub struct Processes(Arc<Inner>);

struct Inner {
    table: Mutex<Table>,
    children: Children,
    marks: Marks,
    inherited: &'static Inherited,
    /// Told after every round of collecting: somebody is gone.
    collected: Notify,
    metrics: Metrics,
}

struct Table {
    leaders: HashMap<i32, Leader>,
    nursery: Nursery,
}

/// A process that a [`super::Child`] waits for.
struct Leader {
    exit: oneshot::Sender<Exit>,
    leftovers: Leftovers,
}

/// A started process as the reaper knows it.
pub(super) struct Started {
    pub(super) pid: i32,
    pub(super) mark: Mark,
    pub(super) exit: oneshot::Receiver<Exit>,
}

impl Processes {
    /// Makes heeler the one that orphans go to. On the main thread, once.
    pub fn new(inherited: &'static Inherited, metrics: Metrics) -> std::io::Result<Processes> {
        if nix::unistd::getpid().as_raw() != 1
            && let Err(error) = nix::sys::prctl::set_child_subreaper(true)
        {
            tracing::warn!(%error, "cannot become a subreaper: processes that leave their group cannot be ended");
        }
        close_stray_descriptors();
        let table = Table { leaders: HashMap::new(), nursery: Nursery::new()? };
        Ok(Processes(Arc::new(Inner {
            table: Mutex::new(table),
            children: Children::new(),
            marks: Marks::new(),
            inherited,
            collected: Notify::new(),
            metrics,
        })))
    }

    /// Starts a program as the leader of a tree of its own.
    pub(super) fn start(
        &self,
        program: &Program,
        env: &[std::ffi::CString],
        stdio: Stdio<'_>,
        socket: Option<BorrowedFd<'_>>,
        leftovers: Leftovers,
    ) -> Result<Started, SpawnError> {
        let mark = self.0.marks.next();
        let variable = self.0.marks.variable(mark);
        let with_mark: Vec<_>;
        let env = match variable {
            None => env,
            Some(variable) => {
                with_mark = env.iter().cloned().chain([variable]).collect();
                &with_mark
            }
        };
        let start = Start {
            path: &program.path,
            argv: &program.argv,
            env: [env, &program.env],
            stdio: Some(stdio.map(|fd| fd.as_raw_fd())),
            socket: socket.map(|fd| fd.as_raw_fd()),
            place: Place::Session,
            inherited: self.0.inherited,
            mark: self.0.marks.limit(mark),
            dies_with_parent: true,
        };
        let (tell, exit) = oneshot::channel();
        let mut table = self.table();
        let pid = spawn(&start, &mut table.nursery)?;
        table.leaders.insert(pid, Leader { exit: tell, leftovers });
        drop(table);
        self.0.metrics.handler_started();
        Ok(Started { pid, mark, exit })
    }

    /// Collects everything that has ended. To be called at every SIGCHLD: one signal may stand for many ends.
    pub fn collect(&self) {
        let mut any = false;
        while self.collect_one() {
            any = true;
        }
        if any {
            self.0.collected.notify_waiters();
        }
    }

    fn collect_one(&self) -> bool {
        let mut table = self.table();
        let Some(pid) = sys::peek_dead_child() else { return false };
        let leader = table.leaders.remove(&pid);
        if leader.as_ref().is_some_and(|leader| leader.leftovers == Leftovers::Kill) {
            // While the leader is not collected its number is the group's alone; ESRCH is the ordinary case.
            let _ = sys::kill(-pid, libc::SIGTERM);
        }
        let Ok(exit) = sys::collect(pid) else { return false };
        drop(table);
        match leader {
            // Nobody may be waiting any more: a tree that is being ended looks at the table instead.
            Some(leader) => drop(leader.exit.send(exit)),
            None => self.0.metrics.orphan_reaped(),
        }
        true
    }

    /// Whether anything of the tree still runs, as far as it can be seen from here: its leader, or a process that
    /// came to heeler when its parent died. What is below those shows when they end.
    pub(super) fn alive(&self, leader: i32, mark: Mark) -> bool {
        let table = self.table();
        table.leaders.contains_key(&leader) || self.orphans_of(&table, mark).next().is_some()
    }

    /// Whether every process that can be seen from here is the leader of a live tree: then nothing is left of any tree
    /// whose leader has ended, marked or not.
    pub(super) fn leaders_only(&self) -> bool {
        let table = self.table();
        self.0.children.pids().iter().all(|pid| table.leaders.contains_key(pid))
    }

    /// Sends a signal to the group of a leader that is not collected yet.
    pub(super) fn signal_group(&self, leader: i32, signal: i32) {
        let table = self.table();
        if table.leaders.contains_key(&leader) {
            let _ = sys::kill(-leader, signal);
        }
    }

    /// Sends a signal to a leader that is not collected yet, and to nobody else.
    pub(super) fn signal_leader(&self, leader: i32, signal: i32) {
        let table = self.table();
        if table.leaders.contains_key(&leader) {
            let _ = sys::kill(leader, signal);
        }
    }

    /// Sends a signal to what of a tree has come to heeler without its leader; how many processes heard it.
    pub(super) fn signal_orphans(&self, mark: Mark, signal: i32) -> u64 {
        let table = self.table();
        let mut heard = 0;
        for pid in self.orphans_of(&table, mark) {
            let _ = sys::kill(pid, signal);
            heard += 1;
        }
        heard
    }

    fn orphans_of(&self, table: &Table, mark: Mark) -> impl Iterator<Item = i32> {
        let children = self.0.children.pids().into_iter();
        children.filter(move |pid| !table.leaders.contains_key(pid) && self.0.marks.is_of(*pid, mark))
    }

    /// Waits until it is so, looking again whenever somebody was collected. Gives whether it is so by the deadline.
    pub(super) async fn until(&self, deadline: Instant, is_so: impl Fn() -> bool) -> bool {
        loop {
            let mut collected = std::pin::pin!(self.0.collected.notified());
            collected.as_mut().enable(); // Before the look, or an end between look and wait would be missed.
            if is_so() {
                return true;
            }
            tokio::select! {
                () = collected => {}
                () = sleep_until(deadline) => return is_so(),
            }
        }
    }

    /// Sends a signal to all that are below heeler, as far as they can be seen from here. As PID 1 the kernel knows
    /// them all, and sends it to all at once.
    pub(super) fn signal_everything(&self, signal: i32) {
        let table = self.table();
        if nix::unistd::getpid().as_raw() == 1 {
            let _ = sys::kill(-1, signal);
            return;
        }
        for pid in self.everybody(&table) {
            let group = table.leaders.contains_key(&pid);
            let _ = sys::kill(if group { -pid } else { pid }, signal);
        }
    }

    /// How many processes are below heeler: leaders, and orphans that wait for their end.
    pub fn count(&self) -> usize {
        let table = self.table();
        self.everybody(&table).len()
    }

    /// The kernel's list is the main thread's: leaders that other threads started are children of those.
    fn everybody(&self, table: &Table) -> HashSet<i32> {
        self.0.children.pids().into_iter().chain(table.leaders.keys().copied()).collect()
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// A panic while the lock was held cannot leave the table half written: every change is a single call.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What heeler was started with beyond 0, 1 and 2 is nobody's down here.
fn close_stray_descriptors() {
    if sys::close_on_exec_from_3().is_ok() {
        return;
    }
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let fds: Vec<i32> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    fds.into_iter().filter(|fd| *fd > 2).for_each(sys::close_on_exec);
}
