//! Heads of HTTP/2 that are malformed, too large, or wrongly packed (RFC 9113 §8, RFC 7541).

use crate::frames::{DATA, END, END_HEADERS, HEADERS, WHOLE, fields, frame, head, head_with, integer, last, literal};
use crate::h2_play::{COMPRESSION, Case, PROTOCOL, Seen, answered, away, cut, places, play};

const AUTHORITY: (&str, &str) = (":authority", "a");
const METHOD: (&str, &str) = (":method", "GET");
const PATH: (&str, &str) = (":path", "/");
const SCHEME: (&str, &str) = (":scheme", "http");

/// The one code is the rule's, the other the library's: the connection ends by either.
const UNPACKED: &[u32] = &[COMPRESSION, PROTOCOL];

fn whole(block: &[u8]) -> Vec<u8> {
    frame(HEADERS, WHOLE, 1, block)
}

/// RFC 9113 §8.1.1: a malformed request is a stream error; §5.4.2: any of those may be one of the connection.
fn malformed(name: &'static str, rule: &'static str, block: &[u8]) -> Case {
    let wanted = vec![vec![Seen::Reset(1, PROTOCOL), Seen::Next], vec![Seen::GoAway(PROTOCOL)]];
    Case { name, rule, send: whole(block), wanted }
}

/// Malformed, or refused with a 400.
fn refused(name: &'static str, rule: &'static str, block: &[u8]) -> Case {
    let wanted = vec![vec![Seen::Reset(1, PROTOCOL), Seen::Next], vec![Seen::Status(1, 400), Seen::Next]];
    Case { name, rule, send: whole(block), wanted }
}

fn pseudo_headers() -> Vec<Case> {
    let pseudo = "§8.3";
    let of = |list: &[(&str, &str)]| fields(list);
    vec![
        malformed("no :method", "§8.3.1", &of(&[SCHEME, PATH, AUTHORITY])),
        malformed("no :scheme", "§8.3.1", &of(&[METHOD, PATH, AUTHORITY])),
        malformed("no :path", "§8.3.1", &of(&[METHOD, SCHEME, AUTHORITY])),
        malformed("nothing at all", "§8.3.1", &[]),
        malformed("two of :method", pseudo, &of(&[METHOD, METHOD, SCHEME, PATH, AUTHORITY])),
        malformed("two of :path", pseudo, &of(&[METHOD, SCHEME, PATH, (":path", "/b"), AUTHORITY])),
        malformed("two of :scheme", pseudo, &of(&[METHOD, SCHEME, SCHEME, PATH, AUTHORITY])),
        malformed("two of :authority", pseudo, &of(&[METHOD, SCHEME, PATH, AUTHORITY, (":authority", "b")])),
        malformed(":path behind a field", pseudo, &of(&[METHOD, SCHEME, AUTHORITY, ("x-a", "b"), PATH])),
        malformed(":authority behind a field", pseudo, &of(&[METHOD, SCHEME, PATH, ("x-a", "b"), AUTHORITY])),
        malformed("an unknown pseudo-header", pseudo, &head_with("GET", &[(":x", "b")])),
        malformed(":status in a request", pseudo, &head_with("GET", &[(":status", "200")])),
        malformed("an empty pseudo-header", pseudo, &head_with("GET", &[(":", "b")])),
        malformed("an empty :path", "§8.3.1", &of(&[METHOD, SCHEME, (":path", ""), AUTHORITY])),
        refused("a :path without its slash", "§8.3.1", &of(&[METHOD, SCHEME, (":path", "x"), AUTHORITY])),
        refused("a :path with a blank", "§8.3.1", &of(&[METHOD, SCHEME, (":path", "/ HTTP/1.1"), AUTHORITY])),
        refused("a :path with a line end", "§8.2.1", &of(&[METHOD, SCHEME, (":path", "/\r\nx: y"), AUTHORITY])),
        refused("a star with GET", "§8.3.1", &of(&[METHOD, SCHEME, (":path", "*"), AUTHORITY])),
        refused("an absolute :path", "§8.3.1", &of(&[METHOD, SCHEME, (":path", "http://b/"), AUTHORITY])),
        answered(
            "a star with OPTIONS",
            "§8.3.1",
            whole(&of(&[(":method", "OPTIONS"), SCHEME, (":path", "*"), AUTHORITY])),
            200,
        ),
        malformed("an empty :method", "§8.3.1", &of(&[(":method", ""), SCHEME, PATH, AUTHORITY])),
        malformed("a :method with a blank", "§8.3.1", &of(&[(":method", "GET /x"), SCHEME, PATH, AUTHORITY])),
        malformed("a :method with a line end", "§8.3.1", &of(&[(":method", "GET\r\n"), SCHEME, PATH, AUTHORITY])),
        refused("a :scheme with a blank", "§8.3.1", &of(&[METHOD, (":scheme", "ht tp"), PATH, AUTHORITY])),
        refused("an :authority with a user", "§8.3.1", &of(&[METHOD, SCHEME, PATH, (":authority", "u@a")])),
        refused("an :authority with a path", "§8.3.1", &of(&[METHOD, SCHEME, PATH, (":authority", "a/b")])),
        refused("an :authority with a line end", "§8.2.1", &of(&[METHOD, SCHEME, PATH, (":authority", "a\r\nx: y")])),
        refused(
            "an :authority with a port that is none",
            "RFC 3986 §3.2.3",
            &of(&[METHOD, SCHEME, PATH, (":authority", "a:x")]),
        ),
        refused("a host beside another :authority", "§8.3.1", &head_with("GET", &[("host", "b")])),
        refused("two hosts", "RFC 9112 §3.2", &head_with("GET", &[("host", "a"), ("host", "a")])),
        answered("the same host beside :authority", "§8.3.1", whole(&head_with("GET", &[("host", "a")])), 200),
        answered("a host and no :authority", "§8.3.1", whole(&of(&[METHOD, SCHEME, PATH, ("host", "a")])), 200),
        answered("CONNECT", "RFC 9110 §9.3.6", whole(&of(&[(":method", "CONNECT"), (":authority", "a:80")])), 405),
        malformed("CONNECT with a path", "§8.5", &of(&[(":method", "CONNECT"), SCHEME, PATH, AUTHORITY])),
        malformed(
            "an extended CONNECT that was not offered",
            "RFC 8441 §4",
            &of(&[(":method", "CONNECT"), (":protocol", "websocket"), SCHEME, PATH, AUTHORITY]),
        ),
        answered("a method of 33 letters", "heeler's own", whole(&head(&"M".repeat(33), "/")), 405),
    ]
}

