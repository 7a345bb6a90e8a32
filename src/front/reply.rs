//! What a delivery of an event is answered: an event, or nothing.
//!
//! A broker takes the answer to a delivery for the next event. Anything else in it makes the delivery a failed one, which
//! is made again and again: a function that prints would never be done with an event (Knative's delivery rules).

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, StatusCode};

use super::config::{Replies, ReplyRule};
use super::respond::new_id;
use crate::event::{self, Attributes, Event, Form};
use crate::invoke::{Aborted, CallError, Reply, ReplyBody};
use crate::reason::Reason;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const TRACE: &str = "traceparent";
const TRACE_HEADER: HeaderName = HeaderName::from_static("ce-traceparent");

/// What the caller has asked for.
pub(super) struct Wanted {
    /// It takes an event or nothing.
    event: bool,
    /// Many events, too: it has sent many for one call.
    batch: bool,
    /// Its trace, which the answer goes on with.
    trace: Option<String>,
    call_id: HeaderValue,
}

impl Wanted {
    /// By the request, whose `event` is known.
    pub(super) fn of(
        replies: &Replies,
        headers: &HeaderMap,
        event: Option<&Attributes>,
        call_id: &HeaderValue,
    ) -> Wanted {
        Wanted::by_wish(wants_event(replies, headers, event.is_some()), headers, event, call_id)
    }

    fn by_wish(wants: bool, headers: &HeaderMap, event: Option<&Attributes>, call_id: &HeaderValue) -> Wanted {
        if !wants {
            return Wanted { event: false, batch: false, trace: None, call_id: call_id.clone() };
        }
        let header = || headers.get(TRACE).and_then(|trace| trace.to_str().ok());
        let trace = event.and_then(|event| event.get(TRACE)).or_else(header);
        let trace = trace.filter(|trace| is_trace(trace)).map(str::to_owned);
        Wanted { event: true, batch: false, trace, call_id: call_id.clone() }
    }

    /// For a batch that is one call.
    pub(super) fn of_whole(replies: &Replies, headers: &HeaderMap, call_id: &HeaderValue) -> Wanted {
        Wanted { batch: true, ..Wanted::by_wish(wants_event(replies, headers, true), headers, None, call_id) }
    }

    /// For an event of a batch: plain output of many calls makes no answer.
    pub(super) fn of_batch(replies: &Replies, event: &Attributes, call_id: &HeaderValue) -> Wanted {
        Wanted::by_wish(replies.rule != ReplyRule::Raw, &HeaderMap::new(), Some(event), call_id)
    }

    /// Makes the handler's answer one that the caller can take. Failures stay as they are.
    pub(super) async fn settle(&self, replies: &Replies, reply: Reply) -> Result<Reply, CallError> {
        if !self.event || !reply.status.is_success() {
            return Ok(reply);
        }
        // In a box: what most calls have no use for is no part of their size.
        Box::pin(self.event_or_nothing(replies, reply)).await
    }

    async fn event_or_nothing(&self, replies: &Replies, mut reply: Reply) -> Result<Reply, CallError> {
        match event::recognise(&reply.headers) {
            Ok(Form::Binary) => self.binary(reply),
            // What is packed cannot be looked into here; whoever packed it was asked to by the caller.
            Ok(Form::Structured) if reply.headers.contains_key(CONTENT_ENCODING) => {
                reply.status = StatusCode::OK;
                Ok(reply)
            }
            Ok(Form::Structured) => {
                let text = whole(&mut reply, replies.most_bytes).await?;
                let event = event::structured::decode(&text).map_err(broken)?;
                Ok(self.structured(reply, event, text))
            }
            // A sink is sent them one by one.
            Ok(Form::Batch) if self.batch || replies.rule == ReplyRule::Sink => batch(reply, replies.most_bytes).await,
            // A batch, or a format that is not known: no single event either.
            Ok(Form::None | Form::Batch) | Err(_) => self.plain(replies, reply).await,
        }
    }

