//! Text that is a slice of what was read, where nothing in it had to be decoded.

use std::fmt;

use bytes::Bytes;
use hyper::header::HeaderValue;

/// UTF-8 in a shared buffer: a clone copies nothing. It is kept as a header's value, which does not give its buffer
/// away; the control characters that no header may have, no attribute may have either.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Text(HeaderValue);

impl Text {
    /// A header's value as it is; `None` where it is not UTF-8.
    pub(super) fn from_header(value: &HeaderValue) -> Option<Text> {
        std::str::from_utf8(value.as_bytes()).ok()?;
        Some(Text(value.clone()))
    }

    /// A part of a body that is UTF-8; `None` for control characters.
    pub(super) fn from_checked(bytes: Bytes) -> Option<Text> {
        HeaderValue::from_maybe_shared(bytes).ok().map(Text)
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("checked when it was made")
    }

    /// Its bytes.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// As a header's value, not encoded in any way.
    pub(super) const fn header(&self) -> &HeaderValue {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}
