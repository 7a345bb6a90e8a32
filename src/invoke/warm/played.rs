//! For tests: a worker that the test plays, frame by frame, and calls to it.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::Request;
use hyper::header::{HOST, HeaderValue};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::frame::{self, Frame, Kind};
use super::{Greeting, Pool, Warm, Worker};
use crate::invoke::body::RequestBody;
use crate::invoke::call::{Call, Deadline, Reply};
use crate::invoke::error::CallError;
use crate::invoke::line::Line;
use crate::log;
use crate::metrics::Metrics;

/// The worker's end of a socket.
pub(super) struct Played {
    pub(super) socket: UnixStream,
    pub(super) buffer: BytesMut,
}

impl Played {
    pub(super) async fn read(&mut self) -> Frame {
        loop {
            if let Some(frame) = frame::take(&mut self.buffer).unwrap() {
                return frame;
            }
            assert!(self.socket.read_buf(&mut self.buffer).await.unwrap() > 0, "heeler has closed the socket");
        }
    }

    pub(super) async fn expect(&mut self, kind: Kind) -> Frame {
        let frame = self.read().await;
        assert_eq!(frame.kind, kind, "{frame:?}");
        frame
    }

    pub(super) async fn write(&mut self, kind: Kind, last: bool, stream: u32, payload: &[u8]) {
        let mut out = BytesMut::new();
        frame::put(&mut out, kind, last, stream, payload);
        self.socket.write_all(&out).await.unwrap();
    }

    pub(super) async fn hello(&mut self, concurrency: u32, about: &[u8]) {
        self.expect(Kind::Hello).await;
        let mut payload = BytesMut::new();
        payload.put_u16(1);
        payload.put_u16(0);
        payload.put_u32(64 * 1024);
        payload.put_u32(concurrency);
        payload.put_slice(about);
        self.write(Kind::Hello, false, 0, &payload).await;
    }

    pub(super) async fn reply(&mut self, stream: u32, last: bool, body: &[u8]) {
        self.write(Kind::Reply, last, stream, &reply(200, &[], body)).await;
    }

    pub(super) async fn closed(&mut self) {
        while self.socket.read_buf(&mut self.buffer).await.unwrap() > 0 {}
    }
}

pub(super) fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> BytesMut {
    let mut fields = BytesMut::new();
    for field in headers.iter().flat_map(|(name, value)| [name, value]) {
        fields.put_slice(field.as_bytes());
        fields.put_u8(0);
    }
    let mut payload = BytesMut::new();
    payload.put_u16(0);
    payload.put_u16(status);
    payload.put_u32(u32::try_from(fields.len()).unwrap());
    payload.put_u32(7);
    payload.put_slice(&fields);
    payload.put_slice(body);
    payload
}

pub(super) fn greeting(pool: &Pool) -> Greeting {
    let config =
        log::Config { format: log::Format::Text, level: tracing::Level::ERROR, prefix: false, line_limit: None };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let log = log::HandlerLog::new(config, Metrics::new("test"), writer.try_clone().unwrap(), writer);
    Greeting {
        concurrency: 0,
        settings: Vec::new(),
        max_requests: None,
        kill_grace: Duration::from_secs(3),
        pid: None,
        log,
        freed: pool.freed(),
    }
}

pub(super) fn pool(depth: usize, timeout: Option<Duration>) -> Pool {
    Pool::new(Line::new(depth, timeout, Metrics::new("test")))
}

/// A pool with one worker of so many calls at once.
pub(super) async fn pool_of_one(concurrency: u32) -> (Pool, Arc<Worker>, Played) {
    let pool = pool(10, None);
    let (worker, played) = join(&pool, concurrency).await;
    (pool, worker, played)
}

pub(super) async fn join(pool: &Pool, concurrency: u32) -> (Arc<Worker>, Played) {
    join_with(pool, concurrency, b"").await
}

/// `about`: the pairs of its hello.
pub(super) async fn join_with(pool: &Pool, concurrency: u32, about: &[u8]) -> (Arc<Worker>, Played) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut played = Played { socket: theirs, buffer: BytesMut::new() };
    let (met, ()) =
        tokio::join!(Worker::meet(ours.into_std().unwrap(), greeting(pool)), played.hello(concurrency, about));
    let (worker, hello) = met.unwrap();
    assert_eq!(hello.concurrency, concurrency);
    pool.join(worker.clone());
    (worker, played)
}

pub(super) fn call(body: &'static [u8]) -> Call {
    let body =
        if body.is_empty() { RequestBody::empty() } else { RequestBody::held([Bytes::from_static(body)].into()) };
    let head = Request::post("/a%20b?q=1").header(HOST, "h").body(()).unwrap().into_parts().0;
    Call::new(HeaderValue::from_static("id"), head, body, Deadline::after(Some(Duration::from_secs(20))))
}

pub(super) fn run(pool: &Pool, call: Call) -> tokio::task::JoinHandle<Result<Reply, CallError>> {
    let warm = Warm::new(pool.clone(), None);
    crate::task::spawn(async move { warm.call(Box::new(call)).await })
}

pub(super) async fn text(reply: Reply) -> String {
    String::from_utf8(reply.body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
