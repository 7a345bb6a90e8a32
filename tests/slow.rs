//! Clients that are slow, silent or gone: each has its limit, and a normal call beside them notices nothing.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::{
    Conn, Failure, Gate, Heeler, MODES, Request, SECOND, assert_took, at_once, echo_of, eventually, pass, tree,
};

/// A call beside the slow ones: far below any of their limits' multiples.
#[track_caller]
fn assert_unaffected(heeler: &Heeler, mode: &str) {
    let began = Instant::now();
    let answer = heeler.post("/", "beside");
    assert_eq!(answer.assert_ok().text(), "beside", "{mode}");
    assert!(began.elapsed() < SECOND * 2, "it took {:?}", began.elapsed());
}

/// Waits for the end of a connection; what came on it.
#[track_caller]
fn rest(conn: &mut Conn) -> Vec<u8> {
    conn.read_to_end().expect("heeler closes it")
}

#[test]
fn connections_that_send_nothing_are_closed_without_a_word() {
    let heeler = Heeler::play("streaming", "echo", &[("idle_timeout", "1s"), ("read_timeout", "10s")]);
    let began = Instant::now();
    let mut silent: Vec<Conn> = (0..300).map(|_| heeler.conn()).collect();
    let all_open = Instant::now();
    assert_unaffected(&heeler, "beside silent ones");
    assert_eq!(rest(&mut silent[0]), b"");
    assert!(began.elapsed() >= SECOND, "closed before the limit");
    for conn in &mut silent[1..] {
        assert_eq!(rest(conn), b"");
    }
    assert!(all_open.elapsed() < SECOND + support::SLACK, "the last was closed after {:?}", all_open.elapsed());
}

#[test]
fn kept_connections_are_closed_when_they_have_been_idle_too_long() {
    at_once(MODES, |mode| {
        let heeler = Heeler::play(mode, echo_of(mode), &[("idle_timeout", "1s")]);
        let mut conn = heeler.conn();
        let answer = conn.call(&Request::post("/", "x"));
        assert!(!answer.closes(), "{mode}");
        let idle = Instant::now();
        assert_eq!(rest(&mut conn), b"", "{mode}");
        assert_took(idle.elapsed(), SECOND);
    });
}

/// The library's head timer is its idle timer as well: queue-proxy would then lose pooled connections.
#[test]
fn a_kept_connection_outlives_the_head_limit() {
    at_once(MODES, |mode| {
        let heeler = Heeler::play(mode, echo_of(mode), &[("read_timeout", "1s"), ("idle_timeout", "30s")]);
        let (mut fresh, mut kept) = (heeler.conn(), heeler.conn());
        kept.call(&Request::post("/", "x")).assert_ok();
        pass(SECOND * 2);
        kept.call(&Request::post("/", "x")).assert_ok();
        fresh.call(&Request::post("/", "x")).assert_ok();
    });
}

#[test]
fn heads_that_come_a_byte_at_a_time_are_answered_408() {
    let heeler = Heeler::play("streaming", "echo", &[("read_timeout", "1s"), ("idle_timeout", "30s")]);
    let head = b"GET / HTTP/1.1\r\nHost: heeler.test\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let began = Instant::now();
    let mut slow: Vec<Conn> = (0..200).map(|_| heeler.conn()).collect();
    let mut sent = 0;
    while began.elapsed() < SECOND * 2 && sent < head.len() {
        for conn in &mut slow {
            conn.send(&head[sent..=sent]);
        }
        sent += 1;
        pass(Duration::from_millis(40));
        if sent == 10 {
            assert_unaffected(&heeler, "beside slow heads");
        }
    }
    for conn in &mut slow {
        let answer = conn.read_response("GET").expect("an answer");
        answer.assert_made_by_heeler(408, "slow_request");
        assert!(answer.closes());
        assert_eq!(rest(conn), b"");
    }
    assert!(began.elapsed() < SECOND * 6, "it took {:?}", began.elapsed());
}

#[test]
fn a_head_that_stops_is_answered_at_the_limit() {
    for (at, part) in
        [&b"G"[..], b"GET / HTTP/1.1", b"GET / HTTP/1.1\r\nHost: a\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r"]
            .iter()
            .enumerate()
    {
        let heeler = Heeler::play("streaming", "echo", &[("read_timeout", "1s"), ("idle_timeout", "30s")]);
        let mut conn = heeler.conn();
        // On a kept connection too.
        if at % 2 == 1 {
            conn.call(&Request::get("/")).assert_ok();
        }
        let began = Instant::now();
        conn.send(part);
        conn.read_response("GET").expect("an answer").assert_made_by_heeler(408, "slow_request");
        assert_took(began.elapsed(), SECOND);
        assert_eq!(rest(&mut conn), b"");
    }
}

