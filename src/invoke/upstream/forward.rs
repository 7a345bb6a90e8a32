//! Headers on their way through: what belongs to one connection stays there, and what the upstream must know of the
//! caller is added (RFC 9110 §7.6.1, RFC 7239).

use std::net::IpAddr;

use bytes::Bytes;
use hyper::body::Frame;
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, COOKIE,
    EXPECT, FORWARDED, HOST, HeaderName, HeaderValue, MAX_FORWARDS, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, RANGE,
    SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::{HeaderMap, Uri, Version};

use crate::invoke::address;
use crate::invoke::call::Call;
use crate::invoke::hop::{KEEP_ALIVE, PROXY_CONNECTION, remove_hop_by_hop};

const X_CALL_ID: HeaderName = HeaderName::from_static("x-call-id");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// An address of version 6 with what separates it from the one before.
const ADDRESS_ROOM: usize = 41;
/// The caller's element of `Forwarded`, but for the host.
const FORWARDED_ROOM: usize = 64 + ADDRESS_ROOM;

/// Whether a header that is a list of words has this one, however it is spelled.
pub(super) fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(word))
}

/// Whether a header may stand behind a body: nothing that says how to read the message, whom it is for or who sent it
/// may, since whoever decides by that has decided already (RFC 9110 §6.5.1).
pub(super) fn may_trail(name: &HeaderName) -> bool {
    const NEVER: [HeaderName; 22] = [
        AUTHORIZATION,
        CACHE_CONTROL,
        CONNECTION,
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_RANGE,
        CONTENT_TYPE,
        COOKIE,
        EXPECT,
        FORWARDED,
        HOST,
        KEEP_ALIVE,
        MAX_FORWARDS,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        PROXY_CONNECTION,
        RANGE,
        SET_COOKIE,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    !NEVER.contains(name) && !name.as_str().starts_with("x-forwarded-")
}

/// A piece of a body as it passes: trailers lose what may not be one.
pub(super) fn passing(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        let wrong: Vec<_> = trailers.keys().filter(|name| !may_trail(name)).cloned().collect();
        for name in wrong {
            trailers.remove(name);
        }
    }
    frame
}

/// The protocol that a request asks to change to, if heeler may pass that on. Another HTTP would take the connection to
/// where the upstream could be sent any request behind heeler's back.
pub(super) fn wanted_upgrade(call: &Call) -> Option<HeaderValue> {
    if call.version != Version::HTTP_11 || !lists(&call.headers, &CONNECTION, "upgrade") {
        return None;
    }
    let wanted = call.headers.get(UPGRADE)?;
    let is_http = |name: &str| ["h2c", "h2", "http"].iter().any(|http| name.eq_ignore_ascii_case(http));
    let values = call.headers.get_all(UPGRADE).iter().filter_map(|value| value.to_str().ok());
    // `name/version`, RFC 9110 §7.8.
    let mut names = values.flat_map(|value| value.split(',')).filter_map(|protocol| protocol.trim().split('/').next());
    (!wanted.is_empty() && !names.any(is_http)).then(|| wanted.clone())
}

/// A call's headers as the upstream gets them, but for how long its body is.
pub fn request(call: &mut Call) -> HeaderMap {
    let mut headers = std::mem::take(&mut call.headers);
    let wants_trailers = lists(&headers, &TE, "trailers");
    remove_hop_by_hop(&mut headers);
    headers.remove(TE);
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if !headers.contains_key(HOST) {
        headers.insert(HOST, host_of(&call.target));
    }
    if call.version >= Version::HTTP_2 {
        join_cookies(&mut headers);
    }
    headers.insert(X_CALL_ID, call.id.clone());
    add_caller(&mut headers, call.remote);
    headers
}

/// HTTP/2 callers name the host in `:authority` (RFC 9113 §8.3.1).
fn host_of(target: &Uri) -> HeaderValue {
    let host = target.authority().and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    host.unwrap_or_else(|| HeaderValue::from_static("localhost"))
}

