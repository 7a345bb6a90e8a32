//! What hyper lets pass and RFC 9112 or good sense does not: refused before anything is spent on it.

use hyper::header::{EXPECT, HOST, HeaderValue, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{Method, Version};

use crate::invoke::CallError;
use crate::reason::Reason;

/// No registered method is half as long.
const LONGEST_METHOD: usize = 32;

/// Whether a request may reach the handler.
pub(super) fn check(head: &Parts) -> Result<(), CallError> {
    check_method(head)?;
    check_host(head)?;
    check_target(head)?;
    check_encoding(head)?;
    check_expectation(head)
}

fn check_method(head: &Parts) -> Result<(), CallError> {
    if head.method == Method::CONNECT {
        return Err(CallError::new(Reason::Method, "CONNECT is for proxies; a function is none"));
    }
    if head.method.as_str().len() > LONGEST_METHOD {
        return Err(CallError::new(Reason::Method, format!("a method name is at most {LONGEST_METHOD} bytes long")));
    }
    Ok(())
}

/// RFC 9112 §3.2: exactly one valid Host in HTTP/1.1, and never two. Two readers of two hosts see two functions.
fn check_host(head: &Parts) -> Result<(), CallError> {
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => Err(bad("there are two Host headers")),
        (None, _) if head.version == Version::HTTP_11 => Err(bad("HTTP/1.1 asks for a Host header")),
        (Some(host), None) if !is_host(host.as_bytes()) => Err(bad("the Host header is not host or host:port")),
        _ => Ok(()),
    }
}

fn is_host(host: &[u8]) -> bool {
    // Empty is what a client without an authority must send (RFC 9110 §7.2).
    host.is_empty()
        || is_plain(host)
        || !host.contains(&b'@') && Authority::try_from(host).is_ok_and(|host| has_no_bad_port(&host))
}

/// Most hosts: a name or an address of letters, digits, dots and hyphens, and no port or one that is surely a port.
fn is_plain(host: &[u8]) -> bool {
    let colon = host.iter().position(|byte| *byte == b':');
    let (name, port) = host.split_at(colon.unwrap_or(host.len()));
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    !name.is_empty()
        && name.iter().all(is_name)
        && matches!(port.len(), 0 | 2..=5)
        && port.iter().skip(1).all(u8::is_ascii_digit)
}

/// The library takes any letters for a port, and a sign before its number. Behind the colon may be nothing
/// (RFC 3986 §3.2.3).
fn has_no_bad_port(host: &Authority) -> bool {
    let port = host.as_str().get(host.host().len()..).unwrap_or_default();
    let digits = port.strip_prefix(':').unwrap_or_default();
    digits.bytes().all(|byte| byte.is_ascii_digit()) && (matches!(port, "" | ":") || digits.parse::<u16>().is_ok())
}

/// RFC 9112 §3.2.1 to §3.2.4. An absolute target may name only the host that the Host header names, and so may
/// `:authority` (RFC 9113 §8.3.1): some choose the function by the one, some by the other.
fn check_target(head: &Parts) -> Result<(), CallError> {
    let target = &head.uri;
    if target.path() == "*" {
        return if head.method == Method::OPTIONS { Ok(()) } else { Err(bad("the target * is for OPTIONS")) };
    }
    if !target.path().starts_with('/') {
        return Err(bad("the target is not a path"));
    }
    match (target.authority(), head.headers.get(HOST)) {
        (Some(_), _) if target.scheme().is_none() => Err(bad("the target is not a path")),
        (Some(authority), None) if !is_host(authority.as_str().as_bytes()) => Err(bad("the target's host is none")),
        (Some(authority), Some(host)) if !authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes()) => {
            Err(bad("the target and the Host header name different hosts"))
        }
        _ => Ok(()),
    }
}

/// Only `chunked`, once: with anything else two readers may disagree where the body ends (request smuggling).
fn check_encoding(head: &Parts) -> Result<(), CallError> {
    if is_clearly_framed(head) { Ok(()) } else { Err(bad("the only transfer encoding taken is chunked, once")) }
}

fn is_clearly_framed(head: &Parts) -> bool {
    let mut encodings = head.headers.get_all(TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => true,
        (Some(only), None) => only.as_bytes().eq_ignore_ascii_case(b"chunked"),
        _ => false,
    }
}

/// Whether what stands behind a request of HTTP/1 may be something else than the next request: a body that others end
/// elsewhere (RFC 9112 §6.3), or the first bytes for a tunnel that there will not be (CONNECT). Then the connection ends.
pub(super) fn ends_connection(head: &Parts) -> bool {
    head.version < Version::HTTP_2 && (head.method == Method::CONNECT || !is_clearly_framed(head))
}

