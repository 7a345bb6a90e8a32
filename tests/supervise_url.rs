//! http mode's server at an address that was set: what it is told of it, and what may be in its way there.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod support;

use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::signal::Signal;
use support::kept::{keep, server, starts, wait_probe};
use support::{Gate, Heeler, eventually, free_port, tree};

/// The fixture's server at `at`, with heeler looking for it there.
fn keep_at(at: &str, url: &str, gate: &Gate) -> support::Builder {
    keep(&format!("at={at}"), gate).env("http_upstream_url", url)
}

fn has_warned(heeler: &Heeler) -> usize {
    heeler.stderr.count(|line| line.contains("\"warn\"") && line.contains("cannot tell it from the handler"))
}

/// of-watchdog does not tell: the image's two settings have to agree.
#[test]
fn the_server_is_told_the_port_of_the_url() {
    let ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    for (host, at, address) in [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]", "::1"),
        ("127.0.0.2", "127.0.0.2", "127.0.0.2"),
    ] {
        if host == "[::1]" && !ipv6 {
            support::skipped("no IPv6 here");
            continue;
        }
        let (gate, port) = (Gate::new(), free_port());
        let heeler = keep_at(&format!("{at}:{port}"), &format!("http://{host}:{port}"), &gate).start();
        let environment = server(&heeler, 1).environment();
        let listen = if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") };
        for line in [
            format!("PORT={port}"),
            format!("FUNC_PORT={port}"),
            format!("ADDRESS={address}"),
            format!("LISTEN_ADDRESS={listen}"),
            format!("HEELER_PORT={}", heeler.port),
        ] {
            assert!(environment.contains(&line), "{host}: no {line} in {environment:?}");
        }
        assert_eq!(has_warned(&heeler), 0, "nobody was there before");
    }
}

/// Node listens on ::1 alone when it is told `localhost`.
#[test]
fn localhost_may_be_v6_alone() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return support::skipped("no IPv6 here");
    }
    for host in ["localhost", "127.0.0.1"] {
        let (gate, port) = (Gate::new(), free_port());
        let heeler = keep_at(&format!("[::1]:{port}"), &format!("http://{host}:{port}"), &gate).start();
        wait_probe(&heeler, "/_/ready", 200, "OK");
    }
}

