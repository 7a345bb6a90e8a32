//! HTTP/2 by prior knowledge, on the same port as HTTP/1.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::time::Instant;

use http_body_util::BodyExt;
use hyper::{HeaderMap, Request};
use nix::sys::signal::Signal;
use support::h2::{self, Client, connect, request};
use support::{Gate, Heeler, MODES, PATIENCE, SECOND, assert_same, assert_took, echo_of, pattern, tree};
use tokio::time::timeout;

const GRPC: (&str, &str) = ("content-type", "application/grpc");

async fn open(heeler: &Heeler) -> Client {
    connect(heeler.address()).await
}

fn role(words: &str) -> Request<h2::Body> {
    request("GET", "/", &[("x-do", words)], "")
}

fn gated(words: &str, gate: &Gate) -> Request<h2::Body> {
    request("GET", "/", &[("x-do", words), ("x-gate", gate.path())], "")
}

/// Waits for what blocks, while the client's connection goes on.
async fn wait<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(what).await.unwrap()
}

#[tokio::test]
async fn every_mode_echoes() {
    for mode in MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        let mut client = open(&heeler).await;
        for size in [0, 1, 100, 70_000, 448 * 1024, 3 << 20] {
            let body = pattern(size);
            let answer = client.call(request("POST", "/", &[], body.clone())).await.unwrap();
            assert_eq!(answer.status, 200, "{mode}");
            assert_same(&answer.body, &body, &format!("{mode}, {size} bytes"));
            assert!(answer.header("x-call-id").is_some());
            assert_eq!(answer.header("connection"), None, "{mode}: not a header of HTTP/2");
        }
    }
}

#[tokio::test]
async fn both_protocols_share_the_port() {
    let heeler = Heeler::play("streaming", "env", &[]);
    let mut client = open(&heeler).await;
    for n in 0..5 {
        let target = format!("/two/{n}?q={n}");
        let answer = client.call(request("PUT", &target, &[("x-one", "1")], "")).await.unwrap();
        let text = answer.text();
        let expected = format!("Http_Path=/two/{n}\n");
        assert!(
            text.contains(&expected) && text.contains("Http_Method=PUT\n") && text.contains("Http_X_One=1\n"),
            "{text}"
        );
        heeler.get("/one").assert_ok();
    }
    for path in ["/_/health", "/_/ready"] {
        assert_eq!(client.call(request("GET", path, &[], "")).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn cgi_sees_the_authority_and_the_version() {
    let heeler = Heeler::play("cgi", "cgi-env", &[]);
    let text = open(&heeler).await.call(request("POST", "/a?b", &[], "body")).await.unwrap().text();
    for line in ["SERVER_PROTOCOL=HTTP/2.0\n", "SERVER_NAME=heeler.test\n", "CONTENT_LENGTH=4\n", "QUERY_STRING=b\n"] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
}

#[tokio::test]
async fn streams_of_one_connection_run_at_once() {
    let heeler = Heeler::play("streaming", "do", &[]);
    let client = open(&heeler).await;
    let gate = Gate::new();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let mut sender = client.sender.clone();
            let request = gated("gate", &gate);
            tokio::spawn(async move { h2::read(sender.send_request(request).await.unwrap()).await.unwrap() })
        })
        .collect();
    // All fifty are at their handlers before the first is answered.
    let gate = wait(move || {
        gate.wait_started(50);
        gate
    })
    .await;
    gate.open();
    for call in calls {
        let answer = timeout(PATIENCE, call).await.unwrap().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "opened\n"));
    }
}

