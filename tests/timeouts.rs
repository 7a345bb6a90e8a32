//! Time: a call is answered at its deadline, ends when nobody wants it, and leaves no process behind.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::{Duration, Instant};

use support::{Conn, Failure, Gate, Heeler, MODES, Request, SECOND, assert_took, at_once, eventually, tree};

/// The status and the word of a call that ran out of time.
fn timeout_of(mode: &str) -> (u16, &'static str) {
    (if mode == "classic" { 408 } else { 504 }, "timeout")
}

/// A call that must run out of time at `limit`.
#[track_caller]
fn assert_times_out(heeler: &Heeler, mode: &str, request: &Request, limit: Duration) {
    let began = Instant::now();
    let answer = heeler.call(request);
    let took = began.elapsed();
    let (status, reason) = timeout_of(mode);
    answer.assert_made_by_heeler(status, reason);
    assert_took(took, limit);
}

#[test]
fn a_handler_that_hangs_is_answered_at_the_deadline() {
    at_once(MODES, |mode| {
        let heeler = Heeler::play(mode, "hang", &[("exec_timeout", "1s")]);
        let gate = Gate::new();
        assert_times_out(&heeler, mode, &Request::get("/").gate(&gate), SECOND);
        tree::wait_until_gone(&gate.pids());
        heeler.wait_childless();
    });
}

/// Both peers answer such a call when the grandchild ends, since it holds the pipes.
#[test]
fn a_grandchild_that_holds_the_pipes_does_not_delay_the_answer() {
    at_once(MODES, |mode| {
        let env = [("mode", mode), ("fprocess", "sh -c 'sleep 60; echo late'"), ("exec_timeout", "1s")];
        let heeler = Heeler::start(&env);
        assert_times_out(&heeler, mode, &Request::get("/"), SECOND);
        heeler.wait_childless();
    });
}

fn escapees_end(mode: &str, rounds: usize) {
    let heeler = Heeler::play(mode, "escape hang", &[("exec_timeout", "1s"), ("kill_grace", "200ms")]);
    std::thread::scope(|scope| {
        for _ in 0..rounds {
            scope.spawn(|| {
                let gate = Gate::new();
                assert_times_out(&heeler, mode, &Request::get("/").gate(&gate), SECOND);
                tree::wait_until_gone(&gate.pids());
            });
        }
    });
    heeler.wait_childless();
}

#[test]
fn escapees_from_the_session_end_with_their_call() {
    for mode in MODES {
        escapees_end(mode, 5);
    }
}

#[test]
#[ignore = "a hundred timeouts"]
fn a_hundred_escapees_end_with_their_calls() {
    for _ in 0..10 {
        escapees_end("streaming", 10);
    }
}

#[test]
fn a_chain_of_processes_that_never_stops_forking_is_ended() {
    let heeler = Heeler::play("streaming", "runner 2", &[("exec_timeout", "1s"), ("kill_grace", "200ms")]);
    for _ in 0..3 {
        assert_times_out(&heeler, "streaming", &Request::get("/"), SECOND);
        heeler.wait_childless();
    }
}

#[test]
fn a_handler_hears_term_before_kill() {
    at_once(MODES, |mode| {
        let heeler = Heeler::play(mode, "note-term", &[("exec_timeout", "1s"), ("kill_grace", "10s")]);
        let gate = Gate::new();
        assert_times_out(&heeler, mode, &Request::get("/").gate(&gate), SECOND);
        gate.wait_for("term");
        heeler.wait_childless();
    });
}

#[test]
fn a_handler_that_ignores_term_is_killed_after_the_grace() {
    let heeler = Heeler::play("streaming", "hang-ignoring-term", &[("exec_timeout", "1s"), ("kill_grace", "1s")]);
    let gate = Gate::new();
    // At the deadline, not after the grace.
    assert_times_out(&heeler, "streaming", &Request::get("/").gate(&gate), SECOND);
    let answered = Instant::now();
    let pids = gate.pids();
    tree::wait_until_gone(&pids);
    let took = answered.elapsed();
    assert!(took > SECOND / 2, "killed after {took:?}: it had a second");
    assert!(took < SECOND + support::SLACK, "killed only after {took:?}");
    heeler.wait_childless();
}

#[test]
fn a_place_is_held_until_the_tree_is_dead() {
    let env = [("exec_timeout", "1s"), ("kill_grace", "3s"), ("max_inflight", "1")];
    let heeler = Heeler::play("streaming", "do", &env);
    let gate = Gate::new();
    let hang = Request::role("hang-ignoring-term").gate(&gate);
    assert_times_out(&heeler, "streaming", &hang, SECOND);
    // Answered, but its process has three more seconds.
    heeler.call(&Request::role("say hi")).assert_made_by_heeler(429, "full");
    tree::wait_until_gone(&gate.pids());
    eventually("the place is free again", || heeler.call(&Request::role("say hi")).status == 200);
}

