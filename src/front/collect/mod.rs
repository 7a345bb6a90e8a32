//! Single events that become one call: gathered until there are enough of them, or the first has waited long enough.
//!
//! Each delivery keeps its own deadline and its own answer; the call goes on for as long as somebody waits for it. A task
//! for each call gathers and runs it, since any of the deliveries may leave before the others.

mod answers;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzzed;
mod gathering;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Uri, Version};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use self::gathering::{Answer, Gathering, Member, Most, Ticket, Told};
use super::answer::Record;
use super::config::Collecting;
use super::reply::{self, Wanted};
use super::respond::new_id;
use super::serve::Session;
use super::{Shared, deliver, event as request};
use crate::event::{self, Event, Form};
use crate::invoke::{Call, CallError, Deadline, Place, Reply, ReplyBody, RequestBody, Seat, warm};
use crate::reason::Reason;
use crate::task;

/// Gathers events.
pub(super) struct Collector {
    collecting: Collecting,
    /// The call that takes more.
    open: Mutex<Option<Arc<Gathering>>>,
}

/// What a call of many has of its first, and of nobody else.
pub(super) struct Origin {
    target: Uri,
    host: Option<HeaderValue>,
    local_port: Option<u16>,
}

impl Origin {
    pub(super) fn of(session: &Session, head: &Parts) -> Origin {
        Origin { target: head.uri.clone(), host: head.headers.get(HOST).cloned(), local_port: session.local_port }
    }
}

impl Collector {
    pub(super) fn new(collecting: Collecting) -> Collector {
        Collector { collecting, open: Mutex::default() }
    }

    /// A request that brings one event.
    pub(super) async fn serve(
        &self,
        session: &Session,
        form: Form,
        head: Parts,
        body: RequestBody,
        deadline: Deadline,
        record: &mut Record,
    ) -> Result<Reply, CallError> {
        let shared = &session.shared;
        let (event, text) = request::single(&shared.config.events, form, &head.headers, body, deadline).await?;
        let answer = self.join(shared, Origin::of(session, &head), event, text, &record.id, deadline).await;
        record.handed = answer.began;
        let told = answer.result?;
        let headers = told.retry_after.map(|seconds| (RETRY_AFTER, seconds)).into_iter().collect();
        Ok(Reply::new(told.status, headers, ReplyBody::empty()))
    }

    /// Puts an event into the next call, and waits for what becomes of it. `text`: its own JSON, if it came so.
    pub(super) async fn join(
        &self,
        shared: &Arc<Shared>,
        origin: Origin,
        event: Event,
        text: Option<Bytes>,
        id: &HeaderValue,
        deadline: Deadline,
    ) -> Answer {
        let (sender, receiver) = oneshot::channel();
        let member = Member { part: part(shared, &event, text), id: id.clone(), deadline, answer: sender };
        drop(event);
        let mut ticket = self.enter(shared, origin, member);
        tokio::select! {
            biased;
            answer = receiver => answer.unwrap_or_else(|_| failed(CallError::new(Reason::Internal, "the call is lost"))),
            () = deadline.passed() => failed(if ticket.leave() { never_ran() } else { CallError::timeout() }),
        }
    }

    /// Into the call that is open, or into a new one.
    fn enter(&self, shared: &Arc<Shared>, origin: Origin, member: Member) -> Ticket {
        let most = Most { events: self.collecting.most, bytes: shared.config.events.most_bytes };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let late = match &*open {
            Some(gathering) => match gathering.add(member, most) {
                Ok(ticket) => return ticket,
                Err(member) => member,
            },
            None => member,
        };
        let (gathering, ticket) = Gathering::of(late);
        *open = Some(gathering.clone());
        task::spawn(run(shared.clone(), gathering, origin, self.collecting.wait));
        ticket
    }
}

/// An event as it stands in the body of a call of many.
fn part(shared: &Shared, event: &Event, text: Option<Bytes>) -> Bytes {
    if shared.invoker.takes_events_apart() {
        let mut part = BytesMut::new();
        warm::put_event(&mut part, event);
        return part.freeze();
    }
    text.unwrap_or_else(|| event::structured::encode(event))
}

fn never_ran() -> CallError {
    CallError::new(Reason::QueueTimeout, "the event waited too long for its call, which never had it")
}

fn failed(error: CallError) -> Answer {
    Answer { began: None, result: Err(error) }
}