fn regular_fields() -> Vec<Case> {
    let with = |name: &str, value: &str| head_with("GET", &[(name, value)]);
    let bytes = |name: &[u8], value: &[u8]| [head("GET", "/"), literal(0, name, value)].concat();
    vec![
        malformed("a name in capitals", "§8.2.1", &with("X-A", "b")),
        malformed("a name with a blank", "§8.2.1", &with("x a", "b")),
        malformed("a name with a colon", "§8.2.1", &with("x:a", "b")),
        malformed("a name with a line end", "§8.2.1", &with("x\r\ny", "b")),
        malformed("a name with NUL", "§8.2.1", &with("x\0", "b")),
        malformed("a name beyond ASCII", "§8.2.1", &bytes(b"x\xe9", b"b")),
        malformed("an empty name", "§8.2.1", &with("", "b")),
        malformed("a value with LF", "§8.2.1", &with("x-a", "b\nc: d")),
        malformed("a value with CR", "§8.2.1", &with("x-a", "b\rc")),
        malformed("a value with NUL", "§8.2.1", &with("x-a", "b\0c")),
        answered("a value beyond ASCII", "§8.2.1", whole(&bytes(b"x-a", b"\x80\xff")), 200),
        answered("an empty value", "§8.2.1", whole(&with("x-a", "")), 200),
        malformed("connection", "§8.2.2", &with("connection", "close")),
        malformed("keep-alive", "§8.2.2", &with("keep-alive", "5")),
        malformed("proxy-connection", "§8.2.2", &with("proxy-connection", "close")),
        malformed("transfer-encoding", "§8.2.2", &with("transfer-encoding", "chunked")),
        malformed("upgrade", "§8.2.2", &with("upgrade", "websocket")),
        malformed("te of gzip", "§8.2.2", &with("te", "gzip")),
        answered("te of trailers", "§8.2.2", whole(&with("te", "trailers")), 200),
        answered("another expectation", "RFC 9110 §10.1.1", whole(&with("expect", "x")), 417),
        answered("cookies in pieces", "§8.2.3", whole(&head_with("GET", &[("cookie", "a=b"), ("cookie", "c=d")])), 200),
    ]
}

/// A body that is not as long as its head says is a stream error, and no handler may take it for a whole one.
fn lengths() -> Vec<Case> {
    let post = |length: &str, rest: Vec<u8>| {
        [frame(HEADERS, END_HEADERS, 1, &head_with("POST", &[("content-length", length)])), rest].concat()
    };
    let mismatch = |name, send| cut(name, "§8.1.1", send, PROTOCOL);
    vec![
        answered("a true length", "§8.1.1", post("2", last(1, b"hi")), 200),
        mismatch("a body that is shorter than its length", post("3", last(1, b"hi"))),
        mismatch("a body that is longer than its length", post("1", last(1, b"hi"))),
        mismatch("a body behind a length of 0", post("0", last(1, b"hi"))),
        mismatch("a length and no body", whole(&head_with("POST", &[("content-length", "2")]))),
        mismatch(
            "trailers before the length is there",
            post("3", [frame(DATA, 0, 1, b"hi"), frame(HEADERS, WHOLE, 1, &fields(&[("x-a", "b")]))].concat()),
        ),
        malformed("a length that is no number", "§8.1.1", &head_with("GET", &[("content-length", "x")])),
        malformed("a length with a sign", "RFC 9110 §8.6", &head_with("GET", &[("content-length", "+0")])),
        malformed(
            "two lengths that differ",
            "RFC 9110 §8.6",
            &head_with("GET", &[("content-length", "0"), ("content-length", "1")]),
        ),
        malformed(
            "a length beyond all numbers",
            "RFC 9110 §8.6",
            &head_with("GET", &[("content-length", "18446744073709551616")]),
        ),
        // The library leaves such a field out, as it may not: the trailers that heeler sees have none.
        Case {
            name: "trailers with a pseudo-header",
            rule: "§8.1",
            send: [
                frame(HEADERS, END_HEADERS, 1, &head("POST", "/")),
                frame(HEADERS, WHOLE, 1, &fields(&[(":path", "/x")])),
            ]
            .concat(),
            wanted: vec![vec![Seen::Reset(1, PROTOCOL), Seen::Next], vec![Seen::Status(1, 200), Seen::Next]],
        },
    ]
}

