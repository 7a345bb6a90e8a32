//! The machine has no more of something: descriptors, processes, memory, room on a disk.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::stage::{Outcome, Stage};
use super::support::{
    ALL_MODES, Conn, Failure, MODES, PATIENCE, SECOND, at_once, eventually, is_root, skipped, tree, within,
};

/// How many descriptors heeler may still open: with none it cannot take a call, with some it cannot run it.
pub const DESCRIPTORS: [u64; 7] = [0, 1, 2, 3, 4, 5, 6];

/// Steps that take more memory than there is.
pub const HUNGRY: [(&str, &str); 2] = [
    ("takes too much memory", "eof grow:300 head put:4 end"),
    ("takes too much memory before it reads", "grow:300 eof head put:4 end"),
];

/// Options of a file system, and whether it is filled.
pub const DISKS: [(&str, &str, bool); 2] =
    [("starts on a full disk", "size=64k", true), ("starts on a disk that cannot be written", "ro", false)];

/// Sets the soft limit of a process that runs; gives the one that it had.
fn limit(pid: i32, resource: u32, soft: Option<u64>) -> u64 {
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: asks for numbers, into a value of ours. The type of the resource differs by libc.
    assert_eq!(unsafe { libc::prlimit(pid, resource as _, std::ptr::null(), &raw mut old) }, 0);
    if let Some(soft) = soft {
        let new = libc::rlimit { rlim_cur: soft, rlim_max: old.rlim_max };
        // SAFETY: as above, with numbers of ours.
        assert_eq!(unsafe { libc::prlimit(pid, resource as _, &raw const new, std::ptr::null_mut()) }, 0);
    }
    old.rlim_cur
}

/// Calls are fine again soon after what was missing is there again.
#[track_caller]
fn recovers(stage: &Stage) {
    let began = Instant::now();
    let fine = stage.request("head put:4 end");
    let well = || Conn::open(stage.heeler.address()).try_call(&fine).is_ok_and(|answer| answer.status == 200);
    eventually("calls are served again", well);
    // A second is promised; the machine may be busy.
    assert!(began.elapsed() < SECOND * 3, "{}: only after {:?}", stage.mode, began.elapsed());
}

/// Whether an answer has come, a good one or a refusal; without one the connection is still open.
#[track_caller]
fn is_served_or_refused(conn: &mut Conn) -> bool {
    match conn.read_response("POST") {
        Ok(answer) if answer.status == 200 => assert_eq!(answer.body.len(), 4),
        Ok(answer) => {
            assert!(["no_descriptor", "connections"].contains(&answer.reason()), "{}", answer.text());
            assert_eq!(answer.status, 503);
        }
        Err(Failure::TimedOut) => return false,
        Err(other) => panic!("a request is lost: {other:?}"),
    }
    true
}

#[test]
fn without_descriptors_calls_are_refused_and_nothing_is_lost() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        let pid = stage.heeler.pid;
        for left in DESCRIPTORS {
            stage.case(&format!("has {left} descriptors left"), || {
                let old = limit(pid, libc::RLIMIT_NOFILE, Some(limit_with(pid, left)));
                let mut calls: Vec<Conn> = (0..4).map(|_| stage.heeler.conn()).collect();
                let request = stage.upload("eof head put:4 end", 100);
                assert!(calls.iter_mut().all(|conn| conn.send(&request.bytes())));
                // Whoever was let in is answered, one way or the other; the others are not yet heeler's.
                calls.retain_mut(|conn| {
                    conn.set_patience(SECOND / 4);
                    !is_served_or_refused(conn)
                });
                limit(pid, libc::RLIMIT_NOFILE, Some(old));
                recovers(&stage);
                for conn in &mut calls {
                    conn.set_patience(PATIENCE);
                    assert!(is_served_or_refused(conn), "{mode}: a request is lost");
                }
            });
        }
        let refused = stage.heeler.scrape().value("heeler_refusals_total", &[("reason", "no_descriptor")]);
        assert!(refused > 0.0, "{mode}: nothing was ever missing");
    });
}

/// The limit that leaves a process so many descriptors: it counts numbers, not files.
fn limit_with(pid: i32, left: u64) -> u64 {
    let used = tree::open_files(pid);
    let mut free = (0..).filter(|number| !used.contains_key(number));
    // Up to the first one that it must not have.
    free.nth(usize::try_from(left).expect("few")).expect("numbers do not end")
}

#[test]
fn idle_connections_that_take_all_descriptors_are_survived() {
    at_once(ALL_MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        stage.case("has clients for all its descriptors", || {
            let pid = stage.heeler.pid;
            let before = tree::descriptors(pid);
            let old = limit(pid, libc::RLIMIT_NOFILE, Some(limit_with(pid, 30)));
            let idle: Vec<Conn> = (0..60).map(|_| stage.heeler.conn()).collect();
            // But for one that it may hold back for itself.
            eventually("they are used up", || tree::descriptors(pid) + 1 >= before + 30);
            drop(idle);
            recovers(&stage);
            limit(pid, libc::RLIMIT_NOFILE, Some(old));
            // Whom heeler was about to refuse just then comes before all others.
            recovers(&stage);
        });
    });
}

