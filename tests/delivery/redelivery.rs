//! Handlers behind a broker that delivers again whatever failed: nothing is lost, and nothing runs that need not.
//!
//! Each event says what its runs do, a letter for each: `f` fails, `k` dies, `c` is cut behind much output; then one of
//! those that end it: `p` prints, `n` says nothing, `e` answers with an event, `x` fails for good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::event::{STRUCTURED, shell};
use crate::function::Function;
use crate::support::broker::{Fate, Verdict, deliver, judge};
use crate::support::{Failure, Gate, Heeler, MODES, Request, Response, Then, Upstream};

const REPLY: &str = r#"{"specversion":"1.0","id":"r1","source":"/r","type":"r.t"}"#;
const FATAL: u16 = 422;

/// Numbers that differ, the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % below).unwrap()
    }

    fn plan(&mut self, failures: &[u8]) -> String {
        let count = self.roll(4).saturating_sub(1);
        let mut plan: Vec<u8> = (0..count).map(|_| failures[self.roll(failures.len() as u64)]).collect();
        plan.push(b"pnex"[self.roll(4)]);
        String::from_utf8(plan).unwrap()
    }
}

fn event(number: usize, plan: &str) -> Request {
    let text = |name: &str, value: &str| format!("\"{name}\":\"{value}\"");
    let id = number.to_string();
    let pairs = [("specversion", "1.0"), ("id", id.as_str()), ("source", "/s"), ("type", "t"), ("plan", plan)];
    if number.is_multiple_of(3) {
        let body = pairs.map(|(name, value)| text(name, value)).join(",");
        return Request::post("/", format!("{{{body},\"data\":{{}}}}")).header("Content-Type", STRUCTURED);
    }
    let request = Request::post("/", "{}").header("Content-Type", "application/json");
    pairs.iter().fold(request, |request, (name, value)| request.header(&format!("ce-{name}"), value))
}

/// Delivers so many events, two at a time, each until it is over; `runs` is how often the handler has run for one.
#[track_caller]
fn all_is_well(heeler: &Heeler, what: &str, count: usize, failures: &[u8], runs: impl Fn(usize) -> usize + Sync) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            let runs = &runs;
            scope.spawn(move || {
                let mut dice = Dice(count as u64 * 2 + half as u64);
                let mut conn = None;
                for number in (half..count).step_by(2) {
                    let plan = dice.plan(failures);
                    let (fate, tries) = deliver(heeler, &mut conn, &event(number, &plan));
                    let expected = match plan.as_bytes().last() {
                        Some(b'e') => Fate::Replied("r.t".to_owned()),
                        Some(b'x') => Fate::Dead(FATAL),
                        _ => Fate::Taken,
                    };
                    let told = || format!("{what}, event {number}, plan {plan}");
                    assert_eq!((fate, tries), (expected, plan.len()), "{}", told());
                    assert_eq!(runs(number), plan.len(), "{}", told());
                }
            });
        }
    });
}

/// Every run leaves a file, and plays the plan's letter for it. With builtins alone: a process for each run is enough.
fn script(gate: &Gate, mode: &str) -> String {
    let head = |kind: &str| match mode {
        "cgi" => format!("printf 'Content-Type: {kind}\\n\\n'; "),
        _ => String::new(),
    };
    let (text, reply) = (head("text/plain"), head(STRUCTURED));
    let lines = "printf '%020000d' 0";
    format!(
        "cd {}; n=0; plan=$CE_PLAN; while [ -e $CE_ID.$n ]; do n=$((n+1)); plan=${{plan#?}}; done; : > $CE_ID.$n; \
         case $plan in f*) exit 1;; k*) kill -9 $$;; c*) {text}{lines}; exit 1;; x*) {text}echo no; exit 3;; \
         p*) {text}echo text;; n*) {text}:;; e*) {reply}echo '{REPLY}';; *) exit 3;; esac",
        gate.path()
    )
}

fn processes(count: usize) {
    for mode in MODES {
        let gate = Gate::new();
        let env = [("reply", "event"), ("exit_codes", "3:422"), ("stream_hold", "1ms"), ("access_log", "false")];
        let heeler = shell(mode, &script(&gate, mode)).envs(&env).start();
        let runs = |number: usize| (0..).take_while(|run| gate.has(&format!("{number}.{run}"))).count();
        all_is_well(&heeler, mode, count, b"fkc", runs);
    }
}

