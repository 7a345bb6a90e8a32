//! http mode: what callers and the server behind heeler may do that is out of the ordinary.

mod support;

use std::convert::Infallible;
use std::net::{Ipv4Addr, TcpListener};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nix::sys::signal::Signal;
use support::{Builder, Conn, Heeler, PATIENCE, Request, SECOND, assert_took, eventually, h2, kept, pass};

/// What an HTTP/2 client says first, and empty settings.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A server that the test plays; the process that heeler keeps does nothing.
struct Upstream(TcpListener);

impl Upstream {
    fn new() -> Upstream {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener that does not wait");
        Upstream(listener)
    }

    fn builder(&self) -> Builder {
        let url = format!("http://{}", self.0.local_addr().expect("an address"));
        Heeler::builder().role("http", "hang").env("http_upstream_url", &url)
    }

    fn heeler(&self, env: &[(&str, &str)]) -> Heeler {
        self.builder().envs(env).start()
    }

    /// The next connection on which something comes: heeler also connects without a word, to see who accepts.
    #[track_caller]
    fn accept(&self) -> Conn {
        let mut speaking = None;
        eventually("heeler connects and says something", || {
            let Ok((stream, _)) = self.0.accept() else { return false };
            stream.set_nonblocking(false).expect("a connection that waits");
            stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
            if stream.peek(&mut [0]).is_ok_and(|length| length > 0) {
                speaking = Conn::over(stream).ok();
            }
            speaking.is_some()
        });
        speaking.expect("a connection")
    }
}

/// What came, up to and with this.
#[track_caller]
fn read_to(conn: &mut Conn, end: &[u8]) -> String {
    let mut seen = Vec::new();
    while !seen.ends_with(end) {
        let piece = conn.read_some(1).expect("more");
        assert!(!piece.is_empty(), "the end came first: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

/// A frame of HTTP/2 on stream 1 or, without a stream, on the connection.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Headers in HPACK's plainest form (RFC 7541 §6.2.2).
fn fields(pairs: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).expect("a short text")], text.as_bytes()].concat();
    pairs.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

#[test]
fn a_head_does_not_wait_for_its_body() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    for request in [Request::post("/", "hello"), Request::post("/", "").chunked("hello")] {
        let mut conn = heeler.conn();
        conn.send(&request.head_bytes());
        let mut link = upstream.accept();
        read_to(&mut link, b"\r\n\r\n");
        // A caller may wait for the answer before it sends the first byte.
        link.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nready\r\n");
        assert_eq!(conn.read_head().expect("a head").status, 200);
    }
}

#[test]
fn an_upgrade_that_begins_before_a_drain_ends_as_one() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let mut conn = heeler.conn();
    conn.send(&Request::get("/").header("Connection", "Upgrade").header("Upgrade", "websocket").bytes());
    let mut link = upstream.accept();
    read_to(&mut link, b"\r\n\r\n");
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    link.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let head = conn.read_head().expect("a head");
    // A client that reads anything else here drops the connection (RFC 6455 §4.1).
    assert_eq!((head.status, head.header("connection")), (101, Some("Upgrade")));
    conn.send(b"hello");
    assert_eq!(read_to(&mut link, b"hello"), "hello");
}

/// The front once asked again and again whether such a connection had ended, and did nothing else any more.
#[test]
fn a_caller_of_http2_that_hangs_up_without_reading_holds_nobody_up() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("upstream_protocol", "http1")]);
    let mut conn = Conn::open_narrow(heeler.address());
    let largest = 0x7fff_0000_u32.to_be_bytes();
    let windows = [frame(4, 0, 0, &[&[0, 4], &largest[..]].concat()), frame(8, 0, 0, &largest)].concat();
    let head = fields(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]);
    conn.send(&[HELLO, &windows, &frame(1, 5, 1, &head), &frame(1, 5, 3, &head)].concat());
    let (mut flood, _silent) = (upstream.accept(), upstream.accept());
    flood.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    flood.set_write_patience(SECOND / 2);
    while flood.send(&[b'x'; 64 * 1024]) {}
    conn.half_close();
    for _ in 0..10 {
        assert_eq!(heeler.get("/_/health").status, 200);
    }
}

#[test]
fn a_held_body_that_does_not_come_in_time_is_not_the_handlers_fault() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("http_buffer_req_body", "true"), ("exec_timeout", "1s")]);
    let (mut conn, start) = (heeler.conn(), Instant::now());
    conn.send(&Request::post("/", "").chunked("hello").head_bytes());
    conn.send(b"2\r\nhe\r\n");
    conn.read_response("POST").expect("an answer").assert_made_by_heeler(504, "timeout");
    assert_took(start.elapsed(), SECOND);
}

#[test]
fn a_body_of_known_length_is_not_held_and_has_time_by_its_length() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("http_buffer_req_body", "true"), ("read_timeout", "1s")]);
    let mut conn = heeler.conn();
    let piece = [b'x'; 4 * 1024];
    conn.send(&Request::post("/", piece).head_bytes());
    let mut link = upstream.accept();
    read_to(&mut link, b"\r\n\r\n");
    for part in piece.chunks(1024) {
        pass(SECOND / 2);
        assert!(conn.send(part));
        read_to(&mut link, part);
    }
    link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(conn.read_response("POST").expect("an answer").status, 200);
}

/// A server of HTTP/2 that reads every body to its end; `/flood` never ends.
struct Http2(std::net::SocketAddr);

