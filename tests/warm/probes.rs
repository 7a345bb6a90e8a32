//! What probes and metrics say of workers: whether the function is well, whether there is room, and what workers are at.

use std::fs;

use crate::function::{Function, wait_noted};
use crate::support::working::call_aside;
use crate::support::{Heeler, eventually};

/// Says of itself what the files in its folder say.
const PYTHON: &str = r#"
    import os
    class Function:
        def alive(self):
            return not os.path.exists("broken")
        def ready(self):
            return (False, "the database is away") if os.path.exists("away") else True
        async def handle(self, scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"served"})
    def new():
        return Function()
"#;

const NODE: &str = r#"
    const fs = require('fs');
    exports.handle = () => 'served';
    exports.liveness = () => !fs.existsSync('broken');
    exports.readiness = async () => (fs.existsSync('away') ? [false, 'the database is away'] : true);
"#;

fn status(heeler: &Heeler, path: &str) -> u16 {
    heeler.get(path).status
}

#[test]
fn the_function_itself_is_asked() {
    for function in [Function::python(PYTHON), Function::node(NODE)] {
        let Some(function) = function else { continue };
        let heeler = function.start(&[("handler_style", "func"), ("workers", "2")]);
        assert_eq!((status(&heeler, "/_/health"), status(&heeler, "/_/ready")), (200, 200));
        function.write("away", "");
        // A function that does not answer in time is busy, and its last answer stands.
        eventually("it is not ready", || status(&heeler, "/health/readiness") == 503);
        let answer = heeler.get("/health/readiness");
        answer.assert_made_by_heeler(503, "handler");
        assert!(answer.text().contains("does not say that it is ready"), "{}", answer.text());
        heeler.stderr.wait_for("the database is away");
        assert_eq!(status(&heeler, "/health/liveness"), 200, "what is not ready may well be alive");
        assert_eq!(heeler.get("/").assert_ok().text(), "served", "probes decide of nothing else");
        fs::remove_file(function.path().join("away")).unwrap();
        eventually("it is ready again", || status(&heeler, "/_/ready") == 200);
        function.write("broken", "");
        eventually("it is not alive", || status(&heeler, "/_/health") == 503);
        heeler.get("/_/health").assert_made_by_heeler(503, "handler");
        assert_eq!(status(&heeler, "/_/ready"), 200);
    }
}

/// Runs until the gate opens.
const HELD: &str = r#"
    import meet
    def handle(request):
        meet.note("ran")
        meet.wait("open")
        return "served"
"#;

#[test]
fn a_full_line_shows_in_ready_and_in_the_metrics() {
    let Some(function) = Function::python(HELD) else { return };
    let heeler = function.start(&[("worker_concurrency", "1"), ("queue_depth", "1")]);
    let gauge = |name: &str, labels: &[(&str, &str)]| heeler.scrape().value(name, labels);
    assert_eq!(gauge("heeler_workers", &[("state", "up")]), 1.0);
    let running = call_aside(&heeler, "/");
    wait_noted(&function.gate, "ran", 1);
    assert_eq!(status(&heeler, "/_/ready"), 200, "one may wait");
    let waiting = call_aside(&heeler, "/");
    eventually("the second call waits", || gauge("heeler_queue_depth", &[]) == 1.0);
    heeler.get("/_/ready").assert_made_by_heeler(429, "full");
    heeler.get("/").assert_made_by_heeler(503, "queue_full");
    assert_eq!(gauge("function_calls_total", &[("method", "GET")]), 0.0, "a refused call was none of the function's");
    function.gate.open();
    for call in [running, waiting] {
        assert_eq!(call.join().unwrap(), (200, "served".to_owned()));
    }
    eventually("there is room again", || status(&heeler, "/_/ready") == 200);
    eventually("both are counted", || gauge("function_calls_total", &[("method", "GET")]) == 2.0);
    assert_eq!(gauge("heeler_queue_depth", &[]), 0.0);
}
