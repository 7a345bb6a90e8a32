//! The fixture function of the tests: plays every naughty handler, chosen by its first argument.
//!
//! `do` takes its words from the call's `X-Do` header, so that one instance of heeler can serve many roles.
//! A folder named by the `X-Gate` header (or `TESTFN_GATE`) is how a role and its test meet: the role makes `started.PID`
//! in it and waits for `open`. Whatever a test forgets ends by itself after [`longest_life`].
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::exit,
    reason = "a stand-in for a user's program, which knows nothing of heeler's rules"
)]

mod acts;
mod foe;
mod processes;
mod serve;
mod worker;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::exit;
use std::time::Duration;

use processes::{
    crowd, escape, fork_and_leave, hang, ignore_requests_to_end, kill_self, note_term, orphans, print_session, runner,
    runners,
};

/// Seconds after which every role is ended by SIGALRM, unless TESTFN_LIFE says another number.
fn longest_life() -> u32 {
    std::env::var("TESTFN_LIFE").ok().and_then(|life| life.parse().ok()).unwrap_or(120)
}

fn main() {
    // SAFETY: plain syscalls without pointers. Rust starts with SIGPIPE ignored, other programs do not.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::alarm(longest_life());
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    play(&words);
}

fn play(words: &[String]) {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let number = |at: usize| word(at).parse::<usize>().unwrap_or_else(|_| fail(&format!("word {at} is no number")));
    match word(0) {
        "do" => play(&header("X_DO").unwrap_or_default().split(' ').map(str::to_owned).collect::<Vec<_>>()),
        "" | "echo" => echo(),
        "witness" => witness(),
        "upper" => upper(),
        "count" => count(),
        "env" => print_env(),
        "args" => words[1..].iter().for_each(|word| say(&format!("[{word}]\n"))),
        "say" => say(&format!("{}\n", words[1..].join(" "))),
        "say-both" => {
            say(&format!("{}\n", word(1)));
            complain(&format!("{}\n", word(2)));
        }
        "cwd" => say(&format!("{}\n", std::env::current_dir().unwrap_or_default().display())),
        "exit" => exit_code(number(1)),
        "print-then-exit" => {
            say("partial\n");
            exit_code(number(1));
        }
        "signal" => kill_self(number(1)),
        "sleep" => {
            std::thread::sleep(Duration::from_millis(number(1) as u64));
            say("slept\n");
        }
        "gate" => {
            started();
            wait_for_open();
            say("opened\n");
        }
        "step" => {
            started();
            say("first\n");
            wait_for_open();
            say("second\n");
        }
        "hang" => {
            started();
            hang();
        }
        "say-and-hang" => {
            say("first\n");
            started();
            hang();
        }
        "hang-ignoring-term" => {
            ignore_requests_to_end();
            started();
            hang();
        }
        "note-term" => note_term(),
        "note-term-and-wait" => {
            note_term();
            wait_for_open();
        }
        "escape" => escape(word(1)),
        "runner" => runner(number(1)),
        "runners" => runners(number(1), number(2)),
        "fork-and-leave" => fork_and_leave(),
        "orphans" => orphans(number(1)),
        "crowd" => crowd(number(1)),
        "write-first" => {
            put(1, &pattern(number(1)));
            echo();
        }
        "never-read" => {
            started();
            say("not reading\n");
        }
        "close-stdin" => close_stdin(number(1)),
        "close-stdout" => {
            say("last words\n");
            // SAFETY: nothing here uses descriptor 1 after this.
            unsafe { libc::close(1) };
            started();
            wait_for_open();
        }
        "flood-stdout" => {
            flood(1, number(1));
            note("finished");
            exit_code(if words.len() > 2 { number(2) } else { 0 });
        }
        "flood-stderr" => {
            flood(2, number(1));
            say("flooded\n");
        }
        "long-line" => {
            put(2, &vec![b'x'; number(1)]);
            complain("\nthe line after\n");
            say("logged\n");
        }
        "binary-stderr" => {
            put(2, &(0..=255).collect::<Vec<u8>>());
            complain("\n\x1b[31m\"quoted\\\"\u{7f}\n");
            put(2, b"\xff\xfe without an end");
        }
        "lines" => (0..number(1)).for_each(|line| complain(&format!("line {line}\n"))),
        "cgi" => say(&format!(
            "Status: {} Chosen\r\nContent-Type: text/plain\r\nX-From: script\r\nX-Many: 1\r\nX-Many: 2\r\n\r\nbody {}\n",
            word(1),
            word(1)
        )),
        "cgi-echo" => {
            say("Content-Type: application/x-echo\n\n");
            echo();
        }
        "cgi-env" => {
            say("Content-Type: text/plain\n\n");
            print_env();
        }
        "cgi-bad" => say("this is no header block\n"),
        "cgi-raw" => say(&word(1).replace("\\n", "\n").replace("\\r", "\r")),
        "cgi-say" => say(&format!("Content-Type: text/plain\n\n{}\n", words[1..].join(" "))),
        "ready-if" => exit_code(usize::from(!PathBuf::from(word(1)).exists())),
        "cpu" => burn(number(1)),
        "rss" => {
            let held = vec![1_u8; number(1) << 20];
            say(&format!("holding {}\n", held.iter().map(|byte| usize::from(*byte)).sum::<usize>()));
        }
        "fds" => print_fds(),
        "limits" => print!("{}", fs::read_to_string("/proc/self/limits").unwrap_or_default()),
        "session" => print_session(),
        "serve" => serve::serve(&words[1..]),
        "worker" => worker::work(&words[1..]),
        "foe" => foe::harm(&words[1..]),
        "act" => acts::play(&mut acts::Process, words[1..].iter().map(String::as_str)),
        other => fail(&format!("no such role: {other:?}")),
    }
}