/// Telling the versions apart has no limit in the library.
#[test]
fn half_a_preface_is_no_way_to_stay() {
    let heeler = Heeler::play("streaming", "echo", &[("read_timeout", "1s"), ("idle_timeout", "30s")]);
    for part in [&b"P"[..], b"PRI * HTTP/2.0", b"PRI * HTTP/2.0\r\n\r\nSM"] {
        let mut conn = heeler.conn();
        let began = Instant::now();
        conn.send(part);
        drop(rest(&mut conn));
        assert_took(began.elapsed(), SECOND);
    }
}

#[test]
fn slow_bodies_that_are_held_in_memory_are_answered_408() {
    at_once(["serializing", "classic", "cgi"], |mode| {
        let heeler = Heeler::play(mode, echo_of(mode), &[("read_timeout", "1s")]);
        let began = Instant::now();
        let mut slow: Vec<Conn> = (0..50).map(|_| heeler.conn()).collect();
        for conn in &mut slow {
            conn.send(&Request::post("/", vec![b'x'; 1000]).head_bytes());
        }
        for step in 0..20 {
            for conn in &mut slow {
                conn.send(b"x");
            }
            pass(Duration::from_millis(40));
            if step == 5 {
                assert_unaffected(&heeler, mode);
            }
        }
        for conn in &mut slow {
            conn.read_response("POST").expect("an answer").assert_made_by_heeler(408, "slow_request");
        }
        assert!(began.elapsed() >= SECOND && began.elapsed() < SECOND * 5, "{mode}: {:?}", began.elapsed());
    });
}

/// read_timeout, and the length at 1 KiB a second.
#[test]
fn streamed_bodies_have_the_time_that_their_length_deserves() {
    let heeler = Heeler::play("streaming", "count", &[("read_timeout", "1s")]);
    for (length, limit) in [(100, SECOND), (2 * 1024 + 10, SECOND * 3)] {
        let gate = Gate::new();
        let mut conn = heeler.conn();
        let began = Instant::now();
        conn.send(&[Request::post("/", vec![0; length]).gate(&gate).head_bytes(), b"part".to_vec()].concat());
        assert_unaffected_count(&heeler);
        conn.read_response("POST").expect("an answer").assert_made_by_heeler(408, "slow_request");
        assert_took(began.elapsed(), limit);
        heeler.wait_childless();
    }
}

#[track_caller]
fn assert_unaffected_count(heeler: &Heeler) {
    assert_eq!(heeler.post("/", "beside").assert_ok().text(), "6\n");
}

#[test]
fn an_upload_that_is_slow_but_honest_is_served() {
    let heeler = Heeler::play("streaming", "count", &[("read_timeout", "1s")]);
    let mut conn = heeler.conn();
    conn.send(&Request::post("/", vec![0; 4096]).head_bytes());
    // Longer than read_timeout, faster than 1 KiB a second.
    for _ in 0..4 {
        pass(Duration::from_millis(500));
        conn.send(&[b'x'; 1024]);
    }
    assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "4096\n");
}

#[test]
fn a_streamed_body_without_a_length_may_pause() {
    let heeler = Heeler::play("streaming", "count", &[("read_timeout", "1s"), ("exec_timeout", "30s")]);
    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
    pass(SECOND * 2);
    conn.send(b"2\r\nho\r\n0\r\n\r\n");
    assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "4\n");
}

#[test]
fn a_reader_that_stalls_is_cut_and_its_handler_ended() {
    let env = [("write_timeout", "1s"), ("exec_timeout", "100s"), ("kill_grace", "100ms")];
    let heeler = Heeler::play("streaming", "do", &env);
    let mut stalled: Vec<Conn> = (0..20).map(|_| Conn::open_narrow(heeler.address())).collect();
    for conn in &mut stalled {
        conn.send(&Request::role("flood-stdout 100000000").bytes());
    }
    eventually("handlers run", || !heeler.descendants().is_empty());
    let began = Instant::now();
    heeler.call(&Request::role("say beside")).assert_ok();
    heeler.wait_childless();
    assert!(began.elapsed() < SECOND * 5, "ended after {:?}", began.elapsed());
    for conn in &mut stalled {
        // What was on its way may still arrive, but never as a whole answer.
        match conn.read_response("GET") {
            Err(Failure::Nothing | Failure::Cut(_)) => {}
            other => panic!("a stalled reader got {other:?}"),
        }
    }
}

