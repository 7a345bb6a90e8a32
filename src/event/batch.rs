//! Batches: many events in one JSON array (JSON format 1.0.2, section 4), each for itself: a bad one does not stop the
//! others.

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::bad::{BadEvent, Fault};
use super::json::Scanner;
use super::{Event, binary, object, structured};

/// What such a body is called.
pub const MEDIA_TYPE: &str = "application/cloudevents-batch+json; charset=utf-8";

/// One event of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The event.
    pub event: Event,
    /// Its own JSON text: a slice of the body.
    pub json: Bytes,
}

/// The elements, one by one, in their order. What is no array of at most `most` elements is refused as a whole: where
/// the JSON is broken, nobody knows where the next event begins.
pub fn split(body: &Bytes, most: usize) -> Result<Vec<Result<Element, BadEvent>>, BadEvent> {
    let mut scanner = Scanner::new(object::text(body)?);
    scanner.white();
    if scanner.peek() != Some(b'[') {
        scanner.value()?;
        return Err(BadEvent::broken("the batch", "not a JSON array"));
    }
    let mut elements = Vec::new();
    scanner.list([b'[', b']'], |scanner| {
        if elements.len() == most {
            return Err(BadEvent::new(Fault::TooMany, "the batch", "more events than batch_max_events"));
        }
        elements.push(element(body, scanner)?);
        Ok(())
    })?;
    scanner.end()?;
    Ok(elements)
}

/// The element that begins where the scanner stands. Behind a bad one the scanner goes on, unless it is no JSON.
fn element(body: &Bytes, scanner: &mut Scanner<'_>) -> Result<Result<Element, BadEvent>, BadEvent> {
    let start = scanner.at();
    match object::event(body, scanner) {
        Ok(event) => Ok(Ok(Element { event, json: body.slice(start..scanner.at()) })),
        Err(bad) => {
            scanner.back(start);
            scanner.value()?;
            Ok(Err(bad))
        }
    }
}

/// Makes headers say that the body is a batch.
pub fn headers(out: &mut HeaderMap) {
    binary::clear(out);
    out.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
}

/// Events as a batch.
pub fn join<'a>(events: impl IntoIterator<Item = &'a Event>) -> Bytes {
    array(events, structured::write)
}

/// Events that are JSON texts already, such as elements of other batches.
pub fn join_texts<'a>(texts: impl IntoIterator<Item = &'a Bytes>) -> Bytes {
    array(texts, |out, text| out.extend_from_slice(text))
}

fn array<T>(items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) -> Bytes {
    let mut out = vec![b'['];
    for item in items {
        if out.len() > 1 {
            out.push(b',');
        }
        write(&mut out, item);
    }
    out.push(b']');
    Bytes::from(out)
}
