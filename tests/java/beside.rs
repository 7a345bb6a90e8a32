//! The same functions, from the same jar, under the real invoker of the functions framework: the same requests have the
//! same answers. What is different on purpose is listed here, and in docs/handlers.md.

use crate::support::{Heeler, Request, Response};
use crate::worker::{builder, target};

const JSON: &str = "application/json";

/// Behind heeler both: as its worker, and as a server that it passes requests to as they came.
struct Both {
    ours: Heeler,
    real: Heeler,
}

fn both(class: &str) -> Option<Both> {
    let class = format!("functions.{class}");
    let ours = builder(&[("FUNCTION_TARGET", &class)])?;
    let set = target()?.join("servers/functions_java");
    let command = format!(
        "java -jar {}/jars/java-function-invoker-2.0.0.jar --classpath {}/function.jar --target {class}",
        set.display(),
        set.display()
    );
    let real = Heeler::builder().envs(&[("mode", "http"), ("fprocess", &command)]);
    Some(Both { ours: ours.start(), real: real.start() })
}

/// Headers that are the function's own.
fn head(answer: &Response) -> Vec<(String, String)> {
    let names = ["content-type", "x-a"];
    names
        .iter()
        .flat_map(|name| answer.all(name).into_iter().map(|value| ((*name).to_owned(), value.to_owned())))
        .collect()
}

impl Both {
    #[track_caller]
    fn same(&self, request: &Request) {
        let [ours, real] = [&self.ours, &self.real].map(|heeler| heeler.call(request));
        let shown = String::from_utf8_lossy(&request.bytes()).into_owned();
        assert_eq!(ours.status, real.status, "{shown}: {ours:?} {real:?}");
        // Pages of errors are heeler's here; there they are empty.
        if real.status < 400 {
            assert_eq!((head(&ours), ours.text()), (head(&real), real.text()), "{shown}");
        }
    }

    /// Statuses that differ on purpose.
    #[track_caller]
    fn differ(&self, request: &Request, ours: u16, real: u16) {
        let seen = [&self.ours, &self.real].map(|heeler| heeler.call(request).status);
        assert_eq!(seen, [ours, real], "{}", String::from_utf8_lossy(&request.bytes()));
    }

    /// What both functions printed of a request.
    #[track_caller]
    fn same_line(&self, request: &Request, word: &str) {
        self.same(request);
        let [ours, real] = [&self.ours, &self.real].map(|heeler| {
            let line = heeler.stdout.wait_for(word);
            line[line.find("seen").expect("the function's own line")..]
                .trim_end_matches('}')
                .trim_end_matches('"')
                .to_owned()
        });
        let ours = ours.split("\",\"").next().unwrap_or_default();
        let real = real.split("\",\"").next().unwrap_or_default();
        assert_eq!(ours, real);
    }
}

fn json(body: &str) -> Request {
    Request::post("/", body).header("Content-Type", JSON)
}

#[test]
fn requests_are_seen_alike() {
    let Some(both) = both("Shown") else { return };
    for target in [
        "/",
        "/a%20b%3b%7e",
        "/a;x=1/b/../c/.",
        "/%C3%A9?q=%C3%A9",
        "/x?q=1&q=2&r=%20+x&&s",
        "/robots.txt",
        "/favicon.ico",
    ] {
        both.same(&Request::get(target));
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        both.same(&Request::new(method, "/x"));
    }
    for kind in ["text/plain", JSON, "text/html", "text/xml", "text/plain; charset=iso-8859-1"] {
        both.same(
            &Request::post("/", "plain").header("Content-Type", kind).header("X-One", "1").header("x-two", "a, b"),
        );
    }
    both.same(&Request::post("/", "pieces").chunked("pieces"));
    both.differ(&Request::get("/a//b"), 200, 400);
    both.differ(&Request::get("/a%2Fb"), 200, 400);
}

#[test]
fn answers_are_alike() {
    let Some(both) = both("Answers") else { return };
    for path in
        ["nothing", "status", "headers", "html", "latin", "json", "bytes", "untyped", "large", "throw", "late", "both"]
    {
        both.same(&Request::get(&format!("/{path}")));
    }
    let part = |name: &str, more: &str, body: &str| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{body}\r\n")
    };
    let file = "; filename=\"x y.txt\"\r\nContent-Type: text/plain; charset=utf-8\r\nX-Part: p";
    let form = format!("{}{}--B--\r\n", part("a", "", "hello"), part("f", file, "one\r\ntwo"));
    both.same(&Request::post("/parts", form).header("Content-Type", "multipart/form-data; boundary=B"));
    both.same(&json("{}").target("/parts"));
    both.same(&Request::get("/nostatus"));
    // There any number from 100 to 999 is a status, and control characters become spaces.
    both.differ(&Request::get("/beyond"), 500, 600);
    both.differ(&Request::get("/split"), 500, 200);
    // Text that says no charset is UTF-8 here, there Latin-1 with question marks.
    assert_eq!(both.ours.get("/plain").text(), "\u{e9}\u{20ac}\n");
    assert_eq!(both.real.get("/plain").body, b"\xe9?\n");
}

#[test]
fn typed_functions_are_alike() {
    let Some(both) = both("Sums") else { return };
    for body in [
        r#"{"numbers":[1,2,4],"name":"<a&\"'=>\u00e9"}"#,
        r#"{"numbers":[]}"#,
        "{}",
        r#"{"numbers":["a"]}"#,
        "",
        r#"{"numbers":"#,
        r#"{"numbers":[1],"name":"throw"}"#,
        "[1]",
    ] {
        both.same(&json(body));
    }
}

