//! The least that hyper can be: it listens on the port that is its argument, and answers with the request's body, or with
//! 100 bytes where there is none. One thread, as heeler has it by default. On the path /stream the body goes back as it comes.

use std::convert::Infallible;
use std::error::Error;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

static HELLO: [u8; 100] = [b'x'; 100];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("which port?")?.parse()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service_fn(answer)));
    }
}

/// A request whose body breaks off has nobody left who would read the answer.
async fn answer(request: Request<Incoming>) -> Result<Response<Either<Full<Bytes>, Incoming>>, Infallible> {
    if request.uri().path() == "/stream" {
        return Ok(Response::new(Either::Right(request.into_body())));
    }
    let body = request.into_body().collect().await.map(|whole| whole.to_bytes()).unwrap_or_default();
    let body = if body.is_empty() { Bytes::from_static(&HELLO) } else { body };
    Ok(Response::new(Either::Left(Full::new(body))))
}
