//! What each mode gives to the handler, and what it makes of the handler's answer.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use support::{
    ALL_MODES, Failure, Gate, Heeler, MODES, PATIENCE, Request, assert_same, echo_of, pattern, say_of, testfn,
};

const ALL_VERBS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND"];

/// The role that prints the environment, in a mode.
fn env_of(mode: &str) -> &'static str {
    match mode {
        "cgi" => "cgi-env",
        "http" => "serve tell",
        "warm" => "worker tell",
        _ => "env",
    }
}

#[test]
fn every_mode_echoes_with_a_length_an_id_and_a_duration() {
    for mode in ALL_MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        let answer = heeler.post("/", "hello");
        answer.assert_ok();
        assert_eq!(answer.text(), "hello", "{mode}");
        assert_eq!(answer.header("content-length"), Some("5"), "{mode}");
        assert!(answer.header("x-call-id").is_some_and(|id| !id.is_empty()), "{mode}");
        assert_eq!(answer.reason(), "", "{mode}");
        let seconds = answer.header("x-duration-seconds").unwrap_or_else(|| panic!("{mode}: no duration"));
        let (_, decimals) = seconds.split_once('.').unwrap();
        assert_eq!(decimals.len(), 6, "{mode}: {seconds}");
        assert!((0.0..20.0).contains(&seconds.parse::<f64>().unwrap()), "{mode}: {seconds}");
    }
}

#[test]
fn content_types_follow_the_rules_of_each_mode() {
    for (mode, expected) in [
        ("streaming", "application/octet-stream"),
        ("serializing", "application/octet-stream"),
        ("classic", "text/x-mine"),
        ("cgi", "application/x-echo"),
    ] {
        let request = Request::post("/", "x").header("Content-Type", "text/x-mine");
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        assert_eq!(heeler.call(&request).header("content-type"), Some(expected), "{mode}");
        let heeler = Heeler::play(mode, echo_of(mode), &[("content_type", "application/json")]);
        let expected = if mode == "cgi" { "application/x-echo" } else { "application/json" };
        assert_eq!(heeler.call(&request).header("content-type"), Some(expected), "{mode} with content_type");
    }
}

#[test]
fn classic_guesses_a_type_when_the_request_has_none() {
    let heeler = Heeler::play("classic", "do", &[]);
    let guess = |words: &str| heeler.call(&Request::role(words)).header("content-type").unwrap().to_owned();
    assert!(guess("say hello").starts_with("text/plain"), "{}", guess("say hello"));
    assert!(guess("say <!DOCTYPE html><html>").starts_with("text/html"));
}

#[test]
fn a_non_zero_exit_is_a_500_that_says_so() {
    for mode in MODES {
        let heeler = Heeler::play(mode, "do", &[]);
        for code in [1, 3, 255] {
            let answer = heeler.call(&Request::role(&format!("print-then-exit {code}")));
            answer.assert_made_by_heeler(500, "exit");
            let expected = format!("exit status {code}");
            match mode {
                // The peers' own bodies, which callers know.
                "serializing" => assert_eq!(answer.text().trim_end(), expected),
                "classic" => assert_eq!(answer.text().trim_end(), format!("{expected}\npartial")),
                _ => assert!(answer.text().contains(&expected), "{mode}: {}", answer.text()),
            }
        }
        heeler.call(&Request::role(&format!("{} fine", say_of(mode)))).assert_ok();
    }
}

#[test]
fn exit_codes_become_the_statuses_they_are_mapped_to() {
    let map = [("exit_codes", "3:422,100-109:503,5:204")];
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "do", &map);
        for (code, status, body) in
            [(3, 422, "partial\n"), (100, 503, "partial\n"), (109, 503, "partial\n"), (5, 204, "")]
        {
            let answer = heeler.call(&Request::role(&format!("print-then-exit {code}")));
            assert_eq!((answer.status, answer.text().as_str()), (status, body), "{mode} exit {code}");
        }
        heeler.call(&Request::role("exit 110")).assert_made_by_heeler(500, "exit");
        heeler.call(&Request::role("say fine")).assert_ok();
    }
    // of-watchdog's streaming.
    let heeler = Heeler::play("streaming", "do", &[("exit_codes", "1-255:200")]);
    assert_eq!(heeler.call(&Request::role("print-then-exit 7")).assert_ok().text(), "partial\n");
}

