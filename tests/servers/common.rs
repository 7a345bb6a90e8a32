//! What holds for every server alike, from its start to its end.

use std::time::Instant;

use nix::sys::signal::Signal;

use crate::app::{self, Events};
use crate::server::{self, Server};
use crate::support::{Heeler, SECOND, free_port, installed, tree};

/// All of it with one start: some of these servers take a second or more to come up.
fn plays_the_app(server: &Server) {
    let Some(heeler) = server.start(&[("kill_grace", "15s")]) else { return };
    app::says_hello(&heeler);
    app::echoes_bodies(&heeler);
    app::sees_the_target_as_it_was_sent(&heeler);
    app::sees_the_headers(&heeler);
    app::keeps_repeated_headers(&heeler);
    app::keeps_statuses(&heeler);
    app::sends_pieces_and_large_answers(&heeler);
    app::sends_events_as_they_come(&heeler);
    app::serves_many_at_once(&heeler);
    drains(heeler);
}

/// TERM in the middle of an answer: it is finished, then the server hears TERM and ends by itself, and nothing is left.
fn drains(mut heeler: Heeler) {
    let events = Events::open(&heeler);
    let below: Vec<i32> = heeler.descendants().iter().map(|process| process.pid).collect();
    heeler.signal(Signal::SIGTERM);
    heeler.wait_closed();
    events.go_on();
    events.finish();
    let told = Instant::now();
    assert_eq!(heeler.exit_code(), 0);
    // Far below `kill_grace`: nobody had to be killed.
    assert!(told.elapsed() < SECOND * 10, "it took {:?}", told.elapsed());
    tree::wait_until_gone(&below);
}

#[test]
fn flask_under_gunicorn_sync() {
    plays_the_app(&server::GUNICORN_SYNC);
}

#[test]
fn flask_under_gunicorn_threads() {
    plays_the_app(&server::GUNICORN_THREADS);
}

#[test]
fn flask_under_waitress() {
    plays_the_app(&server::WAITRESS);
}

#[test]
fn fastapi_under_uvicorn() {
    plays_the_app(&server::UVICORN);
}

#[test]
fn functions_framework_for_python() {
    plays_the_app(&server::PYTHON_FRAMEWORK);
}

#[test]
fn express() {
    plays_the_app(&server::EXPRESS);
}

#[test]
fn http_of_node() {
    plays_the_app(&server::NODE);
}

#[test]
fn functions_framework_for_node() {
    plays_the_app(&server::NODE_FRAMEWORK);
}

#[test]
fn net_http_of_go() {
    plays_the_app(&server::GO);
}

#[test]
fn functions_framework_for_go() {
    plays_the_app(&server::GO_FRAMEWORK);
}

#[test]
fn http_server_of_the_jdk() {
    plays_the_app(&server::JAVA);
}

#[test]
fn functions_framework_for_java() {
    plays_the_app(&server::JAVA_FRAMEWORK);
}

/// In their own words: nobody killed them.
#[test]
fn a_server_hears_term_and_says_goodbye() {
    for (server, goodbye) in [
        (server::GUNICORN_SYNC, "Shutting down: Master"),
        (server::GUNICORN_THREADS, "Shutting down: Master"),
        (server::UVICORN, "Application shutdown complete"),
    ] {
        let Some(mut heeler) = server.start(&[]) else { return };
        app::says_hello(&heeler);
        heeler.signal(Signal::SIGTERM);
        assert_eq!(heeler.exit_code(), 0);
        assert!(heeler.stderr.rest().contains(goodbye), "no {goodbye:?} in:\n{}", heeler.stderr.text());
    }
}

/// As in images made for of-watchdog: the server has its own idea of its port, and heeler is told where it is.
#[test]
fn a_server_with_a_port_of_its_own() {
    let Some(builder) = server::GO.builder() else { return };
    let Some(installed) = installed("go") else { return };
    let port = free_port();
    let command = format!("env PORT={port} {}/plain", installed.display());
    let url = format!("http://127.0.0.1:{port}");
    let heeler = builder.envs(&[("fprocess", &command), ("http_upstream_url", &url)]).start();
    app::says_hello(&heeler);
    app::echoes_bodies(&heeler);
    drains(heeler);
}