fn check_expectation(head: &Parts) -> Result<(), CallError> {
    let expected = head.headers.get_all(EXPECT).iter();
    match expected.map(HeaderValue::as_bytes).all(|expected| expected.eq_ignore_ascii_case(b"100-continue")) {
        true => Ok(()),
        false => Err(CallError::new(Reason::Expectation, "the only expectation that can be met is 100-continue")),
    }
}

fn bad(sentence: &str) -> CallError {
    CallError::new(Reason::BadRequest, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn run(version: Version, method: &str, target: &str, headers: &[(&str, &str)]) -> Result<(), Reason> {
        let mut request = Request::builder().version(version).method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap().into_parts().0).map_err(|error| error.reason)
    }

    #[test]
    fn requests_are_judged() {
        let host = ("host", "a");
        let bad = Err(Reason::BadRequest);
        type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Result<(), Reason>);
        let cases: &[Case<'_>] = &[
            ("GET", "/", &[host], Ok(())),
            ("GET", "/", &[("host", "")], Ok(())),
            ("GET", "/", &[("host", "[::1]:80")], Ok(())),
            ("GET", "/", &[("host", "[::1]")], Ok(())),
            ("GET", "/", &[("host", "a:")], Ok(())),
            ("GET", "/", &[("host", "a:x")], bad),
            ("GET", "/", &[("host", "a:+1")], bad),
            ("GET", "/", &[("host", "[::1]:x")], bad),
            ("GET", "/", &[("host", "a:65536")], bad),
            ("GET", "/", &[], bad),
            ("GET", "/", &[host, host], bad),
            ("GET", "/", &[("host", "a/b")], bad),
            ("GET", "/", &[("host", "user@a")], bad),
            ("GET", "http://a/x", &[host], Ok(())),
            ("GET", "http://b/x", &[host], bad),
            ("GET", "*", &[host], bad),
            ("OPTIONS", "*", &[host], Ok(())),
            ("GET", "a:80", &[host], bad),
            ("CONNECT", "a:80", &[host], Err(Reason::Method)),
            ("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG", "/", &[host], Err(Reason::Method)),
            ("POST", "/", &[host, ("transfer-encoding", "Chunked")], Ok(())),
            ("POST", "/", &[host, ("transfer-encoding", "gzip, chunked")], bad),
            ("POST", "/", &[host, ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")], bad),
            ("POST", "/", &[host, ("expect", "100-Continue")], Ok(())),
            ("POST", "/", &[host, ("expect", "200-ok")], Err(Reason::Expectation)),
            ("POST", "/", &[host, ("expect", "100-continue"), ("expect", "x")], Err(Reason::Expectation)),
        ];
        for (method, target, headers, expected) in cases {
            assert_eq!(run(Version::HTTP_11, method, target, headers), *expected, "{method} {target} {headers:?}");
        }
        assert_eq!(run(Version::HTTP_10, "GET", "/", &[]), Ok(()));
        assert_eq!(run(Version::HTTP_2, "GET", "http://a/", &[]), Ok(()));
        assert_eq!(run(Version::HTTP_2, "GET", "http://a/", &[("host", "A")]), Ok(()));
        assert_eq!(run(Version::HTTP_2, "GET", "http://a/", &[("host", "b")]), bad);
        assert_eq!(run(Version::HTTP_2, "GET", "http://user@a/", &[]), bad);
        assert_eq!(run(Version::HTTP_2, "GET", "/", &[]), Ok(()));
    }

    #[test]
    fn what_stands_behind_an_unclear_request_is_not_read() {
        let ends = |version, method: &str, codings: &[&str]| {
            let request = Request::builder().version(version).method(method).uri("/");
            let request = codings.iter().fold(request, |request, coding| request.header(TRANSFER_ENCODING, *coding));
            ends_connection(&request.body(()).unwrap().into_parts().0)
        };
        assert!(!ends(Version::HTTP_11, "POST", &[]) && !ends(Version::HTTP_11, "POST", &["chunked"]));
        assert!(ends(Version::HTTP_11, "POST", &["chunked, chunked"]));
        assert!(ends(Version::HTTP_11, "POST", &["chunked", "chunked"]));
        assert!(ends(Version::HTTP_11, "CONNECT", &[]) && !ends(Version::HTTP_2, "CONNECT", &[]));
    }
}
