//! One request: route, checks, a place, the handler, the answer.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, UPGRADE};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::time::Instant;

use super::answer::{Account, Answer, Busy, Reading, Record};
use super::clock::Clock;
use super::deadline::{self, Deadlines};
use super::respond::{X_CALL_ID, X_DURATION_SECONDS, call_id, duration_seconds, refusal, text};
use super::route::{self, Door, Own};
use super::stall::Stalls;
use super::tunnel::Tunnel;
use super::{Shared, deliver, event, grpc, probe, strict, webhook};
use crate::event::Form;
use crate::invoke::{Call, CallError, Interim, Pace, Place, Reply, ReplyBody, RequestBody};

/// Who answers a request.
enum Whose {
    Heelers(Own),
    Functions(Box<Record>),
}

/// What all requests of a connection share.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<Clock>,
    pub(super) door: Door,
    pub(super) remote: Option<IpAddr>,
    pub(super) local_port: Option<u16>,
    /// Where 1xx heads go; `None` on HTTP/2.
    pub(super) interim: Option<Interim>,
    /// Who watches its answers; `None` on HTTP/1, whose socket tells of itself, and without a `write_timeout`.
    pub(super) stalls: Option<Arc<Stalls>>,
    /// What the connection becomes behind an answer of 101.
    pub(super) tunnel: Mutex<Option<Tunnel>>,
    /// The caller speaks HTTP/1.0: an answer of unknown length ends where the connection does.
    pub(super) ends_with_connection: AtomicBool,
}

