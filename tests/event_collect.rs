//! Single events that become calls of many: when a call begins, what it brings, and what each delivery is answered.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::{Builder, Conn, Gate, Heeler, Request, Response, SECOND, Upstream, assert_took, eventually};

/// Longer than any test: what ends such a wait is what the test is about.
const NEVER: &str = "25s";
const BATCH: &str = "application/cloudevents-batch+json";

/// A binary event with JSON data whose text is to stay.
fn binary(id: &str) -> Request {
    typed(id, "t")
}

fn typed(id: &str, kind: &str) -> Request {
    let request = Request::post("/deliver?x=1", "{\"n\": 1.10}").header("Content-Type", "application/json");
    let request = request.header("Ce-Specversion", "1.0").header("Ce-Source", "/s").header("Ce-Type", kind);
    request.header("Ce-Id", id)
}

fn structured(id: &str) -> Request {
    Request::post("/other", text_of(id)).header("Content-Type", "application/cloudevents+json")
}

fn text_of(id: &str) -> String {
    format!(r#"{{ "specversion":"1.0","id":"{id}","source":"/s","type":"t","data":{{"n": 1.10}} }}"#)
}

/// The same, on a connection of its own that is not answered yet.
fn sent(heeler: &Heeler, request: &Request) -> Conn {
    let mut conn = heeler.conn();
    assert!(conn.send(&request.bytes()));
    conn
}

fn answer(mut conn: Conn) -> Response {
    conn.read_response("POST").unwrap()
}

fn aside(heeler: &Heeler, request: Request) -> JoinHandle<Response> {
    let mut conn = heeler.conn();
    std::thread::spawn(move || conn.call(&request))
}

fn together(heeler: &Heeler, requests: impl IntoIterator<Item = Request>) -> Vec<Response> {
    let all: Vec<_> = requests.into_iter().map(|request| aside(heeler, request)).collect();
    all.into_iter().map(|one| one.join().unwrap()).collect()
}

fn statuses(answers: &[Response]) -> Vec<u16> {
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    statuses
}

/// A handler that leaves each call's body in the folder and goes on with a line of shell.
fn keeping(folder: &Path, script: &str) -> Builder {
    let folder = folder.display();
    let script = format!("cat > {folder}/part.$$; mv {folder}/part.$$ {folder}/call.$$; {script}");
    let command = format!("sh -c {}", shell_words::quote(&script));
    Heeler::builder().env("mode", "streaming").env("fprocess", &command)
}

/// The bodies of all calls so far, in no order.
fn calls(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let kept = entries.filter(|entry| entry.file_name().to_str().unwrap().starts_with("call."));
    kept.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect()
}

fn ids(call: &str) -> Vec<String> {
    let events: Vec<Value> = serde_json::from_str(call).unwrap_or_else(|error| panic!("{error}: {call}"));
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn enough_events_are_one_call() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("env > {}/env; echo dropped", folder.path().display());
    let heeler = keeping(folder.path(), &script).env("batch_size", "3").env("batch_max_wait", NEVER).start();
    let began = Instant::now();
    let answers = together(&heeler, [binary("a"), structured("b"), binary("c").header("Prefer", "reply")]);
    assert!(began.elapsed() < SECOND * 10, "nobody waits once there are enough");
    for answer in &answers {
        assert_eq!((answer.status, answer.text().as_str(), answer.reason()), (202, "", ""));
        assert!(answer.header("x-duration-seconds").is_some());
    }
    let calls = calls(folder.path());
    assert_eq!(calls.len(), 1);
    let mut seen = ids(&calls[0]);
    seen.sort_unstable();
    assert_eq!(seen, ["a", "b", "c"]);
    // The structured one as it came, and data of the others as it came.
    assert!(calls[0].contains(&text_of("b")), "{}", calls[0]);
    assert_eq!(calls[0].matches("{\"n\": 1.10}").count(), 3, "{}", calls[0]);
    let env = fs::read_to_string(folder.path().join("env")).unwrap();
    for line in [format!("Http_Content_Type={BATCH}; charset=utf-8"), "Http_Method=POST".to_owned()] {
        assert!(env.lines().any(|of| of == line), "{line}: {env}");
    }
    let id = env.lines().find_map(|line| line.strip_prefix("HEELER_CALL_ID=")).unwrap();
    assert!(answers.iter().all(|answer| answer.header("x-call-id") != Some(id)), "the call has an id of its own");
    assert!(!env.contains("\nCE_") && !env.contains("Http_Ce_"), "{env}");
    let dropped = heeler.stderr.wait_for_json("what is dropped", |line| line["bytes"] == 8);
    assert_eq!(dropped["call_id"], id);
    // Its line is written when the last byte is out, which the caller may be the first to see.
    eventually("each delivery is a call in the log", || {
        heeler.stderr.json().iter().filter(|line| line["msg"] == "call" && line["status"] == 202).count() == 3
    });
}

#[test]
fn the_first_waits_no_longer_than_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let heeler = keeping(folder.path(), "").env("batch_size", "100").env("batch_max_wait", "700ms").start();
    let began = Instant::now();
    let answers = together(&heeler, [binary("a"), binary("b")]);
    assert_took(began.elapsed(), Duration::from_millis(700));
    assert_eq!(statuses(&answers), [202, 202]);
    assert_eq!(calls(folder.path()).len(), 1);
    // What is no event is a call as it was, and waits for nobody.
    let plain = heeler.call(&Request::post("/", "plain"));
    assert_eq!((plain.status, calls(folder.path()).len()), (200, 2));
}