#[test]
fn somebody_else_at_the_address_is_worth_a_warning() {
    let (gate, other) = (Gate::new(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let url = format!("http://{}", other.local_addr().unwrap());
    let heeler = keep_at("127.0.0.1:0", &url, &gate).start();
    let first = server(&heeler, 1);
    tree::signal(first.pid, Signal::SIGKILL);
    eventually("it is started again", || starts(&heeler) == 2);
    assert_eq!(has_warned(&heeler), 1, "once is enough");
}

#[test]
fn a_unix_socket_may_be_the_servers_address() {
    let (gate, folder) = (Gate::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("socket");
    let at = format!("unix:{}", path.display());
    let inherited = [("FUNC_PORT", "1"), ("ADDRESS", "127.0.0.1"), ("PORT", "1")];
    let heeler = keep_at(&at, &at, &gate).envs(&inherited).start();
    let environment = environment_over(&path);
    assert!(environment.contains(&format!("LISTEN_ADDRESS={at}")), "{environment:?}");
    assert!(environment.contains(&format!("HEELER_PORT={}", heeler.port)), "{environment:?}");
    for name in ["PORT=", "FUNC_PORT=", "ADDRESS="] {
        assert!(!environment.iter().any(|line| line.starts_with(name)), "{name} is not for it: {environment:?}");
    }
    // Killed, it leaves its socket behind, on which the next one could not bind.
    tree::signal(server(&heeler, 1).pid, Signal::SIGKILL);
    server(&heeler, 2);
    wait_probe(&heeler, "/_/ready", 200, "OK");
    eventually("both starts are told", || starts(&heeler) == 2);
    assert_eq!(has_warned(&heeler), 0);
}

fn environment_over(path: &Path) -> Vec<String> {
    use std::io::{Read, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
    stream.write_all(b"GET /env HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().map(str::to_owned).collect()
}

#[test]
fn a_stale_socket_goes_and_a_live_one_stays() {
    let (gate, folder) = (Gate::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("socket");
    let at = format!("unix:{}", path.display());
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let heeler = keep_at(&at, &at, &gate).start();
    assert_eq!(server(&heeler, 1).address, at);
    let path = folder.path().join("live");
    let at = format!("unix:{}", path.display());
    let live = UnixListener::bind(&path).unwrap();
    let heeler = keep_at("127.0.0.1:0", &at, &gate).start();
    assert_eq!(has_warned(&heeler), 1);
    assert!(path.exists());
    drop(live);
}

/// What the other one answers is not the handler's: it would be started for ever, and strangers would serve its calls.
#[test]
fn a_server_whose_port_another_one_has_ends_heeler() {
    let gate = Gate::new();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = other.local_addr().unwrap().to_string();
    let mut heeler = keep_at(&at, &format!("http://{at}"), &gate).spawn();
    assert_eq!(heeler.exit_code(), 99, "the fixture cannot bind");
    let said = heeler.stderr.rest();
    assert!(said.contains(&format!("ended with exit code 99 before it listened on {at}")), "{said}");
    assert_eq!(has_warned(&heeler), 1, "{said}");
}

/// What is there and no socket is somebody's file.
#[test]
fn a_file_in_the_way_is_left_alone() {
    let (gate, folder) = (Gate::new(), tempfile::tempdir().unwrap());
    let path = folder.path().join("socket");
    std::fs::write(&path, "dear").unwrap();
    let at = format!("unix:{}", path.display());
    let mut heeler = keep_at(&at, &at, &gate).spawn();
    assert_eq!(heeler.exit_code(), 99, "the fixture cannot bind");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "dear");
    let said = heeler.stderr.rest();
    assert!(said.contains(&format!("ended with exit code 99 before it listened on {at}")), "{said}");
}

#[test]
fn check_shows_the_address() {
    for (url, expected) in [
        ("http://127.0.0.1:5000", "upstream: http://127.0.0.1:5000"),
        ("http://[::1]:5000/base/", "upstream: http://[::1]:5000/base"),
        ("unix:/run/socket", "upstream: unix:/run/socket"),
    ] {
        let mut heeler = Heeler::builder().role("http", "serve").env("upstream_url", url).args(["check"]).spawn();
        assert_eq!(heeler.exit_code(), 0);
        let said = heeler.stdout.rest();
        assert!(said.lines().any(|line| line == expected), "{said}");
    }
}

#[test]
fn a_server_that_does_not_listen_there_is_named_with_the_address() {
    let (gate, port) = (Gate::new(), free_port());
    // It listens, but somewhere else: the usual slip.
    let url = format!("http://127.0.0.1:{port}");
    let mut heeler = keep("at=127.0.0.1:0", &gate).env("http_upstream_url", &url).env("start_timeout", "500ms").spawn();
    assert_eq!(heeler.exit_code(), 1);
    let said = heeler.stderr.rest();
    let expected = format!("the handler did not accept on 127.0.0.1:{port} within 500ms (start_timeout)");
    assert!(said.lines().last().unwrap().contains(&expected), "{said}");
}

#[test]
fn a_host_that_nobody_knows_is_named() {
    // Longer than a label can be (RFC 1035 §2.3.4): no server needs to be asked.
    let (gate, host) = (Gate::new(), "a".repeat(64));
    let url = format!("http://{host}:80");
    let mut heeler = keep("at=127.0.0.1:0", &gate).env("http_upstream_url", &url).env("start_timeout", "500ms").spawn();
    assert_eq!(heeler.exit_code(), 1);
    let said = heeler.stderr.rest();
    assert!(said.lines().last().unwrap().contains(&format!("cannot resolve \\\"{host}\\\"")), "{said}");
}