impl Session {
    /// What the connection has become, if hyper is done with it for that reason.
    pub(super) fn tunnel(&self) -> Option<Tunnel> {
        self.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Answers one request; it never fails, since every failure is an answer. The call begins here and not when it is
    /// first polled: hyper drops it before that where it has read the client's end too, and then it has to be told.
    pub(super) fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<Answer>, Infallible>> {
        let busy = Busy::new(&self.clock);
        let whose = match route::of(request.uri().path(), self.door, &self.shared.config) {
            Some(own) => Whose::Heelers(own),
            None => Whose::Functions(self.record(&request)),
        };
        // All in one future: each that holds another moves request and record once more.
        async move {
            let http1 = request.version() < Version::HTTP_2;
            if request.version() == Version::HTTP_10 {
                self.ends_with_connection.store(true, Ordering::Relaxed);
            }
            let (response, record) = match whose {
                Whose::Heelers(own) => (self.own(own, &request).await, None),
                Whose::Functions(record) => self.function(request, record).await,
            };
            let (mut head, body) = response.into_parts();
            // An upgrade says so in the same header; behind it there is no next request to be kept off.
            if http1 && self.shared.closing() && head.status != StatusCode::SWITCHING_PROTOCOLS {
                head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(Response::from_parts(head, Answer::new(body, Account::new(record, busy), self.stalls.as_ref())))
        }
    }

    async fn own(&self, own: Own, request: &Request<Incoming>) -> Response<ReplyBody> {
        match own {
            Own::Health => Box::pin(probe::health(&self.shared)).await,
            Own::Ready => Box::pin(probe::ready(&self.shared)).await,
            Own::Metrics => self.metrics(request),
            Own::Nothing => text(StatusCode::NOT_FOUND, "not found: try /metrics, /_/health or /_/ready\n"),
        }
    }

    fn metrics(&self, request: &Request<Incoming>) -> Response<ReplyBody> {
        let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let (kind, page) = self.shared.metrics.render(accept);
        let mut response = text(StatusCode::OK, page);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }

    /// This and `run` are no `async fn`: that would hold each argument twice, as it came and as a variable.
    fn function(
        &self,
        request: Request<Incoming>,
        mut record: Box<Record>,
    ) -> impl Future<Output = (Response<ReplyBody>, Option<Box<Record>>)> {
        let (head, body) = request.into_parts();
        let (shared, id) = (&self.shared, record.id.clone());
        if shared.config.debug_headers {
            tracing::info!(call_id = id.to_str().unwrap_or_default(), headers = ?head.headers, "request");
        }
        let (is_head, is_grpc) = (head.method == Method::HEAD, grpc::is_grpc(&head.headers));
        let is_last = strict::ends_connection(&head);
        async move {
            let mut reply = self.run(head, body, id.clone(), &mut record).await;
            if !shared.invoker.answers_heads() {
                reply = without_body_where_due(reply, is_head).await;
            }
            let upgraded = reply.as_mut().ok().and_then(|reply| reply.upgraded.take());
            let mut response = reply.map(response_of).unwrap_or_else(|error| {
                record.reason = Some(error.reason);
                if error.reason.is_trouble() {
                    tracing::warn!(call_id = record.id_text(), "call failed: {error}");
                }
                let mut refusal = refusal(&error, &shared.config);
                if refusal.status() == StatusCode::METHOD_NOT_ALLOWED {
                    refusal.headers_mut().insert(ALLOW, HeaderValue::from_static(shared.invoker.methods()));
                }
                if is_grpc {
                    grpc::trailers_only(&mut refusal, &error);
                }
                if is_last {
                    refusal.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                refusal
            });
            let headers = response.headers_mut();
            headers.insert(X_CALL_ID, id);
            if record.handed.is_some() {
                headers.insert(X_DURATION_SECONDS, duration_seconds(record.started.elapsed()));
            }
            if shared.config.debug_headers {
                tracing::info!(call_id = record.id_text(), ?headers, "response");
            }
            record.status = Some(response.status().as_u16());
            record.grpc = is_grpc;
            match upgraded {
                None => (response, Some(record)),
                Some(upgraded) => {
                    // The call goes on as the connection's next life.
                    let tunnel = Tunnel::new(*upgraded, record, response.headers().get(UPGRADE));
                    *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(tunnel);
                    (response, None)
                }
            }
        }
    }

    fn record(&self, request: &Request<Incoming>) -> Box<Record> {
        self.shared.metrics.request_started();
        self.shared.pulse.keep();
        Box::new(Record {
            shared: self.shared.clone(),
            method: request.method().clone(),
            target: request.uri().clone(),
            id: call_id(request.headers()),
            started: Instant::now(),
            handed: None,
            status: None,
            reason: None,
            bytes: 0,
            grpc: false,
            whole: false,
        })
    }

    fn run(
        &self,
        head: Parts,
        body: Incoming,
        id: HeaderValue,
        record: &mut Record,
    ) -> impl Future<Output = Result<Reply, CallError>> {
        let config = &self.shared.config;
        let deadlines = deadline::of_call(config, &head.headers, record.started);
        async move {
            let mut body = self.admit(&head, body)?;
            if let Some(consent) = webhook::consent(&config.events.origins, &head) {
                return Ok(consent);
            }
            let form = event::form_of(&config.events, &head.headers)?;
            // A gRPC call is told how it went in trailers, which no event has.
            if form != Form::None || config.events.replies.rule.is_for_all() && !grpc::is_grpc(&head.headers) {
                // In a box: what most calls have no use for is no part of their size.
                return Box::pin(deliver::run(self, form, head, body, id, deadlines, record)).await;
            }
            let place = self.shared.admission.enter(deadlines.of_call).await?;
            let seat = self.shared.invoker.seat(&mut body, deadlines.of_call).await?;
            record.handed = Some(Instant::now());
            self.shared.invoker.call(Call { seat, ..self.call(head, id, body, deadlines, place) }).await
        }
    }

    /// All that can be refused by the head alone. The body is let go of in each case, and read off for a while.
    fn admit(&self, head: &Parts, body: Incoming) -> Result<RequestBody, CallError> {
        let config = &self.shared.config;
        let length = body.size_hint().exact();
        let pace = match self.shared.invoker.holds_body(length) {
            true => Pace::whole(config.read_timeout),
            false => Pace::streamed(config.read_timeout, length),
        };
        let body = RequestBody::new(body, config.max_body, pace, Reading::new(&self.clock));
        strict::check(head)?;
        match (length, config.max_body) {
            (Some(length), Some(max)) if length > max => Err(CallError::new(
                crate::reason::Reason::BodyTooLarge,
                format!("the request's body has {length} bytes and max_body is {max}"),
            )),
            _ => Ok(body),
        }
    }

    pub(super) fn call(
        &self,
        mut head: Parts,
        id: HeaderValue,
        body: RequestBody,
        deadlines: Deadlines,
        place: Place,
    ) -> Call {
        if self.shared.sink.is_some() {
            // The caller would unpack what it asked for; a sink gets what it did not ask for.
            head.headers.remove(ACCEPT_ENCODING);
        }
        Call {
            remote: self.remote,
            local_port: self.local_port,
            stream_deadline: deadlines.of_stream,
            interim: self.interim.clone().filter(|_| head.version == Version::HTTP_11),
            place,
            ..Call::new(id, head, body, deadlines.of_call)
        }
    }
}

/// HEAD, 204 and 304 have no body on the wire. The handler's is read to its end all the same: hyper would drop it at
/// once, and a dropped body ends the call.
async fn without_body_where_due(reply: Result<Reply, CallError>, is_head: bool) -> Result<Reply, CallError> {
    let mut reply = reply?;
    let bare = matches!(reply.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if !is_head && !bare {
        return Ok(reply);
    }
    let mut body = std::mem::replace(&mut reply.body, ReplyBody::empty());
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|aborted| aborted.0)?;
        length += frame.data_ref().map_or(0, bytes::Bytes::len);
    }
    if !bare {
        reply.headers.insert(CONTENT_LENGTH, length.into());
    }
    Ok(reply)
}

fn response_of(reply: Reply) -> Response<ReplyBody> {
    let mut response = Response::new(reply.body);
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}