#[test]
fn events_of_a_batch_are_gathered_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let list = r#"printf "[{\"index\":1,\"status\":422}]""#;
    let heeler = keeping(folder.path(), list).env("batch_size", "4").env("batch_max_wait", "300ms").start();
    // The first is done with at once, and moves no other.
    let mut texts: Vec<_> = (0..11).map(|n| text_of(&n.to_string())).collect();
    texts[0] = "{}".to_owned();
    let request = Request::post("/", format!("[{}]", texts.join(" , "))).header("Content-Type", BATCH);
    let answer = heeler.call(&request);
    answer.assert_made_by_heeler(400, "batch");
    let broken = json!({ "index": 0, "status": 400 });
    let row = |n: usize| json!({ "index": n, "id": n.to_string(), "status": 422 });
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), json!([broken, row(2), row(6), row(10)]));
    let mut calls = calls(folder.path());
    calls.sort_by_key(|call| ids(call)[0].clone());
    let expected = [&texts[1..5], &texts[5..9], &texts[9..]].map(|texts| format!("[{}]", texts.join(",")));
    assert_eq!(calls, expected);
}

#[test]
fn a_whole_batch_stays_one_call() {
    let folder = tempfile::tempdir().unwrap();
    let env = [("batch", "whole"), ("batch_size", "2"), ("batch_max_wait", NEVER)];
    let heeler = keeping(folder.path(), "").envs(&env).start();
    let text = format!("[{}]", (0..5).map(|n| text_of(&n.to_string())).collect::<Vec<_>>().join(", "));
    assert_eq!(heeler.call(&Request::post("/", text.as_str()).header("Content-Type", BATCH)).status, 200);
    assert_eq!(calls(folder.path()), [text]);
}

