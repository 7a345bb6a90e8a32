//! The body of a CALL that brings a batch of events: attributes and data, each with its length (docs/wire.md).

use bytes::{BufMut, BytesMut};

use super::fields;
use crate::event::{Event, Nature};

/// What JSON data is where nobody said so. A single event has it among its headers; here no event has headers.
const JSON: [(&str, &str); 1] = [("datacontenttype", "application/json")];

/// Puts one event.
pub fn put_event(out: &mut BytesMut, event: &Event) {
    let data = event.data.as_ref().map_or(&[][..], |data| data.bytes());
    let is_json = event.data.as_ref().is_some_and(|data| data.nature() == Nature::Json);
    let unsaid = if is_json && event.attributes.datacontenttype().is_none() { &JSON[..] } else { &[] };
    let said = event.attributes.iter().map(|attribute| (attribute.name(), attribute.value()));
    let start = out.len();
    out.put_bytes(0, 4);
    out.put_slice(&length(data.len()));
    for (name, value) in said.chain(unsaid.iter().copied()) {
        fields::put_pair(out, name, value.as_bytes());
    }
    let fields = length(out.len() - start - 8);
    out[start..start + 4].copy_from_slice(&fields);
    out.put_slice(data);
}

/// Bodies that are held in memory are far smaller than this may say.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}
