//! Processes as /proc shows them.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{PATIENCE, eventually, within};

#[derive(Clone, Debug)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub state: char,
    pub name: String,
}

/// Everything that runs (or is a zombie) now.
pub fn all() -> Vec<Process> {
    let folder = fs::read_dir("/proc").expect("/proc");
    folder.filter_map(|entry| process(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}

fn process(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let (head, tail) = stat.rsplit_once(')')?;
    let mut fields = tail.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let name = head.split_once('(')?.1.to_owned();
    Some(Process { pid, parent, state, name })
}

/// All processes below this one, zombies included.
pub fn descendants(root: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut next = vec![root];
    while let Some(parent) = next.pop() {
        for process in children.remove(&parent).unwrap_or_default() {
            next.push(process.pid);
            found.push(process);
        }
    }
    found
}

/// Processes with this in the environment that they were started with, wherever they are now.
pub fn with_environment(part: &str) -> Vec<Process> {
    let has = |pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(part.len()).any(|window| window == part.as_bytes())
    };
    all().into_iter().filter(|process| has(process.pid)).collect()
}

/// Whether it runs; a zombie does not.
pub fn runs(pid: i32) -> bool {
    process(pid).is_some_and(|process| !matches!(process.state, 'Z' | 'X'))
}

/// Waits until none of these runs.
#[track_caller]
pub fn wait_until_gone(pids: &[i32]) {
    assert!(!pids.is_empty(), "no process to wait for");
    eventually(&format!("processes {pids:?} are gone"), || !pids.iter().any(|pid| runs(*pid)));
}

/// Waits until nothing is left below this process, neither running nor as a zombie.
#[track_caller]
pub fn wait_until_childless(root: i32) {
    let gone = within(PATIENCE, || descendants(root).is_empty());
    assert!(gone, "still below {root}: {:?}", descendants(root));
}

/// How many descriptors a process has open.
pub fn descriptors(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").count()
}

/// What these are: number and file.
pub fn open_files(pid: i32) -> BTreeMap<u64, String> {
    let folder = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors");
    let open = |entry: fs::DirEntry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        Some((number, fs::read_link(entry.path()).ok()?.display().to_string()))
    };
    folder.filter_map(|entry| open(entry.ok()?)).collect()
}

/// A line of /proc/PID/status, without its key.
pub fn status(pid: i32, key: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {key} in {status}")).trim().to_owned()
}

/// Whether a process has a handler of its own for a signal.
pub fn takes(pid: i32, signal: i32) -> bool {
    u64::from_str_radix(&status(pid, "SigCgt"), 16).expect("a set") & 1 << (signal - 1) != 0
}

/// A size of /proc/PID/status in bytes.
pub fn size(pid: i32, key: &str) -> u64 {
    let text = status(pid, key);
    text.trim_end_matches(" kB").parse::<u64>().expect("a size in kB") * 1024
}

/// By how much it is larger than it was. The kernel sums what it counted on each processor, give or take a few pages: even
/// the highest that it ever was may be told lower later.
pub fn grown(pid: i32, key: &str, before: u64) -> u64 {
    size(pid, key).saturating_sub(before)
}

pub fn signal(pid: i32, signal: Signal) {
    kill(Pid::from_raw(pid), signal).expect("the process is there to be signalled");
}

/// As [`signal`], by number: real-time ones have no name.
pub fn signal_number(pid: i32, number: i32) {
    // SAFETY: no memory is touched.
    assert_eq!(unsafe { libc::kill(pid, number) }, 0, "the process is there to get signal {number}");
}

/// As [`signal`], for clean-up: it may be gone.
pub fn kill_if_there(pid: i32) {
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}