#[test]
fn x_timeout_shortens_the_deadline() {
    at_once(MODES, |mode| {
        let heeler = Heeler::play(mode, "hang", &[("exec_timeout", "60s"), ("kill_grace", "100ms")]);
        for (value, limit) in [("1", SECOND), ("1s", SECOND), ("300ms", Duration::from_millis(300))] {
            assert_times_out(&heeler, mode, &Request::get("/").header("X-Timeout", value), limit);
        }
    });
}

/// of-watchdog takes `0s` and negative values for "no limit".
#[test]
fn x_timeout_never_lengthens_or_removes_the_deadline() {
    at_once(MODES, |mode| {
        let heeler = Heeler::play(mode, "hang", &[("exec_timeout", "1s"), ("kill_grace", "100ms")]);
        assert_times_out(&heeler, mode, &Request::get("/").header("X-Timeout", "60s"), SECOND);
        at_once(["0", "0s", "-1", "-5s", "junk", "1.5.5s", "99999999999999999999"], |odd| {
            let began = Instant::now();
            let answer = heeler.call(&Request::get("/").header("X-Timeout", odd));
            assert!(began.elapsed() < SECOND * 3, "{mode} {odd:?} took {:?}", began.elapsed());
            assert!([400, timeout_of(mode).0].contains(&answer.status), "{mode} {odd:?}: {}", answer.status);
        });
    });
}

#[test]
fn without_a_limit_only_the_caller_sets_one() {
    at_once(MODES, |mode| {
        let command = if mode == "cgi" { "cgi-say done" } else { "say done" };
        Heeler::play(mode, command, &[("exec_timeout", "0")]).get("/").assert_ok();
        let heeler = Heeler::play(mode, "hang", &[("exec_timeout", "0"), ("kill_grace", "100ms")]);
        assert_times_out(&heeler, mode, &Request::get("/").header("X-Timeout", "1s"), SECOND);
    });
    // Classic has no limit unless one is set.
    let heeler = Heeler::play("classic", "sleep 1500", &[]);
    heeler.get("/").assert_ok();
}

#[test]
fn a_stream_that_runs_out_of_time_is_cut() {
    let heeler = Heeler::play("streaming", "say-and-hang", &[("exec_timeout", "1s")]);
    let gate = Gate::new();
    let began = Instant::now();
    let cut = heeler.conn().try_call(&Request::get("/").gate(&gate)).unwrap_err().cut();
    assert_took(began.elapsed(), SECOND);
    assert_eq!((cut.status, cut.text().as_str()), (200, "first\n"));
    tree::wait_until_gone(&gate.pids());
}

/// The peers close the connection without a status when `write_timeout` is shorter than the run.
#[test]
fn a_long_run_is_no_stalled_write() {
    at_once(["streaming", "serializing", "classic"], |mode| {
        let heeler = Heeler::play(mode, "sleep 1500", &[("write_timeout", "1s"), ("read_timeout", "1s")]);
        assert_eq!(heeler.get("/").assert_ok().text(), "slept\n", "{mode}");
    });
}

#[test]
fn the_deadline_comes_before_the_slow_upload() {
    at_once(MODES, |mode| {
        let env = [("exec_timeout", "1s"), ("read_timeout", "30s"), ("kill_grace", "100ms")];
        // It says nothing before it has read all, so that there is a status to give.
        let heeler = Heeler::play(mode, "count", &env);
        let mut conn = heeler.conn();
        let began = Instant::now();
        conn.send(&[Request::post("/", vec![0; 100_000]).head_bytes(), b"a part".to_vec()].concat());
        let answer = conn.read_response("POST").unwrap();
        assert_took(began.elapsed(), SECOND);
        let (status, reason) = timeout_of(mode);
        answer.assert_made_by_heeler(status, reason);
        heeler.wait_childless();
    });
}

/// A call that is given up by its client in some way ends, long before its deadline. `sent` bytes of its body are sent.
fn assert_cancelled(
    mode: &str,
    what: &str,
    request: &Request,
    sent: usize,
    give_up: impl FnOnce(Conn) -> Option<Conn>,
) {
    let heeler = Heeler::play(mode, "hang", &[("exec_timeout", "100s"), ("max_inflight", "1")]);
    let gate = Gate::new();
    let mut conn = heeler.conn();
    conn.set_write_patience(SECOND / 2);
    conn.send(&[request.clone().gate(&gate).head_bytes(), vec![b'x'; sent]].concat());
    let pids = gate.wait_started(1);
    let kept = give_up(conn);
    tree::wait_until_gone(&pids);
    heeler.wait_childless();
    drop(kept);
    // The place is given back.
    let answer = heeler.call(&Request::get("/").header("X-Timeout", "200ms"));
    assert_eq!(answer.status, timeout_of(mode).0, "{mode}, {what}");
}