/// The kernel would take four megabytes for each, which the container's memory limit counts.
#[test]
fn a_stalled_reader_is_given_little_of_the_kernels_memory() {
    at_once(["streaming", "serializing"], |mode| {
        let heeler = Heeler::play(mode, "flood-stdout 20000000", &[]);
        let mut conn = Conn::open_narrow(heeler.address());
        conn.send(&Request::get("/").bytes());
        conn.read_head().unwrap();
        let mut before = None;
        eventually("nothing moves any more", || {
            pass(SECOND / 4);
            let now = conn.heelers_queues();
            before.replace(now) == Some(now) && now.is_some_and(|now| now.unsent > 0)
        });
        let held = conn.heelers_queues().unwrap().unsent;
        assert!(held < 600_000, "{mode}: {held} bytes");
    });
}

#[test]
fn a_stalled_reader_of_a_held_answer_is_cut_too() {
    at_once(["serializing", "classic"], |mode| {
        let heeler = Heeler::play(mode, "flood-stdout 30000000", &[("write_timeout", "1s")]);
        let mut conn = Conn::open_narrow(heeler.address());
        conn.send(&Request::get("/").bytes());
        conn.read_head().unwrap();
        pass(SECOND * 3);
        assert!(matches!(conn.read_to_end(), Ok(bytes) if bytes.len() < 30_000_000), "{mode}");
    });
}

#[test]
fn a_reader_that_is_slow_but_reads_gets_all() {
    let heeler = Heeler::play("streaming", "do", &[("write_timeout", "1s"), ("exec_timeout", "60s")]);
    let mut conn = heeler.conn();
    // Far more than all buffers on the way hold, so that heeler feels the reader's pace.
    conn.send(&Request::role("flood-stdout 40000000").bytes());
    let head = conn.read_head().unwrap();
    assert!(head.is_chunked());
    let mut raw = 0;
    let began = Instant::now();
    loop {
        let slowly = began.elapsed() < SECOND * 3;
        let bytes = conn.read_some(256 * 1024).unwrap();
        raw += bytes.len();
        if bytes.ends_with(b"\r\n0\r\n\r\n") {
            break;
        }
        assert!(!bytes.is_empty(), "cut after {raw} bytes, {:?}", began.elapsed());
        if slowly {
            pass(Duration::from_millis(100));
        }
    }
    assert!(raw > 40_000_000 && began.elapsed() > SECOND * 3, "{raw} bytes in {:?}", began.elapsed());
}

/// An open port is readiness on Knative: probes connect and close twenty times a second.
#[test]
fn probes_that_only_connect_are_silent_and_cost_nothing() {
    let heeler = Heeler::play("streaming", "echo", &[]);
    heeler.get("/before").assert_ok();
    heeler.stderr.wait_for("/before");
    let (lines, descriptors) = (heeler.stderr.all().len(), tree::descriptors(heeler.pid));
    for round in 0..300 {
        let conn = heeler.conn();
        match round % 3 {
            0 => drop(conn),
            1 => conn.reset(),
            _ => conn.half_close(),
        }
    }
    heeler.get("/after").assert_ok();
    heeler.stderr.wait_for("/after");
    let news: Vec<String> = heeler.stderr.all().split_off(lines);
    assert_eq!(news.len(), 1, "{news:?}");
    eventually("all descriptors are given back", || tree::descriptors(heeler.pid) <= descriptors);
}

#[test]
fn half_open_connections_do_not_keep_others_out() {
    let heeler = Heeler::play(
        "streaming",
        "echo",
        &[("idle_timeout", "1s"), ("read_timeout", "1s"), ("max_connections", "100")],
    );
    let mut held: Vec<Conn> = (0..100).map(|_| heeler.conn()).collect();
    for conn in held.iter_mut().step_by(2) {
        conn.send(b"GET / HT");
    }
    // All places are taken, but not for long.
    eventually("there is room again", || {
        TcpStream::connect(heeler.address()).is_ok_and(|stream| {
            Conn::over(stream).unwrap().try_call(&Request::post("/", "x")).is_ok_and(|answer| answer.status == 200)
        })
    });
}
