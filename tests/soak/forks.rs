//! The modes with a process for each call.

use super::caller::Ask;
use super::faults::Fault;
use super::instance::Instance;
use super::kinds::{SOON, aborts, instance, upload};
use super::support::{Heeler, Request, pattern};

fn role(words: &str) -> Request {
    Request::role(words)
}

pub fn mode(mode: &'static str) -> Instance {
    let builder = Heeler::builder().role(mode, "do").env("kill_grace", SOON);
    let (echo, say) = if mode == "cgi" { ("cgi-echo", "cgi-say hi") } else { ("echo", "say hi") };
    let sent = |length: usize| upload("/", length).header("X-Do", echo);
    let good = vec![
        Ask::new(&sent(100), 200, Some(&pattern(100))),
        Ask::new(&role(say), 200, Some(b"hi\n")),
        Ask::new(&sent(30_000), 200, Some(&pattern(30_000))),
    ];
    let mut faults = aborts(&sent(100_000), &role("escape hang"));
    faults.extend(harms(mode));
    Instance { width: 2, rounds: 15, ..instance(mode, builder, good, faults) }
}

/// Handlers that fail, leave something behind, or never end.
fn harms(mode: &str) -> Vec<Fault> {
    // Where the output has to begin with a header block, plain output is a failure of its own.
    let fine: &[u16] = if mode == "cgi" { &[502] } else { &[200] };
    let late: &[u16] = if mode == "classic" { &[408] } else { &[504] };
    let timeout = |words: &str| Fault::Answers(role(words).header("X-Timeout", SOON), late);
    let mut all = vec![
        Fault::Answers(role("exit 1"), &[500]),
        Fault::Answers(role("signal 9"), &[500, 502]),
        Fault::Answers(role("signal 11"), &[500, 502]),
        Fault::Answers(role("escape exit"), fine),
        Fault::Answers(role("orphans 5"), fine),
        Fault::Answers(role("flood-stderr 20000"), fine),
        Fault::Answers(upload("/", 300_000).header("X-Do", "never-read"), fine),
        Fault::Fails(role("print-then-exit 1")),
        timeout("hang"),
        timeout("hang-ignoring-term"),
        timeout("runners 2 1"),
    ];
    match mode {
        "streaming" => all.push(Fault::Fails(role("say-and-hang").header("X-Timeout", "2s"))),
        "cgi" => all.push(Fault::Answers(role("cgi-bad"), &[502])),
        _ => all.push(timeout("say-and-hang")),
    }
    all
}

/// More callers than places, and more than may wait.
pub fn queued() -> Instance {
    let limits = [("max_inflight", "2"), ("queue_depth", "4"), ("queue_timeout", "1s"), ("kill_grace", SOON)];
    let builder = Heeler::builder().role("streaming", "do").envs(&limits);
    let good = vec![Ask::new(&role("say hi"), 200, Some(b"hi\n"))];
    let faults = vec![
        Fault::Reset(role("hang"), usize::MAX),
        Fault::Reset(role("escape hang"), usize::MAX),
        Fault::Answers(role("hang").header("X-Timeout", SOON), &[429, 503, 504]),
        Fault::HalfClose(role("sleep 50")),
    ];
    Instance { width: 10, rounds: 15, tolerated: &[429, 503], ..instance("streaming, queued", builder, good, faults) }
}
