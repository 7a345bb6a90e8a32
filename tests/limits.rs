//! Limits: what is too much is refused with a word, costs nothing, and is over when it is over.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use support::{
    Conn, Failure, Gate, HEELER, Heeler, MODES, Request, SECOND, assert_took, at_once, echo_of, eventually, pattern,
    testfn_path, tree,
};

/// A call that is at the handler until the gate opens.
fn hold(heeler: &Heeler, gate: &Gate) -> Conn {
    let before = gate.pids().len();
    let mut conn = heeler.conn();
    conn.send(&Request::role("gate").gate(gate).bytes());
    gate.wait_started(before + 1);
    conn
}

/// A call that waits for a place, which the metrics show.
fn wait_in_queue(heeler: &Heeler, request: &Request, depth: f64) -> Conn {
    let mut conn = heeler.conn();
    conn.send(&request.bytes());
    eventually("the call waits", || heeler.scrape().value("heeler_queue_depth", &[]) == depth);
    conn
}

/// A role that ends well in every mode.
fn fine(mode: &str) -> Request {
    Request::role(if mode == "cgi" { "cgi-say fine" } else { "say fine" })
}

#[test]
fn max_inflight_refuses_what_is_too_much() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "do", &[("max_inflight", "2")]);
        let gate = Gate::new();
        let mut held = [hold(&heeler, &gate), hold(&heeler, &gate)];
        for _ in 0..3 {
            let answer = heeler.call(&fine(mode));
            answer.assert_made_by_heeler(429, "full");
            assert!(answer.header("retry-after").unwrap().parse::<u32>().is_ok(), "{mode}");
            assert!(answer.header("content-type").unwrap().starts_with("text/plain"), "{mode}");
            assert_eq!(answer.text().trim_end().lines().count(), 1, "{mode}");
            assert!(answer.text().starts_with("full: "), "{mode}: {}", answer.text());
        }
        gate.open();
        for conn in &mut held {
            assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "opened\n");
        }
        eventually("the places are free", || heeler.call(&fine(mode)).status == 200);
    }
}

/// The peers lose a place when a handler is missing or a client leaves at the wrong moment.
#[test]
fn a_place_is_given_back_whatever_happens() {
    at_once(MODES, |mode| {
        let env = [("max_inflight", "1"), ("exec_timeout", "500ms"), ("kill_grace", "100ms"), ("max_output", "100000")];
        let heeler = Heeler::play(mode, "do", &env);
        let roles = [
            "exit 3",
            "signal 9",
            "hang",
            "escape hang",
            "escape exit",
            "cgi-bad",
            "flood-stdout 200000",
            "never-read",
        ];
        for role in roles {
            let gate = Gate::new();
            drop(heeler.conn().try_call(&Request::role(role).method("POST").body(pattern(100_000)).gate(&gate)));
            eventually(&format!("{mode}: the place of {role}"), || heeler.call(&fine(mode)).status == 200);
            let gate = Gate::new();
            let mut conn = heeler.conn();
            conn.send(&Request::role(role).gate(&gate).bytes());
            conn.reset();
            eventually(&format!("{mode}: the place of {role}, reset"), || heeler.call(&fine(mode)).status == 200);
        }
        heeler.wait_childless();
    });
}

#[test]
fn no_limit_is_spelt_zero_or_less() {
    for value in ["0", "-1"] {
        let heeler = Heeler::play("streaming", "do", &[("max_inflight", value)]);
        let gate = Gate::new();
        let mut held: Vec<Conn> = (0..10).map(|_| hold(&heeler, &gate)).collect();
        gate.open();
        held.iter_mut().for_each(|conn| drop(conn.read_response("GET").unwrap().assert_ok().text()));
    }
}

#[test]
fn a_queue_holds_calls_and_refuses_when_it_is_full() {
    for mode in ["streaming", "serializing", "classic"] {
        let env = [("max_inflight", "1"), ("queue_depth", "1")];
        let heeler = Heeler::builder().role(mode, "do").envs(&env).metrics().start();
        let gate = Gate::new();
        let mut held = hold(&heeler, &gate);
        let mut waiting = wait_in_queue(&heeler, &fine(mode), 1.0);
        let refused = heeler.call(&fine(mode));
        refused.assert_made_by_heeler(503, "queue_full");
        assert!(refused.header("retry-after").is_some());
        gate.open();
        held.read_response("GET").unwrap().assert_ok();
        assert_eq!(waiting.read_response("GET").unwrap().assert_ok().text(), "fine\n", "{mode}");
        assert_eq!(heeler.scrape().value("heeler_queue_depth", &[]), 0.0);
    }
}

