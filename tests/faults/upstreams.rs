//! http mode: the server behind heeler goes wrong at some point of a call, byte by byte.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::stage::{Outcome, Stage};
use super::support::{Asked, Link, Upstream, tree};

/// What the server does once it has read a request's head.
#[derive(Clone, Copy, Debug)]
pub enum Do {
    /// So many bytes of the body.
    Read(usize),
    Send(&'static str),
    /// Header lines until nobody takes them.
    SendHeaders,
    Close,
    Reset,
    /// Nothing, not even a read, until heeler closes.
    Wait,
}

use Do::{Close, Read, Reset, Send, SendHeaders, Wait};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\naaaa";
const TWICE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\naaaaHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstale";
const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n";
const CHUNKS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const TWO_LENGTHS: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\naaaaa";

const BROKEN: Outcome = Outcome::Made(502, "upstream");
const NONSENSE: Outcome = Outcome::Made(502, "bad_head");
const LATE: Outcome = Outcome::Made(504, "timeout");
const CUT: Outcome = Outcome::Broken;
const SOME: usize = 300_000;

/// The case, the length of the request's body, what the server does, and what the caller gets.
pub const FAULTS: [(&str, usize, &[Do], Outcome); 29] = [
    ("closes without an answer", 0, &[Close], BROKEN),
    ("resets without an answer", 0, &[Reset], BROKEN),
    ("closes before the body", SOME, &[Close], BROKEN),
    ("resets before the body", SOME, &[Reset], BROKEN),
    ("closes within the body", SOME, &[Read(1000), Close], BROKEN),
    ("resets within the body", SOME, &[Read(1000), Reset], BROKEN),
    ("closes after the body", SOME, &[Read(SOME), Close], BROKEN),
    ("ends within the status line", 0, &[Send("HTTP/1.1 2"), Close], BROKEN),
    ("ends after the status line", 0, &[Send("HTTP/1.1 200 OK\r\n"), Close], BROKEN),
    ("ends within a header", 0, &[Send("HTTP/1.1 200 OK\r\nContent-"), Close], BROKEN),
    ("resets within the head", 0, &[Send("HTTP/1.1 200 OK\r\nContent-"), Reset], BROKEN),
    ("says 100 and ends", 0, &[Send("HTTP/1.1 100 Continue\r\n\r\n"), Close], BROKEN),
    ("switches unasked", 0, &[Send("HTTP/1.1 101 Over\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), Close], NONSENSE),
    ("speaks another protocol", 0, &[Send("SSH-2.0-OpenSSH_9.2\r\n"), Wait], NONSENSE),
    ("speaks no protocol", 0, &[Send("\0\u{1}\u{2}\n\n\n"), Wait], NONSENSE),
    ("has two lengths", 0, &[Send(TWO_LENGTHS), Close], NONSENSE),
    ("has a head without end", 0, &[Send("HTTP/1.1 200 OK\r\n"), SendHeaders, Close], NONSENSE),
    ("ends after the head", 0, &[Send(LENGTH), Close], CUT),
    ("ends within a body with a length", 0, &[Send(LENGTH), Send("aaaa"), Close], CUT),
    ("resets within a body with a length", 0, &[Send(LENGTH), Send("aaaa"), Reset], CUT),
    ("ends within a chunk's size", 0, &[Send(CHUNKS), Send("4\r\naaaa\r\n5"), Close], CUT),
    ("ends within a chunk", 0, &[Send(CHUNKS), Send("4\r\naa"), Close], CUT),
    ("ends before the last chunk", 0, &[Send(CHUNKS), Send("4\r\naaaa\r\n"), Close], CUT),
    ("resets before the last chunk", 0, &[Send(CHUNKS), Send("4\r\naaaa\r\n"), Reset], CUT),
    ("has chunks that are none", 0, &[Send(CHUNKS), Send("4\r\naaaa\r\nzz\r\n"), Wait], CUT),
    ("is silent", 0, &[Wait], LATE),
    ("is silent within the head", SOME, &[Send("HTTP/1.1 200 OK\r\nContent-"), Wait], LATE),
    ("never reads and is silent", 16 << 20, &[Wait], LATE),
    ("is silent within its answer", 0, &[Send(LENGTH), Send("aaaa"), Wait], Outcome::Cut(0)),
];

/// What is no failure at all, if it is odd.
pub const ODD: [(&str, usize, &[Do], Outcome); 2] = [
    ("answers before the body and never reads it", 16 << 20, &[Send(OK), Wait], Outcome::Fine(4)),
    ("answers twice", 0, &[Send(TWICE), Wait], Outcome::Fine(4)),
];

fn all() -> impl Iterator<Item = (&'static str, usize, &'static [Do], Outcome)> {
    FAULTS.into_iter().chain(ODD)
}

/// `/fault/N` is the Nth case, anything else is fine.
fn serve(mut link: Link) {
    while let Some(asked) = link.try_head() {
        match number(&asked).and_then(|number| all().nth(number)) {
            Some((_, _, steps, _)) => return go_wrong(link, steps),
            None => link.ok("aaaa"),
        }
    }
}

fn number(asked: &Asked) -> Option<usize> {
    asked.target().strip_prefix("/fault/")?.parse().ok()
}

fn go_wrong(mut link: Link, steps: &[Do]) {
    for step in steps {
        match step {
            Read(length) => drop(link.read_exact(*length)),
            Send(text) => drop(link.send(text.as_bytes())),
            SendHeaders => while link.send(b"X-More: and more and more and more and more and more and more\r\n") {},
            Close => return,
            Reset => return link.reset(),
            Wait => link.wait_hung_up(),
        }
    }
}

#[test]
fn a_server_that_goes_wrong_costs_its_own_call() {
    let upstream = Upstream::serve_links(serve);
    let stage = Stage::with("http", |builder| builder.role("http", "hang").env("http_upstream_url", upstream.url()));
    for (number, (name, body, steps, outcome)) in all().enumerate() {
        let request = stage.upload("", body).target(&format!("/fault/{number}"));
        let waits = matches!(steps.last(), Some(Wait)) && !matches!(outcome, Outcome::Fine(_));
        let request = if waits { request.header("X-Timeout", "500ms") } else { request };
        stage.call_case(name, &request, outcome);
    }
}

#[test]
fn a_server_that_stands_still_costs_the_calls_until_it_goes_on() {
    for mode in ["http", "warm"] {
        let stage = Stage::new(mode, &[]);
        stage.case("is stopped for a while", || {
            let pid = stage.heeler.descendants()[0].pid;
            tree::signal(pid, Signal::SIGSTOP);
            let request = stage.request("head put:4 end").header("X-Timeout", "300ms");
            stage.meets(&request, stage.late());
            super::support::pass(Duration::from_millis(50));
            // A worker that does not let go of its call is ended; a server goes on.
            if mode == "http" {
                tree::signal(pid, Signal::SIGCONT);
            }
        });
    }
}
