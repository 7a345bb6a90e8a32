//! Health and ready, answered here in well under the 100 ms that Knative gives a probe.

use std::time::Duration;

use hyper::header::{HOST, HeaderValue};
use hyper::{HeaderMap, Method, Response, StatusCode, Uri, Version};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::Shared;
use super::respond::{refusal, text};
use crate::health::Phase;
use crate::invoke::{Call, CallError, Deadline, ReplyBody, RequestBody};
use crate::reason::Reason;

/// Below the 100 ms of an aggressive probe, with room for the answer.
const HANDLER_LIMIT: Duration = Duration::from_millis(80);
/// How long the handler's last answer stands in for one that a busy handler cannot give.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// What the handler last said of itself.
#[derive(Debug, Default)]
pub(super) struct LastReady {
    /// Held while the handler is asked: others do not ask again.
    asking: Mutex<()>,
    answer: std::sync::Mutex<Option<(Instant, bool)>>,
}

/// Whether heeler itself works: 200 up to the end of serving. A handler that is down is being seen to, and ending the
/// container would not bring it back sooner; one that stays down is another matter.
pub(super) fn health(shared: &Shared) -> Response<ReplyBody> {
    match shared.health.phase() {
        Phase::Draining => not_ready(shared, Reason::Draining, "heeler is draining"),
        Phase::Lost => not_ready(shared, Reason::Handler, "the handler stays down"),
        Phase::Starting | Phase::Ready | Phase::Down => text(StatusCode::OK, "OK"),
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
    match &shared.config.ready_path {
        Some(path) if !handler_says_ready(shared, path).await => {
            not_ready(shared, Reason::Handler, &format!("the handler does not say that it is ready at {path}"))
        }
        _ => text(StatusCode::OK, "OK"),
    }
}

fn not_ready(shared: &Shared, reason: Reason, sentence: &str) -> Response<ReplyBody> {
    refusal(&CallError::new(reason, sentence), &shared.config)
}

async fn handler_says_ready(shared: &Shared, path: &str) -> bool {
    let Ok(_asking) = shared.last_ready.asking.try_lock() else { return last_answer(shared) };
    let Some(place) = shared.admission.try_enter() else { return last_answer(shared) };
    let call = probe_call(path, place);
    let says = match timeout(HANDLER_LIMIT, shared.invoker.call(call)).await {
        Ok(Ok(reply)) => reply.status.as_u16() < 400,
        // Busy: the last answer stands, and grows older.
        Ok(Err(CallError { reason: Reason::Timeout, .. })) | Err(_) => return last_answer(shared),
        Ok(Err(error)) => {
            tracing::warn!("ready_path {path}: {error}");
            false
        }
    };
    if let Ok(mut answer) = shared.last_ready.answer.lock() {
        *answer = Some((Instant::now(), says));
    }
    says
}

fn last_answer(shared: &Shared) -> bool {
    let answer = shared.last_ready.answer.lock().ok().and_then(|answer| *answer);
    answer.is_some_and(|(at, says)| says && at.elapsed() < LAST_ANSWER)
}

fn probe_call(path: &str, place: crate::invoke::Place) -> Call {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, HeaderValue::from_static("localhost"));
    // Shorter than the setting's: a handler that is too busy for a probe is not to be restarted for that.
    let deadline = Deadline::after(None).or_sooner(Some(HANDLER_LIMIT));
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
    }
}