/// A cgroup of its own, in whichever way this machine has them; gone with its name when the test is over.
struct Group(PathBuf);

impl Group {
    fn new(controller: &str, name: &str) -> Option<Group> {
        // With cgroups of version 2 all controllers' groups are in one folder, and tests run side by side.
        let name = format!("heeler-faults-{}-{controller}-{name}", std::process::id());
        let bases = [format!("/sys/fs/cgroup/{controller}"), "/sys/fs/cgroup".to_owned()];
        for base in bases.iter().map(Path::new).filter(|base| base.join("cgroup.procs").exists()) {
            let made = fs::create_dir(base.join(&name));
            assert!(!made.as_ref().is_err_and(|error| error.kind() == ErrorKind::AlreadyExists), "{name} is there");
            if made.is_ok() {
                let group = Group(base.join(&name));
                if group.has(controller) {
                    return Some(group);
                }
            }
        }
        None
    }

    fn has(&self, controller: &str) -> bool {
        let files = fs::read_dir(&self.0).into_iter().flatten().flatten();
        files.into_iter().any(|file| file.file_name().to_string_lossy().starts_with(controller))
    }

    fn write(&self, file: &str, value: &str) -> bool {
        fs::write(self.0.join(file), value).is_ok()
    }

    fn take(&self, pid: i32) -> bool {
        self.write("cgroup.procs", &pid.to_string())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Only an empty one goes.
        within(SECOND * 5, || fs::remove_dir(&self.0).is_ok() || !self.0.exists());
    }
}

#[test]
fn without_processes_calls_are_refused_and_soon_served_again() {
    at_once(MODES, |mode| {
        let Some(group) = Group::new("pids", mode) else {
            return skipped("no cgroup can be made to limit processes with");
        };
        let stage = Stage::new(mode, &[]);
        let pid = stage.heeler.pid;
        if !group.take(pid) {
            return skipped("no process can be put into a cgroup");
        }
        stage.case("has no process left", || {
            let threads = tree::status(pid, "Threads");
            assert!(group.write("pids.max", &threads));
            for _ in 0..3 {
                stage.meets(&stage.upload("eof head put:4 end", 300_000), Outcome::Made(503, "no_process"));
            }
            assert!(group.write("pids.max", "max"));
            recovers(&stage);
        });
        stage.case("has a process less than its callers want", || {
            let threads: u32 = tree::status(pid, "Threads").parse().unwrap();
            assert!(group.write("pids.max", &(threads + 2).to_string()));
            let request = stage.request("mark:some wait:more head put:4 end");
            let mut calls: Vec<Conn> = (0..5).map(|_| stage.heeler.conn()).collect();
            assert!(calls.iter_mut().all(|conn| conn.send(&request.bytes())));
            stage.gate.wait_for("some");
            // Three of five are refused while two are there.
            let refused = || stage.heeler.scrape().value("heeler_refusals_total", &[("reason", "no_process")]);
            eventually("three more are refused", || refused() == 6.0);
            stage.gate.let_go("more");
            let mut statuses: Vec<u16> =
                calls.iter_mut().map(|conn| conn.read_response("GET").unwrap().status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 200, 503, 503, 503], "{mode}");
            assert!(group.write("pids.max", "max"));
            recovers(&stage);
        });
        drop(stage);
    });
}

/// A server or worker that died while no process was to be had comes again when there is one.
#[test]
fn a_handler_that_cannot_be_started_again_is_tried_until_it_can() {
    at_once(["http", "warm"], |mode| {
        let Some(group) = Group::new("pids", mode) else {
            return skipped("no cgroup can be made to limit processes with");
        };
        let stage = Stage::new(mode, &[("queue_timeout", "300ms")]);
        let pid = stage.heeler.pid;
        if !group.take(pid) {
            return skipped("no process can be put into a cgroup");
        }
        stage.case("has no process for its next handler", || {
            assert!(group.write("pids.max", &tree::status(pid, "Threads")));
            let lost = Outcome::Made(502, if mode == "http" { "upstream" } else { "worker" });
            stage.meets(&stage.request("exit:1"), lost);
            let answer = stage.heeler.call(&stage.request("head put:4 end"));
            assert_eq!(answer.status, 503, "{mode}: {}", answer.text());
            assert!(["queue_timeout", "handler", "no_process"].contains(&answer.reason()), "{mode}: {}", answer.text());
            assert!(group.write("pids.max", "max"));
            recovers(&stage);
        });
        drop(stage);
    });
}

