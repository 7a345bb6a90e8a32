//! Bodies that flow both ways.

use crate::calls::worker;
use crate::function::start;
use crate::support::{Request, assert_same, flow, pattern, three_events, tree};

const LARGE: usize = 64 << 20;
/// More than all buffers between function and caller hold.
const FLOOD: usize = 16 << 20;
/// What a worker may need more for a large body than for a small one, in MiB: a few windows, and what Go has not collected.
const MOST: u64 = 24;

#[test]
fn large_bodies_both_ways_need_little_memory() {
    let Some((heeler, _)) = start(&[]) else { return };
    let piece = pattern(1 << 20);
    assert_same(&heeler.post("/echo", &piece[..70_000]).assert_ok().body, &piece[..70_000], "a small body");
    let worker = worker(&heeler);
    let before = tree::size(worker, "VmHWM");
    flow(&mut heeler.conn(), "/echo", &piece, LARGE);
    let grown = tree::grown(worker, "VmHWM", before) >> 20;
    assert!(grown < MOST, "the worker took {grown} MiB more for {} MiB", LARGE >> 20);
}

#[test]
fn events_arrive_one_by_one_as_they_are_made() {
    let Some((heeler, gate)) = start(&[]) else { return };
    three_events(&mut heeler.conn(), &gate);
}

#[test]
fn a_slow_caller_stalls_its_own_call_only() {
    let Some((heeler, _)) = start(&[]) else { return };
    let mut slow = heeler.conn();
    slow.send(&Request::get(&format!("/flood?bytes={FLOOD}")).bytes());
    let mut head = slow.read_head().expect("a head");
    let mut conn = heeler.conn();
    for _ in 0..20 {
        assert_eq!(conn.call(&Request::get("/unread")).assert_ok().text(), "unread");
    }
    slow.read_body(&mut head, "GET").expect("the rest");
    assert_eq!(head.body.len(), FLOOD);
}

#[test]
fn trailers_pass_both_ways() {
    let Some((heeler, _)) = start(&[]) else { return };
    let mut conn = heeler.conn();
    conn.send(
        b"POST /echo HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTrailer: x-sent\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    conn.send(b"5\r\npiece\r\n0\r\nx-sent: yes\r\n\r\n");
    let answer = conn.read_response("POST").expect("an answer");
    assert_eq!((answer.assert_ok().text().as_str(), answer.trailer("x-back")), ("piece", Some("yes")));
}

#[test]
fn an_answer_may_come_before_the_request_has() {
    let Some((heeler, _)) = start(&[]) else { return };
    for _ in 0..5 {
        let answer = heeler.conn().call(&Request::post("/unread", vec![b'x'; 2 << 20]));
        assert_eq!(answer.assert_ok().text(), "unread");
    }
}
