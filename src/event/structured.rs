//! Structured mode: one event as a JSON object (JSON format 1.0.2). The data's own text is cut out and spliced in,
//! never parsed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::attributes::{Attributes, Was};
use super::bad::BadEvent;
use super::data::{Data, Nature};
use super::json::{self, Scanner};
use super::{Event, binary, media, object, unescape};

/// What such a body is called.
pub const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// Reads an event out of a whole body.
pub fn decode(body: &Bytes) -> Result<Event, BadEvent> {
    let mut scanner = Scanner::new(object::text(body)?);
    scanner.white();
    let event = object::event(body, &mut scanner)?;
    scanner.end()?;
    Ok(event)
}

/// Makes headers say that the body is such an event; attributes beside it would only be read wrong. The body's
/// length is the caller's to say.
pub fn headers(out: &mut HeaderMap) {
    binary::clear(out);
    out.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
}

/// The event as a JSON object.
pub fn encode(event: &Event) -> Bytes {
    let data = event.data.as_ref().map_or(0, |data| data.bytes().len());
    let mut out = Vec::with_capacity(64 + event.attributes.iter().len() * 48 + data);
    write(&mut out, event);
    Bytes::from(out)
}

pub(super) fn write(out: &mut Vec<u8>, event: &Event) {
    let mut before = b'{';
    for attribute in &event.attributes {
        out.push(before);
        before = b',';
        unescape::quote(out, attribute.name());
        out.push(b':');
        match attribute.was() {
            Was::Text => unescape::quote(out, attribute.value()),
            Was::Integer | Was::Boolean => out.extend_from_slice(attribute.value().as_bytes()),
        }
    }
    if let Some(data) = &event.data {
        write_data(out, &event.attributes, data);
    }
    out.push(b'}');
}

/// As JSON, as a string, or in base64: whatever comes back as the same bytes under this content type.
fn write_data(out: &mut Vec<u8>, attributes: &Attributes, data: &Data) {
    let media_type = attributes.datacontenttype();
    let bytes = data.bytes();
    if media_type.map_or(data.nature() == Nature::Json, media::is_json) {
        let value = if data.nature() == Nature::Json { Some(0..bytes.len()) } else { json::only_value(bytes) };
        if let Some(value) = value {
            out.extend_from_slice(b",\"data\":");
            return out.extend_from_slice(&bytes[value]);
        }
    } else if let Some(media_type) = media_type
        && (data.nature() != Nature::Binary || media::is_text(media_type))
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        out.extend_from_slice(b",\"data\":");
        return unescape::quote(out, text);
    }
    out.extend_from_slice(b",\"data_base64\":\"");
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    STANDARD.encode_slice(bytes, &mut out[start..]).expect("four characters for each three bytes");
    out.push(b'"');
}
