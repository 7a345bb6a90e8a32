//! A call over HTTP/1.1: on an idle connection where it may have one, else on a fresh one.

use std::sync::Arc;

use hyper::header::{CONNECTION, EXPECT, HeaderValue, UPGRADE};
use hyper::{Method, StatusCode, Version};

use super::answer::{Answer, Http1, Uploading};
use super::connection::Connection;
use super::decode::Decoder;
use super::endpoint::Endpoint;
use super::exchange::{Exchange, Failure};
use super::head::{Framing, Head};
use super::outbound::Outbound;
use super::pass::{Failed, Running};
use super::request::{self, Length};
use super::upgraded::{Raw, Upgraded};
use super::upload::Upload;
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
    if let Some(connection) = endpoint.pool().take(outbound.repeatable) {
        running.connected();
        let mut exchange = outbound.exchange(shared, connection, running);
        match exchange.head().await {
            Ok((head, framing)) => return outbound.reply(endpoint, exchange, head, framing),
            Err(Failure::Silent(_)) if outbound.repeatable => {
                // Once more, and no more than once.
                outbound.repeatable = false;
                endpoint.look();
                if endpoint.is_ending() {
                    return Err(Failed::Gone);
                }
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    let connection = wait::for_connection(shared, endpoint).await?;
    running.connected();
    let mut exchange = outbound.exchange(shared, connection, running);
    let (head, framing) = exchange.head().await?;
    outbound.reply(endpoint, exchange, head, framing)
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Failed {
        Failed::Final(match failure {
            Failure::Silent(text) => CallError::new(Reason::Upstream, text),
            Failure::Final(error) => error,
        })
    }
}

impl Outbound {
    /// Puts the call on a connection. Only a call without a body is put on two.
    fn exchange(&mut self, shared: &Shared, connection: Connection, running: &Running) -> Exchange {
        let body = self.body();
        let call = &self.call;
        let upgrade = self.upgrade.as_ref();
        let head =
            request::encode(&call.method, shared.config.base(), &call.target, &self.headers, self.length, upgrade);
        let expects = !body.is_end() && self.headers.contains_key(EXPECT);
        let by_turns = call.version < Version::HTTP_2;
        let upload =
            Upload::new(connection.stream.clone(), head, body, self.length == Length::Chunked, expects, by_turns);
        Exchange {
            interim: call.interim.clone(),
            to_head: call.method == Method::HEAD,
            may_upgrade: upgrade.is_some(),
            sent: running.sent().clone(),
            ..Exchange::new(connection, upload)
        }
    }

    fn reply(
        &mut self,
        endpoint: &Arc<Endpoint>,
        exchange: Exchange,
        head: Head,
        framing: Framing,
    ) -> Result<Reply, Failed> {
        let Exchange { connection, upload, .. } = exchange;
        let Head { status, mut headers, keep_alive } = head;
        let protocol = headers.get(UPGRADE).cloned();
        remove_hop_by_hop(&mut headers);
        if status == StatusCode::SWITCHING_PROTOCOLS {
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.extend(protocol.map(|protocol| (UPGRADE, protocol)));
            let io = Raw::new(connection.stream, connection.buffer);
            let upgraded = Upgraded { io, deadline: self.call.stream_deadline, place: self.place() };
            return Ok(Reply::upgraded(headers, upgraded));
        }
        let whole = upload.is_none();
        let upload = upload.and_then(Upload::unless_unasked).map(|rest| Uploading(crate::task::spawn(rest.run())));
        // An upstream that answers without asking for the body it expected would take the next request for it.
        let keep_alive = keep_alive && (whole || upload.is_some());
        let decoder = Decoder::new(framing);
        let mut http1 = Http1 { connection, decoder, upload, keep_alive, endpoint: endpoint.clone() };
        if let Some(body) = http1.take_whole() {
            http1.finish();
            return Ok(Reply::new(status, headers, ReplyBody::of(body)));
        }
        let ready = http1.take_ready().map_err(Failed::Final)?;
        if http1.is_over() && ready.iter().all(|frame| frame.is_data()) {
            http1.finish();
            let data = ready.into_iter().filter_map(|frame| frame.into_data().ok());
            return Ok(Reply::new(status, headers, ReplyBody::Whole(data.collect())));
        }
        let deadline = self.call.deadline_of(&headers);
        if deadline.is_past() {
            // A status is still to be had, and tells more than a body that is cut at its first byte.
            return Err(Failed::Final(CallError::timeout()));
        }
        let condemned = self.condemned(endpoint, deadline);
        let answer = Answer::http1(http1, ready, deadline, condemned, self.place());
        Ok(Reply::new(status, headers, ReplyBody::Proxied(Box::new(answer))))
    }
}
