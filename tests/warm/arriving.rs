//! Requests' bodies on their way to the function: how long it is told that they are, and who waits for a slow one.

use crate::support::working::{call_aside, work};
use crate::support::{Conn, Gate, Heeler, Request, eventually, h2};

const LENGTHS: [usize; 6] = [1, 100, 8_000, 65_536, 65_537, 1_000_000];

/// Of the whole body, however much of it comes with the head.
#[tokio::test]
async fn the_function_is_told_how_long_the_body_is() {
    let heeler = Heeler::play("warm", "worker length", &[]);
    let mut client = h2::connect(heeler.address()).await;
    for length in LENGTHS {
        let text = length.to_string();
        let body = vec![b'x'; length];
        let mut conn = heeler.conn();
        conn.send(&Request::post("/", body.clone()).head_bytes());
        assert!(conn.send(&body[..length / 2]) && conn.send(&body[length / 2..]));
        assert_eq!(conn.read_response("POST").expect("an answer").assert_ok().text(), text);
        let mut request = h2::request("POST", "/", &[("content-length", &text)], "");
        *request.body_mut() = h2::pieces(&body, length);
        let answer = client.call(request).await.expect("an answer");
        assert_eq!((answer.status, answer.text()), (200, text));
    }
    let unknown = heeler.call(&Request::new("POST", "/").chunked(vec![b'x'; 100_000]));
    assert_eq!(unknown.assert_ok().text(), u64::MAX.to_string());
}

fn half_sent(heeler: &Heeler) -> Conn {
    let mut conn = heeler.conn();
    assert!(conn.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf-"));
    conn
}

/// The only worker takes one call at a time, and twenty clients take their time.
#[test]
fn clients_that_are_slow_with_small_bodies_hold_no_place() {
    let gate = Gate::new();
    let heeler = work("echo", &gate).env("queue_depth", "0").start();
    let slow: Vec<_> = (0..20).map(|_| half_sent(&heeler)).collect();
    eventually("heeler has the heads", || heeler.scrape().value("http_requests_in_flight", &[]) == 20.0);
    assert_eq!(heeler.post("/", "quick").assert_ok().text(), "quick");
    for mut conn in slow {
        assert!(conn.send(b"whole"));
        assert_eq!(conn.read_response("POST").expect("an answer").assert_ok().text(), "half-whole");
    }
}

/// Whoever would be refused with the body is refused without it, and not asked to send it.
#[test]
fn a_call_for_which_there_is_no_place_is_refused_before_its_body_comes() {
    let gate = Gate::new();
    let heeler = work("", &gate).env("queue_depth", "0").start();
    let running = call_aside(&heeler, "/gate");
    gate.wait_started(1);
    let mut expecting = heeler.conn();
    expecting.send(&Request::post("/", "hello").header("Expect", "100-continue").head_bytes());
    for mut conn in [expecting, half_sent(&heeler)] {
        conn.read_response("POST").expect("an answer").assert_made_by_heeler(503, "queue_full");
    }
    gate.open();
    assert_eq!(running.join().expect("a caller").0, 200);
}