    fn binary(&self, mut reply: Reply) -> Result<Reply, CallError> {
        if !reply.is_event {
            event::binary::attributes(&reply.headers).map_err(broken)?;
        }
        if let Some(trace) = self.trace.as_ref().filter(|_| !reply.headers.contains_key(TRACE_HEADER)) {
            reply.headers.extend(HeaderValue::from_str(trace).map(|trace| (TRACE_HEADER, trace)));
        }
        // 202 says that there is no event.
        reply.status = StatusCode::OK;
        Ok(reply)
    }

    fn structured(&self, mut reply: Reply, mut event: Event, text: Bytes) -> Reply {
        let trace = self.trace.as_ref().filter(|_| event.attributes.get(TRACE).is_none());
        let added = trace.is_some_and(|trace| event.attributes.set(TRACE, trace).is_ok());
        let text = if added { event::structured::encode(&event) } else { text };
        event::structured::headers(&mut reply.headers);
        reply.headers.insert(CONTENT_LENGTH, text.len().into());
        Reply { status: StatusCode::OK, body: ReplyBody::of(text), ..reply }
    }

    /// Output that does not say that it is an event.
    async fn plain(&self, replies: &Replies, mut reply: Reply) -> Result<Reply, CallError> {
        if let Some(wrap) = &replies.wrap {
            if replies.rule == ReplyRule::Sink {
                return self.held(replies, wrap, reply).await;
            }
            return if is_empty(&mut reply).await? { Ok(accepted()) } else { self.wrapped(wrap, reply) };
        }
        // A program that only prints has no other way to say that it is one.
        let prints = matches!(replies.rule, ReplyRule::Event | ReplyRule::Sink);
        let most = if prints { replies.most_bytes } else { 0 };
        let (length, object) = printed(&mut reply, b'{', most).await?;
        if let Some(text) = object
            && let Ok(event) = event::structured::decode(&text)
        {
            return Ok(self.structured(reply, event, text));
        }
        self.tell_of_dropped(length);
        Ok(accepted())
    }

    /// Output that is held in any case: so whether it is an event, or nothing, is known before it would be wrapped.
    async fn held(&self, replies: &Replies, wrap: &Attributes, mut reply: Reply) -> Result<Reply, CallError> {
        let text = whole(&mut reply, replies.most_bytes).await?;
        if let Ok(event) = event::structured::decode(&text) {
            return Ok(self.structured(reply, event, text));
        }
        reply.body = ReplyBody::of(text);
        if is_empty(&mut reply).await? { Ok(accepted()) } else { self.wrapped(wrap, reply) }
    }

    fn tell_of_dropped(&self, bytes: u64) {
        if bytes > 0 {
            let call_id = self.call_id.to_str().unwrap_or_default();
            let hint = "set reply_type and reply_source, or answer with an event";
            tracing::warn!(call_id, bytes, "the answer to an event is none, and is dropped ({hint})");
        }
    }

    /// The output becomes an event's data, as it comes.
    fn wrapped(&self, wrap: &Attributes, mut reply: Reply) -> Result<Reply, CallError> {
        let mut attributes = wrap.clone();
        let id = new_id();
        attributes.set("id", id.to_str().unwrap_or_default()).map_err(broken)?;
        let kind = reply.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        for (name, value) in [("datacontenttype", kind), (TRACE, self.trace.as_deref())] {
            // A content type that is none says nothing of the data; that is no reason to have it made again.
            let _ = value.map(|value| attributes.set(name, value));
        }
        event::binary::headers(&attributes, &mut reply.headers);
        reply.status = StatusCode::OK;
        Ok(reply)
    }
}

fn wants_event(replies: &Replies, headers: &HeaderMap, brings_events: bool) -> bool {
    match replies.rule {
        ReplyRule::Raw => false,
        ReplyRule::Event | ReplyRule::Sink => true,
        ReplyRule::Auto => brings_events && is_delivery(headers),
    }
}

/// An answer of many events, which is passed on if all of them are valid.
async fn batch(mut reply: Reply, most: u64) -> Result<Reply, CallError> {
    if !reply.headers.contains_key(CONTENT_ENCODING) {
        let text = whole(&mut reply, most).await?;
        let events = event::batch::split(&text, usize::MAX).map_err(broken)?;
        let count = events.into_iter().try_fold(0, |count, event| event.map(|_| count + 1)).map_err(broken)?;
        if count == 0 {
            return Ok(accepted());
        }
        event::batch::headers(&mut reply.headers);
        reply.headers.insert(CONTENT_LENGTH, text.len().into());
        reply.body = ReplyBody::of(text);
    }
    reply.status = StatusCode::OK;
    Ok(reply)
}

