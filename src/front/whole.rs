//! A batch that is one call: the handler gets all of its events at once.

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::header::CONTENT_LENGTH;

use super::Shared;
use super::batch::{self, Failed};
use super::event::{self, Taken};
use super::reply;
use crate::event::BadEvent;
use crate::event::batch::Element;
use crate::invoke::{CallError, Deadline, Reply, RequestBody, warm};
use crate::reason::Reason;

/// What the handler gets; an answer where it gets nothing: there are no events, or one of them is broken.
pub(super) async fn take(
    shared: &Shared,
    headers: &mut HeaderMap,
    body: RequestBody,
    deadline: Deadline,
) -> Result<Result<Taken, Reply>, CallError> {
    let (text, elements) = event::batch(&shared.config.events, headers, body, deadline).await?;
    let failed: Vec<_> = elements.iter().enumerate().filter_map(broken).collect();
    if !failed.is_empty() {
        shared.metrics.refused(Reason::Batch);
        return Ok(Err(batch::failures(&failed)));
    }
    if elements.is_empty() {
        return Ok(Err(reply::accepted()));
    }
    // No more than batch_max_events, which is no more than this.
    let batch = u16::try_from(elements.len()).unwrap_or(u16::MAX);
    let body = match shared.invoker.takes_events_apart() {
        true => apart(headers, &text, elements),
        false => event::body_of(headers, text),
    };
    Ok(Ok(Taken { body, event: None, batch }))
}

fn broken<'a>((index, element): (usize, &'a Result<Element, BadEvent>)) -> Option<Failed<'a>> {
    let status = element.as_ref().err()?.status();
    Some(Failed { index, id: None, status })
}

/// The headers speak of an array, whose length nobody knows who has the events apart.
fn apart(headers: &mut HeaderMap, text: &Bytes, elements: Vec<Result<Element, BadEvent>>) -> RequestBody {
    let mut out = BytesMut::with_capacity(text.len());
    for element in elements.into_iter().flatten() {
        warm::put_event(&mut out, &element.event);
    }
    let body = event::body_of(headers, out.freeze());
    headers.remove(CONTENT_LENGTH);
    body
}
