//! The body of a CALL that brings a batch of events: attributes and data, each with its length (docs/wire.md).

use crate::event::{Event, Nature};

/// What JSON data is where nobody said so. A single event has it among its headers; here no event has headers.
const JSON: [(&str, &str); 1] = [("datacontenttype", "application/json")];

/// Puts one event.
pub fn put_event(out: &mut Vec<u8>, event: &Event) {
    let data = event.data.as_ref().map_or(&[][..], |data| data.bytes());
    let is_json = event.data.as_ref().is_some_and(|data| data.nature() == Nature::Json);
    let unsaid = if is_json && event.attributes.datacontenttype().is_none() { &JSON[..] } else { &[] };
    let said = event.attributes.iter().map(|attribute| (attribute.name(), attribute.value()));
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&length(data.len()));
    for field in said.chain(unsaid.iter().copied()).flat_map(|(name, value)| [name, value]) {
        out.extend_from_slice(field.as_bytes());
        out.push(0);
    }
    let fields = length(out.len() - start - 8);
    out[start..start + 4].copy_from_slice(&fields);
    out.extend_from_slice(data);
}

/// Bodies that are held in memory are far smaller than this may say.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}
