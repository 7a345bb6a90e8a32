//! `reply=sink`: what of a handler's answer reaches the sink, and what the caller is told.

use serde_json::{Value, json};

use crate::event::{STRUCTURED, binary, delivery, printing, shell, structured};
use crate::function::Function;
use crate::support::{Asked, Builder, MODES, Request, Then, Upstream};
use crate::taker::{REPLY, Taker, WRAP, attributes, is_accepted, scripted, status};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const DROPPED: &str = "the answer to an event is none";

/// Calls of every kind: an event in both forms, a broker's delivery, and what is no event.
fn calls() -> [Request; 4] {
    [binary(), structured(), delivery(binary()), Request::get("/")]
}

#[test]
fn printed_events_go_to_the_sink_as_they_are() {
    for mode in MODES {
        let sink = Taker::new();
        let heeler = sink.behind(printing(mode, &format!("printf '%s' '{REPLY}'"))).start();
        for call in calls() {
            is_accepted(&heeler.call(&call));
            let asked = sink.only();
            assert_eq!((asked.line.as_str(), asked.header("host")), ("POST /default/x?y=1 HTTP/1.1", host(&sink)));
            assert!(asked.header("content-type").unwrap().starts_with(STRUCTURED), "{mode}: {asked:?}");
            assert_eq!(String::from_utf8_lossy(&asked.body), REPLY, "{mode}");
            asked.assert_length(REPLY.len());
            assert!(asked.names().iter().all(|name| !name.starts_with("ce-")), "{mode}: {asked:?}");
        }
        is_accepted(&heeler.call(&binary().header("Traceparent", TRACE)));
        let event: Value = serde_json::from_slice(&sink.only().body).unwrap();
        assert_eq!((&event["traceparent"], &event["id"]), (&json!(TRACE), &json!("r1")), "{mode}");
    }
}

fn host(sink: &Taker) -> Option<String> {
    sink.server.url().strip_prefix("http://").map(str::to_owned)
}

#[test]
fn events_in_headers_stay_so() {
    let sink = Taker::new();
    let script = scripted(&["Status: 201", "Ce-Subject: a%20b", "X-Mine: y", "Set-Cookie: z"]);
    let heeler = sink.behind(shell("cgi", &script)).start();
    for call in calls() {
        is_accepted(&heeler.call(&call.header("Traceparent", TRACE)));
        let asked = sink.only();
        assert_eq!(attributes(&asked), ["1.0", "r1", "/r", "r.t"]);
        let seen = ["ce-subject", "ce-traceparent", "content-type"].map(|name| asked.header(name).unwrap_or_default());
        assert_eq!(seen, ["a%20b", TRACE, "text/plain"]);
        assert_eq!(asked.body, b"data");
        asked.assert_length(4);
        assert!(!asked.names().contains("x-mine") && !asked.names().contains("set-cookie"), "{asked:?}");
    }
}

#[test]
fn output_is_wrapped_where_the_settings_name_it() {
    for mode in MODES {
        let sink = Taker::new();
        let heeler = sink.behind(printing(mode, "cat").envs(&WRAP).env("content_type", "text/plain")).start();
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..2 {
            is_accepted(&heeler.call(&Request::post("/", "text")));
            let asked = sink.only();
            let [version, id, source, kind] = attributes(&asked);
            assert_eq!((version.as_str(), source.as_str(), kind.as_str()), ("1.0", "/r", "r.t"), "{mode}");
            assert_eq!(
                (asked.body.as_slice(), asked.header("content-type").as_deref()),
                (&b"text"[..], Some("text/plain"))
            );
            assert!(ids.insert(id), "{mode}: no id comes twice");
        }
        is_accepted(&heeler.call(&Request::post("/", "")));
        assert_eq!(sink.all().len(), 0, "{mode}: there is nothing to send");
        is_accepted(&heeler.call(&Request::post("/", REPLY)));
        assert_eq!(String::from_utf8_lossy(&sink.only().body), REPLY, "{mode}: an event needs no wrapping");
        assert_eq!(heeler.stderr.count(|line| line.contains(DROPPED)), 0, "{mode}");
    }
}

