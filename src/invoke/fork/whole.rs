//! Whole bodies in and out: serializing, classic, cgi.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use super::input::Input;
use super::launch::Launch;
use super::running::{Heard, Running};
use super::{Shared, cgi, env, exit, marshal, sniff};
use crate::event;
use crate::invoke::body::ReplyBody;
use crate::invoke::call::{Call, Reply};
use crate::invoke::config::Mode;
use crate::invoke::error::CallError;
use crate::process::Exit;

/// Runs one call.
pub(super) async fn call(shared: &Arc<Shared>, mut call: Box<Call>) -> Result<Reply, CallError> {
    let body = call.whole_body().await?;
    let mut variables = env::of_call(&call, &shared.config, !body.is_empty())?;
    if shared.config.mode == Mode::Cgi {
        env::add_content_length(&mut variables, body.iter().map(Bytes::len).sum());
    }
    let input = if shared.config.marshal_request { [marshal::request(&call.headers, body)].into() } else { body };
    let request_type = type_of(&call);
    let mut running = Launch::new(call, variables, Input::whole(input)).start(shared)?;
    let (output, exit) = read(&mut running).await?;
    if shared.config.write_debug {
        tracing::info!(output = %String::from_utf8_lossy(&joined(&output)), "the handler answered");
    }
    reply(shared, output, exit, request_type)
}

/// What the answer takes over in classic mode. The format of events is none of their data: with it, the answer would
/// pass for an event, or for a batch.
fn type_of(call: &Call) -> Option<HeaderValue> {
    let is_whole_event = call.event.is_some() && event::recognise(&call.headers) == Ok(event::Form::Structured);
    call.headers.get(CONTENT_TYPE).filter(|_| !is_whole_event && call.batch == 0).cloned()
}

async fn read(running: &mut Running) -> Result<(VecDeque<Bytes>, Exit), CallError> {
    let mut output = VecDeque::new();
    loop {
        match running.hear().await? {
            Heard::Output(chunk) => output.push_back(chunk),
            Heard::Ended(exit) => return Ok((output, exit)),
        }
    }
}

fn reply(
    shared: &Shared,
    mut output: VecDeque<Bytes>,
    exit: Exit,
    request_type: Option<HeaderValue>,
) -> Result<Reply, CallError> {
    let config = &shared.config;
    let status = exit::status(&config.exit_codes, exit).map_err(|error| as_the_peers(error, config.mode, &output))?;
    let mut headers = HeaderMap::new();
    let mut head_status = StatusCode::OK;
    if config.mode == Mode::Cgi {
        let head = cgi::split(&mut output)?;
        (head_status, headers) = (head.status, head.headers);
    }
    if !headers.contains_key(CONTENT_TYPE) {
        let set = config.content_type.as_deref().and_then(|set| HeaderValue::from_str(set).ok());
        let own = if config.mode == Mode::Classic { request_type.or_else(|| guessed(&output)) } else { None };
        headers.extend(set.or(own).map(|kind| (CONTENT_TYPE, kind)));
    }
    // A mapped exit code has the last word, then the script's own status.
    let status = if status == StatusCode::OK { head_status } else { status };
    Ok(Reply::new(status, headers, ReplyBody::Whole(output)))
}

fn guessed(output: &VecDeque<Bytes>) -> Option<HeaderValue> {
    output.front().map(|first| HeaderValue::from_static(sniff::content_type(first)))
}

/// Callers of the peers look for `exit status N` at the start of the body; classic-watchdog adds the output.
fn as_the_peers(mut error: CallError, mode: Mode, output: &VecDeque<Bytes>) -> CallError {
    let mut body = BytesMut::from(error.message.as_bytes());
    match mode {
        Mode::Serializing => {}
        Mode::Classic => {
            body.extend_from_slice(b"\n");
            body.extend_from_slice(&joined(output));
        }
        _ => return error,
    }
    error.body = Some(body.freeze());
    error
}

fn joined(output: &VecDeque<Bytes>) -> Vec<u8> {
    output.iter().flatten().copied().collect()
}
