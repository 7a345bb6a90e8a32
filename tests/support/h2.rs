//! An HTTP/2 client by prior knowledge.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::PATIENCE;

pub type Body = http_body_util::combinators::BoxBody<Bytes, Infallible>;

/// One connection.
pub struct Client {
    pub sender: SendRequest<Body>,
    /// Ends with the connection.
    pub connection: JoinHandle<Result<(), hyper::Error>>,
    socket: std::net::TcpStream,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub trailers: Option<HeaderMap>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub async fn connect(address: SocketAddr) -> Client {
    let socket = std::net::TcpStream::connect(address).expect("heeler takes a connection");
    socket.set_nodelay(true).expect("nodelay");
    socket.set_nonblocking(true).expect("a socket for the runtime");
    let stream = TcpStream::from_std(socket.try_clone().expect("a second handle")).expect("a socket for the runtime");
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a handshake");
    Client { sender, connection: tokio::spawn(connection), socket }
}

pub fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed()
}

/// A body that does not know its length; its end comes behind the last piece, in a frame of its own.
struct Pieces(VecDeque<Bytes>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }
}

/// A body in pieces of so many bytes.
pub fn pieces(body: &[u8], size: usize) -> Body {
    Pieces(body.chunks(size).map(Bytes::copy_from_slice).collect()).boxed()
}

/// A request with headers and a body.
pub fn request(method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(format!("http://heeler.test{target}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(full(body)).expect("a valid request")
}

impl Client {
    /// Closes the connection under the feet of all that still uses it.
    pub fn hang_up(&self) {
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }

    /// Sends a request and reads its answer to the end.
    pub async fn call(&mut self, request: Request<Body>) -> Result<Answer, hyper::Error> {
        read(self.send(request).await?).await
    }

    /// Sends a request and reads the head of its answer.
    pub async fn send(&mut self, request: Request<Body>) -> Result<Response<Incoming>, hyper::Error> {
        self.sender.ready().await?;
        timeout(PATIENCE, self.sender.send_request(request)).await.expect("an answer in time")
    }
}

/// The rest of an answer.
pub async fn read(response: Response<Incoming>) -> Result<Answer, hyper::Error> {
    let (head, body) = response.into_parts();
    let body = timeout(PATIENCE, body.collect()).await.expect("a body in time")?;
    let trailers = body.trailers().cloned();
    let (status, headers) = (head.status.as_u16(), head.headers);
    Ok(Answer { status, headers, body: body.to_bytes().to_vec(), trailers })
}
