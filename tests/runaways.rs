//! Handlers that run away: chains of processes that fork into a new session and end, as fast as they can, beside a daemon
//! that double-forked, left the session and ignores TERM. None of them survives its call, and none its container.
//!
//! As root they run as a user without rights, as functions should. The long form is one of `make soak`'s; RUNAWAY_RUNS
//! says how many runs it has of each kind: a call's timeout, a stop, a stop as PID 1.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::disallowed_methods, reason = "its length is told from outside")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::{
    Builder, Gate, HEELER, Heeler, Request, eventually, place_program, skipped, succeeds, testfn_path, tree, within,
};

/// Nobody else's, as in images of ours.
const USER: u32 = 65_532;

/// Milliseconds between two forks of a chain, and how many chains.
const SHAPES: [(u32, u32); 4] = [(2, 1), (2, 4), (0, 1), (0, 4)];

/// For so long a chain that is there makes a step, however busy the machine is.
const STILL: Duration = Duration::from_millis(300);

/// A chain ends by itself after twice this time: it must be gone for another reason.
const MOST: Duration = Duration::from_secs(10);

/// The programs where a user without rights finds them.
struct Place {
    folder: tempfile::TempDir,
    user: Option<u32>,
}

impl Place {
    fn new() -> Place {
        let place = Place { folder: tempfile::tempdir().unwrap(), user: support::is_root().then_some(USER) };
        open_to_all(place.folder.path());
        place_program(Path::new(HEELER), &place.file("heeler"));
        place_program(&testfn_path(), &place.file("testfn"));
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn builder(&self) -> Builder {
        let command = format!("{} do", self.file("testfn").display());
        let builder = Heeler::builder().envs(&[("mode", "streaming"), ("fprocess", &command)]);
        match self.user {
            Some(user) => builder.metrics().user(user, &self.file("heeler")),
            None => builder.metrics(),
        }
    }
}

fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
}

/// What the runs of one kind took, from the moment that their end was due.
struct Tally {
    what: &'static str,
    times: Vec<Duration>,
}

impl Tally {
    fn of(what: &'static str, runs: usize, mut run: impl FnMut((u32, u32)) -> Duration) {
        let times = (0..runs).map(|at| run(SHAPES[at % SHAPES.len()])).collect();
        Tally { what, times }.tell();
    }

    fn tell(mut self) {
        self.times.sort();
        let (median, most) = (self.times[self.times.len() / 2], self.times[self.times.len() - 1]);
        eprintln!(
            "runaways: {}: {} runs, 0 survivors, all gone after {median:.1?} (median), {most:.1?} (most)",
            self.what,
            self.times.len()
        );
    }
}

/// A call that runs away, under way: its gate, whose path is in the environment of every process of it.
fn run_away(heeler: &Heeler, (pause, chains): (u32, u32), headers: &[(&str, &str)]) -> (support::Conn, Gate) {
    let gate = Gate::new();
    open_to_all(gate.folder());
    let request = Request::role(&format!("runners {pause} {chains}")).gate(&gate);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    let mut conn = heeler.conn();
    assert!(conn.send(&request.bytes()));
    gate.wait_started(1);
    eventually("its daemon is seen", || tree::with_environment(gate.path()).len() > 1);
    let before = steps(&gate);
    eventually("its chains move on", || steps(&gate) >= before + 10 * u64::from(chains));
    (conn, gate)
}

/// How many links its chains have had so far.
fn steps(gate: &Gate) -> u64 {
    gate.file("steps").metadata().map_or(0, |file| file.len())
}

/// Waits until no process of that call is there any more; gives the time of the last step. A link of a chain is gone before
/// one who lists processes has looked at it: only its steps tell of a chain.
#[track_caller]
fn wait_until_none(gate: &Gate) -> Instant {
    let (mut seen, mut since) = (steps(gate), Instant::now());
    let none = within(MOST, || {
        if steps(gate) != seen {
            (seen, since) = (steps(gate), Instant::now());
        }
        since.elapsed() >= STILL && tree::with_environment(gate.path()).is_empty()
    });
    assert!(none, "still there, {:?} since the last step: {:?}", since.elapsed(), tree::with_environment(gate.path()));
    since
}

/// Calls run out of time, one after the other.
fn none_survives_its_call(runs: usize) {
    let place = Place::new();
    let heeler = place.builder().env("kill_grace", "100ms").start();
    Tally::of("a call's timeout", runs, |shape| {
        let (mut conn, gate) = run_away(&heeler, shape, &[("X-Timeout", "1s")]);
        conn.read_response("GET").unwrap().assert_made_by_heeler(504, "timeout");
        let answered = Instant::now();
        heeler.wait_childless();
        let took = answered.elapsed();
        took.max(wait_until_none(&gate).saturating_duration_since(answered))
    });
    let survivors = heeler.scrape().value("heeler_survivors_total", &[]);
    assert!(survivors < 1.0, "heeler gave up on {survivors}");
}

/// The container is stopped while such a call is open. The kernel would end what is left behind PID 1: what heeler itself
/// did is told by its log.
fn none_survives_its_container(runs: usize, pid1: bool) {
    let place = Place::new();
    let what = if pid1 { "a container's stop, as PID 1" } else { "a stop, as a subreaper" };
    Tally::of(what, runs, |shape| {
        let builder = place.builder().envs(&[
            ("kill_grace", "100ms"),
            ("exec_timeout", "100s"),
            ("shutdown_delay", "0"),
            ("drain_timeout", "100ms"),
        ]);
        let mut heeler = if pid1 { builder.in_namespace() } else { builder }.start();
        let (conn, gate) = run_away(&heeler, shape, &[]);
        let began = Instant::now();
        heeler.signal(Signal::SIGTERM);
        // One call was cut.
        assert_eq!(heeler.exit_code(), 1);
        let took = began.elapsed();
        let at_the_end = steps(&gate);
        wait_until_none(&gate);
        assert_eq!(steps(&gate), at_the_end, "a chain has outlived heeler");
        let said = heeler.stderr.rest();
        assert!(said.contains("calls were cut") && !said.contains("survive"), "{said}");
        drop(conn);
        took
    });
}

fn both_stops(runs: usize) {
    none_survives_its_container(runs, false);
    if succeeds("unshare", &["-pf", "--kill-child", "--mount-proc", "setpriv", "--no-new-privs", "true"]) {
        none_survives_its_container(runs, true);
    } else {
        skipped("process 1 beside runaways: namespaces are not allowed here, or there is no setpriv");
    }
}

fn many() -> usize {
    std::env::var("RUNAWAY_RUNS").map_or(200, |runs| runs.parse().expect("a number of runs"))
}

#[test]
fn none_survives_the_timeout_of_its_call() {
    none_survives_its_call(8);
}

#[test]
fn none_survives_the_stop_of_its_container() {
    both_stops(4);
}

#[test]
#[ignore = "many runs: make soak"]
fn none_survives_the_timeout_of_its_call_in_many_runs() {
    none_survives_its_call(many());
}

#[test]
#[ignore = "many runs: make soak"]
fn none_survives_the_stop_of_its_container_in_many_runs() {
    both_stops(many());
}
