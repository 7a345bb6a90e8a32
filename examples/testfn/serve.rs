//! The role of a server that listens by itself, as http mode's handlers do.
//!
//! Its words: `at=ADDRESS` (`host:port` or `unix:/path`) or `host=HOST` instead of 127.0.0.1 with PORT; `gate` waits for
//! the gate before it listens; `only-first` ends with 4 if another one has served before; `leave` leaves a daemon
//! behind; `deaf` ignores TERM; `brief` ends with 5 as soon as somebody has connected. It says `serving PID at ADDRESS`
//! when it listens, and `signal N` for each signal.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::exit;

use super::processes::{escape, kill_self};
use super::{fail, gate, note, say, started, wait_for_open};

/// Told to the test instead of acted upon, but for TERM.
const SIGNALS: [i32; 7] =
    [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2, libc::SIGWINCH, libc::SIGCONT, libc::SIGALRM, libc::SIGTERM];

pub(super) fn serve(words: &[String]) {
    let has = |switch: &str| words.iter().any(|word| word == switch);
    let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    if has("leave") {
        escape("");
    }
    say_signals(has("deaf"));
    if has("gate") {
        started();
        wait_for_open();
    }
    if has("only-first") && gate().is_some_and(|gate| gate.join("served").exists()) {
        exit(4);
    }
    let port = || std::env::var("PORT").unwrap_or_else(|_| fail("PORT is not set"));
    let at = value("at").map_or_else(|| format!("{}:{}", value("host").unwrap_or("127.0.0.1"), port()), str::to_owned);
    let brief = has("brief");
    match at.strip_prefix("unix:") {
        Some(path) => {
            let listener = UnixListener::bind(path).unwrap_or_else(|error| fail(&format!("{at}: {error}")));
            serving(&at);
            listener.incoming().flatten().for_each(|stream| serve_one(stream, brief));
        }
        None => {
            let listener = TcpListener::bind(&at).unwrap_or_else(|error| fail(&format!("{at}: {error}")));
            serving(&at);
            listener.incoming().flatten().for_each(|stream| serve_one(stream, brief));
        }
    }
}

fn serving(at: &str) {
    note("served");
    say(&format!("serving {} at {at}\n", std::process::id()));
}

/// Real-time ones too: the first that C libraries leave to programs.
fn all_signals() -> libc::sigset_t {
    // SAFETY: the set is ours, and filled before it is used.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in SIGNALS.into_iter().chain([libc::SIGRTMIN() + 1]) {
            libc::sigaddset(&raw mut set, signal);
        }
        set
    }
}

fn say_signals(deaf: bool) {
    let set = all_signals();
    // SAFETY: the set is ours; threads that begin after this have the signals blocked too.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    std::thread::spawn(move || {
        loop {
            let mut signal = 0;
            // SAFETY: both are ours, and the signals are blocked in every thread.
            unsafe { libc::sigwait(&raw const set, &raw mut signal) };
            say(&format!("signal {signal}\n"));
            match signal {
                libc::SIGTERM if !deaf => exit(0),
                // The fixture's own bound on its life.
                libc::SIGALRM => exit(97),
                _ => {}
            }
        }
    });
}

fn serve_one(stream: impl Read + Write + Send + 'static, brief: bool) {
    if brief {
        exit(5);
    }
    std::thread::spawn(move || answer(stream));
}

/// One request without a body, one answer.
fn answer(stream: impl Read + Write) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !matches!(stream.read_line(&mut head), Ok(1..)) {
            return;
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    let number = || path.rsplit('/').next().and_then(|part| part.parse::<usize>().ok()).unwrap_or(99);
    let (status, body) = match path.split('/').nth(1).unwrap_or_default() {
        "env" => (200, std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect()),
        "pid" => (200, format!("{}\n", std::process::id())),
        "exit" => exit(i32::try_from(number()).unwrap_or(99)),
        "kill" => kill_self(number()),
        "gate" => {
            started();
            wait_for_open();
            (200, "opened\n".to_owned())
        }
        "ready" if gate().is_some_and(|gate| gate.join("ready").exists()) => (200, "yes\n".to_owned()),
        "ready" => (503, "no\n".to_owned()),
        _ => (200, "hello\n".to_owned()),
    };
    let text = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let _ = stream.get_mut().write_all(text.as_bytes());
}
