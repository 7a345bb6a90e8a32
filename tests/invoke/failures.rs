//! No answer, and options that cannot stand.

use std::net::TcpListener;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::run::{Run, answered, invoke};
use crate::support::{SECOND, SLACK, Upstream, free_port};

#[test]
fn nobody_who_accepts_is_exit_code_2() {
    let port = free_port();
    let ran = invoke(&[&format!("http://127.0.0.1:{port}")]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with(&format!("heeler: invoke: no answer from 127.0.0.1:{port} (")), "{}", ran.stderr);
    assert!(ran.stderr.contains("refused"), "{}", ran.stderr);
    let ran = Run::new(&["/x"]).env("port", &port.to_string()).end();
    assert!(ran.code == 2 && ran.stderr.contains(&format!("127.0.0.1:{port} (")), "{ran:?}");
    let ran = invoke(&["unix:/nowhere/sock"]);
    assert!(ran.code == 2 && ran.stderr.contains("no answer from unix:/nowhere/sock ("), "{ran:?}");
    // A label of DNS is no longer than 63 letters: no server needs to be asked.
    let ran = invoke(&[&format!("http://{}/", "a".repeat(64))]);
    assert!(ran.code == 2 && ran.stderr.contains("cannot resolve"), "{ran:?}");
}

#[test]
fn answers_that_are_none_are_exit_code_2() {
    for (answer, expected) in [
        (&b""[..], "no answer from ADDRESS: the connection was closed"),
        (b"HTTP/1.1 200 O", "no answer from ADDRESS: the connection was closed"),
        (b"SSH-2.0-x\r\n\r\n", "no answer from ADDRESS: it is not HTTP/1: "),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "no answer from ADDRESS: it has the Content-Length \"x\", which is not one length",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
            "the answer from ADDRESS is cut: it ends in its middle: the connection was closed",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            "the answer from ADDRESS is cut: it ends",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "the answer from ADDRESS is cut: it has a chunk",
        ),
    ] {
        let (asked, ran) = answered(&[], answer);
        let expected = expected.replace("ADDRESS", &asked.header("host").unwrap());
        assert_eq!(ran.code, 2, "{ran:?}");
        let last = ran.stderr.lines().last().unwrap();
        assert!(last.starts_with(&format!("heeler: invoke: {expected}")), "{last}");
    }
    let (_, ran) = answered(&[], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    assert_eq!(ran.text(), "abc", "what came is shown all the same");
}

#[test]
fn time_runs_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let begin = Instant::now();
    let ran = invoke(&[&format!("http://{address}"), "--timeout", "300ms"]);
    assert!(begin.elapsed() < SECOND + SLACK);
    assert_eq!(ran.code, 2);
    ran.assert_says(&format!("heeler: invoke: no (whole) answer from {address} within 300ms (--timeout)"));
}

#[test]
fn an_answer_that_does_not_end_runs_out_of_time_too() {
    let peer = Upstream::new();
    let running = Run::new(&[peer.url(), "--timeout=500ms"]).start();
    let mut link = peer.accept();
    link.read_request();
    link.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    let ran = running.end();
    assert_eq!((ran.code, ran.text()), (2, "abc"), "{}", ran.stderr);
}

/// heeler blocks signals for its own loops; here it has none.
#[test]
fn a_signal_ends_it() {
    let peer = Upstream::new();
    let mut running = Run::new(&[peer.url()]).start();
    let mut link = peer.accept();
    link.read_request();
    kill(Pid::from_raw(running.child.id().cast_signed()), Signal::SIGINT).unwrap();
    let status = running.child.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(Signal::SIGINT as i32));
}

