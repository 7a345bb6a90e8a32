//! What goes wrong in containers: wrong settings, no memory, no processes.

use std::time::Instant;

use super::boxed::{Kind, echo};
use super::container::{Container, Run};
use super::engine::image;
use super::support::{Conn, Request, SECOND, SLACK, eventually, skipped};

#[test]
fn wrong_settings_are_in_the_log() {
    let Some(image) = image("custom") else { return };
    let wrong = [("fprocess", "cat"), ("exec_timeout", "10x"), ("mode", "sreaming")];
    let (code, said) = Run::of(&image).boxed("64m").envs(&wrong).ended();
    assert_eq!(code, 64, "{said}");
    assert!(said.contains("exec_timeout: \"10x\"") && said.contains("mode: \"sreaming\""), "{said}");
}

#[test]
fn a_function_that_is_not_there_is_in_the_log() {
    let Some(image) = image("python") else { return };
    let (code, said) = Run::of(&image).boxed("64m").ended();
    assert_eq!(code, 64, "{said}");
    assert!(said.contains("no file of a usual name is there") && said.contains("/home/app"), "{said}");
}

/// More than the container has: its cgroup kills the greatest, which is the handler. Whether it does is the machine's part.
fn survives(container: &Container, hungry: &Request, reason: &str) {
    let answer = container.call(hungry);
    if container.inspect("{{.HostConfig.Memory}}") != "67108864" || answer.status == 200 {
        return skipped("a handler without memory, since no limit holds here");
    }
    answer.assert_made_by_heeler(502, reason);
    eventually("the next call is served", || container.try_call(&echo()).is_some_and(|answer| answer.status == 200));
    let page = container.scrape();
    assert_eq!(page.value("heeler_handler_exits_total", &[("how", "signal")]), 1.0, "{}", page.text);
    assert_eq!(container.inspect("{{.State.Running}} {{.RestartCount}}"), "true 0");
}

#[test]
fn a_process_without_memory_costs_its_call() {
    let Some(kind) = Kind::of("custom") else { return };
    // Perl is in every Debian.
    let eat =
        r#"perl -e 'my $body = join "", <STDIN>; my $more = "x" x ($body eq "eat" ? 200_000_000 : 1); print $body'"#;
    let container = kind.boxed().envs(&[("fprocess", eat), ("mode", "serializing")]).serve(&echo());
    survives(&container, &Request::post("/", "eat"), "signal");
}

#[test]
fn a_worker_without_memory_costs_its_call() {
    for name in ["python", "node", "go"] {
        let Some(kind) = Kind::of(name) else { continue };
        survives(&kind.boxed().serve(&echo()), &Request::get("/eat"), "worker");
    }
}

#[test]
fn a_container_without_processes_refuses_and_recovers() {
    let Some(kind) = Kind::of("custom") else { return };
    let container = kind.boxed().serve(&echo());
    // Each holds a process for as long as its body is not at its end.
    let half = |conn: &mut Conn| assert!(conn.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na"));
    let mut held = Vec::new();
    let refused = loop {
        let mut conn = Conn::open(container.address());
        half(&mut conn);
        held.push(conn);
        if let Some(answer) = container.try_call(&echo()).filter(|answer| answer.status != 200) {
            break answer;
        }
        assert!(held.len() < 64, "33 processes beside a limit of 32");
    };
    refused.assert_made_by_heeler(503, "no_process");
    assert!(refused.header("retry-after").is_some(), "{:?}", refused.headers);
    for mut conn in held {
        // Those that were given a process end well, the last ones were refused.
        conn.send(b"b");
        let answer = conn.read_response("POST").expect("a whole answer");
        assert!(matches!((answer.status, answer.text().as_str()), (200, "ab") | (503, _)), "{}", answer.text());
    }
    let began = Instant::now();
    eventually("it serves again", || container.try_call(&echo()).is_some_and(|answer| answer.status == 200));
    assert!(began.elapsed() < SECOND + SLACK, "{:?}", began.elapsed());
}
