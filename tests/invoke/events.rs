//! Events on their way out, in all three forms.

use serde_json::{Value, json};

use crate::run::{Run, answered, asked_of, invoke, seen};
use crate::support::{Asked, Heeler, testfn};

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

/// Takes a member out that differs from run to run, and checks that it looks like a time.
fn take_time(event: &mut Value) {
    let time = event.as_object_mut().unwrap().remove("time").unwrap();
    let time = time.as_str().unwrap();
    assert!(
        time.starts_with("20") && time.contains('T') && (time.ends_with('Z') || time.ends_with("+00:00")),
        "{time}"
    );
}

const ALL: [&str; 14] = [
    "--event",
    "--type",
    "a.b",
    "--source",
    "/s?x=%22y",
    "--id",
    "7 %",
    "--subject",
    "ä b",
    "--extension",
    "b=true",
    "--extension",
    "a=1",
    "--data={\"n\":1.50}",
];

#[test]
fn binary_puts_the_attributes_into_headers() {
    let asked = seen(&ALL);
    assert_eq!(asked.method(), "POST");
    let header = |name: &str| asked.header(name).unwrap_or_default();
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", "7%20%25"),
        ("ce-type", "a.b"),
        ("ce-source", "/s?x=%2522y"),
        ("ce-subject", "%C3%A4%20b"),
        ("ce-a", "1"),
        ("ce-b", "true"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(header(name), value, "{name}");
    }
    assert!(header("ce-time").starts_with("20"));
    assert_eq!(asked.header("ce-datacontenttype"), None);
    assert_eq!(asked.body, b"{\"n\":1.50}", "as it came, to the byte");
}

#[test]
fn structured_is_one_object() {
    let asked = seen(&[&ALL[..], &["--structured"]].concat());
    assert_eq!(asked.header("content-type").as_deref(), Some("application/cloudevents+json; charset=utf-8"));
    assert!(!asked.names().iter().any(|name| name.starts_with("ce-")));
    let mut event = body(&asked);
    take_time(&mut event);
    let expected = json!({
        "specversion": "1.0", "id": "7 %", "type": "a.b", "source": "/s?x=%22y", "subject": "ä b", "a": "1", "b": "true",
        "datacontenttype": "application/json",
    });
    // A number keeps its digits.
    assert_eq!(event.as_object_mut().unwrap().remove("data").unwrap().to_string(), "{\"n\":1.50}");
    assert_eq!(event, expected);
}

#[test]
fn data_in_an_object_is_json_text_or_base64() {
    let data = |args: &[&str]| body(&seen(&[&["-e", "--structured"], args].concat()));
    let event = data(&["-d", "hi"]);
    assert_eq!((&event["data"], &event["datacontenttype"]), (&json!("hi"), &json!("text/plain")));
    let event = data(&["-d", "\"hi\""]);
    assert_eq!((&event["data"], &event["datacontenttype"]), (&json!("hi"), &json!("application/json")));
    let event = data(&["-d", "{}", "-t", "text/plain"]);
    assert_eq!(event["data"], json!("{}"));
    let event = data(&["-d", "[1]", "-t", "a/b+JSON; c=d"]);
    assert_eq!(event["data"], json!([1]));
    let event = data(&[]);
    assert_eq!((event.get("data"), event.get("datacontenttype")), (None, None));
    let run = |url: &str| Run::new(&[url, "-e", "--structured", "-d", "-"]).stdin(b"\xff\xfe".to_vec());
    let event = body(&asked_of(run, b"HTTP/1.1 204 No Content\r\n\r\n").0);
    assert_eq!((&event["data_base64"], event.get("data")), (&json!("//4="), None));
    assert_eq!(event["datacontenttype"], "application/octet-stream");
}

#[test]
fn json_goes_into_an_object_as_it_is_written() {
    let json = r#"{"z": 1.50, "a": [1e400, 12345678901234567890123], "z": "\u00e4"}"#;
    for form in [&["--structured"][..], &["--batch", "2"]] {
        let asked = seen(&[&["-e", "-d", &format!(" {json}\n")], form].concat());
        let text = String::from_utf8(asked.body).unwrap();
        assert!(text.contains(&format!(",\"data\":{json}}}")), "{text}");
    }
}

#[test]
fn a_batch_is_so_many_copies() {
    let asked = seen(&["-e", "--batch", "3", "--id", "x", "-d", "{\"a\":1}"]);
    assert_eq!(asked.header("content-type").as_deref(), Some("application/cloudevents-batch+json; charset=utf-8"));
    let events = body(&asked);
    let ids: Vec<_> = events.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["x-1", "x-2", "x-3"]);
    assert!(events.as_array().unwrap().iter().all(|event| event["data"] == json!({"a": 1})));
}

#[test]
fn what_is_not_said_has_a_default() {
    let (asked, ran) = answered(&["--event"], b"HTTP/1.1 204 No Content\r\n\r\n");
    let header = |name: &str| asked.header(name).unwrap();
    assert_eq!((header("ce-type"), header("ce-source")), ("heeler.invoke".to_owned(), "heeler/invoke".to_owned()));
    let id = header("ce-id");
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    ran.assert_says(&format!("heeler: invoke: the event's id is {id}"));
    assert_ne!(seen(&["--event"]).header("ce-id").unwrap(), id);
    assert_eq!((asked.method(), asked.body.as_slice()), ("POST", &b""[..]));
    asked.assert_length(0);
    assert_eq!(asked.header("content-type"), None);
}

#[test]
fn a_function_gets_it() {
    let heeler = Heeler::start(&[("fprocess", &testfn("env"))]);
    let url = format!("http://127.0.0.1:{}/", heeler.port);
    let ran = invoke(&[&[url.as_str()], &ALL[..]].concat()).assert_ok();
    assert!(ran.text().contains("Http_Ce_Type=a.b\n"), "{}", ran.text());
}
