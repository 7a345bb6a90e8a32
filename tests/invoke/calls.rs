//! Plain calls: who is called, and what is sent.

use std::fs;

use crate::run::{Run, asked_of, invoke, seen};
use crate::support::{ALL_MODES, Heeler, Upstream, echo_of, testfn};

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

#[test]
fn every_byte_of_a_request_is_known() {
    for (args, expected) in [
        (
            &[][..],
            "GET / HTTP/1.1\r\nHost: ADDRESS\r\nUser-Agent: heeler/VERSION\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        ),
        (
            &["-d", "{}", "-H", "X-A:  1 ", "-H", "x-a: 2", "-H", "host: b"],
            "POST / HTTP/1.1\r\nUser-Agent: heeler/VERSION\r\nAccept: */*\r\nConnection: close\r\ncontent-type: \
             application/json\r\nX-A: 1\r\nx-a: 2\r\nhost: b\r\nContent-Length: 2\r\n\r\n{}",
        ),
    ] {
        let peer = Upstream::new();
        let running = Run::new(&[&[peer.url()], args].concat()).start();
        let mut link = peer.accept();
        let address = peer.url().strip_prefix("http://").unwrap();
        let expected = expected.replace("ADDRESS", address).replace("VERSION", env!("CARGO_PKG_VERSION"));
        assert_eq!(String::from_utf8(link.read_exact(expected.len())).unwrap(), expected);
        link.send(NO_CONTENT);
        // And not a byte more.
        assert_eq!(link.read_to_end(), b"");
        running.end().assert_ok();
    }
}

#[test]
fn a_body_makes_a_post_and_tells_its_type() {
    for (data, kind) in [
        ("{\"a\": 1}", "application/json"),
        ("[]", "application/json"),
        ("5", "application/json"),
        ("plain", "text/plain"),
        ("", "text/plain"),
        ("{\"a\"", "text/plain"),
        ("ä", "text/plain"),
    ] {
        let asked = seen(&["--data", data]);
        assert_eq!((asked.method(), asked.header("content-type").as_deref()), ("POST", Some(kind)), "{data}");
        assert_eq!(asked.body, data.as_bytes());
        asked.assert_length(data.len());
    }
}

#[test]
fn options_say_it_otherwise() {
    let kind = |args: &[&str]| seen(args).header("content-type");
    assert_eq!(kind(&["-d", "{}", "-t", "a/b; c=d"]).as_deref(), Some("a/b; c=d"));
    assert_eq!(kind(&["-d", "{}", "-H", "Content-Type: a/b"]).as_deref(), Some("a/b"));
    assert_eq!(kind(&[]), None);
    let method = |args: &[&str]| seen(args).method().to_owned();
    assert_eq!(method(&["-X", "PUT"]), "PUT");
    assert_eq!(method(&["--method=DELETE"]), "DELETE");
    assert_eq!(method(&["--data", "a", "--method", "GET"]), "GET");
    seen(&["-X", "PUT"]).assert_length(0);
    seen(&["-X", "DELETE"]).assert_no_framing();
    assert_eq!(seen(&["-H", "User-Agent: me"]).header("user-agent").as_deref(), Some("me"));
}

#[test]
fn the_body_comes_from_a_file_or_from_stdin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let bytes = b"\xff\0\n{".repeat(1000);
    fs::write(&path, &bytes).unwrap();
    let asked = seen(&["--data-file", path.to_str().unwrap()]);
    assert!(asked.body == bytes && asked.header("content-type").as_deref() == Some("application/octet-stream"));
    for args in [["--data-file", "-"], ["--data", "-"]] {
        let run = |url: &str| Run::new(&[url, args[0], args[1]]).stdin(bytes.clone());
        assert!(asked_of(run, NO_CONTENT).0.body == bytes, "{args:?}");
    }
}

#[test]
fn the_path_goes_out_as_it_was_given() {
    for (path, target) in [("", "/"), ("/a/?b=c%20d&e#f", "/a/?b=c%20d&e"), ("//a", "//a"), ("?a", "/?a")] {
        let run = |url: &str| Run::new(&[&format!("{url}{path}")]);
        assert_eq!(asked_of(run, NO_CONTENT).0.target(), target);
    }
}

#[test]
fn a_unix_socket_is_called_too() {
    let folder = tempfile::tempdir().unwrap();
    let peer = Upstream::at(&folder.path().join("sock"));
    for (path, target) in [("", "/"), (":/a?b", "/a?b")] {
        let running = Run::new(&[&format!("{}{path}", peer.url())]).start();
        let mut link = peer.accept();
        let asked = link.read_request();
        assert_eq!((asked.target(), asked.header("host").as_deref()), (target, Some("localhost")));
        link.send(NO_CONTENT);
        drop(link);
        running.end().assert_ok();
    }
}

#[test]
fn without_a_url_the_settings_say_whom_to_call() {
    let heeler = Heeler::play("streaming", "env", &[]);
    let port = heeler.port.to_string();
    let here = |args: &[&str]| Run::new(args).env("port", &port).end().assert_ok();
    assert!(here(&[]).text().contains("Http_Path=/\n"));
    let ran = here(&["/x?y=1", "-d", "a"]);
    assert!(
        ["Http_Path=/x\n", "Http_Query=y=1\n", "Http_Method=POST\n"].iter().all(|line| ran.text().contains(line)),
        "{}",
        ran.text()
    );
}

/// As `kubectl exec` or `docker exec` runs it, where the port is whatever the instance took.
#[test]
fn the_lock_file_goes_before_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock");
    let lock = lock.to_str().unwrap();
    let heeler =
        Heeler::builder().role("streaming", "say hi").env("suppress_lock", "false").env("lock_file", lock).start();
    let call = || Run::new(&[]).env("suppress_lock", "false").env("lock_file", lock).end();
    assert_eq!(call().assert_ok().text(), "hi\n");
    drop(heeler);
    // Where nobody is left, the stale file is named.
    if fs::exists(lock).unwrap() {
        let ran = call();
        assert!(ran.code == 2 && ran.stderr.contains(&format!(", which {lock} names")), "{ran:?}");
    }
}

#[test]
fn every_mode_gets_the_body_and_gives_it_back() {
    for mode in ALL_MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        let url = format!("http://127.0.0.1:{}/", heeler.port);
        assert_eq!(invoke(&[&url, "-d", "some data"]).assert_ok().text(), "some data", "{mode}");
    }
}

/// The body goes out while the echo of it comes in: neither side may wait for the other.
#[test]
fn a_large_body_goes_both_ways_at_once() {
    let heeler = Heeler::start(&[("fprocess", &testfn("echo")), ("mode", "streaming")]);
    let body: Vec<u8> = (0..64 << 20).map(|at: u32| (at % 251) as u8).collect();
    let url = format!("http://127.0.0.1:{}/", heeler.port);
    let ran = Run::new(&[&url, "--data-file", "-", "--timeout", "0"]).stdin(body.clone()).end().assert_ok();
    assert!(ran.stdout == body, "{} bytes came back", ran.stdout.len());
}
