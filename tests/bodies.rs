//! Bodies: whole in both directions, whatever the handler and the client do.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use support::{Failure, Gate, Heeler, MODES, Request, assert_same, echo_of, eventually, pattern, tree};

const KIB: usize = 1024;
const MIB: usize = 1024 * 1024;

/// So many echoes of one size on one connection.
fn echo(mode: &str, heeler: &Heeler, size: usize, times: usize) {
    let body = pattern(size);
    let mut conn = heeler.conn();
    for time in 0..times {
        let answer = conn.call(&Request::post("/", body.clone()));
        assert_same(&answer.assert_ok().body, &body, &format!("{mode}, {size} bytes, time {time}"));
    }
}

/// of-watchdog's streaming loses bytes between 80 and 448 KiB, with status 200.
#[test]
fn echoes_of_the_sizes_that_get_cut_elsewhere_are_whole() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        for size in [64, 80, 128, 192, 256, 320, 384, 448] {
            echo(mode, &heeler, size * KIB, 20);
        }
    }
}

#[test]
fn large_echoes_are_whole() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[("max_body", "64Mi"), ("max_output", "64Mi")]);
        echo(mode, &heeler, MIB, 20);
        echo(mode, &heeler, 16 * MIB, 2);
    }
}

#[test]
#[ignore = "moves gigabytes"]
fn very_large_echoes_are_whole() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[("max_body", "200Mi"), ("max_output", "200Mi")]);
        echo(mode, &heeler, 16 * MIB, 20);
        echo(mode, &heeler, 100 * MIB, 20);
    }
}

#[test]
#[ignore = "moves a gigabyte"]
fn a_gigabyte_flows_in_constant_memory() {
    let heeler = Heeler::play("streaming", "echo", &[("exec_timeout", "0"), ("max_body", "0"), ("max_output", "0")]);
    heeler.post("/", "warm-up").assert_ok();
    let idle = tree::size(heeler.pid, "VmRSS");
    let (mut writer, piece) = (heeler.conn(), pattern(MIB));
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 1024 * MIB);
    assert!(writer.send(head.as_bytes()));
    let (mut reader, mut read) = (writer.twin(), 0);
    std::thread::scope(|scope| {
        let piece = &piece;
        scope.spawn(move || (0..1024).for_each(|_| assert!(writer.send(piece))));
        let head = reader.read_head().unwrap();
        assert!(head.status == 200 && head.is_chunked());
        while let Some(chunk) = reader.read_chunk().unwrap() {
            for byte in chunk {
                assert_eq!(byte, piece[read % MIB], "byte {read}");
                read += 1;
            }
        }
    });
    assert_eq!(read, 1024 * MIB);
    let peak = tree::size(heeler.pid, "VmHWM");
    assert!(peak <= idle + 8 * MIB as u64, "{idle} bytes idle, {peak} at the most");
}

#[test]
fn a_handler_that_writes_before_it_reads_loses_nothing() {
    for mode in ["streaming", "serializing", "classic"] {
        for first in [1, 64 * KIB, 300 * KIB] {
            let heeler = Heeler::play(mode, &format!("write-first {first}"), &[]);
            for size in [0, 1, 80 * KIB, 256 * KIB, MIB] {
                let mut conn = heeler.conn();
                let expected = [pattern(first), pattern(size)].concat();
                for _ in 0..3 {
                    let answer = conn.call(&Request::post("/", pattern(size)));
                    assert_same(&answer.assert_ok().body, &expected, &format!("{mode}: {first} first, then {size}"));
                }
            }
        }
    }
}

/// of-watchdog's serializing makes a racy 500 of it and leaves a zombie.
#[test]
fn a_handler_that_never_reads_is_no_error_and_leaves_nothing() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "never-read", &[]);
        heeler.post("/", "x").assert_ok();
        let before = tree::descriptors(heeler.pid);
        for size in [1, 64 * KIB, MIB, 4 * MIB] {
            for _ in 0..15 {
                let answer = heeler.post("/", vec![b'x'; size]);
                assert_eq!(answer.assert_ok().text(), "not reading\n", "{mode}, {size} bytes");
            }
        }
        heeler.wait_childless();
        eventually("its descriptors are given back", || tree::descriptors(heeler.pid) <= before);
    }
}

#[test]
fn a_handler_that_closes_stdin_early_is_no_error() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "close-stdin 10", &[]);
        for size in [10, 100 * KIB, 2 * MIB] {
            let body = pattern(size);
            let answer = heeler.post("/", body.clone());
            assert_same(&answer.assert_ok().body, &body[..10], mode);
        }
    }
}

