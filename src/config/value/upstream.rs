//! Where an upstream listens.

use std::net::{Ipv4Addr, Ipv6Addr};

use hyper::http::uri::PathAndQuery;

use super::address::one_slash;
use super::{Wrong, port};
use crate::invoke::upstream::Address;

/// A `sockaddr_un` has room for so many bytes before the zero at its end.
pub(super) const SOCKET_PATH_BYTES: usize = 107;

/// `http://host:port/base` or `unix:/path`.
pub fn upstream(text: &str) -> Result<Address, Wrong> {
    if let Some(path) = text.strip_prefix("unix:") {
        return unix(path);
    }
    match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => http(rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => {
            Err(Wrong(format!("asks for TLS, which heeler does not speak (try http://{rest})")))
        }
        Some(_) => Err(not_an_upstream()),
        None => Err(without_scheme(text)),
    }
}

fn not_an_upstream() -> Wrong {
    "is not an upstream (try http://127.0.0.1:8082 or unix:/tmp/app.sock)".into()
}

fn without_scheme(text: &str) -> Wrong {
    let meant = match text.as_bytes() {
        [b'/', ..] => format!("unix:{text}"),
        [b':', ..] => format!("http://127.0.0.1{text}"),
        digits if digits.iter().all(u8::is_ascii_digit) => format!("http://127.0.0.1:{text}"),
        _ => format!("http://{text}"),
    };
    match upstream(&meant) {
        Ok(_) => Wrong(format!("has no scheme (try {meant})")),
        Err(_) => not_an_upstream(),
    }
}

fn unix(path: &str) -> Result<Address, Wrong> {
    // `unix:///run/x` is the URL form of the same thing.
    let path = one_slash(path.strip_prefix("//").unwrap_or(path));
    if !path.starts_with('/') || path.len() == 1 {
        return Err("is not a socket's full path (try unix:/tmp/app.sock)".into());
    }
    if path.len() > SOCKET_PATH_BYTES {
        return Err(too_long_a_path());
    }
    Ok(Address::Unix(path.into()))
}

fn http(rest: &str) -> Result<Address, Wrong> {
    if let Some(end) = rest.find(['?', '#']) {
        let before = &rest[..end];
        return Err(Wrong(format!("has a query or a fragment, which only a call can have (try http://{before})")));
    }
    let (authority, base) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if let Some((_, after)) = authority.rsplit_once('@') {
        return Err(Wrong(format!("has a user in it, and heeler signs in nowhere (try http://{after}{base})")));
    }
    if authority == "unix:" {
        return Err(Wrong(format!("is not how a socket is named (try unix:{base})")));
    }
    let (host, port) = host_and_port(authority)?;
    Ok(Address::Tcp { host, port, base: path_base(base)? })
}

pub(super) fn too_long_a_path() -> Wrong {
    Wrong(format!("is too long for a socket's path (at most {SOCKET_PATH_BYTES} bytes)"))
}

/// What is put before every call's path. The path brings its own slash.
fn path_base(text: &str) -> Result<String, Wrong> {
    let base = text.trim_end_matches('/');
    if base.is_empty() || base.parse::<PathAndQuery>().is_ok() {
        Ok(base.to_owned())
    } else {
        Err("has bytes in its path that no path has (percent-escape them)".into())
    }
}

fn host_and_port(authority: &str) -> Result<(String, u16), Wrong> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (inner, after) = rest.split_once(']').ok_or_else(not_bracketed)?;
        let host: Ipv6Addr = inner.parse().map_err(|_| not_bracketed())?;
        return Ok((host.to_string(), port_after(after)?));
    }
    let (text, after) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    if after.matches(':').count() > 1 {
        return Err(not_bracketed());
    }
    Ok((host(text)?, port_after(after)?))
}

fn not_bracketed() -> Wrong {
    "has no v6 address in brackets (try http://[::1]:8082)".into()
}

/// The port of `:8082`; 80 without any.
fn port_after(text: &str) -> Result<u16, Wrong> {
    let Some(digits) = text.strip_prefix(':') else {
        return if text.is_empty() { Ok(80) } else { Err(not_an_upstream()) };
    };
    match port(digits) {
        Ok(0) => Err("has port 0, where nobody can be reached (unset, heeler finds a free port)".into()),
        Ok(port) => Ok(port),
        Err(_) => Err(Wrong(format!("has no port in {digits:?} (try http://127.0.0.1:8082)"))),
    }
}

