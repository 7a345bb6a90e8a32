//! Who tells what reached the handler: the fixture in a file, or an upstream that the test plays.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::{Asked, Gate, Heeler, Link, Then, Upstream};

/// heeler in a mode, and the calls that its handler saw whole, each as `METHOD PATH BODY`.
pub struct Place {
    pub mode: &'static str,
    pub heeler: Heeler,
    seen: Seen,
}

enum Seen {
    Nobody,
    /// And how much of the gate's file was read.
    File(Gate, AtomicUsize),
    /// It serves for as long as it is there.
    Upstream(#[expect(dead_code, reason = "held")] Upstream, Arc<Mutex<Vec<Asked>>>),
}

impl Place {
    pub fn new(mode: &'static str, env: &[(&str, &str)]) -> Place {
        if mode == "http" {
            return Place::before_an_upstream(env);
        }
        let gate = Gate::new();
        let role = if mode == "warm" { "worker witness places=8" } else { "witness" };
        let heeler = Heeler::builder().role(mode, role).env("TESTFN_GATE", gate.path()).envs(env).start();
        Place { mode, heeler, seen: Seen::File(gate, AtomicUsize::new(0)) }
    }

    /// In a mode whose handler tells nothing: what it gets is its answer.
    pub fn of_an_echo(mode: &'static str) -> Place {
        Place { mode, heeler: Heeler::play(mode, crate::support::echo_of(mode), &[]), seen: Seen::Nobody }
    }

    fn before_an_upstream(env: &[(&str, &str)]) -> Place {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let notes = asked.clone();
        let upstream = Upstream::serve(move |link: &mut Link, asked: Asked| {
            let (body, is_head) = (asked.body.clone(), asked.method() == "HEAD");
            notes.lock().unwrap().push(asked);
            if is_head {
                link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            } else {
                link.ok(body);
            }
            Then::Keep
        });
        let heeler = upstream.heeler(env);
        Place { mode: "http", heeler, seen: Seen::Upstream(upstream, asked) }
    }

    /// What came since this was last asked; `None` where nobody tells.
    pub fn take(&self) -> Option<Vec<String>> {
        Some(match &self.seen {
            Seen::Nobody => return None,
            Seen::File(gate, read) => {
                let text = fs::read_to_string(gate.file("seen")).unwrap_or_default();
                // It only grows: what comes between a reading and a removal would be lost.
                let whole = text.rfind('\n').map_or(0, |at| at + 1);
                text[read.swap(whole, Ordering::Relaxed)..whole].lines().map(str::to_owned).collect()
            }
            Seen::Upstream(_, asked) => std::mem::take(&mut *asked.lock().unwrap()).iter().map(told).collect(),
        })
    }
}

impl Place {
    /// Nothing has come since this was last asked.
    pub fn rests(&self, before: &str) -> Result<(), String> {
        let late = self.take().unwrap_or_default();
        if late.is_empty() { Ok(()) } else { Err(format!("seen late, of {before}: {late:?}")) }
    }
}

/// As `METHOD PATH BODY`; or what is wrong with it.
fn told(asked: &Asked) -> String {
    match framing(asked).and_then(|()| of_the_connection(asked)).and_then(|()| characters(asked)) {
        Ok(()) => {
            let request = format!("{} {}", asked.method(), asked.target());
            format!("{} {}", request.escape_debug(), asked.body.escape_ascii())
        }
        Err(what) => format!("{what}: {asked:?}"),
    }
}

fn hold(condition: bool, what: &'static str) -> Result<(), &'static str> {
    if condition { Ok(()) } else { Err(what) }
}

/// One framing at most, and one host.
fn framing(asked: &Asked) -> Result<(), &'static str> {
    let (lengths, codings) = (asked.all("content-length"), asked.all("transfer-encoding"));
    hold(lengths.len() + codings.len() <= 1, "two framings")?;
    hold(codings.is_empty() || codings == ["chunked"], "a coding")?;
    hold(asked.all("host").len() == 1, "hosts")
}

/// Nothing of the caller's connection.
fn of_the_connection(asked: &Asked) -> Result<(), &'static str> {
    hold(asked.all("keep-alive").is_empty(), "keep-alive")?;
    hold(asked.all("proxy-connection").is_empty(), "proxy-connection")?;
    hold(asked.all("http2-settings").is_empty(), "http2-settings")?;
    hold(["", "trailers"].contains(&asked.list("te").as_str()), "te")?;
    let upgrade = asked.list("upgrade").to_ascii_lowercase();
    let is_http = upgrade.contains("h2") || upgrade.contains("http/");
    hold(asked.all("upgrade").len() <= 1 && asked.all("upgrade") != [""] && !is_http, "upgrade")?;
    let connection = asked.list("connection").to_ascii_lowercase();
    hold(connection == if upgrade.is_empty() { "" } else { "upgrade" }, "connection")
}

/// RFC 9110 §5.5 and §5.1.
fn characters(asked: &Asked) -> Result<(), &'static str> {
    hold(asked.headers.iter().all(|(name, _)| !name.is_empty() && name.bytes().all(is_token)), "a name")?;
    let visible = |byte: &u8| *byte == b'\t' || *byte >= b' ' && *byte != 0x7f;
    hold(asked.headers.iter().all(|(_, value)| value.iter().all(visible)), "a value")
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
