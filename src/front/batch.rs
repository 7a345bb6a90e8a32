//! A batch of events: each is a call of its own, some at a time, and there is one answer for all.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};

use super::collect::Origin;
use super::config::{EventForm, Events, ReplyRule};
use super::deadline::Deadlines;
use super::deliver;
use super::event::{body_of, fits};
use super::reply::{self, Wanted};
use super::respond::{X_HEELER_REASON, is_worth_a_retry, refusal};
use super::serve::Session;
use crate::event::batch::Element;
use crate::event::{self, Attributes, BadEvent, Event};
use crate::invoke::{Call, CallError, Reply, ReplyBody, RequestBody};
use crate::reason::Reason;

/// Events of one batch that run, or wait for a place, at once: others are to have their turn, too. Where events are
/// gathered, full calls of them.
const AT_ONCE: usize = 8;

/// What has become of one event.
struct Outcome {
    index: usize,
    /// Unknown where the event is broken.
    id: Option<String>,
    /// The event that it was answered with, if there is one, or the status of its failure.
    result: Result<Option<Event>, StatusCode>,
}

impl Outcome {
    fn failed(&self) -> Option<Failed<'_>> {
        let status = *self.result.as_ref().err()?;
        Some(Failed { index: self.index, id: self.id.as_deref(), status })
    }
}

/// An event that failed, as the sender is told.
pub(super) struct Failed<'a> {
    pub(super) index: usize,
    pub(super) id: Option<&'a str>,
    pub(super) status: StatusCode,
}

/// The request that brought the batch.
pub(super) struct Batch<'a> {
    pub(super) session: &'a Session,
    pub(super) head: &'a Parts,
    pub(super) deadlines: Deadlines,
    pub(super) id: &'a HeaderValue,
}

impl Batch<'_> {
    /// Runs all of them.
    pub(super) async fn run(&self, elements: Vec<Result<Element, BadEvent>>) -> Reply {
        let collecting = self.session.shared.config.events.collecting;
        let at_once = collecting.map_or(AT_ONCE, |collecting| AT_ONCE.next_multiple_of(collecting.most));
        let mut waiting = elements.into_iter().enumerate();
        let mut running = Vec::new();
        let mut outcomes = Vec::new();
        let mut held = 0;
        loop {
            running.extend(waiting.by_ref().take(at_once - running.len()).map(|(index, element)| {
                let one: Pin<Box<dyn Future<Output = Outcome> + Send + '_>> = Box::pin(self.one(index, element));
                one
            }));
            match first(&mut running).await {
                Some(outcome) => outcomes.push(self.held(outcome, &mut held)),
                None => break,
            }
        }
        outcomes.sort_unstable_by_key(|outcome| outcome.index);
        self.answer(&outcomes)
    }

    /// All replies together are one answer, and held until it goes out: so they have one limit.
    fn held(&self, outcome: Outcome, held: &mut u64) -> Outcome {
        let most = self.session.shared.config.events.replies.most_bytes;
        let Ok(Some(reply)) = &outcome.result else { return outcome };
        *held += reply.data.as_ref().map_or(0, |data| data.bytes().len() as u64);
        if *held <= most {
            return outcome;
        }
        let text =
            format!("the replies to a batch are larger than {most} bytes together, and have to be held in memory");
        let error = CallError::new(Reason::OutputTooLarge, text);
        Outcome { result: Err(self.status_of(outcome.index, &error)), ..outcome }
    }

    async fn one(&self, index: usize, element: Result<Element, BadEvent>) -> Outcome {
        let (id, result) = match element {
            Ok(element) => {
                let id = element.event.attributes.id().to_owned();
                (Some(id), self.call(index, element).await)
            }
            Err(bad) => (None, Err(bad.into())),
        };
        let result = result.map_err(|error| self.status_of(index, &error));
        Outcome { index, id, result: result.and_then(|answer| answer) }
    }

    /// An event's own call: what it is answered with, or the handler's own status if that is a failure.
    async fn call(&self, index: usize, element: Element) -> Result<Result<Option<Event>, StatusCode>, CallError> {
        let shared = &self.session.shared;
        let events = &shared.config.events;
        if let Some(collector) = &shared.collector {
            let (id, deadline) = (self.id_of(index), self.deadlines.of_call);
            let origin = Origin::of(self.session, self.head);
            let answer = collector.join(shared, origin, element.event, Some(element.json), &id, deadline).await;
            let status = answer.result?.status;
            return Ok(if status.is_success() { Ok(None) } else { Err(status) });
        }
        let (body, headers, attributes) = request(events, &self.head.headers, element)?;
        let place = shared.admission.wait(self.deadlines.of_call).await?;
        let seat = shared.invoker.wait(self.deadlines.of_call).await?;
        let mut head = self.head.clone();
        head.headers = headers;
        let id = self.id_of(index);
        let wanted = Wanted::of_batch(&events.replies, &attributes, &id);
        let call = self.session.call(head, id.clone(), body, self.deadlines, place);
        let reply = shared.invoker.call(Call { seat, event: Some(Box::new(attributes)), ..call }).await?;
        self.deadlines.of_call.bound(self.result(&wanted, reply, &id)).await
    }

    /// What the answer to an event's own call comes to.
    async fn result(
        &self,
        wanted: &Wanted,
        reply: Reply,
        id: &HeaderValue,
    ) -> Result<Result<Option<Event>, StatusCode>, CallError> {
        let shared = &self.session.shared;
        let replies = &shared.config.events.replies;
        let reply = wanted.settle(replies, reply).await?;
        // Its own word on what is late says more than the call's deadline, which it keeps.
        let mut reply = deliver::pass_on(shared, reply, id, self.deadlines.of_call).await?;
        if !reply.status.is_success() {
            return Ok(Err(reply.status));
        }
        if replies.rule == ReplyRule::Raw {
            reply::read_off(&mut reply).await?;
            return Ok(Ok(None));
        }
        Ok(Ok(reply::event_of(&mut reply, replies.most_bytes).await?))
    }

    /// Which of the batch's it is; a caller's id that is no text has none.
    fn id_of(&self, index: usize) -> HeaderValue {
        let id = self.id.to_str().unwrap_or("batch");
        HeaderValue::from_str(&format!("{id}-{index}")).unwrap_or_else(|_| self.id.clone())
    }

    fn status_of(&self, index: usize, error: &CallError) -> StatusCode {
        if error.reason.is_trouble() {
            tracing::warn!(call_id = self.id_of(index).to_str().unwrap_or_default(), "call failed: {error}");
        }
        refusal(error, &self.session.shared.config).status()
    }

    /// Whoever sent it can only send all of it again, or none.
    fn answer(&self, outcomes: &[Outcome]) -> Reply {
        let failed: Vec<_> = outcomes.iter().filter_map(Outcome::failed).collect();
        if failed.is_empty() {
            return replies(outcomes.iter().filter_map(|outcome| outcome.result.as_ref().ok()?.as_ref()).collect());
        }
        self.session.shared.metrics.refused(Reason::Batch);
        failures(&failed)
    }
}

