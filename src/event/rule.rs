//! Which rule holds for which attribute: names, required ones, and what their values may be (CloudEvents 1.0.2,
//! Context Attributes).

use std::borrow::Cow;

use super::attributes::{Attribute, Was};
use super::bad::BadEvent;
use super::{characters, media, time, uri};

/// The only version known here.
pub(super) const VERSION: &str = "1.0";
/// What every event has to have.
pub(super) const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];
/// Names that come often, so that none of them is copied.
const SHARED: [&str; 12] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "traceparent",
    "tracestate",
    "partitionkey",
    "knativearrivaltime",
];
/// The specification's own attributes are never numbers or booleans.
const OWN: usize = 8;

/// What no text may have.
pub(super) const CHARACTERS: &str = "has a control character, or one that is no character";

/// Whether a name is none of those that the specification gives a meaning.
pub fn is_extension(name: &str) -> bool {
    !SHARED[..OWN].contains(&name)
}

/// A name of an attribute.
pub(super) fn name(name: &str) -> Result<(), BadEvent> {
    if name.is_empty() {
        return Err(BadEvent::broken("an attribute", "a name has at least one character"));
    }
    if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Err(BadEvent::named(name, "a name has only a to z and 0 to 9"));
    }
    if name == "data" {
        return Err(BadEvent::broken("data", "not the name of an attribute"));
    }
    Ok(())
}

/// The name without a copy, where it is a common one.
pub(super) fn shared(name: &str) -> Cow<'static, str> {
    match SHARED.into_iter().find(|common| *common == name) {
        Some(common) => Cow::Borrowed(common),
        None => Cow::Owned(name.to_owned()),
    }
}

/// A value and what JSON had for it.
pub(super) fn typed(attribute: &Attribute) -> Result<(), BadEvent> {
    let name = attribute.name();
    if attribute.was() != Was::Text && !is_extension(name) {
        return Err(BadEvent::named(name, "not a string"));
    }
    value(name, attribute.value())
}

/// A value as text.
pub(super) fn value(name: &str, value: &str) -> Result<(), BadEvent> {
    let broken = |rule| Err(BadEvent::named(name, rule));
    if !characters::are_allowed(value) {
        return broken(CHARACTERS);
    }
    match name {
        "specversion" if value != VERSION => broken("not 1.0, the only version known here"),
        "id" | "type" | "source" | "subject" | "dataschema" | "time" | "datacontenttype" if value.is_empty() => {
            broken("empty, and it has to say something")
        }
        "source" if !uri::is_reference(value) => broken("not a URI-reference (RFC 3986)"),
        "dataschema" if !uri::is_absolute(value) => broken("not an absolute URI (RFC 3986, section 4.3)"),
        "time" if !time::is_time(value) => broken("not an RFC 3339 time (such as 2026-01-31T12:00:00Z)"),
        "datacontenttype" if !media::is_media_type(value) => broken("not a media type (RFC 2046)"),
        _ => Ok(()),
    }
}
