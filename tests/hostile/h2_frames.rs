//! Frames of HTTP/2 in the wrong place, of the wrong size, or of no kind at all (RFC 9113 §5 and §6).

use crate::frames::{
    CONTINUATION, DATA, END, END_HEADERS, GOAWAY, HEADERS, PADDED, PING, PREFACE, PRIORITY, PUSH_PROMISE, RST_STREAM,
    SETTINGS, WHOLE, WINDOW_UPDATE, WITH_PRIORITY, frame, get, head, last, post, reset, settings, window,
};
use crate::h2_play::{CALM, CLOSED, Case, FLOW, PROTOCOL, SIZE, Seen, answered, away, cut, ignored, places, play};

/// The largest window there is.
const MOST: u32 = 0x7fff_ffff;

fn all(frames: &[Vec<u8>]) -> Vec<u8> {
    frames.concat()
}

fn ways(name: &'static str, rule: &'static str, send: Vec<u8>, wanted: &[&[Seen]]) -> Case {
    Case { name, rule, send, wanted: wanted.iter().map(|way| way.to_vec()).collect() }
}

fn beginnings() -> Vec<Case> {
    let byte_by_byte = [PREFACE, &settings(&[]), &get(1)].concat();
    vec![
        ways(
            "no SETTINGS first",
            "§3.4: an error that the library forgives",
            all(&[PREFACE.into(), get(1)]),
            &[&[Seen::GoAway(PROTOCOL)], &[Seen::Status(1, 200), Seen::Next]],
        ),
        ways(
            "an acknowledgement first",
            "§3.4: an error that the library forgives",
            all(&[PREFACE.into(), frame(SETTINGS, 1, 0, &[])]),
            &[&[Seen::GoAway(PROTOCOL)], &[Seen::Next]],
        ),
        away("the preface twice", "§3.4", all(&[PREFACE.into(), settings(&[]), PREFACE.into()]), &[SIZE, PROTOCOL]),
        away(
            "HTTP/1 behind the preface",
            "§3.4",
            [PREFACE, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"].concat(),
            &[SIZE, PROTOCOL],
        ),
        answered("an ordinary request", "§8.1", byte_by_byte, 200),
        answered("an ordinary body", "§8.1", all(&[post(1), last(1, b"hi")]), 200),
    ]
}

fn sizes() -> Vec<Case> {
    let either = &[SIZE, PROTOCOL];
    let large = vec![0; 16_385];
    vec![
        away("DATA beyond SETTINGS_MAX_FRAME_SIZE", "§4.2", all(&[post(1), frame(DATA, 0, 1, &large)]), &[SIZE]),
        away("HEADERS beyond SETTINGS_MAX_FRAME_SIZE", "§4.2", frame(HEADERS, WHOLE, 1, &large), &[SIZE]),
        away("an unknown frame beyond SETTINGS_MAX_FRAME_SIZE", "§4.2", frame(99, 0, 0, &large), &[SIZE]),
        away("SETTINGS of five bytes", "§6.5", frame(SETTINGS, 0, 0, &[0; 5]), either),
        away("SETTINGS acknowledged with a payload", "§6.5", frame(SETTINGS, 1, 0, &[0; 6]), either),
        away("PING of seven bytes", "§6.7", frame(PING, 0, 0, &[0; 7]), either),
        away("PING of nine bytes", "§6.7", frame(PING, 0, 0, &[0; 9]), either),
        away("RST_STREAM of three bytes", "§6.4", all(&[post(1), frame(RST_STREAM, 0, 1, &[0; 3])]), either),
        away("RST_STREAM of five bytes", "§6.4", all(&[post(1), frame(RST_STREAM, 0, 1, &[0; 5])]), either),
        away("WINDOW_UPDATE of three bytes", "§6.9", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1]), either),
        away("WINDOW_UPDATE of five bytes", "§6.9", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1, 0]), either),
        away("GOAWAY of seven bytes", "§6.8", frame(GOAWAY, 0, 0, &[0; 7]), either),
        ways(
            "PRIORITY of four bytes",
            "§6.3: a stream error",
            all(&[post(1), frame(PRIORITY, 0, 1, &[0, 0, 0, 0])]),
            &[&[Seen::Reset(1, SIZE), Seen::Next], &[Seen::GoAway(SIZE)], &[Seen::GoAway(PROTOCOL)]],
        ),
        away("HEADERS with half a priority", "§6.2", frame(HEADERS, WHOLE | WITH_PRIORITY, 1, &[0, 0]), either),
        answered("DATA of nothing", "§6.1", all(&[post(1), frame(DATA, 0, 1, &[]), last(1, &[])]), 200),
    ]
}

