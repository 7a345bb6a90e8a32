//! Parts of files (RFC 9110 §14).

use std::os::unix::fs::FileExt;

use crate::site::{Download, Site};
use crate::support::{Heeler, Request, Response, assert_same, pattern, tree};

const TEN: &str = "0123456789";
const MIB: u64 = 1024 * 1024;

fn ask(heeler: &Heeler, target: &str, range: &str) -> Response {
    heeler.call(&Request::get(target).header("Range", range))
}

fn site() -> Site {
    let site = Site::with(&[]);
    site.write("ten.txt", TEN.as_bytes());
    site.write("empty", b"");
    site
}

#[test]
fn one_part() {
    let site = site();
    let heeler = site.serve();
    for (range, part, content_range) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-100", TEN, "bytes 0-9/10"),
        ("bytes=0-", TEN, "bytes 0-9/10"),
        ("bytes=8-100", "89", "bytes 8-9/10"),
        ("bytes=8-18446744073709551615", "89", "bytes 8-9/10"),
        ("bytes=2-4,50-60", "234", "bytes 2-4/10"),
    ] {
        let response = ask(&heeler, "/ten.txt", range);
        assert_eq!((response.status, &*response.text()), (206, part), "{range}");
        assert_eq!(response.header("content-range"), Some(content_range), "{range}");
        assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(response.header("content-length"), Some(&*part.len().to_string()));
        assert!(response.header("etag").is_some() && response.header("last-modified").is_some());
    }
    assert_eq!(heeler.get("/ten.txt").header("accept-ranges"), Some("bytes"));
}

#[test]
fn no_part() {
    let site = site();
    let heeler = site.serve();
    for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=50-60,70-"] {
        let response = ask(&heeler, "/ten.txt", range);
        assert_eq!((response.status, response.header("content-range")), (416, Some("bytes */10")), "{range}");
        assert_eq!(response.header("content-length"), Some("0"));
    }
}

#[test]
fn what_is_no_range_is_the_whole() {
    let site = site();
    let heeler = site.serve();
    for range in ["lines=1-2", "bytes=4-2", "bytes=x", "bytes=", "bytes=0-1,x", "bytes=0-9,0-9", "0-1"] {
        assert_eq!(ask(&heeler, "/ten.txt", range).assert_ok().text(), TEN, "{range}");
    }
    assert_eq!(ask(&heeler, "/empty", "bytes=0-").assert_ok().body, b"");
    let two = Request::get("/ten.txt").header("Range", "bytes=0-0").header("Range", "bytes=1-1");
    assert_eq!(heeler.call(&two).assert_ok().text(), TEN);
    let head = heeler.call(&Request::new("HEAD", "/ten.txt").header("Range", "bytes=0-0"));
    assert_eq!((head.status, head.header("content-length")), (200, Some("10")), "ranges are for GET");
}

#[test]
fn several_parts() {
    let site = site();
    let bytes = pattern(300_000);
    site.write("big.bin", &bytes);
    let heeler = site.serve();
    type Case<'a> = (&'a str, &'a [u8], &'a str, &'a [(usize, usize)]);
    let cases: [Case<'_>; 3] = [
        ("/ten.txt", TEN.as_bytes(), "bytes=8-9, 0-1,4-4", &[(8, 9), (0, 1), (4, 4)]),
        ("/big.bin", &bytes, "bytes=0-99999,150000-,50-50", &[(0, 99_999), (150_000, 299_999), (50, 50)]),
        ("/big.bin", &bytes, "bytes=100-100,-1", &[(100, 100), (299_999, 299_999)]),
    ];
    for (target, bytes, range, parts) in cases {
        let whole = heeler.get(target);
        let response = ask(&heeler, target, range);
        assert_eq!((response.status, response.header("content-range")), (206, None), "{range}");
        assert_eq!(response.header("content-length"), Some(&*response.body.len().to_string()));
        let content_type = response.header("content-type").expect("a type");
        let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect("a boundary");
        let mut expected = Vec::new();
        for (from, to) in parts {
            let kind = whole.header("content-type").expect("a type");
            let line_end = if expected.is_empty() { "" } else { "\r\n" };
            let head = format!(
                "{line_end}--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {from}-{to}/{}\r\n\r\n",
                bytes.len()
            );
            expected.extend_from_slice(head.as_bytes());
            expected.extend_from_slice(&bytes[*from..=*to]);
        }
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert_same(&response.body, &expected, range);
    }
    let boundaries =
        [(); 2].map(|()| ask(&heeler, "/ten.txt", "bytes=0-0,2-2").header("content-type").map(str::to_owned));
    assert_ne!(boundaries[0], boundaries[1], "nobody can write a file around it");
}

/// Each byte a thousand times over: a small request must not become a large answer.
#[test]
fn greedy_ranges_get_the_whole_once() {
    let site = site();
    let heeler = site.serve();
    let many = |part: &str| format!("bytes={}", [part; 1000].join(","));
    for range in [many("0-"), many("0-0"), many("-1")] {
        let response = ask(&heeler, "/ten.txt", &range);
        assert_eq!(response.assert_ok().text(), TEN);
    }
}

#[test]
fn parts_of_a_large_file_cost_no_memory() {
    let site = Site::with(&[]);
    let file = site.sparse("large", 100 * MIB);
    for (at, mark) in [(0, b"first"), (50 * MIB, b"mid-5"), (100 * MIB - 5, b"last!")] {
        file.write_all_at(mark, at).expect("room on the disk");
    }
    let heeler = site.serve();
    ask(&heeler, "/large", "bytes=0-1000000");
    let idle = tree::size(heeler.pid, "VmRSS");
    for (range, begin, length) in [
        ("bytes=0-4", b"first", 5),
        ("bytes=-5", b"last!", 5),
        ("bytes=52428800-52428804", b"mid-5", 5),
        ("bytes=52428800-", b"mid-5", 50 * MIB),
    ] {
        let response = ask(&heeler, "/large", range);
        assert_eq!((response.status, response.body.len() as u64), (206, length), "{range}");
        assert_eq!(&response.body[..5], begin, "{range}");
    }
    let whole = count(&heeler, &Request::get("/large"), idle);
    assert_eq!(whole, 100 * MIB);
    let two = count(&heeler, &Request::get("/large").header("Range", "bytes=0-52428799,52428800-104857599"), idle);
    assert!(two > 100 * MIB && two < 100 * MIB + 1000);
}

/// How long an answer's body is, while nobody holds it: neither this client nor heeler.
fn count(heeler: &Heeler, request: &Request, idle: u64) -> u64 {
    let mut download = Download::of(heeler.conn(), request);
    let (mut read, mut most) = (0, 0);
    let length = download.head.header("content-length").expect("a length").parse().expect("a number");
    while read < length {
        let some = download.some() as u64;
        assert!(some > 0, "cut after {read} of {length}");
        read += some;
        most = most.max(tree::size(heeler.pid, "VmRSS"));
    }
    let grown = most.saturating_sub(idle);
    assert!(grown < 4 * MIB, "{grown} bytes above idle");
    read
}