fn packing() -> Vec<Case> {
    let with = |rest: &[u8]| whole(&[&head("GET", "/"), rest].concat());
    let unpacked = |name, rule, rest: &[u8]| away(name, rule, with(rest), UNPACKED);
    let resized = |name, size: &[u8]| away(name, "RFC 7541 §6.3", whole(&[size, &head("GET", "/")].concat()), UNPACKED);
    vec![
        unpacked("index 0", "RFC 7541 §6.1", &[0x80]),
        unpacked("an index beyond the tables", "RFC 7541 §2.3.3", &[0xff, 0x40]),
        unpacked("a name by an index beyond the tables", "RFC 7541 §2.3.3", &[0x7f, 0x40, 1, b'x']),
        unpacked("an index without end", "RFC 7541 §5.1", &[&[0xff][..], &[0x80; 20]].concat()),
        unpacked("an index beyond all numbers", "RFC 7541 §5.1", &[&[0xff][..], &[0xff; 9], &[0x7f]].concat()),
        unpacked("an index that is cut", "RFC 7541 §5.1", &[0xff]),
        unpacked("a length that is cut", "RFC 7541 §5.2", &[0, 1, b'x', 0x7f]),
        unpacked("a name that is longer than the head", "RFC 7541 §5.2", &[0, 100, b'x']),
        unpacked("a value that is longer than the head", "RFC 7541 §5.2", &[0, 1, b'x', 100, b'y']),
        unpacked("a value of gigabytes", "RFC 7541 §5.2", &[&[0, 1, b'x'][..], &integer(0, 7, 1 << 32)].concat()),
        unpacked("padding of Huffman's code that is too long", "RFC 7541 §5.2", &[0, 1, b'x', 0x82, 0x1f, 0xff]),
        unpacked("padding of Huffman's code in zeros", "RFC 7541 §5.2", &[0, 1, b'x', 0x81, 0x00]),
        unpacked(
            "the end of Huffman's code within a string",
            "RFC 7541 §5.2",
            &[0, 1, b'x', 0x84, 0xff, 0xff, 0xff, 0xff],
        ),
        // Before the head, where a table may be resized (§4.2).
        resized("a table of 4097 bytes", &[0x3f, 0xe2, 0x1f]),
        resized("a table without bounds", &[&[0x3f][..], &[0xff; 9], &[0x7f]].concat()),
        unpacked("a table that is resized within a head", "RFC 7541 §4.2", &[0x20]),
        answered("a table of nothing", "RFC 7541 §6.3", whole(&[&[0x20][..], &head("GET", "/")].concat()), 200),
        answered(
            "a table of 4096 bytes",
            "RFC 7541 §6.3",
            whole(&[&[0x3f, 0xe1, 0x1f][..], &head("GET", "/")].concat()),
            200,
        ),
        answered(
            "Huffman's code",
            "RFC 7541 §C.4.1",
            whole(&[&head("GET", "/")[..], &[0, 0x81, 0xf3, 0x81, 0xf3]].concat()),
            200,
        ),
        answered(
            "a field that is put into the table and used",
            "RFC 7541 §6.2.1",
            with(&[&literal(0x40, b"x-a", b"b")[..], &[0xbe, 0xbe]].concat()),
            200,
        ),
        Case {
            name: "a field that is not in the table any more",
            rule: "RFC 7541 §4.4",
            send: with(&[&literal(0x40, b"x-a", &[b'b'; 4090])[..], &[0xbe]].concat()),
            wanted: UNPACKED.iter().map(|code| vec![Seen::GoAway(*code)]).collect(),
        },
        away(
            "half a head",
            "§6.10: the rest never comes",
            frame(HEADERS, END | END_HEADERS, 1, &head("GET", "/")[..9]),
            UNPACKED,
        ),
    ]
}

#[test]
fn heads_are_taken_by_the_rules() {
    let cases: Vec<Case> = [pseudo_headers(), regular_fields(), lengths(), packing()].into_iter().flatten().collect();
    assert!(cases.len() >= 60, "{}", cases.len());
    places().iter().for_each(|place| play(place, &cases));
}