#[test]
fn other_output_is_dropped_with_one_line() {
    for mode in MODES {
        let sink = Taker::new();
        let heeler = sink.behind(printing(mode, "cat")).start();
        is_accepted(&heeler.call(&Request::post("/", "text").header("X-Call-Id", "one")));
        let is_it = |line: &Value| line["call_id"] == "one" && line["msg"].as_str().unwrap_or("").contains(DROPPED);
        assert_eq!(heeler.stderr.wait_for_json("a line about it", is_it)["bytes"], 4);
        is_accepted(&heeler.call(&Request::post("/", "").header("X-Call-Id", "two")));
        assert_eq!(
            heeler.stderr.json().iter().filter(|line| line["call_id"] == "two" && line["level"] == "warn").count(),
            0
        );
        assert_eq!(sink.all().len(), 0, "{mode}");
    }
}

/// Also those that come behind the first output: nothing of a half event is sent.
#[test]
fn failures_are_the_callers_and_send_nothing() {
    let late = "echo '{\"specversion\":\"1.0\"'; sleep 0.2; exit 1";
    for mode in MODES {
        for (script, code) in [("exit 1", 500), ("exit 3", 422), (late, 500)] {
            let sink = Taker::new();
            let env = [("exit_codes", "3:422"), ("stream_hold", "1ms"), WRAP[0], WRAP[1]];
            let heeler = sink.behind(printing(mode, script).envs(&env)).start();
            assert_eq!(heeler.call(&binary()).status, code, "{mode}: {script}");
            assert_eq!(sink.all().len(), 0, "{mode}: {script}");
        }
    }
    let sink = Taker::new();
    let heeler = sink.behind(shell("cgi", &scripted(&["Status: 404 No"]))).start();
    assert_eq!((heeler.call(&binary()).status, sink.all().len()), (404, 0));
    let heeler = sink.behind(shell("cgi", &scripted(&["Ce-Time: now"]))).start();
    heeler.call(&binary()).assert_made_by_heeler(502, "reply");
    let heeler = sink.behind(printing("streaming", "head -c 2000 /dev/zero").envs(&WRAP).env("max_body", "1k")).start();
    heeler.call(&Request::get("/")).assert_made_by_heeler(502, "output_too_large");
    assert_eq!(sink.all().len(), 0);
}

