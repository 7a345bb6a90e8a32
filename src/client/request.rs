//! From the options to the bytes that are sent.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::address::{self, Place};
use super::data;
use super::event;
use super::options::Options;
use crate::config::Vars;

/// All that it takes to call.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) place: Place,
    pub(super) head: String,
    pub(super) body: Bytes,
    /// The body waits until the server asks for it.
    pub(super) expects: bool,
    pub(super) to_head: bool,
    pub(super) timeout: Option<Duration>,
    /// What the event that is sent is called.
    pub(super) event: Option<String>,
}

/// Reads the data and finds the address.
pub(super) fn prepare(mut options: Options, vars: &Vars) -> Result<Invocation, Vec<String>> {
    let place = address::find(options.url.as_deref(), vars);
    let content = content(&mut options);
    let (place, content) = match (place, content) {
        (Ok(place), Ok(content)) => (place, content),
        (place, content) => return Err(place.err().into_iter().chain(content.err()).collect()),
    };
    let default = if content.body.is_some() || content.event.is_some() { "POST" } else { "GET" };
    let method = options.method.as_deref().unwrap_or(default);
    let head = head(method, &place, &content, &options.headers);
    Ok(Invocation {
        head,
        body: content.body.unwrap_or_default(),
        expects: has(&options.headers, "expect"),
        to_head: method == "HEAD",
        timeout: options.timeout,
        event: content.event,
        place,
    })
}

/// What goes behind the head, and what the head says of it.
#[derive(Debug)]
struct Content {
    headers: HeaderMap,
    body: Option<Bytes>,
    event: Option<String>,
}

fn content(options: &mut Options) -> Result<Content, String> {
    let data = options.data.take().map(data::Source::read).transpose()?;
    let content_type = options.content_type.take();
    if let Some(event) = options.event.take() {
        let data = data.map(|data| (content_type.unwrap_or_else(|| data::type_of(&data).to_owned()), data));
        let encoded = event::encode(event, data)?;
        return Ok(Content { headers: encoded.headers, body: encoded.body, event: Some(encoded.id) });
    }
    let guess = || {
        data.as_deref().filter(|_| !has(&options.headers, "content-type")).map(|data| data::type_of(data).to_owned())
    };
    let mut headers = HeaderMap::new();
    if let Some(kind) = content_type.or_else(guess) {
        let wrong = |_| format!("--content-type: {kind:?} is no media type (try application/json)");
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(&kind).map_err(wrong)?);
    }
    Ok(Content { headers, body: data, event: None })
}

/// The caller's own headers take the place of ours.
fn head(method: &str, place: &Place, content: &Content, own: &[(String, String)]) -> String {
    let mut head = format!("{method} {} HTTP/1.1\r\n", place.path);
    let ours = [
        ("Host", place.host.as_str()),
        ("User-Agent", concat!("heeler/", env!("CARGO_PKG_VERSION"))),
        ("Accept", "*/*"),
        ("Connection", "close"),
    ];
    let ours = ours.into_iter().filter(|(name, _)| !has(own, name));
    for (name, value) in ours {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    for (name, value) in &content.headers {
        let _ = write!(head, "{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes()));
    }
    for (name, value) in own {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    // RFC 9110 §8.6: where a body is usual, its absence is said, too.
    let length = content.body.as_ref().map(Bytes::len);
    if let Some(length) = length.or_else(|| ["POST", "PUT", "PATCH"].contains(&method).then_some(0)) {
        let _ = write!(head, "Content-Length: {length}\r\n");
    }
    head + "\r\n"
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name))
}
