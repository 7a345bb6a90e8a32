//! http mode: what the upstream learns of who called, and by which id.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use support::{Asked, Conn, Heeler, Request, Upstream};

const LOCAL: &str = "127.0.0.1";

type Element = BTreeMap<String, String>;

fn start() -> (Upstream, Heeler) {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    (upstream, heeler)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// RFC 7239 §4, to the letter: a value is a token, or it stands in quotes.
#[track_caller]
fn parse(header: &str) -> Vec<Element> {
    let mut elements = vec![Element::new()];
    let mut rest = header;
    loop {
        let (name, after) = rest.split_once('=').unwrap_or_else(|| panic!("no pair at {rest:?} of {header:?}"));
        let name = name.trim_start().to_ascii_lowercase();
        assert!(is_token(&name), "{name:?} in {header:?}");
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted).unwrap_or_else(|| panic!("no closing quote in {header:?}")),
            None => {
                let (token, after) = after.split_at(after.find([',', ';']).unwrap_or(after.len()));
                assert!(is_token(token.trim_end()), "{token:?} in {header:?} needs quotes");
                (token.trim_end().to_owned(), after)
            }
        };
        let twice = elements.last_mut().unwrap().insert(name, value);
        assert!(twice.is_none(), "a parameter comes twice in one element: {header:?}");
        let after = after.trim_start();
        if let Some(next) = after.strip_prefix(',') {
            elements.push(Element::new());
            rest = next;
        } else if let Some(next) = after.strip_prefix(';') {
            rest = next;
        } else {
            assert_eq!(after, "", "behind a value in {header:?}");
            return elements;
        }
    }
}

fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return Some((value, &text[at + 1..])),
            (_, '\\') => value.push(chars.next()?.1),
            (_, other) => value.push(other),
        }
    }
}

#[track_caller]
fn forwarded(asked: &Asked) -> Vec<Element> {
    parse(&asked.list("forwarded"))
}

/// Who the elements say called, in order.
fn callers(elements: &[Element]) -> Vec<&str> {
    elements.iter().map(|element| element.get("for").map_or("", String::as_str)).collect()
}

#[test]
fn the_caller_is_named() {
    let (upstream, heeler) = start();
    let asked = upstream.see(&heeler, &Request::get("/").header("Host", "shop.example"));
    assert_eq!(asked.header("x-forwarded-for").unwrap(), LOCAL);
    assert_eq!(asked.header("x-forwarded-proto").unwrap(), "http");
    assert_eq!(asked.header("x-forwarded-host").unwrap(), "shop.example");
    let expected = [("for", LOCAL), ("host", "shop.example"), ("proto", "http")];
    let expected: Element = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(forwarded(&asked), [expected]);
}

/// A colon is no letter of a token: `host=a:80` would be read as something else.
#[test]
fn a_host_with_a_port_is_quoted() {
    let (upstream, heeler) = start();
    for host in ["shop.example:8443", "[2001:db8::1]:80"] {
        let asked = upstream.see(&heeler, &Request::get("/").header("Host", host));
        assert_eq!(forwarded(&asked)[0]["host"], host);
        assert_eq!(asked.header("x-forwarded-host").unwrap(), host);
    }
}

#[test]
fn the_caller_is_appended_to_those_before() {
    let (upstream, heeler) = start();
    for (before, expected) in [
        (&["10.1.2.3"][..], "10.1.2.3, 127.0.0.1"),
        (&["10.1.2.3, 2001:db8::1"], "10.1.2.3, 2001:db8::1, 127.0.0.1"),
        (&["10.1.2.3", "10.4.5.6"], "10.1.2.3, 10.4.5.6, 127.0.0.1"),
    ] {
        let request = before.iter().fold(Request::get("/"), |request, one| request.header("X-Forwarded-For", one));
        assert_eq!(upstream.see(&heeler, &request).list("x-forwarded-for"), expected);
    }
}

#[test]
fn what_a_proxy_before_said_of_host_and_scheme_stays() {
    let (upstream, heeler) = start();
    let request = Request::get("/").header("X-Forwarded-Proto", "https").header("X-Forwarded-Host", "outer.example");
    let asked = upstream.see(&heeler, &request);
    assert_eq!(asked.header("x-forwarded-proto").unwrap(), "https");
    assert_eq!(asked.header("x-forwarded-host").unwrap(), "outer.example");
}

#[test]
fn callers_of_ipv6_are_named_as_the_headers_want_it() {
    let (upstream, heeler) = start();
    let mut conn = Conn::open((Ipv6Addr::LOCALHOST, heeler.port).into());
    conn.send(&Request::get("/").bytes());
    let mut link = upstream.accept();
    let asked = link.read_request();
    link.ok("");
    conn.read_response("GET").unwrap().assert_ok();
    assert_eq!(asked.header("x-forwarded-for").unwrap(), "::1");
    assert!(asked.list("forwarded").to_ascii_lowercase().contains("for=\"[::1]\""), "{asked:?}");
    assert_eq!(callers(&forwarded(&asked)), ["[::1]"]);
}