#[test]
fn overrides_are_set_on_every_event_and_win() {
    let overrides = r#"{"extensions":{"mine":"a €","n":"7","traceparent":"own"}}"#;
    let of = |sink: &Taker, mode: &str, script: &str| -> Asked {
        let heeler = sink.behind(shell(mode, script)).env("K_CE_OVERRIDES", overrides).start();
        is_accepted(&heeler.call(&binary().header("Traceparent", TRACE)));
        sink.only()
    };
    let sink = Taker::new();
    let asked = of(&sink, "cgi", &scripted(&["Ce-Mine: theirs", "Ce-Other: x"]));
    let seen =
        ["ce-mine", "ce-n", "ce-traceparent", "ce-other", "ce-id"].map(|name| asked.header(name).unwrap_or_default());
    assert_eq!(seen, ["a%20%E2%82%AC", "7", "own", "x", "r1"]);
    let asked = of(&sink, "streaming", &format!("echo '{REPLY}'"));
    let text = String::from_utf8_lossy(&asked.body);
    assert!(text.contains(r#""data":{"z":1.10,"a":2}"#), "{text}");
    let event: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!([&event["mine"], &event["n"], &event["traceparent"], &event["id"]], ["a €", "7", "own", "r1"]);
}

#[test]
fn servers_speak_to_the_sink_in_both_forms() {
    let server = Upstream::serve(|link, asked| {
        assert_eq!(asked.header("accept-encoding"), None, "a sink would not know how to unpack it");
        link.send(match asked.target() {
            "/binary" => {
                b"HTTP/1.1 200 OK\r\nCe-Specversion: 1.0\r\nCe-Id: r1\r\nCe-Source: /r\r\nCe-Type: r.t\r\n\
                Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nda\r\n2\r\nta\r\n0\r\n\r\n"
            }
            "/packed" => {
                b"HTTP/1.1 200 OK\r\nContent-Type: application/cloudevents+json\r\nContent-Encoding: gzip\r\n\
                Content-Length: 6\r\n\r\npacked"
            }
            _ => b"HTTP/1.1 204 No Content\r\n\r\n".as_slice(),
        });
        Then::Keep
    });
    let sink = Taker::new();
    let heeler = sink.behind(server.builder().env("events", "auto")).start();
    let call = |path| heeler.call(&binary().target(path).header("Accept-Encoding", "gzip"));
    is_accepted(&call("/binary"));
    let asked = sink.only();
    assert_eq!(
        (attributes(&asked), asked.body.as_slice()),
        (["1.0", "r1", "/r", "r.t"].map(str::to_owned), &b"data"[..])
    );
    asked.assert_length(4);
    is_accepted(&call("/nothing"));
    call("/packed").assert_made_by_heeler(502, "reply");
    assert_eq!(sink.all().len(), 0);
}

#[test]
fn functions_speak_to_the_sink() {
    let code = r#"
        import json

        def app(environ, start):
            if environ["PATH_INFO"] == "/plain":
                start("200 OK", [("Content-Type", "text/plain")])
                return [b"text"]
            attributes = {"specversion": "1.0", "id": "r1", "source": "/r", "type": "r.t"}
            start("200 OK", [("Content-Type", "text/plain"), *(("Ce-" + name, text) for name, text in attributes.items())])
            return [b"da", b"ta"]
    "#;
    let Some(function) = Function::of(&[("main.py", code)]) else { return };
    let sink = Taker::new();
    let env = [("handler", "main.app"), ("handler_style", "wsgi"), WRAP[0], WRAP[1]];
    let heeler = sink.behind(function.builder().envs(&env)).start();
    for call in calls() {
        is_accepted(&heeler.call(&call));
        let asked = sink.only();
        assert_eq!(attributes(&asked), ["1.0", "r1", "/r", "r.t"]);
        assert_eq!(asked.body, b"data");
    }
    is_accepted(&heeler.call(&Request::get("/plain")));
    let asked = sink.only();
    assert_eq!((asked.header("ce-type").as_deref(), asked.body.as_slice()), (Some("r.t"), &b"text"[..]));
}

fn batch(ids: &[&str]) -> Request {
    let event = |id: &&str| json!({ "specversion": "1.0", "id": id, "source": "/s", "type": "t", "data": 1 });
    let events: Vec<Value> = ids.iter().map(event).collect();
    Request::post("/", serde_json::to_vec(&events).unwrap())
        .header("Content-Type", "application/cloudevents-batch+json")
}

#[test]
fn results_of_a_batch_go_one_by_one() {
    let sink = Taker::saying(|_, asked| {
        let event: Value = serde_json::from_slice(&asked.body).unwrap();
        status(if event["id"] == "b" { 400 } else { 202 })
    });
    let heeler = sink.behind(shell("streaming", "cat")).start();
    is_accepted(&heeler.call(&batch(&["a", "c", "d"])));
    assert_eq!(sink.all().len(), 3);
    let answer = heeler.call(&batch(&["a", "b", "c"]));
    answer.assert_made_by_heeler(503, "batch");
    let list: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(list, json!([{ "index": 1, "id": "b", "status": 502 }]));
    assert_eq!(sink.all().len(), 6, "one refusal stops no other");
}

/// A sink that is slow must not keep the handler from its next call.
#[test]
fn the_handlers_place_is_free_while_its_result_is_sent() {
    let sink = Upstream::new();
    for mode in MODES {
        is_free(&sink, printing(mode, &format!("echo '{REPLY}'")), mode);
    }
    let server = Upstream::serve(|link, _| {
        link.ok("text");
        Then::Keep
    });
    is_free(&sink, server.builder().env("events", "auto").envs(&WRAP), "http");
    let Some(function) = Function::python("def handle(event):\n    return 'text'\n") else { return };
    is_free(&sink, function.builder().envs(&WRAP).env("worker_concurrency", "1"), "warm");
}

#[track_caller]
fn is_free(sink: &Upstream, builder: Builder, mode: &str) {
    let env = [("reply", "sink"), ("K_SINK", sink.url()), ("max_inflight", "1"), ("queue_depth", "1")];
    let heeler = builder.envs(&env).start();
    let mut conns = [heeler.conn(), heeler.conn()];
    let mut links = Vec::new();
    for conn in &mut conns {
        conn.send(&binary().bytes());
        let mut link = sink.accept();
        assert_eq!(link.read_request().line, "POST / HTTP/1.1", "{mode}");
        links.push(link);
    }
    for (conn, link) in conns.iter_mut().zip(&mut links) {
        link.send(status(200).as_bytes());
        is_accepted(&conn.read_response("POST").unwrap());
    }
}
