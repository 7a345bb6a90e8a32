//! How events reach handlers.

use serde_json::Value;

use crate::event::{DATA, JSON, STRUCTURED, binary, printing, structured, structured_text};
use crate::function::{Function, ask};
use crate::support::{ALL_MODES, Conn, Heeler, MODES, Request, Upstream, h2};

const CONVERTED: &str = "application/cloudevents+json; charset=utf-8";

/// Prints what a handler finds: attributes, the headers' variables, and the body.
const TELL: &str = r#"printf '%s|' "$CE_ID" "$CE_SOURCE" "$CE_TYPE" "$CE_SPECVERSION" "$CE_SUBJECT" "$CE_EURO" \
    "$CE_DATACONTENTTYPE" "${Http_Ce_Subject-$HTTP_CE_SUBJECT}" "${Http_Content_Type-$CONTENT_TYPE}"; cat"#;

/// Subject and content type among the headers, and the body.
fn told(heeler: &Heeler, request: &Request) -> (String, String, String) {
    let text = heeler.call(request).assert_ok().text();
    let rest = text.strip_prefix("7|/s|t|1.0|a b|€|application/json|").unwrap_or_else(|| panic!("{text}"));
    let mut parts = rest.splitn(3, '|').map(str::to_owned);
    let mut part = || parts.next().unwrap_or_else(|| panic!("{text}"));
    (part(), part(), part())
}

#[test]
fn processes_get_decoded_attributes_and_the_body_in_the_form_they_want() {
    for mode in MODES {
        for form in ["asis", "binary", "structured"] {
            let heeler = printing(mode, TELL).env("event_mode", form).start();
            for (request, came) in [(binary(), "binary"), (structured(), "structured")] {
                let (subject, kind, body) = told(&heeler, &request);
                let got = if form == "asis" { came } else { form };
                let what = format!("{mode}, {came} for {form}: {body}");
                if got == "binary" {
                    assert_eq!((subject.as_str(), kind.as_str(), body.as_str()), ("a%20b", JSON, DATA), "{what}");
                    continue;
                }
                let expected_kind = if came == got { STRUCTURED } else { CONVERTED };
                assert_eq!((subject.as_str(), kind.as_str()), ("", expected_kind), "{what}");
                assert!(body.contains(&format!("\"data\":{DATA}")), "{what}");
                let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
                assert_eq!(parsed(&body), parsed(&structured_text()), "{what}");
                assert!(came != got || body == structured_text(), "{what}");
            }
        }
    }
}

#[test]
fn calls_that_are_no_events_have_no_such_variables() {
    for mode in MODES {
        let env = [("CE_ID", "heeler's own"), ("CE_OTHER", "too")];
        let heeler = printing(mode, "env | grep ^CE_; true").envs(&env).start();
        assert_eq!(heeler.post("/", "x").assert_ok().text(), "", "{mode}");
        let seen = heeler.call(&binary()).assert_ok().text();
        assert!(seen.contains("CE_ID=7\n") && !seen.contains("OTHER"), "{mode}: {seen}");
    }
}

#[test]
fn without_request_data_in_the_environment_there_are_no_attributes_either() {
    let heeler = printing("streaming", "env | grep -E '^(CE|Http_Ce)_'; cat").env("cgi_headers", "false").start();
    assert_eq!(heeler.call(&binary()).assert_ok().text(), DATA);
}

#[test]
fn servers_get_events_in_the_form_they_want() {
    for (form, request, expected) in [
        ("asis", binary(), "binary"),
        ("asis", structured(), "structured"),
        ("binary", structured(), "binary"),
        ("structured", binary(), "structured"),
    ] {
        let upstream = Upstream::new();
        let heeler = upstream.heeler(&[("events", "auto"), ("event_mode", form)]);
        let asked = upstream.see(&heeler, &request);
        asked.assert_length(asked.body.len());
        let body = String::from_utf8(asked.body.clone()).unwrap();
        if expected == "binary" {
            assert_eq!(asked.header("ce-subject").as_deref(), Some("a%20b"), "{form}");
            assert_eq!(asked.header("ce-euro").as_deref(), Some("%E2%82%AC"), "{form}");
            assert_eq!((asked.header("content-type").as_deref(), body.as_str()), (Some(JSON), DATA), "{form}");
        } else {
            assert_eq!(asked.header("ce-id"), None, "{form}");
            assert!(asked.header("content-type").unwrap().starts_with(STRUCTURED), "{form}");
            assert!(body.contains(&format!("\"data\":{DATA}")), "{form}: {body}");
        }
    }
}

