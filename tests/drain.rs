//! The end: nothing that was accepted is lost, nothing is left behind, and it takes no longer than it must.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::Instant;

use nix::sys::signal::Signal;
use support::{Conn, Failure, Gate, Heeler, MODES, Request, SECOND, eventually, pattern, tree};

/// A call that is at the handler until the gate opens.
fn hold(heeler: &Heeler, gate: &Gate) -> Conn {
    let before = gate.pids().len();
    let mut conn = heeler.conn();
    conn.send(&Request::role("gate").gate(gate).bytes());
    gate.wait_started(before + 1);
    conn
}

/// The drain settings that tests of the drain itself want: no pause before it.
const AT_ONCE: (&str, &str) = ("shutdown_delay", "0");

/// The peers wait for 30 s although nobody is there, and for ever with `healthcheck_interval=0`.
#[test]
fn an_idle_instance_ends_at_once() {
    for (name, value) in [("write_timeout", "30s"), ("healthcheck_interval", "0"), ("shutdown_delay", "0s")] {
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
            let mut heeler = Heeler::play("streaming", "say hi", &[(name, value)]);
            heeler.get("/").assert_ok();
            // A kept connection without a request holds nothing up.
            let mut kept = heeler.conn();
            kept.call(&Request::get("/")).assert_ok();
            let began = Instant::now();
            heeler.signal(signal);
            assert_eq!(heeler.exit_code(), 0, "{signal}");
            assert!(began.elapsed() < SECOND * 5, "{signal} took {:?}", began.elapsed());
            assert!(matches!(kept.read_head(), Err(Failure::Nothing)));
        }
    }
}

#[test]
fn calls_in_flight_finish_and_then_it_ends() {
    for mode in ["streaming", "serializing", "classic"] {
        let mut heeler = Heeler::play(mode, "do", &[AT_ONCE]);
        let gate = Gate::new();
        let mut held: Vec<Conn> = (0..5).map(|_| hold(&heeler, &gate)).collect();
        heeler.signal(Signal::SIGTERM);
        heeler.wait_closed();
        // No signal has reached the handlers.
        assert!(gate.pids().iter().all(|pid| tree::runs(*pid)), "{mode}");
        gate.open();
        for conn in &mut held {
            let answer = conn.read_response("GET").unwrap();
            assert_eq!(answer.assert_ok().text(), "opened\n", "{mode}");
            assert!(answer.closes(), "{mode}: the client is told that the connection ends");
        }
        assert_eq!(heeler.exit_code(), 0, "{mode}");
    }
}

#[test]
fn a_stream_in_flight_is_whole() {
    let mut heeler = Heeler::play("streaming", "do", &[AT_ONCE]);
    let gate = Gate::new();
    let mut conn = heeler.conn();
    conn.send(&Request::role("step").gate(&gate).bytes());
    let head = conn.read_head().unwrap();
    assert!(head.is_chunked());
    assert_eq!(conn.read_chunk().unwrap().unwrap(), b"first\n");
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    gate.open();
    assert_eq!(conn.read_chunk().unwrap().unwrap(), b"second\n");
    assert_eq!(conn.read_chunk().unwrap(), None);
    assert_eq!(heeler.exit_code(), 0);
}

#[test]
fn an_upload_in_flight_is_taken_to_its_end() {
    for mode in ["streaming", "serializing", "classic"] {
        let mut heeler = Heeler::play(mode, "count", &[AT_ONCE]);
        let mut conn = heeler.conn();
        let body = pattern(1_000_000);
        conn.send(&Request::post("/", body.clone()).head_bytes());
        conn.send(&body[..300_000]);
        // Whatever came before this is read.
        heeler.post("/", "x").assert_ok();
        heeler.signal(Signal::SIGTERM);
        heeler.wait_closed();
        conn.send(&body[300_000..]);
        assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "1000000\n", "{mode}");
        assert_eq!(heeler.exit_code(), 0, "{mode}");
    }
}

