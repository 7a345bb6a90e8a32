//! Addresses to listen on.

use std::net::{IpAddr, Ipv4Addr};

use super::upstream::{SOCKET_PATH_BYTES, too_long_a_path};
use super::{Wrong, port};
use crate::front::Address;

/// `host:port`, `[::1]:80`, `:80` or `unix:/path`, one or more, comma-separated.
pub fn addresses(text: &str) -> Result<Vec<Address>, Wrong> {
    let mut found: Vec<Address> = Vec::new();
    for part in text.split(',') {
        let address = address(part.trim())?;
        if found.contains(&address) {
            return Err(Wrong(format!("names {} twice (once is enough)", part.trim())));
        }
        found.push(address);
    }
    Ok(found)
}

fn address(text: &str) -> Result<Address, Wrong> {
    if let Some(rest) = text.strip_prefix("unix:") {
        return unix(rest);
    }
    let (host_text, port_text) = text.rsplit_once(':').ok_or_else(not_an_address)?;
    let port = port(port_text).map_err(|_| not_an_address())?;
    let host = if host_text.is_empty() { None } else { Some(bracketed(host_text)?) };
    Ok(Address::Tcp { host, port })
}

fn not_an_address() -> Wrong {
    "is not an address (try 127.0.0.1:8080, [::1]:8080, :8080 or unix:/tmp/heeler.sock)".into()
}

fn unix(path: &str) -> Result<Address, Wrong> {
    // `unix:///run/x` is the URL form of the same thing.
    let path = one_slash(path.strip_prefix("//").unwrap_or(path));
    if !path.starts_with('/') || path.len() == 1 {
        return Err(not_an_address());
    }
    if path.len() > SOCKET_PATH_BYTES {
        return Err(too_long_a_path());
    }
    Ok(Address::Unix(path.into()))
}

/// A path with one slash at its beginning, which is the same path: two of them would be read as the URL form when the
/// address is shown, as in a lock file, and read back.
pub(super) fn one_slash(path: &str) -> &str {
    let rest = path.trim_start_matches('/');
    &path[(path.len() - rest.len()).saturating_sub(1)..]
}

/// The host before a port: there a v6 address needs its brackets, or its end could not be told.
fn bracketed(text: &str) -> Result<IpAddr, Wrong> {
    match text.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(inner) => {
            let v6 = inner.and_then(|inner| inner.parse().ok());
            v6.map(IpAddr::V6).ok_or_else(not_an_address)
        }
        None if text.contains(':') => Err(not_an_address()),
        None => host(text),
    }
}

/// An address of this machine; names are not looked up, since a start must not hang on DNS.
pub fn host(text: &str) -> Result<IpAddr, Wrong> {
    if text.eq_ignore_ascii_case("localhost") {
        return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| "has no IP address for its host (try 127.0.0.1, [::1] or localhost)".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: Option<&str>, port: u16) -> Address {
        Address::Tcp { host: host.map(|host| host.parse().unwrap()), port }
    }

    #[test]
    fn good_addresses() {
        fn check(text: &str, expect: &[Address]) {
            assert_eq!(addresses(text).unwrap(), expect, "{text}");
        }
        check(":80", &[tcp(None, 80)]);
        check("127.0.0.1:0", &[tcp(Some("127.0.0.1"), 0)]);
        check("localhost:81", &[tcp(Some("127.0.0.1"), 81)]);
        check("[::1]:80", &[tcp(Some("::1"), 80)]);
        check("unix:/tmp/a.sock", &[Address::Unix("/tmp/a.sock".into())]);
        check("unix:///tmp/a.sock", &[Address::Unix("/tmp/a.sock".into())]);
        check(":80, unix:/a:b", &[tcp(None, 80), Address::Unix("/a:b".into())]);
    }

    /// `unix:////run/x` was written into the lock file as `unix://run/x`, which names nothing.
    #[test]
    fn a_socket_with_many_slashes_is_read_back() {
        for text in ["unix:////run/x", "unix://///run/x", "unix:///run/x", "unix:/run/x"] {
            let read = addresses(text).unwrap();
            assert_eq!(read, [Address::Unix("/run/x".into())], "{text}");
        }
        assert!(addresses("unix:////").is_err());
    }

    #[test]
    fn bad_addresses() {
        for text in
            ["", "80", "8080:", ":x", ":65536", "::1:80", "[::1", "[1.2.3.4]:80", "example.org:80", "unix:", "unix:a"]
        {
            assert!(addresses(text).is_err(), "{text}");
        }
        let path = |length: usize| format!("unix:/{}", "a".repeat(length - 1));
        assert!(addresses(&path(SOCKET_PATH_BYTES)).is_ok());
        assert!(addresses(&path(SOCKET_PATH_BYTES + 1)).unwrap_err().0.contains("at most 107 bytes"));
        assert!(addresses(":80,").is_err(), "a comma at the end");
        assert!(addresses(":80,:80").unwrap_err().0.contains("twice"));
    }

    #[test]
    fn a_host_alone_needs_no_brackets() {
        for text in ["::1", "[::1]"] {
            assert_eq!(host(text).unwrap(), "::1".parse::<IpAddr>().unwrap());
        }
        assert!(host("Main Street 5").is_err());
    }
}