/// HTTP/2 callers may send each cookie by itself; HTTP/1 has one header for all (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<_> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// Who called, by which name and scheme: added behind what proxies before heeler have said.
fn add_caller(headers: &mut HeaderMap, remote: Option<IpAddr>) {
    let mut addresses = joined(headers, &X_FORWARDED_FOR, |_| true);
    let forwarded = forwarded(headers, &addresses, remote);
    set(headers, FORWARDED, forwarded);
    if let Some(remote) = remote {
        addresses.reserve(ADDRESS_ROOM);
        if !addresses.is_empty() {
            addresses.push_str(", ");
        }
        address::put(&mut addresses, remote);
        set(headers, X_FORWARDED_FOR, addresses);
    }
    if !headers.contains_key(X_FORWARDED_PROTO) {
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !headers.contains_key(X_FORWARDED_HOST)
        && let Some(host) = headers.get(HOST).cloned()
    {
        headers.insert(X_FORWARDED_HOST, host);
    }
}

/// RFC 7239: one more element. Where only `X-Forwarded-For` was there, its addresses become elements too (§7.4), so
/// that both headers tell of the same way.
fn forwarded(headers: &HeaderMap, addresses: &str, remote: Option<IpAddr>) -> String {
    let host = text(headers, &HOST).unwrap_or_default();
    let mut all = joined(headers, &FORWARDED, is_closed);
    all.reserve(FORWARDED_ROOM + host.len());
    if !all.is_empty() || addresses.is_empty() {
        push_caller(&mut all, remote);
        push_host(&mut all, host, "http");
        return all;
    }
    for address in addresses.split(',').map(str::trim).filter(|address| !address.is_empty()) {
        let first = all.is_empty();
        push_node(&mut all, address);
        // What the first proxy saw is said of the first element.
        if first {
            let host = text(headers, &X_FORWARDED_HOST).unwrap_or(host);
            push_host(&mut all, host, text(headers, &X_FORWARDED_PROTO).unwrap_or("http"));
        }
    }
    push_caller(&mut all, remote);
    all
}

fn push_caller(all: &mut String, remote: Option<IpAddr>) {
    all.push_str(if all.is_empty() { "for=" } else { ", for=" });
    match remote {
        // §6: in brackets, and therefore quoted.
        Some(address @ IpAddr::V6(_)) => {
            all.push_str("\"[");
            address::put(all, address);
            all.push_str("]\"");
        }
        Some(address) => address::put(all, address),
        None => all.push_str("unknown"),
    }
}

/// An address as somebody else wrote it; some put brackets around those of version 6, some do not.
fn push_node(all: &mut String, address: &str) {
    match address.trim_matches(['[', ']']).parse() {
        Ok(address) => push_caller(all, Some(address)),
        Err(_) => {
            all.push_str(if all.is_empty() { "for=" } else { ", for=" });
            push_quoted(all, address);
        }
    }
}

fn push_host(all: &mut String, host: &str, proto: &str) {
    all.push_str(";host=");
    push_quoted(all, host);
    all.push_str(";proto=");
    push_quoted(all, proto);
}

/// A token as it is, anything else between quotes (RFC 9110 §5.6.4).
fn push_quoted(all: &mut String, text: &str) {
    let is_token = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
    };
    if !text.is_empty() && text.bytes().all(is_token) {
        all.push_str(text);
        return;
    }
    all.push('"');
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            all.push('\\');
        }
        all.push(letter);
    }
    all.push('"');
}

/// Whether every quote of a list has its end: behind one that is open, what heeler says would be read as a part of what
/// the caller said.
fn is_closed(list: &str) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    for byte in list.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
    }
    !quoted
}

/// All values of a list as one, but for those that are none.
fn joined(headers: &HeaderMap, name: &HeaderName, is_one: fn(&str) -> bool) -> String {
    let mut all = String::new();
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    for value in values.filter(|value| is_one(value)) {
        all.push_str(if all.is_empty() { "" } else { ", " });
        all.push_str(value);
    }
    all
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: String) {
    // Joined from header values and addresses, it cannot hold what no header may; if it did, nothing is said.
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(text)) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    /// A caller that sent `for="x` was told of as if heeler were a part of it, and its own address was read by nobody.
    #[test]
    fn a_quote_that_is_left_open_hides_no_caller() {
        let ours = "for=10.0.0.9;host=a;proto=http";
        for (said, kept) in [
            (&["for=\"x"][..], ""),
            (&["for=\"x\\\""], ""),
            (&["for=1.1.1.1", "for=\"x"], "for=1.1.1.1, "),
            (&["for=\"[::1]\", for=\"a,\\\"\""], "for=\"[::1]\", for=\"a,\\\"\", "),
        ] {
            let mut seen = headers(&[("host", "a")]);
            seen.extend(said.iter().map(|value| (FORWARDED, HeaderValue::from_static(value))));
            add_caller(&mut seen, Some("10.0.0.9".parse().unwrap()));
            assert_eq!(text(&seen, &FORWARDED), Some(&*format!("{kept}{ours}")), "{said:?}");
        }
    }

    #[test]
    fn the_caller_is_added_behind_the_proxies() {
        let v4 = Some("10.0.0.9".parse().unwrap());
        let v6 = Some("2001:db8::1".parse().unwrap());
        type Case<'a> = (&'a [(&'static str, &'static str)], Option<IpAddr>, &'a str, &'a str);
        let cases: &[Case<'_>] = &[
            (&[("host", "a")], v4, "10.0.0.9", "for=10.0.0.9;host=a;proto=http"),
            (&[("host", "a:80")], v6, "2001:db8::1", "for=\"[2001:db8::1]\";host=\"a:80\";proto=http"),
            (&[("host", "a")], None, "", "for=unknown;host=a;proto=http"),
            (
                &[("host", "a"), ("x-forwarded-for", "1.1.1.1, ::1"), ("x-forwarded-proto", "https")],
                v4,
                "1.1.1.1, ::1, 10.0.0.9",
                "for=1.1.1.1;host=a;proto=https, for=\"[::1]\", for=10.0.0.9",
            ),
            (
                &[("host", "a"), ("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "1.1.1.1")],
                v4,
                "1.1.1.1, 10.0.0.9",
                "for=1.1.1.1, for=10.0.0.9;host=a;proto=http",
            ),
        ];
        for (given, remote, for_, forwarded) in cases {
            let mut seen = headers(given);
            add_caller(&mut seen, *remote);
            assert_eq!(text(&seen, &X_FORWARDED_FOR).unwrap_or_default(), *for_);
            assert_eq!(text(&seen, &FORWARDED), Some(*forwarded));
            assert_eq!(text(&seen, &X_FORWARDED_HOST), Some(given[0].1));
        }
    }
}
