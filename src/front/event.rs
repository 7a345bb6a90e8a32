//! Whether a call is a CloudEvent, and in which form the handler gets it.

use bytes::Bytes;
use hyper::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING};
use hyper::{HeaderMap, StatusCode};

use super::config::{EventForm, Events};
use crate::event::batch::Element;
use crate::event::{self, Attributes, BadEvent, Event, Fault, Form};
use crate::invoke::{CallError, Deadline, RequestBody};
use crate::reason::Reason;

/// As headers, attributes are bound as those are that came so: heads are passed on without a thought for their size.
const LARGEST_HEAD: usize = 64 * 1024;
/// Between a header's name and its value, and behind it.
const SEPARATORS: usize = 4;

/// What a call is to its handler.
pub(super) struct Taken {
    /// What the handler gets.
    pub(super) body: RequestBody,
    /// Its attributes; `None` if it is no event.
    pub(super) event: Option<Box<Attributes>>,
    /// How many events it has as a batch; 0 if it is none.
    pub(super) batch: u16,
}

/// Reads a request for what it is, which `form` says. `headers` become those of the form that the handler wants.
pub(super) async fn take(
    events: &Events,
    form: Form,
    headers: &mut HeaderMap,
    body: RequestBody,
    deadline: Deadline,
) -> Result<Taken, CallError> {
    match form {
        Form::None => Ok(Taken { body, event: None, batch: 0 }),
        Form::Binary => {
            let attributes = event::binary::attributes(headers)?;
            if events.form != EventForm::Structured {
                // The body may still be on its way.
                return Ok(Taken { body, event: Some(Box::new(attributes)), batch: 0 });
            }
            Box::pin(made_structured(events, headers, body, deadline)).await
        }
        // In boxes: what most calls have no use for is no part of their size.
        Form::Structured => Box::pin(structured(events, headers, body, deadline)).await,
        Form::Batch => Err(unsupported("a batch is no single event")),
    }
}

/// Which form of an event a request has, where events are looked for.
pub(super) fn form_of(events: &Events, headers: &HeaderMap) -> Result<Form, CallError> {
    if !events.on {
        return Ok(Form::None);
    }
    match event::recognise(headers)? {
        Form::None if events.required => Err(unsupported("only CloudEvents are taken here (events=required)")),
        form => Ok(form),
    }
}

/// The one event that a request brings, and its own text if it came as such.
pub(super) async fn single(
    events: &Events,
    form: Form,
    headers: &HeaderMap,
    body: RequestBody,
    deadline: Deadline,
) -> Result<(Event, Option<Bytes>), CallError> {
    let body = whole(events, headers, body, deadline).await?;
    Ok(match form {
        Form::Structured => (event::structured::decode(&body)?, Some(body)),
        _ => (event::binary::decode(headers, body)?, None),
    })
}

/// A batch as it came, and its events, each for itself.
pub(super) async fn batch(
    events: &Events,
    headers: &HeaderMap,
    body: RequestBody,
    deadline: Deadline,
) -> Result<(Bytes, Vec<Result<Element, BadEvent>>), CallError> {
    let text = whole(events, headers, body, deadline).await?;
    let elements = event::batch::split(&text, events.most_events)?;
    Ok((text, elements))
}

/// A binary event in the form that has all of it in the body.
async fn made_structured(
    events: &Events,
    headers: &mut HeaderMap,
    body: RequestBody,
    deadline: Deadline,
) -> Result<Taken, CallError> {
    let data = whole(events, headers, body, deadline).await?;
    let event = event::binary::decode(headers, data)?;
    event::structured::headers(headers);
    Ok(held(headers, event::structured::encode(&event), event.attributes))
}

/// All of it is in the body.
async fn structured(
    events: &Events,
    headers: &mut HeaderMap,
    body: RequestBody,
    deadline: Deadline,
) -> Result<Taken, CallError> {
    let text = whole(events, headers, body, deadline).await?;
    let event = event::structured::decode(&text)?;
    if events.form != EventForm::Binary {
        return Ok(held(headers, text, event.attributes));
    }
    let data = event::binary::encode(&event, headers);
    fits(headers)?;
    Ok(held(headers, data, event.attributes))
}

/// That headers which were made of attributes are no larger than those that come as such may be.
pub(super) fn fits(headers: &HeaderMap) -> Result<(), BadEvent> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + SEPARATORS).sum();
    match size > LARGEST_HEAD {
        true => Err(BadEvent::new(Fault::TooLarge, "the attributes", "larger together than a request's head may be")),
        false => Ok(()),
    }
}

/// A whole event in its body.
fn held(headers: &mut HeaderMap, body: Bytes, attributes: Attributes) -> Taken {
    Taken { body: body_of(headers, body), event: Some(Box::new(attributes)), batch: 0 }
}

/// A body that was read, or made, and headers that speak of it.
pub(super) fn body_of(headers: &mut HeaderMap, body: Bytes) -> RequestBody {
    headers.insert(CONTENT_LENGTH, body.len().into());
    headers.remove(TRANSFER_ENCODING);
    headers.remove(TRAILER);
    RequestBody::held(Some(body).filter(|body| !body.is_empty()).into_iter().collect())
}

/// Nothing here unpacks bodies: what is packed is neither JSON, nor what the event calls its data.
fn refuse_encoded(headers: &HeaderMap) -> Result<(), CallError> {
    match headers.contains_key(CONTENT_ENCODING) {
        true => Err(unsupported("an event with a Content-Encoding cannot be converted or read: send it without")),
        false => Ok(()),
    }
}