#[test]
fn a_handler_killed_by_a_signal_is_a_502() {
    for mode in MODES {
        let heeler = Heeler::play(mode, "do", &[]);
        for signal in [libc::SIGKILL, libc::SIGSEGV, libc::SIGTERM] {
            heeler.call(&Request::role(&format!("signal {signal}"))).assert_made_by_heeler(502, "signal");
        }
        heeler.wait_childless();
    }
}

/// of-watchdog ends such an answer as if it were whole.
#[test]
fn a_failure_after_the_head_cuts_the_stream() {
    let heeler = Heeler::play("streaming", "do", &[]);
    let good = heeler.call(&Request::role("flood-stdout 300000"));
    assert_eq!(good.assert_ok().body.len(), 300_000);
    assert!(good.is_chunked());
    for words in ["flood-stdout 300000 3", "flood-stdout 300000 99"] {
        let cut = heeler.conn().try_call(&Request::role(words)).unwrap_err().cut();
        assert_eq!(cut.status, 200, "the head was out before the end was known");
    }
}

/// Such a caller takes the connection's end for the answer's.
#[test]
fn a_failure_after_the_head_resets_a_caller_of_http_1_0() {
    let heeler = Heeler::play("streaming", "do", &[]);
    let request = |words: &str| format!("GET / HTTP/1.0\r\nHost: h\r\nX-Do: {words}\r\n\r\n");
    let read = |words: &str| {
        let mut stream = TcpStream::connect(heeler.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request(words).as_bytes()).unwrap();
        let mut seen = Vec::new();
        stream.read_to_end(&mut seen).map(|_| seen).map_err(|error| error.kind())
    };
    let whole = read("flood-stdout 300000").unwrap();
    assert!(whole.starts_with(b"HTTP/1.0 200 ") && whole.len() > 300_000, "{}", String::from_utf8_lossy(&whole[..20]));
    assert_eq!(read("flood-stdout 300000 3"), Err(ErrorKind::ConnectionReset));
}

#[test]
fn head_has_no_body_and_the_connection_goes_on() {
    for mode in ALL_MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        let mut conn = heeler.conn();
        for _ in 0..3 {
            let head = conn.call(&Request::new("HEAD", "/").body("hello"));
            assert_eq!((head.status, head.body.len()), (200, 0), "{mode}");
            // Bytes of a body would be taken for the next head.
            assert_eq!(conn.call(&Request::post("/", "next")).assert_ok().text(), "next", "{mode}");
        }
    }
}

#[test]
fn head_lets_the_handler_write_to_its_end() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "do", &[]);
        let gate = Gate::new();
        let mut conn = heeler.conn();
        let head = conn.call(&Request::role("flood-stdout 2000000").method("HEAD").gate(&gate));
        assert_eq!((head.status, head.body.len()), (200, 0), "{mode}");
        gate.wait_for("finished");
        conn.call(&Request::role("say next")).assert_ok();
    }
}

/// classic-watchdog answers 405 to HEAD and OPTIONS.
#[test]
fn every_verb_reaches_the_handler() {
    for mode in ALL_MODES {
        let heeler = Heeler::play(mode, env_of(mode), &[]);
        let variable = if mode == "cgi" { "REQUEST_METHOD" } else { "Http_Method" };
        for verb in ALL_VERBS {
            let answer = heeler.call(&Request::new(verb, "/"));
            answer.assert_ok();
            if verb != "HEAD" {
                assert_eq!(answer.variable(variable).as_deref(), Some(verb), "{mode}");
            }
        }
    }
}

