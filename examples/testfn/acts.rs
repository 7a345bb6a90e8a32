//! Steps that a test writes down one by one, `read:1000 head put:50 exit:3`: a handler that goes wrong at a chosen point.
//!
//! The same steps are played by a process per call, by the server and by the worker; how a body is read and an answer is
//! written is each one's own [`Side`].
//!
//! `read:N` bytes of the body, `eof` all of it; `head` begins the answer, `put:N` bytes without a newline, `flow` without end,
//! `end` ends it; `raw` what no protocol knows, `shut` closes the way to heeler, `shut:FD` a descriptor; `err:N` bytes of standard
//! error without a newline, `errflow` without end, `errlines:N` so many lines; `grow:N` MiB of memory; `file:N` bytes of a file
//! below TMPDIR, or exit code 5; `open:N` sockets for good, or as many as there may be; `deaf` to TERM; `daemon` leaves one
//! behind; `mark:NAME` makes a file in the gate, `wait:NAME` waits for one; `exit:N`, `kill:N`, `hang`.

use std::io::{self, Read};
use std::process::exit;

use super::processes::{escape, hang, ignore_requests_to_end, kill_self};
use super::{complain, fail, note, put, say, wait_for};

/// The call as a handler of one kind has it.
pub(super) trait Side {
    /// Some bytes of the body, at most so many; 0 at its end.
    fn read(&mut self, most: usize) -> usize;
    fn head(&mut self);
    /// Whether there is anybody who wants more.
    fn put(&mut self, bytes: &[u8]) -> bool;
    fn raw(&mut self);
    fn end(&mut self);
    fn shut(&mut self);
    /// Whether the call was taken back, and that was acknowledged: nothing may go on then.
    fn is_over(&self) -> bool {
        false
    }
}

/// Until the steps are done, or the caller is gone.
pub(super) fn play<'a>(side: &mut impl Side, steps: impl IntoIterator<Item = &'a str>) {
    for step in steps {
        if side.is_over() {
            return;
        }
        let (verb, word) = step.split_once(':').unwrap_or((step, ""));
        let number = || word.parse::<usize>().unwrap_or_else(|_| fail(&format!("{step} has no number")));
        match verb {
            "" => {}
            "read" => {
                let mut left = number();
                while left > 0 {
                    match side.read(left) {
                        0 => return,
                        length => left -= length,
                    }
                }
            }
            "eof" => while side.read(1 << 16) > 0 {},
            "head" => side.head(),
            "put" => {
                let mut left = number();
                while left > 0 {
                    let piece = left.min(1 << 14);
                    if !side.put(&[b'a'; 1 << 14][..piece]) {
                        return;
                    }
                    left -= piece;
                }
            }
            "flow" => {
                while side.put(&[b'a'; 1 << 14]) {}
                return;
            }
            "end" => side.end(),
            "raw" => side.raw(),
            "shut" if word.is_empty() => side.shut(),
            // SAFETY: a number; nothing here uses that descriptor after this.
            "shut" => drop(unsafe { libc::close(i32::try_from(number()).unwrap_or(-1)) }),
            "err" => put(2, &vec![b'e'; number()]),
            "errflow" => loop {
                complain(&"e".repeat(1 << 14));
            },
            "errlines" => (0..number()).for_each(|line| complain(&format!("line {line}\n"))),
            "grow" => std::mem::forget(vec![1_u8; number() << 20]),
            "file" => file(number()),
            "open" => open(number()),
            "deaf" => ignore_requests_to_end(),
            "daemon" => escape("quiet"),
            "mark" => note(word),
            "wait" => wait_for(word),
            "exit" => exit(i32::try_from(number()).unwrap_or(99)),
            "kill" => kill_self(number()),
            "hang" => hang(),
            _ => fail(&format!("no such step: {step:?}")),
        }
    }
}

fn file(length: usize) {
    let folder = std::env::var("TMPDIR").unwrap_or_else(|_| "/tmp".to_owned());
    let path = std::path::Path::new(&folder).join(format!("handler.{}", std::process::id()));
    let written = std::fs::write(&path, vec![b'a'; length]);
    let _ = std::fs::remove_file(path);
    if let Err(error) = written {
        complain(&format!("cannot write: {error}\n"));
        exit(5);
    }
}

fn open(most: usize) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: numbers, into and from a value of ours.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
    }
    // Some are left for what else this process does.
    let most = most.min(usize::try_from(limit.rlim_max).unwrap_or(usize::MAX).saturating_sub(100));
    for _ in 0..most {
        // SAFETY: numbers. Of all that has a descriptor, sockets are among the slowest to close.
        unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0) };
    }
}

/// A process per call: standard input and output. Its head is that of CGI, or nothing.
pub(super) struct Process;

impl Side for Process {
    fn read(&mut self, most: usize) -> usize {
        let mut buffer = vec![0; most.min(1 << 16)];
        io::stdin().lock().read(&mut buffer).unwrap_or_else(|error| fail(&error.to_string()))
    }

    fn head(&mut self) {
        if std::env::var_os("GATEWAY_INTERFACE").is_some() {
            say("Content-Type: text/plain\n\n");
        }
    }

    fn put(&mut self, bytes: &[u8]) -> bool {
        put(1, bytes);
        true
    }

    fn raw(&mut self) {
        put(1, b"\x00\xff\xfe no head");
    }

    fn end(&mut self) {}

    fn shut(&mut self) {
        // SAFETY: nothing here uses these descriptors after this.
        unsafe {
            libc::close(0);
            libc::close(1);
        }
    }
}
