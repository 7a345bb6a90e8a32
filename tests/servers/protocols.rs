//! What few servers send and heeler must not lose: interim answers, trailers, HTTP/2, kept connections.

use serde_json::Value;

use crate::app::{Events, seen};
use crate::server::{self, Server};
use crate::support::h2::{connect, request};
use crate::support::{Request, eventually};

#[test]
fn early_hints_come_before_the_answer() {
    let Some(heeler) = server::NODE.start(&[]) else { return };
    let mut conn = heeler.conn();
    conn.send(&Request::get("/hints").bytes());
    let hints = conn.read_head().unwrap();
    assert_eq!((hints.status, hints.header("link")), (103, Some("</style.css>; rel=preload; as=style")));
    assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "hinted\n");
}

/// Over HTTP/1 the answer's head has to name them.
fn sends_trailers(server: &Server) {
    let Some(heeler) = server.start(&[]) else { return };
    let answer = heeler.call(&Request::get("/trailers").header("TE", "trailers").header("Connection", "TE"));
    assert_eq!((answer.assert_ok().text().as_str(), answer.trailer("x-late")), ("body\n", Some("1")), "{answer:?}");
    // Who cannot read them gets none, and all else.
    let answer = heeler.get("/trailers");
    assert_eq!((answer.assert_ok().text().as_str(), answer.trailer("x-late")), ("body\n", None), "{answer:?}");
}

#[test]
fn trailers_of_node() {
    sends_trailers(&server::NODE);
}

#[test]
fn trailers_of_go() {
    sends_trailers(&server::GO);
}

#[tokio::test]
async fn trailers_over_http_2() {
    let Some(heeler) = server::GO.start(&[]) else { return };
    let answer = connect(heeler.address()).await.call(request("GET", "/trailers", &[], "")).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "body\n"));
    let trailers = answer.trailers.unwrap();
    assert_eq!((trailers["x-late"].to_str().unwrap(), trailers["x-later"].to_str().unwrap()), ("1", "2"));
}

/// A server that speaks both hears the protocol that the caller speaks.
#[tokio::test]
async fn the_caller_s_protocol_is_the_server_s() {
    let Some(heeler) = server::GO.start(&[]) else { return };
    let mut client = connect(heeler.address()).await;
    for _ in 0..5 {
        let answer = client.call(request("GET", "/headers", &[], "")).await.unwrap();
        let over_two: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((&over_two["protocol"], &over_two["headers"]["host"]), (&"HTTP/2.0".into(), &"heeler.test".into()));
        assert_eq!(seen(&heeler, &Request::get("/headers"))["protocol"], "HTTP/1.1");
    }
}

#[tokio::test]
async fn a_server_of_http_1_serves_callers_of_http_2() {
    let Some(heeler) = server::NODE.start(&[]) else { return };
    let mut client = connect(heeler.address()).await;
    for n in 0..5 {
        let answer = client.call(request("POST", "/echo", &[], format!("call {n}"))).await.unwrap();
        assert_eq!((answer.status, answer.text()), (200, format!("call {n}")));
    }
}

#[test]
fn connections_to_the_server_are_kept() {
    let Some(heeler) = server::NODE.start(&[]) else { return };
    let port = || seen(&heeler, &Request::get("/headers"))["port"].clone();
    let first = port();
    assert!(first.is_u64());
    assert!((0..5).all(|_| port() == first), "a new connection for a call");
}

/// The one place is free again when its caller has left an answer that would have gone on.
#[test]
fn a_caller_that_leaves_frees_its_place() {
    let Some(heeler) = server::GO.start(&[("max_inflight", "1")]) else { return };
    for _ in 0..3 {
        let events = Events::open(&heeler);
        assert_eq!(heeler.get("/hello").status, 429);
        drop(events);
        eventually("the place is free", || heeler.get("/hello").status == 200);
    }
}