/// A call, from its first event on.
async fn run(shared: Arc<Shared>, gathering: Arc<Gathering>, origin: Origin, wait: Duration) {
    tokio::select! {
        biased;
        () = gathering.full() => {}
        // Nobody is to wait then for events that will not come.
        () = shared.health.draining() => {}
        () = sleep(wait) => {}
    }
    let Some(deadline) = gathering.close() else { return };
    let mut call = Box::pin(call(&shared, &gathering, origin, deadline));
    tokio::select! {
        biased;
        () = &mut call => return,
        () = gathering.abandoned() => {}
    }
    if deadline.is_past() {
        // Nobody left: the last of them was answered at the call's own deadline, at which it ends as any other.
        call.await;
    }
}

async fn call(shared: &Shared, gathering: &Gathering, origin: Origin, deadline: Deadline) {
    let room = room(shared, deadline).await;
    let mut members = gathering.begin();
    let began = room.is_ok().then(Instant::now);
    let id = new_id();
    let result = match room {
        Ok(_) if members.is_empty() => return,
        Ok(room) => hand_over(shared, &mut members, origin, deadline, &id, room).await,
        Err(error) => Err(error),
    };
    for (at, member) in members.into_iter().enumerate() {
        let result = result.as_ref().map(|told| told[at].clone()).map_err(CallError::clone);
        // Whoever is gone needs no answer.
        let _ = member.answer.send(Answer { began, result });
    }
}

/// One call needs one place, however many events it brings.
async fn room(shared: &Shared, deadline: Deadline) -> Result<(Place, Option<Seat>), CallError> {
    let place = shared.admission.wait(deadline).await?;
    Ok((place, shared.invoker.wait(deadline).await?))
}

/// The call itself: what each member is told.
async fn hand_over(
    shared: &Shared,
    members: &mut [Member],
    origin: Origin,
    deadline: Deadline,
    id: &HeaderValue,
    (place, seat): (Place, Option<Seat>),
) -> Result<Vec<Told>, CallError> {
    let call_id = id.to_str().unwrap_or_default();
    crate::log::debug!(call_id, events = members.len(), deliveries = ids(members), "events are one call");
    let (headers, body) = request_of(shared, members, origin.host);
    let call = Call {
        id: id.clone(),
        method: Method::POST,
        target: origin.target,
        version: Version::HTTP_11,
        headers,
        body,
        remote: None,
        local_port: origin.local_port,
        deadline,
        stream_deadline: deadline,
        interim: None,
        place,
        seat,
        event: None,
        batch: u16::try_from(members.len()).unwrap_or(u16::MAX),
    };
    let reply = shared.invoker.call(call).await?;
    let replies = &shared.config.events.replies;
    match shared.sink.is_some() && reply.status.is_success() {
        true => to_sink(shared, reply, members.len(), deadline, id).await,
        false => answers::each(replies, reply, members.len(), call_id).await,
    }
}

/// A result that is for the sink, whose word is everybody's answer; but a list of index and status stays what it is.
async fn to_sink(
    shared: &Shared,
    mut reply: Reply,
    count: usize,
    deadline: Deadline,
    id: &HeaderValue,
) -> Result<Vec<Told>, CallError> {
    let replies = &shared.config.events.replies;
    if event::recognise(&reply.headers) == Ok(Form::None) {
        let text = reply::whole(&mut reply, replies.most_bytes).await?;
        if let Some(told) = answers::listed(&text, &reply.headers, count) {
            return told;
        }
        reply.body = ReplyBody::of(text);
    }
    let events = Wanted::of_whole(replies, &HeaderMap::new(), id).settle(replies, reply).await?;
    let status = deliver::pass_on(shared, events, id, deadline).await?.status;
    Ok(vec![Told::of(status, &HeaderMap::new()); count])
}

fn ids(members: &[Member]) -> String {
    let ids: Vec<_> = members.iter().filter_map(|member| member.id.to_str().ok()).collect();
    ids.join(" ")
}

/// What the handler gets: headers of the batch, and of no single delivery but the host that the first one named.
fn request_of(shared: &Shared, members: &mut [Member], host: Option<HeaderValue>) -> (HeaderMap, RequestBody) {
    let mut headers: HeaderMap = host.map(|host| (HOST, host)).into_iter().collect();
    event::batch::headers(&mut headers);
    // Taken, so that no event is held twice while the call runs.
    let parts: Vec<_> = members.iter_mut().map(|member| std::mem::take(&mut member.part)).collect();
    if shared.invoker.takes_events_apart() {
        return (headers, RequestBody::held([parts.concat().into()].into()));
    }
    let body = event::batch::join_texts(&parts);
    headers.insert(CONTENT_LENGTH, body.len().into());
    (headers, RequestBody::held([body].into()))
}
