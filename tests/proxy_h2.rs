//! http mode: callers of HTTP/2 before an upstream of HTTP/1.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::Instant;

use http_body_util::BodyExt;
use hyper::{HeaderMap, Request};
use support::h2::{self, Answer, Client, connect, request};
use support::{Heeler, Link, PATIENCE, SECOND, SLACK, Then, Upstream, assert_same, assert_took, pattern};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// An upstream that the test plays (its calls block, so each test has threads to spare), and a caller.
async fn start(env: &[(&str, &str)]) -> (Upstream, Heeler, Client) {
    let upstream = Upstream::new();
    let heeler = upstream.builder().env("upstream_protocol", "http1").envs(env).start();
    let client = connect(heeler.address()).await;
    (upstream, heeler, client)
}

fn ask(client: &Client, request: Request<h2::Body>) -> JoinHandle<Result<Answer, hyper::Error>> {
    let mut sender = client.sender.clone();
    tokio::spawn(async move { h2::read(sender.send_request(request).await?).await })
}

async fn answer(call: JoinHandle<Result<Answer, hyper::Error>>) -> Result<Answer, hyper::Error> {
    timeout(PATIENCE, call).await.expect("an answer in time").unwrap()
}

fn pieces(body: &[u8]) -> h2::Body {
    h2::pieces(body, 10_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_becomes_one_of_http_1() {
    let (upstream, _heeler, client) = start(&[]).await;
    let headers = [
        ("cookie", "a=1"),
        ("x-many", "1"),
        ("cookie", "b=2; c=3"),
        ("x-many", "2"),
        ("te", "trailers"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    let call = ask(&client, request("REPORT", "//a%2Fb/../c?x=%26&", &headers, ""));
    let mut link = upstream.accept();
    let asked = link.read_request();
    link.ok("");
    assert_eq!(answer(call).await.unwrap().status, 200);
    assert_eq!(asked.line, "REPORT //a%2Fb/../c?x=%26& HTTP/1.1");
    assert_eq!(asked.header("host").unwrap(), "heeler.test");
    // RFC 9113 §8.2.3: HTTP/1 has one line for cookies.
    assert_eq!(asked.header("cookie").unwrap(), "a=1; b=2; c=3");
    assert_eq!(asked.all("x-many"), ["1", "2"]);
    assert_eq!(asked.header("te").unwrap(), "trailers");
    assert_eq!(asked.header("traceparent").unwrap(), headers[5].1);
    assert_eq!(asked.header("x-forwarded-for").unwrap(), "127.0.0.1");
    assert_eq!(asked.header("x-forwarded-host").unwrap(), "heeler.test");
    assert!(asked.names().iter().all(|name| !name.starts_with(':')), "{asked:?}");
}

/// RFC 9113 §8.3.1: where both are there, the authority counts.
#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_host() {
    let (upstream, _heeler, client) = start(&[]).await;
    let call = ask(&client, request("GET", "/", &[("host", "heeler.test")], ""));
    let mut link = upstream.accept();
    let asked = link.read_request();
    link.ok("");
    assert_eq!(answer(call).await.unwrap().status, 200);
    assert_eq!(asked.header("host").unwrap(), "heeler.test");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_have_the_framing_that_is_known() {
    let (upstream, _heeler, client) = start(&[]).await;
    let body = pattern(200_000);
    for known in [true, false] {
        let whole = if known { h2::full(body.clone()) } else { pieces(&body) };
        let call = ask(&client, Request::post("http://heeler.test/").body(whole).unwrap());
        let mut link = upstream.accept();
        let asked = link.read_request();
        link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        assert_eq!(answer(call).await.unwrap().text(), "ok");
        if known {
            asked.assert_length(body.len());
        } else {
            assert!(asked.is_chunked(), "{:?}", asked.headers);
            assert_eq!(asked.all("content-length"), [""; 0]);
        }
        assert_same(&asked.body, &body, "an upload");
    }
    for (method, length) in [("POST", Some("0")), ("GET", None)] {
        let length: Vec<_> = length.map(|length| ("content-length", length)).into_iter().collect();
        let call = ask(&client, request(method, "/", &length, ""));
        let mut link = upstream.accept();
        let asked = link.read_request();
        link.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(answer(call).await.unwrap().status, 200);
        if length.is_empty() { asked.assert_no_framing() } else { asked.assert_length(0) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_pass_both_ways() {
    let (upstream, _heeler, client) = start(&[]).await;
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "abc".parse().unwrap());
    let body = pieces(b"body").with_trailers(std::future::ready(Some(Ok(trailers)))).boxed();
    let call = ask(&client, Request::post("http://heeler.test/").header("trailer", "x-sum").body(body).unwrap());
    let mut link = upstream.accept();
    let asked = link.read_request();
    assert_eq!((asked.body.as_slice(), asked.trailer("x-sum")), (&b"body"[..], vec!["abc".to_owned()]));
    link.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-More\r\n\r\n\
          2\r\nok\r\n0\r\nX-Sum: def\r\nX-More: 1\r\n\r\n",
    );
    let answer = answer(call).await.unwrap();
    let trailers = answer.trailers.as_ref().unwrap();
    assert_eq!(answer.text(), "ok");
    assert_eq!([&trailers["x-sum"], &trailers["x-more"]], ["def", "1"]);
    assert_eq!(answer.header("x-sum"), None, "a trailer is no header");
}

/// RFC 9113 §8.2.2: with a header of the connection in it the whole answer is malformed.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_becomes_one_of_http_2() {
    let (upstream, _heeler, client) = start(&[]).await;
    let call = ask(&client, request("GET", "/", &[], ""));
    let mut link = upstream.accept();
    link.read_request();
    link.send(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n\
          HTTP/1.1 299 Chosen\r\nConnection: keep-alive, X-Foo\r\nKeep-Alive: timeout=5\r\nX-Foo: 1\r\n\
          Proxy-Connection: keep-alive\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=1\r\nX-UPPER: kept\r\n\
          Set-Cookie: b=2\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    );
    let answer = answer(call).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (299, "body"));
    for name in ["connection", "keep-alive", "x-foo", "proxy-connection", "upgrade", "transfer-encoding", "link"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    assert_eq!(answer.header("x-upper"), Some("kept"));
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_are_such() {
    let (upstream, _heeler, client) = start(&[]).await;
    for (method, head, length) in [
        ("HEAD", "200 OK\r\nContent-Length: 12345", Some("12345")),
        ("GET", "304 Not Modified\r\nContent-Length: 777\r\nETag: \"e\"", Some("777")),
        ("GET", "204 No Content", None),
        ("GET", "200 OK\r\nContent-Length: 0", Some("0")),
    ] {
        let call = ask(&client, request(method, "/", &[], ""));
        let mut link = upstream.accept();
        link.read_request();
        link.send(format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes());
        let answer = answer(call).await.unwrap();
        assert_eq!((answer.header("content-length"), answer.body.len()), (length, 0), "{head}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_piece_is_passed_on_as_it_comes() {
    let (upstream, _heeler, client) = start(&[]).await;
    let mut sender = client.sender.clone();
    let call = tokio::spawn(async move { sender.send_request(request("GET", "/", &[], "")).await });
    let mut link = upstream.accept();
    link.read_request();
    link.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut body = timeout(PATIENCE, call).await.unwrap().unwrap().unwrap().into_body();
    for n in 0..20 {
        let event = format!("data: {n}\n\n");
        link.send_chunk(event.as_bytes());
        let frame = timeout(PATIENCE, body.frame()).await.unwrap().unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), event);
    }
    // Meanwhile other streams of this connection go on.
    let other = ask(&client, request("GET", "/other", &[], ""));
    let mut second = upstream.accept();
    assert_eq!(second.read_request().target(), "/other");
    second.ok("other");
    assert_eq!(answer(other).await.unwrap().text(), "other");
    link.send_chunk(b"");
    while let Some(frame) = timeout(PATIENCE, body.frame()).await.unwrap() {
        assert!(frame.unwrap().into_data().is_ok_and(|data| data.is_empty()), "more than its end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_echoes_are_whole() {
    let upstream = Upstream::echo();
    let heeler = upstream.builder().env("upstream_protocol", "http1").start();
    let client = connect(heeler.address()).await;
    let calls: Vec<_> = (0..8)
        .map(|n| {
            let mut body = pattern(2 << 20);
            body[0] = n;
            let upload = if n % 2 == 0 { h2::full(body.clone()) } else { pieces(&body) };
            (ask(&client, Request::post("http://heeler.test/").body(upload).unwrap()), body)
        })
        .collect();
    for (call, body) in calls {
        assert_same(&answer(call).await.unwrap().body, &body, "an echo");
    }
}

/// A cut answer is a reset stream, and the other streams do not notice.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_never_looks_whole() {
    let (upstream, _heeler, client) = start(&[]).await;
    let beside = ask(&client, request("GET", "/beside", &[], ""));
    let mut patient = upstream.accept();
    assert_eq!(patient.read_request().target(), "/beside");
    for rest in [
        "Content-Length: 10\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    ] {
        for leave in [drop, Link::reset as fn(Link)] {
            let call = ask(&client, request("GET", "/", &[], ""));
            let mut link = upstream.accept();
            link.read_request();
            link.send(format!("HTTP/1.1 200 OK\r\n{rest}").as_bytes());
            leave(link);
            match answer(call).await {
                Err(error) => assert!(!error.is_closed(), "{rest}: the connection is gone"),
                Ok(answer) => assert_eq!(answer.status, 502, "{rest}: it looks whole"),
            }
        }
    }
    patient.ok("beside");
    assert_eq!(answer(beside).await.unwrap().text(), "beside");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_leaves_is_not_worked_for() {
    let (upstream, _heeler, client) = start(&[("exec_timeout", "100s")]).await;
    let waiting = ask(&client, request("GET", "/", &[], ""));
    let mut silent = upstream.accept();
    silent.read_request();
    let uploading = ask(&client, Request::post("http://heeler.test/").body(pieces(b"body")).unwrap());
    let mut other = upstream.accept();
    other.read_request();
    let began = Instant::now();
    // Dropping the answer sends RST_STREAM.
    waiting.abort();
    silent.wait_closed();
    assert!(began.elapsed() < SLACK, "noticed after {:?}", began.elapsed());
    client.hang_up();
    other.wait_closed();
    assert!(began.elapsed() < SLACK * 2, "noticed after {:?}", began.elapsed());
    drop(uploading);
}

/// The grpc-status of an answer that has nothing else.
#[track_caller]
fn grpc_status(answer: &Answer) -> Option<&str> {
    assert_eq!((answer.status, answer.body.len()), (200, 0), "{answer:?}");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/grpc")), "{answer:?}");
    let trailer = answer.trailers.as_ref().and_then(|trailers| trailers.get("grpc-status"));
    trailer.and_then(|value| value.to_str().ok()).or(answer.header("grpc-status"))
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_calls_get_a_grpc_status_for_what_heeler_answers() {
    let (upstream, _heeler, client) = start(&[("exec_timeout", "1s")]).await;
    let began = Instant::now();
    let call = ask(&client, request("POST", "/pkg.Service/Method", &[GRPC], "message"));
    let mut link = upstream.accept();
    link.read_request();
    assert_eq!(grpc_status(&answer(call).await.unwrap()), Some("4"));
    assert_took(began.elapsed(), SECOND);
    link.wait_closed();
    let call = ask(&client, request("POST", "/pkg.Service/Method", &[GRPC], "message"));
    let mut link = upstream.accept();
    link.read_request();
    drop(link);
    assert_eq!(grpc_status(&answer(call).await.unwrap()), Some("14"), "closed without an answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_calls_to_an_upstream_that_refuses_are_unavailable() {
    let (upstream, _heeler, client) = start(&[]).await;
    upstream.refuse();
    let call = ask(&client, request("POST", "/pkg.Service/Method", &[GRPC], "message"));
    assert_eq!(grpc_status(&answer(call).await.unwrap()), Some("14"), "refused");
}

/// What an upstream of HTTP/1 makes of the preface of HTTP/2.
#[derive(Clone, Copy, Debug)]
enum Preface {
    Refuse,
    Close,
    Ignore,
}

/// With `auto` the first such call finds out what the upstream speaks.
#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_does_not_speak_http_2_is_found_out() {
    for preface in [Preface::Refuse, Preface::Close, Preface::Ignore] {
        let upstream = Upstream::serve(move |link, asked| {
            if asked.method() != "PRI" {
                link.ok(asked.body);
                return Then::Keep;
            }
            match preface {
                Preface::Refuse => assert!(link.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")),
                Preface::Close => {}
                Preface::Ignore => drop(link.read_to_end()),
            }
            Then::Close
        });
        let heeler = upstream.heeler(&[]);
        let client = connect(heeler.address()).await;
        // Callers of HTTP/1 never need to know.
        heeler.post("/", "one").assert_ok();
        let calls: Vec<_> = (0..5).map(|n| ask(&client, request("POST", "/", &[], format!("two {n}")))).collect();
        for (n, call) in calls.into_iter().enumerate() {
            let answer = answer(call).await.unwrap();
            assert_eq!((answer.status, answer.text()), (200, format!("two {n}")), "{preface:?}");
        }
        heeler.post("/", "one").assert_ok();
    }
}