#[test]
fn a_call_that_waits_too_long_never_runs() {
    let env = [("max_inflight", "1"), ("queue_depth", "5"), ("queue_timeout", "1s")];
    let heeler = Heeler::play("streaming", "do", &env);
    let (gate, never) = (Gate::new(), Gate::new());
    let mut held = hold(&heeler, &gate);
    let began = Instant::now();
    let answer = heeler.call(&Request::role("never-read").gate(&never));
    assert_took(began.elapsed(), SECOND);
    answer.assert_made_by_heeler(503, "queue_timeout");
    assert!(answer.header("retry-after").is_some());
    gate.open();
    held.read_response("GET").unwrap().assert_ok();
    heeler.wait_childless();
    assert_eq!(never.pids(), Vec::<i32>::new());
}

/// 503 says that it never ran, 504 that it did.
#[test]
fn the_deadline_counts_while_a_call_waits() {
    let env = [("max_inflight", "1"), ("queue_depth", "5"), ("exec_timeout", "60s")];
    let heeler = Heeler::play("streaming", "do", &env);
    let (gate, never) = (Gate::new(), Gate::new());
    let mut held = hold(&heeler, &gate);
    let began = Instant::now();
    let answer = heeler.call(&Request::role("never-read").gate(&never).header("X-Timeout", "1s"));
    assert_took(began.elapsed(), SECOND);
    answer.assert_made_by_heeler(503, "queue_timeout");
    gate.open();
    held.read_response("GET").unwrap().assert_ok();
    heeler.wait_childless();
    assert_eq!(never.pids(), Vec::<i32>::new());
}

#[test]
fn a_client_that_leaves_the_queue_makes_room() {
    let env = [("max_inflight", "1"), ("queue_depth", "1")];
    let heeler = Heeler::builder().role("streaming", "do").envs(&env).metrics().start();
    let (gate, never) = (Gate::new(), Gate::new());
    let mut held = hold(&heeler, &gate);
    drop(wait_in_queue(&heeler, &Request::role("never-read").gate(&never), 1.0));
    eventually("it has left the queue", || heeler.scrape().value("heeler_queue_depth", &[]) == 0.0);
    let mut waiting = wait_in_queue(&heeler, &fine("streaming"), 1.0);
    gate.open();
    held.read_response("GET").unwrap().assert_ok();
    waiting.read_response("GET").unwrap().assert_ok();
    assert_eq!(never.pids(), Vec::<i32>::new(), "nobody wanted its answer");
}

#[test]
fn bodies_over_the_limit_are_refused() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[("max_body", "1000")]);
        for chunked in [false, true] {
            let request = |length: usize| {
                let request = Request::new("POST", "/");
                if chunked { request.chunked(pattern(length)) } else { request.body(pattern(length)) }
            };
            assert_eq!(heeler.call(&request(1000)).assert_ok().body, pattern(1000), "{mode}");
            for length in [1001, 100_000, 3_000_000] {
                let answer = heeler.call(&request(length));
                answer.assert_made_by_heeler(413, "body_too_large");
            }
        }
        heeler.wait_childless();
    }
}

#[test]
fn a_body_whose_length_is_over_the_limit_runs_nothing() {
    for mode in MODES {
        let heeler = Heeler::play(mode, "never-read", &[("max_body", "10")]);
        let gate = Gate::new();
        let request = Request::post("/", vec![0; 11]).gate(&gate);
        // Told from the head: the body is not waited for.
        let mut conn = heeler.conn();
        conn.send(&request.head_bytes());
        conn.read_response("POST").unwrap().assert_made_by_heeler(413, "body_too_large");
        heeler.call(&request).assert_made_by_heeler(413, "body_too_large");
        assert_eq!(gate.pids(), Vec::<i32>::new(), "{mode}");
    }
}

/// The status must arrive although the client is still sending when it is written.
#[test]
fn early_answers_arrive_whatever_is_still_sent() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[("max_body", "10")]);
        for _ in 0..5 {
            heeler.post("/", vec![0; 20 << 20]).assert_made_by_heeler(413, "body_too_large");
        }
        let heeler = Heeler::play(mode, "do", &[("max_inflight", "1"), ("max_body", "50Mi")]);
        let gate = Gate::new();
        let _held = hold(&heeler, &gate);
        heeler.post("/", vec![0; 20 << 20]).assert_made_by_heeler(429, "full");
    }
}

#[test]
fn output_over_the_limit_is_refused() {
    for mode in ["serializing", "classic"] {
        let heeler = Heeler::play(mode, "do", &[("max_output", "100000")]);
        assert_eq!(heeler.call(&Request::role("flood-stdout 100000")).assert_ok().body.len(), 100_000, "{mode}");
        for length in [100_001, 50_000_000] {
            let answer = heeler.call(&Request::role(&format!("flood-stdout {length}")));
            answer.assert_made_by_heeler(502, "output_too_large");
        }
        heeler.wait_childless();
    }
}

#[test]
fn a_stream_over_the_limit_is_cut() {
    let heeler = Heeler::play("streaming", "do", &[("max_output", "100000")]);
    assert_eq!(heeler.call(&Request::role("flood-stdout 100000")).assert_ok().body.len(), 100_000);
    for length in [100_001, 50_000_000] {
        let failure = heeler.conn().try_call(&Request::role(&format!("flood-stdout {length}"))).unwrap_err();
        assert!(failure.cut().body.len() <= 100_000);
    }
    heeler.wait_childless();
    // Before the head there is still a status to give.
    let heeler = Heeler::play("streaming", "do", &[("max_output", "100")]);
    heeler.call(&Request::role("flood-stdout 101")).assert_made_by_heeler(502, "output_too_large");
}

