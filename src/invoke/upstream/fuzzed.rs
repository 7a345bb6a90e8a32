//! What has to hold for any answer of an upstream's, and for any request on its way there.
#![allow(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::fmt::Write;

use bytes::BytesMut;
use hyper::header::{CONNECTION, CONTENT_LENGTH, FORWARDED, HOST, TE, TRANSFER_ENCODING};
use hyper::{HeaderMap, StatusCode};

use super::decode::{BadBody, Decoder, Step};
use super::forward;
use super::head::{self, BadHead, Framing};
use super::request::{self, Length};
use crate::input;

/// Any bytes as an upstream's answer.
pub fn answers(bytes: &[u8]) {
    let (sizes, bytes) = input::choices::<4>(bytes);
    let to_head = sizes[0] & 0x80 != 0;
    let whole = Answer::of(&[bytes], to_head);
    assert_eq!(whole, Answer::of(&input::pieces(&sizes, bytes), to_head), "the answer hangs on how it comes");
    let Some((status, framing)) = whole.head else { return };
    let complete = whole.end == Ok(true);
    match framing {
        Framing::Length(length) => {
            assert!(whole.data.len() as u64 <= length && complete == (whole.data.len() as u64 == length));
        }
        Framing::Chunked => as_chunks(&whole),
        Framing::UntilClose => assert!(!whole.keep_alive && whole.rest.is_empty()),
    }
    let none = to_head || status.is_informational() || matches!(status.as_u16(), 204 | 304);
    assert!(!none || framing == Framing::Length(0), "{status}");
    for (name, _) in whole.trailers.iter() {
        assert!(forward::may_trail(name), "{name}");
    }
}

/// All that a reader learns.
#[derive(Debug, PartialEq)]
struct Answer {
    bad_head: Option<BadHead>,
    head: Option<(StatusCode, Framing)>,
    headers: HeaderMap,
    keep_alive: bool,
    data: Vec<u8>,
    trailers: HeaderMap,
    /// Whether the body has come to its end, or what was wrong with it; `None` before the body.
    end: Result<bool, Option<BadBody>>,
    /// What belongs to the next answer.
    rest: Vec<u8>,
}

impl Answer {
    fn of(pieces: &[&[u8]], to_head: bool) -> Answer {
        let mut answer = Answer {
            bad_head: None,
            head: None,
            headers: HeaderMap::new(),
            keep_alive: false,
            data: Vec::new(),
            trailers: HeaderMap::new(),
            end: Err(None),
            rest: Vec::new(),
        };
        let (mut buffer, mut decoder) = (BytesMut::new(), None);
        for piece in pieces {
            buffer.extend_from_slice(piece);
            if decoder.is_none() {
                match answer.head(&mut buffer, to_head) {
                    Ok(framing) => decoder = framing.map(Decoder::new),
                    Err(bad) => return Answer { bad_head: Some(bad), ..answer },
                }
            }
            if let Some(decoder) = &mut decoder {
                answer.body(decoder, &mut buffer);
            }
            if matches!(answer.end, Err(Some(_))) {
                return answer;
            }
        }
        answer.rest = buffer.to_vec();
        answer
    }

    fn head(&mut self, buffer: &mut BytesMut, to_head: bool) -> Result<Option<Framing>, BadHead> {
        let Some(mut head) = head::take(buffer)? else { return Ok(None) };
        let framing = head.framing(to_head)?;
        let both = head.headers.contains_key(TRANSFER_ENCODING) && head.headers.contains_key(CONTENT_LENGTH);
        assert!(framing != Framing::Chunked || !both, "two lengths are passed on");
        self.head = Some((head.status, framing));
        (self.headers, self.keep_alive) = (head.headers, head.keep_alive);
        Ok(Some(framing))
    }

    fn body(&mut self, decoder: &mut Decoder, buffer: &mut BytesMut) {
        loop {
            match decoder.next(buffer) {
                Ok(Step::Data(data)) => {
                    assert!(!data.is_empty(), "a piece with nothing in it");
                    self.data.extend_from_slice(&data);
                }
                Ok(Step::Trailers(trailers)) => self.trailers = trailers,
                Ok(Step::More) => return self.end = Ok(false),
                Ok(Step::End) => return self.end = Ok(true),
                Err(bad) => return self.end = Err(Some(bad)),
            }
        }
    }
}

/// The same body in other chunks is the same body.
fn as_chunks(answer: &Answer) {
    if answer.end != Ok(true) {
        return;
    }
    let mut again = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for chunk in answer.data.chunks(7) {
        again.extend([format!("{:X};x=y\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    again.extend(b"0\r\n");
    for (name, value) in &answer.trailers {
        again.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    again.extend(b"\r\nnext");
    let read = Answer::of(&[&again], false);
    assert_eq!((&read.data, &read.trailers, &read.rest[..]), (&answer.data, &answer.trailers, &b"next"[..]));
}

/// Any request as the upstream gets it.
pub fn forwarded(bytes: &[u8]) {
    let Some((parts, body)) = input::request(bytes) else { return };
    let mut call = crate::invoke::fuzzed::call(parts, body);
    let upgrade = forward::wanted_upgrade(&call);
    let headers = forward::request(&mut call);
    assert!(headers.contains_key(HOST) && headers.contains_key("x-call-id"));
    for name in ["connection", "keep-alive", "proxy-authorization", "proxy-connection", "transfer-encoding", "upgrade"]
    {
        assert!(!headers.contains_key(name), "{name} belongs to one connection");
    }
    assert!(headers.get(TE).is_none_or(|te| te == "trailers"));
    caller_is_last(&headers);
    let head = request::encode(&call.method, "/base", &call.target, &headers, Length::Known(2), upgrade.as_ref());
    let count = headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH).count() + 1;
    let added = if upgrade.is_some() { 2 } else { 0 };
    let mut slots = vec![httparse::EMPTY_HEADER; count + added + 1];
    let mut request = httparse::Request::new(&mut slots);
    let Ok(httparse::Status::Complete(length)) = request.parse(&head) else { panic!("{head:?}") };
    assert_eq!((length, request.headers.len()), (head.len(), count + added), "another message than was meant");
    let lengths = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case("content-length"));
    assert_eq!(lengths.map(|header| header.value).collect::<Vec<_>>(), [b"2"]);
    assert!(upgrade.is_some() || !request.headers.iter().any(|header| header.name == CONNECTION.as_str()));
}

/// Whatever was said before heeler, a reader of either header finds heeler's caller at its end (RFC 7239 §4).
fn caller_is_last(headers: &HeaderMap) {
    let all = |name: &str| {
        let mut all = String::new();
        for value in headers.get_all(name) {
            let _ = write!(all, ",{}", value.to_str().unwrap());
        }
        all
    };
    let addresses = all("x-forwarded-for");
    assert_eq!(addresses.rsplit(',').next().map(str::trim), Some("192.0.2.7"), "{addresses}");
    let elements = all(FORWARDED.as_str());
    let last = last_element(&elements);
    assert!(last.starts_with("for=192.0.2.7"), "{elements}");
    let hosts: Vec<_> = headers.get_all(HOST).iter().collect();
    assert!(hosts.len() > 1 || !last.contains("host=") || last.contains(";host="), "{last}");
}

/// Commas between quotes are part of a value.
fn last_element(list: &str) -> &str {
    let (mut quoted, mut escaped, mut begin) = (false, false, 0);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => begin = at + 1,
            _ => {}
        }
    }
    list[begin..].trim()
}
