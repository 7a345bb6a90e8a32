//! Handlers whose answers are no events: on a delivery they are wrapped or dropped, never sent as they are.

use crate::event::{STRUCTURED, binary, delivery, printing, shell, structured};
use crate::function::Function;
use crate::support::{Heeler, MODES, Request, Then, Upstream};

const DROPPED: &str = "the answer to an event is none";

/// The line of a call that says what was dropped, and that there is one only.
#[track_caller]
fn dropped(heeler: &Heeler, call_id: &str) -> u64 {
    let is_it = |line: &serde_json::Value| {
        line["call_id"] == call_id && line["msg"].as_str().is_some_and(|text| text.contains(DROPPED))
    };
    let line = heeler.stderr.wait_for_json("a line about it", is_it);
    assert_eq!(heeler.stderr.json().iter().filter(|line| is_it(line)).count(), 1);
    line["bytes"].as_u64().expect("a length")
}

#[track_caller]
fn is_dropped(heeler: &Heeler, what: &str) {
    for (id, request) in [("one", binary()), ("two", structured())] {
        let answer = heeler.call(&delivery(request).header("X-Call-Id", id));
        assert_eq!((answer.status, answer.text().as_str()), (202, ""), "{what}");
        assert_eq!((answer.header("content-type"), answer.header("content-length")), (None, Some("0")), "{what}");
        assert_eq!(dropped(heeler, id), 5, "{what}");
    }
}

#[test]
fn text_is_dropped_with_one_line() {
    for mode in MODES {
        let heeler = printing(mode, "echo text").start();
        is_dropped(&heeler, mode);
        assert_eq!(heeler.call(&binary()).assert_ok().text(), "text\n", "{mode}: nobody asked for a reply");
        let plain = delivery(Request::post("/", "x"));
        assert_eq!(heeler.call(&plain).assert_ok().text(), "text\n", "{mode}: it is no event");
    }
    let upstream = Upstream::serve(|link, _| {
        link.ok("text\n");
        Then::Keep
    });
    is_dropped(&upstream.heeler(&[("events", "auto")]), "http");
    for (name, code) in [
        ("function.py", "def handle(event):\n    return 'text\\n'\n"),
        ("function.js", "exports.handle = (event) => 'text\\n';"),
    ] {
        let Some(function) = Function::of(&[(name, code)]) else { continue };
        is_dropped(&function.start(&[]), name);
    }
}

/// What classic-watchdog makes of the request's type must not pass for an event.
#[test]
fn classic_takes_no_events_type_over() {
    let heeler = printing("classic", "echo text").start();
    let answer = heeler.call(&structured());
    assert!(answer.header("content-type").unwrap().starts_with("text/plain"), "{:?}", answer.headers);
    let echo = printing("classic", "cat").start();
    let answer = echo.call(&delivery(structured()));
    assert_eq!((answer.status, answer.text().as_str()), (202, ""), "an event is not its own reply");
}

#[test]
fn nothing_is_nothing_and_no_line() {
    for mode in MODES {
        let heeler = printing(mode, "true").envs(&[("reply_type", "r.t"), ("reply_source", "/r")]).start();
        let answer = heeler.call(&delivery(binary()));
        assert_eq!((answer.status, answer.text().as_str(), answer.header("ce-id")), (202, "", None), "{mode}");
        assert_eq!(heeler.stderr.count(|line| line.contains(DROPPED)), 0, "{mode}");
    }
    let upstream = Upstream::serve(|link, _| {
        link.send(b"HTTP/1.1 204 No Content\r\n\r\n");
        Then::Keep
    });
    let heeler = upstream.heeler(&[("events", "auto"), ("reply_type", "r.t"), ("reply_source", "/r")]);
    assert_eq!(heeler.call(&delivery(binary())).status, 202);
    assert_eq!(heeler.stderr.count(|line| line.contains(DROPPED)), 0);
}

