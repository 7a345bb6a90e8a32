//! Floods of HTTP/2: whatever comes, and however much of it, heeler's memory has a bound and others are served.

use std::time::Instant;

use crate::frames::{
    CONTINUATION, DATA, END, END_HEADERS, GOAWAY, HEADERS, PING, PRIORITY, Peer, RST_STREAM, SETTINGS, frame, get,
    head, last, literal, post, reset, settings, window,
};
use crate::h2_play::{CALM, COMPRESSION, FLOW, PROTOCOL, REFUSED};
use crate::support::{Heeler, Request, SECOND, tree, within};

/// What a flood may cost in memory while it lasts.
const MOST_MEMORY: u64 = 24 << 20;

/// How the connection of a flood ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Closed with this code.
    Away(u32),
    /// An ordinary request at its end was answered.
    Served,
    /// Closed without a word, or not read any more.
    Stopped,
}

/// Streams that a client may begin, from the third.
fn streams() -> impl Iterator<Item = u32> {
    (3_u32..).step_by(2)
}

/// Sends a flood while others call, and gives how it ended.
#[track_caller]
fn flood(heeler: &Heeler, what: &str, frames: &[u8]) -> End {
    heeler.post("/", "before").assert_ok();
    let before = tree::size(heeler.pid, "VmRSS");
    let mut peer = Peer::greeted(heeler.conn());
    let mut writer = peer.conn.twin();
    writer.set_write_patience(SECOND * 2);
    let end = std::thread::scope(|scope| {
        let sent = scope.spawn(move || writer.send(frames) && writer.send(&get(0x4000_0001)));
        let read = scope.spawn(move || end_of(&mut peer));
        while !(sent.is_finished() && read.is_finished()) {
            let began = Instant::now();
            assert_eq!(heeler.post("/", "beside").assert_ok().text(), "beside", "{what}");
            assert!(began.elapsed() < SECOND * 5, "{what}: a call beside it took {:?}", began.elapsed());
        }
        read.join().expect("it ends")
    });
    let grown = tree::size(heeler.pid, "VmHWM").saturating_sub(before);
    assert!(grown < MOST_MEMORY, "{what}: {grown} bytes");
    assert_eq!(heeler.post("/", "behind").assert_ok().text(), "behind", "{what}");
    end
}

fn end_of(peer: &mut Peer) -> End {
    loop {
        match peer.read() {
            Ok(Some(frame)) if frame.kind == GOAWAY && frame.number(4) != 0 => return End::Away(frame.number(4)),
            Ok(Some(frame)) if frame.kind == HEADERS && frame.stream == 0x4000_0001 => return End::Served,
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return End::Stopped,
        }
    }
}

fn warm() -> Heeler {
    Heeler::play("warm", "worker echo places=50", &[("write_timeout", "1s")])
}

#[test]
fn frames_that_ask_for_nothing_are_read_on() {
    let heeler = warm();
    let times = |frame: Vec<u8>, times: usize| frame.repeat(times);
    for (what, frames) in [
        ("more window", times(window(0, 1), 50_000)),
        ("priorities", (0..50_000).flat_map(|n| frame(PRIORITY, 0, n * 2 + 1, &[0, 0, 0, 0, 1])).collect()),
        ("unknown frames", times(frame(99, 0, 0, &[0; 1000]), 5_000)),
        ("answers to no PING", times(frame(PING, 1, 0, &[0; 8]), 50_000)),
    ] {
        assert_eq!(flood(&heeler, what, &frames), End::Served, "{what}");
    }
}

/// Each asks for an answer; nobody reads those, so that heeler has to stop reading, too.
#[test]
fn frames_that_ask_for_answers_are_not_hoarded() {
    let heeler = warm();
    for (what, question) in [("settings", frame(SETTINGS, 0, 0, &[])), ("pings", frame(PING, 0, 0, &[1; 8]))] {
        let before = tree::size(heeler.pid, "VmRSS");
        let mut deaf = Peer::greeted(crate::support::Conn::open_narrow(heeler.address()));
        deaf.conn.set_write_patience(SECOND * 2);
        let taken = deaf.conn.send(&question.repeat(3_000_000));
        let grown = tree::size(heeler.pid, "VmHWM").saturating_sub(before);
        assert!(grown < MOST_MEMORY, "{what}: {grown} bytes");
        assert!(!taken, "{what}: 3 million questions whose answers nobody reads were all taken");
        heeler.post("/", "beside").assert_ok();
    }
}

