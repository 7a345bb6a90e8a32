//! heeler in warm mode with the fixture's workers behind it.

use super::message::Request;
use super::{Builder, Gate, Heeler, eventually};

/// A builder for workers with these words. What a test leaves behind need not be waited for.
pub fn work(words: &str, gate: &Gate) -> Builder {
    let words = format!("worker {words}");
    Heeler::builder().role("warm", &words).env("kill_grace", "300ms").env("TESTFN_GATE", gate.path()).metrics()
}

/// The pids of all workers that said hello so far, in their order; so many at least.
#[track_caller]
pub fn workers(heeler: &Heeler, count: usize) -> Vec<i32> {
    let all = || -> Vec<i32> {
        let lines = heeler.stdout.json();
        lines.iter().filter_map(|line| line["msg"].as_str()?.strip_prefix("working ")?.parse().ok()).collect()
    };
    eventually(&format!("{count} workers said hello"), || all().len() >= count);
    all()
}

/// The pid of the worker that takes a call now.
#[track_caller]
pub fn pid(heeler: &Heeler) -> i32 {
    heeler.get("/pid").assert_ok().text().trim().parse().expect("a pid")
}

/// How many processes heeler has started, by its log.
pub fn starts(heeler: &Heeler) -> usize {
    said(heeler, "worker started")
}

/// How many times heeler said this.
pub fn said(heeler: &Heeler, message: &str) -> usize {
    heeler.stderr.json().iter().filter(|line| line["msg"] == message).count()
}

/// A call on a thread of its own: its status, and its body.
pub fn call_aside(heeler: &Heeler, target: &str) -> std::thread::JoinHandle<(u16, String)> {
    let (conn, request) = (heeler.conn(), Request::get(target));
    std::thread::spawn(move || {
        let mut conn = conn;
        let answer = conn.call(&request);
        (answer.status, answer.text())
    })
}