fn streams() -> Vec<Case> {
    let p = &[PROTOCOL];
    vec![
        away("DATA on stream 0", "§6.1", frame(DATA, END, 0, b"x"), p),
        away("HEADERS on stream 0", "§6.2", frame(HEADERS, WHOLE, 0, &head("GET", "/")), p),
        away("PRIORITY on stream 0", "§6.3", frame(PRIORITY, 0, 0, &[0, 0, 0, 1, 0]), p),
        away("RST_STREAM on stream 0", "§6.4", reset(0, 8), p),
        away("SETTINGS on stream 1", "§6.5", frame(SETTINGS, 0, 1, &[]), p),
        away("PUSH_PROMISE on stream 0", "§6.6", frame(PUSH_PROMISE, END_HEADERS, 0, &[0, 0, 0, 2]), p),
        away(
            "PUSH_PROMISE from a client",
            "§8.4",
            all(&[post(1), frame(PUSH_PROMISE, END_HEADERS, 1, &[&[0, 0, 0, 2][..], &head("GET", "/")].concat())]),
            p,
        ),
        away("PING on stream 1", "§6.7", frame(PING, 0, 1, &[0; 8]), p),
        away("GOAWAY on stream 1", "§6.8", frame(GOAWAY, 0, 1, &[0; 8]), p),
        away("CONTINUATION on stream 0", "§6.10", frame(CONTINUATION, END_HEADERS, 0, &[]), p),
        away("CONTINUATION without a head", "§6.10", frame(CONTINUATION, END_HEADERS, 1, &head("GET", "/")), p),
        away("CONTINUATION behind a whole head", "§6.10", all(&[post(1), frame(CONTINUATION, END_HEADERS, 1, &[])]), p),
        away("HEADERS on an even stream", "§5.1.1", frame(HEADERS, WHOLE, 2, &head("GET", "/")), p),
        away("HEADERS on a stream before the last", "§5.1.1", all(&[get(5), get(3)]), &[PROTOCOL, CLOSED]),
        away("DATA on an idle stream", "§5.1", last(1, b"x"), p),
        away("RST_STREAM on an idle stream", "§5.1", reset(1, 8), p),
        away("WINDOW_UPDATE on an idle stream", "§5.1", window(1, 1), p),
        ignored("PRIORITY on an idle stream", "§5.1", frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 0])),
    ]
}