#[test]
fn a_converted_body_has_a_length_though_it_came_in_chunks() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("events", "auto"), ("event_mode", "binary")]);
    let chunked = Request::new("POST", "/").chunked(structured_text()).header("Content-Type", STRUCTURED);
    let asked = upstream.see(&heeler, &chunked);
    asked.assert_length(DATA.len());
    assert_eq!(asked.body, DATA.as_bytes());
}

#[test]
fn servers_speak_for_themselves_unless_asked() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[]);
    let broken = Request::post("/", "no JSON").header("Content-Type", STRUCTURED).header("Ce-Id", "");
    let asked = upstream.see(&heeler, &broken);
    assert_eq!((asked.body.as_slice(), asked.header("content-type").as_deref()), (&b"no JSON"[..], Some(STRUCTURED)));
}

#[test]
fn workers_get_attributes_and_data_apart() {
    let python =
        "def handle(event):\n    return [event.id, event.subject, event['euro'], event.data, event.datacontenttype]\n";
    let node = "exports.handle = (e) => [e.id, e.subject, e.euro, e.data, e.datacontenttype];";
    for (name, code, expected) in [
        ("function.py", python, r#"["7", "a b", "\u20ac", {"b": 1.1, "a": "x"}, "application/json"]"#),
        ("function.js", node, r#"["7","a b","€","{\"b\":1.10,\"a\":\"x\"}","application/json"]"#),
    ] {
        let Some(function) = Function::of(&[(name, code)]) else { continue };
        let heeler = function.start(&[]);
        ask(&heeler, &[(binary(), 200, JSON, expected), (structured(), 200, JSON, expected)]);
        let chunked = Request::new("POST", "/").chunked(structured_text()).header("Content-Type", STRUCTURED);
        ask(&heeler, &[(chunked, 200, JSON, expected)]);
    }
}

/// The function begins, and answers, while the event's data is still on its way.
#[test]
fn the_data_of_a_binary_event_flows() {
    let heeler = printing("streaming", r#"read line; echo "$CE_ID $line"; cat"#).start();
    flows(heeler.conn());
    let wsgi = r#"
        def app(environ, start):
            start("200 OK", [("Content-Type", "text/plain")])
            def pieces():
                yield (environ["HTTP_CE_ID"] + " ").encode() + environ["wsgi.input"].readline()
                yield environ["wsgi.input"].read()
            return pieces()
    "#;
    let Some(function) = Function::of(&[("main.py", wsgi)]) else { return };
    let heeler = function.start(&[("handler", "main.app"), ("handler_style", "wsgi")]);
    flows(heeler.conn());
}

#[track_caller]
fn flows(mut conn: Conn) {
    conn.send(&binary().chunked("").head_bytes());
    conn.send(b"6\r\nfirst\n\r\n");
    let head = conn.read_head().expect("a head before the body's end");
    assert_eq!(head.status, 200);
    assert_eq!(conn.read_chunk().unwrap().unwrap(), b"7 first\n");
    conn.send(b"5\r\nrest\n\r\n0\r\n\r\n");
    assert_eq!(conn.read_chunk().unwrap().unwrap(), b"rest\n");
    assert_eq!(conn.read_chunk().unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_may_speak_http_2() {
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "7"),
        ("ce-source", "/s"),
        ("ce-type", "t"),
        ("ce-subject", "a%20b"),
        ("ce-euro", "%E2%82%AC"),
        ("content-type", JSON),
    ];
    for mode in MODES {
        let heeler = printing(mode, TELL).env("event_mode", "binary").start();
        let mut client = h2::connect(heeler.address()).await;
        let binary = client.call(h2::request("POST", "/", &headers, DATA)).await.unwrap();
        assert_eq!(binary.text(), format!("7|/s|t|1.0|a b|€|{JSON}|a%20b|{JSON}|{DATA}"), "{mode}");
        let kind = [("content-type", STRUCTURED)];
        let structured = client.call(h2::request("POST", "/", &kind, structured_text())).await.unwrap();
        assert_eq!(structured.text(), binary.text(), "{mode}");
        let broken = client.call(h2::request("POST", "/", &headers[..3], DATA)).await.unwrap();
        assert_eq!((broken.status, broken.header("x-heeler-reason")), (400, Some("event")), "{mode}");
    }
}

#[test]
fn off_is_off_in_every_mode() {
    for mode in ALL_MODES {
        let heeler = Heeler::play(mode, crate::support::echo_of(mode), &[("events", "off")]);
        let broken = Request::post("/", "no JSON").header("Content-Type", STRUCTURED).header("Prefer", "reply");
        assert_eq!(heeler.call(&broken).assert_ok().text(), "no JSON", "{mode}");
    }
}