fn server(count: usize) {
    let counts: Arc<Mutex<HashMap<usize, usize>>> = Arc::default();
    let kept = counts.clone();
    let upstream = Upstream::serve(move |link, asked| {
        let number = asked.header("ce-id").unwrap().parse().unwrap();
        let run = {
            let mut counts = kept.lock().unwrap();
            let run = counts.entry(number).or_insert(0);
            *run += 1;
            *run
        };
        let plan = asked.header("ce-plan").unwrap().into_bytes();
        let length = REPLY.len();
        let answer = match plan.get(run - 1) {
            Some(b'f') => "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy".to_owned(),
            Some(b'k') => return Then::Close,
            Some(b'c') => {
                link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut");
                return Then::Close;
            }
            Some(b'p') => "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntext".to_owned(),
            Some(b'n') => "HTTP/1.1 204 None\r\n\r\n".to_owned(),
            Some(b'e') => {
                format!("HTTP/1.1 201 Made\r\nContent-Type: {STRUCTURED}\r\nContent-Length: {length}\r\n\r\n{REPLY}")
            }
            _ => format!("HTTP/1.1 {FATAL} No\r\nContent-Length: 2\r\n\r\nno"),
        };
        link.send(answer.as_bytes());
        Then::Keep
    });
    let env = [("events", "auto"), ("event_mode", "binary"), ("access_log", "false")];
    let runs = |number: usize| counts.lock().unwrap().get(&number).copied().unwrap_or(0);
    all_is_well(&upstream.heeler(&env), "http", count, b"fkc", runs);
}

/// A worker that dies takes its other calls with it, so it may do that only where it has none.
fn workers(count: usize) {
    let python = r#"
        import os

        REPLY = {"ce-specversion": "1.0", "ce-id": "r1", "ce-source": "/r", "ce-type": "r.t"}

        def handle(event):
            with open(os.path.join(os.environ["TESTFN_GATE"], event.id), "ab") as file:
                run = file.tell()
                file.write(b"x")
            what = event.plan[run]
            if what == "f":
                raise ValueError(what)
            if what == "k":
                os._exit(3)
            if what == "x":
                return {"statusCode": 422, "body": "no"}
            if what == "e":
                return {"statusCode": 200, "headers": REPLY, "body": "data"}
            return "text" if what == "p" else None
    "#;
    let node = r"
        const fs = require('node:fs');
        const REPLY = { 'ce-specversion': '1.0', 'ce-id': 'r1', 'ce-source': '/r', 'ce-type': 'r.t' };
        exports.handle = async (event) => {
          const file = `${process.env.TESTFN_GATE}/${event.id}`;
          const run = fs.existsSync(file) ? fs.statSync(file).size : 0;
          fs.appendFileSync(file, 'x');
          switch (event.plan[run]) {
            case 'f': throw new Error('f');
            case 'k': return process.kill(process.pid, 'SIGKILL');
            case 'x': return { statusCode: 422, body: 'no' };
            case 'e': return { statusCode: 200, headers: REPLY, body: 'data' };
            case 'p': return 'text';
          }
        };
    ";
    for (name, code) in [("function.py", python), ("function.js", node)] {
        let Some(function) = Function::of(&[(name, code)]) else { continue };
        let runs = |number: usize| {
            std::fs::metadata(function.gate.file(&number.to_string()))
                .map_or(0, |file| usize::try_from(file.len()).unwrap())
        };
        let env = [("access_log", "false"), ("workers", "2"), ("worker_concurrency", "1"), ("queue_depth", "10")];
        all_is_well(&function.start(&env), name, count, b"ffffffk", runs);
    }
}

#[test]
fn processes_run_as_often_as_they_have_to() {
    processes(60);
}

#[test]
fn servers_are_called_as_often_as_they_have_to_be() {
    server(200);
}

#[test]
fn functions_run_as_often_as_they_have_to() {
    workers(60);
}

/// 11,200 events, and half as many deliveries again.
#[test]
#[ignore = "takes minutes"]
fn over_ten_thousand_deliveries() {
    processes(1600);
    server(1600);
    workers(1600);
}

/// The rules themselves, by their table.
#[test]
fn the_brokers_rules() {
    let answer = |status: u16, headers: &[(&str, &str)], body: &str| -> Result<Response, Failure> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Ok(Response { status, headers, body: body.into(), ..Response::default() })
    };
    for status in [404, 408, 409, 429, 500, 502, 503, 504, 599] {
        assert_eq!(judge(&answer(status, &[], "x")), Verdict::Again(status));
    }
    for status in [301, 304, 400, 401, 403, 410, 413, 415, 422, 431] {
        assert_eq!(judge(&answer(status, &[], "x")), Verdict::Over(Fate::Dead(status)));
    }
    for failure in [Failure::Nothing, Failure::TimedOut, Failure::Cut(Response::default())] {
        assert_eq!(judge(&Err(failure)), Verdict::Again(0));
    }
    let binary = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/"), ("ce-type", "t")];
    let structured = [("content-type", "application/cloudevents+json; charset=utf-8")];
    let replied = Verdict::Over(Fate::Replied("t".to_owned()));
    assert_eq!(judge(&answer(200, &binary, "")), replied);
    assert_eq!(judge(&answer(200, &structured, &REPLY.replace("r.t", "t"))), replied);
    assert_eq!(judge(&answer(202, &binary, "x")), Verdict::Over(Fate::Taken));
    assert_eq!(judge(&answer(204, &[], "")), Verdict::Over(Fate::Taken));
    for broken in [answer(200, &[], "text"), answer(200, &binary[..3], ""), answer(200, &structured, "{}")] {
        assert_eq!(judge(&broken), Verdict::Again(502));
    }
}