fn fail(why: &str) -> ! {
    complain(&format!("testfn: {why}\n"));
    exit(99)
}

fn exit_code(code: usize) {
    exit(i32::try_from(code).unwrap_or(99));
}

/// A header of the call, as watchdogs and as CGI name it.
fn header(name: &str) -> Option<String> {
    let capital = |part: &str| part[..1].to_owned() + &part[1..].to_ascii_lowercase();
    let watchdog = name.split('_').map(capital).collect::<Vec<_>>().join("_");
    std::env::var(format!("Http_{watchdog}")).or_else(|_| std::env::var(format!("HTTP_{name}"))).ok()
}

fn gate() -> Option<PathBuf> {
    header("X_GATE").or_else(|| std::env::var("TESTFN_GATE").ok()).map(PathBuf::from)
}

fn note(name: &str) {
    if let Some(gate) = gate() {
        drop(File::create(gate.join(name)));
    }
}

fn started() {
    note(&format!("started.{}", std::process::id()));
}

fn wait_for_open() {
    wait_for("open");
}

fn wait_for(name: &str) {
    let Some(gate) = gate() else { fail("nobody named a gate") };
    while !gate.join(name).exists() {
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// All of it, unbuffered; an error ends the process as it would end most programs.
fn put(fd: i32, bytes: &[u8]) {
    // SAFETY: the descriptor is one of the standard three, and ManuallyDrop keeps it open.
    let mut file = std::mem::ManuallyDrop::new(unsafe { File::from_raw_fd(fd) });
    if file.write_all(bytes).is_err() {
        exit(98);
    }
}

fn say(text: &str) {
    put(1, text.as_bytes());
}

fn complain(text: &str) {
    put(2, text.as_bytes());
}

/// Bytes that differ wherever one looks, the same as the tests' own.
fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

fn copy(change: impl Fn(&mut [u8])) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match io::stdin().lock().read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                change(&mut buffer[..length]);
                put(1, &buffer[..length]);
            }
            Err(error) => fail(&error.to_string()),
        }
    }
}

fn echo() {
    copy(|_| ());
}

/// What came whole, told where the test reads it before the caller has its answer; the body is the answer.
fn witness() {
    let mut body = Vec::new();
    if io::stdin().lock().read_to_end(&mut body).is_err() {
        exit(98);
    }
    let of_call = |name| std::env::var(name).unwrap_or_default();
    saw(&format!("{} {}", of_call("Http_Method"), of_call("Http_Path")), &body);
    put(1, &body);
}

/// A line in the gate's file of calls.
fn saw(request: &str, body: &[u8]) {
    let path = gate().unwrap_or_else(|| fail("nobody named a gate")).join("seen");
    let line = format!("{} {}\n", request.escape_debug(), body.escape_ascii());
    let file = File::options().append(true).create(true).open(path);
    if file.and_then(|mut file| file.write_all(line.as_bytes())).is_err() {
        fail("the call cannot be told");
    }
}

fn upper() {
    copy(<[u8]>::make_ascii_uppercase);
}

fn count() {
    started();
    match io::copy(&mut io::stdin().lock(), &mut io::sink()) {
        Ok(length) => say(&format!("{length}\n")),
        Err(error) => fail(&error.to_string()),
    }
}

fn print_env() {
    let mut pairs: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    pairs.sort();
    for (name, value) in pairs {
        put(1, &[name.as_bytes(), b"=", value.as_bytes(), b"\n"].concat());
    }
}

fn close_stdin(after: usize) {
    let mut read = vec![0; after];
    if io::stdin().lock().read_exact(&mut read).is_err() {
        fail("stdin was shorter");
    }
    // SAFETY: nothing here uses descriptor 0 after this.
    unsafe { libc::close(0) };
    put(1, &read);
}

/// Lines of 80 bytes, and the rest.
fn flood(fd: i32, bytes: usize) {
    let line = [&[b'f'; 79][..], b"\n"].concat();
    let block = line.repeat(512);
    let mut left = bytes;
    while left > 0 {
        let length = left.min(block.len());
        put(fd, &block[..length]);
        left -= length;
    }
}

fn burn(milliseconds: usize) {
    let cpu = || {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is ours.
        unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
    };
    while cpu() < Duration::from_millis(milliseconds as u64) {}
    say("burnt\n");
}

/// `number -> what it is`, a line each.
fn print_fds() {
    // Not by listing the folder: that needs a descriptor, which would be in the list.
    let mut lines = Vec::new();
    for fd in 0..1024 {
        if let Ok(what) = fs::read_link(format!("/proc/self/fd/{fd}")) {
            lines.push(format!("{fd} -> {}\n", what.display()));
        }
    }
    say(&lines.concat());
}