/// The answer that names the events that failed.
pub(super) fn failures(failed: &[Failed<'_>]) -> Reply {
    let again = failed.iter().any(|failed| is_worth_a_retry(failed.status));
    let status = if again { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(X_HEELER_REASON, HeaderValue::from_static(Reason::Batch.word()));
    if again {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Reply::new(status, headers, ReplyBody::of(list(failed)))
}

/// The next future that is done; `None` if there is none left.
async fn first<T>(running: &mut Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Option<T> {
    poll_fn(|cx| {
        for (at, one) in running.iter_mut().enumerate() {
            if let Poll::Ready(done) = one.as_mut().poll(cx) {
                // The others keep their order: in it those that wait for their first turn are gathered.
                drop(running.remove(at));
                return Poll::Ready(Some(done));
            }
        }
        if running.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

/// An event as a request of its own.
fn request(
    events: &Events,
    of_batch: &HeaderMap,
    element: Element,
) -> Result<(RequestBody, HeaderMap, Attributes), BadEvent> {
    let Element { event, json } = element;
    let mut headers = of_batch.clone();
    let body = match events.form {
        EventForm::Binary => {
            let data = event::binary::encode(&event, &mut headers);
            fits(&headers)?;
            data
        }
        EventForm::AsIs | EventForm::Structured => {
            event::structured::headers(&mut headers);
            json
        }
    };
    Ok((body_of(&mut headers, body), headers, event.attributes))
}

fn replies(events: Vec<&Event>) -> Reply {
    if events.is_empty() {
        return reply::accepted();
    }
    let mut headers = HeaderMap::new();
    event::batch::headers(&mut headers);
    Reply::new(StatusCode::OK, headers, ReplyBody::of(event::batch::join(events)))
}

/// `[{"index":0,"id":"a","status":500}]`: those that failed.
fn list(failed: &[Failed<'_>]) -> String {
    let one = |Failed { index, id, status }: &Failed<'_>| {
        let id = id.map(|id| format!(",\"id\":{}", serde_json::to_string(id).unwrap_or_default()));
        format!("{{\"index\":{index}{},\"status\":{}}}", id.unwrap_or_default(), status.as_u16())
    };
    let rows: Vec<_> = failed.iter().map(one).collect();
    format!("[{}]\n", rows.join(","))
}