/// A head that never ends, in frames of every size.
#[test]
fn heads_without_end_are_cut() {
    let heeler = warm();
    for (size, times) in [(0, 100_000), (1, 100_000), (1000, 10_000), (16_384, 2_000)] {
        let more = frame(CONTINUATION, 0, 1, &vec![0; size]).repeat(times);
        // Zeros are literals without a name: of a readable head here.
        let field = literal(0, b"x-a", &vec![b'b'; size.saturating_sub(10)]);
        let fields = frame(CONTINUATION, 0, 1, &field).repeat(times);
        for more in [more, fields] {
            let frames = [frame(HEADERS, END, 1, &head("GET", "/")), more].concat();
            let end = flood(&heeler, "CONTINUATION", &frames);
            assert!(matches!(end, End::Away(CALM | PROTOCOL | COMPRESSION)), "{size} bytes: {end:?}");
        }
    }
}

/// A small head that unpacks to a large one: an entry of the table, named again and again.
#[test]
fn heads_that_unpack_to_more_are_refused() {
    let heeler = warm();
    let bomb = [head("GET", "/"), literal(0x40, b"x-a", &[b'b'; 3_900]), vec![0xbe; 16_000 - 4_000]].concat();
    let first = frame(HEADERS, END | END_HEADERS, 1, &bomb);
    let again = [head("GET", "/"), vec![0xbe; 16_000]].concat();
    let rest: Vec<u8> = streams().take(500).flat_map(|n| frame(HEADERS, END | END_HEADERS, n, &again)).collect();
    let mut peer = Peer::greeted(heeler.conn());
    peer.conn.send(&first);
    loop {
        let frame = peer.read().expect("an answer").expect("one frame at least");
        match frame.kind {
            HEADERS => break assert_eq!(frame.status(), 431),
            RST_STREAM | GOAWAY => break,
            _ => {}
        }
    }
    let end = flood(&heeler, "a bomb", &[first, rest].concat());
    assert!(matches!(end, End::Served | End::Away(CALM | PROTOCOL)), "{end:?}");
}

/// CVE-2023-44487, and its sister in which heeler is made to reset the streams itself.
#[test]
fn streams_that_are_begun_and_reset_end_their_connection() {
    for (mode, role) in [("warm", "worker echo places=50"), ("streaming", "echo")] {
        let heeler = Heeler::play(mode, role, &[("kill_grace", "300ms")]);
        let rapid: Vec<u8> = streams().take(20_000).flat_map(|n| [get(n), reset(n, 8)].concat()).collect();
        assert_eq!(flood(&heeler, "rapid resets", &rapid), End::Away(CALM), "{mode}");
        let made: Vec<u8> = streams().take(20_000).flat_map(|n| [post(n), window(n, 0)].concat()).collect();
        let end = flood(&heeler, "resets that are made", &made);
        assert!(matches!(end, End::Away(CALM | PROTOCOL)), "{mode}: {end:?}");
        if mode == "streaming" {
            heeler.wait_childless();
        }
    }
}

/// Slow enough for each stream to reach the handler.
#[test]
fn streams_that_are_reset_one_by_one_leave_nothing_behind() {
    let heeler = Heeler::builder().role("streaming", "do").env("kill_grace", "100ms").metrics().start();
    let mut peer = Peer::greeted(heeler.conn());
    let hang = [head("GET", "/"), literal(0, b"x-do", b"hang")].concat();
    let mut begin_and_reset = |stream: u32| {
        peer.conn.send(&frame(HEADERS, END | END_HEADERS, stream, &hang));
        peer.conn.send(&frame(PING, 0, 0, &[0; 8]));
        peer.wait_for(PING);
        peer.conn.send(&reset(stream, 8));
    };
    let mut streams = streams();
    streams.by_ref().take(100).for_each(&mut begin_and_reset);
    heeler.wait_childless();
    // Pipes are kept for the next calls, as many as there were calls at once: by the machine's mood more than before. What
    // is lost would be lost in every round.
    let given_back = (0..5).any(|_| {
        let kept = tree::descriptors(heeler.pid);
        streams.by_ref().take(200).for_each(&mut begin_and_reset);
        heeler.wait_childless();
        within(SECOND, || tree::descriptors(heeler.pid) <= kept + 8)
    });
    assert!(given_back, "each round leaves descriptors behind: {:?}", tree::open_files(heeler.pid));
    // A reset may overtake its call; most do not.
    let starts = heeler.scrape().value("heeler_handler_starts_total", &[]);
    assert!(starts >= 200.0, "only {starts} streams, of 300 at least, have reached the handler");
    heeler.call(&Request::role("say hi")).assert_ok();
}