impl Http2 {
    fn new() -> Http2 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(Http2::accept(listener));
        });
        Http2(address)
    }

    async fn accept(listener: TcpListener) {
        listener.set_nonblocking(true).expect("a listener for the runtime");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener for the runtime");
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), hyper::service::service_fn(Http2::answer));
            tokio::spawn(connection);
        }
    }

    async fn answer(request: hyper::Request<Incoming>) -> Result<hyper::Response<h2::Body>, hyper::Error> {
        if request.uri().path() == "/flood" {
            return Ok(hyper::Response::new(Flood.boxed()));
        }
        request.into_body().collect().await?;
        Ok(hyper::Response::new(h2::full("done")))
    }

    fn heeler(&self, env: &[(&str, &str)]) -> Heeler {
        let url = format!("http://{}", self.0);
        let builder = Heeler::builder().role("http", "hang").env("upstream_protocol", "h2c");
        builder.env("http_upstream_url", &url).envs(env).start()
    }
}

/// A body without an end.
struct Flood;

impl Body for Flood {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 64 * 1024])))))
    }
}

#[test]
fn callers_that_do_not_read_leave_the_shared_connection_to_others() {
    let heeler = Http2::new().heeler(&[]);
    let mut silent: Vec<Conn> = (0..16).map(|_| Conn::open_narrow(heeler.address())).collect();
    for conn in &mut silent {
        conn.send(&Request::get("/flood").bytes());
        assert_eq!(conn.read_head().expect("a head").status, 200);
    }
    // What is on its way may arrive first.
    pass(SECOND);
    assert_eq!(heeler.get("/").text(), "done");
}

#[test]
fn a_body_beyond_the_limit_is_the_callers_fault_over_http2_too() {
    let heeler = Http2::new().heeler(&[("max_body", "10")]);
    let answer = heeler.call(&Request::post("/", "").chunked("hello, hello"));
    answer.assert_made_by_heeler(413, "body_too_large");
}

#[test]
fn a_call_that_is_over_lets_go_of_its_request_over_http2_too() {
    let heeler = Http2::new().heeler(&[("exec_timeout", "1s")]);
    let mut conn = heeler.conn();
    conn.send(&Request::post("/", "").chunked("hello").head_bytes());
    conn.read_response("POST").expect("an answer").assert_made_by_heeler(504, "timeout");
    // The rest of the body is waited for, but not for ever.
    assert!(conn.read_to_end().expect("the end").is_empty());
}

/// A call that reaches the upstream, and how many processes heeler has started until then. A handler that is to be
/// ended gets no call before it has been started again.
#[track_caller]
fn starts_before_the_next_call(upstream: &Upstream, heeler: &Heeler) -> usize {
    let mut conn = heeler.conn();
    conn.send(&Request::get("/next").bytes());
    eventually("the call reaches the upstream", || {
        read_to(&mut upstream.accept(), b"\r\n\r\n").starts_with("GET /next ")
    });
    kept::starts(heeler)
}

#[test]
fn a_caller_that_asks_for_less_time_does_not_cost_the_handler_its_life() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("kill_on_timeout", "true")]);
    let mut conn = heeler.conn();
    conn.send(&Request::get("/").header("X-Timeout", "100ms").bytes());
    let _link = upstream.accept();
    conn.read_response("GET").expect("an answer").assert_made_by_heeler(504, "timeout");
    assert_eq!(starts_before_the_next_call(&upstream, &heeler), 1);
}

/// Nor does one that sends, or fetches, so slowly that its time runs out by that.
#[test]
fn a_caller_that_is_slow_itself_does_not_cost_the_handler_its_life() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("kill_on_timeout", "true"), ("exec_timeout", "1s")]);
    let mut conn = heeler.conn();
    conn.send(&Request::post("/", vec![0; 1000]).head_bytes());
    let _link = upstream.accept();
    conn.read_response("POST").expect("an answer").assert_made_by_heeler(504, "timeout");
    assert_eq!(starts_before_the_next_call(&upstream, &heeler), 1);
    // One that has sent all and waits is the handler's own affair.
    let mut conn = heeler.conn();
    conn.send(&Request::post("/", vec![0; 1000]).bytes());
    let _link = upstream.accept();
    conn.read_response("POST").expect("an answer").assert_made_by_heeler(504, "timeout");
    eventually("the handler is started again", || kept::starts(&heeler) == 2);
}

#[test]
fn a_handler_that_is_too_busy_for_a_probe_is_not_restarted() {
    let upstream = Upstream::new();
    let builder = upstream.builder().env("kill_on_timeout", "true").env("ready_path", "/ready");
    let heeler = std::thread::scope(|scope| {
        scope.spawn(|| upstream.accept().send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
        builder.start()
    });
    let mut conn = heeler.conn();
    conn.send(&Request::get("/_/ready").bytes());
    let _link = upstream.accept();
    conn.read_response("GET").expect("an answer").assert_made_by_heeler(503, "handler");
    assert_eq!(starts_before_the_next_call(&upstream, &heeler), 1);
}

/// A server without HTTP/1 could not say it otherwise.
#[test]
fn a_server_of_http2_is_asked_for_readiness_in_http2() {
    let heeler = Http2::new().heeler(&[("ready_path", "/up")]);
    assert_eq!(heeler.get("/_/ready").assert_ok().text(), "OK");
}
