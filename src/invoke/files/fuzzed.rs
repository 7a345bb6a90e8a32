//! What has to hold for any request in static mode: no path leads out of the root, and no part out of its file.
#![allow(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Component;
use std::time::{Duration, UNIX_EPOCH};

use hyper::HeaderMap;
use hyper::header::{ETAG, HeaderValue, IF_MATCH, IF_NONE_MATCH, IF_RANGE};

use super::path::wanted;
use super::range::{self, Selected};
use super::types;
use super::version::{Verdict, Version};
use crate::input;

/// Any bytes as a request's path, and as its headers.
pub fn files(bytes: &[u8]) {
    let ([length], bytes) = input::choices(bytes);
    if let Ok(path) = std::str::from_utf8(bytes) {
        names_only(path);
    }
    let (headers, _) = input::headers(bytes);
    for length in [0, 1, u64::from(length), u64::MAX] {
        within(&range::selected(&headers, length), length);
    }
    conditions(&headers);
}

fn names_only(path: &str) {
    let Ok(wanted) = wanted(path) else { return };
    assert_eq!(wanted.folder, path.ends_with('/'));
    let mut again = String::new();
    for (index, component) in wanted.path.components().enumerate() {
        let Component::Normal(name) = component else { panic!("{path:?} leads elsewhere: {component:?}") };
        let name = name.as_bytes();
        assert!(!name.contains(&0) && !name.contains(&b'/'));
        assert!(!name.starts_with(b".") || index == 0 && name == b".well-known", "{path:?} is hidden");
        again.push('/');
        again.extend(name.iter().map(|byte| format!("%{byte:02X}")));
    }
    again.push_str(if wanted.folder { "/" } else { "" });
    assert_eq!(super::path::wanted(&again).unwrap(), wanted, "{path:?}");
    assert!(types::of(&wanted.path).contains('/'));
}

fn within(selected: &Selected, length: u64) {
    let parts: &[Range<u64>] = match selected {
        Selected::Part(part) => std::slice::from_ref(part),
        Selected::Parts(parts) => {
            assert!(parts.len() > 1 && parts.len() <= 32, "{parts:?}");
            parts
        }
        Selected::Whole | Selected::Nothing => &[],
    };
    let sum: u128 = parts.iter().map(|part| u128::from(part.end - part.start)).sum();
    assert!(sum <= u128::from(length), "{parts:?} of {length}: more than there is");
    for part in parts {
        assert!(part.start < part.end && part.end <= length, "{part:?} of {length}");
        assert!(range::content_range(part, length).ends_with(&format!("-{}/{length}", part.end - 1)));
    }
}

/// What a caller says behind the right tag takes nothing from it.
fn conditions(headers: &HeaderMap) {
    let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
    let version = Version::new((1_795_255_200, 123), (1_795_255_205, 0), 42, at(1_795_255_260));
    version.judge(headers);
    version.fits_range(headers);
    let fields = version.fields();
    let tag = &fields.iter().find(|(name, _)| *name == ETAG).unwrap().1;
    let behind_tag = |name| {
        let given = headers.get(&name).map(HeaderValue::as_bytes).unwrap_or_default();
        let value = HeaderValue::from_bytes(&[tag.as_bytes(), b", ", given].concat()).unwrap();
        let mut headers = headers.clone();
        headers.remove(IF_MATCH);
        headers.insert(name, value);
        headers
    };
    assert_ne!(version.judge(&behind_tag(IF_MATCH)), Verdict::Failed);
    assert_ne!(version.judge(&behind_tag(IF_NONE_MATCH)), Verdict::Send, "{headers:?}");
    // A list is no single tag.
    assert!(!version.fits_range(&behind_tag(IF_RANGE)));
}
