//! Requests of callers who have a version already (RFC 9110 §13).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::site::{DATE, EARLIER, LATER, Site};
use crate::support::Request;

#[test]
fn conditions_decide() {
    let site = Site::with(&["a.txt"]);
    let heeler = site.serve();
    let plain = heeler.get("/a.txt");
    assert_eq!(plain.header("last-modified"), Some(DATE));
    let tag = plain.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag} is strong");
    let (weak, many) = (format!("W/{tag}"), format!("\"x\", {tag}"));
    let cases: &[(&[(&str, &str)], u16)] = &[
        (&[("If-None-Match", &tag)], 304),
        (&[("If-None-Match", &weak)], 304),
        (&[("If-None-Match", &many)], 304),
        (&[("If-None-Match", "\"x\""), ("If-None-Match", &tag)], 304),
        (&[("If-None-Match", "*")], 304),
        (&[("If-None-Match", "\"x\"")], 200),
        (&[("If-None-Match", "\"x\""), ("If-Modified-Since", LATER)], 200),
        (&[("If-Modified-Since", DATE)], 304),
        (&[("If-Modified-Since", LATER)], 304),
        (&[("If-Modified-Since", EARLIER)], 200),
        (&[("If-Modified-Since", "Saturday, 21-Nov-26 10:00:00 GMT")], 304),
        (&[("If-Modified-Since", "Sat Nov 21 10:00:00 2026")], 304),
        (&[("If-Modified-Since", "now")], 200),
        (&[("If-Match", &tag)], 200),
        (&[("If-Match", "*")], 200),
        (&[("If-Match", &weak)], 412),
        (&[("If-Match", "\"x\"")], 412),
        (&[("If-Match", &tag), ("If-None-Match", &tag)], 304),
        (&[("If-Unmodified-Since", DATE)], 200),
        (&[("If-Unmodified-Since", EARLIER)], 412),
        (&[("If-Match", &tag), ("If-Unmodified-Since", EARLIER)], 200),
    ];
    let mut conn = heeler.conn();
    for method in ["GET", "HEAD"] {
        for (headers, status) in cases {
            let request = headers
                .iter()
                .fold(Request::new(method, "/a.txt"), |request, (name, value)| request.header(name, value));
            let response = conn.call(&request);
            assert_eq!(response.status, *status, "{method} {headers:?}");
            assert_eq!(response.header("etag"), Some(&*tag), "{method} {headers:?}");
            if *status == 304 {
                assert_eq!((response.header("content-length"), response.header("content-type")), (None, None));
            }
        }
    }
}

#[test]
fn a_new_version_has_a_new_tag() {
    let site = Site::with(&["a"]);
    let heeler = site.serve();
    let old = heeler.get("/a").header("etag").expect("a tag").to_owned();
    let ask = || heeler.call(&Request::get("/a").header("If-None-Match", &old));
    assert_eq!(ask().status, 304);
    site.write("a", b"longer");
    assert_eq!(ask().assert_ok().text(), "longer");
    let file = site.write("a", b"b");
    file.set_modified(UNIX_EPOCH + Duration::new(1_795_255_200, 1)).expect("a time");
    assert_eq!(ask().assert_ok().text(), "b", "same length, a nanosecond later");
}

/// Builders of images give every file the same time: two releases must not pass for one.
#[test]
fn a_time_that_says_nothing_is_not_told() {
    let site = Site::with(&[]);
    let heeler = site.serve();
    for seconds in [0, 1, 315_532_801] {
        let made_up = UNIX_EPOCH + Duration::from_secs(seconds);
        site.write("a", b"release 1").set_modified(made_up).expect("a time");
        let old = heeler.get("/a");
        assert_eq!(old.header("last-modified"), None);
        let ask = |name: &str, value: &str| heeler.call(&Request::get("/a").header(name, value));
        let tag = old.header("etag").expect("a tag");
        assert_eq!(ask("If-None-Match", tag).status, 304);
        assert_eq!(ask("If-Modified-Since", LATER).status, 200);
        std::fs::remove_file(site.path("a")).expect("the file");
        site.write("a", b"release 2").set_modified(made_up).expect("a time");
        assert_eq!(ask("If-None-Match", tag).assert_ok().text(), "release 2");
    }
}

#[test]
fn a_time_to_come_is_told_as_now() {
    let site = Site::with(&["a"]);
    let file = site.write("a", b"a");
    file.set_modified(SystemTime::now() + Duration::from_secs(1 << 20)).expect("a time");
    let response = site.serve().get("/a");
    let date = |name| httpdate::parse_http_date(response.header(name).expect("a date")).expect("a date");
    assert!(date("last-modified") <= date("date"), "{:?}", response.headers);
}

#[test]
fn a_part_is_given_to_whoever_has_the_rest() {
    let site = Site::with(&["abcdef"]);
    let heeler = site.serve();
    let tag = heeler.get("/abcdef").header("etag").expect("a tag").to_owned();
    for (value, status) in [
        (&*tag, 206),
        (DATE, 206),
        (&*format!("W/{tag}"), 200),
        ("\"x\"", 200),
        (EARLIER, 200),
        (LATER, 200),
        ("nonsense", 200),
    ] {
        let request = Request::get("/abcdef").header("Range", "bytes=2-3").header("If-Range", value);
        let response = heeler.call(&request);
        let text = if status == 206 { "cd" } else { "abcdef" };
        assert_eq!((response.status, &*response.text()), (status, text), "{value}");
        // Without a fitting part there is nothing to refuse.
        let beyond = Request::get("/abcdef").header("Range", "bytes=9-").header("If-Range", value);
        assert_eq!(heeler.call(&beyond).status, if status == 206 { 416 } else { 200 }, "{value}");
    }
    let both = Request::get("/abcdef").header("Range", "bytes=2-3").header("If-None-Match", &tag);
    assert_eq!(heeler.call(&both).status, 304, "conditions come before ranges");
}
