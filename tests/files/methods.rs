//! GET and HEAD, and nothing else; and what static mode shares with the others.

use nix::sys::signal::Signal;

use crate::site::{Download, Site};
use crate::support::h2::{connect, request};
use crate::support::{Conn, PATIENCE, Request, eventually, tree};

#[test]
fn head_is_get_without_the_body() {
    let site = Site::with(&["index.html", "sub/x"]);
    site.write("empty.css", b"");
    site.write("big.bin", &[7; 300_000]);
    let heeler = site.serve_with(&[("static_listing", "true")]);
    let mut conn = heeler.conn();
    for target in ["/", "/empty.css", "/big.bin", "/sub/", "/sub", "/nothing"] {
        let (get, head) = (conn.call(&Request::get(target)), conn.call(&Request::new("HEAD", target)));
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{target}");
        assert_eq!(get.header("content-length"), Some(&*get.body.len().to_string()), "{target}");
        for name in ["content-length", "content-type", "etag", "last-modified", "accept-ranges", "location"] {
            assert_eq!(head.header(name), get.header(name), "{target}: {name}");
        }
    }
}

#[test]
fn other_methods_are_405() {
    let heeler = Site::with(&["a"]);
    let heeler = heeler.serve();
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
        let response = heeler.call(&Request::new(method, "/a").body("text"));
        response.assert_made_by_heeler(405, "method");
        assert_eq!(response.header("allow"), Some("GET, HEAD"), "{method}");
    }
    let response = heeler.call(&Request::new("OPTIONS", "*"));
    assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD")));
    // A body that nobody needs does no harm.
    let mut conn = heeler.conn();
    for _ in 0..3 {
        assert_eq!(conn.call(&Request::get("/a").body(vec![0; 100_000])).assert_ok().text(), "a");
    }
}

#[test]
fn types_follow_the_ending() {
    let site =
        Site::with(&["a.html", "a.CSS", "a.mjs", "a.json", "a.svg", "a.wasm", "a.tar.gz", "a.unknown", "README"]);
    let heeler = site.serve();
    for (target, content_type) in [
        ("/a.html", "text/html; charset=utf-8"),
        ("/a.CSS", "text/css; charset=utf-8"),
        ("/a.mjs", "text/javascript; charset=utf-8"),
        ("/a.json", "application/json"),
        ("/a.svg", "image/svg+xml"),
        ("/a.wasm", "application/wasm"),
        ("/a.tar.gz", "application/gzip"),
        ("/a.unknown", "application/octet-stream"),
        ("/README", "application/octet-stream"),
    ] {
        assert_eq!(heeler.get(target).header("content-type"), Some(content_type), "{target}");
    }
}

#[test]
fn a_thousand_small_ones_leave_nothing_behind() {
    let site = Site::with(&["a.txt", "sub/index.html"]);
    let heeler = site.serve();
    let mut conn = heeler.conn();
    let mut round = |times| {
        for _ in 0..times {
            assert_eq!(conn.call(&Request::get("/a.txt")).assert_ok().text(), "a.txt");
            assert_eq!(conn.call(&Request::get("/sub/")).assert_ok().text(), "sub/index.html");
            assert_eq!(conn.call(&Request::get("/none")).status, 404);
        }
    };
    round(50);
    let (descriptors, size) = (tree::descriptors(heeler.pid), tree::size(heeler.pid, "VmRSS"));
    round(1000);
    assert_eq!(tree::descriptors(heeler.pid), descriptors);
    let grown = tree::grown(heeler.pid, "VmRSS", size);
    assert!(grown < 2 << 20, "3000 calls cost {grown} bytes");
    assert!(heeler.descendants().is_empty(), "no process handles the calls");
}

#[test]
fn probes_and_metrics_are_as_everywhere() {
    let site = Site::with(&["healthz", "health/readiness"]);
    let heeler = site.builder().metrics().start();
    for target in ["/_/health", "/_/ready"] {
        assert_eq!(heeler.get(target).assert_ok().text(), "OK");
    }
    // These belong to the folder, unless `health_paths` says otherwise.
    assert_eq!(heeler.get("/healthz").assert_ok().text(), "healthz");
    heeler.get("/none");
    heeler.post("/healthz", "x");
    // A call is counted behind its last byte.
    let count = |name, labels: &[(&str, &str)]| heeler.scrape().value(name, labels);
    eventually("the last call is counted", || count("heeler_refusals_total", &[("reason", "method")]) > 0.0);
    assert_eq!(count("heeler_refusals_total", &[("reason", "not_found")]), 1.0);
    for (code, method) in [("200", "get"), ("404", "get"), ("405", "post")] {
        assert_eq!(count("http_requests_total", &[("code", code), ("method", method)]), 1.0, "{code} {method}");
    }
}

/// A download that is under way when TERM comes is finished.
#[test]
fn a_drain_cuts_no_download() {
    let site = Site::with(&[]);
    site.sparse("big", 64 << 20);
    let mut heeler = site.serve();
    let mut download = Download::begin(Conn::open(heeler.address()), "/big");
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    assert_eq!(download.finish(), Ok(64 << 20));
    assert_eq!(heeler.exit_code(), 0);
}

#[test]
fn without_a_command_and_with_one() {
    let site = Site::with(&["a"]);
    for command in ["", "no-such-program"] {
        assert_eq!(site.serve_with(&[("fprocess", command)]).get("/a").assert_ok().text(), "a");
    }
    for threads in ["2", "4"] {
        assert_eq!(site.serve_with(&[("threads", threads)]).get("/a").assert_ok().text(), "a");
    }
}

#[tokio::test]
async fn http_2_gets_the_same() {
    let site = Site::with(&["a.txt", "index.html"]);
    site.sparse("big", 3 << 20);
    let heeler = site.serve();
    let mut client = connect(heeler.address()).await;
    let mut call = async |method, target, headers: &[(&str, &str)]| {
        let answer = tokio::time::timeout(PATIENCE, client.call(request(method, target, headers, ""))).await;
        answer.expect("an answer in time").expect("a whole answer")
    };
    let answer = call("GET", "/a.txt", &[]).await;
    assert_eq!((answer.status, &*answer.text(), answer.header("content-length")), (200, "a.txt", Some("5")));
    let answer = call("HEAD", "/a.txt", &[]).await;
    assert_eq!((answer.status, answer.body.len(), answer.header("content-length")), (200, 0, Some("5")));
    let answer = call("GET", "/big", &[("range", "bytes=1-3000000")]).await;
    assert_eq!((answer.status, answer.body.len()), (206, 3_000_000));
    let answer = call("GET", "/", &[("if-none-match", "*")]).await;
    assert_eq!((answer.status, answer.body.len()), (304, 0));
    assert_eq!(call("GET", "/../a.txt", &[]).await.status, 404);
}

/// A warning says that it does nothing: so it may not keep the function from being ready.
#[test]
fn there_is_nobody_to_ask_for_readiness() {
    let site = Site::with(&["a"]);
    let heeler = site.serve_with(&[("ready_path", "/nothing")]);
    assert_eq!(heeler.get("/_/ready").assert_ok().text(), "OK");
}
