//! Parts of a file: which ones a caller asks for, and several of them in one answer (RFC 9110 §14).

use std::ops::Range;

use bytes::Bytes;
use http_range::{HttpRange, HttpRangeParseError};
use hyper::HeaderMap;
use hyper::header::RANGE;

use crate::invoke::chance::random;

/// More parts than that are no player and no reader of documents; they get the whole file (§17.15).
const MOST: usize = 32;

/// What is sent of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selected {
    /// All of it.
    Whole,
    /// One part.
    Part(Range<u64>),
    /// Several, none of them empty.
    Parts(Vec<Range<u64>>),
    /// Nothing of what was asked for is there.
    Nothing,
}

/// What a request selects of a file of this length. What is no range, or asks for more than the whole, is the whole.
pub(super) fn selected(request: &HeaderMap, length: u64) -> Selected {
    let mut values = request.get_all(RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Selected::Whole };
    // Some clients put `bytes=0-` into every request: of an empty file they get all there is.
    if length == 0 {
        return Selected::Whole;
    }
    let ranges = match HttpRange::parse_bytes(value.as_bytes(), length) {
        Ok(ranges) => ranges,
        Err(HttpRangeParseError::NoOverlap) => return Selected::Nothing,
        Err(HttpRangeParseError::InvalidRange) => return Selected::Whole,
    };
    match ranges.as_slice() {
        [only] => Selected::Part(range(only)),
        // Overlapping ones would make a small request a large answer.
        [_, _, ..] if ranges.len() <= MOST && sum(&ranges) <= u128::from(length) => {
            Selected::Parts(ranges.iter().map(range).collect())
        }
        _ => Selected::Whole,
    }
}

fn range(range: &HttpRange) -> Range<u64> {
    range.start..range.start + range.length
}

fn sum(ranges: &[HttpRange]) -> u128 {
    ranges.iter().map(|range| u128::from(range.length)).sum()
}

/// `Content-Range` of a part.
pub(super) fn content_range(part: &Range<u64>, length: u64) -> String {
    format!("bytes {}-{}/{length}", part.start, part.end - 1)
}

/// The frame around several parts: `multipart/byteranges` (§14.6).
pub(super) struct Multipart {
    boundary: String,
}

impl Multipart {
    /// With a boundary of 128 random bits, which no file can hold but by being told.
    pub(super) fn new() -> Multipart {
        Multipart { boundary: format!("{:016x}{:016x}", random(), random()) }
    }

    /// `Content-Type` of the answer.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// What stands before a part.
    pub(super) fn head(&self, index: usize, part: &Range<u64>, length: u64, content_type: &str) -> Bytes {
        let (boundary, range) = (&self.boundary, content_range(part, length));
        let before = if index == 0 { "" } else { "\r\n" };
        format!("{before}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {range}\r\n\r\n").into()
    }

    /// What stands behind the last one.
    pub(super) fn end(&self) -> Bytes {
        format!("\r\n--{}--\r\n", self.boundary).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn check(value: &str, length: u64, expected: &Selected) {
        let headers = [(RANGE, HeaderValue::from_str(value).unwrap())].into_iter().collect();
        assert_eq!(selected(&headers, length), *expected, "{value} of {length}");
    }

    #[test]
    fn ranges_are_selected() {
        let part = |range| Selected::Part(range);
        for (value, expected) in [
            ("bytes=0-0", part(0..1)),
            ("bytes=0-99", part(0..100)),
            ("bytes=0-", part(0..100)),
            ("bytes=99-", part(99..100)),
            ("bytes=90-1000", part(90..100)),
            ("bytes=-1", part(99..100)),
            ("bytes=-1000", part(0..100)),
            ("Bytes=5-9", part(5..10)),
            ("bytes= 5-9 ", part(5..10)),
            ("bytes=5-18446744073709551615", part(5..100)),
            ("bytes=5-9,1000-", part(5..10)),
            ("bytes=0-0,-1", Selected::Parts(vec![0..1, 99..100])),
            ("bytes=50-59, 0-9,, 20-29", Selected::Parts(vec![50..60, 0..10, 20..30])),
            ("bytes=100-", Selected::Nothing),
            ("bytes=-0", Selected::Nothing),
            ("bytes=100-,200-300", Selected::Nothing),
            ("bytes=9-5", Selected::Whole),
            ("bytes=18446744073709551616-", Selected::Whole),
            ("bytes=a-b", Selected::Whole),
            ("bytes=5", Selected::Whole),
            ("bytes=-", Selected::Whole),
            ("bytes=", Selected::Whole),
            ("bytes", Selected::Whole),
            ("lines=0-9", Selected::Whole),
            ("bytes=0-9,lines", Selected::Whole),
            ("bytes=0-99,0-99", Selected::Whole),
            ("bytes=0-,0-", Selected::Whole),
        ] {
            check(value, 100, &expected);
        }
        check("bytes=0-", 0, &Selected::Whole);
        check(&format!("bytes={}", "0-0,".repeat(MOST)), 100, &Selected::Parts(vec![0..1; MOST]));
        check(&format!("bytes={}", "0-0,".repeat(MOST + 1)), 100, &Selected::Whole);
        // Together more than a number of 64 bits holds.
        check("bytes=9-,20-29", u64::MAX, &Selected::Whole);
        check("bytes=0-18446744073709551614", u64::MAX, &part(0..u64::MAX));
    }

    #[test]
    fn two_range_headers_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(RANGE, HeaderValue::from_static("bytes=0-0"));
        headers.append(RANGE, HeaderValue::from_static("bytes=1-1"));
        assert_eq!(selected(&headers, 100), Selected::Whole);
    }
}