#[test]
fn the_environment_has_what_the_peers_give() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "env", &[("MINE", "a=b")]);
        let request = Request::post("/a%20b%2Fc/%C3%A4?q=1&r=%20x", "four")
            .header("ce-type", "com.example")
            .header("X-Many", "first")
            .header("X-Many", "second")
            .header("Host", "fn.example:8080");
        let answer = heeler.call(&request);
        for (name, expected) in [
            ("Http_Method", "POST"),
            ("Http_Path", "/a b/c/ä"),
            ("Http_Query", "q=1&r=%20x"),
            ("Http_Ce_Type", "com.example"),
            ("Http_X_Many", "first"),
            ("Http_Content_Length", "4"),
            ("MINE", "a=b"),
            ("fprocess", &testfn("env")),
            ("REMOTE_ADDR", "127.0.0.1"),
        ] {
            assert_eq!(answer.variable(name).as_deref(), Some(expected), "{mode}: {name}");
        }
        assert_eq!(answer.variable("HEELER_CALL_ID").as_deref(), answer.header("x-call-id"), "{mode}");
        assert_eq!(heeler.get("/x").variable("Http_Query"), None, "{mode}: no query is no variable");
    }
}

#[test]
fn classic_has_its_own_names_too() {
    let heeler = Heeler::play("classic", "env", &[]);
    let request = Request::new("POST", "/").header("Host", "fn.example");
    for (request, length) in
        [(request.clone(), "0"), (request.clone().body("four"), "4"), (request.clone().chunked("four"), "-1")]
    {
        let answer = heeler.call(&request);
        assert_eq!(answer.variable("Http_Content_Length").as_deref(), Some(length));
        assert_eq!(answer.variable("Http_ContentLength").as_deref(), Some(length));
        assert_eq!(answer.variable("Http_Host").as_deref(), Some("fn.example"));
    }
    assert_eq!(heeler.call(&request.chunked("x")).variable("Http_Transfer_Encoding").as_deref(), Some("chunked"));
}

#[test]
fn the_deadline_is_told_to_the_handler() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    for mode in MODES {
        let heeler = Heeler::play(mode, env_of(mode), &[("exec_timeout", "100s")]);
        let told =
            |request: &Request| heeler.call(request).variable("HEELER_DEADLINE_MS").unwrap().parse::<u128>().unwrap();
        let (before, deadline, after) = (now(), told(&Request::get("/")), now());
        assert!(
            (before + 99_900..=after + 100_100).contains(&deadline),
            "{mode}: {deadline} is not 100 s from {before}"
        );
        let (before, deadline, after) = (now(), told(&Request::get("/").header("X-Timeout", "50s")), now());
        assert!((before + 49_900..=after + 50_100).contains(&deadline), "{mode}: X-Timeout");
        let heeler = Heeler::play(mode, env_of(mode), &[("exec_timeout", "0")]);
        assert_eq!(heeler.get("/").variable("HEELER_DEADLINE_MS"), None, "{mode}: no deadline");
    }
}

#[test]
fn no_header_can_pose_as_another_or_as_a_proxy_setting() {
    for mode in MODES {
        let heeler = Heeler::play(mode, env_of(mode), &[]);
        let request = Request::get("/")
            .header("X_User", "forged")
            .header("Content_Length", "9")
            .header("X-User", "true")
            .header("Proxy", "http://evil.example")
            .header("PROXY", "http://evil.example");
        let text = heeler.call(&request).assert_ok().text();
        assert!(!text.contains("forged"), "{mode}: {text}");
        assert!(!text.contains("evil.example"), "{mode}: {text}");
        assert!(text.contains("=true\n"), "{mode}: {text}");
    }
}

#[test]
fn request_data_stays_out_when_it_is_not_wanted() {
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "env", &[("cgi_headers", "false")]);
        let answer = heeler.call(&Request::get("/secret?q=1").header("X-User", "me"));
        assert!(!answer.assert_ok().text().contains("Http_"), "{mode}: {}", answer.text());
        assert!(answer.variable("PATH").is_some());
    }
}

#[test]
fn marshalled_requests_are_one_json_object() {
    let body = pattern(1000);
    for mode in ["streaming", "serializing", "classic"] {
        let heeler = Heeler::play(mode, "echo", &[("marshal_request", "true")]);
        let request = Request::post("/", body.clone()).header("X-Many", "1").header("X-Many", "2");
        let answer = heeler.call(&request);
        let seen: Value = serde_json::from_slice(&answer.assert_ok().body).unwrap();
        assert_eq!(seen["header"]["X-Many"], serde_json::json!(["1", "2"]), "{mode}");
        let raw = seen["body"]["raw"].as_str().unwrap();
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, raw).unwrap();
        assert_same(&decoded, &body, mode);
    }
}

