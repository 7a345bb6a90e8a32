//! The role of a warm worker: it speaks the protocol of docs/wire.md on the socket that it is given.
//!
//! Its words: `places=N` calls at once instead of 1; `gate` waits for the gate before it says hello; `only-first` ends
//! with 4 if another one has served before; `deaf` hears neither TERM nor BYE; `leave` leaves a daemon behind;
//! `hears-late` acknowledges no cancel before the gate has a file `hear`. Instead of hello: `load-fails`, `silent`, `exit=N`, `shut`, `rubbish`. It says `working PID` when it has said hello, `bye`
//! when it ends as it was told to, and `signal N` for each signal. Answers go by the path, or to every request alike:
//! `echo` gives the body back, `quiet` nothing, `tell` what a process per call would have found in its environment,
//! `head` the word `body` behind the fields that were sent.
//! `length` tells the body's length as the call said it, `witness` gives the body back, and notes the call at the gate. `/act/STEP/STEP…` plays the steps of `acts`, and hears
//! nothing else meanwhile. `events` takes batches: it says `events KIND NUMBER ID=DATA …`, and answers with a list of those
//! whose type is a status.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use super::acts::{self, Side};
use super::processes::{escape, hang, kill_self};
use super::serve::say_signals;
use super::{complain, fail, gate, note, saw, say, started, wait_for, wait_for_open};

const HELLO: u8 = 1;
const CALL: u8 = 2;
const DATA: u8 = 3;
const END: u8 = 4;
const REPLY: u8 = 5;
const ERROR: u8 = 6;
const CANCEL: u8 = 7;
const CANCELLED: u8 = 8;
const WINDOW: u8 = 9;
const PING: u8 = 10;
const PONG: u8 = 11;
const BYE: u8 = 13;
const LAST: u8 = 1;

/// The writing side, and the calls that are open.
struct Link {
    socket: Mutex<UnixStream>,
    open: Mutex<usize>,
    closed: Condvar,
}

impl Link {
    fn send(&self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap_or_else(|_| fail("a long frame"));
        let head = [&length.to_be_bytes()[..], &[kind, flags, 0, 0], &stream.to_be_bytes()].concat();
        let mut socket = self.socket.lock().unwrap_or_else(|_| fail("a call panicked"));
        if socket.write_all(&[&head[..], payload].concat()).is_err() {
            exit(0);
        }
    }

    fn shut(&self) {
        let socket = self.socket.lock().unwrap_or_else(|_| fail("a call panicked"));
        let _ = socket.shutdown(std::net::Shutdown::Both);
    }

    fn count(&self, change: impl Fn(&mut usize)) {
        change(&mut self.open.lock().unwrap_or_else(|_| fail("a call panicked")));
        self.closed.notify_all();
    }

    fn wait_idle(&self) {
        let open = self.open.lock().unwrap_or_else(|_| fail("a call panicked"));
        drop(self.closed.wait_while(open, |open| *open > 0));
    }
}

