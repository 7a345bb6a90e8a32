//! The frames of `tests/wire/`, which every runtime's tests read, too.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::frame::{self, Frame, Kind};
use super::message::{self, Failed, Fault, Hello, Reply};
use super::played::call;
use crate::invoke::call::Deadline;

/// A file's bytes: hexadecimal, with `#` before what is said of them.
fn bytes(name: &str) -> BytesMut {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(name).with_extension("hex");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let digits = text.lines().filter_map(|line| line.split('#').next()).flat_map(str::split_whitespace);
    digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}

fn frame(name: &str) -> Frame {
    let mut bytes = bytes(name);
    let frame = frame::take(&mut bytes).unwrap().unwrap();
    assert!(bytes.is_empty(), "{name}");
    frame
}

#[test]
fn the_workers_frames_are_read() {
    let reply = Reply::read(frame("reply").payload).unwrap();
    assert_eq!((&reply.piece[..], reply.took), (&b"HI"[..], Duration::from_micros(250)));
    let (status, headers) = reply.head.unwrap();
    assert_eq!((status, &headers["content-type"]), (StatusCode::OK, &HeaderValue::from_static("text/plain")));
    let event = Reply::read(frame("reply_event").payload).unwrap();
    let (status, headers) = event.head.unwrap();
    assert_eq!((status, &event.piece[..], headers.len()), (StatusCode::OK, &b"HI"[..], 6));
    for (name, value) in [("ce-id", "r1"), ("ce-subject", "%C3%A4%20%25"), ("content-type", "text/plain")] {
        assert_eq!(headers[name], value);
    }
    let hello = Hello::read(frame("hello_worker").payload).unwrap();
    assert_eq!((hello.window, hello.concurrency), (262_144, 8));
    assert_eq!(hello.about[0], ("language".to_owned(), "python".to_owned()));
    let (took, trailers) = message::read_end(frame("end_worker").payload).unwrap();
    assert_eq!((took, &trailers.unwrap()["x-sum"]), (Duration::from_micros(250), &HeaderValue::from_static("1")));
    let failed = Failed::read(frame("error").payload).unwrap();
    assert_eq!((failed.fault, failed.retry, failed.status), (Fault::Raised, false, None));
    assert_eq!((&*failed.kind, &*failed.message, &*failed.stack), ("ValueError", "no", "Traceback: line 1"));
    assert_eq!(Failed::read(frame("error_load").payload).unwrap().fault, Fault::NotLoaded);
    for (name, kind, last, stream) in [
        ("data", Kind::Data, false, 1),
        ("cancelled", Kind::Cancelled, true, 1),
        ("cancelled_running", Kind::Cancelled, false, 1),
        ("window", Kind::Window, false, 1),
        ("pong", Kind::Pong, false, 0),
        ("log", Kind::Log, false, 1),
        ("bye", Kind::Bye, false, 0),
    ] {
        let frame = frame(name);
        assert_eq!((frame.kind, frame.last, frame.stream), (kind, last, stream), "{name}");
    }
    let mut optional = bytes("optional");
    assert_eq!(frame::take(&mut optional), Ok(None), "it is passed over");
    assert!(optional.is_empty());
}

/// A worker's REPLY of that kind, with so many attributes among its fields.
fn reply(kind: u8, attributes: u8, fields: &[u8]) -> Result<Result<usize, String>, message::BadMessage> {
    let length = u32::try_from(fields.len()).unwrap().to_be_bytes();
    let payload = [&[kind, attributes, 0, 200][..], &length, &[0; 4], fields].concat();
    let reply = Reply::read(Bytes::from(payload))?;
    Ok(reply.head.map(|(_, headers)| headers.len()).map_err(|bad| bad.to_string()))
}

/// A broken event is the function's mistake; a count that cannot be is the worker's.
#[test]
fn events_of_workers_are_checked() {
    let event = b"specversion\x001.0\0id\x001\0source\0/\0type\0t\0";
    let with = |more: &[u8]| [&event[..], more].concat();
    assert_eq!(reply(1, 4, event), Ok(Ok(4)));
    assert_eq!(reply(1, 4, &with(b"content-type\0a/b\0")), Ok(Ok(5)));
    assert_eq!(reply(1, 5, &with(b"datacontenttype\0a/b\0content-type\0c/d\0")), Ok(Ok(5)));
    for (attributes, fields, says) in [
        (3, &event[..], "type: missing"),
        (0, event, "specversion"),
        (5, &with(b"id\x002\0"), "id: there more than once"),
        (5, &with(b"My_name\0x\0"), "My_name: "),
        (5, &with(b"time\0now\0"), "time: "),
        (5, &with(b"x\0a\nb\0"), "x: "),
        (5, &with(b"x\0\xff\0"), "not UTF-8"),
        (4, &with(b"content-type\0nonsense\0"), "datacontenttype: "),
    ] {
        let told = reply(1, attributes, fields).unwrap().unwrap_err();
        assert!(told.contains(says), "{told:?} does not say {says:?}");
    }
    assert_eq!(reply(1, 5, event), Err(message::BadMessage::Fields));
    assert_eq!(reply(0, 4, event), Err(message::BadMessage::Range("the kind of REPLY")));
    assert_eq!(reply(2, 0, b""), Err(message::BadMessage::Range("the kind of REPLY")));
}