#[test]
fn wrong_options_are_all_told_at_once() {
    let ran = invoke(&[
        "--timeout",
        "soon",
        "--batch",
        "0",
        "--header",
        "none",
        "-H",
        "Connection: x",
        "--type",
        "t",
        "--content-type",
        "json",
        "-X",
        "A B",
        "-x",
        "--dat",
        "b",
        "http://a",
        "http://b",
    ]);
    assert_eq!((ran.code, ran.text()), (64, ""));
    let expected = [
        "--timeout: \"soon\" is not a duration (try 10s, 500ms, or whole seconds)",
        "--batch: \"0\" is not a number of events (try 1, 10, 100)",
        "--header: \"none\" is no header (try 'X-Name: value')",
        "--header: \"Connection\" is for heeler to say (leave it out)",
        "--content-type: \"json\" is no media type (try application/json)",
        "--method: \"A B\" is no method (try POST)",
        "invalid option '-x' (try heeler invoke --help)",
        "invalid option '--dat' (try heeler invoke --help)",
        "\"http://a\" is one word too many (one URL is enough)",
        "\"http://b\" is one word too many (one URL is enough)",
        "--type: means nothing without an event (add --event)",
    ];
    let expected: String = expected.iter().map(|line| format!("heeler: invoke: {line}\n")).collect();
    assert_eq!(ran.stderr, expected);
}

#[test]
fn each_slip_is_named() {
    for (args, expected) in [
        (&["https://a/"][..], "\"https://a/\" asks for TLS, which heeler does not speak (try http://a)"),
        (&["localhost:80"], "\"localhost:80\" has no scheme (try http://localhost:80)"),
        (&["/a b"], "\"/a b\" has bytes in its path that no path has (percent-escape them)"),
        (&[], "no fixed address to call (port 0 needs a lock file; or name a URL)"),
        (&["http://a", "--data"], "missing argument for option '--data' (try heeler invoke --help)"),
        (
            &["http://a", "-d", "a", "--data-file", "b"],
            "--data: there is a body already (one --data or --data-file is enough)",
        ),
        (
            &["http://a", "--data-file", "/nowhere"],
            "--data-file: cannot read \"/nowhere\": No such file or directory (os error 2)",
        ),
        (
            &["http://a", "-t", "a/b", "-H", "content-type: c/d"],
            "--header: the Content-Type is set already (give --content-type alone)",
        ),
        (
            &["http://a", "-e", "-H", "content-type: c/d"],
            "--header: the Content-Type is set already (give --content-type alone)",
        ),
        (&["http://a", "-e", "--binary", "--batch", "2"], "--batch: the event is --binary already (choose one)"),
        (&["http://a", "--structured"], "--structured: means nothing without an event (add --event)"),
        (
            &["http://a", "-e", "--type", ""],
            "--type: \"\" cannot be an attribute (it has at least one letter, and no line ends)",
        ),
        (
            &["http://a", "-e", "--source", "a b"],
            "--source: \"a b\" has a blank, which no URI has (try my/app, or %20 for a blank)",
        ),
        (&["http://a", "-e", "--extension", "a"], "--extension: \"a\" has no value (try name=value)"),
        (
            &["http://a", "-e", "--extension", "A-b=c"],
            "--extension: \"A-b=c\" has a name that no attribute has (only a to z and 0 to 9, try name=value)",
        ),
        (
            &["http://a", "-e", "--extension", "id=c"],
            "--extension: \"id=c\" names no extension (--type, --source, --id, --subject and --content-type say the rest)",
        ),
        (
            &["http://a", "-e", "--structured", "-d", "{", "-t", "a/b+json"],
            "--content-type: \"a/b+json\" is said of data that is not JSON (--binary sends it as it is)",
        ),
    ] {
        let ran = invoke(args);
        assert_eq!((ran.code, ran.stderr), (64, format!("heeler: invoke: {expected}\n")), "{args:?}");
    }
}

#[test]
fn the_help_names_every_option() {
    for arg in ["--help", "-h"] {
        let ran = invoke(&[arg]).assert_ok();
        let options =
            ["--data", "--data-file", "--content-type", "--header", "--method", "--timeout", "--event", "--type"];
        let more = ["--source", "--id", "--subject", "--extension", "--binary", "--structured", "--batch"];
        for option in options.iter().chain(&more) {
            assert!(ran.text().contains(option), "{option}");
        }
    }
}
