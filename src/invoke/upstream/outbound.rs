//! A call as it goes out: what is the same in every try.

use std::sync::Arc;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{EXPECT, HeaderValue};

use super::Shared;
use super::endpoint::Endpoint;
use super::forward;
use super::request::Length;
use crate::invoke::body::RequestBody;
use crate::invoke::call::{Call, Deadline, Place};
use crate::invoke::error::CallError;

/// A call on its way out.
pub(super) struct Outbound {
    /// Without its headers.
    pub(super) call: Box<Call>,
    pub(super) headers: HeaderMap,
    pub(super) length: Length,
    /// The protocol that it asks to change to.
    pub(super) upgrade: Option<HeaderValue>,
    /// Running it twice does no more than running it once (RFC 9110 §9.2.2), and there is no body to have twice.
    pub(super) repeatable: bool,
    kill_on_timeout: bool,
}

impl Outbound {
    pub(super) fn new(shared: &Shared, mut call: Box<Call>, length: Length) -> Outbound {
        let upgrade = forward::wanted_upgrade(&call);
        let repeatable = call.method.is_idempotent() && call.body.is_end() && upgrade.is_none();
        let mut headers = forward::request(&mut call);
        if let Length::Known(_) = length {
            // The caller was told to go on when its body was read: nobody is left to wait for.
            headers.remove(EXPECT);
        }
        Outbound { call, headers, length, upgrade, repeatable, kill_on_timeout: shared.config.kill_on_timeout }
    }

    /// Who is to be restarted if this call runs out of the time that the setting gives it. A caller that asked for less
    /// must not be able to end the handler for all others.
    pub(super) fn condemned(&self, endpoint: &Arc<Endpoint>, deadline: Deadline) -> Option<Arc<Endpoint>> {
        (self.kill_on_timeout && !deadline.is_shortened()).then(|| endpoint.clone())
    }

    /// The call's place, to be held to the end of its answer.
    pub(super) fn place(&mut self) -> Place {
        std::mem::take(&mut self.call.place)
    }

    /// The body, to be had once.
    pub(super) fn body(&mut self) -> RequestBody {
        std::mem::replace(&mut self.call.body, RequestBody::empty())
    }
}

/// How the upstream learns where the body ends. A body that is to have a length is held until it has one.
pub(super) async fn length(shared: &Shared, call: &mut Call) -> Result<Length, CallError> {
    if call.body.is_end() || call.body.length().is_some() {
        return Ok(Length::AsGiven);
    }
    if !shared.config.buffer_body {
        return Ok(Length::Chunked);
    }
    let body = call.whole_body().await?;
    let length = body.iter().map(Bytes::len).sum();
    call.body = RequestBody::held(body);
    Ok(Length::Known(length))
}
