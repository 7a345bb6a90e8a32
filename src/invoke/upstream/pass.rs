//! A call's way to the upstream and back, up to the head of the answer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderValue, UPGRADE};
use hyper::http::uri::{Authority, Scheme};
use hyper::{HeaderMap, Method, Request, StatusCode, Uri, Version};

use super::answer::{Answer, Http1, Uploading};
use super::config::{Address, Protocol};
use super::decode::{Decoder, Step};
use super::endpoint::Endpoint;
use super::exchange::{Exchange, Failure};
use super::forward;
use super::head::{Framing, Head};
use super::http2::Outgoing;
use super::request::{self, Length};
use super::upgraded::Upgraded;
use super::upload::Upload;
use super::{Shared, wait};
use crate::invoke::body::{ReplyBody, RequestBody};
use crate::invoke::call::{Call, Deadline, Place, Reply};
use crate::invoke::error::CallError;
use crate::reason::Reason;

/// Which upstream has a call, once one has.
#[derive(Debug, Default)]
pub(super) struct Running(Mutex<Option<Arc<Endpoint>>>);

impl Running {
    pub(super) fn endpoint(&self) -> Option<Arc<Endpoint>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn at(&self, endpoint: Option<&Arc<Endpoint>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = endpoint.cloned();
    }
}

/// Why a try did not give an answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// This start of the upstream is over, and it has seen nothing of the call.
    Gone,
    /// The caller is told.
    Final(CallError),
}

/// What of a call is the same in every try.
struct Outbound {
    call: Call,
    headers: HeaderMap,
    length: Length,
    upgrade: Option<HeaderValue>,
    /// Running it twice does no more than running it once (RFC 9110 §9.2.2), and there is no body to have twice.
    repeatable: bool,
}

/// Passes a call on.
pub(super) async fn call(shared: &Arc<Shared>, mut call: Call, running: &Running) -> Result<Reply, CallError> {
    let length = length(shared, &mut call).await?;
    let upgrade = forward::wanted_upgrade(&call);
    let repeatable = call.method.is_idempotent() && call.body.is_end() && upgrade.is_none();
    let headers = forward::request(&mut call);
    let mut outbound = Outbound { call, headers, length, upgrade, repeatable };
    let limit = outbound.call.deadline.or_sooner(shared.config.queue_timeout);
    loop {
        let endpoint = wait::for_upstream(shared, limit).await?;
        running.at(Some(&endpoint));
        let tried = if over_http2(shared, &outbound, &endpoint).await {
            http2(shared, &mut outbound, &endpoint).await
        } else {
            http1(shared, &mut outbound, &endpoint).await
        };
        match tried {
            Ok(reply) => return Ok(reply),
            Err(Failed::Final(error)) => return Err(error),
            Err(Failed::Gone) => running.at(None),
        }
    }
}

/// How the upstream learns where the body ends. A body that is to have a length is held until it has one.
async fn length(shared: &Shared, call: &mut Call) -> Result<Length, CallError> {
    if call.body.length().is_some() || call.body.is_end() {
        return Ok(Length::AsGiven);
    }
    if !shared.config.buffer_body {
        return Ok(Length::Chunked);
    }
    let body = call.body.collect().await?;
    let length = body.iter().map(Bytes::len).sum();
    call.body = RequestBody::held(body);
    Ok(Length::Known(length))
}

async fn over_http2(shared: &Shared, outbound: &Outbound, endpoint: &Endpoint) -> bool {
    match shared.config.protocol {
        Protocol::Http1 => false,
        Protocol::H2c => true,
        Protocol::Auto => outbound.call.version >= Version::HTTP_2 && endpoint.http2().is_spoken(endpoint).await,
    }
}

/// Tries on an idle connection, where the call may have one, then on a fresh one.
async fn http1(shared: &Arc<Shared>, outbound: &mut Outbound, endpoint: &Arc<Endpoint>) -> Result<Reply, Failed> {
    if let Some(connection) = endpoint.pool().take(outbound.repeatable) {
        let mut exchange = outbound.exchange(shared, connection);
        match exchange.head().await {
            Ok((head, framing)) => return Ok(finish(shared, outbound, endpoint, Exchanged::new(exchange, head, framing))),
            Err(Failure::Silent(_)) if outbound.repeatable => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    let connection = wait::for_connection(shared, endpoint).await?;
    let mut exchange = outbound.exchange(shared, connection);
    let (head, framing) = exchange.head().await?;
    let exchanged = Exchanged::new(exchange, head, framing);
    Ok(finish(shared, outbound, endpoint, exchanged))
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Failed {
        Failed::Final(match failure {
            Failure::Silent(text) => CallError::new(Reason::Upstream, text),
            Failure::Final(error) => error,
        })
    }
}