/// A call counts as accepted once its first byte is read.
#[test]
fn a_request_that_has_begun_is_served() {
    let mut heeler = Heeler::play("streaming", "do", &[AT_ONCE]);
    let request = Request::role("say hi").bytes();
    let mut conns: Vec<Conn> = (0..10).map(|_| heeler.conn()).collect();
    for (at, conn) in conns.iter_mut().enumerate() {
        // On new connections and on kept ones.
        if at % 2 == 0 {
            conn.call(&Request::role("say hi")).assert_ok();
        }
        conn.send(&request[..1 + at * 5]);
    }
    heeler.call(&Request::role("say hi")).assert_ok();
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    for (at, conn) in conns.iter_mut().enumerate() {
        conn.send(&request[1 + at * 5..]);
        let answer = conn.read_response("GET").unwrap_or_else(|failure| panic!("{at}: {failure:?}"));
        assert_eq!(answer.assert_ok().text(), "hi\n");
        assert!(answer.closes());
    }
    assert_eq!(heeler.exit_code(), 0);
}

/// The requests are there before the signal is seen: heeler is stopped while both are made.
#[test]
fn what_came_before_the_signal_is_served() {
    for round in 0..5 {
        let mut heeler = Heeler::play("streaming", "do", &[AT_ONCE]);
        let mut kept: Vec<Conn> = (0..8).map(|_| heeler.conn()).collect();
        kept.iter_mut().for_each(|conn| drop(conn.call(&Request::role("say hi")).assert_ok().text()));
        heeler.signal(Signal::SIGSTOP);
        kept.iter_mut().for_each(|conn| assert!(conn.send(&Request::role("say kept").bytes())));
        // These are in the accept backlog: the kernel has answered them, heeler has not.
        let mut fresh: Vec<Conn> = (0..8).map(|_| heeler.conn()).collect();
        fresh.iter_mut().for_each(|conn| assert!(conn.send(&Request::role("say fresh").bytes())));
        heeler.signal(Signal::SIGTERM);
        heeler.signal(Signal::SIGCONT);
        for (conns, text) in [(&mut kept, "kept\n"), (&mut fresh, "fresh\n")] {
            for conn in conns {
                let answer = conn.read_response("GET").unwrap_or_else(|failure| panic!("{round}, {text}: {failure:?}"));
                assert_eq!(answer.assert_ok().text(), text);
            }
        }
        assert_eq!(heeler.exit_code(), 0);
    }
}

#[test]
fn calls_in_the_queue_are_served() {
    let env = [AT_ONCE, ("max_inflight", "1"), ("queue_depth", "3")];
    let mut heeler = Heeler::builder().role("streaming", "do").envs(&env).metrics().start();
    let gate = Gate::new();
    let mut held = hold(&heeler, &gate);
    let mut waiting: Vec<Conn> = (0..3).map(|_| heeler.conn()).collect();
    waiting.iter_mut().for_each(|conn| assert!(conn.send(&Request::role("say waited").bytes())));
    eventually("they wait", || heeler.scrape().value("heeler_queue_depth", &[]) == 3.0);
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    gate.open();
    held.read_response("GET").unwrap().assert_ok();
    for conn in &mut waiting {
        assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "waited\n");
    }
    assert_eq!(heeler.exit_code(), 0);
}

#[test]
fn new_calls_are_served_during_the_delay() {
    for name in ["shutdown_delay", "healthcheck_interval"] {
        let mut heeler = Heeler::play("streaming", "say hi", &[(name, "2s")]);
        let mut kept = heeler.conn();
        kept.call(&Request::get("/")).assert_ok();
        let began = Instant::now();
        heeler.signal(Signal::SIGTERM);
        eventually("readiness is gone", || heeler.get("/_/ready").status == 503);
        while began.elapsed() < SECOND {
            heeler.get("/").assert_ok();
            if let Ok(answer) = kept.try_call(&Request::get("/")) {
                answer.assert_ok();
                if answer.closes() {
                    kept = heeler.conn();
                }
            } else {
                panic!("a kept connection is cut within the delay");
            }
        }
        assert_eq!(heeler.exit_code(), 0);
        assert!(began.elapsed() >= SECOND * 2, "{name} was cut to {:?}", began.elapsed());
    }
}

