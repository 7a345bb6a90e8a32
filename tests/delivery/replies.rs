//! Handlers that answer with an event: it goes out as they made it.

use serde_json::Value;

use crate::event::{STRUCTURED, binary, delivery, printing, shell, structured};
use crate::support::{Heeler, MODES, Request, Response, Upstream};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const REPLY: &str = r#"{"specversion":"1.0","id":"r1","source":"/r","type":"r.t","n":5,"data":{"z":1.10,"a":2}}"#;

fn of_script(lines: &[&str]) -> String {
    let head = ["Status: 202 Accepted", "Content-Type: text/plain", "Ce-Specversion: 1.0", "Ce-Id: r1"];
    let rest = ["Ce-Source: /r", "Ce-Subject: a%20b"];
    let all = head.iter().chain(&rest).chain(lines);
    all.map(|line| format!("echo '{line}'; ")).collect::<String>() + "echo; printf data"
}

#[track_caller]
fn is_reply(answer: &Response) {
    answer.assert_ok();
    let seen = ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "content-type"]
        .map(|name| answer.header(name).unwrap_or_default().to_owned());
    assert_eq!(seen, ["1.0", "r1", "/r", "r.t", "a%20b", "text/plain"]);
    assert_eq!(answer.text(), "data");
}

#[test]
fn scripts_answer_with_headers() {
    let heeler = shell("cgi", &of_script(&["Ce-Type: r.t"])).start();
    for request in [binary(), structured()] {
        let answer = heeler.call(&delivery(request.clone()));
        is_reply(&answer);
        assert_eq!(answer.header("ce-traceparent"), None);
        let answer = heeler.call(&delivery(request.clone()).header("Traceparent", TRACE));
        is_reply(&answer);
        assert_eq!(answer.header("ce-traceparent"), Some(TRACE));
        // Who does not ask for a reply gets what the script said.
        assert_eq!((heeler.call(&request).status, heeler.call(&request).text().as_str()), (202, "data"));
    }
    let traced = binary().header("Ce-Traceparent", TRACE).header("Traceparent", "00-of-the-hop-01");
    assert_eq!(heeler.call(&delivery(traced.clone())).header("ce-traceparent"), Some(TRACE));
    let heeler = shell("cgi", &of_script(&["Ce-Type: r.t", "Ce-Traceparent: own"])).start();
    assert_eq!(heeler.call(&delivery(traced)).header("ce-traceparent"), Some("own"));
}

#[test]
fn servers_answer_in_both_forms() {
    let upstream = Upstream::serve(|link, asked| {
        let answer = if asked.target() == "/binary" {
            "HTTP/1.1 201 Made\r\nCe-Specversion: 1.0\r\nCe-Id: r1\r\nCe-Source: /r\r\nCe-Type: r.t\r\nCe-Subject: a%20b\r\n\
             Content-Type: text/plain\r\nContent-Length: 4\r\n\r\ndata"
                .to_owned()
        } else {
            let length = REPLY.len();
            format!("HTTP/1.1 200 OK\r\nContent-Type: {STRUCTURED}\r\nContent-Length: {length}\r\n\r\n{REPLY}")
        };
        link.send(answer.as_bytes());
        crate::support::Then::Keep
    });
    let heeler = upstream.heeler(&[("events", "auto")]);
    is_reply(&heeler.call(&delivery(binary()).target("/binary")));
    let answer = heeler.call(&delivery(binary()).target("/structured"));
    assert_eq!((answer.assert_ok().text().as_str(), answer.header("ce-id")), (REPLY, None), "as it was produced");
    let answer = heeler.call(&delivery(binary()).target("/structured").header("Traceparent", TRACE));
    is_traced(&answer);
}

/// The data's own text stays, and the trace is a further attribute.
#[track_caller]
fn is_traced(answer: &Response) {
    let text = answer.assert_ok().text();
    assert!(text.contains(r#""data":{"z":1.10,"a":2}"#) && text.contains(r#""n":5"#), "{text}");
    assert!(answer.header("content-type").unwrap().starts_with(STRUCTURED));
    assert_eq!(answer.header("content-length"), Some(text.len().to_string().as_str()));
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&value["traceparent"], &value["id"]), (&TRACE.into(), &"r1".into()));
}