/// With an address of IPv4 on a socket of both families the kernel says `::ffff:127.0.0.1`.
#[test]
fn callers_of_ipv4_are_named_as_such_on_any_listener() {
    let upstream = Upstream::new();
    for listen in ["0.0.0.0:0", "127.0.0.1:0", "[::]:0"] {
        let heeler = upstream.builder().without("port").env("listen", listen).start();
        let asked = upstream.see(&heeler, &Request::get("/"));
        assert_eq!(asked.header("x-forwarded-for").unwrap(), LOCAL, "{listen}");
        assert_eq!(callers(&forwarded(&asked)), [LOCAL], "{listen}");
    }
}

#[test]
fn an_existing_forwarded_gets_one_more_element() {
    let (upstream, heeler) = start();
    let before = "for=192.0.2.43;proto=https;by=_edge, for=\"[2001:db8::17]:4711\"";
    for lines in [&[before][..], &["for=192.0.2.43;proto=https;by=_edge", "for=\"[2001:db8::17]:4711\""]] {
        let request = lines.iter().fold(Request::get("/"), |request, line| request.header("Forwarded", line));
        // It is already translated: nothing of this is added again.
        let asked = upstream.see(&heeler, &request.header("X-Forwarded-For", "192.0.2.43"));
        assert!(asked.list("forwarded").starts_with(before), "{asked:?}");
        let elements = forwarded(&asked);
        assert_eq!(callers(&elements), ["192.0.2.43", "[2001:db8::17]:4711", LOCAL]);
        assert_eq!(elements[2]["host"], "heeler.test");
        assert_eq!(elements[2]["proto"], "http");
        assert_eq!(asked.list("x-forwarded-for"), "192.0.2.43, 127.0.0.1");
    }
}

/// As queue-proxy does it: what the older headers tell of the way so far becomes elements before heeler's own.
#[test]
fn earlier_callers_are_translated() {
    let (upstream, heeler) = start();
    let request = Request::get("/")
        .header("X-Forwarded-For", "10.1.2.3, 2001:db8::1")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "outer.example");
    let asked = upstream.see(&heeler, &request);
    let elements = forwarded(&asked);
    assert_eq!(callers(&elements), ["10.1.2.3", "[2001:db8::1]", LOCAL]);
    assert_eq!(elements[0]["host"], "outer.example");
    assert_eq!(elements[0]["proto"], "https");
    assert!(asked.list("forwarded").contains("for=\"[2001:db8::1]\""), "{asked:?}");
}

/// Whatever a caller writes there, what heeler makes of it is a header by the grammar, and heeler's own element is last.
#[test]
fn nonsense_before_does_not_break_what_is_made_of_it() {
    let (upstream, heeler) = start();
    for nonsense in
        ["unknown", "_hidden", "a\"b", ",,", "", "10.0.0.1;proto=https", "\\", "a b", "10.0.0.1:4711", "for=x"]
    {
        let asked = upstream.see(&heeler, &Request::get("/").header("X-Forwarded-For", nonsense));
        let elements = forwarded(&asked);
        assert_eq!(callers(&elements).last(), Some(&LOCAL), "{nonsense:?}: {asked:?}");
        assert!(asked.list("x-forwarded-for").ends_with(LOCAL), "{nonsense:?}: {asked:?}");
    }
}

#[test]
fn the_calls_id_goes_in_and_back() {
    let (upstream, heeler) = start();
    let ids = |request: &Request| {
        let mut conn = heeler.conn();
        conn.send(&request.bytes());
        let mut link = upstream.accept();
        let asked = link.read_request();
        link.send(b"HTTP/1.1 200 OK\r\nX-Call-Id: the-upstreams\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        let answer = conn.read_response("GET").unwrap();
        (asked.header("x-call-id").unwrap(), answer.header("x-call-id").unwrap().to_owned())
    };
    let (there, back) = ids(&Request::get("/"));
    assert_eq!(there, back);
    assert!(there.len() >= 16, "{there}");
    assert_ne!(ids(&Request::get("/")).0, there);
    let given = ("given-1".to_owned(), "given-1".to_owned());
    assert_eq!(ids(&Request::get("/").header("X-Call-Id", "given-1")), given);
    assert_eq!(ids(&Request::get("/").header("X-Request-Id", "given-1")), given);
    // One that no log line could carry is replaced for the upstream as well.
    let (there, back) = ids(&Request::get("/").header("X-Call-Id", "not an id"));
    assert_eq!(there, back);
    assert_ne!(there, "not an id");
}