/// Neither peer notices.
#[test]
fn a_client_that_goes_away_cancels_its_call() {
    at_once(MODES, |mode| {
        assert_cancelled(mode, "close", &Request::get("/"), 0, |conn| {
            drop(conn);
            None
        });
        assert_cancelled(mode, "reset", &Request::get("/"), 0, |conn| {
            conn.reset();
            None
        });
        assert_cancelled(mode, "half-close", &Request::post("/", "body"), 4, |conn| {
            conn.half_close();
            Some(conn)
        });
    });
}

/// More than the handler's pipe and heeler take, and little enough that the end behind it can come in: of what is stuck
/// in the client's own buffers no server hears before a reset.
#[test]
fn a_client_that_goes_away_is_noticed_behind_an_unread_body() {
    let upload = Request::post("/", vec![b'x'; 32 << 20]);
    let all_in = |conn: &Conn| eventually("all is on heeler's side", || conn.unsent() == 0);
    assert_cancelled("streaming", "close", &upload, 160_000, |conn| {
        all_in(&conn);
        drop(conn);
        None
    });
    assert_cancelled("streaming", "half-close", &upload, 160_000, |conn| {
        all_in(&conn);
        conn.half_close();
        Some(conn)
    });
    assert_cancelled("streaming", "reset", &upload, 20 << 20, |conn| {
        assert!(conn.unsent() > 0, "the handler reads nothing, yet all was taken");
        conn.reset();
        None
    });
}

#[test]
fn a_client_that_leaves_while_it_is_answered_ends_the_handler() {
    let heeler = Heeler::play("streaming", "say-and-hang", &[("exec_timeout", "100s")]);
    let gate = Gate::new();
    let mut conn = heeler.conn();
    conn.send(&Request::get("/").gate(&gate).bytes());
    assert_eq!(conn.read_head().unwrap().status, 200);
    assert_eq!(conn.read_chunk().unwrap().unwrap(), b"first\n");
    drop(conn);
    tree::wait_until_gone(&gate.wait_started(1));
    heeler.wait_childless();
}

#[test]
fn what_a_call_leaves_running_is_ended_with_it() {
    at_once(["streaming", "serializing", "classic"], |mode| {
        for role in ["fork-and-leave", "escape exit"] {
            let heeler = Heeler::play(mode, role, &[("kill_grace", "200ms")]);
            let gate = Gate::new();
            let began = Instant::now();
            let answer = heeler.call(&Request::get("/").gate(&gate));
            assert!(["left\n", "escaped\n"].contains(&answer.assert_ok().text().as_str()), "{mode} {role}");
            assert!(began.elapsed() < SECOND * 5, "{mode} {role}: it waited for who held the pipe");
            tree::wait_until_gone(&gate.pids());
            heeler.wait_childless();
        }
    });
}

#[test]
fn what_a_call_leaves_running_is_kept_if_so_wished() {
    at_once(["streaming", "serializing", "classic"], |mode| {
        let heeler = Heeler::play(mode, "fork-and-leave", &[("leftovers", "keep"), ("kill_grace", "100ms")]);
        let gate = Gate::new();
        let answer = heeler.call(&Request::get("/").gate(&gate));
        assert_eq!(answer.assert_ok().text(), "left\n");
        support::pass(Duration::from_millis(500));
        assert!(gate.pids().iter().all(|pid| tree::runs(*pid)), "{mode}: it was ended");
        gate.open();
        // It can still write, and what it writes is logged.
        gate.wait_for("finished");
        heeler.wait_childless();
    });
}

#[test]
fn a_connection_is_good_for_the_next_call_after_a_timeout() {
    at_once(MODES, |mode| {
        let heeler = Heeler::play(mode, "do", &[("exec_timeout", "1s")]);
        let mut conn = heeler.conn();
        let answer = conn.call(&Request::role("hang"));
        assert_eq!(answer.status, timeout_of(mode).0);
        let next = if mode == "cgi" { "cgi-say next" } else { "say next" };
        match conn.try_call(&Request::role(next)) {
            Ok(answer) => assert_eq!(answer.assert_ok().text(), "next\n", "{mode}"),
            Err(Failure::Nothing) => assert!(answer.closes(), "{mode}: closed without a word"),
            Err(other) => panic!("{mode}: {other:?}"),
        }
    });
}