pub(super) fn work(words: &[String]) {
    let has = |switch: &str| words.iter().any(|word| word == switch);
    let value =
        |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse::<u32>().ok());
    let deaf = has("deaf");
    if has("leave") {
        escape("");
    }
    say_signals(deaf);
    let fd = std::env::var("HEELER_FD").ok().and_then(|fd| fd.parse().ok()).unwrap_or_else(|| fail("no HEELER_FD"));
    // SAFETY: heeler gives this process a socket under that number, and nobody else here uses it.
    let mut socket = unsafe {
        libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        UnixStream::from_raw_fd(fd)
    };
    let writer = socket.try_clone().unwrap_or_else(|error| fail(&error.to_string()));
    let link = Arc::new(Link { socket: Mutex::new(writer), open: Mutex::new(0), closed: Condvar::new() });
    if has("gate") {
        started();
        wait_for_open();
    }
    if has("only-first") && gate().is_some_and(|gate| gate.join("served").exists()) {
        exit(4);
    }
    if let Some(code) = value("exit") {
        complain("about to end\n");
        exit(i32::try_from(code).unwrap_or(99));
    }
    if has("silent") {
        started();
        hang();
    }
    if has("shut") {
        link.shut();
        hang();
    }
    if has("rubbish") {
        link.send(99, 255, 7, b"rubbish");
        hang();
    }
    if has("load-fails") {
        let fields = "ImportError\0no module named nowhere\0File \"function.py\", line 1\nimport nowhere\0";
        link.send(ERROR, LAST, 0, &[&[3, 0, 0, 0, 0, 0, 0, 0], fields.as_bytes()].concat());
        exit(1);
    }
    let places = value("places").unwrap_or(1);
    let about = "language\0fixture\0";
    let hello = [&[0, 1, 0, 0][..], &65_536_u32.to_be_bytes(), &places.to_be_bytes(), about.as_bytes()].concat();
    note("served");
    say(&format!("working {}\n", std::process::id()));
    link.send(HELLO, 0, 0, &hello);
    let kind = ["echo", "quiet", "length", "tell", "events", "witness"].into_iter().find(|kind| has(kind));
    listen(&mut socket, &link, &Manner { deaf, late: has("hears-late"), kind });
}

struct Frame {
    kind: u8,
    last: bool,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    /// A worker without heeler has nothing more to do.
    fn read(socket: &mut UnixStream) -> Frame {
        let mut head = [0; 12];
        if socket.read_exact(&mut head).is_err() {
            exit(0);
        }
        let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap_or_default());
        let mut payload = vec![0; number(0) as usize];
        if socket.read_exact(&mut payload).is_err() {
            exit(0);
        }
        Frame { kind: head[4], last: head[5] & LAST != 0, stream: number(8), payload }
    }
}

/// A call whose steps are played.
struct Acting<'a> {
    socket: &'a mut UnixStream,
    link: &'a Link,
    stream: u32,
    /// Come and not yet read.
    body: Vec<u8>,
    whole: bool,
    over: bool,
    /// What heeler takes.
    window: u32,
}

impl Acting<'_> {
    fn hear(&mut self) {
        let frame = Frame::read(self.socket);
        match frame.kind {
            DATA => {
                self.body.extend(&frame.payload);
                self.acknowledge(frame.payload.len());
            }
            WINDOW => self.window += u32::from_be_bytes(frame.payload[..4].try_into().unwrap_or_default()),
            CANCEL => {
                self.link.send(CANCELLED, LAST, self.stream, b"");
                self.over = true;
            }
            PING => self.link.send(PONG, 0, 0, &[frame.payload[0], 1]),
            BYE => exit(0),
            _ => {}
        }
        self.whole |= frame.last;
    }

    fn take_over(&mut self) {
        if !self.whole {
            self.acknowledge(self.body.len());
        }
    }

    fn acknowledge(&self, length: usize) {
        self.link.send(WINDOW, 0, self.stream, &u32::try_from(length).unwrap_or(0).to_be_bytes());
    }
}