#[test]
fn a_handler_says_which_of_them_failed() {
    for (script, expected, reason) in [
        (r#"printf "[{\"index\":1,\"status\":503}]""#, [202, 202, 503], ""),
        (r#"printf "[{\"index\":0,\"status\":422},{\"index\":2,\"status\":200}]""#, [202, 202, 422], ""),
        (r#"printf "[{\"index\":3,\"status\":500}]""#, [502; 3], "reply"),
        (r#"printf "[{\"index\":0,\"status\":77}]""#, [502; 3], "reply"),
        ("printf '[1]'", [202; 3], ""),
        ("exit 1", [500; 3], "exit"),
        ("exit 3", [422; 3], ""),
        ("kill -9 $$", [502; 3], "signal"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let env = [("batch_size", "3"), ("batch_max_wait", NEVER), ("exit_codes", "3:422")];
        let heeler = keeping(folder.path(), script).envs(&env).start();
        let answers = together(&heeler, ["a", "b", "c"].map(|id| binary(id).header("X-Call-Id", id)));
        assert_eq!(statuses(&answers), expected, "{script}");
        assert!(answers.iter().all(|answer| answer.reason() == reason), "{script}");
        let failed: Vec<_> = answers.iter().filter(|answer| answer.status != 202).collect();
        if let [failed] = failed[..] {
            let at = usize::from(script.contains(":1,"));
            assert_eq!(failed.header("x-call-id"), Some(&*ids(&calls(folder.path())[0])[at]), "{script}");
        }
    }
}

/// By the handler's own status, and by events, which go nowhere from a call of many.
#[test]
fn a_servers_answer_is_everybodys() {
    for (head, body, status) in [
        ("422 No", "why", 422),
        ("200 OK\r\nContent-Type: application/cloudevents-batch+json", r#"[{"index":0,"status":500}]"#, 202),
        ("200 OK\r\nCe-Id: 1\r\nCe-Specversion: 1.0\r\nCe-Type: t\r\nCe-Source: /", "data", 202),
        ("204 None", "", 202),
    ] {
        let upstream = Upstream::serve(move |link, asked| {
            assert_eq!((asked.method(), asked.header("host").as_deref()), ("POST", Some("heeler.test")));
            assert!(matches!(asked.target(), "/deliver?x=1" | "/other"), "{}", asked.target());
            let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
            link.send(format!("HTTP/1.1 {head}\r\n{length}\r\n{body}").as_bytes());
            support::Then::Keep
        });
        let heeler = upstream.heeler(&[("events", "auto"), ("batch_size", "2"), ("batch_max_wait", NEVER)]);
        let answers = together(&heeler, [binary("a"), structured("b")]);
        assert_eq!(statuses(&answers), [status; 2], "{head}");
        assert!(answers.iter().all(|answer| answer.body.is_empty() && answer.reason().is_empty()));
        if status == 202 && !body.is_empty() {
            heeler.stderr.wait_for("is dropped");
        }
    }
}

#[test]
fn a_workers_function_gets_them_apart() {
    let env = [("batch_size", "3"), ("batch_max_wait", NEVER), ("reply", "event")];
    let heeler = Heeler::play("warm", "worker events", &env);
    let answers = together(&heeler, [binary("a"), structured("b"), typed("c", "409")]);
    assert_eq!(statuses(&answers), [202, 202, 409]);
    let line = heeler.stdout.wait_for("events 2 3");
    for event in ["a", "b", "c"] {
        assert!(line.contains(&format!(r#"{event}={{\"n\": 1.10}}"#)), "{line}");
    }
}

#[test]
fn each_delivery_keeps_its_own_deadline() {
    let gate = Gate::new();
    let env = [("batch_size", "3"), ("batch_max_wait", NEVER), ("TESTFN_GATE", gate.path())];
    let heeler = Heeler::play("streaming", "gate", &env);
    let others = ["a", "b"].map(|id| sent(&heeler, &binary(id)));
    let began = Instant::now();
    let hasty = heeler.call(&binary("c").header("X-Timeout", "600ms"));
    hasty.assert_made_by_heeler(504, "timeout");
    assert_took(began.elapsed(), Duration::from_millis(600));
    gate.open();
    assert_eq!(others.map(|conn| answer(conn).status), [202, 202], "the call went on for the others");
    assert_eq!(gate.pids().len(), 1);
}

/// Its place is taken for as long as the gate is closed.
#[test]
fn who_waits_too_long_never_runs() {
    let (gate, folder) = (Gate::new(), tempfile::tempdir().unwrap());
    let script = format!("while [ ! -e {}/open ]; do sleep 0.02; done", gate.path());
    let env = [("batch_size", "2"), ("batch_max_wait", "200ms"), ("max_inflight", "1")];
    let heeler = keeping(folder.path(), &script).envs(&env).start();
    let first = ["a", "b"].map(|id| sent(&heeler, &binary(id)));
    eventually("the first call runs", || calls(folder.path()).len() == 1);
    // In a call that waits for its place, beside one who has more patience.
    let patient = sent(&heeler, &binary("c"));
    let began = Instant::now();
    let hasty = heeler.call(&binary("d").header("X-Timeout", "700ms"));
    hasty.assert_made_by_heeler(503, "queue_timeout");
    assert_took(began.elapsed(), Duration::from_millis(700));
    assert!(hasty.header("x-duration-seconds").is_none() && hasty.header("retry-after").is_some());
    gate.open();
    assert_eq!(first.map(|conn| answer(conn).status), [202, 202]);
    assert_eq!(answer(patient).status, 202);
    let mut seen: Vec<_> = calls(folder.path()).iter().flat_map(|call| ids(call)).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["a", "b", "c"], "it was taken out");
}

/// The latest deadline of its members is that of the call.
#[test]
fn a_call_that_takes_too_long_is_late_for_all() {
    let gate = Gate::new();
    let env = [("batch_size", "2"), ("exec_timeout", "800ms"), ("kill_grace", "300ms"), ("TESTFN_GATE", gate.path())];
    for (mode, role) in [("streaming", "hang"), ("warm", "worker hang")] {
        let heeler = Heeler::play(mode, role, &env);
        let requests = ["a", "b"].map(|id| binary(id).target("/hang"));
        let began = Instant::now();
        for answer in together(&heeler, requests) {
            answer.assert_made_by_heeler(504, "timeout");
        }
        assert_took(began.elapsed(), Duration::from_millis(800));
        if mode == "streaming" {
            heeler.wait_childless();
        }
    }
    assert_eq!(gate.pids().len(), 2);
}

#[test]
fn a_call_is_no_larger_than_a_body_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let env = [("batch_size", "9"), ("batch_max_wait", "1s"), ("max_body", "200"), ("log_level", "debug")];
    let heeler = keeping(folder.path(), "").envs(&env).start();
    let answers = together(&heeler, ["a", "b", "c"].map(|id| structured(id).header("X-Call-Id", id)));
    assert_eq!(statuses(&answers), [202; 3]);
    let mut sizes: Vec<_> = calls(folder.path()).iter().map(|call| ids(call).len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2]);
    let line = heeler.stderr.wait_for_json("what is in a call", |line| line["events"] == 2);
    let names = line["deliveries"].as_str().unwrap();
    assert!(names.len() == 3 && names.split(' ').all(|name| ["a", "b", "c"].contains(&name)), "{line}");
    let large = structured("a").body(text_of(&"x".repeat(200)));
    heeler.call(&large).assert_made_by_heeler(413, "body_too_large");
    let packed = heeler.call(&binary("a").header("Content-Encoding", "gzip"));
    packed.assert_made_by_heeler(415, "event");
    heeler.call(&structured("a").body("{}")).assert_made_by_heeler(400, "event");
}

fn wait_left(heeler: &Heeler, count: usize) {
    eventually("heeler has seen them leave", || {
        heeler.stderr.json().iter().filter(|line| line["msg"] == "call" && line["status"] == 499).count() == count
    });
}

#[test]
fn who_leaves_before_the_call_takes_the_event_along() {
    let folder = tempfile::tempdir().unwrap();
    let heeler = keeping(folder.path(), "").env("batch_size", "2").env("batch_max_wait", NEVER).start();
    drop(sent(&heeler, &binary("gone")));
    wait_left(&heeler, 1);
    // It takes no room either: with one more the call is not full.
    let answers = together(&heeler, [binary("a"), binary("b")]);
    assert_eq!(statuses(&answers), [202, 202]);
    let calls = calls(folder.path());
    assert_eq!(calls.len(), 1);
    assert!(!calls[0].contains("gone"), "{}", calls[0]);
}

#[test]
fn the_call_ends_when_all_have_left() {
    let gate = Gate::new();
    let env = [("batch_size", "3"), ("batch_max_wait", NEVER), ("TESTFN_GATE", gate.path()), ("kill_grace", "300ms")];
    let heeler = Heeler::play("streaming", "hang", &env);
    let mut members = ["a", "b", "c"].map(|id| Some(sent(&heeler, &binary(id))));
    let pid = gate.wait_started(1)[0];
    members[0] = None;
    members[1] = None;
    wait_left(&heeler, 2);
    assert!(support::tree::descendants(heeler.pid).iter().any(|process| process.pid == pid), "one still waits");
    drop(members);
    heeler.wait_childless();
    assert_eq!(gate.pids().len(), 1);
}

#[test]
fn term_waits_for_no_more_events() {
    let folder = tempfile::tempdir().unwrap();
    let env = [("batch_size", "10"), ("batch_max_wait", NEVER), ("shutdown_delay", "1s")];
    let mut heeler = keeping(folder.path(), "").envs(&env).start();
    let members = ["a", "b"].map(|id| sent(&heeler, &binary(id)));
    let began = Instant::now();
    heeler.signal(Signal::SIGTERM);
    assert_eq!(members.map(|conn| answer(conn).status), [202, 202]);
    heeler.stderr.wait_for("draining");
    assert_eq!(heeler.call(&binary("late")).status, 202, "nor does one that comes now wait");
    assert!(began.elapsed() < SECOND * 10);
    assert_eq!(heeler.exit_code(), 0);
    let mut seen: Vec<_> = calls(folder.path()).iter().flat_map(|call| ids(call)).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["a", "b", "late"]);
}

/// What the handler of `nothing_is_lost_and_nothing_runs_twice` does with a call, by a number that differs.
fn play(link: &mut support::Link, dice: usize, count: usize) -> support::Then {
    let rows: Vec<_> = (0..count)
        .filter(|at| (dice >> at).is_multiple_of(5))
        .map(|at| json!({ "index": at, "status": 500 }))
        .collect();
    match dice % 8 {
        0 => {
            link.send(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
        }
        1 => {
            link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[");
            return support::Then::Close;
        }
        2..5 => link.ok(Value::from(rows).to_string()),
        _ => link.ok("all is well"),
    }
    support::Then::Keep
}

/// Each event is delivered again until it is taken: it has then run as often as it was delivered.
#[test]
fn nothing_is_lost_and_nothing_runs_twice() {
    ["1", "2"].into_iter().for_each(deliver_all);
}

#[track_caller]
fn deliver_all(threads: &str) {
    const CALLERS: usize = 16;
    const EACH: usize = 65;
    let runs: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let (counted, dice, sizes) = (runs.clone(), AtomicUsize::new(7), Arc::new(Mutex::new(Vec::new())));
    let most = sizes.clone();
    let upstream = Upstream::serve(move |link, asked| {
        let ids = ids(std::str::from_utf8(&asked.body).unwrap());
        most.lock().unwrap().push(ids.len());
        let count = ids.len();
        ids.into_iter().for_each(|id| *counted.lock().unwrap().entry(id).or_default() += 1);
        let rolled = dice.fetch_add(0x9e37_79b9, Ordering::Relaxed);
        play(link, rolled >> 7, count)
    });
    let env = [("events", "auto"), ("batch_size", "7"), ("batch_max_wait", "5ms"), ("max_inflight", "1")];
    let heeler = upstream.heeler(&[&env[..], &[("access_log", "false"), ("threads", threads)]].concat());
    let tries: usize = std::thread::scope(|scope| {
        let (heeler, runs) = (&heeler, &runs);
        let callers: Vec<_> =
            (0..CALLERS).map(|caller| scope.spawn(move || deliver(heeler, caller, EACH, runs))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    let (runs, sizes) = (runs.lock().unwrap(), sizes.lock().unwrap());
    assert_eq!((runs.len(), runs.values().sum::<usize>()), (CALLERS * EACH, tries));
    assert!(sizes.iter().all(|size| (1..=7).contains(size)) && sizes.contains(&7), "{sizes:?}");
    assert!(tries > CALLERS * EACH + 100, "there were failures: {tries}");
}

/// One event after the other on a connection; says how many deliveries that took.
fn deliver(heeler: &Heeler, caller: usize, each: usize, runs: &Mutex<HashMap<String, usize>>) -> usize {
    let (mut conn, mut total) = (heeler.conn(), 0);
    for number in 0..each {
        let id = format!("{caller}.{number}");
        let request = if number % 2 == 0 { binary(&id) } else { structured(&id) };
        for tries in 1.. {
            let status = conn.call(&request).status;
            assert_eq!(runs.lock().unwrap().get(&id), Some(&tries), "{id}: {status}");
            total += 1;
            if status == 202 {
                break;
            }
            assert!(matches!(status, 500 | 502 | 503), "{status}");
        }
    }
    total
}