fn states() -> Vec<Case> {
    vec![
        ways(
            "HEADERS behind the end of a stream",
            "§5.1: half-closed or closed",
            all(&[get(1), get(1)]),
            &[&[Seen::GoAway(CLOSED)], &[Seen::Reset(1, CLOSED), Seen::Next], &[Seen::GoAway(PROTOCOL)]],
        ),
        ways(
            "DATA behind the end of a stream",
            "§5.1: half-closed or closed",
            all(&[get(1), last(1, b"x")]),
            &[
                &[Seen::Reset(1, CLOSED), Seen::Next],
                &[Seen::GoAway(CLOSED)],
                &[Seen::GoAway(PROTOCOL)],
                &[Seen::Status(1, 200), Seen::Reset(1, CLOSED), Seen::Next],
                &[Seen::Status(1, 200), Seen::GoAway(PROTOCOL)],
            ],
        ),
        ways(
            "DATA behind a reset",
            "§5.1: may be ignored",
            all(&[post(1), reset(1, 8), last(1, b"x")]),
            &[&[Seen::Next], &[Seen::Reset(1, CLOSED), Seen::Next], &[Seen::GoAway(CLOSED)]],
        ),
        ways(
            "HEADERS behind a reset",
            "§5.1",
            all(&[post(1), reset(1, 8), get(1)]),
            &[&[Seen::Next], &[Seen::Reset(1, CLOSED), Seen::Next], &[Seen::GoAway(CLOSED)], &[Seen::GoAway(PROTOCOL)]],
        ),
        ignored("a reset twice", "§5.4.2", all(&[post(1), reset(1, 8), reset(1, 8)])),
        ignored("a reset with a code nobody knows", "§7", all(&[post(1), reset(1, 0xdead)])),
        ignored("WINDOW_UPDATE behind a reset", "§5.1", all(&[post(1), reset(1, 8), window(1, 1)])),
        cut("trailers that are not the end", "§8.1", all(&[post(1), frame(HEADERS, END_HEADERS, 1, &[])]), PROTOCOL),
        answered(
            "a dependency on a stream that is not there",
            "§5.3: without meaning",
            frame(HEADERS, WHOLE | WITH_PRIORITY, 1, &[&[0, 0, 0, 99, 7][..], &head("GET", "/")].concat()),
            200,
        ),
        ways(
            "HEADERS that depend on themselves",
            "§5.3: without meaning, once a stream error",
            frame(HEADERS, WHOLE | WITH_PRIORITY, 1, &[&[0, 0, 0, 1, 7][..], &head("GET", "/")].concat()),
            &[&[Seen::Status(1, 200), Seen::Next], &[Seen::Reset(1, PROTOCOL), Seen::Next], &[Seen::GoAway(PROTOCOL)]],
        ),
        ways(
            "PRIORITY that depends on itself",
            "§5.3: without meaning, once a stream error",
            all(&[post(1), frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 7]), last(1, b"")]),
            &[&[Seen::Status(1, 200), Seen::Next], &[Seen::Reset(1, PROTOCOL), Seen::Next], &[Seen::GoAway(PROTOCOL)]],
        ),
        ways(
            "GOAWAY, and requests behind it",
            "§6.8: it speaks of streams of the other side",
            all(&[frame(GOAWAY, 0, 0, &[0; 8]), get(1)]),
            &[&[Seen::Status(1, 200), Seen::Next]],
        ),
    ]
}

fn padding() -> Vec<Case> {
    let padded = |length: u8, block: Vec<u8>, padding: usize| [vec![length], block, vec![0; padding]].concat();
    let whole = |length, padding| frame(HEADERS, WHOLE | PADDED, 1, &padded(length, head("GET", "/"), padding));
    let data =
        |length, padding| all(&[post(1), frame(DATA, END | PADDED, 1, &padded(length, b"hi".to_vec(), padding))]);
    vec![
        answered("a padded head", "§6.2", whole(9, 9), 200),
        answered("a padded body", "§6.1", data(255, 255), 200),
        away("a head of padding alone", "§6.2", frame(HEADERS, WHOLE | PADDED, 1, &[5, 0, 0]), &[PROTOCOL]),
        away("more padding than head", "§6.2", whole(255, 9), &[PROTOCOL]),
        away("more padding than body", "§6.1", data(10, 3), &[PROTOCOL]),
        away(
            "padding without its length",
            "§6.1",
            all(&[post(1), frame(DATA, END | PADDED, 1, &[])]),
            &[PROTOCOL, SIZE],
        ),
    ]
}

fn interleaving() -> Vec<Case> {
    let half = frame(HEADERS, END, 1, &head("GET", "/"));
    let behind = |frame: Vec<u8>| all(&[half.clone(), frame]);
    let p = &[PROTOCOL];
    let pieces: Vec<Vec<u8>> = head("GET", "/").iter().map(|byte| frame(CONTINUATION, 0, 1, &[*byte])).collect();
    let in_pieces = all(&[frame(HEADERS, END, 1, &[]), pieces.concat(), frame(CONTINUATION, END_HEADERS, 1, &[])]);
    vec![
        ways(
            "a head in pieces of one byte",
            "§6.10; §10.5: a flood",
            in_pieces,
            &[&[Seen::Status(1, 200), Seen::Next], &[Seen::GoAway(CALM)]],
        ),
        away("DATA within a head", "§6.10", behind(last(1, b"x")), p),
        away("another head within a head", "§6.10", behind(get(3)), p),
        away("a second head within its own", "§6.10", behind(get(1)), p),
        away("CONTINUATION of another stream", "§6.10", behind(frame(CONTINUATION, END_HEADERS, 3, &[])), p),
        away("PING within a head", "§6.10", behind(frame(PING, 0, 0, &[0; 8])), p),
        away("SETTINGS within a head", "§6.10", behind(settings(&[])), p),
        away("WINDOW_UPDATE within a head", "§6.10", behind(window(0, 1)), p),
        away("an unknown frame within a head", "§5.5", behind(frame(99, 0, 1, &[])), p),
    ]
}