/// All streams share the connection's window.
#[tokio::test]
async fn a_handler_that_does_not_read_holds_up_no_other_call() {
    let heeler = Heeler::play("streaming", "do", &[]);
    let gate = Gate::new();
    let mut client = open(&heeler).await;
    let mut request = gated("gate", &gate);
    *request.body_mut() = h2::full(vec![b'x'; 4 << 20]);
    let stuck = tokio::spawn({
        let mut sender = client.sender.clone();
        async move { sender.send_request(request).await }
    });
    let gate = wait(move || {
        gate.wait_started(1);
        gate
    })
    .await;
    for _ in 0..10 {
        let mut next = role("echo");
        *next.body_mut() = h2::full(vec![b'y'; 100_000]);
        assert_eq!(client.call(next).await.unwrap().body.len(), 100_000);
    }
    gate.open();
    assert_eq!(timeout(PATIENCE, stuck).await.unwrap().unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn output_flows_as_it_comes() {
    let heeler = Heeler::play("streaming", "step", &[]);
    let gate = Gate::new();
    let mut client = open(&heeler).await;
    let mut body = client.send(gated("", &gate)).await.unwrap().into_body();
    let mut next =
        async || timeout(PATIENCE, body.frame()).await.unwrap().map(|frame| frame.unwrap().into_data().unwrap());
    assert_eq!(next().await.unwrap(), "first\n");
    gate.open();
    assert_eq!(next().await.unwrap(), "second\n");
    assert!(next().await.is_none_or(|end| end.is_empty()));
}

#[tokio::test]
async fn a_failure_after_the_head_resets_the_stream_and_spares_the_others() {
    let heeler = Heeler::play("streaming", "do", &[("exec_timeout", "1s"), ("kill_grace", "100ms")]);
    let mut client = open(&heeler).await;
    for words in ["flood-stdout 300000 3", "say-and-hang"] {
        let response = client.send(role(words)).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(h2::read(response).await.is_err(), "{words}: it looks whole");
        assert_eq!(client.call(role("say next")).await.unwrap().text(), "next\n");
    }
}

#[tokio::test]
async fn a_deadline_is_a_504() {
    for mode in MODES {
        let heeler = Heeler::play(mode, "do", &[("exec_timeout", "1s"), ("kill_grace", "100ms")]);
        let mut client = open(&heeler).await;
        let began = Instant::now();
        let answer = client.call(role("hang")).await.unwrap();
        assert_took(began.elapsed(), SECOND);
        assert_eq!(answer.status, if mode == "classic" { 408 } else { 504 });
        assert_eq!(answer.header("x-heeler-reason"), Some("timeout"));
    }
}

#[tokio::test]
async fn a_reset_cancels_its_call_and_no_other() {
    for mode in MODES {
        let heeler = Heeler::play(mode, "do", &[("exec_timeout", "100s"), ("kill_grace", "100ms")]);
        let client = open(&heeler).await;
        let (doomed, kept) = (Gate::new(), Gate::new());
        let spawn = |request: Request<h2::Body>| {
            let mut sender = client.sender.clone();
            tokio::spawn(async move { h2::read(sender.send_request(request).await?).await })
        };
        let reset = spawn(gated("hang", &doomed));
        let other = spawn(gated("gate", &kept));
        let (doomed, kept) = wait(move || {
            doomed.wait_started(1);
            kept.wait_started(1);
            (doomed, kept)
        })
        .await;
        // Dropping the answer sends RST_STREAM.
        reset.abort();
        let pids = doomed.pids();
        wait(move || tree::wait_until_gone(&pids)).await;
        assert!(kept.pids().iter().all(|pid| tree::runs(*pid)), "{mode}");
        kept.open();
        let answer = timeout(PATIENCE, other).await.unwrap().unwrap().unwrap();
        // In cgi mode the role's words are no head.
        assert!(answer.status == 200 || mode == "cgi", "{mode}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_all_its_calls() {
    let heeler = Heeler::play("streaming", "do", &[("exec_timeout", "100s"), ("kill_grace", "100ms")]);
    let client = open(&heeler).await;
    let gate = Gate::new();
    for _ in 0..5 {
        let mut sender = client.sender.clone();
        let request = gated("escape hang", &gate);
        tokio::spawn(async move { sender.send_request(request).await.map(drop) });
    }
    let gate = wait(move || {
        gate.wait_started(5);
        gate
    })
    .await;
    client.hang_up();
    let pids = gate.pids();
    wait(move || tree::wait_until_gone(&pids)).await;
    wait(move || heeler.wait_childless()).await;
}

#[tokio::test]
async fn trailers_of_a_request_are_neither_body_nor_headers() {
    let heeler = Heeler::play("streaming", "echo", &[]);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-late", "1".parse().unwrap());
    let body = h2::full("hi").with_trailers(std::future::ready(Some(Ok(trailers)))).boxed();
    let request = Request::post("http://heeler.test/").body(body).unwrap();
    let answer = open(&heeler).await.call(request).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "hi"));
    assert_eq!(answer.header("x-late"), None);
}

#[tokio::test]
async fn limits_hold_here_too() {
    let env = [("max_inflight", "1"), ("max_body", "10")];
    let heeler = Heeler::play("streaming", "do", &env);
    let mut client = open(&heeler).await;
    let gate = Gate::new();
    let mut sender = client.sender.clone();
    let held = gated("gate", &gate);
    let held = tokio::spawn(async move { h2::read(sender.send_request(held).await.unwrap()).await.unwrap() });
    let gate = wait(move || {
        gate.wait_started(1);
        gate
    })
    .await;
    let full = client.call(role("say hi")).await.unwrap();
    assert_eq!((full.status, full.header("x-heeler-reason")), (429, Some("full")));
    gate.open();
    assert_eq!(timeout(PATIENCE, held).await.unwrap().unwrap().status, 200);
    let large = client.call(request("POST", "/", &[], vec![0; 3 << 20])).await.unwrap();
    assert_eq!((large.status, large.header("x-heeler-reason")), (413, Some("body_too_large")));
    // The connection is none the worse.
    let mut calls = 0;
    while client.call(role("say hi")).await.unwrap().status != 200 {
        calls += 1;
        assert!(calls < 1000, "the place is lost");
    }
}

/// The grpc-status of an answer that has nothing else.
#[track_caller]
fn grpc_status(answer: &h2::Answer) -> Option<&str> {
    assert_eq!((answer.status, answer.body.len()), (200, 0), "{answer:?}");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/grpc")), "{answer:?}");
    let trailer = answer.trailers.as_ref().and_then(|trailers| trailers.get("grpc-status"));
    trailer.and_then(|value| value.to_str().ok()).or(answer.header("grpc-status"))
}

#[tokio::test]
async fn grpc_calls_get_a_grpc_status() {
    let heeler = Heeler::play("streaming", "do", &[("kill_grace", "100ms")]);
    let mut client = open(&heeler).await;
    for (words, expected) in [("exit 3", "13"), ("signal 9", "14")] {
        let request = request("POST", "/pkg.Service/Method", &[GRPC, ("x-do", words)], "");
        assert_eq!(grpc_status(&client.call(request).await.unwrap()), Some(expected), "{words}");
    }
    let began = Instant::now();
    let headers = [GRPC, ("grpc-timeout", "1S"), ("x-do", "hang")];
    let answer = client.call(request("POST", "/pkg.Service/Method", &headers, "")).await.unwrap();
    assert_took(began.elapsed(), SECOND);
    assert_eq!(grpc_status(&answer), Some("4"));
}

#[tokio::test]
async fn a_full_instance_has_a_grpc_status() {
    let heeler = Heeler::play("streaming", "do", &[("max_inflight", "1")]);
    let mut client = open(&heeler).await;
    let gate = Gate::new();
    let mut sender = client.sender.clone();
    let held = gated("gate", &gate);
    let held = tokio::spawn(async move { h2::read(sender.send_request(held).await.unwrap()).await.unwrap() });
    let gate = wait(move || {
        gate.wait_started(1);
        gate
    })
    .await;
    let answer = client.call(request("POST", "/pkg.Service/Method", &[GRPC], "")).await.unwrap();
    assert_eq!(grpc_status(&answer), Some("8"));
    gate.open();
    assert_eq!(timeout(PATIENCE, held).await.unwrap().unwrap().text(), "opened\n");
}

#[tokio::test]
async fn a_grpc_timeout_counts_on_grpc_calls_only() {
    let heeler = Heeler::play("streaming", "sleep 700", &[]);
    let mut client = open(&heeler).await;
    let answer = client.call(request("POST", "/", &[("grpc-timeout", "100m")], "")).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "slept\n"));
}

