//! The functions and the worker that examples/ shows, as they stand there.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![allow(clippy::disallowed_methods, reason = "it only asks whether perl is there")]

mod support;

use std::process::Command;

use support::{Heeler, Request, pattern};

/// Whether a language is here; says so on standard error if it is not.
fn is_here(program: &str) -> bool {
    let here = Command::new(program).arg("--version").output().is_ok();
    if !here {
        support::skipped(&format!("an example, for want of {program}"));
    }
    here
}

fn example(path: &str) -> String {
    format!("{}/examples/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn start() -> Option<Heeler> {
    let command = format!("perl {}", example("worker/worker.pl"));
    is_here("perl").then(|| Heeler::builder().env("mode", "warm").env("fprocess", &command).start())
}

#[test]
fn the_sample_functions_serve() {
    for (program, folder) in [("python3", "hello"), ("node", "hello-node")] {
        if !is_here(program) {
            continue;
        }
        let heeler = Heeler::builder().env("mode", "warm").env("FUNCTION_SOURCE", &example(folder)).start();
        let hello = |request: &Request| {
            let answer = heeler.call(request);
            answer.assert_ok();
            serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap()
        };
        let expected = |name, method| serde_json::json!({ "hello": name, "method": method, "path": "/" });
        assert_eq!(hello(&Request::get("/")), expected("World", "GET"), "{program}");
        assert_eq!(hello(&Request::get("/?name=Ada")), expected("Ada", "GET"), "{program}");
        heeler.stdout.wait_for("greeting Ada");
        assert_eq!(hello(&Request::post("/", r#"{"name": "Grace"}"#)), expected("Grace", "POST"), "{program}");
    }
}

#[test]
fn the_example_worker_serves() {
    let Some(heeler) = start() else { return };
    let mut conn = heeler.conn();
    for _ in 0..3 {
        assert_eq!(conn.call(&Request::post("/a%20b", "hello")).assert_ok().text(), "POST /a%20b: HELLO");
    }
    let body: Vec<u8> = pattern(3 << 20).iter().map(|byte| b'a' + byte % 26).collect();
    for request in [Request::post("/", body.clone()), Request::new("POST", "/").chunked(body.clone())] {
        let answer = conn.call(&request);
        assert_eq!(answer.assert_ok().body[8..], body.to_ascii_uppercase());
    }
}

#[test]
fn its_errors_are_told_by_their_type() {
    let Some(heeler) = start() else { return };
    heeler.get("/die").assert_made_by_heeler(500, "raised");
    heeler.stderr.wait_for("no\\n");
    heeler.get("/next").assert_ok();
}