#[test]
fn bodies_in_pieces_of_one_byte_or_none() {
    let heeler = warm();
    let begun = |n: u32, piece: &[u8], times: usize| [post(n), frame(DATA, 0, n, piece).repeat(times)].concat();
    let small = [begun(1, b"x", 2_000), last(1, b"")].concat();
    assert_eq!(flood(&heeler, "one byte each", &small), End::Served);
    // Faster than the handler reads them, or for nothing at all: there is a limit somewhere.
    for (what, piece) in [("very many of one byte", &b"x"[..]), ("very many of none", b"")] {
        let end = flood(&heeler, what, &begun(1, piece, 200_000));
        assert!(matches!(end, End::Served | End::Away(CALM)), "{what}: {end:?}");
    }
}

/// What heeler says it takes at once is what it takes.
#[test]
fn more_streams_than_are_allowed_are_refused() {
    let heeler = Heeler::play("streaming", "count", &[]);
    let mut peer = Peer::greeted(heeler.conn());
    let told = peer.wait_for(SETTINGS);
    let pairs = told.payload.chunks(6).map(|pair| (pair[1], u32::from_be_bytes(pair[2..].try_into().unwrap())));
    let most = pairs.filter(|(name, _)| *name == 3).map(|(_, value)| value).next().expect("MAX_CONCURRENT_STREAMS");
    let more = 10;
    let all: Vec<u32> = streams().take((most + more) as usize).collect();
    peer.conn.send(&all.iter().flat_map(|n| post(*n)).collect::<Vec<u8>>());
    let refused: Vec<u32> = (0..more)
        .map(|_| {
            let frame = peer.wait_for(RST_STREAM);
            assert_eq!(frame.number(0), REFUSED);
            frame.stream
        })
        .collect();
    assert_eq!(refused, all[most as usize..]);
    assert_eq!(heeler.post("/", "12345").assert_ok().text(), "5\n");
    // Those that are in are served.
    peer.conn.send(&last(all[0], b"123"));
    assert_eq!(peer.wait_for(HEADERS).stream, all[0]);
}

/// Bytes beyond the window that heeler gave: its handler does not read, so no more is given.
#[test]
fn more_than_the_window_is_an_error() {
    let heeler = Heeler::play("streaming", "do", &[("kill_grace", "100ms")]);
    let gate = crate::support::Gate::new();
    let mut peer = Peer::greeted(heeler.conn());
    let words = [literal(0, b"x-do", b"gate"), literal(0, b"x-gate", gate.path().as_bytes())].concat();
    let begun = frame(HEADERS, END_HEADERS, 1, &[head("POST", "/"), words].concat());
    peer.conn.send(&[begun, frame(DATA, 0, 1, &[0; 16_384]).repeat(40)].concat());
    loop {
        let frame = peer.read().expect("an answer").expect("a code");
        match frame.kind {
            GOAWAY => break assert_eq!(frame.number(4), FLOW),
            RST_STREAM => break assert_eq!(frame.number(0), FLOW),
            _ => {}
        }
    }
    heeler.wait_childless();
}

/// A client that opens no window for its answers: their calls end, and then its connection.
#[test]
fn answers_without_a_window_are_given_up() {
    let env = [("write_timeout", "1s"), ("idle_timeout", "1s"), ("kill_grace", "100ms"), ("exec_timeout", "60s")];
    let heeler = Heeler::play("streaming", "flood-stdout 3000000", &env);
    let before = tree::size(heeler.pid, "VmRSS");
    let mut peer = Peer::new(heeler.conn());
    let begun: Vec<u8> = streams().take(30).flat_map(get).collect();
    peer.conn.send(&[crate::frames::PREFACE, &settings(&[(4, 0)]), &begun].concat());
    for _ in 0..30 {
        // The heads need no window.
        assert_eq!(peer.wait_for(HEADERS).payload[0], 0x88);
    }
    heeler.wait_childless();
    let grown = tree::size(heeler.pid, "VmHWM").saturating_sub(before);
    assert!(grown < MOST_MEMORY, "{grown} bytes");
    while peer.read().expect("the connection ends").is_some() {}
}