fn windows() -> Vec<Case> {
    let open = |frames: &[Vec<u8>]| all(&[vec![post(1)], frames.to_vec()].concat());
    vec![
        away("no more window for the connection", "§6.9", window(0, 0), &[PROTOCOL]),
        ways(
            "no more window for a stream",
            "§6.9: a stream error",
            open(&[window(1, 0)]),
            &[&[Seen::Reset(1, PROTOCOL), Seen::Next], &[Seen::GoAway(PROTOCOL)]],
        ),
        away("too much window for the connection", "§6.9.1", window(0, MOST), &[FLOW]),
        cut("too much window for a stream", "§6.9.1", open(&[window(1, MOST)]), FLOW),
        away("an initial window beyond all windows", "§6.5.2", settings(&[(4, MOST + 1)]), &[FLOW, PROTOCOL]),
        away(
            "settings that make too much window",
            "§6.9.2",
            open(&[window(1, MOST - 65_535), settings(&[(4, MOST)])]),
            &[FLOW],
        ),
        answered("a window without a bit that is kept", "§6.9", open(&[window(0, 0x8000_0001), last(1, b"")]), 200),
    ]
}

fn settings_and_unknowns() -> Vec<Case> {
    let p = &[PROTOCOL];
    vec![
        away("ENABLE_PUSH of 2", "§6.5.2", settings(&[(2, 2)]), p),
        away("MAX_FRAME_SIZE of 16383", "§6.5.2", settings(&[(5, 16_383)]), p),
        away("MAX_FRAME_SIZE of 2 to the 24", "§6.5.2", settings(&[(5, 1 << 24)]), p),
        away("ENABLE_CONNECT_PROTOCOL of 2", "RFC 8441 §3", settings(&[(8, 2)]), p),
        ignored("settings that nobody knows", "§6.5.2", settings(&[(0, 1), (99, 7), (0xffff, u32::MAX)])),
        ignored("a table of nothing and one of 4 GiB", "§6.5.2", settings(&[(1, 0), (1, u32::MAX)])),
        ignored(
            "all settings at once",
            "§6.5.2",
            settings(&[(1, 4096), (2, 0), (3, 1), (4, 1), (5, 16_384), (6, 1 << 20)]),
        ),
        ways(
            "an acknowledgement of nothing",
            "§6.5.3",
            all(&[frame(SETTINGS, 1, 0, &[]), frame(SETTINGS, 1, 0, &[])]),
            &[&[Seen::Next], &[Seen::GoAway(PROTOCOL)]],
        ),
        ignored("an answer to no PING", "§6.7", frame(PING, 1, 0, &[7; 8])),
        ignored(
            "unknown frames",
            "§5.5",
            all(&[frame(99, 0xff, 0, b"x"), frame(10, 0, 1, b"x"), frame(255, 0, 77, &[])]),
        ),
        ignored("PING with all flags but ACK", "§4.1", frame(PING, 0xfe, 0, &[0; 8])),
        answered("HEADERS with unknown flags", "§4.1", frame(HEADERS, WHOLE | 0xd2, 1, &head("GET", "/")), 200),
        answered("DATA with unknown flags", "§4.1", all(&[post(1), frame(DATA, END | 0xf6, 1, b"x")]), 200),
        answered("a stream's kept bit", "§4.1", frame(HEADERS, WHOLE, 0x8000_0001, &head("GET", "/")), 200),
    ]
}

fn cases() -> Vec<Case> {
    [beginnings(), sizes(), streams(), states(), padding(), interleaving(), windows(), settings_and_unknowns()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn frames_are_taken_by_the_rules() {
    assert!(cases().len() >= 60, "{}", cases().len());
    places().iter().for_each(|place| play(place, &cases()));
}
