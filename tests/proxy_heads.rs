//! http mode: what the upstream sees of a request's head.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::BTreeSet;

use support::{Heeler, Request, Upstream};

#[test]
fn any_method_passes() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH", "get"] {
        let asked = upstream.see(&heeler, &Request::new(method, "/"));
        assert_eq!(asked.line, format!("{method} / HTTP/1.1"));
    }
}

#[test]
fn the_target_passes_byte_for_byte() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let targets = [
        "/a%2Fb%20c%00?x=%26&y=1+2",
        "//two//slashes/",
        "/a/./b/../../c",
        "/%2e%2e/%7euser",
        "/%c3%a9?%C3%A9",
        "/empty?",
        "/?",
        "/?a=1?b=2??",
        "/semi;colon=1;b?c;d",
        "/:colon@at!$&'()*+,=~_-",
        "/not-http://here",
    ];
    for target in targets {
        let asked = upstream.see(&heeler, &Request::get(target));
        assert_eq!(asked.line, format!("GET {target} HTTP/1.1"));
    }
    let long = format!("/{}?{}", "p".repeat(3000), "q".repeat(3000));
    assert_eq!(upstream.see(&heeler, &Request::get(&long)).target(), long);
}

/// RFC 9112 §3.2: proxies are sent the absolute form, servers the origin form.
#[test]
fn an_absolute_target_becomes_a_path() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for (target, expected) in [("http://heeler.test/a?b", "/a?b"), ("http://heeler.test", "/")] {
        let asked = upstream.see(&heeler, &Request::get(target));
        assert_eq!(asked.line, format!("GET {expected} HTTP/1.1"));
        assert_eq!(asked.header("host").unwrap(), "heeler.test");
    }
}

#[test]
fn options_of_the_whole_server_pass() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    assert_eq!(upstream.see(&heeler, &Request::new("OPTIONS", "*")).line, "OPTIONS * HTTP/1.1");
}

/// of-watchdog puts the path of `http_upstream_url` before every target.
#[test]
fn the_path_of_the_url_comes_first() {
    let upstream = Upstream::new();
    for base in ["/base", "/base/", "/a/b%20c"] {
        let url = format!("{}{base}", upstream.url());
        let heeler = upstream.heeler(&[("http_upstream_url", &url)]);
        for target in ["/", "/x/../y?z=%2F", "//x", "/?"] {
            let asked = upstream.see(&heeler, &Request::get(target));
            assert_eq!(asked.target(), format!("{}{target}", base.trim_end_matches('/')));
        }
    }
}

#[test]
fn the_host_is_the_callers() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for host in ["shop.example", "shop.example:8443", "[2001:db8::1]:80", "SHOP.Example", ""] {
        let asked = upstream.see(&heeler, &Request::get("/").header("Host", host));
        assert_eq!(asked.header("host").unwrap(), host);
    }
}

/// HTTP/1.0 may do without a Host, HTTP/1.1 to the upstream may not (RFC 9112 §3.2).
#[test]
fn a_caller_of_the_older_version_is_passed_on_in_ours() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let asked = upstream.see_raw(&heeler, b"GET /old HTTP/1.0\r\n\r\n");
    assert_eq!(asked.line, "GET /old HTTP/1.1");
    assert!(asked.header("host").is_some(), "{asked:?}");
    let asked = upstream.see_raw(&heeler, b"POST /old HTTP/1.0\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
    asked.assert_length(2);
    assert_eq!((asked.header("host").unwrap().as_str(), asked.body.as_slice()), ("h", &b"hi"[..]));
}

/// of-watchdog invents `User-Agent` and `Accept-Encoding`, and then decodes answers that nobody asked it to touch.
#[test]
fn no_header_is_invented_beyond_those_that_say_where_the_call_came_from() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let asked = upstream.see(&heeler, &Request::get("/"));
    let expected = ["forwarded", "host", "x-call-id", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"];
    assert_eq!(asked.names(), BTreeSet::from(expected.map(str::to_owned)));
}

#[test]
fn headers_pass_with_all_their_values_in_order() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let request = Request::get("/")
        .header("X-Many", "one")
        .header("X-Other", "between")
        .header("X-Many", "two, three")
        .header("x-many", "one")
        .header("X-Many", "")
        .header("Accept", "text/html;q=0.5, */*")
        .header("User-Agent", "")
        .header("X_Under_Score", "kept")
        .header("X-Inner", "a \t b")
        .header("Authorization", "Basic dTpw")
        .header("Ce-Id", "1")
        .header("K-Proxy-Request", "activator")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("Proxy", "kept: only an environment must not have it")
        .header("Range", "bytes=1-2")
        .header("If-None-Match", "\"a\", W/\"b\"");
    let asked = upstream.see(&heeler, &request);
    assert_eq!(asked.all("x-many"), ["one", "two, three", "one", ""]);
    for (name, value) in [
        ("x-other", "between"),
        ("accept", "text/html;q=0.5, */*"),
        ("user-agent", ""),
        ("x_under_score", "kept"),
        ("x-inner", "a \t b"),
        ("authorization", "Basic dTpw"),
        ("ce-id", "1"),
        ("k-proxy-request", "activator"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("proxy", "kept: only an environment must not have it"),
        ("range", "bytes=1-2"),
        ("if-none-match", "\"a\", W/\"b\""),
    ] {
        assert_eq!(asked.header(name).as_deref(), Some(value), "{name}");
    }
}