#[test]
fn an_interrupt_skips_the_delay() {
    let mut heeler = Heeler::play("streaming", "say hi", &[("shutdown_delay", "100s")]);
    heeler.signal(Signal::SIGINT);
    assert_eq!(heeler.exit_code_within(SECOND * 5), Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    for (first, second, code) in [
        (Signal::SIGTERM, Signal::SIGTERM, 143),
        (Signal::SIGTERM, Signal::SIGINT, 130),
        (Signal::SIGINT, Signal::SIGINT, 130),
        (Signal::SIGQUIT, Signal::SIGTERM, 143),
    ] {
        let mut heeler = Heeler::play("streaming", "do", &[("exec_timeout", "100s"), ("kill_grace", "30s")]);
        let gate = Gate::new();
        let mut conn = heeler.conn();
        conn.send(&Request::role("escape hang").gate(&gate).bytes());
        let below = {
            gate.wait_started(1);
            heeler.descendants()
        };
        heeler.signal(first);
        // The first one must have been taken: two that are pending at once are one.
        heeler.wait_closed();
        let began = Instant::now();
        heeler.signal(second);
        assert_eq!(heeler.exit_code(), code, "{first} then {second}");
        assert!(began.elapsed() < SECOND * 5, "{first} then {second} took {:?}", began.elapsed());
        tree::wait_until_gone(&below.iter().map(|process| process.pid).collect::<Vec<_>>());
    }
}

#[test]
fn a_drain_that_takes_too_long_is_cut_and_says_how_many() {
    let env = [AT_ONCE, ("drain_timeout", "1s"), ("exec_timeout", "100s"), ("kill_grace", "200ms")];
    let mut heeler = Heeler::play("streaming", "do", &env);
    let gates = [Gate::new(), Gate::new(), Gate::new()];
    let mut conns: Vec<Conn> = gates
        .iter()
        .map(|gate| {
            let mut conn = heeler.conn();
            conn.send(&Request::role("escape hang").gate(gate).bytes());
            gate.wait_started(1);
            conn
        })
        .collect();
    let below: Vec<i32> = heeler.descendants().iter().map(|process| process.pid).collect();
    let began = Instant::now();
    heeler.signal(Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 1);
    let took = began.elapsed();
    assert!(took >= SECOND && took < SECOND * 6, "{took:?}");
    let said = heeler.stderr.rest();
    let told = heeler.stderr.json().into_iter().any(|mut line| {
        line["time"].take();
        let said = line.to_string();
        (line["level"] == "warn" || line["level"] == "error") && said.contains('3') && said.contains("call")
    });
    assert!(told, "nothing about three calls in:\n{said}");
    for conn in &mut conns {
        // A status if there was time for one, never a good one.
        match conn.read_response("GET") {
            Ok(answer) => assert!(answer.status >= 500, "{}", answer.status),
            Err(failure) => assert!(!matches!(failure, Failure::TimedOut)),
        }
    }
    tree::wait_until_gone(&below);
}

#[test]
fn nothing_is_left_behind() {
    for mode in MODES {
        let mut heeler = Heeler::play(mode, "do", &[AT_ONCE, ("leftovers", "keep"), ("kill_grace", "200ms")]);
        let gate = Gate::new();
        drop(heeler.conn().try_call(&Request::role("fork-and-leave").gate(&gate)));
        drop(heeler.conn().try_call(&Request::role("escape exit").gate(&gate)));
        let left = gate.wait_started(2);
        assert!(left.iter().all(|pid| tree::runs(*pid)), "{mode}: kept until the end");
        heeler.signal(Signal::SIGTERM);
        assert_eq!(heeler.exit_code(), 0, "{mode}");
        tree::wait_until_gone(&left);
    }
}

#[test]
fn the_instance_says_that_it_drains_and_ends() {
    let mut heeler = Heeler::play("streaming", "say hi", &[AT_ONCE]);
    heeler.signal(Signal::SIGTERM);
    assert_eq!(heeler.exit_code(), 0);
    let said = heeler.stderr.rest();
    assert!(said.contains("drain"), "{said}");
    assert!(!said.contains("\"error\""), "{said}");
}