#[test]
fn output_becomes_an_events_data_where_the_settings_name_it() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for mode in MODES {
        let env = [("reply_type", "r.t"), ("reply_source", "/r s"), ("content_type", "application/x-mine")];
        let rejected = printing(mode, "echo text").envs(&env).spawn();
        rejected.stderr.wait_for("reply_source");
        let env = [("reply_type", "r.t"), ("reply_source", "/r"), ("content_type", "application/x-mine")];
        let heeler = printing(mode, "echo text").envs(&env).start();
        let mut ids = std::collections::BTreeSet::new();
        for request in [binary(), structured()] {
            let answer = heeler.call(&delivery(request).header("Traceparent", trace));
            let kind = if mode == "cgi" { "text/plain" } else { "application/x-mine" };
            let seen = ["ce-specversion", "ce-source", "ce-type", "ce-traceparent", "content-type"]
                .map(|name| answer.header(name).unwrap_or_default().to_owned());
            assert_eq!(seen, ["1.0", "/r", "r.t", trace, kind], "{mode}");
            assert_eq!(answer.assert_ok().text(), "text\n", "{mode}");
            assert!(ids.insert(answer.header("ce-id").expect("an id").to_owned()), "{mode}: no id comes twice");
        }
        assert_eq!(heeler.call(&binary()).header("ce-id"), None, "{mode}: nobody asked for a reply");
        assert_eq!(heeler.stderr.count(|line| line.contains(DROPPED)), 0, "{mode}");
    }
}

/// A type that is none would make the wrapped event a broken one, again and again.
#[test]
fn data_of_a_nonsensical_type_has_none() {
    let env = [("reply_type", "r.t"), ("reply_source", "/r")];
    let script = "printf 'Content-Type: nonsense\\n\\n'; echo text";
    let heeler = shell("cgi", script).envs(&env).start();
    let answer = heeler.call(&delivery(binary()).header("Traceparent", "no trace"));
    assert_eq!((answer.assert_ok().text().as_str(), answer.header("content-type")), ("text\n", None));
    assert_eq!(answer.header("ce-traceparent"), None);
}

/// Megabytes that a process holds or has held at most, by the kernel's count.
fn peak_mib(heeler: &Heeler) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", heeler.pid)).expect("a living process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

#[test]
fn what_is_dropped_is_not_held() {
    const LENGTH: usize = 64 << 20;
    for reply in ["auto", "event"] {
        let heeler = printing("streaming", &format!("head -c {LENGTH} /dev/zero")).env("reply", reply).start();
        is_let_go(&heeler, LENGTH);
    }
    let upstream = Upstream::serve(|link, _| {
        link.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes());
        let piece = vec![b'x'; 1 << 20];
        (0..LENGTH >> 20).for_each(|_| assert!(link.send(&piece)));
        Then::Keep
    });
    is_let_go(&upstream.heeler(&[("events", "auto")]), LENGTH);
    let code = "def app(environ, start):\n    start('200 OK', [])\n    return (b'x' * 1048576 for _ in range(64))\n";
    let Some(function) = Function::of(&[("main.py", code)]) else { return };
    is_let_go(&function.start(&[("handler", "main.app"), ("handler_style", "wsgi")]), LENGTH);
}

#[track_caller]
fn is_let_go(heeler: &Heeler, length: usize) {
    let answer = heeler.call(&delivery(binary()).header("X-Call-Id", "large"));
    assert_eq!((answer.status, answer.text().as_str()), (202, ""));
    assert_eq!(dropped(heeler, "large"), length as u64);
    assert!(peak_mib(heeler) < 40, "{} MiB", peak_mib(heeler));
}

/// Servers pack answers where the caller takes that, and Go's clients do.
#[test]
fn a_packed_event_goes_on_as_it_is() {
    let upstream = Upstream::serve(|link, _| {
        let head = format!("Content-Type: {STRUCTURED}\r\nContent-Encoding: gzip\r\nContent-Length: 6");
        link.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\npacked").as_bytes());
        Then::Keep
    });
    let answer = upstream.heeler(&[("events", "auto")]).call(&delivery(binary()));
    assert_eq!((answer.assert_ok().text().as_str(), answer.header("content-encoding")), ("packed", Some("gzip")));
}
