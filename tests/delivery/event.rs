//! The event of these tests in both forms, and handlers that are a line of shell.

use crate::support::{Builder, Heeler, Request};

pub const JSON: &str = "application/json";
pub const STRUCTURED: &str = "application/cloudevents+json";
/// Number text and the order of keys are to stay.
pub const DATA: &str = r#"{"b":1.10,"a":"x"}"#;

/// In the form that has the attributes in headers.
pub fn binary() -> Request {
    let attributes = [
        ("Ce-Specversion", "1.0"),
        ("Ce-Id", "7"),
        ("Ce-Source", "/s"),
        ("Ce-Type", "t"),
        ("Ce-Subject", "a%20b"),
        ("Ce-Euro", "%E2%82%AC"),
    ];
    let request = Request::post("/", DATA).header("Content-Type", JSON);
    attributes.iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// The same in the form that has them in the body.
pub fn structured() -> Request {
    Request::post("/", structured_text()).header("Content-Type", STRUCTURED)
}

pub fn structured_text() -> String {
    let attributes = r#""specversion":"1.0","id":"7","source":"/s","type":"t","subject":"a b","euro":"€""#;
    format!(r#"{{{attributes},"datacontenttype":"{JSON}","data":{DATA}}}"#)
}

/// From a broker, which takes an event or nothing.
pub fn delivery(request: Request) -> Request {
    request.header("Prefer", "reply")
}

/// A handler that is a line of shell, for the modes with a process per call.
pub fn shell(mode: &str, script: &str) -> Builder {
    Heeler::builder().env("mode", mode).env("fprocess", &format!("sh -c {}", shell_words::quote(script)))
}

/// A line of shell that prints a head where the mode needs one, and goes on with `script`.
pub fn printing(mode: &str, script: &str) -> Builder {
    let head = if mode == "cgi" { "printf 'Content-Type: text/plain\\n\\n'; " } else { "" };
    shell(mode, &format!("{head}{script}"))
}
