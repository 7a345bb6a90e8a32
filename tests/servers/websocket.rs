//! WebSockets through heeler, by a client and a server that people use.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::script::Script;
use crate::server;
use crate::support::Heeler;

fn client(heeler: &Heeler, words: &[&str]) -> Script {
    let url = format!("ws://{}/", heeler.address());
    Script::start("websocket_client.py", &[&[url.as_str()], words].concat())
}

#[track_caller]
fn ask(heeler: &Heeler, words: &[&str]) -> Value {
    client(heeler, words).result()
}

#[test]
fn messages_of_all_kinds_come_back() {
    let Some(heeler) = server::WEBSOCKETS.start(&[]) else { return };
    assert_eq!(ask(&heeler, &["echo"]), json!([true, true, true, true, true, true, true]));
    assert_eq!(ask(&heeler, &["ping"]), true);
}

#[test]
fn close_codes_pass_both_ways() {
    let Some(heeler) = server::WEBSOCKETS.start(&[]) else { return };
    assert_eq!(ask(&heeler, &["client_closes"]), json!([4001, "the client's word"]));
    heeler.stdout.wait_for("closed 4001 the client's word");
    assert_eq!(ask(&heeler, &["server_closes"]), json!([4002, "the server's word"]));
}

/// `exec_timeout` is for the answer, and that was the handshake.
#[test]
fn a_session_outlives_the_deadline_of_a_call() {
    let Some(heeler) = server::WEBSOCKETS.start(&[("exec_timeout", "1s")]) else { return };
    assert_eq!(ask(&heeler, &["linger", "3.5"]), json!([true, 1000]));
}

#[test]
fn fifty_sessions_at_once() {
    let Some(heeler) = server::WEBSOCKETS.start(&[]) else { return };
    assert_eq!(ask(&heeler, &["fifty"]), true);
}

/// The server hears TERM though a session is open, and says goodbye in its own words.
#[test]
fn a_drain_lets_the_server_close_its_sessions() {
    let Some(mut heeler) = server::WEBSOCKETS.start(&[]) else { return };
    let session = client(&heeler, &["wait_for_close"]);
    session.wait_for("open");
    heeler.signal(Signal::SIGTERM);
    assert_eq!(session.result(), 1001);
    assert_eq!(heeler.exit_code(), 0);
}
