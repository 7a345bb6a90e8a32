//! Heads of HTTP/1 answers: read, judged, and how long the body behind them is (RFC 9112 §4 to §6).

use std::mem::MaybeUninit;

use bytes::BytesMut;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::{HeaderMap, StatusCode};

use crate::invoke::hop::length_of;

/// As large as heeler takes them from callers.
const LARGEST: usize = 64 * 1024;
/// More lines than any answer of a function has.
const MOST_HEADERS: usize = 128;

/// An answer's head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The connection may be used for another call.
    pub(super) keep_alive: bool,
}

/// What stands behind a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes; 0 is no body.
    Length(u64),
    /// Pieces with their sizes.
    Chunked,
    /// All that comes before the end of the connection.
    UntilClose,
}

/// An answer that no client could make sense of; the text goes on behind whose answer it is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadHead {
    #[error("is not HTTP/1: {0}")]
    Nonsense(String),
    #[error("has a head larger than {LARGEST} bytes or more than {MOST_HEADERS} headers")]
    TooLarge,
    #[error("has the Content-Length {0:?}, which is not one length")]
    Length(String),
    #[error("has the Transfer-Encoding {0:?}, and only chunked can be read")]
    Encoding(String),
}

/// Takes a head off the front of what was read; `None` while it is not all there.
pub(super) fn take(buffer: &mut BytesMut) -> Result<Option<Head>, BadHead> {
    let mut slots = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    // RFC 9112 §5.1: a proxy removes the blanks that some servers put before the colon.
    let mut config = httparse::ParserConfig::default();
    config.allow_spaces_after_header_name_in_responses(true);
    let length = match config.parse_response_with_uninit_headers(&mut response, buffer, &mut slots) {
        Ok(httparse::Status::Complete(length)) if length <= LARGEST => length,
        Ok(httparse::Status::Partial) if buffer.len() < LARGEST => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(BadHead::TooLarge),
        Err(error) => return Err(BadHead::Nonsense(error.to_string())),
    };
    let (code, is_11) = (response.code.unwrap_or_default(), response.version == Some(1));
    let spans: Vec<_> = response.headers.iter().map(|header| Span::of(header, buffer)).collect();
    let bytes = buffer.split_to(length).freeze();
    let mut headers = HeaderMap::with_capacity(spans.len() + 4);
    for span in spans {
        let name = HeaderName::from_bytes(&bytes[span.name.0..span.name.1]);
        let value = HeaderValue::from_maybe_shared(bytes.slice(span.value.0..span.value.1));
        match (name, value) {
            (Ok(name), Ok(value)) => drop(headers.append(name, value)),
            _ => return Err(BadHead::Nonsense("a header that is none".to_owned())),
        }
    }
    let status = StatusCode::from_u16(code).map_err(|_| BadHead::Nonsense(format!("the status {code}")))?;
    let keep_alive = keeps_alive(&headers, is_11);
    Ok(Some(Head { status, headers, keep_alive }))
}

/// Where a header stands, so that its value can share the memory that was read into.
struct Span {
    name: (usize, usize),
    value: (usize, usize),
}

impl Span {
    fn of(header: &httparse::Header<'_>, buffer: &[u8]) -> Span {
        let base = buffer.as_ptr().addr();
        let at = |part: &[u8]| {
            let begin = part.as_ptr().addr() - base;
            (begin, begin + part.len())
        };
        // An empty value may stand anywhere.
        let value = if header.value.is_empty() { (0, 0) } else { at(header.value) };
        Span { name: at(header.name.as_bytes()), value }
    }
}

fn keeps_alive(headers: &HeaderMap, is_11: bool) -> bool {
    let says = |word: &str| super::forward::lists(headers, &CONNECTION, word);
    if is_11 { !says("close") } else { says("keep-alive") }
}

impl Head {
    /// What follows, and whether what was said of it is beyond doubt. `to_head`: the request was a HEAD.
    pub(super) fn framing(&mut self, to_head: bool) -> Result<Framing, BadHead> {
        if to_head || self.status.is_informational() || matches!(self.status.as_u16(), 204 | 304) {
            if !to_head && self.announces_more() {
                self.keep_alive = false;
            }
            return Ok(Framing::Length(0));
        }
        if self.headers.contains_key(TRANSFER_ENCODING) {
            return self.chunked();
        }
        match self.headers.get(CONTENT_LENGTH) {
            None => {
                self.keep_alive = false;
                Ok(Framing::UntilClose)
            }
            Some(_) => self.length().map(Framing::Length),
        }
    }