#[tokio::test]
async fn a_drain_finishes_streams_and_takes_no_new_ones() {
    for mode in ["streaming", "serializing", "classic"] {
        let mut heeler = Heeler::play(mode, "do", &[("shutdown_delay", "0")]);
        let mut client = open(&heeler).await;
        let gate = Gate::new();
        let calls: Vec<_> = (0..5)
            .map(|_| {
                let mut sender = client.sender.clone();
                let request = gated("gate", &gate);
                tokio::spawn(async move { h2::read(sender.send_request(request).await.unwrap()).await.unwrap() })
            })
            .collect();
        let (gate, mut heeler) = wait(move || {
            gate.wait_started(5);
            heeler.signal(Signal::SIGTERM);
            heeler.wait_closed();
            assert!(heeler.runs(), "calls are in flight");
            (gate, heeler)
        })
        .await;
        // GOAWAY: from some moment on the client may not begin a stream here.
        let deadline = Instant::now() + PATIENCE;
        while client.call(role("say more")).await.is_ok_and(|answer| answer.status == 200) {
            assert!(Instant::now() < deadline, "{mode}: no GOAWAY");
        }
        gate.open();
        for call in calls {
            assert_eq!(timeout(PATIENCE, call).await.unwrap().unwrap().text(), "opened\n", "{mode}");
        }
        assert_eq!(wait(move || heeler.exit_code()).await, 0, "{mode}");
        assert!(timeout(PATIENCE, client.connection).await.is_ok(), "{mode}: the connection ends");
    }
}

