//! Events in answers: attributes on stderr, data on stdout.

use crate::run::{Ran, answered};

fn ran(content_type: &str, more: &str, body: &[u8]) -> Ran {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n{more}\r\n");
    answered(&[], &[head.as_bytes(), body].concat()).1
}

/// What stands behind the empty line below the headers.
fn attributes(ran: &Ran) -> &str {
    ran.stderr.split_once("\n\n").map_or("", |(_, rest)| rest)
}

#[test]
fn binary() {
    let more = "ce-specversion: 1.0\r\nce-id: a%20b\r\nce-type: t\r\nce-source: /s\r\nce-x: %zz\r\n";
    let ran = ran("text/plain", more, b"data\xff").assert_ok();
    let expected = "specversion: 1.0\nid: a b\ntype: t\nsource: /s\nx: %zz\ndatacontenttype: text/plain\n";
    assert_eq!((attributes(&ran), ran.stdout.as_slice()), (expected, &b"data\xff"[..]));
    ran.assert_says("ce-id: a%20b");
}

#[test]
fn structured() {
    let event = |rest: &str| {
        let body = format!(
            r#"{{"specversion":"1.0","id":"1","type":"t","source":"/s","y":true,"b":7.50,"none":null,"a":"x"{rest}}}"#
        );
        let ran = ran("application/CloudEvents+json; charset=utf-8", "", body.as_bytes()).assert_ok();
        (attributes(&ran).to_owned(), ran.stdout)
    };
    let core = "specversion: 1.0\nid: 1\ntype: t\nsource: /s\n";
    let more = "y: true\nb: 7.50\na: x\n";
    assert_eq!(event(""), (format!("{core}{more}"), b"".to_vec()));
    assert_eq!(
        event(r#","data":{"b": [1.50, null], "a": 1}"#),
        (format!("{core}{more}"), br#"{"b": [1.50, null], "a": 1}"#.to_vec())
    );
    let text = format!("{core}{more}datacontenttype: text/plain\n");
    assert_eq!(event(r#","datacontenttype":"text/plain","data":"hi\n""#), (text.clone(), b"hi\n".to_vec()));
    assert_eq!(event(r#","datacontenttype":"text/plain","data_base64":"//4=""#), (text, b"\xff\xfe".to_vec()));
}

#[test]
fn batch() {
    let body = br#"[{"specversion":"1.0","id":"1","type":"t","source":"/s","data":{"n":1}},
        {"specversion":"1.0","id":"2","type":"t","source":"/s","datacontenttype":"text/plain","data":"two\n"}]"#;
    let ran = ran("application/cloudevents-batch+json", "", body).assert_ok();
    assert_eq!(ran.text(), "{\"n\":1}\ntwo\n");
    let second = "\n\nspecversion: 1.0\nid: 2\ntype: t\nsource: /s\ndatacontenttype: text/plain\n";
    assert!(ran.stderr.contains("\n\nspecversion: 1.0\nid: 1\n") && ran.stderr.ends_with(second), "{}", ran.stderr);
    let ran = self::ran("application/cloudevents-batch+json", "", b"[]").assert_ok();
    assert_eq!(ran.text(), "");
}

#[test]
fn what_is_no_event_is_shown_as_it_is() {
    for (kind, body, name) in [
        ("application/cloudevents+json", "nonsense", "event"),
        ("application/cloudevents+json", r#"{"id":"1"}"#, "event"),
        ("application/cloudevents+json", "[]", "event"),
        ("application/cloudevents+json", r#"{"specversion":"1.0","data_base64":"?"}"#, "event"),
        ("application/cloudevents-batch+json", "{}", "batch of events"),
    ] {
        let ran = ran(kind, "", body.as_bytes());
        assert_eq!((ran.code, ran.text()), (0, body), "the status decides");
        assert!(ran.stderr.contains(&format!("heeler: invoke: the answer is no {name}: ")), "{}", ran.stderr);
    }
    let ran = ran("application/json", "", br#"{"specversion":"1.0"}"#);
    assert_eq!((ran.text(), attributes(&ran)), (r#"{"specversion":"1.0"}"#, ""));
}