    /// Whether a body may follow all the same, of a server that does not know which answers have none (RFC 9112 §6.3):
    /// its bytes would be taken for the next answer.
    fn announces_more(&self) -> bool {
        let length = self.headers.get(CONTENT_LENGTH).filter(|_| self.status != StatusCode::NOT_MODIFIED);
        self.headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length.as_bytes() != b"0")
    }

    fn chunked(&mut self) -> Result<Framing, BadHead> {
        let mut encodings = self.headers.get_all(TRANSFER_ENCODING).iter();
        match (encodings.next(), encodings.next()) {
            (Some(only), None) if only.as_bytes().eq_ignore_ascii_case(b"chunked") => {}
            (first, _) => return Err(BadHead::Encoding(first.map(lossy).unwrap_or_default())),
        }
        // RFC 9112 §6.3: with both, the length is a lie; and a sender that lies once is not asked twice.
        if self.headers.remove(CONTENT_LENGTH).is_some() {
            self.keep_alive = false;
        }
        Ok(Framing::Chunked)
    }

    /// RFC 9112 §6.3: several lengths are one if they say the same.
    fn length(&mut self) -> Result<u64, BadHead> {
        let mut values = self.headers.get_all(CONTENT_LENGTH).iter();
        if let (Some(only), None) = (values.next(), values.next())
            && let Some(length) = length_of(only.as_bytes())
        {
            return Ok(length);
        }
        let all: Vec<_> = self.headers.get_all(CONTENT_LENGTH).iter().map(HeaderValue::as_bytes).collect();
        let all = all.join(&b',');
        let bad = || BadHead::Length(String::from_utf8_lossy(&all).into_owned());
        let mut parts = all.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let first = parts.next().unwrap_or_default();
        if !parts.all(|part| part == first) {
            return Err(bad());
        }
        let length = length_of(first).ok_or_else(bad)?;
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        Ok(length)
    }
}

fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(text: &str) -> Result<(Framing, bool), BadHead> {
        let mut buffer = BytesMut::from(text);
        let mut head = take(&mut buffer)?.expect("a whole head");
        let framing = head.framing(false)?;
        Ok((framing, head.keep_alive))
    }

    #[test]
    fn bodies_are_measured() {
        use Framing::{Chunked, Length, UntilClose};
        for (text, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", (Length(5), true)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", (Length(5), true)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nConnection: x, CLOSE\r\n\r\n", (Length(5), false)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", (Chunked, true)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", (Chunked, false)),
            ("HTTP/1.1 200\r\n\r\n", (UntilClose, false)),
            ("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", (Length(1), false)),
            ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length : 1\r\n\r\n", (Length(1), true)),
            ("HTTP/1.1 204 No Content\r\n\r\n", (Length(0), true)),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", (Length(0), true)),
            ("HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", (Length(0), false)),
            ("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", (Length(0), true)),
            ("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", (Length(0), false)),
            ("HTTP/1.1 304 Not Modified\r\nX-Empty:\r\n\r\n", (Length(0), true)),
        ] {
            assert_eq!(framing(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "HELLO\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 99 Low\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(framing(text).is_err(), "{text}");
        }
        let mut endless = BytesMut::from(format!("HTTP/1.1 200 OK\r\nA: {}", "x".repeat(LARGEST)).as_str());
        assert_eq!(take(&mut endless).unwrap_err(), BadHead::TooLarge);
    }

    #[test]
    fn heads_may_come_in_pieces() {
        let text = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 0\r\n\r\nrest";
        let head_length = text.len() - 4;
        for cut in 0..head_length {
            assert!(take(&mut BytesMut::from(&text[..cut])).unwrap().is_none(), "{cut}");
        }
        let mut buffer = BytesMut::from(&text[..]);
        let head = take(&mut buffer).unwrap().unwrap();
        assert_eq!(head.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(&buffer[..], b"rest");
    }
}
