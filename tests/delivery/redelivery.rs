//! Handlers behind a broker that delivers again whatever failed: nothing is lost, and nothing runs that need not.
//!
//! Each event says what its runs do, a letter for each: `f` fails, `k` dies, `c` is cut behind much output, `t` takes
//! longer than it may, `l` is left by the broker in the middle; then one of those that end it: `p` prints, `n` says
//! nothing, `e` answers with an event, `x` fails for good.
//!
//! What has to hold: every delivery brings one run, and no run is there without one, so that an event has as many runs as
//! letters; it ends as its last letter says; behind its end it has no other run; and runs that nobody waits for end.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::event::{STRUCTURED, shell};
use crate::function::Function;
use crate::support::broker::{Fate, Manner, Verdict, deliver, judge};
use crate::support::{Conn, Failure, Gate, Heeler, MODES, Request, Response, Then, Upstream, eventually};

const REPLY: &str = r#"{"specversion":"1.0","id":"r1","source":"/r","type":"r.t"}"#;
const FATAL: u16 = 422;
/// Events on their way at a time.
const LANES: usize = 4;
/// What a handler has that does not end by itself: enough for its start on a busy machine.
const LIMIT: &str = "300ms";

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

/// Delivers so many events, some at a time, each until it is over; `runs` is how often the handler has run for one.
#[track_caller]
fn all_is_well(heeler: &Heeler, what: &str, count: usize, failures: &[u8], runs: impl Fn(usize) -> usize + Sync) {
    let plans = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for lane in 0..LANES {
            let (runs, plans) = (&runs, &plans);
            scope.spawn(move || {
                let mut dice = Dice((count * LANES + lane) as u64);
                let mut conn = None;
                for number in (lane..count).step_by(LANES) {
                    let plan = dice.plan(failures);
                    one_is_well(heeler, &mut conn, what, (number, &plan), runs);
                    plans.lock().unwrap().push((number, plan));
                }
            });
        }
    });
    for (number, plan) in plans.into_inner().unwrap() {
        assert_eq!(runs(number), plan.len(), "{what}, event {number}, plan {plan}: a run behind its end");
    }
}

#[track_caller]
fn one_is_well(
    heeler: &Heeler,
    conn: &mut Option<Conn>,
    what: &str,
    (number, plan): (usize, &str),
    runs: &(impl Fn(usize) -> usize + Sync),
) {
    let told = || format!("{what}, event {number}, plan {plan}");
    let (mut idle, mut hurried) = (0, None);
    let (fate, tries) = deliver(heeler, conn, &event(number, plan), || {
        let run = runs(number);
        // A handler that was not even started by the deadline did not run, and is at the same letter still. Or its run
        // has not been seen yet.
        idle += usize::from(hurried.take() == Some(run));
        match plan.as_bytes().get(run) {
            Some(b't') => {
                hurried = Some(run);
                Manner::Within(LIMIT)
            }
            Some(b'l') => Manner::Until(Box::new(move || runs(number) > run)),
            _ => Manner::Patient,
        }
    });
    let expected = match plan.as_bytes().last() {
        Some(b'e') => Fate::Replied("r.t".to_owned()),
        Some(b'x') => Fate::Dead(FATAL),
        _ => Fate::Taken,
    };
    assert_eq!((fate, runs(number)), (expected, plan.len()), "{}", told());
    assert!((plan.len()..=plan.len() + idle).contains(&tries), "{}: {tries} deliveries", told());
}

/// Waits until the runs have ended that nobody waits for; each has left a file with its process's number.
#[track_caller]
fn none_is_left(gate: &Gate, what: &str) {
    for pid in gate.wait_count("hung.", 1) {
        eventually(&format!("{what}: process {pid} has ended"), || !Path::new("/proc").join(&pid).exists());
    }
}

/// Every run leaves a file, and plays the plan's letter for it. In one process: that is enough for each run.
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
         t* | l*) : > hung.$$; exec sleep 100;; \
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
        all_is_well(&heeler, mode, count, b"fkctl", runs);
        none_is_left(&gate, mode);
    }
}

fn server(count: usize) {
    let counts: Arc<Mutex<HashMap<usize, usize>>> = Arc::default();
    let left: Arc<AtomicUsize> = Arc::default();
    let (kept, leaving) = (counts.clone(), left.clone());
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
            Some(b't' | b'l') => {
                leaving.fetch_add(1, Ordering::SeqCst);
                link.wait_closed();
                leaving.fetch_sub(1, Ordering::SeqCst);
                return Then::Close;
            }
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
    let heeler = upstream.heeler(&env);
    all_is_well(&heeler, "http", count, b"fkctl", runs);
    eventually("the server is told of all that nobody waits for", || left.load(Ordering::SeqCst) == 0);
}

fn python(count: usize) {
    let code = r#"
        import os
        import threading

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
            if what in "tl":
                open(os.path.join(os.environ["TESTFN_GATE"], f"hung.{os.getpid()}"), "w").close()
                threading.Event().wait()
            if what == "x":
                return {"statusCode": 422, "body": "no"}
            if what == "e":
                return {"statusCode": 200, "headers": REPLY, "body": "data"}
            return "text" if what == "p" else None
    "#;
    workers("function.py", code, count);
}

fn node(count: usize) {
    let code = r"
        const fs = require('node:fs');
        const REPLY = { 'ce-specversion': '1.0', 'ce-id': 'r1', 'ce-source': '/r', 'ce-type': 'r.t' };
        exports.handle = async (event) => {
          const file = `${process.env.TESTFN_GATE}/${event.id}`;
          const run = fs.existsSync(file) ? fs.statSync(file).size : 0;
          fs.appendFileSync(file, 'x');
          switch (event.plan[run]) {
            case 'f': throw new Error('f');
            case 'k': return process.kill(process.pid, 'SIGKILL');
            case 't':
            case 'l':
              fs.writeFileSync(`${process.env.TESTFN_GATE}/hung.${process.pid}`, '');
              return new Promise(() => {});
            case 'x': return { statusCode: 422, body: 'no' };
            case 'e': return { statusCode: 200, headers: REPLY, body: 'data' };
            case 'p': return 'text';
          }
        };
    ";
    workers("function.js", code, count);
}

/// A worker that dies takes its other calls with it, so it may do that only where it has none.
fn workers(name: &str, code: &str, count: usize) {
    let Some(function) = Function::of(&[(name, code)]) else { return };
    let runs = |number: usize| {
        std::fs::metadata(function.gate.file(&number.to_string()))
            .map_or(0, |file| usize::try_from(file.len()).unwrap())
    };
    let env = [("access_log", "false"), ("workers", "4"), ("worker_concurrency", "1"), ("queue_depth", "10")];
    let heeler = function.start(&env);
    all_is_well(&heeler, name, count, b"ffffffffkktl", runs);
    none_is_left(&function.gate, name);
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
    python(60);
    node(60);
}

/// Every event is delivered 1.75 times, more or less: over ten thousand deliveries in each mode and for each language.
const MANY: usize = 6000;

#[test]
#[ignore = "takes minutes"]
fn many_deliveries_to_processes() {
    processes(MANY);
}

#[test]
#[ignore = "takes minutes"]
fn many_deliveries_to_a_server() {
    server(MANY);
}

#[test]
#[ignore = "takes minutes"]
fn many_deliveries_to_python() {
    python(MANY);
}

#[test]
#[ignore = "takes minutes"]
fn many_deliveries_to_node() {
    node(MANY);
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
