//! Text that is a slice of what was read, where nothing in it had to be decoded.

use std::fmt;
use std::str::Utf8Error;

use bytes::Bytes;
use hyper::header::HeaderValue;

/// Valid UTF-8 in a shared buffer: a clone copies nothing.
#[derive(Clone)]
pub(super) struct Text(Shared);

/// A header's value does not give its buffer away, but it is shared as cheaply.
#[derive(Clone)]
enum Shared {
    Bytes(Bytes),
    Header(HeaderValue),
}

impl Text {
    /// Text that is in the program.
    pub(super) const fn fixed(text: &'static str) -> Text {
        Text(Shared::Bytes(Bytes::from_static(text.as_bytes())))
    }

    /// A part of a body.
    pub(super) fn from_bytes(bytes: Bytes) -> Result<Text, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Text(Shared::Bytes(bytes)))
    }

    /// A header's value as it is.
    pub(super) fn from_header(value: &HeaderValue) -> Result<Text, Utf8Error> {
        std::str::from_utf8(value.as_bytes())?;
        Ok(Text(Shared::Header(value.clone())))
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("checked when it was made")
    }

    /// Its bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Shared::Bytes(bytes) => bytes,
            Shared::Header(value) => value.as_bytes(),
        }
    }

    /// As a header's value, where it has no character that none may have.
    pub(super) fn to_header(&self) -> Option<HeaderValue> {
        match &self.0 {
            Shared::Bytes(bytes) => HeaderValue::from_maybe_shared(bytes.clone()).ok(),
            Shared::Header(value) => Some(value.clone()),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(Shared::Bytes(Bytes::from(text)))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(Shared::Bytes(Bytes::copy_from_slice(text.as_bytes())))
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Text) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