#[test]
fn events_are_printed_whole_where_their_type_is_said() {
    for mode in MODES {
        let heeler = match mode {
            "cgi" => shell(mode, &format!("printf 'Content-Type: {STRUCTURED}\\n\\n'; echo '{REPLY}'")).start(),
            _ => shell(mode, &format!("echo '{REPLY}'")).env("content_type", STRUCTURED).start(),
        };
        let answer = heeler.call(&delivery(binary()));
        assert_eq!(answer.assert_ok().text().trim_end(), REPLY, "{mode}");
        is_traced(&heeler.call(&delivery(structured()).header("Traceparent", TRACE)));
    }
}

#[test]
fn reply_event_reads_what_is_printed() {
    for mode in MODES {
        let heeler = printing(mode, &format!("echo ' '; echo '{REPLY}'")).env("reply", "event").start();
        // A call that is no event can be answered with one, too.
        for request in [binary(), delivery(structured()), Request::get("/")] {
            let answer = heeler.call(&request);
            assert_eq!(answer.assert_ok().text().trim(), REPLY, "{mode}");
            assert!(answer.header("content-type").unwrap().starts_with(STRUCTURED), "{mode}");
        }
        let heeler = printing(mode, "cat").env("reply", "event").start();
        for (body, dropped) in [("text", true), ("{}", true), (r#"{"id":"1"}"#, true), ("[1]", true), ("", false)] {
            let id = format!("body-{}", body.len());
            let answer = heeler.call(&Request::post("/", body).header("X-Call-Id", &id));
            assert_eq!((answer.status, answer.text().as_str()), (202, ""), "{mode}: {body}");
            if dropped {
                heeler.stderr.wait_for_json("a line", |line| line["call_id"] == id && line["bytes"] == body.len());
            }
        }
    }
}

#[test]
fn reply_raw_leaves_all_as_it_is() {
    for mode in MODES {
        let heeler = printing(mode, "echo text").env("reply", "raw").start();
        assert_eq!(heeler.call(&delivery(binary())).assert_ok().text(), "text\n", "{mode}");
    }
    let heeler = shell("cgi", &of_script(&[])).env("reply", "raw").start();
    assert_eq!(heeler.call(&delivery(binary())).status, 202, "even a broken event");
}

/// It would be made again and again if it reached a broker.
#[test]
fn a_broken_event_is_502() {
    let says = |heeler: &Heeler, rule: &str| {
        let answer = heeler.call(&delivery(binary()));
        answer.assert_made_by_heeler(502, "reply");
        let text = answer.text();
        assert!(text.contains(rule) && !text.contains("SECRET"), "{text}");
    };
    says(&shell("cgi", &of_script(&[])).start(), "type: missing");
    says(&shell("cgi", &of_script(&["Ce-Type: r.t", "Ce-Time: SECRET"])).start(), "time: not an RFC 3339 time");
    let printed = |text: &str| format!("printf 'Content-Type: {STRUCTURED}\\n\\n'; echo '{text}'");
    says(&shell("cgi", &printed("SECRET")).start(), "the handler's answer is no valid CloudEvent");
    says(&shell("cgi", &printed(&REPLY.replace("\"r1\"", "\"\""))).start(), "id: ");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {STRUCTURED}\r\n");
    for (head, rule) in [
        (format!("{head}Content-Length: 6"), "no valid"),
        ("HTTP/1.1 200 OK\r\nCe-Specversion: SECRET".to_owned(), "specversion"),
    ] {
        let upstream = Upstream::serve(move |link, _| {
            link.send(format!("{head}\r\n\r\nSECRET").as_bytes());
            crate::support::Then::Close
        });
        says(&upstream.heeler(&[("events", "auto")]), rule);
    }
}
