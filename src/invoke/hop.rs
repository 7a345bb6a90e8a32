//! Headers as messages pass: those that belong to one connection stay there (RFC 9110 §7.6.1), and a length is a number.

use hyper::HeaderMap;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING,
    UPGRADE,
};

pub(super) const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
pub(super) const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// What belongs to a connection, whether `Connection` names it or not.
const HOP_BY_HOP: [HeaderName; 7] =
    [CONNECTION, KEEP_ALIVE, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, PROXY_CONNECTION, TRANSFER_ENCODING, UPGRADE];

/// As many as an answer may have. A map of headers holds 24,576, panics at the next, and heeler adds an event's and its
/// own; with names that were chosen to collide it is full at 6,554.
pub(super) const MOST_HEADERS: usize = 4_096;

/// Removes what belongs to the connection that a message came by.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // Most messages have none, and a look at their few names costs less than a search for each of these.
    if !headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
    remove_named(headers);
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// What `Connection` names: but nothing that says how long the message is or whom it is for.
fn remove_named(headers: &mut HeaderMap) {
    let values: Vec<_> = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok()).collect();
    let names = values.iter().flat_map(|value| value.split(','));
    let named: Vec<_> = names.filter_map(|name| name.trim().parse::<HeaderName>().ok()).collect();
    for name in named {
        if name != CONTENT_LENGTH && name != HOST && name != TE {
            headers.remove(name);
        }
    }
}

/// The length that a `Content-Length` tells: digits alone, where `parse` would take a sign.
pub(super) fn length_of(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn what_belongs_to_a_connection_stays_there() {
        let given = [
            ("connection", "keep-alive, X-Mine"),
            ("connection", "close"),
            ("connection", "host, Content-Length"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "x"),
            ("upgrade", "h2c"),
            ("host", "a"),
            ("content-length", "5"),
            ("x-other", "1"),
        ];
        let mut given = given.into_iter().fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, HeaderValue::from_static(value));
            headers
        });
        remove_hop_by_hop(&mut given);
        let mut left: Vec<_> = given.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "host", "x-other"]);
    }
}
