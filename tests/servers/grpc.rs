//! gRPC through heeler: every shape of a call, by the client library that people use.

use std::time::Instant;

use serde_json::{Value, json};

use crate::script::Script;
use crate::server;
use crate::support::h2::{connect, request};
use crate::support::{Heeler, SECOND, assert_took};

#[track_caller]
fn ask(heeler: &Heeler, task: &str) -> Value {
    Script::start("grpc_client.py", &[&heeler.address().to_string(), task]).result()
}

#[test]
fn every_shape_of_a_call_passes() {
    let Some(heeler) = server::GRPC.start(&[]) else { return };
    for (task, expected) in [
        ("unary", json!(true)),
        ("server_stream", json!(true)),
        ("client_stream", json!("1000 messages, 499500 bytes")),
        ("both", json!(true)),
        ("at_once", json!(true)),
        ("health", json!("SERVING")),
    ] {
        assert_eq!(ask(&heeler, task), expected, "{task}");
    }
}

/// How a call went is told in trailers, which no event has.
#[test]
fn what_holds_for_answers_that_are_events_leaves_calls_alone() {
    let Some(heeler) = server::GRPC.start(&[("events", "auto"), ("reply", "event")]) else { return };
    for task in ["unary", "server_stream", "both"] {
        assert_eq!(ask(&heeler, task), true, "{task}");
    }
}

#[test]
fn the_server_s_own_errors_pass() {
    let Some(heeler) = server::GRPC.start(&[]) else { return };
    assert_eq!(ask(&heeler, "fail"), json!({"code": 9, "details": "not läter", "late": "1"}));
    assert_eq!(ask(&heeler, "unknown")["code"], 12);
}

#[test]
fn a_deadline_is_known_to_all_three() {
    let Some(heeler) = server::GRPC.start(&[]) else { return };
    assert_eq!(ask(&heeler, "deadline")["code"], 4);
    heeler.stdout.wait_for("a deadline within a minute");
    heeler.stdout.wait_for("call over");
    // The server lives on.
    assert_eq!(ask(&heeler, "health"), "SERVING");
}

/// The library would tell its caller by itself; here heeler or the server must.
#[tokio::test]
async fn a_deadline_ends_in_a_status() {
    let Some(heeler) = server::GRPC.start(&[]) else { return };
    let mut client = connect(heeler.address()).await;
    let headers = [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "1S")];
    let began = Instant::now();
    let answer = client.call(request("POST", "/test.Echo/Hang", &headers, vec![0; 5])).await.unwrap();
    assert_took(began.elapsed(), SECOND);
    let trailer = answer.trailers.as_ref().and_then(|trailers| trailers.get("grpc-status"));
    let status = trailer.and_then(|value| value.to_str().ok()).or(answer.header("grpc-status"));
    assert_eq!((answer.status, status), (200, Some("4")), "{answer:?}");
}