/// The whole body in one piece: JSON has no meaning before its end.
async fn whole(
    events: &Events,
    headers: &HeaderMap,
    mut body: RequestBody,
    deadline: Deadline,
) -> Result<Bytes, CallError> {
    refuse_encoded(headers)?;
    body.limit(events.most_bytes);
    let mut pieces = deadline.bound(body.collect()).await?;
    Ok(match pieces.len() {
        0 | 1 => pieces.pop_front().unwrap_or_default(),
        _ => Vec::from(pieces).concat().into(),
    })
}

fn unsupported(text: &str) -> CallError {
    CallError { status: Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), ..CallError::new(Reason::Event, text) }
}

impl From<BadEvent> for CallError {
    fn from(bad: BadEvent) -> CallError {
        CallError { status: Some(bad.status()), ..CallError::new(Reason::Event, format!("no valid CloudEvent: {bad}")) }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};

    use super::*;
    use crate::front::config::{Origins, Replies, ReplyRule};

    fn events(form: EventForm) -> Events {
        let replies = Replies { rule: ReplyRule::Auto, wrap: None, most_bytes: 1 << 20 };
        Events {
            on: true,
            required: false,
            form,
            most_bytes: 1 << 20,
            most_events: 2,
            whole: false,
            collecting: None,
            origins: Origins::Any,
            replies,
        }
    }

    async fn check(form: EventForm, headers: &mut HeaderMap, body: &'static str) -> Result<(String, Taken), CallError> {
        let given = RequestBody::held([Bytes::from_static(body.as_bytes())].into());
        let events = events(form);
        let form = form_of(&events, headers)?;
        let mut taken = take(&events, form, headers, given, Deadline::NEVER).await?;
        let pieces = taken.body.collect().await?;
        Ok((pieces.iter().map(|piece| String::from_utf8_lossy(piece)).collect(), taken))
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    const STRUCTURED: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","x":"a b","data":{"n":1.10}}"#;

    #[tokio::test]
    async fn forms_become_those_that_are_wanted() {
        let mut given = headers(&[
            ("content-type", "application/cloudevents+json"),
            ("transfer-encoding", "chunked"),
            ("ce-id", "of the hop"),
        ]);
        let (body, taken) = check(EventForm::Binary, &mut given, STRUCTURED).await.unwrap();
        assert_eq!((body.as_str(), taken.event.unwrap().get("x")), (r#"{"n":1.10}"#, Some("a b")));
        assert_eq!(given["ce-x"], "a%20b");
        assert_eq!(given["ce-id"], "1");
        assert_eq!(given[CONTENT_TYPE], "application/json");
        assert_eq!(given[CONTENT_LENGTH], "10");
        assert!(!given.contains_key(TRANSFER_ENCODING), "its body has a length now");
        let (body, _) = check(EventForm::Structured, &mut given, r#"{"n":1.10}"#).await.unwrap();
        assert!(body.ends_with(r#","data":{"n":1.10}}"#), "{body}");
        assert!(!given.contains_key("ce-id"));
        assert_eq!(given[CONTENT_LENGTH], body.len().to_string());
    }

    #[tokio::test]
    async fn what_came_stays_where_nothing_else_is_wanted() {
        let given = headers(&[("content-type", "application/cloudevents+json"), ("x-a", "b")]);
        let mut seen = given.clone();
        let (body, taken) = check(EventForm::AsIs, &mut seen, STRUCTURED).await.unwrap();
        assert_eq!((body.as_str(), taken.event.unwrap().id()), (STRUCTURED, "1"));
        seen.remove(CONTENT_LENGTH);
        assert_eq!(seen, given);
        let mut plain = headers(&[("content-type", "text/plain")]);
        let (body, taken) = check(EventForm::Structured, &mut plain, "hi").await.unwrap();
        assert_eq!((body.as_str(), taken.event), ("hi", None));
    }

    #[tokio::test]
    async fn data_is_not_made_where_there_is_none() {
        let mut given = headers(&[("content-type", "application/cloudevents+json")]);
        let text = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;
        let (_, taken) = check(EventForm::Binary, &mut given, text).await.unwrap();
        assert!(taken.body.is_end());
        assert_eq!((given.get(CONTENT_TYPE), &given[CONTENT_LENGTH]), (None, &HeaderValue::from(0)));
    }

    #[tokio::test]
    async fn attributes_are_bound_as_headers_are() {
        let large = "x".repeat(LARGEST_HEAD);
        let text = format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","x":"{large}"}}"#).leak();
        let mut given = headers(&[("content-type", "application/cloudevents+json")]);
        let refused = check(EventForm::Binary, &mut given, text).await.map(|_| ()).unwrap_err();
        assert_eq!(refused.status, Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
        assert!(!refused.message.contains("xx"), "{}", refused.message);
    }

    #[tokio::test]
    async fn packed_bodies_are_not_read() {
        let packed = ("content-encoding", "gzip");
        let binary = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t"), packed];
        let structured = [("content-type", "application/cloudevents+json"), packed];
        for (form, given) in [
            (EventForm::Structured, &binary[..]),
            (EventForm::AsIs, &structured[..]),
            (EventForm::Binary, &structured[..]),
        ] {
            let refused = check(form, &mut headers(given), STRUCTURED).await.map(|_| ()).unwrap_err();
            assert_eq!(refused.status, Some(StatusCode::UNSUPPORTED_MEDIA_TYPE), "{form:?}");
        }
        assert_eq!(check(EventForm::AsIs, &mut headers(&binary), "packed").await.unwrap().0, "packed");
    }
}
