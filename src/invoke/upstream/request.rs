//! A call's head as HTTP/1.1 bytes.

use bytes::{BufMut, BytesMut};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use hyper::{HeaderMap, Method, Uri};

/// How the upstream learns where a request's body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// As the caller's head says it, or by having none.
    AsGiven,
    /// Held until its end: so many bytes.
    Known(usize),
    /// In pieces.
    Chunked,
}

/// What stands before a target's path, and the path with its query.
pub(super) fn path_of<'a>(base: &'a str, target: &'a Uri) -> (&'a str, &'a str) {
    let path = target.path_and_query().map_or("/", |target| target.as_str());
    // The target * names the whole server, not a path on it.
    (if path == "*" { "" } else { base }, path)
}

/// Puts a request together. `base` stands before the path; `headers` hold nothing of any connection.
pub fn encode(
    method: &Method,
    base: &str,
    target: &Uri,
    headers: &HeaderMap,
    length: Length,
    upgrade: Option<&HeaderValue>,
) -> BytesMut {
    let (base, path) = path_of(base, target);
    let mut out = BytesMut::with_capacity(256 + base.len() + path.len() + headers.len() * 48);
    out.put_slice(method.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(base.as_bytes());
    out.put_slice(path.as_bytes());
    out.put_slice(b" HTTP/1.1\r\n");
    for (name, value) in headers {
        if name == CONTENT_LENGTH && length != Length::AsGiven {
            continue;
        }
        put(&mut out, name.as_str(), value.as_bytes());
    }
    match length {
        Length::AsGiven => {}
        Length::Known(length) => put(&mut out, CONTENT_LENGTH.as_str(), length.to_string().as_bytes()),
        Length::Chunked => put(&mut out, TRANSFER_ENCODING.as_str(), b"chunked"),
    }
    if let Some(protocol) = upgrade {
        put(&mut out, CONNECTION.as_str(), b"Upgrade");
        put(&mut out, UPGRADE.as_str(), protocol.as_bytes());
    }
    out.put_slice(b"\r\n");
    out
}

fn put(out: &mut BytesMut, name: &str, value: &[u8]) {
    out.put_slice(name.as_bytes());
    out.put_slice(b": ");
    out.put_slice(value);
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_put_together() {
        let headers: HeaderMap =
            [(hyper::header::HOST, HeaderValue::from_static("a")), (CONTENT_LENGTH, 5.into())].into_iter().collect();
        let target: Uri = "http://a/x%2Fy?q=%20".parse().unwrap();
        let text = |base, target: &Uri, length, upgrade: Option<&HeaderValue>| {
            let bytes = encode(&Method::POST, base, target, &headers, length, upgrade);
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        assert_eq!(
            text("", &target, Length::AsGiven, None),
            "POST /x%2Fy?q=%20 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n"
        );
        assert_eq!(
            text("/base", &target, Length::Chunked, None),
            "POST /base/x%2Fy?q=%20 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        assert_eq!(
            text("/base", &Uri::from_static("*"), Length::Known(7), Some(&HeaderValue::from_static("WebSocket"))),
            "POST * HTTP/1.1\r\nhost: a\r\ncontent-length: 7\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n\r\n"
        );
    }
}
