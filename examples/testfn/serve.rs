//! The role of a server that listens by itself, as http mode's handlers do.
//!
//! Its words: `at=ADDRESS` (`host:port` or `unix:/path`) or `host=HOST` instead of 127.0.0.1 with PORT; `gate` waits for
//! the gate before it listens; `only-first` ends with 4 if another one has served before; `leave` leaves a daemon
//! behind; `deaf` ignores TERM; `brief` ends with 5 as soon as somebody has connected; `keep` keeps connections. It says
//! `serving PID at ADDRESS` when it listens, and `signal N` for each signal. Answers go by the path, or to every request
//! alike: `echo` gives the body back, `quiet` nothing, `tell` what a process per call would have found in its environment.
//! `/act/STEP/STEP…` plays the steps of `acts`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::exit;

use super::acts::{self, Side};
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
    let (brief, keep) = (has("brief"), has("keep"));
    let kind = ["echo", "quiet", "tell"].into_iter().find(|kind| has(kind));
    let serve_one = move |stream: Box<dyn Stream>| {
        if brief {
            exit(5);
        }
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            while answer(&mut stream, kind, keep) && keep {}
        });
    };
    match at.strip_prefix("unix:") {
        Some(path) => {
            let listener = UnixListener::bind(path).unwrap_or_else(|error| fail(&format!("{at}: {error}")));
            serving(&at);
            listener.incoming().flatten().for_each(|stream| serve_one(Box::new(stream)));
        }
        None => {
            let listener = TcpListener::bind(&at).unwrap_or_else(|error| fail(&format!("{at}: {error}")));
            serving(&at);
            listener.incoming().flatten().for_each(|stream| serve_one(Box::new(stream)));
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

pub(super) fn say_signals(deaf: bool) {
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

trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

/// One request, one answer; whether both came through.
fn answer(stream: &mut BufReader<Box<dyn Stream>>, kind: Option<&str>, keep: bool) -> bool {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !matches!(stream.read_line(&mut head), Ok(1..)) {
            return false;
        }
    }
    let length = header(&head, "content-length").parse().unwrap_or(0);
    if let Some(steps) = head.split(' ').nth(1).and_then(|path| path.strip_prefix("/act/")) {
        acts::play(&mut Web { stream, left: length }, steps.split('/'));
        return false;
    }
    let mut body = Vec::new();
    if stream.by_ref().take(length).read_to_end(&mut body).is_err() || (body.len() as u64) < length {
        return false;
    }
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (status, answer) = match kind {
        Some("echo") => (200, body),
        Some("tell") => (200, told(method, path, &head).into_bytes()),
        Some(_) => (200, Vec::new()),
        None => {
            let (status, text) = by_path(path);
            (status, text.into_bytes())
        }
    };
    let after = if keep { "keep-alive" } else { "close" };
    let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: {after}\r\n\r\n", answer.len());
    let body = if method == "HEAD" { &[] } else { &answer[..] };
    stream.get_mut().write_all(&[head.as_bytes(), body].concat()).is_ok()
}

/// One call, whose body has a length.
struct Web<'a> {
    stream: &'a mut BufReader<Box<dyn Stream>>,
    left: u64,
}

impl Side for Web<'_> {
    fn read(&mut self, most: usize) -> usize {
        let mut buffer = vec![0; most.min(1 << 16)];
        let length = self.stream.by_ref().take(self.left).read(&mut buffer).unwrap_or(0);
        self.left -= length as u64;
        length
    }

    fn head(&mut self) {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        let _ = self.stream.get_mut().write_all(head);
    }

    fn put(&mut self, bytes: &[u8]) -> bool {
        let size = format!("{:x}\r\n", bytes.len());
        self.stream.get_mut().write_all(&[size.as_bytes(), bytes, b"\r\n"].concat()).is_ok()
    }

    fn raw(&mut self) {
        let _ = self.stream.get_mut().write_all(b"\x00\xff\xfe no head\r\n\r\n");
    }

    fn end(&mut self) {
        let _ = self.stream.get_mut().write_all(b"0\r\n\r\n");
        // As good servers do: to close on what was not read is a reset, and that may overtake the answer.
        let _ = io::copy(self.stream, &mut io::sink());
    }

    fn shut(&mut self) {
        *self.stream = BufReader::new(Box::new(io::empty()));
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or_default()
}

/// As the role `env` would print it.
fn told(method: &str, path: &str, head: &str) -> String {
    let id = header(head, "x-call-id");
    format!("Http_Method={method}\nHttp_Path={path}\nHEELER_CALL_ID={id}\n")
}

fn by_path(path: &str) -> (u16, String) {
    let number = || path.rsplit('/').next().and_then(|part| part.parse::<usize>().ok()).unwrap_or(99);
    match path.split('/').nth(1).unwrap_or_default() {
        "env" => (200, std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect()),
        "pid" => (200, format!("{}\n", std::process::id())),
        "exit" => exit(i32::try_from(number()).unwrap_or(99)),
        "kill" => kill_self(number()),
        "gate" => {
            started();
            wait_for_open();
            (200, "opened\n".to_owned())
        }
        "sleep" => {
            std::thread::sleep(std::time::Duration::from_millis(number() as u64));
            (200, "slept\n".to_owned())
        }
        "ready" if gate().is_some_and(|gate| gate.join("ready").exists()) => (200, "yes\n".to_owned()),
        "ready" => (503, "no\n".to_owned()),
        _ => (200, "hello\n".to_owned()),
    }
}
