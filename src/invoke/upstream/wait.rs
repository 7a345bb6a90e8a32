//! Calls that come while the upstream is down wait for it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::State;
use super::connection::Connection;
use super::endpoint::Endpoint;
use super::{Shared, pass::Failed};
use crate::invoke::call::Deadline;
use crate::invoke::error::CallError;
use crate::reason::Reason;

/// A server that was up and refuses is dying, and its end will be heard in a moment; or it has closed its door for a
/// short while, as some do when they load their code anew.
const LONGEST_REFUSAL: Duration = Duration::from_secs(1);
/// Between two tries at such a server.
const REFUSAL_PAUSE: Duration = Duration::from_millis(5);

/// The upstream that is up, at once or after a wait.
pub(super) async fn for_upstream(shared: &Shared, limit: Deadline) -> Result<Arc<Endpoint>, CallError> {
    if let Some(endpoint) = takes_calls(&shared.states.borrow()) {
        return Ok(endpoint.clone());
    }
    let mut states = shared.states.clone();
    let settled = async {
        // The sender is gone only when all of heeler is.
        let settled = |state: &State| matches!(state, State::Over(_)) || takes_calls(state).is_some();
        takes_calls(&*states.wait_for(settled).await.ok()?).cloned()
    };
    tokio::select! {
        biased;
        endpoint = settled => endpoint.ok_or_else(|| down(shared)),
        () = limit.passed() => Err(down(shared)),
    }
}

fn takes_calls(state: &State) -> Option<&Arc<Endpoint>> {
    match state {
        State::Up(endpoint) if !endpoint.is_ending() => Some(endpoint),
        _ => None,
    }
}

/// The answer to a call that waited for nothing.
pub(super) fn down(shared: &Shared) -> CallError {
    let text = match &*shared.states.borrow() {
        State::Starting => "the handler is not up yet, and the call has waited for as long as it may",
        State::Over(_) => "the handler has ended for good",
        _ => "the handler is down, and the call has waited for as long as it may",
    };
    CallError::new(Reason::Handler, text)
}

/// The answer to a call that found no connection in time.
pub(super) fn not_taken(endpoint: &Endpoint) -> CallError {
    let text = format!("the handler is up and took no connection at {} before the call's deadline", endpoint.target());
    CallError::new(Reason::Handler, text)
}

/// A fresh connection.
pub(super) async fn for_connection(shared: &Shared, endpoint: &Arc<Endpoint>) -> Result<Connection, Failed> {
    let give_up = Instant::now() + LONGEST_REFUSAL;
    loop {
        match endpoint.connect().await {
            Ok(stream) => return Ok(Connection::new(stream)),
            Err(error) => bear(shared, endpoint, &error, give_up).await?,
        }
    }
}

/// The shared connection of HTTP/2.
pub(super) async fn for_http2(shared: &Shared, endpoint: &Arc<Endpoint>) -> Result<(), Failed> {
    let give_up = Instant::now() + LONGEST_REFUSAL;
    loop {
        match endpoint.http2().connect(endpoint).await {
            Ok(()) => return Ok(()),
            Err(error) => bear(shared, endpoint, &error, give_up).await?,
        }
    }
}

/// A refusal is waited out for a moment, since nothing was sent yet; an error where there is nothing to wait for.
async fn bear(shared: &Shared, endpoint: &Arc<Endpoint>, error: &io::Error, give_up: Instant) -> Result<(), Failed> {
    if !is_refusal(error) || Instant::now() >= give_up {
        return Err(Failed::Final(endpoint.unreachable(error)));
    }
    sleep(REFUSAL_PAUSE).await;
    if is_up(shared, endpoint) { Ok(()) } else { Err(Failed::Gone) }
}

fn is_up(shared: &Shared, endpoint: &Arc<Endpoint>) -> bool {
    takes_calls(&shared.states.borrow()).is_some_and(|now| Arc::ptr_eq(now, endpoint))
}

/// A Unix socket is refused where its file is gone, too.
fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, NotFound};
    matches!(error.kind(), ConnectionRefused | ConnectionReset | NotFound) && error.raw_os_error().is_some()
}