#[test]
fn a_handler_that_closes_stdout_may_live_on() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "close-stdout", &[]);
        let gate = Gate::new();
        let mut conn = heeler.conn();
        conn.send(&Request::get("/").gate(&gate).bytes());
        gate.wait_started(1);
        gate.open();
        assert_eq!(conn.read_response("GET").unwrap().assert_ok().text(), "last words\n", "{mode}");
    }
}

#[test]
fn chunked_requests_are_whole() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        let mut conn = heeler.conn();
        for size in [0, 1, 64 * KIB, 300 * KIB, 2 * MIB] {
            let body = pattern(size);
            let answer = conn.call(&Request::new("POST", "/").chunked(body.clone()));
            assert_same(&answer.assert_ok().body, &body, &format!("{mode}, {size} bytes in chunks"));
        }
    }
}

#[test]
fn trailers_of_a_request_are_neither_body_nor_headers() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        let mut conn = heeler.conn();
        conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n2\r\nhi\r\n0\r\nX-Late: 1\r\n\r\n");
        let answer = conn.read_response("POST").unwrap();
        assert_eq!(answer.assert_ok().text(), "hi", "{mode}");
        assert_eq!(answer.header("x-late"), None);
        assert_eq!(conn.call(&Request::post("/", "next")).assert_ok().text(), "next", "{mode}");
    }
}

#[test]
fn a_client_that_waits_for_100_continue_is_told_to_go_on() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[("max_body", "1000")]);
        let mut conn = heeler.conn();
        let request = Request::post("/", "hello").header("Expect", "100-continue");
        conn.send(&request.head_bytes());
        assert_eq!(conn.read_head().unwrap().status, 100, "{mode}");
        conn.send(b"hello");
        assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "hello", "{mode}");
        // What will not be read is not asked for.
        let mut conn = heeler.conn();
        conn.send(&Request::post("/", vec![0; 2000]).header("Expect", "100-continue").head_bytes());
        assert_eq!(conn.read_head().unwrap().status, 413, "{mode}");
    }
}

/// The peers hold small outputs back to the end.
#[test]
fn output_flows_as_it_comes() {
    let heeler = Heeler::play("streaming", "step", &[]);
    let gate = Gate::new();
    let mut conn = heeler.conn();
    conn.send(&Request::get("/").gate(&gate).bytes());
    let head = conn.read_head().unwrap();
    assert_eq!(head.status, 200);
    assert!(head.is_chunked());
    assert_eq!(conn.read_chunk().unwrap().unwrap(), b"first\n");
    // The handler waits for this, so the first line came before the end.
    gate.open();
    assert_eq!(conn.read_chunk().unwrap().unwrap(), b"second\n");
    assert_eq!(conn.read_chunk().unwrap(), None);
}

#[test]
fn input_and_output_flow_at_the_same_time() {
    let heeler = Heeler::play("streaming", "upper", &[]);
    let mut conn = heeler.conn();
    conn.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (at, (sent, expected)) in [("one", "ONE"), ("two", "TWO"), ("three", "THREE")].into_iter().enumerate() {
        conn.send(format!("{:x}\r\n{sent}\r\n", sent.len()).as_bytes());
        if at == 0 {
            assert_eq!(conn.read_head().unwrap().status, 200);
        }
        assert_eq!(conn.read_chunk().unwrap().unwrap(), expected.as_bytes());
    }
    conn.send(b"0\r\n\r\n");
    assert_eq!(conn.read_chunk().unwrap(), None);
}

#[test]
fn short_answers_have_a_length_and_long_ones_are_chunked() {
    let heeler = Heeler::play("streaming", "do", &[("stream_hold", "5s")]);
    let short = heeler.call(&Request::role("flood-stdout 1000"));
    assert_eq!((short.header("content-length"), short.is_chunked()), (Some("1000"), false));
    let long = heeler.call(&Request::role("flood-stdout 100000"));
    assert_eq!((long.header("content-length"), long.is_chunked(), long.body.len()), (None, true, 100_000));
    for mode in ["serializing", "classic"] {
        let heeler = Heeler::play(mode, "flood-stdout 100000", &[]);
        assert_eq!(heeler.get("/").header("content-length"), Some("100000"), "{mode}");
    }
}

