//! Health and ready, answered here in well under the 100 ms that Knative gives a probe.

use std::sync::PoisonError;
use std::time::Duration;

use hyper::header::{HOST, HeaderValue};
use hyper::{HeaderMap, Method, Response, StatusCode, Uri, Version};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::Shared;
use super::respond::{refusal, text};
use crate::health::Phase;
use crate::invoke::{Call, CallError, Deadline, Question, ReplyBody, RequestBody};
use crate::reason::Reason;

/// Below the 100 ms of an aggressive probe, with room for the answer.
const HANDLER_LIMIT: Duration = Duration::from_millis(80);
/// How long the handler's last answer stands in for one that a busy handler cannot give.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// What the handler last said of itself, to each question.
#[derive(Debug, Default)]
pub(super) struct Asked {
    ready_path: LastAnswer,
    ready: LastAnswer,
    alive: LastAnswer,
}

#[derive(Debug, Default)]
struct LastAnswer {
    /// Held while the handler is asked: others do not ask again.
    asking: Mutex<()>,
    answer: std::sync::Mutex<Option<(Instant, bool)>>,
}

impl LastAnswer {
    /// Asks the handler, which may have no answer: it is busy. Then its last one stands, and grows older.
    async fn or_new(&self, ask: impl Future<Output = Option<bool>>) -> Option<bool> {
        let answer = match self.asking.try_lock() {
            Ok(_asking) => timeout(HANDLER_LIMIT, ask).await.ok().flatten(),
            Err(_) => None,
        };
        let mut last = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Some(says) => *last = Some((Instant::now(), says)),
            None => *last = last.filter(|(at, _)| at.elapsed() < LAST_ANSWER),
        }
        last.map(|(_, says)| says)
    }
}

/// Whether heeler itself works: 200 up to the end of serving. A handler that is down is being seen to, and ending the
/// container would not bring it back sooner; one that stays down is another matter, as is a function that says itself
/// that it is not alive.
pub(super) async fn health(shared: &Shared) -> Response<ReplyBody> {
    match shared.health.phase() {
        Phase::Draining => return not_ready(shared, Reason::Draining, "heeler is draining"),
        Phase::Lost => return not_ready(shared, Reason::Handler, "the handler stays down"),
        Phase::Starting | Phase::Down => return text(StatusCode::OK, "OK"),
        Phase::Ready => {}
    }
    // A busy function is alive.
    match says(shared, Question::Alive, &shared.asked.alive).await {
        Some(false) => not_ready(shared, Reason::Handler, "the function says that it is not alive"),
        Some(true) | None => text(StatusCode::OK, "OK"),
    }
}

/// Whether a call would be served now.
pub(super) async fn ready(shared: &Shared) -> Response<ReplyBody> {
    match shared.health.phase() {
        Phase::Starting => return not_ready(shared, Reason::Starting, "the handler is not up yet"),
        Phase::Draining => return not_ready(shared, Reason::Draining, "heeler is draining"),
        Phase::Down | Phase::Lost => return not_ready(shared, Reason::Handler, "the handler is down"),
        Phase::Ready => {}
    }
    if shared.admission.full() || shared.invoker.is_full() {
        return not_ready(shared, Reason::Full, "all places are taken");
    }
    if says(shared, Question::Ready, &shared.asked.ready).await != Some(true) {
        return not_ready(shared, Reason::Handler, "the function does not say that it is ready");
    }
    match &shared.config.ready_path {
        Some(path) if shared.asked.ready_path.or_new(says_at(shared, path)).await != Some(true) => {
            not_ready(shared, Reason::Handler, &format!("the handler does not say that it is ready at {path}"))
        }
        _ => text(StatusCode::OK, "OK"),
    }
}

/// A function that has nothing to say of itself is well, however many ask at once.
async fn says(shared: &Shared, question: Question, last: &LastAnswer) -> Option<bool> {
    match shared.invoker.ask(question) {
        None => Some(true),
        Some(answer) => last.or_new(async { Some(answer.await) }).await,
    }
}

/// What the handler says at `ready_path`; `None`: it is busy.
async fn says_at(shared: &Shared, path: &str) -> Option<bool> {
    let place = shared.admission.try_enter()?;
    match shared.invoker.call(probe_call(path, place)).await {
        Ok(reply) => Some(reply.status.as_u16() < 400),
        Err(CallError { reason: Reason::Timeout | Reason::QueueFull | Reason::QueueTimeout, .. }) => None,
        Err(error) => {
            tracing::warn!("ready_path {path}: {error}");
            Some(false)
        }
    }
}

fn not_ready(shared: &Shared, reason: Reason, sentence: &str) -> Response<ReplyBody> {
    refusal(&CallError::new(reason, sentence), &shared.config)
}

fn probe_call(path: &str, place: crate::invoke::Place) -> Call {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    // Shorter than the setting's: a handler that is too busy for a probe is not to be restarted for that.
    let deadline = Deadline::NEVER.or_sooner(Instant::now(), Some(HANDLER_LIMIT));
    headers.insert(hyper::header::USER_AGENT, HeaderValue::from_static("kube-probe/heeler"));
    Call {
        id: HeaderValue::from_static("ready_path"),
        method: Method::GET,
        target: path.parse().unwrap_or_else(|_| Uri::from_static("/")),
        version: Version::HTTP_11,
        headers,
        body: RequestBody::empty(),
        remote: None,
        local_port: None,
        deadline,
        stream_deadline: deadline,
        interim: None,
        place,
        seat: None,
        event: None,
        batch: 0,
    }
}
