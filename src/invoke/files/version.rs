//! Which version of a file this is, and what a caller who knows one asks for (RFC 9110 §8.8 and §13).

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::{fmt_http_date, parse_http_date};
use hyper::HeaderMap;
use hyper::header::{
    ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
};

/// The latest of the times that builders of images give to every file (0, 1, and 1980-01-01T00:00:01Z, which zip can
/// hold). Such a time says nothing: files of two releases would pass for the same.
const LAST_MADE_UP: i64 = 315_532_801;

/// Fields of an answer's head.
pub(super) type Fields = Vec<(HeaderName, String)>;

/// A file's version.
#[derive(Debug)]
pub(super) struct Version {
    /// A strong entity tag. No inode in it: replicas on several nodes give the same one.
    tag: String,
    /// In whole seconds, as dates in headers are.
    modified: Option<SystemTime>,
    /// When the answer is made.
    now: SystemTime,
}

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The caller wants the file.
    Send,
    /// The caller has it.
    NotModified,
    /// The caller wants another version.
    Failed,
}

impl Version {
    /// Of an open file.
    pub(super) fn of(metadata: &Metadata, now: SystemTime) -> Version {
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        let changed = (metadata.ctime(), metadata.ctime_nsec());
        Version::new(modified, changed, metadata.len(), now)
    }

    pub(super) fn new(modified: (i64, i64), changed: (i64, i64), length: u64, now: SystemTime) -> Version {
        let is_told = modified.0 > LAST_MADE_UP;
        let (seconds, nanos) = if is_told { modified } else { changed };
        let tag = format!("\"{seconds:x}.{nanos:x}-{length:x}\"");
        let since_epoch = u64::try_from(modified.0).ok().filter(|_| is_told);
        Version {
            tag,
            // One to come is replaced by the answer's own (§8.8.2.1).
            modified: since_epoch.map(|seconds| (UNIX_EPOCH + Duration::from_secs(seconds)).min(whole_seconds(now))),
            now,
        }
    }

    /// What tells the caller.
    pub(super) fn fields(&self) -> Fields {
        let date = self.modified.map(|modified| (LAST_MODIFIED, fmt_http_date(modified)));
        [(ETAG, self.tag.clone())].into_iter().chain(date).collect()
    }

    /// In the order of §13.2.2; a tag is asked before a date, and a date that is none is no condition.
    pub(super) fn judge(&self, request: &HeaderMap) -> Verdict {
        let date = |name| Some((self.modified?, date(request, name)?));
        let matches = match list(request, IF_MATCH) {
            Some(list) => self.is_in(&list, Compare::Strong),
            None => date(IF_UNMODIFIED_SINCE).is_none_or(|(modified, since)| modified <= since),
        };
        if !matches {
            return Verdict::Failed;
        }
        let is_known = match list(request, IF_NONE_MATCH) {
            Some(list) => self.is_in(&list, Compare::Weak),
            None => date(IF_MODIFIED_SINCE).is_some_and(|(modified, since)| modified <= since),
        };
        if is_known { Verdict::NotModified } else { Verdict::Send }
    }

    /// Whether a part of this version fits to what the caller has (§13.1.5).
    pub(super) fn fits_range(&self, request: &HeaderMap) -> bool {
        let Some(value) = request.get(IF_RANGE) else { return true };
        if value.as_bytes().contains(&b'"') {
            return value.as_bytes() == self.tag.as_bytes();
        }
        // A date holds for sure only once its second is over (§8.8.2.2).
        let is_over = |modified| self.now.duration_since(modified).is_ok_and(|age| age >= Duration::from_secs(1));
        let (Some(modified), Some(date)) = (self.modified, date(request, IF_RANGE)) else { return false };
        modified == date && is_over(modified)
    }

    fn is_in(&self, list: &[u8], compare: Compare) -> bool {
        list.trim_ascii() == b"*," || tags(list).any(|tag| self.is(tag, compare))
    }

    fn is(&self, tag: &[u8], compare: Compare) -> bool {
        let tag = match (tag.strip_prefix(b"W/"), compare) {
            (Some(_), Compare::Strong) => return false,
            (Some(opaque), Compare::Weak) => opaque,
            (None, _) => tag,
        };
        tag == self.tag.as_bytes()
    }
}

/// How tags are compared (§8.8.3.2).
#[derive(Clone, Copy)]
enum Compare {
    Strong,
    Weak,
}

fn whole_seconds(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(time.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()))
}

/// All values of a header as one list; `None` without the header.
fn list(request: &HeaderMap, name: HeaderName) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    for value in request.get_all(&name) {
        list.extend_from_slice(value.as_bytes());
        list.push(b',');
    }
    (!list.is_empty()).then_some(list)
}

fn date(request: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    parse_http_date(request.get(name)?.to_str().ok()?).ok()
}

