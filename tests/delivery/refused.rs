//! What is no event that could be handed on: the caller reads the attribute and the rule, and never its own words.

use crate::event::{DATA, STRUCTURED, binary, printing, structured, structured_text};
use crate::function::Function;
use crate::support::{Gate, Heeler, MODES, Request, Response, Upstream};

const SECRET: &str = "the-callers-own-words";

fn without(name: &str) -> Request {
    let pairs = [("Ce-Specversion", "1.0"), ("Ce-Id", SECRET), ("Ce-Source", "/s"), ("Ce-Type", "t")];
    let kept = pairs.iter().filter(|(given, _)| *given != name);
    kept.fold(Request::post("/", SECRET), |request, (name, value)| request.header(name, value))
}

fn with(name: &str, value: &str) -> Request {
    without(name).header(name, value)
}

fn of_text(text: &str) -> Request {
    Request::post("/", text).header("Content-Type", STRUCTURED)
}

/// Request, status, and what the answer says.
fn table() -> Vec<(Request, u16, &'static str)> {
    let kind = |kind: &str| Request::post("/", SECRET).header("Content-Type", kind);
    let of = |rest: &str| of_text(&format!(r#"{{"specversion":"1.0","source":"/s","type":"t"{rest}}}"#));
    vec![
        (without("Ce-Id"), 400, "id: missing"),
        (without("Ce-Source"), 400, "source: missing"),
        (without("Ce-Type"), 400, "type: missing"),
        (with("Ce-Id", ""), 400, "id: "),
        (with("Ce-Specversion", SECRET), 400, "specversion: "),
        (with("Ce-Time", SECRET), 400, "time: not an RFC 3339 time"),
        (with("Ce-Dataschema", SECRET), 400, "dataschema: "),
        (with("Ce-Source", "/s").header("Ce-Source", SECRET), 400, "source: there more than once"),
        (with("Ce-Id", "%C0%A0"), 400, "id: not UTF-8"),
        (of_text(SECRET), 400, "no valid CloudEvent"),
        (of(r#","id":7"#), 400, "id: "),
        (of(&format!(r#","id":"{SECRET}","id":"2""#)), 400, "id: there more than once"),
        (of(&format!(r#","id":"1","data":"{SECRET}","data_base64":"AA==""#)), 400, "data"),
        (kind("application/cloudevents+avro"), 415, "the content type"),
        (kind("application/cloudevents"), 415, "the content type"),
        (kind("application/cloudevents-batch+json"), 400, "the body: not JSON"),
        (structured().header("Content-Encoding", "gzip"), 415, "Content-Encoding"),
    ]
}

#[track_caller]
fn is_refused(answer: &Response, status: u16, says: &str, mode: &str) {
    let text = answer.text();
    assert_eq!((answer.status, answer.reason()), (status, "event"), "{mode}: {text}");
    assert!(text.contains(says), "{mode}: {text:?} does not say {says:?}");
    assert!(!text.contains(SECRET), "{mode}: {text}");
}

#[test]
fn processes_are_not_started_for_broken_events() {
    for mode in MODES {
        let gate = Gate::new();
        let run = gate.file("run");
        let heeler = printing(mode, &format!("echo >> {}", run.display())).start();
        for (request, status, says) in table() {
            is_refused(&heeler.call(&request), status, says, mode);
            is_refused(&heeler.call(&request.header("Prefer", "reply")), status, says, mode);
        }
        assert!(!run.exists(), "{mode}: the handler has run");
        assert!(!heeler.stderr.text().contains(SECRET), "{mode}: the log has the caller's words");
        heeler.call(&binary()).assert_ok();
        assert!(run.exists(), "{mode}");
    }
}

#[test]
fn servers_and_workers_do_not_see_broken_events() {
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("events", "auto")]);
    for (request, status, says) in table() {
        is_refused(&heeler.call(&request), status, says, "http");
    }
    assert_eq!(upstream.used(), 0);
    let code = "import meet\ndef handle(event):\n    meet.note('run')\n    return 'ok'\n";
    let Some(function) = Function::python(code) else { return };
    let heeler = function.start(&[]);
    for (request, status, says) in table() {
        is_refused(&heeler.call(&request), status, says, "warm");
    }
    assert!(!function.gate.has("run"));
    heeler.call(&binary()).assert_ok();
    assert!(function.gate.has("run"));
}

#[test]
fn required_refuses_all_else() {
    for mode in MODES {
        let heeler = printing(mode, "cat").envs(&[("events", "required"), ("event_mode", "binary")]).start();
        for request in [Request::get("/"), Request::post("/", DATA).header("Content-Type", "application/json")] {
            is_refused(&heeler.call(&request), 415, "only CloudEvents are taken here (events=required)", mode);
        }
        for request in [binary(), structured()] {
            assert_eq!(heeler.call(&request).assert_ok().text(), DATA, "{mode}");
        }
    }
    let upstream = Upstream::new();
    let heeler = upstream.heeler(&[("events", "required")]);
    is_refused(&heeler.get("/"), 415, "events=required", "http");
    upstream.see(&heeler, &binary());
}

#[test]
fn an_event_that_has_to_be_held_is_bound() {
    for mode in MODES {
        let limit = structured_text().len();
        let heeler = printing(mode, "cat").env("max_body", &limit.to_string()).start();
        assert_eq!(heeler.call(&structured()).assert_ok().text(), structured_text(), "{mode}");
        for padded in
            [Request::post("/", structured_text() + " "), Request::new("POST", "/").chunked(structured_text() + " ")]
        {
            let answer = heeler.call(&padded.header("Content-Type", STRUCTURED));
            answer.assert_made_by_heeler(413, "body_too_large");
        }
    }
}

/// An environment takes 128 KiB of each variable, and heads take 64 KiB.
#[test]
fn attributes_that_are_too_large_to_be_handed_on() {
    let of = |length: usize| {
        let large = "x".repeat(length);
        of_text(&format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","large":"{large}"}}"#))
    };
    for mode in MODES {
        let heeler = printing(mode, r#"printf %s "${#CE_LARGE}""#).start();
        assert_eq!(heeler.call(&of(100_000)).assert_ok().text(), "100000", "{mode}");
        assert_eq!(heeler.call(&of(200_000)).status, 431, "{mode}");
        let heeler = printing(mode, r#"printf %s "${#CE_LARGE}""#).env("event_mode", "binary").start();
        assert_eq!(heeler.call(&of(60_000)).assert_ok().text(), "60000", "{mode}");
        is_refused(&heeler.call(&of(70_000)), 431, "the attributes: larger together", mode);
    }
    for (name, code) in [
        ("function.py", "def handle(event):\n    return str(len(event.large))\n"),
        ("function.js", "exports.handle = (event) => String(event.large.length);"),
    ] {
        let Some(function) = Function::of(&[(name, code)]) else { continue };
        let heeler = function.start(&[]);
        assert_eq!(heeler.call(&of(60_000)).assert_ok().text(), "60000", "{name}");
        is_refused(&heeler.call(&of(70_000)), 431, "the attributes: larger together", name);
        // Each byte of it takes three as a header, which the worker has to be given, too.
        let spaces = |length: usize| {
            let large = " ".repeat(length);
            of_text(&format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"t","large":"{large}"}}"#))
        };
        assert_eq!(heeler.call(&spaces(21_000)).assert_ok().text(), "21000", "{name}");
        is_refused(&heeler.call(&spaces(22_000)), 431, "the attributes: larger together", name);
        assert_eq!(heeler.stderr.count(|line| line.contains("worker is up")), 1, "{name}: no worker was lost");
    }
}

#[test]
fn a_packed_event_is_data_like_any_other() {
    let heeler: Heeler = printing("streaming", "cat").start();
    let packed = binary().header("Content-Encoding", "gzip");
    assert_eq!(heeler.call(&packed).assert_ok().text(), DATA);
    let heeler = printing("streaming", "cat").env("event_mode", "structured").start();
    is_refused(&heeler.call(&packed), 415, "Content-Encoding", "streaming");
}