const PUBSUB: &str = r#"{"context":{"eventId":"legacy-1","timestamp":"2026-01-01T00:00:00.5Z","eventType":"google.pubsub.topic.publish",
    "resource":{"service":"pubsub.googleapis.com","name":"projects/p/topics/t","type":"x"}},
    "data":{"@type":"y","data":"aGk=","attributes":{"a":"<b>"}}}"#;
const STORAGE: &str = r#"{"data":{"bucket":"b","kind":"storage#object","size":12,"n":null},"eventId":"legacy-2","timestamp":"2026-01-01T00:00:00Z",
    "eventType":"google.storage.object.finalize",
    "resource":{"service":"storage.googleapis.com","name":"projects/_/buckets/b/objects/a/b.txt#12","type":"storage#object"}}"#;
const AUTH: &str = r#"{"data":{"uid":"U","metadata":{"createdAt":"x","lastSignedInAt":"y"}},"eventId":"legacy-3","timestamp":"2026-01-01T00:00:00Z",
    "eventType":"providers/firebase.auth/eventTypes/user.create","resource":"projects/p"}"#;
const DATABASE: &str = r#"{"data":{"delta":1},"domain":"europe-west1.firebasedatabase.app","eventId":"legacy-4","timestamp":"2026-01-01T00:00:00Z",
    "eventType":"providers/google.firebase.database/eventTypes/ref.write","resource":"projects/_/instances/i/refs/a/b"}"#;
const FIRESTORE: &str = r#"{"data":{"v":1},"context":{"eventId":"legacy-5","timestamp":"2026-01-01T00:00:00Z",
    "eventType":"providers/cloud.firestore/eventTypes/document.write","resource":"projects/p/databases/(default)/documents/a/b"}}"#;
const LEGACY: [(&str, &str); 5] =
    [(PUBSUB, "legacy-1"), (STORAGE, "legacy-2"), (AUTH, "legacy-3"), (DATABASE, "legacy-4"), (FIRESTORE, "legacy-5")];

fn event(id: &str, kind: &str, source: &str, data: &str) -> Request {
    let pairs =
        [("specversion", "1.0"), ("id", id), ("type", kind), ("source", source), ("time", "2026-01-01T00:00:00Z")];
    pairs.iter().fold(json(data), |request, (name, value)| request.header(&format!("ce-{name}"), value))
}

/// Of Google's, in today's form.
fn google() -> [Request; 3] {
    let message = r#"{"message":{"data":"aGk","messageId":"m","publishTime":"z","attributes":{"a":"b"}}}"#;
    let user = r#"{"uid":"u","metadata":{"createTime":"x","lastSignInTime":"y"}}"#;
    [
        event(
            "today-1",
            "google.cloud.pubsub.topic.v1.messagePublished",
            "//pubsub.googleapis.com/projects/p/topics/t",
            message,
        ),
        event(
            "today-2",
            "google.cloud.storage.object.v1.finalized",
            "//storage.googleapis.com/projects/_/buckets/b",
            r#"{"kind":"k","a":1}"#,
        )
        .header("ce-subject", "objects/x"),
        event("today-3", "google.firebase.auth.user.v1.created", "//firebaseauth.googleapis.com/projects/p", user)
            .header("ce-subject", "users/u"),
    ]
}

#[test]
fn events_of_both_forms_reach_functions_of_events() {
    let Some(both) = both("Events.Cloud") else { return };
    for (body, id) in LEGACY {
        both.same_line(&json(body), &format!("id={id}"));
    }
    for (request, id) in google().iter().zip(["today-1", "today-2", "today-3"]) {
        both.same_line(request, &format!("id={id}"));
    }
    let structured = r#"{"specversion":"1.0","id":"whole","source":"/s","type":"t","data":{"a":1},"time":"2026-01-01T00:00:00Z","n":5}"#;
    let whole = Request::post("/", structured).header("Content-Type", "application/cloudevents+json");
    both.same_line(&whole, "id=whole");
    both.same_line(&event("extended", "t", "/s", "text").header("ce-more", "x"), "id=extended");
    // What is no event is the sender's fault here, and nobody sends it again.
    for body in ["nope", "[1]", r#"{"x":1}"#, r#"{"data":{},"context":{"eventId":"1","eventType":"none.of.googles"}}"#]
    {
        both.differ(&json(body), 400, 500);
    }
    both.differ(&Request::get("/"), 400, 500);
}

#[test]
fn events_of_both_forms_reach_background_functions() {
    for class in ["Events.Raw", "Events.Typed"] {
        let Some(both) = both(class) else { return };
        for (body, id) in LEGACY {
            both.same_line(&json(body), &format!("id {id}"));
        }
        for (request, id) in google().iter().zip(["today-1", "today-2", "today-3"]) {
            both.same_line(request, &format!("id {id}"));
        }
        let pushed = r#"{"subscription":"s","message":{"data":"aGk=","messageId":"pushed","publishTime":"2026-01-01T00:00:00Z","attributes":{"k":"v"}}}"#;
        both.same_line(&json(pushed), "id pushed");
        let payload = r#"{"data":{"name":"n","number":3,"share":1.5,"yes":true,"list":["a"],"map":{"a":1,"b":"x"},
            "inner":{"name":"m"},"kind":"TWO","numbers":[1,2]},"context":{"eventId":"payload","timestamp":"T","eventType":"any","resource":"r"}}"#;
        both.same_line(&json(payload), "id payload");
        // Any other's events are given by what they have; there they fail.
        both.differ(&event("others", "t", "/s", "{}"), 200, 500);
        both.differ(&json("nope"), 400, 500);
    }
}