#[test]
fn stderr_is_mixed_in_or_logged() {
    for (mode, set, mixed) in [
        ("classic", None, true),
        ("classic", Some("false"), false),
        ("serializing", None, false),
        ("serializing", Some("true"), true),
        ("streaming", None, false),
        ("streaming", Some("true"), true),
    ] {
        let set: Vec<_> = set.map(|value| ("combine_output", value)).into_iter().collect();
        let heeler = Heeler::play(mode, "say-both out err", &set);
        let text = heeler.get("/").assert_ok().text();
        let expected = if mixed { "out\nerr\n" } else { "out\n" };
        assert_eq!(text, expected, "{mode} {set:?}");
        if !mixed {
            heeler.stderr.wait_for_json("the handler's stderr", |line| line["msg"] == "err");
        }
    }
}

#[test]
fn a_path_that_no_program_can_be_given_is_refused() {
    for mode in MODES {
        let heeler = Heeler::play(mode, env_of(mode), &[]);
        heeler.get("/a%00b").assert_made_by_heeler(400, "bad_request");
        heeler.get("/a%0ab").assert_ok();
    }
}

/// The peers answer such paths with a redirect before the function sees them.
#[test]
fn paths_reach_the_handler_as_they_are() {
    for mode in ALL_MODES {
        let heeler = Heeler::play(mode, env_of(mode), &[]);
        let variable = if mode == "cgi" { "PATH_INFO" } else { "Http_Path" };
        for path in ["//a//b", "/a/./b/../c", "/a/", "/_/other", "/metrics", "/%", "/100%zz"] {
            assert_eq!(heeler.get(path).assert_ok().variable(variable).as_deref(), Some(path), "{mode}");
        }
    }
}

#[test]
fn call_ids_are_taken_over_or_made() {
    for mode in ALL_MODES {
        let heeler = Heeler::play(mode, env_of(mode), &[]);
        let id = |request: Request| {
            let answer = heeler.call(&request);
            let id = answer.header("x-call-id").unwrap().to_owned();
            assert_eq!(answer.variable("HEELER_CALL_ID"), Some(id.clone()), "{mode}");
            id
        };
        assert_eq!(id(Request::get("/").header("X-Call-Id", "mine")), "mine");
        assert_eq!(id(Request::get("/").header("X-Request-Id", "theirs")), "theirs");
        assert_eq!(id(Request::get("/").header("X-Request-Id", "theirs").header("X-Call-Id", "mine")), "mine");
        let made: BTreeSet<String> = (0..20).map(|_| id(Request::get("/"))).collect();
        assert_eq!(made.len(), 20, "{mode}: {made:?}");
    }
}

#[test]
fn an_answer_may_be_empty() {
    for (mode, role) in [
        ("streaming", "exit 0"),
        ("serializing", "exit 0"),
        ("classic", "exit 0"),
        ("http", "serve quiet"),
        ("warm", "worker quiet"),
    ] {
        let heeler = Heeler::play(mode, role, &[]);
        let mut conn = heeler.conn();
        for _ in 0..3 {
            let answer = conn.call(&Request::post("/", "ignored"));
            assert_eq!(
                (answer.status, answer.body.len(), answer.header("content-length")),
                (200, 0, Some("0")),
                "{mode}"
            );
        }
    }
}

#[test]
fn http_1_0_clients_are_served_and_closed() {
    for mode in ALL_MODES {
        let heeler = Heeler::play(mode, echo_of(mode), &[]);
        let mut conn = heeler.conn();
        conn.send(b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
        assert_eq!(conn.read_response("POST").unwrap().assert_ok().text(), "hi");
        assert!(matches!(conn.read_head(), Err(Failure::Nothing)), "{mode}: HTTP/1.0 keeps nothing alive");
    }
}
