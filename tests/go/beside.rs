//! The same source with Google's functions-framework and with heeler's in its place: the same requests to both.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::function::{made, serving};
use crate::support::{Conn, Heeler, Request, Response, eventually, free_port};

/// One function, served by both, and where each notes what it has seen.
struct Both {
    ours: Heeler,
    theirs: Child,
    port: u16,
    place: tempfile::TempDir,
}

impl Drop for Both {
    fn drop(&mut self) {
        let _ = self.theirs.kill();
        let _ = self.theirs.wait();
    }
}

impl Both {
    fn of(target: &str) -> Option<Both> {
        let (ours, theirs) = (made("ours")?, made("theirs")?);
        let place = tempfile::tempdir().unwrap();
        let seen = |who: &str| place.path().join(who).to_str().unwrap().to_owned();
        let port = free_port();
        let mut command = Command::new(theirs);
        command.env_clear().env("PORT", port.to_string()).env("FUNCTION_TARGET", target).env("SEEN", seen("theirs"));
        let theirs = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let ours = serving(&ours).env("FUNCTION_TARGET", target).env("SEEN", &seen("ours")).start();
        eventually("theirs accepts", || Conn::try_open(SocketAddr::from(([127, 0, 0, 1], port))).is_ok());
        Some(Both { ours, theirs, port, place })
    }

    fn ask(&self, request: &Request) -> [Response; 2] {
        [self.ours.address(), SocketAddr::from(([127, 0, 0, 1], self.port))].map(|at| Conn::open(at).call(request))
    }

    /// What both functions have noted of it.
    fn seen(&self) -> [String; 2] {
        ["ours", "theirs"].map(|who| fs::read_to_string(self.place.path().join(who)).unwrap_or_default())
    }
}

/// Status, the headers that matter, and the body.
fn told(answer: &Response) -> (u16, [String; 2], String) {
    let header = |name| answer.header(name).unwrap_or("-").to_owned();
    (answer.status, ["content-type", "x-google-status"].map(header), answer.text())
}

#[track_caller]
fn same(both: &Both, request: &Request) {
    let [ours, theirs] = both.ask(request);
    let line = String::from_utf8_lossy(&request.bytes()).into_owned();
    assert_eq!(told(&ours), told(&theirs), "{line}");
}

/// Where the framework shows the function's error, or the request, to the caller, ours does not: all else is the same.
#[track_caller]
fn same_but_the_words(both: &Both, request: &Request) {
    let [ours, theirs] = both.ask(request);
    assert_eq!((told(&ours).0, told(&ours).1), (told(&theirs).0, told(&theirs).1), "{}", theirs.text());
    assert!(!ours.text().contains("secret") && ours.text() != theirs.text(), "{}", ours.text());
}

#[test]
fn functions_of_requests() {
    let Some(both) = Both::of("http") else { return };
    for request in [
        Request::get("/"),
        Request::get("/a/b?c=d"),
        Request::get("//a/../b"),
        Request::post("/", "body"),
        Request::new("DELETE", "/status"),
        Request::new("OPTIONS", "/json"),
        Request::new("HEAD", "/json"),
        Request::get("/panic"),
        Request::get("/robots.txt"),
        Request::get("/id").header("Function-Execution-Id", "e1").header("X-Cloud-Trace-Context", "ab12/7;o=1"),
    ] {
        same(&both, &request);
    }
    both.ours.stderr.wait_for("secret words");
}

#[test]
fn typed_functions() {
    let Some(both) = Both::of("typed") else { return };
    // Theirs keeps what a call has not set from the call before, so all is set here.
    for body in [r#"{"name":"a","count":1}"#, r#"{"name":"<&>","count":2}"#, r#"{"name":"","count":101}"#] {
        same(&both, &Request::post("/", body));
    }
    for body in ["no json", r#"{"count":-1}"#, r#"{"count":"a"}"#, ""] {
        same_but_the_words(&both, &Request::post("/", body));
    }
    // Theirs panics over an error that is nil.
    let Some(both) = Both::of("silent") else { return };
    let [ours, theirs] = both.ask(&Request::post("/", "{}"));
    assert_eq!((ours.status, ours.text().as_str(), theirs.status), (200, "", 500));
}

fn event(kind: &str, body: &str) -> Request {
    Request::post("/", body)
        .header("Content-Type", "application/json")
        .header("ce-specversion", "1.0")
        .header("ce-id", "1")
        .header("ce-source", "//pubsub.googleapis.com/projects/p/topics/t")
        .header("ce-time", "2020-09-29T11:32:00.000Z")
        .header("ce-extra", "more")
        .header("ce-type", kind)
}

fn whole(body: &str) -> Request {
    Request::post("/", body).header("Content-Type", "application/cloudevents+json")
}