impl Side for Acting<'_> {
    fn read(&mut self, most: usize) -> usize {
        while self.body.is_empty() && !self.whole && !self.over {
            self.hear();
        }
        let length = most.min(self.body.len());
        self.body.drain(..length).count()
    }

    fn head(&mut self) {
        self.link.send(REPLY, 0, self.stream, &[0, 0, 0, 200, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    fn put(&mut self, bytes: &[u8]) -> bool {
        for piece in bytes.chunks(1 << 14) {
            let length = u32::try_from(piece.len()).unwrap_or(0);
            while self.window < length && !self.over {
                self.hear();
            }
            if self.over {
                return false;
            }
            self.window -= length;
            self.link.send(DATA, 0, self.stream, piece);
        }
        true
    }

    fn raw(&mut self) {
        self.link.send(99, 255, 7, b"rubbish");
    }

    fn end(&mut self) {
        if !self.over {
            self.link.send(END, LAST, self.stream, &[0; 4]);
        }
    }

    fn shut(&mut self) {
        self.link.shut();
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

/// How it behaves from its hello on.
struct Manner {
    deaf: bool,
    late: bool,
    /// Every request is answered so.
    kind: Option<&'static str>,
}

fn listen(socket: &mut UnixStream, link: &Arc<Link>, manner: &Manner) {
    let Manner { deaf, late, kind: alike } = *manner;
    let mut bodies: HashMap<u32, (String, Vec<u8>)> = HashMap::new();
    let (mut settings, mut window) = (String::new(), 0);
    loop {
        let Frame { kind, last, stream, payload } = Frame::read(socket);
        match kind {
            HELLO => {
                settings = String::from_utf8_lossy(&payload[12..]).replace('\0', "\n");
                window = u32::from_be_bytes(payload[4..8].try_into().unwrap_or_default());
            }
            CALL => {
                let length = u32::from_be_bytes(payload[4..8].try_into().unwrap_or_default()) as usize;
                let (head, body) = payload[20..].split_at(length);
                let field = |at| String::from_utf8_lossy(head.split(|byte| *byte == 0).nth(at).unwrap_or_default());
                if let Some(steps) = field(1).strip_prefix("/act/") {
                    let body = body.to_vec();
                    let mut side = Acting { socket, link, stream, body, whole: last, over: false, window };
                    side.take_over();
                    acts::play(&mut side, steps.split('/'));
                    continue;
                }
                let (path, told) = match alike {
                    None => (field(1).into_owned(), body.to_vec()),
                    Some("tell") => {
                        let told = [("Http_Method", field(0)), ("Http_Path", field(1)), ("HEELER_CALL_ID", field(5))];
                        let lines: String = told.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
                        ("/echo".to_owned(), lines.into_bytes())
                    }
                    Some("length") => {
                        let length = u64::from_be_bytes(payload[12..20].try_into().unwrap_or_default());
                        (format!("/length/{length}"), body.to_vec())
                    }
                    Some("witness") => (format!("/witness/{} {}", field(0), field(1)), body.to_vec()),
                    Some("events") => (
                        format!("/events/{} {}", payload[0], u16::from_be_bytes([payload[2], payload[3]])),
                        body.to_vec(),
                    ),
                    Some(kind) => (format!("/{kind}"), body.to_vec()),
                };
                if !last {
                    // The piece in CALL has used the window, too.
                    link.send(WINDOW, 0, stream, &u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
                }
                bodies.insert(stream, (path, told));
                link.count(|open| *open += 1);
            }
            DATA => {
                link.send(WINDOW, 0, stream, &u32::try_from(payload.len()).unwrap_or(0).to_be_bytes());
                bodies.entry(stream).and_modify(|(_, body)| body.extend(&payload));
            }
            END => {}
            CANCEL => {
                // A call whose request never came whole has not begun, and is over with this.
                let over = bodies.remove(&stream).is_some();
                if over {
                    link.count(|open| *open -= 1);
                }
                let link = link.clone();
                let hear = move || {
                    if late {
                        wait_for("hear");
                    }
                    link.send(CANCELLED, if over { LAST } else { 0 }, stream, b"");
                };
                if late { drop(std::thread::spawn(hear)) } else { hear() }
            }
            PING => link.send(PONG, 0, 0, &[payload[0], 1]),
            BYE if deaf => {}
            BYE => {
                note("bye");
                let link = link.clone();
                // Requests of open calls may still be coming.
                std::thread::spawn(move || {
                    link.wait_idle();
                    say("bye\n");
                    exit(0);
                });
            }
            _ => {}
        }
        if last && let Some((path, body)) = bodies.remove(&stream) {
            let (link, settings) = (link.clone(), settings.clone());
            std::thread::spawn(move || {
                let (fields, answer) = match path == "/head" {
                    true => (body, b"body".to_vec()),
                    false => (Vec::new(), answer(&link, &path, &body, &settings)),
                };
                let length = u32::try_from(fields.len()).unwrap_or(0).to_be_bytes();
                link.send(REPLY, LAST, stream, &[&[0, 0, 0, 200], &length[..], &[0; 4], &fields, &answer].concat());
                link.count(|open| *open -= 1);
            });
        }
    }
}

fn answer(link: &Link, path: &str, body: &[u8], settings: &str) -> Vec<u8> {
    let number = || path.rsplit('/').next().and_then(|part| part.parse::<usize>().ok()).unwrap_or(99);
    match path.split('/').nth(1).unwrap_or_default() {
        "echo" => body.to_vec(),
        "quiet" => Vec::new(),
        "length" => path.rsplit('/').next().unwrap_or_default().as_bytes().to_vec(),
        "witness" => {
            saw(path.strip_prefix("/witness/").unwrap_or_default(), body);
            body.to_vec()
        }
        "events" => events(path.rsplit('/').next().unwrap_or_default(), body),
        "pid" => format!("{}\n", std::process::id()).into_bytes(),
        "settings" => settings.as_bytes().to_vec(),
        "env" => std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect::<String>().into_bytes(),
        "exit" => exit(i32::try_from(number()).unwrap_or(99)),
        "kill" => kill_self(number()),
        "gate" => {
            started();
            wait_for_open();
            b"opened\n".to_vec()
        }
        // Each call that waits makes a file of its own.
        "wait" => {
            static CALLS: AtomicUsize = AtomicUsize::new(0);
            let name = path.rsplit('/').next().unwrap_or_default();
            let number = CALLS.fetch_add(1, Ordering::Relaxed);
            note(&format!("waiting.{name}.{}.{number}", std::process::id()));
            wait_for(name);
            format!("{}\n", std::process::id()).into_bytes()
        }
        "hang" => {
            started();
            hang()
        }
        "shut" => {
            link.shut();
            hang()
        }
        "rubbish" => {
            link.send(99, 255, 7, b"rubbish");
            hang()
        }
        "bye" => {
            link.send(BYE, 0, 0, b"enough");
            b"enough\n".to_vec()
        }
        "grow" => {
            let held = vec![1_u8; number() << 20];
            std::mem::forget(held);
            b"grown\n".to_vec()
        }
        _ => b"hello\n".to_vec(),
    }
}

/// A batch, taken apart; lengths that do not add up end the worker.
fn events(kind_and_number: &str, mut body: &[u8]) -> Vec<u8> {
    let mut take = |length: usize| {
        let (taken, rest) = body.split_at_checked(length).unwrap_or_else(|| fail("a broken batch"));
        body = rest;
        taken
    };
    let number: usize = kind_and_number.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let (mut told, mut rows) = (format!("events {kind_and_number}"), Vec::new());
    for index in 0..number {
        let mut length = || u32::from_be_bytes(take(4).try_into().unwrap_or_default()) as usize;
        let (fields, data) = (length(), length());
        let (fields, data) = (String::from_utf8_lossy(take(fields)), String::from_utf8_lossy(take(data)));
        let fields: Vec<&str> = fields.split('\0').collect();
        let attribute = |name| fields.chunks(2).find(|pair| pair[0] == name).map_or("", |pair| pair[1]);
        match data.len() {
            0..100 => told += &format!(" {}={data}", attribute("id")),
            length => told += &format!(" {}={length} bytes", attribute("id")),
        }
        if let Ok(status) = attribute("type").parse::<u16>() {
            rows.push(format!("{{\"index\":{index},\"status\":{status}}}"));
        }
    }
    if !body.is_empty() {
        fail("more than a batch");
    }
    say(&format!("{told}\n"));
    format!("[{}]", rows.join(",")).into_bytes()
}