/// A body that ends too soon must never pass for a whole one.
#[test]
fn a_cut_upload_does_not_run_a_handler_that_needs_the_whole() {
    for mode in ["serializing", "classic", "cgi"] {
        let heeler = Heeler::play(mode, "count", &[]);
        let gate = Gate::new();
        let request = Request::post("/", vec![b'x'; 100]).gate(&gate);
        let chunked = Request::new("POST", "/").chunked("").gate(&gate);
        for (head, part) in [(request.head_bytes(), &b"only this"[..]), (chunked.head_bytes(), b"9\r\nonly this\r\n")] {
            let mut conn = heeler.conn();
            conn.send(&[&head, part].concat());
            conn.half_close();
            match conn.read_response("POST") {
                Ok(answer) => assert_eq!(answer.status, 400, "{mode}"),
                Err(Failure::Nothing) => {}
                Err(other) => panic!("{mode}: {other:?}"),
            }
        }
        assert_eq!(gate.pids(), Vec::<i32>::new(), "{mode}: it ran");
    }
}

#[test]
fn a_cut_upload_never_ends_well_in_streaming() {
    let heeler = Heeler::play("streaming", "count", &[]);
    let gate = Gate::new();
    let mut conn = heeler.conn();
    let request = Request::post("/", vec![b'x'; 1_000_000]).gate(&gate);
    conn.send(&[request.head_bytes(), vec![b'x'; 200_000]].concat());
    let pids = gate.wait_started(1);
    conn.half_close();
    if let Ok(answer) = conn.read_response("POST") {
        assert_ne!(answer.status, 200, "{}", answer.text());
    }
    tree::wait_until_gone(&pids);
}

#[test]
fn broken_chunks_are_refused() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        for body in ["zz\r\nhi\r\n0\r\n\r\n", "2\r\nhiX\r\n0\r\n\r\n", "-1\r\n\r\n", "ffffffffffffffffff\r\n"] {
            let mut conn = heeler.conn();
            conn.send(format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}").as_bytes());
            match conn.read_response("POST") {
                Ok(answer) => assert_eq!(answer.status, 400, "{mode} {body:?}"),
                Err(Failure::Nothing | Failure::Cut(_)) => {}
                Err(other) => panic!("{mode} {body:?}: {other:?}"),
            }
        }
        heeler.post("/", "fine").assert_ok();
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        let mut conn = heeler.conn();
        let all: Vec<u8> = (0..20).flat_map(|n| Request::post("/", format!("number {n}")).bytes()).collect();
        conn.send(&all);
        for n in 0..20 {
            assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), format!("number {n}"), "{mode}");
        }
    }
}

/// Its end would say that this was all: an upload that broke would be kept like a whole one. The handler hears TERM and
/// goes on.
#[test]
fn a_body_that_is_cut_has_no_end_for_its_handler() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, part) = (folder.path().join("kept"), folder.path().join("kept.part"));
    let script = format!("trap '' TERM; cat > {0}.part && mv {0}.part {0}", kept.display());
    let command = format!("sh -c {}", shell_words::quote(&script));
    let env = [("fprocess", &*command), ("kill_grace", "300ms"), ("max_body", "100000"), ("exec_timeout", "5s")];
    let heeler = Heeler::start(&env);
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";
    let begun = format!("{head}\r\n4\r\npart\r\n");
    let in_time = format!("{head}X-Timeout: 300ms\r\n\r\n4\r\npart\r\n");
    let large = format!("{head}\r\n30d40\r\n{}\r\n0\r\n\r\n", "x".repeat(200_000));
    for (what, bytes, status) in [
        ("broken", begun.clone() + "x\r\n", 400),
        ("broken behind its last byte", begun.clone() + "0\r\nbad trailer\r\n\r\n", 400),
        ("too large", large, 413),
        ("late", in_time, 504),
        ("abandoned", begun.clone(), 0),
    ] {
        let _ = std::fs::remove_file(&part);
        let mut conn = heeler.conn();
        conn.send(bytes.as_bytes());
        match status {
            0 => {
                // Before its handler is there nothing could be kept, and heeler would see no more than a client who left.
                eventually("the handler has a part", || std::fs::read(&part).is_ok_and(|kept| kept == b"part"));
                conn.reset();
            }
            _ => assert_eq!(conn.read_response("POST").unwrap().status, status, "{what}"),
        }
        heeler.wait_childless();
        assert!(!kept.exists(), "{what}: a part was taken for the whole");
    }
    heeler.call(&Request::new("POST", "/").chunked("whole")).assert_ok();
    assert_eq!(std::fs::read(&kept).unwrap(), b"whole");
}
