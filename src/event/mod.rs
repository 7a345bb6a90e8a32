//! CloudEvents 1.0 over HTTP: binary, structured (JSON) and batch, in and out. Pure: headers and bytes in, values out.
//!
//! What came is kept as it came: values and data are slices of the buffers that hyper read, and JSON data is never
//! parsed into a tree and written anew, so number text, key order and spaces survive. What is refused is refused with
//! the attribute and the rule, never with the value. Where senders are known to be lax, so is this codec;
//! docs/events.md lists each such place. Not here: when to decode, and what an answer means; that is the callers' part.

mod attributes;
mod bad;
pub mod batch;
pub mod binary;
mod characters;
mod data;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod json;
mod media;
mod object;
mod percent;
mod recognise;
mod rule;
mod skip;
pub mod structured;
mod text;
mod time;
mod unescape;
mod uri;
pub mod values;

pub use attributes::{Attribute, Attributes, Was};
pub use bad::{BadEvent, Fault};
pub use data::{Data, Nature};
pub use media::is_json;
pub use recognise::{Form, recognise};
pub use rule::is_extension;

/// One event: what is said of it, and what it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The context attributes, in the order in which they came.
    pub attributes: Attributes,
    /// What the event carries; an empty body of a binary event is none.
    pub data: Option<Data>,
}
