//! Both ways as it comes: streaming.
//!
//! The head is held for a moment, so that a short answer has a true status and a length; what runs longer is 200 and
//! flows, and its failure cuts the stream.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::input::Input;
use super::launch::Launch;
use super::running::{Heard, Running};
use super::{Shared, env, exit, marshal};
use crate::invoke::body::{Aborted, ReplyBody, RequestBody};
use crate::invoke::call::{Call, Reply};
use crate::invoke::config::ExitCodes;
use crate::invoke::error::CallError;
use crate::process::Exit;

/// An answer longer than this is on its way before its end is known.
const LONGEST_HELD: usize = 16 * 1024;

/// Runs one call up to the head of its answer.
pub(super) async fn call(shared: &Arc<Shared>, mut call: Box<Call>) -> Result<Reply, CallError> {
    let variables = env::of_call(&call, &shared.config, !call.body.is_end())?;
    let input = input(shared, &mut call).await?;
    let mut running = Launch::new(call, variables, input).start(shared)?;
    let held = hold(shared, &mut running).await?;
    let status = match held.exit {
        Some(exit) => exit::status(&shared.config.exit_codes, exit)?,
        None => StatusCode::OK,
    };
    let body = match held.exit {
        Some(_) => ReplyBody::Whole(held.chunks),
        None => ReplyBody::Streamed(Box::new(Streamed::new(held.chunks, running, shared.clone()))),
    };
    let kind = shared.config.content_type.as_deref().and_then(|kind| HeaderValue::from_str(kind).ok());
    let headers: HeaderMap = kind.map(|kind| (CONTENT_TYPE, kind)).into_iter().collect();
    Ok(Reply::new(status, headers, body))
}

async fn input(shared: &Shared, call: &mut Call) -> Result<Input, CallError> {
    if shared.config.marshal_request {
        // One JSON object needs the whole body.
        let body = call.whole_body().await?;
        return Ok(Input::whole([marshal::request(&call.headers, body)].into()));
    }
    Input::streamed(std::mem::replace(&mut call.body, RequestBody::empty())).await
}

struct Held {
    chunks: VecDeque<Bytes>,
    /// The process has ended and this is all.
    exit: Option<Exit>,
}

async fn hold(shared: &Shared, running: &mut Running) -> Result<Held, CallError> {
    let mut chunks = VecDeque::new();
    let mut length = 0;
    let mut until: Option<Instant> = None;
    while length < LONGEST_HELD {
        let heard = match until {
            None => running.hear().await?,
            Some(until) => match timeout_at(until, running.hear()).await {
                Ok(heard) => heard?,
                Err(_) => break,
            },
        };
        match heard {
            Heard::Ended(exit) => return Ok(Held { chunks, exit: Some(exit) }),
            Heard::Output(chunk) => {
                length += chunk.len();
                chunks.push_back(chunk);
                until.get_or_insert_with(|| Instant::now() + shared.config.stream_hold);
            }
        }
    }
    Ok(Held { chunks, exit: None })
}

/// Output on its way to the client.
pub struct Streamed {
    /// Held back so far.
    chunks: VecDeque<Bytes>,
    running: Running,
    shared: Arc<Shared>,
    over: bool,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").field("held", &self.chunks.len()).finish_non_exhaustive()
    }
}

impl Streamed {
    fn new(chunks: VecDeque<Bytes>, running: Running, shared: Arc<Shared>) -> Streamed {
        Streamed { chunks, running, shared, over: false }
    }

    /// The next piece as soon as there is one; an error where the handler failed, so that no cut answer looks whole.
    pub(in crate::invoke) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Aborted>>> {
        if let Some(chunk) = self.chunks.pop_front() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        if self.over {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.running.poll_hear(cx)) {
            Ok(Heard::Output(chunk)) => Some(Ok(chunk)),
            Ok(Heard::Ended(exit)) => {
                self.over = true;
                verdict(&self.shared.config.exit_codes, exit).err().map(Err)
            }
            Err(error) => {
                self.over = true;
                Some(Err(Aborted(error)))
            }
        })
    }
}

/// The head said 200: an end that means anything else is a failure.
fn verdict(codes: &ExitCodes, exit: Exit) -> Result<(), Aborted> {
    match exit::status(codes, exit) {
        Ok(StatusCode::OK) => Ok(()),
        Ok(status) => {
            let text = format!("the exit code means {status}, but the answer had begun as 200");
            // For whoever has held the answer back.
            Err(Aborted(CallError { status: Some(status), ..CallError::new(crate::reason::Reason::Exit, text) }))
        }
        Err(error) => Err(Aborted(error)),
    }
}