#[tokio::test]
async fn idle_connections_are_closed() {
    let heeler = Heeler::play("streaming", "say hi", &[("idle_timeout", "1s")]);
    let mut client = open(&heeler).await;
    assert_eq!(client.call(role("")).await.unwrap().status, 200);
    let idle = Instant::now();
    assert!(timeout(PATIENCE, client.connection).await.is_ok(), "it stays");
    assert_took(idle.elapsed(), SECOND);
}

#[tokio::test]
async fn a_reader_that_stalls_is_cut() {
    let env = [("write_timeout", "1s"), ("exec_timeout", "100s"), ("kill_grace", "100ms")];
    let heeler = Heeler::play("streaming", "do", &env);
    let mut client = open(&heeler).await;
    // Its window is never given back while nobody reads.
    let stalled = client.send(role("flood-stdout 100000000")).await.unwrap();
    let heeler = wait(move || {
        heeler.wait_childless();
        heeler
    })
    .await;
    assert!(h2::read(stalled).await.is_err(), "a cut answer looks whole");
    assert_eq!(open(&heeler).await.call(role("say hi")).await.unwrap().status, 200);
}

/// Each answer once left a task behind, for as long as a client may stall.
#[tokio::test]
async fn answers_leave_nothing_behind() {
    let heeler = Heeler::play("warm", "worker echo", &[]);
    let mut client = open(&heeler).await;
    let mut calls = async |count| {
        for _ in 0..count {
            assert_eq!(client.call(request("POST", "/", &[], "hi")).await.unwrap().text(), "hi");
        }
    };
    calls(500).await;
    let before = tree::size(heeler.pid, "VmRSS");
    calls(5_000).await;
    let grown = tree::grown(heeler.pid, "VmRSS", before);
    assert!(grown < 1 << 20, "{grown} bytes for 5,000 calls");
}

#[tokio::test]
async fn many_resets_harm_nobody() {
    let heeler = Heeler::play("streaming", "do", &[("kill_grace", "100ms")]);
    for _ in 0..5 {
        let client = open(&heeler).await;
        for _ in 0..60 {
            let mut sender = client.sender.clone();
            let call = tokio::spawn(async move { sender.send_request(role("hang")).await.map(drop) });
            tokio::task::yield_now().await;
            call.abort();
        }
        client.hang_up();
    }
    let heeler = wait(move || {
        heeler.wait_childless();
        heeler
    })
    .await;
    assert_eq!(open(&heeler).await.call(role("say hi")).await.unwrap().text(), "hi\n");
    heeler.call(&support::Request::role("say hi")).assert_ok();
}

/// The way of RFC 7540 §3.2 is not taken: the request is an ordinary one.
#[test]
fn an_upgrade_from_http_1_is_answered_in_http_1() {
    let heeler = Heeler::play("streaming", "echo", &[]);
    let request = support::Request::post("/", "hi")
        .header("Connection", "Upgrade, HTTP2-Settings")
        .header("Upgrade", "h2c")
        .header("HTTP2-Settings", "AAMAAABkAAQAAP__");
    assert_eq!(heeler.call(&request).assert_ok().text(), "hi");
}
