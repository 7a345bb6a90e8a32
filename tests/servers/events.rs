//! CloudEvents through heeler to functions of the functions-frameworks, in both forms that HTTP knows.

use crate::server::{self, Server};
use crate::support::Request;

fn binary() -> Request {
    let request = Request::post("/", r#"{"name": "Ada"}"#).header("Content-Type", "application/json");
    let attributes = [("id", "e-1"), ("type", "test.binary"), ("source", "/tests"), ("specversion", "1.0")];
    attributes.iter().fold(request, |request, (name, value)| request.header(&format!("ce-{name}"), value))
}

fn structured() -> Request {
    let event = r#"{"id": "e-2", "type": "test.structured", "source": "/tests", "specversion": "1.0",
        "datacontenttype": "application/json", "data": {"name": "Grace"}}"#;
    Request::post("/", event).header("Content-Type", "application/cloudevents+json")
}

fn takes_events(server: &Server) {
    let Some(heeler) = server.start(&[]) else { return };
    for (request, line) in
        [(binary(), "event e-1 test.binary /tests Ada"), (structured(), "event e-2 test.structured /tests Grace")]
    {
        let answer = heeler.call(&request);
        assert!(matches!(answer.status, 200 | 204), "{} {}", answer.status, answer.text());
        heeler.stdout.wait_for(line);
    }
}

#[test]
fn functions_framework_for_python() {
    takes_events(&server::PYTHON_EVENTS);
}

#[test]
fn functions_framework_for_node() {
    takes_events(&server::NODE_EVENTS);
}

#[test]
fn functions_framework_for_go() {
    takes_events(&server::GO_EVENTS);
}

#[test]
fn functions_framework_for_java() {
    takes_events(&server::JAVA_EVENTS);
}