#[test]
fn connections_over_the_limit_get_a_status_and_are_closed() {
    let heeler = Heeler::play("streaming", "do", &[("max_connections", "5")]);
    let mut open: Vec<Conn> = (0..5).map(|_| heeler.conn()).collect();
    // All five are heeler's by now, in the order in which they came.
    open.iter_mut().for_each(|conn| drop(conn.call(&Request::role("say hi")).assert_ok().text()));
    for _ in 0..3 {
        let mut refused = heeler.conn();
        refused.send(&Request::role("say hi").bytes());
        let answer = refused.read_response("GET").unwrap();
        answer.assert_made_by_heeler(503, "connections");
        assert!(matches!(refused.read_head(), Err(Failure::Nothing)), "it stays open");
    }
    open.iter_mut().for_each(|conn| drop(conn.call(&Request::role("say hi")).assert_ok().text()));
    open.pop();
    eventually("a connection has room again", || {
        heeler.conn().try_call(&Request::role("say hi")).is_ok_and(|answer| answer.status == 200)
    });
}

/// Many calls at once that are held at the handler until some were refused; all statuses.
fn crowd(heeler: &Heeler, count: usize, reasons: &[&str]) -> Vec<u16> {
    let gate = Gate::new();
    std::thread::scope(|scope| {
        let call = || {
            let answer = heeler.call(&Request::role("gate").gate(&gate));
            if answer.status != 200 {
                assert_eq!(answer.status, 503, "{}", answer.text());
                assert!(reasons.contains(&answer.reason()), "{}", answer.text());
                assert!(answer.header("retry-after").is_some());
                // The first refusal shows that the crowd is as large as it gets.
                gate.open();
            }
            answer.status
        };
        let calls: Vec<_> = (0..count).map(|_| scope.spawn(call)).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    })
}

#[test]
fn without_descriptors_calls_are_refused_and_soon_served_again() {
    let builder = Heeler::builder().role("streaming", "do").limit(libc::RLIMIT_NOFILE, 64, 64);
    let heeler = builder.start();
    for _ in 0..3 {
        let statuses = crowd(&heeler, 40, &["no_descriptor", "connections"]);
        assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
        let began = Instant::now();
        eventually("calls are served again", || heeler.call(&Request::role("say hi")).status == 200);
        assert!(began.elapsed() < SECOND * 3, "{:?}", began.elapsed());
    }
    heeler.wait_childless();
}

#[test]
fn without_descriptors_for_connections_heeler_waits_and_recovers() {
    let builder = Heeler::builder().role("streaming", "do").limit(libc::RLIMIT_NOFILE, 48, 48);
    let heeler = builder.start();
    heeler.call(&Request::role("say hi")).assert_ok();
    let before = tree::descriptors(heeler.pid);
    let idle: Vec<Conn> = (0..80).map(|_| heeler.conn()).collect();
    eventually("the descriptors are used up", || tree::descriptors(heeler.pid) > 30);
    drop(idle);
    let began = Instant::now();
    eventually("calls are served again", || heeler.call(&Request::role("say hi")).status == 200);
    assert!(began.elapsed() < SECOND * 5, "{:?}", began.elapsed());
    eventually("they are given back", || tree::descriptors(heeler.pid) <= before);
}

#[test]
fn without_processes_calls_are_refused_and_soon_served_again() {
    if !support::is_root() {
        return support::skipped("only root can start heeler as a user who may have few processes");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let [heeler, handler] = ["heeler", "testfn"].map(|name| folder.path().join(name));
    support::place_program(HEELER.as_ref(), &heeler);
    support::place_program(&testfn_path(), &handler);
    // A user whom nobody else is: the limit counts all processes and threads of a user.
    let user = 30_000 + std::process::id() % 30_000;
    let heeler = Heeler::builder()
        .envs(&[("mode", "streaming"), ("fprocess", &format!("{} do", handler.display()))])
        .user(user, &heeler)
        .limit(libc::RLIMIT_NPROC, 12, 12)
        .start();
    // Not the handler's gate: that user may not write there.
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..30).map(|_| scope.spawn(|| heeler.call(&Request::role("sleep 1000")))).collect();
        let answers = calls.into_iter().map(|call| call.join().unwrap());
        answers
            .map(|answer| {
                if answer.status != 200 {
                    answer.assert_made_by_heeler(503, "no_process");
                }
                answer.status
            })
            .collect()
    });
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
    let began = Instant::now();
    eventually("calls are served again", || heeler.call(&Request::role("say hi")).status == 200);
    assert!(began.elapsed() < SECOND * 3, "{:?}", began.elapsed());
    heeler.wait_childless();
}
