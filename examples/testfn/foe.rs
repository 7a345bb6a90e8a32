//! The role of a warm worker that means harm: it answers calls, and around and instead of answers it plays whatever the
//! protocol of docs/wire.md forbids, drawn from a seed. The first of a gate's workers is good, so that calls have a place
//! to go: its answers are marked.
//!
//! Whatever it sends that is not a call's own body has the word `evil` in it: no caller may ever see that as an answer.
//! Its words: a seed; `early` plays instead of hello, when the gate is open.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;
use std::process::exit;

use super::processes::{hang, kill_self};
use super::{fail, gate, note, wait_for_open};

const REPLY: u8 = 5;
const LAST: u8 = 1;
const LARGEST: usize = 256 * 1024;
const EVIL: &[u8] = b"evil\0evil\0";

/// One life of it.
struct Foe {
    socket: UnixStream,
    state: u64,
    /// Calls that were answered.
    over: Vec<u32>,
    good: bool,
}

pub(super) fn harm(words: &[String]) {
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or(1);
    let fd = std::env::var("HEELER_FD").ok().and_then(|fd| fd.parse().ok()).unwrap_or_else(|| fail("no HEELER_FD"));
    // SAFETY: heeler gives this process a socket under that number, and nobody else here uses it.
    let socket = unsafe { UnixStream::from_raw_fd(fd) };
    let life = life();
    let state = (number(0) << 20 | life).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut foe = Foe { socket, state, over: Vec::new(), good: life == 0 };
    if !foe.good && words.iter().any(|word| word == "early") {
        wait_for_open();
        foe.play_before_hello();
    }
    // Most calls go to those that mean harm.
    let places: u32 = if foe.good { 1 } else { 8 };
    let hello = [&[0, 1, 0, 0][..], &65_536_u32.to_be_bytes(), &places.to_be_bytes(), b"language\0foe\0"].concat();
    foe.send(1, 0, 0, &hello);
    foe.serve();
}

/// Which of the gate's workers this is, 0 being the first.
fn life() -> u64 {
    let gate = gate().unwrap_or_else(|| fail("nobody named a gate"));
    let free =
        |life: &u64| OpenOptions::new().write(true).create_new(true).open(gate.join(format!("life.{life}"))).is_ok();
    (0..).find(free).unwrap_or_default()
}