#[test]
fn a_handler_that_the_kernel_kills_for_its_memory_costs_its_call() {
    at_once(ALL_MODES, |mode| {
        let Some(group) = Group::new("memory", mode) else {
            return skipped("no cgroup can be made to limit memory with");
        };
        let stage = Stage::new(mode, &[]);
        let (pid, most) = (stage.heeler.pid, (96 << 20).to_string());
        let limited = group.write("memory.limit_in_bytes", &most) || group.write("memory.max", &most);
        let swapless = group.write("memory.swap.max", "0") || group.write("memory.memsw.limit_in_bytes", &most);
        if !limited || (has_swap() && !swapless) || !group.take(pid) {
            return skipped("no limit of memory holds here");
        }
        // A handler that is kept was there before.
        stage.heeler.descendants().iter().for_each(|process| assert!(group.take(process.pid)));
        let lost = match mode {
            "http" => Outcome::Made(502, "upstream"),
            "warm" => Outcome::Made(502, "worker"),
            _ => Outcome::Made(502, "signal"),
        };
        for (name, steps) in HUNGRY {
            stage.call_case(name, &stage.upload(steps, 300_000), lost);
        }
        let cut = if stage.holds() { lost } else { Outcome::Cut(1) };
        stage.call_case("takes too much memory within its answer", &stage.request("head put:100000 grow:300 end"), cut);
        drop(stage);
    });
}

fn has_swap() -> bool {
    fs::read_to_string("/proc/swaps").is_ok_and(|swaps| swaps.lines().count() > 1)
}

/// In a mount namespace of this thread alone, where the folder is a small file system of its own.
fn with_small_disk(options: &str, test: impl FnOnce(&Path) + Send) -> bool {
    // It goes when that thread is over: within it, where something is mounted there, it could not.
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        let mounted = || {
            let path = folder.path().to_str().unwrap();
            // SAFETY: a number; a thread that has left the others' file systems shares no state of them.
            if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
                return false;
            }
            let private = mount("none", "/", "", libc::MS_REC | libc::MS_PRIVATE, "");
            if !private || !mount("tmpfs", path, "tmpfs", 0, options) {
                return false;
            }
            test(folder.path());
            true
        };
        scope.spawn(mounted).join().unwrap()
    })
}

fn mount(what: &str, place: &str, kind: &str, flags: u64, options: &str) -> bool {
    let text = |text: &str| std::ffi::CString::new(text).unwrap();
    let (what, place, kind, options) = (text(what), text(place), text(kind), text(options));
    // SAFETY: four strings that end, and a number.
    unsafe { libc::mount(what.as_ptr(), place.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast()) == 0 }
}

#[test]
fn a_full_disk_is_the_handlers_trouble() {
    at_once(ALL_MODES, |mode| {
        let done = with_small_disk("size=64k", |folder| {
            let stage = Stage::in_folder(mode, folder, |builder| builder);
            stage.call_case("has room on its disk", &stage.request("file:1000 head put:4 end"), Outcome::Fine(4));
            let failed = match mode {
                "http" => Outcome::Made(502, "upstream"),
                "warm" => Outcome::Made(502, "worker"),
                _ => Outcome::Made(500, "exit"),
            };
            stage.call_case("writes more than its disk holds", &stage.request("file:1000000 head put:4 end"), failed);
            let _ = fs::write(folder.join("full"), vec![0; 64 << 10]);
            // What heeler holds of bodies is not on a disk.
            let answer = stage.heeler.call(&stage.upload("eof head put:300000 end", 300_000));
            assert_eq!(answer.assert_ok().body.len(), 300_000, "{mode}");
            fs::remove_file(folder.join("full")).unwrap();
        });
        if !done {
            skipped("no file system can be mounted");
        }
    });
}

#[test]
fn heeler_starts_on_a_full_or_read_only_disk() {
    at_once(ALL_MODES, |mode| {
        for (name, options, fill) in DISKS {
            let done = with_small_disk(options, |folder| {
                if fill {
                    let _ = fs::write(folder.join("full"), vec![0; 64 << 10]);
                }
                let stage = Stage::in_folder(mode, folder, |builder| builder.env("exec_timeout", "20s"));
                stage.call_case(name, &stage.upload("eof head put:300000 end", 300_000), Outcome::Fine(300_000));
                let lock = |line: &serde_json::Value| line["level"] == "warn" && line.to_string().contains("lock");
                assert_eq!(
                    stage.heeler.stderr.json().iter().filter(|line| lock(line)).count(),
                    1,
                    "{mode}: one warning"
                );
            });
            if !done {
                skipped("no file system can be mounted");
            }
        }
    });
}

/// As a user with a limit of processes, who is not root: root has none, and tests/limits.rs has a user of its own for it.
#[test]
fn a_user_without_processes_is_refused_and_soon_served_again() {
    if is_root() {
        return skipped("root's processes are not limited by RLIMIT_NPROC");
    }
    at_once(MODES, |mode| {
        let stage = Stage::new(mode, &[]);
        stage.case("has no process left for its user", || {
            let old = limit(stage.heeler.pid, libc::RLIMIT_NPROC, Some(0));
            stage.meets(&stage.upload("eof head put:4 end", 300_000), Outcome::Made(503, "no_process"));
            limit(stage.heeler.pid, libc::RLIMIT_NPROC, Some(old));
            recovers(&stage);
        });
    });
}
