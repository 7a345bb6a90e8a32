//! An event out of a JSON object: members to attributes, and the data as it stands there.

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::attributes::{Attributes, Draft, Was};
use super::bad::BadEvent;
use super::data::Data;
use super::json::{Quoted, Scanner};
use super::skip::BadJson;
use super::text::Text;
use super::unescape::unescape;
use super::{Event, media, rule};

const DATA: &str = "data";
const BASE64: &str = "data_base64";
const HALF_A_PAIR: &str = "has half of a surrogate pair";

/// The body as the scanner wants it.
pub(super) fn text(body: &[u8]) -> Result<&str, BadEvent> {
    let no_text =
        |bad: std::str::Utf8Error| BadEvent { at: Some(bad.valid_up_to()), ..BadEvent::broken(BODY, "not UTF-8") };
    std::str::from_utf8(body).map_err(no_text)
}

const BODY: &str = "the body";

impl From<BadJson> for BadEvent {
    fn from(bad: BadJson) -> BadEvent {
        BadEvent { at: Some(bad.0), ..BadEvent::broken(BODY, "not JSON") }
    }
}

/// The object that begins where the scanner stands, which then stands behind it.
#[inline(never)] // Once in the binary, not once for each caller.
pub(super) fn event(body: &Bytes, scanner: &mut Scanner<'_>) -> Result<Event, BadEvent> {
    if scanner.peek() != Some(b'{') {
        // What is no JSON at all is told so.
        scanner.value()?;
        return Err(BadEvent::broken("the event", "not a JSON object"));
    }
    Members::read(body, scanner)?.event()
}

/// An object's members, the data not yet looked at: what it may be hangs on a member that may come behind it.
struct Members<'a> {
    body: &'a Bytes,
    draft: Draft,
    data: Option<Value>,
    base64: Option<Quoted>,
}

enum Value {
    String(Quoted),
    Other(Range<usize>),
}

impl<'a> Members<'a> {
    fn read(body: &'a Bytes, scanner: &mut Scanner<'_>) -> Result<Members<'a>, BadEvent> {
        let draft = Draft::with_capacity(8);
        let mut members = Members { body, draft, data: None, base64: None };
        scanner.list([b'{', b'}'], |scanner| {
            let name = scanner.string()?;
            scanner.colon()?;
            members.member(&name, scanner)
        })?;
        Ok(members)
    }

    fn member(&mut self, name: &Quoted, scanner: &mut Scanner<'_>) -> Result<(), BadEvent> {
        let name = self.name(name)?;
        match &*name {
            DATA => {
                let value = match scanner.peek() {
                    Some(b'"') => scanner.string().map(Value::String),
                    _ => scanner.value().map(Value::Other),
                };
                self.data.replace(value?).map_or(Ok(()), |_| twice(DATA))
            }
            BASE64 if scanner.peek() == Some(b'"') => {
                let quoted = scanner.string()?;
                self.base64.replace(quoted).map_or(Ok(()), |_| twice(BASE64))
            }
            BASE64 => Err(BadEvent::broken(BASE64, "not a string")),
            name => self.attribute(name, scanner),
        }
    }

    fn name(&self, quoted: &Quoted) -> Result<Cow<'a, str>, BadEvent> {
        let inside = self.inside(quoted);
        if !quoted.escaped {
            return Ok(Cow::Borrowed(inside));
        }
        unescape(inside).map(Cow::Owned).ok_or(BadEvent::broken("an attribute", HALF_A_PAIR))
    }

    fn inside(&self, quoted: &Quoted) -> &'a str {
        std::str::from_utf8(&self.body[quoted.inside.clone()]).expect("the whole body is UTF-8")
    }

    fn attribute(&mut self, name: &str, scanner: &mut Scanner<'_>) -> Result<(), BadEvent> {
        let first = scanner.peek();
        if first == Some(b'"') {
            let quoted = scanner.string()?;
            let value = self.text(name, quoted)?;
            return self.draft.push(name, value, Was::Text);
        }
        let range = scanner.value()?;
        let was = match first {
            Some(b'n') => return self.draft.unset(name),
            Some(b't' | b'f') => Was::Boolean,
            Some(b'[' | b'{') => return Err(BadEvent::named(name, "an array or an object, and no attribute is one")),
            _ => Was::Integer,
        };
        let value = self.slice(name, range)?;
        if was == Was::Integer && value.as_str().parse::<i32>().is_err() {
            return Err(BadEvent::named(name, "a number that is no integer of 32 bits"));
        }
        self.draft.push(name, value, was)
    }

    fn text(&self, name: &str, quoted: Quoted) -> Result<Text, BadEvent> {
        if !quoted.escaped {
            return self.slice(name, quoted.inside);
        }
        let text = unescape(self.inside(&quoted)).ok_or_else(|| BadEvent::named(name, HALF_A_PAIR))?;
        shared(name, text.into())
    }

    fn slice(&self, name: &str, range: Range<usize>) -> Result<Text, BadEvent> {
        shared(name, self.body.slice(range))
    }

    fn event(self) -> Result<Event, BadEvent> {
        let (body, data, base64) = (self.body, self.data, self.base64);
        let attributes = self.draft.finish()?;
        let data = match (data, base64) {
            (Some(_), Some(_)) => {
                return Err(BadEvent::broken(DATA, "beside data_base64, and only one of them may be there"));
            }
            (Some(value), None) => Some(plain(body, value, &attributes)?),
            (None, Some(quoted)) => Some(decoded(body, &quoted)?),
            (None, None) => None,
        };
        Ok(Event { attributes, data })
    }
}

fn shared(name: &str, bytes: Bytes) -> Result<Text, BadEvent> {
    Text::from_checked(bytes).ok_or_else(|| BadEvent::named(name, rule::CHARACTERS))
}

fn twice<T>(name: &'static str) -> Result<T, BadEvent> {
    Err(BadEvent::broken(name, "there more than once"))
}

/// `data` is a JSON value where the content type says JSON or nothing, and a string otherwise.
fn plain(body: &Bytes, value: Value, attributes: &Attributes) -> Result<Data, BadEvent> {
    let json = attributes.datacontenttype().is_none_or(media::is_json);
    let (inside, escaped) = match value {
        Value::Other(range) if json => return Ok(Data::json_checked(body.slice(range))),
        Value::Other(_) => return Err(BadEvent::broken(DATA, "not a string, and datacontenttype is not JSON")),
        Value::String(Quoted { inside, .. }) if json => {
            return Ok(Data::json_checked(body.slice(inside.start - 1..=inside.end)));
        }
        Value::String(Quoted { inside, escaped }) => (body.slice(inside), escaped),
    };
    if !escaped {
        return Ok(Data::text_checked(inside));
    }
    let text = std::str::from_utf8(&inside).ok().and_then(unescape);
    text.map(Data::text).ok_or(BadEvent::broken(DATA, HALF_A_PAIR))
}

fn decoded(body: &Bytes, quoted: &Quoted) -> Result<Data, BadEvent> {
    let inside = &body[quoted.inside.clone()];
    // Some writers of JSON put a backslash before each slash.
    let bytes = if quoted.escaped {
        let text = std::str::from_utf8(inside).ok().and_then(unescape);
        text.and_then(|text| STANDARD.decode(text).ok())
    } else {
        STANDARD.decode(inside).ok()
    };
    bytes.map(|bytes| Data::binary(bytes.into())).ok_or(BadEvent::broken(BASE64, "not base64 (RFC 4648, section 4)"))
}