/// The entity tags of a list, as far as it is one. A tag may hold commas, but no quote.
fn tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let start = rest.iter().position(|byte| !b", \t".contains(byte))?;
        rest = &rest[start..];
        let opening = if rest.starts_with(b"W/") { 2 } else { 0 };
        if rest.get(opening) != Some(&b'"') {
            return None;
        }
        let closing = opening + 1 + rest[opening + 1..].iter().position(|byte| *byte == b'"')?;
        let (tag, after) = rest.split_at(closing + 1);
        rest = after;
        Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use hyper::header::HeaderValue;

    use super::*;

    /// 2026-11-21T10:00:00Z.
    const MODIFIED: i64 = 1_795_255_200;
    const DATE: &str = "Sat, 21 Nov 2026 10:00:00 GMT";
    const EARLIER: &str = "Sat, 21 Nov 2026 09:59:59 GMT";
    const LATER: &str = "Sat, 21 Nov 2026 10:00:01 GMT";
    const TAG: &str = "\"6b016ba0.7b-2a\"";

    fn at(seconds: i64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap())
    }

    fn version() -> Version {
        Version::new((MODIFIED, 123), (MODIFIED + 5, 0), 42, at(MODIFIED + 60))
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).fold(
            HeaderMap::new(),
            |mut map, (name, value)| {
                map.append(name, value);
                map
            },
        )
    }

    fn told(version: &Version) -> (String, Option<String>) {
        let fields: HashMap<_, _> = version.fields().into_iter().collect();
        (fields[&ETAG].clone(), fields.get(&LAST_MODIFIED).cloned())
    }

    #[test]
    fn a_version_is_told_by_tag_and_date() {
        assert_eq!(told(&version()), (TAG.to_owned(), Some(DATE.to_owned())));
    }

    #[test]
    fn a_time_that_a_builder_made_up_is_not_told() {
        for made_up in [0, 1, LAST_MADE_UP, -5] {
            let version = Version::new((made_up, 0), (MODIFIED, 1), 1, at(MODIFIED));
            assert_eq!(told(&version), ("\"6b016ba0.1-1\"".to_owned(), None), "{made_up}");
            assert_eq!(version.judge(&headers(&[(IF_MODIFIED_SINCE, LATER)])), Verdict::Send);
            assert_eq!(version.judge(&headers(&[(IF_UNMODIFIED_SINCE, EARLIER)])), Verdict::Send);
            assert!(!version.fits_range(&headers(&[(IF_RANGE, DATE)])));
        }
    }

    #[test]
    fn no_version_is_of_tomorrow() {
        let version = Version::new((MODIFIED + 86_400, 7), (0, 0), 1, at(MODIFIED));
        assert_eq!(told(&version).1.as_deref(), Some(DATE));
    }

    #[test]
    fn conditions_are_weighed_in_order() {
        let weak = &*format!("W/{TAG}");
        let many = &*format!("\"a,b\", {TAG} ,\"c\"");
        let broken = &*format!("nonsense, {TAG}");
        let cases: &[(&[(HeaderName, &str)], Verdict)] = &[
            (&[], Verdict::Send),
            (&[(IF_NONE_MATCH, TAG)], Verdict::NotModified),
            (&[(IF_NONE_MATCH, weak)], Verdict::NotModified),
            (&[(IF_NONE_MATCH, many)], Verdict::NotModified),
            (&[(IF_NONE_MATCH, "\"a\""), (IF_NONE_MATCH, TAG)], Verdict::NotModified),
            (&[(IF_NONE_MATCH, "*")], Verdict::NotModified),
            (&[(IF_NONE_MATCH, "\"a\"")], Verdict::Send),
            (&[(IF_NONE_MATCH, broken)], Verdict::Send),
            (&[(IF_NONE_MATCH, "\"unclosed")], Verdict::Send),
            (&[(IF_NONE_MATCH, "")], Verdict::Send),
            (&[(IF_NONE_MATCH, "W/")], Verdict::Send),
            (&[(IF_NONE_MATCH, "\"a\""), (IF_MODIFIED_SINCE, LATER)], Verdict::Send),
            (&[(IF_MODIFIED_SINCE, DATE)], Verdict::NotModified),
            (&[(IF_MODIFIED_SINCE, LATER)], Verdict::NotModified),
            (&[(IF_MODIFIED_SINCE, EARLIER)], Verdict::Send),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Verdict::Send),
            (&[(IF_MATCH, TAG)], Verdict::Send),
            (&[(IF_MATCH, "*")], Verdict::Send),
            (&[(IF_MATCH, weak)], Verdict::Failed),
            (&[(IF_MATCH, "\"a\"")], Verdict::Failed),
            (&[(IF_MATCH, TAG), (IF_UNMODIFIED_SINCE, EARLIER)], Verdict::Send),
            (&[(IF_MATCH, TAG), (IF_NONE_MATCH, TAG)], Verdict::NotModified),
            (&[(IF_UNMODIFIED_SINCE, DATE)], Verdict::Send),
            (&[(IF_UNMODIFIED_SINCE, EARLIER)], Verdict::Failed),
            (&[(IF_UNMODIFIED_SINCE, "yesterday")], Verdict::Send),
        ];
        for (request, expected) in cases {
            assert_eq!(version().judge(&headers(request)), *expected, "{request:?}");
        }
    }

    #[test]
    fn a_part_fits_to_the_same_version_only() {
        let weak = format!("W/{TAG}");
        for (value, expected) in [
            (TAG, true),
            (&*weak, false),
            ("\"a\"", false),
            (DATE, true),
            (LATER, false),
            (EARLIER, false),
            ("x", false),
        ] {
            assert_eq!(version().fits_range(&headers(&[(IF_RANGE, value)])), expected, "{value}");
        }
        assert!(version().fits_range(&HeaderMap::new()));
        let fresh = Version::new((MODIFIED, 0), (MODIFIED, 0), 42, at(MODIFIED));
        assert!(!fresh.fits_range(&headers(&[(IF_RANGE, DATE)])), "it may change again within its second");
    }
}