impl Foe {
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }

    fn noise(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most) + 1;
        (0..length).map(|_| self.next().to_be_bytes()[3]).collect()
    }

    /// heeler may have closed it: that is what it has to do.
    fn put(&mut self, bytes: &[u8]) {
        if self.socket.write_all(bytes).is_err() {
            exit(0);
        }
    }

    fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let frame = frame(kind, flags, stream, payload);
        self.put(&frame);
    }

    fn play_before_hello(&mut self) {
        match self.below(6) {
            0 => exit(3),
            1 => kill_self(libc::SIGKILL as usize),
            2 => self.put(&[0xff; 12]),
            3 => self.send(REPLY, LAST, 1, &reply(200, "", EVIL)),
            4 => self.send(1, 0, 0, &[0; 12]),
            _ => {
                let noise = self.noise(4096);
                self.put(&noise);
            }
        }
        hang()
    }

    fn serve(&mut self) {
        let mut bodies: HashMap<u32, Vec<u8>> = HashMap::new();
        loop {
            let mut head = [0; 12];
            self.read(&mut head);
            let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap_or_default());
            let (kind, last, stream) = (head[4], head[5] & LAST != 0, number(8));
            let mut payload = vec![0; number(0) as usize];
            self.read(&mut payload);
            match kind {
                2 => {
                    let length = u32::from_be_bytes(payload[4..8].try_into().unwrap_or_default()) as usize;
                    bodies.insert(stream, payload[20 + length..].to_vec());
                }
                3 => bodies.entry(stream).or_default().extend(payload),
                13 => exit(0),
                _ => {}
            }
            if last && let Some(body) = bodies.remove(&stream) {
                self.answer(stream, &body);
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) {
        if self.socket.read_exact(buffer).is_err() {
            exit(0);
        }
    }

    fn answer(&mut self, stream: u32, body: &[u8]) {
        if self.good {
            return self.send(REPLY, LAST, stream, &reply(200, "x-good\x001\0", body));
        }
        let chance = if self.over.is_empty() { 999 } else { self.below(1000) };
        match chance {
            0..150 => self.break_the_protocol(stream, body),
            // Seldom: each time costs a deadline and more.
            150..153 => self.fall_silent(stream),
            153..200 => self.answer_badly(stream, body),
            _ => self.answer_with_noise(stream, body),
        }
        self.over.push(stream);
    }

    /// What it may do, if nobody would.
    fn answer_with_noise(&mut self, stream: u32, body: &[u8]) {
        let noise = self.noise(200);
        match self.below(8) {
            0 => {
                let kind = noise[0] | 128;
                let large = vec![b'e'; self.below(LARGEST + 1)];
                self.put(&frame(kind, noise[noise.len() - 1], stream, &large));
            }
            1 if !self.over.is_empty() => self.speak_of_what_is_over(&noise),
            2 => self.send(12, 0, stream, &[&[noise[0], noise[0] % 5][..], &noise].concat()),
            3 => self.send(12, 0, 0, &[&[1, 1][..], &noise].concat()),
            4 => self.send(11, 0, 0, &noise),
            5 => self.send(9, 0, stream, &1_u32.to_be_bytes()),
            6 => {
                let all = [frame(REPLY, 0, stream, &reply(200, "", b"")), frame(3, LAST, stream, body)].concat();
                return all.iter().for_each(|byte| self.put(&[*byte]));
            }
            _ => {}
        }
        self.send(REPLY, LAST, stream, &reply(200, "", body));
    }

    fn speak_of_what_is_over(&mut self, noise: &[u8]) {
        let at = self.below(self.over.len());
        let stream = self.over[at];
        self.send(REPLY, 0, stream, &reply(200, "", EVIL));
        self.send(3, 0, stream, EVIL);
        self.send(4, LAST, stream, noise);
        self.send(6, LAST, stream, noise);
        self.send(8, LAST, stream, noise);
        self.send(9, 0, stream, noise);
    }

    /// Answers that are frames as they should be, and no answers as they should be.
    fn answer_badly(&mut self, stream: u32, body: &[u8]) {
        let length = |length: usize| format!("content-length\0{length}\0");
        match self.below(5) {
            0 => self.send(6, LAST, stream, &[&[0; 8][..], b"Evil\0evil\0evil\0"].concat()),
            1 => self.send(REPLY, LAST, stream, &reply(200, &length(body.len() + 9), body)),
            2 => self.send(REPLY, LAST, stream, &reply(200, &length(2), body)),
            3 => self.send(REPLY, LAST, stream, &reply(200, "content-length\0evil\0", body)),
            _ => {
                self.send(REPLY, 0, stream, &reply(200, "", EVIL));
                self.send(6, LAST, stream, &[&[0; 8][..], b"Evil\0evil\0evil\0"].concat());
            }
        }
    }

    /// After each of these heeler has no use for it any more.
    fn break_the_protocol(&mut self, stream: u32, body: &[u8]) {
        let evil = reply(200, "", EVIL);
        let never = stream + 1 + u32::try_from(self.below(1 << 30)).unwrap_or(0);
        match self.below(22) {
            0 | 1 => {
                let noise = self.noise(4096);
                self.put(&noise);
            }
            2 => self.put(&[0xff, 0xff, 0xff, 0xff, REPLY, LAST, 0, 0, 0, 0, 0, 1]),
            3 => self.put(&[0, 4, 0, 1, REPLY, LAST, 0, 0, 0, 0, 0, 1]),
            4 => self.send(REPLY, LAST, never, &evil),
            5 => self.send(REPLY, LAST, 0, &evil),
            6 => self.send(3, LAST, stream, EVIL),
            7 => self.send(4, LAST, stream, &[0; 4]),
            8 => {
                self.send(REPLY, 0, stream, &reply(200, "", body));
                self.send(REPLY, LAST, stream, &evil);
            }
            9 => (0..2).for_each(|_| self.send(9, 0, stream, &[0xff; 4])),
            10 => {
                self.send(REPLY, 0, stream, &evil);
                let much = [frame(3, 0, stream, &[b'e'; LARGEST]), frame(3, 0, stream, &[b'e'; LARGEST])].concat();
                self.put(&much);
            }
            11 | 12 => {
                let whole = frame(REPLY, LAST, stream, &evil);
                let cut = 1 + self.below(whole.len() - 1);
                self.put(&whole[..cut]);
                let _ = self.socket.shutdown(std::net::Shutdown::Both);
            }
            13 => self.send(4, 0, stream, &[0; 4]),
            14 => self.send(6, LAST, stream, b"\x09\x09\xff\xff\0\0\0\0evil"),
            15 => {
                let kind = [1, 2, 7, 10][self.below(4)];
                self.send(kind, 0, stream, EVIL);
            }
            16 => self.put(&[0, 0, 0, 0, REPLY, 0x82, 0, 7, 0, 0, 0, 1]),
            17 => self.send(8, LAST, stream, b""),
            18 => {
                let status = [0, 100, 199, 600, 999, 65_535][self.below(6)];
                self.send(REPLY, LAST, stream, &reply(status, "", EVIL));
            }
            19 => self.send(REPLY, LAST, stream, &[&[0, 0, 0, 200, 0xff, 0, 0, 0, 0, 0, 0, 0], EVIL].concat()),
            20 => self.send(REPLY, LAST, stream, &reply(200, "bad name\0evil\nevil\0odd\0", EVIL)),
            _ => kill_self(libc::SIGKILL as usize),
        }
        hang()
    }

    fn fall_silent(&mut self, stream: u32) {
        note("silent");
        if self.below(2) == 0 {
            let half = frame(REPLY, LAST, stream, &reply(200, "", EVIL));
            self.put(&half[..15]);
            hang()
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &[kind, flags, 0, 0], &stream.to_be_bytes(), payload].concat()
}

fn reply(status: u16, fields: &str, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(fields.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&[0, 0][..], &status.to_be_bytes(), &length, &[0; 4], fields.as_bytes(), body].concat()
}
