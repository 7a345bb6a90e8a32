//! Bodies that flow: each piece as it comes, in both directions, and nobody else held up.

use std::time::Duration;

use crate::function::{Function, wait_noted};
use crate::support::{Failure, Heeler, Request, assert_same, eventually, flow, pattern, three_events, tree};

/// A function that answers piece by piece, one that sends its request back as it comes, and one that answers at once.
struct Streamer {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    env: &'static [(&'static str, &'static str)],
}

const ASGI: Streamer = Streamer {
    name: "asgi",
    files: &[(
        "app.py",
        r#"
        import meet

        async def app(scope, receive, send):
            if scope["type"] != "http":
                return
            path = scope["path"]
            kind = b"text/event-stream" if path == "/events" else b"a/b"
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
            if path == "/events":
                for number in range(3):
                    await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
                    await meet.until(f"open.{number}")
            elif path == "/flood":
                for number in range(256):
                    await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
                meet.note("flooded")
            elif path in ("/echo", "/small"):
                more = True
                while more:
                    message = await receive()
                    more = message.get("more_body", False)
                    if message["body"]:
                        meet.note("piece")
                    await send({"type": "http.response.body", "body": message["body"], "more_body": True})
            elif path == "/early":
                await send({"type": "http.response.body", "body": b"early", "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        "#,
    )],
    env: &[],
};

const WSGI: Streamer = Streamer {
    name: "wsgi",
    files: &[(
        "app.py",
        r#"
        import meet

        def pieces(path, body):
            if path == "/events":
                for number in range(3):
                    yield b"data: %d\n\n" % number
                    meet.wait(f"open.{number}")
            elif path == "/flood":
                for number in range(256):
                    yield bytes(65536)
                meet.note("flooded")
            elif path in ("/echo", "/small"):
                while piece := body.read(5 if path == "/small" else 65536):
                    meet.note("piece")
                    yield piece
            else:
                yield b"early"

        def app(environ, start_response):
            path = environ["PATH_INFO"]
            kind = "text/event-stream" if path == "/events" else "a/b"
            start_response("200 OK", [("Content-Type", kind)])
            return pieces(path, environ["wsgi.input"])
        "#,
    )],
    env: &[("worker_concurrency", "4")],
};

const NODE: Streamer = Streamer {
    name: "node",
    files: &[(
        "function.js",
        r#"
        const meet = require('./meet');
        exports.f = async (req, res) => {
          res.setHeader('content-type', req.path === '/events' ? 'text/event-stream' : 'a/b');
          const drained = () => new Promise((resolve) => { res.once('drain', resolve); });
          if (req.path === '/events') {
            for (let number = 0; number < 3; number += 1) {
              res.write(`data: ${number}\n\n`);
              await meet.until(`open.${number}`);
            }
            res.end();
          } else if (req.path === '/flood') {
            for (let number = 0; number < 256; number += 1) if (!res.write(Buffer.alloc(65536))) await drained();
            meet.note('flooded');
            res.end();
          } else if (req.path === '/echo' || req.path === '/small') {
            for await (const piece of req) {
              meet.note('piece');
              if (!res.write(piece)) await drained();
            }
            res.end();
          } else {
            res.end('early');
          }
        };
        "#,
    )],
    env: &[("handler", "function.f"), ("handler_style", "http"), ("handler_body", "stream")],
};

const ALL: [&Streamer; 3] = [&ASGI, &WSGI, &NODE];

/// More than all buffers between function and caller hold.
const FLOOD: usize = 16 << 20;
/// The large body of a test that all run, and of the one that is run by hand.
const LARGE: usize = 64 << 20;
const HUGE: usize = 1 << 30;

fn each(streamers: &[&Streamer], test: impl Fn(&Function, &Heeler)) {
    for streamer in streamers {
        let Some(function) = Function::of(streamer.files) else { continue };
        let heeler = function.start(streamer.env);
        eprintln!("--- {}", streamer.name);
        test(&function, &heeler);
    }
}

#[test]
fn events_arrive_one_by_one_as_they_are_made() {
    each(&ALL, |function, heeler| three_events(&mut heeler.conn(), &function.gate));
}

#[test]
fn a_generator_of_hks_streams_too() {
    let code = r#"
        import meet
        DEF handle(request):
            yield "first "
            AWAIT("open")
            yield "second"
    "#;
    for (form, wait) in [("def", "meet.wait"), ("async def", "await meet.until")] {
        let Some(function) = Function::python(&code.replace("DEF", form).replace("AWAIT", wait)) else { return };
        let heeler = function.start(&[]);
        let mut conn = heeler.conn();
        conn.send(&Request::get("/").bytes());
        conn.read_head().expect("a head");
        assert_eq!(conn.read_chunk().expect("a piece").as_deref(), Some(&b"first "[..]));
        function.gate.let_go("open");
        assert_eq!(conn.read_chunk().expect("a piece").as_deref(), Some(&b"second"[..]));
        assert_eq!(conn.read_chunk().expect("the end"), None);
    }
}

/// The function is held back by the caller who does not read, and by nobody else.
#[test]
fn a_slow_caller_stalls_its_own_call_only() {
    each(&ALL, |function, heeler| {
        let mut slow = heeler.conn();
        slow.send(&Request::get("/flood").bytes());
        let mut head = slow.read_head().expect("a head");
        assert_eq!(head.status, 200);
        let mut conn = heeler.conn();
        for _ in 0..20 {
            assert_eq!(conn.call(&Request::get("/early")).assert_ok().text(), "early");
        }
        assert!(!function.gate.has("flooded"), "16 MiB went somewhere while nobody read them");
        slow.read_body(&mut head, "GET").expect("the rest");
        assert_eq!(head.body.len(), FLOOD);
    });
}

/// Piece for piece, before the caller has finished.
#[test]
fn a_request_streams_into_the_function() {
    each(&ALL, |function, heeler| {
        let mut conn = heeler.conn();
        conn.send(&Request::new("POST", "/small").chunked("").head_bytes());
        for number in 1..=3 {
            conn.send(b"5\r\npiece\r\n");
            wait_noted(&function.gate, "piece", number);
            if number == 1 {
                assert_eq!(conn.read_head().expect("a head, while the body still comes").status, 200);
            }
            assert_eq!(conn.read_chunk().expect("a piece").as_deref(), Some(&b"piece"[..]));
        }
        conn.send(b"0\r\n\r\n");
        assert_eq!(conn.read_chunk().expect("the end"), None);
        std::fs::remove_file(function.gate.file("piece")).expect("it was noted");
    });
}

/// Another worker has its place, and it hears that no more calls come: the rest of this one does.
#[test]
fn a_request_may_still_be_coming_when_its_worker_is_replaced() {
    for streamer in ALL {
        let Some(function) = Function::of(streamer.files) else { continue };
        let heeler = function.builder().envs(streamer.env).env("worker_max_requests", "1").start();
        let mut conn = heeler.conn();
        conn.send(&Request::new("POST", "/small").chunked("").head_bytes());
        conn.send(b"5\r\nfirst\r\n");
        assert_eq!(conn.read_head().expect("a head").status, 200);
        assert_eq!(conn.read_chunk().expect("a piece").as_deref(), Some(&b"first"[..]));
        heeler.get("/early").assert_ok();
        eventually("another worker is up", || crate::support::working::said(&heeler, "worker is up") == 2);
        heeler.get("/early").assert_ok();
        conn.send(b"5\r\nlater\r\n0\r\n\r\n");
        assert_eq!(conn.read_chunk().expect("a piece").as_deref(), Some(&b"later"[..]), "{}", streamer.name);
        assert_eq!(conn.read_chunk().expect("the end"), None);
    }
}

/// The highest that memory ever was.
const PEAK: &str = "VmHWM";

/// Sends so many bytes to a function that gives them back, and compares; heeler and the worker hold a few windows of it.
#[track_caller]
fn check_large(heeler: &Heeler, length: usize) {
    let piece = pattern(1 << 20);
    // What it takes to serve at all.
    assert_same(&heeler.post("/echo", &piece[..70_000]).assert_ok().body, &piece[..70_000], "a small body");
    let worker = heeler.descendants()[0].pid;
    let before = [heeler.pid, worker].map(|pid| tree::size(pid, PEAK));
    flow(&mut heeler.conn(), "/echo", &piece, length);
    for ((who, pid), before) in [("heeler", heeler.pid), ("the worker", worker)].into_iter().zip(before) {
        let grown = tree::grown(pid, PEAK, before) >> 20;
        // Node collects buffers when it sees fit.
        let most = if who == "heeler" { 12 } else { 56 };
        assert!(grown < most, "{who} took {grown} MiB more for {} MiB", length >> 20);
    }
}

#[test]
fn large_bodies_both_ways_need_little_memory() {
    each(&ALL, |_, heeler| check_large(heeler, LARGE));
}

/// `cargo test --test warm -- --ignored huge_bodies`
#[test]
#[ignore = "1 GiB through each runtime takes half a minute"]
fn huge_bodies_both_ways_need_little_memory() {
    for streamer in ALL {
        let Some(function) = Function::of(streamer.files) else { continue };
        let heeler = function.builder().envs(streamer.env).env("exec_timeout", "10m").start();
        check_large(&heeler, HUGE);
    }
}

/// Node's functions have the whole body when they are called; it goes back the same.
#[test]
fn a_large_body_through_node() {
    let code = "exports.f = (req, res) => { res.end(req.rawBody); };";
    let Some(function) = Function::node(code) else { return };
    let heeler = function.start(&[("handler", "function.f"), ("handler_style", "http")]);
    let body = pattern(LARGE);
    for request in [Request::post("/", body.clone()), Request::new("POST", "/").chunked(body.clone())] {
        let request = request.header("Content-Type", "application/octet-stream");
        assert_same(&heeler.call(&request).assert_ok().body, &body, "the body");
    }
    let before = tree::size(heeler.pid, PEAK);
    assert!(before < 64 << 20, "heeler took {} MiB", before >> 20);
}

/// The function never reads; its answer arrives, and the connection's next call too.
#[test]
fn an_early_answer_comes_while_the_request_still_does() {
    each(&ALL, |_, heeler| {
        let mut conn = heeler.conn();
        conn.send(b"POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
        conn.send(&[b'x'; 1000]);
        assert_eq!(conn.read_response("POST").expect("an answer").assert_ok().text(), "early");
        drop(conn);
        assert_eq!(heeler.get("/early").assert_ok().text(), "early");
    });
}

/// Of 2 MB that nobody reads: the answer is whole, not a reset.
#[test]
fn an_early_answer_survives_the_rest_of_the_request() {
    each(&ALL, |_, heeler| {
        for _ in 0..5 {
            let answer = heeler.conn().call(&Request::post("/early", vec![b'x'; 2 << 20]));
            assert_eq!(answer.assert_ok().text(), "early");
        }
    });
}

#[test]
fn answers_without_a_body() {
    let code = r#"
        def handle(request):
            status = int(request.args.get("status", "200"))
            return ("some body", status, {"X-A": "b"})
    "#;
    let node = r#"
        exports.handle = (request) => ({ statusCode: Number(request.query.status ?? 200), headers: { 'X-A': 'b' }, body: 'some body' });
    "#;
    for function in [Function::python(code), Function::node(node)] {
        let Some(function) = function else { continue };
        let heeler = function.start(&[]);
        let mut conn = heeler.conn();
        let head = conn.call(&Request::new("HEAD", "/"));
        assert_eq!((head.assert_ok().header("x-a"), head.header("content-length")), (Some("b"), Some("9")));
        for status in [204, 304] {
            let answer = conn.call(&Request::get(&format!("/?status={status}")));
            assert_eq!((answer.status, answer.header("x-a"), answer.text()), (status, Some("b"), String::new()));
        }
        assert_eq!(conn.call(&Request::get("/")).assert_ok().text(), "some body");
    }
}

/// A promise that the function does not keep is no answer.
#[test]
fn a_length_that_is_not_true_is_no_answer() {
    let code = r#"
        def app(environ, start_response):
            path = environ["PATH_INFO"]
            start_response("200 OK", [("Content-Length", "5")])
            return iter([b"123"]) if path == "/short" else iter([b"123", b"456"])
    "#;
    let Some(function) = Function::of(&[("app.py", code)]) else { return };
    let heeler = function.start(&[]);
    for path in ["/short", "/long"] {
        match heeler.conn().try_call(&Request::get(path)) {
            Ok(answer) => assert!(answer.status >= 500, "{path}: {}", answer.text()),
            Err(Failure::Cut(cut)) => assert!(cut.body.len() <= 5),
            Err(other) => panic!("{path}: {other:?}"),
        }
    }
}

/// A caller that goes away in the middle of its answer ends the function's stream, and costs nobody else anything.
#[test]
fn a_caller_that_leaves_in_the_middle_ends_the_stream() {
    let code = r#"
        import meet
        def handle(request):
            if request.path != "/endless":
                return "fine"
            def pieces():
                try:
                    while True:
                        yield b"x" * 65536
                finally:
                    meet.note("ended")
            return pieces()
    "#;
    for form in
        [code.to_owned(), code.replace("def pieces", "async def pieces").replace("def handle", "async def handle")]
    {
        let Some(function) = Function::python(&form) else { return };
        let heeler = function.start(&[]);
        let mut conn = heeler.conn();
        conn.send(&Request::get("/endless").bytes());
        conn.read_head().expect("a head");
        conn.read_chunk().expect("a piece");
        drop(conn);
        function.gate.wait_for("ended");
        eventually("the place is free again", || heeler.get("/").status == 200);
        assert_eq!(crate::support::working::starts(&heeler), 1, "the worker was ended");
    }
}

#[test]
fn a_deadline_within_an_answer_cuts_it_and_event_streams_have_their_own() {
    let env = [("exec_timeout", "700ms"), ("stream_timeout", "0")];
    let Some(function) = Function::of(ASGI.files) else { return };
    let heeler = function.start(&env);
    let mut slow = heeler.conn();
    slow.send(&Request::get("/flood").bytes());
    let mut head = slow.read_head().expect("a head");
    let mut events = heeler.conn();
    events.send(&Request::get("/events").bytes());
    events.read_head().expect("a head");
    heeler.stderr.wait_for_json("the flood is cut", |line| line["path"] == "/flood" && line["reason"] == "timeout");
    assert!(matches!(slow.read_body(&mut head, "GET"), Err(Failure::Cut(_))), "a cut answer looked whole");
    crate::support::pass(Duration::from_millis(300));
    for number in 0..3 {
        assert!(events.read_chunk().expect("an event").is_some());
        function.gate.let_go(&format!("open.{number}"));
    }
    assert_eq!(events.read_chunk().expect("the end"), None);
}