/// `Prefer: reply`, alone or among others (RFC 7240).
pub(super) fn is_delivery(headers: &HeaderMap) -> bool {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut words = values.flat_map(|value| value.split(','));
    words.any(|word| word.split(';').next().is_some_and(|word| word.trim().eq_ignore_ascii_case("reply")))
}

/// The shape of a trace (W3C Trace Context): nothing in it has to be encoded, or could be anything else.
pub(super) fn is_trace(text: &str) -> bool {
    text.len() <= 256 && !text.is_empty() && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Whether nothing was said. Of a body without a length that takes a look at its first piece.
async fn is_empty(reply: &mut Reply) -> Result<bool, CallError> {
    if let Some(length) = reply.body.size_hint().exact() {
        return Ok(length == 0);
    }
    let mut body = std::mem::replace(&mut reply.body, ReplyBody::empty());
    while let Some(piece) = next(&mut body).await? {
        if !piece.is_empty() {
            reply.body = ReplyBody::Begun(Some(piece), Box::new(body));
            return Ok(false);
        }
    }
    Ok(true)
}

/// All of the answer's body. One that is cut fails the call: nothing of it is out yet.
pub(super) async fn whole(reply: &mut Reply, most: u64) -> Result<Bytes, CallError> {
    let mut body = std::mem::replace(&mut reply.body, ReplyBody::empty());
    let mut pieces = Vec::new();
    let mut length = 0;
    while let Some(piece) = next(&mut body).await? {
        length += piece.len() as u64;
        if length > most {
            let text = format!("the handler's event is larger than {most} bytes, and has to be held in memory");
            return Err(CallError::new(Reason::OutputTooLarge, text));
        }
        pieces.push(piece);
    }
    Ok(joined(pieces))
}

/// The event that a settled answer is, if it is one.
pub(super) async fn event_of(reply: &mut Reply, most: u64) -> Result<Option<Event>, CallError> {
    let form = event::recognise(&reply.headers).map_err(broken)?;
    let body = whole(reply, most).await?;
    match form {
        Form::Binary => event::binary::decode(&reply.headers, body).map(Some).map_err(broken),
        Form::Structured => event::structured::decode(&body).map(Some).map_err(broken),
        Form::None | Form::Batch => Ok(None),
    }
}

/// Reads the body to its end, which tells whether the handler has failed.
pub(super) async fn read_off(reply: &mut Reply) -> Result<(), CallError> {
    printed(reply, b'{', 0).await.map(drop)
}

/// Reads the body to its end, which tells whether the handler has failed: how long it was, and all of it if it begins
/// with this bracket, as a JSON object or array does, and has at most so many bytes. Nothing else is held.
pub(super) async fn printed(reply: &mut Reply, bracket: u8, most: u64) -> Result<(u64, Option<Bytes>), CallError> {
    let mut body = std::mem::replace(&mut reply.body, ReplyBody::empty());
    let mut pieces = Some(Vec::new());
    let (mut length, mut begun) = (0, false);
    while let Some(piece) = next(&mut body).await? {
        length += piece.len() as u64;
        let first = piece.iter().find(|byte| !byte.is_ascii_whitespace());
        if length > most || !begun && first.is_some_and(|first| *first != bracket) {
            pieces = None;
        }
        begun |= first.is_some();
        pieces.iter_mut().for_each(|pieces| pieces.push(piece.clone()));
    }
    Ok((length, pieces.filter(|_| begun).map(joined)))
}

fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() == 1 { pieces.remove(0) } else { pieces.concat().into() }
}

/// The next piece; trailers are no part of an event.
async fn next(body: &mut ReplyBody) -> Result<Option<Bytes>, CallError> {
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
            // An exit code that is set to mean success was too late for the head, which is not out yet.
            Err(Aborted(error)) if error.status.is_some_and(|status| status.is_success()) => return Ok(None),
            Err(Aborted(error)) => return Err(error),
        }
    }
    Ok(None)
}

