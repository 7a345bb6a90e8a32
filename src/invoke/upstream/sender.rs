//! Requests to a server that is not ours, over connections that are kept for a moment: results on their way to a sink.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode, Uri};
use tokio::time::timeout;

use super::connect;
use super::connection::Connection;
use super::endpoint::Target;
use super::pool::Pool;
use super::request::{self, Length};
use super::single::{Lost, Single};
use crate::task::{self, Boxed};

/// What nobody reads is read off so far, and for so long, that the connection is of use again; else it is closed.
const MOST_UNREAD: usize = 64 * 1024;
const LONGEST_UNREAD: Duration = Duration::from_secs(1);

/// Sends to one place.
#[derive(Debug)]
pub struct Sender {
    target: Target,
    path: Uri,
    pool: Pool,
}

impl Sender {
    /// Nothing is connected yet.
    pub fn new(target: Target, path: Uri) -> Sender {
        Sender { target, path, pool: Pool::default() }
    }

    /// Posts a body that may be there twice: a kept connection may be closed at any moment, and whether what was on its
    /// way has arrived cannot be told. Gives the head of the answer; its body goes unread.
    pub async fn post(&self, headers: &HeaderMap, body: &Bytes) -> Result<(StatusCode, HeaderMap), Lost> {
        let mut kept = self.pool.take(true);
        loop {
            let is_kept = kept.is_some();
            let connection = match kept.take() {
                Some(connection) => connection,
                None => Connection::new(connect::anew(&self.target).await.map_err(Lost::unreachable)?),
            };
            match self.over(connection, headers, body).await {
                Err(_) if is_kept => {} // Once more, on a fresh one.
                answered => return answered,
            }
        }
    }

    async fn over(
        &self,
        connection: Connection,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<(StatusCode, HeaderMap), Lost> {
        let head = request::encode(&Method::POST, "", &self.path, headers, Length::Known(body.len()), None);
        let mut single = Single::on(connection);
        single.send(&head, body.clone(), false, false);
        let answer = loop {
            let (status, headers) = single.head().await?;
            if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                break (status, headers);
            }
        };
        self.put_back(single).await;
        Ok(answer)
    }

    /// Mostly nothing is behind the head, or all of it is there: then the connection is back before the next request.
    async fn put_back(&self, single: Single) {
        let mut reading: Boxed<()> = Box::pin(read_off(single, self.pool.clone()));
        if poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx).is_pending())).await {
            task::spawn(reading);
        }
    }
}

async fn read_off(mut single: Single, pool: Pool) {
    let whole = timeout(LONGEST_UNREAD, async {
        let mut length = 0;
        while let Ok(Some(frame)) = single.frame().await {
            length += frame.data_ref().map_or(0, Bytes::len);
            if length > MOST_UNREAD {
                return;
            }
        }
    });
    let in_time = whole.await.is_ok();
    if in_time && let Some(connection) = single.into_kept() {
        pool.put(connection);
    }
}
