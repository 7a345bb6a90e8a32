//! A call over HTTP/2.

use std::sync::Arc;

use hyper::header::{CONTENT_LENGTH, HOST};
use hyper::http::uri::{Authority, Scheme};
use hyper::{HeaderMap, Request, Uri, Version};

use super::answer::Answer;
use super::endpoint::Endpoint;
use super::http2::Outgoing;
use super::outbound::Outbound;
use super::pass::{Failed, Running};
use super::request::{Length, path_of};
use super::{Shared, wait};
use crate::invoke::body::ReplyBody;
use crate::invoke::call::Reply;
use crate::invoke::error::CallError;
use crate::invoke::hop::remove_hop_by_hop;
use crate::reason::Reason;

pub(super) async fn call(
    shared: &Arc<Shared>,
    outbound: &mut Outbound,
    endpoint: &Arc<Endpoint>,
    running: &Running,
) -> Result<Reply, Failed> {
    wait::for_http2(shared, endpoint).await?;
    running.connected();
    let request = outbound.http2_request(shared, running).map_err(Failed::Final)?;
    let response = endpoint.http2().send(endpoint, request).await.map_err(Failed::Final)?;
    let (mut head, body) = response.into_parts();
    remove_hop_by_hop(&mut head.headers);
    let deadline = outbound.call.deadline_of(&head.headers);
    if deadline.is_past() {
        return Err(Failed::Final(CallError::timeout()));
    }
    let condemned = outbound.condemned(endpoint, deadline);
    let answer = Answer::http2(body, endpoint.clone(), deadline, condemned, outbound.place());
    Ok(Reply::new(head.status, head.headers, ReplyBody::Proxied(Box::new(answer))))
}

/// A GET. The host goes into the URI, and from there into `:authority` (RFC 9113 §8.3.1).
pub(super) fn request(
    base: &str,
    target: &Uri,
    mut headers: HeaderMap,
    body: Outgoing,
) -> Result<Request<Outgoing>, CallError> {
    let host = headers.remove(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let (base, path) = path_of(base, target);
    let uri = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(host.unwrap_or_else(|| Authority::from_static("localhost")))
        .path_and_query(format!("{base}{path}"))
        .build()
        .map_err(|error| CallError::new(Reason::BadRequest, format!("the target cannot be passed on: {error}")))?;
    let mut request = Request::new(body);
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = headers;
    Ok(request)
}

impl Outbound {
    fn http2_request(&mut self, shared: &Shared, running: &Running) -> Result<Request<Outgoing>, CallError> {
        let body = self.body();
        let mut headers = std::mem::take(&mut self.headers);
        if let Length::Known(length) = self.length {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        let body = Outgoing::new(body, running.sent().clone());
        let mut request = request(shared.config.base(), &self.call.target, headers, body)?;
        *request.method_mut() = self.call.method.clone();
        Ok(request)
    }
}