/// Taken, and there is no event to go on with.
pub(super) fn accepted() -> Reply {
    Reply::new(StatusCode::ACCEPTED, HeaderMap::new(), ReplyBody::empty())
}

pub(super) fn broken(bad: event::BadEvent) -> CallError {
    CallError::new(Reason::Reply, format!("the handler's answer is no valid CloudEvent: {bad}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u64 = u64::MAX;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn answer(pieces: &[&'static str]) -> Reply {
        let pieces = pieces.iter().map(|piece| Bytes::from_static(piece.as_bytes())).collect();
        Reply::new(StatusCode::OK, HeaderMap::new(), ReplyBody::Whole(pieces))
    }

    #[test]
    fn deliveries_are_told_by_their_preference() {
        for (value, expected) in [
            ("reply", true),
            ("Reply", true),
            ("respond-async, reply", true),
            ("wait=10 , reply; x=y", true),
            ("reply=1", false),
            ("no-reply", false),
            ("", false),
        ] {
            assert_eq!(is_delivery(&headers(&[("prefer", value)])), expected, "{value}");
        }
        let mut twice = headers(&[("prefer", "wait=3")]);
        twice.append(PREFER, HeaderValue::from_static("reply"));
        assert!(is_delivery(&twice));
        assert!(!is_delivery(&HeaderMap::new()));
    }

    #[test]
    fn the_rule_says_who_gets_events() {
        let event = Attributes::new("1", "/s", "t").unwrap();
        let id = HeaderValue::from_static("id");
        let (delivery, other) = (headers(&[("prefer", "reply")]), HeaderMap::new());
        for (rule, of_delivery, of_event, of_request) in [
            (ReplyRule::Auto, true, false, false),
            (ReplyRule::Event, true, true, true),
            (ReplyRule::Raw, false, false, false),
            (ReplyRule::Sink, true, true, true),
        ] {
            let replies = Replies { rule, wrap: None, most_bytes: ALL };
            assert_eq!(Wanted::of(&replies, &delivery, Some(&event), &id).event, of_delivery, "{rule:?}");
            assert_eq!(Wanted::of(&replies, &other, Some(&event), &id).event, of_event, "{rule:?}");
            assert_eq!(Wanted::of(&replies, &delivery, None, &id).event, of_request, "{rule:?}");
        }
    }

    #[test]
    fn traces_come_from_the_event_first() {
        let replies = Replies { rule: ReplyRule::Auto, wrap: None, most_bytes: ALL };
        let (id, hop) =
            (HeaderValue::from_static("id"), headers(&[("prefer", "reply"), ("traceparent", "00-0a-0b-01")]));
        let mut event = Attributes::new("1", "/s", "t").unwrap();
        let trace = |event: &Attributes| Wanted::of(&replies, &hop, Some(event), &id).trace;
        assert_eq!(trace(&event).as_deref(), Some("00-0a-0b-01"));
        event.set("traceparent", "00-0c-0d-01").unwrap();
        assert_eq!(trace(&event).as_deref(), Some("00-0c-0d-01"));
        event.set("traceparent", "no trace").unwrap();
        assert_eq!(trace(&event), None);
    }

    #[tokio::test]
    async fn objects_alone_are_kept() {
        for (pieces, most, length, kept) in [
            (&["{\"a\":", "1}"][..], ALL, 7, Some("{\"a\":1}")),
            (&[" \n", "\t{}"], ALL, 5, Some(" \n\t{}")),
            (&["text", "{}"], ALL, 6, None),
            (&["", "x"], ALL, 1, None),
            (&["{", "}", "later"], 6, 7, None),
            (&[" "], ALL, 1, None),
            (&[], ALL, 0, None),
            (&["{}"], 0, 2, None),
        ] {
            let seen = printed(&mut answer(pieces), b'{', most).await.unwrap();
            assert_eq!(seen, (length, kept.map(|text| Bytes::from_static(text.as_bytes()))), "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn larger_events_than_may_be_held_are_refused() {
        assert_eq!(whole(&mut answer(&["ab", "c"]), 3).await.unwrap(), "abc");
        assert_eq!(whole(&mut answer(&["ab", "cd"]), 3).await.unwrap_err().reason, Reason::OutputTooLarge);
    }
}