#[test]
fn values_may_be_any_bytes() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let bytes: Vec<u8> = (0x80..=0xff).collect();
    let request = [b"GET / HTTP/1.1\r\nHost: h\r\nX-Bytes: ", &bytes[..], b"\r\n\r\n"].concat();
    let asked = upstream.see_raw(&heeler, &request);
    let seen = asked.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-bytes")).unwrap();
    assert_eq!(seen.1, bytes);
}

#[test]
fn many_and_long_headers_pass() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let many = (0..90).fold(Request::get("/"), |request, n| request.header(&format!("X-{n}"), &format!("v{n}")));
    let asked = upstream.see(&heeler, &many);
    assert!((0..90).all(|n| asked.header(&format!("x-{n}")) == Some(format!("v{n}"))));
    let long = "v".repeat(30_000);
    assert_eq!(upstream.see(&heeler, &Request::get("/").header("X-Long", &long)).header("x-long"), Some(long));
}

/// RFC 9110 §7.6.1: these are between the caller and heeler alone.
#[test]
fn headers_of_the_connection_stay_behind() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let request = Request::get("/")
        .header("Connection", "keep-alive, X-Named")
        .header("Connection", "x-too ,, X-Absent")
        .header("X-Named", "secret")
        .header("X-Too", "secret")
        .header("X-Kept", "kept")
        .header("Keep-Alive", "timeout=5")
        .header("Proxy-Connection", "keep-alive")
        .header("Upgrade", "websocket")
        .header("TE", "gzip");
    let asked = upstream.see(&heeler, &request);
    for name in ["connection", "x-named", "x-too", "keep-alive", "proxy-connection", "upgrade", "te"] {
        assert_eq!(asked.all(name), [""; 0], "{name}");
    }
    assert_eq!(asked.header("x-kept").unwrap(), "kept");
}

#[test]
fn of_te_only_trailers_passes() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let te = |value: &str| {
        let request = Request::get("/").header("TE", value).header("Connection", "TE");
        upstream.see(&heeler, &request).header("te")
    };
    assert_eq!(te("trailers").as_deref(), Some("trailers"));
    assert_eq!(te("deflate;q=0.5, trailers").as_deref(), Some("trailers"));
    assert_eq!(te("Trailers").map(|value| value.to_ascii_lowercase()).as_deref(), Some("trailers"));
    assert_eq!(te("deflate;q=0.5").as_deref(), None);
    assert_eq!(te("x-trailers").as_deref(), None);
}

/// A caller may not take away what heeler or the message itself needs by naming it in `Connection`.
#[test]
fn the_connection_header_cannot_take_away_what_is_not_the_callers() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for name in ["Content-Length", "Host", "X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "X-Call-Id"] {
        let request = Request::post("/", "body").header("Connection", name);
        let asked = upstream.see(&heeler, &request);
        asked.assert_length(4);
        assert_eq!(asked.body, b"body", "{name}");
        assert!(asked.header(name).is_some(), "{name} is gone: {asked:?}");
    }
    let asked =
        upstream.see(&heeler, &Request::new("POST", "/").chunked("body").header("Connection", "Transfer-Encoding"));
    assert!(asked.is_chunked());
    assert_eq!(asked.body, b"body");
}

#[test]
fn an_upstream_on_a_unix_socket_is_served_too() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = Upstream::at(&folder.path().join("upstream.sock"));
    let heeler = upstream.heeler(&[]);
    for _ in 0..3 {
        let asked = upstream.see(&heeler, &Request::post("/a?b", "body").header("Host", "shop.example"));
        assert_eq!((asked.line.as_str(), asked.body.as_slice()), ("POST /a?b HTTP/1.1", &b"body"[..]));
        assert_eq!(asked.header("host").unwrap(), "shop.example");
    }
}

/// Servers that bind `localhost` bind only ::1 on some systems.
#[test]
fn a_loopback_name_is_tried_in_both_families() {
    for upstream in [Upstream::new(), Upstream::new_v6()] {
        let url = format!("http://localhost:{}", upstream.port());
        let heeler: Heeler = upstream.heeler(&[("http_upstream_url", &url)]);
        assert_eq!(upstream.see(&heeler, &Request::get("/either")).target(), "/either");
    }
    let upstream = Upstream::new_v6();
    let heeler = upstream.heeler(&[]);
    assert!(upstream.url().starts_with("http://[::1]:"));
    assert_eq!(upstream.see(&heeler, &Request::get("/six")).target(), "/six");
}
