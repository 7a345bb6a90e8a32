//! The header block that a CGI script prints before its body (RFC 3875 §6).

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use crate::invoke::error::CallError;
use crate::invoke::hop::MOST_HEADERS;
use crate::reason::Reason;

/// As much as heeler takes from a client.
const LONGEST_HEAD: usize = 64 * 1024;

/// What the script said before its body.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

/// Splits the head off the output, which then is the body.
pub(super) fn split(output: &mut VecDeque<Bytes>) -> Result<Head, CallError> {
    let mut block = BytesMut::new();
    let mut seen = Seen::default();
    while let Some(mut chunk) = output.pop_front() {
        let room = LONGEST_HEAD - block.len();
        let rest = chunk.split_off(chunk.len().min(room));
        block.extend_from_slice(&chunk);
        if !rest.is_empty() {
            output.push_front(rest);
        }
        if let Some((head, body)) = ends(&block, &mut seen) {
            let rest = block.split_off(body).freeze();
            if !rest.is_empty() {
                output.push_front(rest);
            }
            return parse(&block[..head]);
        }
        if block.len() >= LONGEST_HEAD {
            return Err(bad("its header block is longer than 64 KiB"));
        }
    }
    Err(bad("no blank line ends its header block"))
}

/// How far a block has been looked at: heads may come byte by byte, and none of them is looked at twice.
#[derive(Default)]
struct Seen {
    /// Where the line begins that was not whole the last time.
    line: usize,
    all: usize,
}

/// Where the head ends and where the body begins: after the first empty line, CR LF or LF.
fn ends(block: &[u8], seen: &mut Seen) -> Option<(usize, usize)> {
    while let Some(length) = block[seen.all..].iter().position(|byte| *byte == b'\n') {
        let (begin, end) = (seen.line, seen.all + length);
        if matches!(&block[begin..end], b"" | b"\r") {
            return Some((begin, end + 1));
        }
        *seen = Seen { line: end + 1, all: end + 1 };
    }
    seen.all = block.len();
    None
}

fn parse(block: &[u8]) -> Result<Head, CallError> {
    let mut status = None;
    let mut headers = HeaderMap::new();
    for line in block.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':').ok_or_else(|| bad_line(line))?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"status") {
            status = Some(parse_status(value)?);
            continue;
        }
        let name = HeaderName::from_bytes(name).map_err(|_| bad_line(line))?;
        let value = HeaderValue::from_bytes(value).map_err(|_| bad_line(line))?;
        // The length is counted and the connection is ours.
        if !["content-length", "connection", "keep-alive", "transfer-encoding", "upgrade", "trailer", "te"]
            .contains(&name.as_str())
        {
            if headers.len() >= MOST_HEADERS {
                return Err(bad(&format!("it has more than {MOST_HEADERS} headers")));
            }
            headers.append(name, value);
        }
    }
    let redirect = headers.contains_key(hyper::header::LOCATION);
    let status = status.unwrap_or(if redirect { StatusCode::FOUND } else { StatusCode::OK });
    Ok(Head { status, headers })
}

/// `404 Not Found`: the number counts.
fn parse_status(value: &[u8]) -> Result<StatusCode, CallError> {
    let number = value.split(|byte| *byte == b' ').next().unwrap_or_default();
    match StatusCode::from_bytes(number) {
        Ok(status) if (200..600).contains(&status.as_u16()) => Ok(status),
        _ => Err(bad(&format!("its status is {:?} (try \"404 Not Found\")", String::from_utf8_lossy(value)))),
    }
}

fn bad_line(line: &[u8]) -> CallError {
    let line = String::from_utf8_lossy(&line[..line.len().min(80)]);
    bad(&format!("{line:?} is not a header (try \"Content-Type: text/plain\", and a blank line before the body)"))
}

fn bad(what: &str) -> CallError {
    CallError::new(Reason::BadHead, format!("the handler's answer is not CGI: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, headers, body.
    type Split = (u16, Vec<(String, String)>, String);

    fn run(chunks: &[&'static str]) -> Result<Split, Reason> {
        let mut output: VecDeque<Bytes> = chunks.iter().map(|chunk| Bytes::from_static(chunk.as_bytes())).collect();
        let head = split(&mut output).map_err(|error| error.reason)?;
        let headers = head.headers.iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
        let body = output.iter().flat_map(|chunk| chunk.to_vec()).collect();
        Ok((head.status.as_u16(), headers, String::from_utf8(body).unwrap()))
    }

    fn header(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn heads_are_split_from_bodies() {
        let plain = vec![header("content-type", "text/plain")];
        assert_eq!(run(&["Content-Type: text/plain\n\nhi\n\nyou"]), Ok((200, plain.clone(), "hi\n\nyou".into())));
        assert_eq!(run(&["Content-Type: text/", "plain\r\n", "\r", "\nhi"]), Ok((200, plain, "hi".into())));
        assert_eq!(run(&["Status: 404 Not Found\n\n"]), Ok((404, vec![], String::new())));
        assert_eq!(run(&["\nbody"]), Ok((200, vec![], "body".into())));
        assert_eq!(run(&["Location: /x\n\n"]), Ok((302, vec![header("location", "/x")], String::new())));
        assert_eq!(
            run(&["Content-Length: 9\nX: 1\nX: 2\n\n"]),
            Ok((200, vec![header("x", "1"), header("x", "2")], String::new()))
        );
    }

    #[test]
    fn a_head_may_come_in_pieces_of_any_size() {
        let head: &'static str = format!("X-A: {}\n\n", "a".repeat(5000)).leak();
        let body: &'static str = "b".repeat(200_000).leak();
        let whole: &'static str = format!("{head}{body}").leak();
        let (first, second) = whole.split_at(4096);
        let (status, headers, seen) = run(&[first, second]).unwrap();
        assert_eq!((status, headers.len()), (200, 1));
        assert!(seen == body);
        let long: &'static str = format!("X-A: {}\n\n", "a".repeat(70_000)).leak();
        assert_eq!(run(&[long]), Err(Reason::BadHead));
    }

    /// A long line in small pieces was looked at from its beginning for each of them.
    #[test]
    fn no_byte_of_a_head_is_looked_at_twice() {
        let (block, mut seen) = (b"X: aaaaaaaa\nY: b\r\n\r\nbody", Seen::default());
        for end in 0..20 {
            assert_eq!(ends(&block[..end], &mut seen), None);
            assert_eq!(seen.all, end);
        }
        assert_eq!(ends(block, &mut seen), Some((18, 20)));
    }

    /// A map of headers panics when it is full.
    #[test]
    fn headers_are_bound_in_number() {
        let head = |count: usize| -> &'static str {
            let lines: String = (0..count).map(|number| format!("{number:x}:\n")).collect();
            format!("{lines}\n").leak()
        };
        assert_eq!(run(&[head(MOST_HEADERS)]).unwrap().1.len(), MOST_HEADERS);
        assert_eq!(run(&[head(MOST_HEADERS + 1)]), Err(Reason::BadHead));
    }

    #[test]
    fn nonsense_is_refused() {
        for output in [
            "",
            "hello",
            "hello\n\n",
            "Status: 99\n\n",
            "Status: 100\n\n",
            "Status: no\n\n",
            "a b: c\n\n",
            "X: a\u{1}b\n\n",
        ] {
            assert_eq!(run(&[output]), Err(Reason::BadHead), "{output:?}");
        }
    }
}
