//! Binary mode: attributes in headers, the data is the body (HTTP binding 1.0.2, section 3.1).

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::attributes::{Attributes, Draft, Was};
use super::bad::BadEvent;
use super::data::{Data, Nature};
use super::percent::NoText;
use super::text::Text;
use super::{Event, percent, rule, uri};

const PREFIX: &str = "ce-";
const DATACONTENTTYPE: &str = "datacontenttype";
/// Headers that come on top, so that the map has to grow once at most: a length, a date, the call's id and time.
const OTHERS: usize = 4;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The attributes; the body is not needed for them and may still be on its way.
#[inline(never)] // Once in the binary, not once for each caller.
pub fn attributes(headers: &HeaderMap) -> Result<Attributes, BadEvent> {
    let mut draft = Draft::with_capacity(headers.len().min(16));
    for (name, value) in headers {
        if name == CONTENT_TYPE {
            let text = Text::from_header(value).ok_or_else(|| BadEvent::broken(DATACONTENTTYPE, NOT_UTF_8))?;
            draft.push(DATACONTENTTYPE, text, Was::Text)?;
        } else if let Some(name) = name.as_str().strip_prefix(PREFIX) {
            if name == DATACONTENTTYPE {
                return Err(BadEvent::broken(
                    DATACONTENTTYPE,
                    "it is the header Content-Type, there is no other for it",
                ));
            }
            draft.push(name, text(name, value)?, Was::Text)?;
        }
    }
    draft.finish()
}

const NOT_UTF_8: &str = "not UTF-8";

/// Puts an event's attributes into headers that may have the data's type where those do not. The pairs are names and
/// values, decoded; what goes into the headers shares their memory.
pub fn put(pairs: Vec<(Bytes, Bytes)>, out: &mut HeaderMap) -> Result<(), BadEvent> {
    let mut draft = Draft::with_capacity(pairs.len() + 1);
    for (name, value) in pairs {
        let no_text = |_| BadEvent::broken("an attribute", NOT_UTF_8);
        let name = std::str::from_utf8(&name).map_err(no_text)?;
        std::str::from_utf8(&value).map_err(no_text)?;
        let value = Text::from_checked(value).ok_or_else(|| BadEvent::named(name, rule::CHARACTERS))?;
        draft.push(name, value, Was::Text)?;
    }
    if let Some(kind) = out.get(CONTENT_TYPE).filter(|_| !draft.has(DATACONTENTTYPE)) {
        let kind = Text::from_header(kind).ok_or_else(|| BadEvent::broken(DATACONTENTTYPE, NOT_UTF_8))?;
        draft.push(DATACONTENTTYPE, kind, Was::Text)?;
    }
    headers(&draft.finish()?, out);
    Ok(())
}

fn text(name: &str, value: &HeaderValue) -> Result<Text, BadEvent> {
    let text = percent::decoded(value).map_err(|no_text| match no_text {
        NoText::Bytes => BadEvent::named(name, NOT_UTF_8),
        NoText::Control => BadEvent::named(name, rule::CHARACTERS),
    })?;
    let is_uri = match name {
        "source" if text.as_bytes() != value.as_bytes() => uri::is_reference,
        "dataschema" if text.as_bytes() != value.as_bytes() => uri::is_absolute,
        _ => return Ok(text),
    };
    if is_uri(text.as_str()) {
        return Ok(text);
    }
    // Senders that do not encode headers send the percent signs of the URI itself.
    Ok(Text::from_header(value).filter(|raw| is_uri(raw.as_str())).unwrap_or(text))
}

/// A whole event. An empty body is no data.
pub fn decode(headers: &HeaderMap, body: Bytes) -> Result<Event, BadEvent> {
    let data = (!body.is_empty()).then(|| Data::binary(body));
    Ok(Event { attributes: attributes(headers)?, data })
}

/// Puts attributes into headers that may hold others: those of another event go away, and so does the content type
/// when the event has none.
pub fn headers(attributes: &Attributes, out: &mut HeaderMap) {
    clear(out);
    out.remove(CONTENT_TYPE);
    out.reserve(attributes.iter().len() + OTHERS);
    for attribute in attributes {
        if attribute.name() == DATACONTENTTYPE {
            out.insert(CONTENT_TYPE, attribute.text().header().clone());
        } else {
            out.insert(header_name(attribute.name()), percent::encoded(attribute.text()));
        }
    }
}

/// Takes away what there is of attributes.
pub(super) fn clear(headers: &mut HeaderMap) {
    let old: Vec<HeaderName> = headers.keys().filter(|name| name.as_str().starts_with(PREFIX)).cloned().collect();
    for name in old {
        headers.remove(name);
    }
}

/// Those that come often, so that they are not made anew.
static NAMES: [(&str, HeaderName); 6] = [
    ("specversion", HeaderName::from_static("ce-specversion")),
    ("id", HeaderName::from_static("ce-id")),
    ("source", HeaderName::from_static("ce-source")),
    ("type", HeaderName::from_static("ce-type")),
    ("time", HeaderName::from_static("ce-time")),
    ("subject", HeaderName::from_static("ce-subject")),
];

fn header_name(name: &str) -> HeaderName {
    if let Some((_, known)) = NAMES.iter().find(|(known, _)| *known == name) {
        return known.clone();
    }
    HeaderName::from_bytes(&[PREFIX.as_bytes(), name.as_bytes()].concat()).expect("a to z and 0 to 9")
}

/// A whole event: its attributes into the headers, its data as the body, whose length is the caller's to say. JSON data
/// that came without a content type says now what it is: in a JSON document that went without saying.
pub fn encode(event: &Event, out: &mut HeaderMap) -> Bytes {
    headers(&event.attributes, out);
    let Some(data) = &event.data else { return Bytes::new() };
    if data.nature() == Nature::Json && !out.contains_key(CONTENT_TYPE) {
        out.insert(CONTENT_TYPE, JSON);
    }
    data.bytes().clone()
}
