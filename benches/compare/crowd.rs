//! Callers where wrk has none: thousands of connections of which few or all call, large bodies, many headers, HTTP/2.
//!
//! Usage: crowd PORT CONNECTIONS [active=N] [body=BYTES] [headers=N] [path=/] [http2]. It opens all connections, each of
//! which makes one call without a body, and says `open`. Then it takes lines: `for SECONDS` (the active connections call
//! one after the other for so long) or `once` (each makes one call), and answers each with one line of JSON. It ends with its
//! input; until then all connections stay open. One thread.

use std::convert::Infallible;
use std::error::Error;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::{http1, http2};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpSocket;
use tokio::task::{JoinSet, LocalSet};

static PIECE: [u8; 65_536] = [b'x'; 65_536];
/// Connections that are being opened at once: fewer than a listener's backlog.
const OPENING: usize = 64;
/// Connections from one address: fewer than it has ports.
const FROM_ONE: usize = 10_000;
/// Nobody answers any more.
const PATIENCE: Duration = Duration::from_secs(60);

type Failed = Box<dyn Error>;

fn main() -> Result<(), Failed> {
    let plan = Rc::new(Plan::read(std::env::args().skip(1))?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    let mut callers = local.block_on(&runtime, open(&plan))?;
    let mut lost = None;
    say(&format!("open {}", callers.len()))?;
    for line in io::stdin().lines() {
        let line = line?;
        let until = match line.strip_prefix("for ") {
            Some(seconds) => Some(Duration::try_from_secs_f64(seconds.parse()?)?),
            None if line == "once" => None,
            None => return Err(format!("{line:?}: say `for SECONDS` or `once`").into()),
        };
        let idle = callers.split_off(plan.active.min(callers.len()));
        let began = Instant::now();
        let (back, mut done) = local.block_on(&runtime, run(&plan, callers, until));
        callers = back;
        callers.extend(idle);
        // Those that are lost are missing ever after: fewer call than was asked for, and each line says so.
        lost = lost.or_else(|| done.failed.clone());
        done.failed = done.failed.or_else(|| lost.clone());
        say(&figures(began.elapsed(), done))?;
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{line}")?;
    out.flush()
}

struct Plan {
    port: u16,
    connections: usize,
    active: usize,
    body: u64,
    headers: HeaderMap,
    path: String,
    http2: bool,
}

impl Plan {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Failed> {
        let port = words.next().ok_or("which port?")?.parse()?;
        let connections = words.next().ok_or("how many connections?")?.parse()?;
        let (headers, path) = (HeaderMap::new(), "/".to_string());
        let mut plan = Self { port, connections, active: connections, body: 0, headers, path, http2: false };
        for word in words {
            match word.split_once('=') {
                Some(("active", many)) => plan.active = many.parse()?,
                Some(("body", bytes)) => plan.body = bytes.parse()?,
                Some(("headers", many)) => plan.headers = headers_of(many.parse()?)?,
                Some(("path", path)) => plan.path = path.to_string(),
                None if word == "http2" => plan.http2 = true,
                _ => return Err(format!("{word:?} is none of active=, body=, headers=, path=, http2").into()),
            }
        }
        Ok(plan)
    }

    fn request(&self, body: u64) -> Result<Request<Filled>, hyper::http::Error> {
        let method = if body > 0 { "POST" } else { "GET" };
        // HTTP/2 takes the authority from the target, HTTP/1 has it in a header.
        let target =
            if self.http2 { format!("http://127.0.0.1:{}{}", self.port, self.path) } else { self.path.clone() };
        let mut request = Request::builder().method(method).uri(target).body(Filled(body))?;
        let headers = request.headers_mut();
        headers.extend(self.headers.clone());
        if !self.http2 {
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1"));
        }
        if body > 0 {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        }
        Ok(request)
    }
}

/// Names and values of usual lengths, and of no meaning.
fn headers_of(many: u32) -> Result<HeaderMap, Failed> {
    (1..=many)
        .map(|at| {
            Ok((
                HeaderName::try_from(format!("x-of-no-meaning-{at}"))?,
                HeaderValue::try_from(format!("value {at:016}"))?,
            ))
        })
        .collect()
}

/// So many bytes, in pieces that are never copied.
struct Filled(u64);

impl Body for Filled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = usize::try_from(self.0).unwrap_or(usize::MAX).min(PIECE.len());
        if next == 0 {
            return Poll::Ready(None);
        }
        self.0 -= next as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE[..next])))))
    }

    fn is_end_stream(&self) -> bool {
        self.0 == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

/// One connection.
enum Caller {
    One(http1::SendRequest<Filled>),
    Two(http2::SendRequest<Filled>),
}

impl Caller {
    async fn connect(plan: &Plan, at: usize) -> Result<Self, Failed> {
        let socket = TcpSocket::new_v4()?;
        // A bound port is nobody else's until its last connection is forgotten, a minute after its end; one that connect()
        // chooses may be at work towards another server already.
        if at >= FROM_ONE {
            let from = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + u32::try_from(at / FROM_ONE)?);
            socket.bind(SocketAddr::from((from, 0)))?;
        }
        let stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, plan.port))).await?;
        stream.set_nodelay(true)?;
        let stream = TokioIo::new(stream);
        if plan.http2 {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::task::spawn_local(connection);
            return Ok(Self::Two(sender));
        }
        let (sender, connection) = http1::handshake(stream).await?;
        tokio::task::spawn_local(connection);
        Ok(Self::One(sender))
    }

    /// The length of the answer's body.
    async fn call(&mut self, request: Request<Filled>) -> Result<u64, Failed> {
        let response = match self {
            Self::One(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Self::Two(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
        };
        let status = response.status();
        let (mut body, mut bytes) = (response.into_body(), 0);
        while let Some(frame) = body.frame().await {
            bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
        }
        if status == StatusCode::OK { Ok(bytes) } else { Err(format!("answered {status}").into()) }
    }
}

async fn open(plan: &Rc<Plan>) -> Result<Vec<Caller>, Failed> {
    let (mut opening, mut callers) = (JoinSet::new(), Vec::with_capacity(plan.connections));
    for at in 0..plan.connections {
        if opening.len() == OPENING {
            callers.push(next(&mut opening).await?);
        }
        let plan = Rc::clone(plan);
        opening.spawn_local(async move {
            let mut caller = Caller::connect(&plan, at).await.map_err(|why| format!("connection {at}: {why}"))?;
            let first = plan.request(0).map_err(|why| why.to_string())?;
            caller.call(first).await.map_err(|why| format!("connection {at}, its first call: {why}"))?;
            Ok(caller)
        });
    }
    while !opening.is_empty() {
        callers.push(next(&mut opening).await?);
    }
    Ok(callers)
}

async fn next(opening: &mut JoinSet<Result<Caller, String>>) -> Result<Caller, Failed> {
    let opened = tokio::time::timeout(PATIENCE, opening.join_next()).await.map_err(|_| "nobody answers")?;
    Ok(opened.ok_or("nothing is being opened")???)
}

/// What one connection did.
#[derive(Default)]
struct Done {
    took_us: Vec<u128>,
    answered: u64,
    failed: Option<String>,
}

/// Calls on all connections until the time is over, or one on each; the calls that are on their way then are waited for.
/// A connection with a failed call calls no more.
async fn run(plan: &Rc<Plan>, callers: Vec<Caller>, length: Option<Duration>) -> (Vec<Caller>, Done) {
    let began = Instant::now();
    let mut calling = JoinSet::new();
    for mut caller in callers {
        let plan = Rc::clone(plan);
        calling.spawn_local(async move {
            let mut done = Done::default();
            loop {
                let since = Instant::now();
                let called = async { caller.call(plan.request(plan.body)?).await };
                match tokio::time::timeout(PATIENCE, called).await {
                    Ok(Ok(bytes)) => done.answered += bytes,
                    Ok(Err(why)) => done.failed = Some(why.to_string()),
                    Err(_) => done.failed = Some("no answer".to_string()),
                }
                if done.failed.is_some() {
                    return (None, done);
                }
                done.took_us.push(since.elapsed().as_micros());
                if length.is_none_or(|length| began.elapsed() >= length) {
                    return (Some(caller), done);
                }
            }
        });
    }
    let (mut back, mut all) = (Vec::new(), Done::default());
    while let Some(ended) = calling.join_next().await {
        let Ok((caller, done)) = ended else { continue };
        back.extend(caller);
        all.failed = all.failed.or(done.failed);
        all.took_us.extend(done.took_us);
        all.answered += done.answered;
    }
    (back, all)
}

fn figures(took: Duration, mut all: Done) -> String {
    all.took_us.sort_unstable();
    let quantile = |part: usize| all.took_us.get(all.took_us.len() * part / 100).copied().unwrap_or_default();
    let errors = all.failed.unwrap_or_default();
    format!(
        r#"{{"calls": {}, "seconds": {:.6}, "p50_us": {}, "p99_us": {}, "answered": {}, "errors": {errors:?}}}"#,
        all.took_us.len(),
        took.as_secs_f64(),
        quantile(50),
        quantile(99),
        all.answered,
    )
}
