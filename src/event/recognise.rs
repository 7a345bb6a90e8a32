//! Which form of an event a message has, told by its headers alone.

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName};

use super::bad::{BadEvent, Fault};
use super::media;

/// How an event travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// No event.
    None,
    /// Attributes in headers, data in the body.
    Binary,
    /// All of it in the body.
    Structured,
    /// Many events in the body.
    Batch,
}

static SPECVERSION: HeaderName = HeaderName::from_static("ce-specversion");
const BATCH: &str = "application/cloudevents-batch";
const STRUCTURED: &str = "application/cloudevents";

/// By the media type; without one of its own an event is known by its version. That a body has a format that is not
/// known here is an error of its own kind, for whoever takes no events may pass it over.
pub fn recognise(headers: &HeaderMap) -> Result<Form, BadEvent> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map_or("", media::essence);
    // The longer name first: it begins with the shorter one.
    for (prefix, form) in [(BATCH, Form::Batch), (STRUCTURED, Form::Structured)] {
        if media::starts_with(media_type, prefix) {
            return if media_type[prefix.len()..].eq_ignore_ascii_case("+json") {
                Ok(form)
            } else {
                Err(BadEvent::new(Fault::Unknown, "the content type", "events come as JSON here: +json"))
            };
        }
    }
    Ok(if headers.contains_key(&SPECVERSION) { Form::Binary } else { Form::None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 415 is `None` here.
    fn check(content_type: Option<&[u8]>, version: bool) -> Option<Form> {
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_bytes(value).unwrap());
        }
        if version {
            headers.insert("ce-specversion", "1.0".parse().unwrap());
        }
        recognise(&headers).inspect_err(|bad| assert_eq!(bad.status().as_u16(), 415)).ok()
    }

    #[test]
    fn the_media_type_decides() {
        for (text, form) in [
            ("application/cloudevents+json", Some(Form::Structured)),
            ("application/cloudevents+json; charset=utf-8", Some(Form::Structured)),
            ("application/cloudevents+json ; charset=UTF-8", Some(Form::Structured)),
            ("Application/CloudEvents+JSON", Some(Form::Structured)),
            ("application/cloudevents-batch+json", Some(Form::Batch)),
            ("APPLICATION/CLOUDEVENTS-BATCH+JSON;charset=utf-8", Some(Form::Batch)),
            ("application/cloudevents", None),
            ("application/cloudevents; charset=utf-8", None),
            ("application/cloudevents+avro", None),
            ("application/cloudevents+xml", None),
            ("application/cloudevents+protobuf", None),
            ("application/cloudevents+jsonx", None),
            ("application/cloudevents-batch", None),
            ("application/cloudevents-batch+xml", None),
            ("application/cloudevents-batches+json", None),
        ] {
            for version in [false, true] {
                assert_eq!(check(Some(text.as_bytes()), version), form, "{text}");
            }
        }
    }

    #[test]
    fn other_messages_are_events_by_their_version() {
        for media_type in [
            None,
            Some(&b""[..]),
            Some(b"application/json"),
            Some(b"application/cloudevent+json"),
            Some(b"\xC3\xA9"),
            Some(b"text/application/cloudevents+json"),
        ] {
            assert_eq!(check(media_type, true), Some(Form::Binary), "{media_type:?}");
            assert_eq!(check(media_type, false), Some(Form::None), "{media_type:?}");
        }
    }

    #[test]
    fn without_a_version_other_attributes_make_no_event() {
        let mut headers = HeaderMap::new();
        for name in ["ce-id", "ce-source", "ce-type"] {
            headers.insert(name, "x".parse().unwrap());
        }
        assert_eq!(recognise(&headers), Ok(Form::None));
    }
}
