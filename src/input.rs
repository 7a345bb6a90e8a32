//! What the checks of `fuzzed` make of the fuzzer's bytes: choices, pieces, headers and requests. In no other build.

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Uri, Version};

/// The first bytes, which choose how to read, and those that are read. What is not there chooses 0.
pub(crate) fn choices<const COUNT: usize>(bytes: &[u8]) -> ([u8; COUNT], &[u8]) {
    let (first, rest) = bytes.split_at(COUNT.min(bytes.len()));
    let mut choices = [0; COUNT];
    choices[..first.len()].copy_from_slice(first);
    (choices, rest)
}

/// The bytes in pieces of these sizes, one after the other and from the first again; none is empty.
pub(crate) fn pieces<'a>(sizes: &[u8], bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let mut sizes = sizes.iter().cycle();
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let size = 1 + usize::from(*sizes.next().unwrap_or(&0)) % 97;
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}

/// Lines of `name: value` up to a blank one, and what stands behind it. A line that is no header is passed over.
pub(crate) fn headers(bytes: &[u8]) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(line.len()));
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    (headers, Bytes::copy_from_slice(rest))
}

/// A line of version, method and target, as in `1 GET /x`, and headers: what hyper would hand on.
pub(crate) fn request(bytes: &[u8]) -> Option<(Parts, Bytes)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(&bytes[..end]).ok()?;
    let (version, line) = line.split_once(' ')?;
    let (method, target) = line.split_once(' ')?;
    let mut parts = Request::new(()).into_parts().0;
    parts.version = match version {
        "0" => Version::HTTP_10,
        "2" => Version::HTTP_2,
        _ => Version::HTTP_11,
    };
    parts.method = Method::from_bytes(method.as_bytes()).ok()?;
    parts.uri = target.parse::<Uri>().ok()?;
    let (headers, body) = headers(&bytes[end + 1..]);
    parts.headers = headers;
    Some((parts, body))
}
