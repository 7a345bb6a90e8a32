//! A request that is an event, or whose answer has to be one: what the handler gets of it, and what the caller gets then.

use hyper::Method;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use tokio::time::Instant;

use super::answer::Record;
use super::batch::Batch;
use super::deadline::Deadlines;
use super::event::Taken;
use super::reply::Wanted;
use super::serve::Session;
use super::{Shared, event, whole};
use crate::event::Form;
use crate::invoke::{Call, CallError, Deadline, Reply, RequestBody};

/// All of it, from the waiting line on.
pub(super) async fn run(
    session: &Session,
    form: Form,
    mut head: Parts,
    body: RequestBody,
    id: HeaderValue,
    deadlines: Deadlines,
    record: &mut Record,
) -> Result<Reply, CallError> {
    let shared = &session.shared;
    let events = &shared.config.events;
    if form == Form::Batch && !events.whole {
        // Its events have places, and not the request that brings them.
        let (_, elements) = event::batch(events, &head.headers, body, deadlines.of_call).await?;
        record.handed = Some(Instant::now());
        return Ok(Box::pin(Batch { session, head: &head, deadlines, id: &id }.run(elements)).await);
    }
    if let Some(collector) = &shared.collector
        && matches!(form, Form::Binary | Form::Structured)
    {
        return Box::pin(collector.serve(session, form, head, body, deadlines.of_call, record)).await;
    }
    let place = shared.admission.enter(deadlines.of_call).await?;
    // Some events are read whole: not before it is known that the call may run.
    let Taken { mut body, event, batch } = match form {
        Form::Batch => match Box::pin(whole::take(shared, &mut head.headers, body, deadlines.of_call)).await? {
            Ok(taken) => taken,
            Err(refused) => return Ok(refused),
        },
        _ => event::take(events, form, &mut head.headers, body, deadlines.of_call).await?,
    };
    let seat = shared.invoker.seat(&mut body, deadlines.of_call).await?;
    record.handed = Some(Instant::now());
    let wanted = match batch {
        0 => Wanted::of(&events.replies, &head.headers, event.as_deref(), &id),
        _ => Wanted::of_whole(&events.replies, &head.headers, &id),
    };
    // What a server says of a body is all that there is of it here: no event, and nothing to send.
    let is_head_only = head.method == Method::HEAD && shared.invoker.answers_heads();
    let call = Call { seat, event, batch, ..session.call(head, id.clone(), body, deadlines, place) };
    let reply = shared.invoker.call(call).await?;
    if is_head_only {
        return Ok(reply);
    }
    let reply = deadlines.of_call.bound(wanted.settle(&events.replies, reply)).await?;
    pass_on(shared, reply, &id, deadlines.of_call).await
}

/// A result goes to the sink, if there is one, and the caller gets to know what became of it.
pub(super) async fn pass_on(
    shared: &Shared,
    reply: Reply,
    id: &HeaderValue,
    deadline: Deadline,
) -> Result<Reply, CallError> {
    match &shared.sink {
        None => Ok(reply),
        Some(sink) => Box::pin(sink.pass_on(reply, id, deadline)).await,
    }
}