/// A v4 address or a name. Names are not looked up here: a start must not hang on DNS.
fn host(text: &str) -> Result<String, Wrong> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_name = text.bytes().all(fits) && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    // 253 is the longest name of DNS (RFC 1035 §2.3.4).
    if text.parse::<Ipv4Addr>().is_ok() || (is_name && text.len() <= 253) {
        Ok(text.to_owned())
    } else {
        Err("has no host that is a name or an address (try http://127.0.0.1:8082)".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_upstreams() {
        fn check(text: &str, host: &str, port: u16, base: &str) {
            let expect = Address::Tcp { host: host.to_owned(), port, base: base.to_owned() };
            assert_eq!(upstream(text).unwrap(), expect, "{text}");
        }
        check("http://127.0.0.1:8082", "127.0.0.1", 8082, "");
        check("HTTP://localhost", "localhost", 80, "");
        check("http://my_app.default.svc:65535/", "my_app.default.svc", 65535, "");
        check("http://[::1]", "::1", 80, "");
        check("http://[0:0::1]:3000/", "::1", 3000, "");
        check("http://a/base/", "a", 80, "/base");
        check("http://a:1//b/c//", "a", 1, "//b/c");
        check("http://a/%C3%A4/b@c:d", "a", 80, "/%C3%A4/b@c:d");
        for text in ["unix:/tmp/app.sock", "unix:///tmp/app.sock"] {
            assert_eq!(upstream(text).unwrap(), Address::Unix("/tmp/app.sock".into()), "{text}");
        }
    }

    #[test]
    fn what_is_meant_is_suggested() {
        for (text, wrong) in [
            ("127.0.0.1:5000", "has no scheme (try http://127.0.0.1:5000)"),
            ("localhost:5000/a", "has no scheme (try http://localhost:5000/a)"),
            ("[::1]:5000", "has no scheme (try http://[::1]:5000)"),
            ("app", "has no scheme (try http://app)"),
            (":5000", "has no scheme (try http://127.0.0.1:5000)"),
            ("5000", "has no scheme (try http://127.0.0.1:5000)"),
            ("/tmp/app.sock", "has no scheme (try unix:/tmp/app.sock)"),
            ("https://a:8443/x", "asks for TLS, which heeler does not speak (try http://a:8443/x)"),
            ("http://unix:/tmp/app.sock", "is not how a socket is named (try unix:/tmp/app.sock)"),
            ("http://me:secret@a:1/x", "has a user in it, and heeler signs in nowhere (try http://a:1/x)"),
            ("http://a:1?x=y", "has a query or a fragment, which only a call can have (try http://a:1)"),
            ("http://a/b#c", "has a query or a fragment, which only a call can have (try http://a/b)"),
            ("http://a:0", "has port 0, where nobody can be reached (unset, heeler finds a free port)"),
            ("http://::1:5000", "has no v6 address in brackets (try http://[::1]:8082)"),
            ("unix:app.sock", "is not a socket's full path (try unix:/tmp/app.sock)"),
        ] {
            assert_eq!(upstream(text).unwrap_err().0, wrong, "{text}");
        }
    }

    #[test]
    fn bad_upstreams() {
        for text in [
            "",
            "http:",
            "http://",
            "http:///x",
            "http://:80",
            "http://a:b",
            "http://a:",
            "http://a:65536",
            "http://[::1]:x",
            "http://[::1]80",
            "http://[::1",
            "http://[a]",
            "http://[fe80::1%eth0]",
            "http://300.1.1.1",
            "http://1234",
            "http://a b",
            "http://a/b c",
            "http://a/\u{7f}",
            "http://ä",
            "tcp://a:1",
            "://a",
            "//a:1",
            "unix:",
            "unix:/",
            "unix://a",
        ] {
            assert!(upstream(text).is_err(), "{text}");
        }
        assert!(upstream(&format!("unix:/{}", "a".repeat(106))).is_ok());
        assert!(upstream(&format!("unix:/{}", "a".repeat(107))).unwrap_err().0.contains("at most 107 bytes"));
        assert!(upstream(&format!("http://{}", "a".repeat(254))).is_err());
    }
}
