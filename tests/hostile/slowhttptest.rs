//! Debian's slowhttptest with hundreds of connections: all are cut at heeler's limits, while others are served.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Builder, Heeler, Link, Page, Request, SECOND, Then, Upstream, eventually, skipped, tree};

const MANY: u32 = 300;
/// Each costs the kernel some megabytes of an answer that is not read.
const SOME: u32 = 40;
/// What they may cost in memory, all together.
const MOST_MEMORY: u64 = 32 << 20;
/// Far beyond heeler's limits.
const LONGEST: Duration = Duration::from_secs(8);

/// Whether the tool is there; a line that says so if not.
fn is_here() -> bool {
    let here = Command::new("slowhttptest").arg("-h").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !here {
        skipped("slowhttptest is not installed (scripts/need.sh slowhttptest)");
    }
    here
}

fn limits(builder: Builder) -> Heeler {
    let limits = [("read_timeout", "1s"), ("write_timeout", "1s"), ("idle_timeout", "30s"), ("kill_grace", "100ms")];
    builder.envs(&limits).metrics().start()
}

/// Ended with the test, if it does not end by itself.
struct Tool(Child);

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs it while others call, to the end of its last connection or of its time.
#[track_caller]
fn attack(heeler: &Heeler, path: &str, connections: u32, arguments: &[&str]) {
    let before = tree::size(heeler.pid, "VmRSS");
    let url = format!("http://{}{path}", heeler.address());
    let (longest, connections) = (LONGEST.as_secs().to_string(), connections.to_string());
    let mut command = Command::new("slowhttptest");
    command.args(["-c", &connections, "-r", &connections, "-i", "1", "-p", "5", "-l", &longest, "-u", &url]);
    let mut tool = Tool(command.args(arguments).stdout(Stdio::null()).stdin(Stdio::null()).spawn().unwrap());
    let mut calls = 0;
    eventually("the tool ends", || {
        let began = Instant::now();
        assert_eq!(heeler.post("/", "beside").assert_ok().text(), "beside");
        assert!(began.elapsed() < SECOND * 5, "a call beside them took {:?}", began.elapsed());
        calls += 1;
        tool.0.try_wait().unwrap().is_some()
    });
    let grown = tree::grown(heeler.pid, "VmHWM", before);
    assert!(grown < MOST_MEMORY, "{grown} bytes");
    assert!(calls > 10, "only {calls} calls beside them");
}

/// How many requests were refused for this reason; a call that was given up is told a moment later.
#[track_caller]
fn wait_refused(heeler: &Heeler, reason: &str, count: u32) {
    let refused = |page: &Page| page.value("heeler_refusals_total", &[("reason", reason)]);
    eventually("all were refused", || refused(&heeler.scrape()) >= f64::from(count));
}

#[test]
fn slow_heads_are_cut() {
    if !is_here() {
        return;
    }
    let heeler = limits(Heeler::builder().role("warm", "worker echo places=8"));
    attack(&heeler, "/", MANY, &["-H", "-x", "24"]);
    wait_refused(&heeler, "slow_request", MANY);
}

#[test]
fn slow_bodies_are_cut() {
    if !is_here() {
        return;
    }
    let heeler = limits(Heeler::builder().role("serializing", "echo"));
    attack(&heeler, "/", MANY, &["-B", "-s", "4096", "-x", "10"]);
    wait_refused(&heeler, "slow_request", MANY);
    // Where bodies are passed on as they come, they have a second more for each KiB.
    let upstream = Upstream::echo();
    let heeler = limits(upstream.builder());
    attack(&heeler, "/", MANY, &["-B", "-s", "1024", "-x", "10"]);
    wait_refused(&heeler, "slow_request", MANY);
}

#[test]
fn slow_readers_are_cut() {
    if !is_here() {
        return;
    }
    // More than lies in all buffers on the way to somebody who takes a few bytes at a time.
    let large = vec![b'x'; 8 << 20];
    let upstream = Upstream::serve(move |link: &mut Link, asked| {
        if asked.target() != "/large" {
            link.ok(asked.body);
            return Then::Keep;
        }
        link.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", large.len()).as_bytes());
        link.send(&large);
        Then::Close
    });
    let heeler = limits(upstream.builder());
    // A few bytes every five seconds: longer than heeler waits.
    attack(&heeler, "/large", SOME, &["-X", "-w", "512", "-y", "1024", "-n", "5", "-z", "32", "-k", "1"]);
    wait_refused(&heeler, "client_gone", SOME);
    heeler.call(&Request::post("/", "after")).assert_ok();
}
