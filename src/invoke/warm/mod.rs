//! Warm workers: processes that hold the user's function and take call after call over a socket (docs/wire.md).
//!
//! The `pool` gives a call a place at a worker; `exchange` passes it there, as `message`s in `frame`s, and the `answer`
//! back. A `worker` is one connection, which `hear` listens to; `keep` starts, replaces and ends the processes.

mod answer;
mod ask;
mod batch;
mod config;
mod exchange;
mod fields;
pub mod frame;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzed;
mod hear;
mod insist;
pub mod keep;
mod lost;
pub mod message;
mod numbered;
mod outbox;
mod pool;
mod seat;
mod stream;
mod worker;

pub use answer::Answer;
use answer::Sizes;
pub use ask::Question;
pub use batch::put_event;
pub use config::{Config, Language, Source};
pub use lost::Lost;
pub use message::Hello;
pub use pool::Pool;
pub use seat::Seat;
pub use worker::{Greeting, Worker};

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, HeaderMap};

use super::body::{ReplyBody, RequestBody};
use super::call::{Call, Deadline, Reply};
use super::error::CallError;
use super::hop::{length_of, remove_hop_by_hop};
use crate::reason::Reason;
use message::BadAnswer;

/// Gives calls to warm workers.
#[derive(Clone, Debug)]
pub struct Warm {
    pool: Pool,
    max_output: Option<u64>,
}

impl Warm {
    /// Over the workers that the pool has, now and later. No answer is larger than `max_output` bytes.
    pub fn new(pool: Pool, max_output: Option<u64>) -> Warm {
        Warm { pool, max_output }
    }

    /// A body that goes into one frame is waited for before: else clients that are slow with theirs take all places.
    pub(super) async fn seat(&self, body: &mut RequestBody, deadline: Deadline) -> Result<Seat, CallError> {
        self.pool.refuse_if_full()?;
        let mut arrival = poll_fn(|cx| body.poll_arrival(exchange::LARGEST_PIECE as u64, cx));
        // Mostly it came along with the head: nothing is waited for then.
        match poll_fn(|cx| Poll::Ready(Pin::new(&mut arrival).poll(cx))).await {
            Poll::Ready(arrived) => arrived?,
            Poll::Pending => Box::pin(deadline.bound(arrival)).await?,
        }
        self.pool.seat(deadline).await
    }

    pub(super) async fn wait(&self, deadline: Deadline) -> Result<Seat, CallError> {
        self.pool.wait(deadline).await
    }

    pub(super) fn is_full(&self) -> bool {
        self.pool.is_full()
    }

    /// What the function says of itself; `None` if it has nothing to say.
    pub(super) fn ask(&self, question: Question) -> Option<impl Future<Output = bool> + use<>> {
        self.pool.ask(question)
    }

    /// Runs one call up to the head of its answer.
    pub(super) async fn call(&self, mut call: Box<Call>) -> Result<Reply, CallError> {
        let deadline = call.deadline;
        let seat = match call.seat.take() {
            Some(seat) => seat,
            None => self.seat(&mut call.body, deadline).await?,
        };
        let (mut exchange, mut upload) = tokio::select! {
            biased;
            begun = exchange::begin(seat, &mut call) => begun?,
            () = deadline.passed() => return Err(CallError::timeout()),
        };
        let reply = tokio::select! {
            biased;
            reply = exchange::head(&exchange, &mut upload) => reply?,
            () = deadline.passed() => {
                exchange.is_late();
                return Err(CallError::timeout());
            }
        };
        let is_event = reply.is_event;
        let (status, mut headers) = reply.head.map_err(|bad| broken(&bad))?;
        remove_hop_by_hop(&mut headers);
        let promised = promised(&headers)?;
        if upload.is_over()
            && let Some((pieces, took)) = exchange.stream.whole()
        {
            crate::log::debug!(call_id = call.id_text().unwrap_or_default(), ?took, "the function has answered");
            let length: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
            if promised.is_some_and(|promised| promised != length && call.method != hyper::Method::HEAD) {
                return Err(CallError::new(Reason::BadHead, "the answer's Content-Length is not its length"));
            }
            self.check_size(length)?;
            return Ok(Reply { is_event, ..Reply::new(status, headers, ReplyBody::Whole(pieces)) });
        }
        let deadline = call.deadline_of(&headers);
        let place = std::mem::take(&mut call.place);
        let bare =
            call.method == hyper::Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let promised = promised.filter(|_| !bare);
        self.check_size(promised.unwrap_or(0))?;
        let answer = Answer::new(exchange, upload, Sizes { promised, most: self.max_output }, deadline, place);
        Ok(Reply { is_event, ..Reply::new(status, headers, ReplyBody::Warm(Box::new(answer))) })
    }

    fn check_size(&self, length: u64) -> Result<(), CallError> {
        match self.max_output {
            Some(most) if length > most => Err(too_large(most)),
            _ => Ok(()),
        }
    }
}

fn too_large(most: u64) -> CallError {
    CallError::new(Reason::OutputTooLarge, format!("the answer is larger than {most} bytes (max_output)"))
}

fn broken(bad: &BadAnswer) -> CallError {
    let reason = if matches!(bad, BadAnswer::Event(_)) { Reason::Reply } else { Reason::BadHead };
    CallError::new(reason, format!("the function's answer {bad}"))
}

/// The length that the answer's head promises.
fn promised(headers: &HeaderMap) -> Result<Option<u64>, CallError> {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (length_of(value.as_bytes()), values.next()) {
        (Some(length), None) => Ok(Some(length)),
        _ => Err(CallError::new(Reason::BadHead, "the answer's Content-Length is no number")),
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod played;
#[cfg(test)]
mod tests;
