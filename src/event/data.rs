//! What an event carries: bytes, and what is known of them.

use bytes::Bytes;

use super::json;

/// What the data was when it came; structured output writes it so again where the content type allows that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Bytes: a body, or base64.
    Binary,
    /// A string of a content type that is not JSON: UTF-8.
    Text,
    /// The text of one JSON value, as it came, without white space around it.
    Json,
}

/// An event's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    bytes: Bytes,
    nature: Nature,
}

impl Data {
    /// Bytes of any kind.
    pub const fn binary(bytes: Bytes) -> Data {
        Data { bytes, nature: Nature::Binary }
    }

    /// Text of a content type that is not JSON.
    pub fn text(text: String) -> Data {
        Data { bytes: Bytes::from(text), nature: Nature::Text }
    }

    /// The text of a JSON value; `None` where it is not one. White space around it is left out.
    pub fn json(bytes: &Bytes) -> Option<Data> {
        Some(Data::json_checked(bytes.slice(json::only_value(bytes)?)))
    }

    /// One JSON value that the scanner has passed over.
    pub(super) const fn json_checked(bytes: Bytes) -> Data {
        Data { bytes, nature: Nature::Json }
    }

    /// UTF-8, by whoever cut it out of a body.
    pub(super) const fn text_checked(bytes: Bytes) -> Data {
        Data { bytes, nature: Nature::Text }
    }

    /// The data as bytes: what the body of the same event in binary mode is.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes without the rest.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// What it was.
    pub const fn nature(&self) -> Nature {
        self.nature
    }
}