const PUBSUB: &str = r#"{"context":{"eventId":"7","timestamp":"2020-09-29T11:32:00.000Z","eventType":"google.pubsub.topic.publish","resource":{"service":"pubsub.googleapis.com","name":"projects/p/topics/t","type":"x"}},"data":{"@type":"x","attributes":{"k":"v"},"data":"aGk="}}"#;
const STORAGE: &str = r#"{"eventId":"7","timestamp":"2020-09-29T11:32:00Z","eventType":"google.storage.object.finalize","resource":{"service":"storage.googleapis.com","name":"projects/_/buckets/b/objects/f/a.txt"},"data":{"bucket":"b","kind":"storage#object"}}"#;
const AUTH: &str = r#"{"eventId":"7","timestamp":"2020-09-29T11:32:00Z","eventType":"providers/firebase.auth/eventTypes/user.create","resource":"projects/p","data":{"uid":"u1","metadata":{"createdAt":"2020-05-26T10:42:27Z","lastSignedInAt":"2020-10-24T11:00:00Z"}}}"#;
const DATABASE: &str = r#"{"eventType":"providers/google.firebase.database/eventTypes/ref.write","domain":"europe-west1.firebasedatabase.app","resource":"projects/_/instances/i/refs/gcf-test/xyz","eventId":"7","timestamp":"2020-09-29T11:32:00Z","data":{"data":null,"delta":{"grandchild":"other"}}}"#;
const PUSHED: &str = r#"{"subscription":"projects/p/subscriptions/s","message":{"attributes":{"k":"v"},"data":"aGk=","messageId":"7","publishTime":"2020-09-29T11:32:00Z"}}"#;

/// Both have seen the same event, whose data may be written in another order.
#[track_caller]
fn seen_alike(both: &Both, request: &Request) {
    same(both, request);
    let sorted = |text: &String| {
        let mut letters: Vec<char> = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        letters.sort_unstable();
        letters
    };
    let [ours, theirs] = both.seen();
    assert!(!ours.is_empty(), "not called");
    assert_eq!(sorted(&ours), sorted(&theirs), "\nours:   {ours}\ntheirs: {theirs}");
}

#[test]
fn functions_of_cloud_events() {
    let Some(both) = Both::of("cloudevent") else { return };
    let structured = r#"{"specversion":"1.0","id":"2","source":"/s","type":"t","subject":"x","datacontenttype":"application/json","data":{"a":1}}"#;
    for request in [event("t", r#"{"a":1}"#), event("t", ""), whole(structured)] {
        seen_alike(&both, &request);
    }
    for body in [PUBSUB, STORAGE, AUTH, DATABASE] {
        seen_alike(&both, &Request::post("/", body).header("Content-Type", "application/json"));
    }
    seen_alike(&both, &Request::post("/projects/p/topics/t", PUSHED).header("Content-Type", "application/json"));
    for request in [event("fail", "{}"), event("panic", "{}")] {
        same(&both, &request);
    }
    same_but_the_words(&both, &Request::post("/", r#"{"secret":1}"#).header("Content-Type", "application/json"));
    both.ours.stderr.wait_for("secret words");
}

#[test]
fn functions_of_older_events() {
    let Some(both) = Both::of("background") else { return };
    let message = r#"{"message":{"data":"aGk=","messageId":"1","publishTime":"2020-09-29T11:32:00.000Z"}}"#;
    seen_alike(&both, &event("google.cloud.pubsub.topic.v1.messagePublished", message));
    for body in [PUBSUB, STORAGE, AUTH, r#"{"some":"json"}"#] {
        seen_alike(&both, &Request::post("/", body).header("Content-Type", "application/json"));
    }
    for body in [r#"{"fail":1}"#, "no json", r#"[1]"#] {
        same_but_the_words(&both, &Request::post("/", body).header("Content-Type", "application/json"));
    }
}

/// A target that nobody has registered falls to the one that was registered by its path, there and here; with none the
/// start ends.
#[test]
fn without_a_target_each_is_at_its_path() {
    let (Some(ours), Some(_)) = (made("ours"), made("theirs")) else { return };
    let heeler = serving(&ours).env("SEEN", "/dev/null").start();
    assert_eq!(heeler.post("/typed", "{}").text(), r#"{"name":"","count":1}"#);
    assert_eq!(heeler.post("/background", "{}").status, 200);
    assert_eq!(heeler.get("/other").status, 404);
}

/// Without heeler the program is an HTTP server, as with the framework.
#[test]
fn at_a_desk_it_is_a_server() {
    let Some(ours) = made("ours") else { return };
    let port = free_port();
    let mut command = Command::new(ours);
    let mut child = command.env_clear().env("PORT", port.to_string()).env("FUNCTION_TARGET", "http").spawn().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    eventually("it accepts", || Conn::try_open(address).is_ok());
    let answer = Conn::open(address).call(&Request::get("/a"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(answer.assert_ok().text(), "GET /a  ");
}
