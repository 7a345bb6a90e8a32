//! A call's way to the upstream and back, up to the head of the answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::Version;
use tokio::time::Instant;

use super::config::Protocol;
use super::endpoint::Endpoint;
use super::outbound::{self, Outbound};
use super::{Shared, http1, http2_call, wait};
use crate::invoke::call::{Call, Reply};
use crate::invoke::error::CallError;

/// How far a call has come, for whoever has to answer for it when its time is up.
#[derive(Debug, Default)]
pub(super) struct Running {
    endpoint: Mutex<Option<Arc<Endpoint>>>,
    connected: AtomicBool,
    sent: Arc<Sent>,
}

/// Whether all of a request has gone to the upstream: from then on nobody but the upstream keeps the call waiting.
#[derive(Debug, Default)]
pub(super) struct Sent(AtomicBool);

impl Sent {
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Running {
    /// The upstream that has the call, or is to have it.
    pub(super) fn endpoint(&self) -> Option<Arc<Endpoint>> {
        self.endpoint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the upstream may have seen something of it.
    pub(super) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// There is a connection for the call: from here on the upstream may see it.
    pub(super) fn connected(&self) {
        self.connected.store(true, Ordering::Relaxed);
    }

    /// Whether the call waits for nobody but the upstream.
    pub(super) fn is_sent(&self) -> bool {
        self.sent.0.load(Ordering::Relaxed)
    }

    pub(super) fn sent(&self) -> &Arc<Sent> {
        &self.sent
    }

    fn at(&self, endpoint: Option<&Arc<Endpoint>>) {
        *self.endpoint.lock().unwrap_or_else(PoisonError::into_inner) = endpoint.cloned();
    }
}

/// Why a try gave no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// This start of the upstream is over, and it has seen nothing of the call, or the call may run once more.
    Gone,
    /// The caller is told.
    Final(CallError),
}

/// Passes a call on to the upstream that is up, or will be in time.
pub(super) async fn call(shared: &Arc<Shared>, mut call: Box<Call>, running: &Running) -> Result<Reply, CallError> {
    let limit = call.deadline.or_sooner(Instant::now(), shared.config.queue_timeout);
    let length = outbound::length(shared, &mut call).await?;
    let mut outbound = Outbound::new(shared, call, length);
    loop {
        let endpoint = wait::for_upstream(shared, limit).await?;
        running.at(Some(&endpoint));
        let tried = if over_http2(shared, outbound.call.version, &endpoint).await {
            // In a box, as it is five times as large: every call has room for the larger of both.
            Box::pin(http2_call::call(shared, &mut outbound, &endpoint, running)).await
        } else {
            http1::call(shared, &mut outbound, &endpoint, running).await
        };
        match tried {
            Ok(reply) => {
                endpoint.note_answer();
                return Ok(reply);
            }
            Err(Failed::Final(error)) => {
                endpoint.note_failure(&error);
                return Err(error);
            }
            Err(Failed::Gone) => running.at(None),
        }
    }
}

async fn over_http2(shared: &Shared, version: Version, endpoint: &Endpoint) -> bool {
    match shared.config.protocol {
        Protocol::Http1 => false,
        Protocol::H2c => true,
        Protocol::Auto => version >= Version::HTTP_2 && Box::pin(endpoint.http2().is_spoken(endpoint)).await,
    }
}