/// What HTTP does not allow in an answer is the function's doing: the frame is as it has to be.
#[test]
fn heads_that_http_does_not_allow_are_their_calls_own() {
    for (name, says) in [
        ("reply_bad_header", "has a header a with a value that HTTP does not allow"),
        ("reply_bad_name", "has a header called \"a b\", which HTTP does not allow"),
        ("reply_bad_status", "has the status 199 (try 200 to 599)"),
    ] {
        let reply = Reply::read(frame(name).payload).unwrap();
        assert_eq!(reply.head.unwrap_err().to_string(), says);
    }
    // All of one frame, which holds more than a map of headers does.
    let many: Vec<u8> = (0..40_000).flat_map(|number| format!("{number:x}\0\0").into_bytes()).collect();
    assert!(many.len() < frame::LARGEST, "{}", many.len());
    assert_eq!(reply(0, 0, &many), Ok(Err("has more headers than can be passed on".to_owned())));
    // What was taken had no room for the event's own, nor for heeler's: that was a panic.
    let event = &b"specversion\x001.0\0id\x001\0source\0/a\0type\0t\0"[..];
    for count in [24_576, 4_097] {
        let many: Vec<u8> = (0..count).flat_map(|number| format!("{number:x}\0\0").into_bytes()).collect();
        for (kind, attributes, fields) in [(1, 4, &[event, &many].concat()), (0, 0, &many)] {
            let refused = Ok(Err("has more headers than can be passed on".to_owned()));
            assert_eq!(reply(kind, attributes, fields), refused, "{count}");
        }
    }
    let most: Vec<u8> = (0..4_096).flat_map(|number| format!("{number:x}\0\0").into_bytes()).collect();
    assert_eq!(reply(1, 4, &[event, &most].concat()), Ok(Ok(4_096 + 4)));
    let (_, trailers) = message::read_end(Bytes::from_static(b"\0\0\0\0x\0a\rb\0")).unwrap();
    assert_eq!(trailers, Err(message::BadAnswer::Value("x".parse().unwrap())));
}

#[test]
fn heelers_frames_are_written() {
    let settings = [("handler", "function.py:handle"), ("handler_style", "hks")];
    assert_eq!(message::hello(262_144, 0, &settings), bytes("hello_heeler"));
    let trailers = [("x-sum", "1")].map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
    assert_eq!(message::end(1, Some(&trailers.into_iter().collect())), bytes("end_heeler"));
    for (name, kind, payload) in [("cancel", Kind::Cancel, &[1][..]), ("ping", Kind::Ping, &[0])] {
        let mut out = BytesMut::new();
        let stream = u32::from(kind == Kind::Cancel);
        frame::put(&mut out, kind, false, stream, payload);
        assert_eq!(out, bytes(name), "{name}");
    }
    assert_eq!(written("text/plain", 0, b"hi"), bytes("call"));
}

/// A call of a content type whose body is all there; 30 s are left of its time.
fn written(kind: &'static str, batch: u16, body: &[u8]) -> BytesMut {
    let mut call = call(b"");
    call.target = "/hello?x=1".parse().unwrap();
    call.id = HeaderValue::from_static("id-1");
    call.remote = Some("127.0.0.1".parse().unwrap());
    call.deadline = Deadline::after(Some(Duration::from_secs(30)));
    call.headers = [(CONTENT_TYPE, HeaderValue::from_static(kind))].into_iter().collect();
    call.batch = batch;
    let mut written = message::call(1, &call, None, body, true);
    // The clock does not stand still for a test.
    let left = u32::from_be_bytes(*written[20..].first_chunk().unwrap());
    assert!((20_000..=30_000).contains(&left), "{left}");
    written[20..24].copy_from_slice(&30_000_u32.to_be_bytes());
    written
}

#[test]
fn batches_bring_attributes_and_data_apart() {
    let said = br#"[{"specversion":"1.0","id":"a","source":"/s","type":"t","subject":"\u00e4 %",
        "datacontenttype":"text/plain","data":"hi"},{"specversion":"1.0","id":"b","source":"/s","type":"t"}]"#;
    assert_eq!(written("application/cloudevents-batch+json", 2, &apart(said)), bytes("call_batch"));
    // JSON says so even where its sender does not.
    for (data, fields, expected) in [
        (r#"data":{"n": 1.10}"#, "datacontenttype\0application/json\0", r#"{"n": 1.10}"#),
        (r#"datacontenttype":"a/b+json","data":"x""#, "datacontenttype\0a/b+json\0", r#""x""#),
        (r#"data_base64":"aGk=""#, "", "hi"),
    ] {
        let text = format!(r#"[{{"specversion":"1.0","id":"a","source":"/s","type":"t","{data}}}]"#);
        let seen = apart(text.as_bytes());
        let fields = format!("specversion\x001.0\0id\0a\0source\0/s\0type\0t\0{fields}");
        let lengths = [fields.len(), expected.len()].map(|length| u32::try_from(length).unwrap().to_be_bytes());
        assert_eq!(seen, [&lengths.concat()[..], fields.as_bytes(), expected.as_bytes()].concat(), "{data}");
    }
}

fn apart(text: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    for element in crate::event::batch::split(&Bytes::copy_from_slice(text), 9).unwrap() {
        super::put_event(&mut out, &element.unwrap().event);
    }
    out.into()
}

#[test]
fn broken_frames_are_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/broken");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let mut bytes = bytes(&format!("broken/{name}"));
        let read = |payload: Bytes, kind| match kind {
            Kind::Reply => Reply::read(payload).err(),
            Kind::Hello => Hello::read(payload).err(),
            Kind::Error => Failed::read(payload).err(),
            _ => None,
        };
        let refused = match frame::take(&mut bytes) {
            Err(_) => name.starts_with("both_"),
            Ok(Some(frame)) if name.starts_with("heeler_") => read(frame.payload, frame.kind).is_some(),
            // For the tests of the runtimes.
            Ok(_) => name.starts_with("worker_"),
        };
        assert!(refused, "{name}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen}");
}
