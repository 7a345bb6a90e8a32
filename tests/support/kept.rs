//! heeler in http mode with the fixture's server behind it.

use std::net::SocketAddr;
use std::time::Duration;

use super::client::Conn;
use super::message::{Request, Response};
use super::{Builder, Gate, Heeler, eventually, free_port};

/// One start of the fixture's server, as it tells of itself.
pub struct Server {
    pub pid: i32,
    pub address: String,
}

impl Server {
    /// Asks it, past heeler. What ends it gives no answer.
    pub fn get(&self, path: &str) -> Option<Response> {
        let address: SocketAddr = self.address.parse().expect("an address of TCP");
        Conn::open(address).try_call(&Request::get(path)).ok()
    }

    /// What it was started with, a line each.
    pub fn environment(&self) -> Vec<String> {
        self.get("/env").expect("its environment").text().lines().map(str::to_owned).collect()
    }

    pub fn port(&self) -> &str {
        self.address.rsplit_once(':').expect("an address of TCP").1
    }
}

/// A builder for the fixture's server with these words. What a test leaves behind need not be waited for.
pub fn keep(words: &str, gate: &Gate) -> Builder {
    let words = format!("serve {words}");
    Heeler::builder().role("http", &words).env("kill_grace", "300ms").env("TESTFN_GATE", gate.path()).metrics()
}

/// Starts it without waiting, with ports that are known before it is ready.
pub fn spawn(builder: Builder) -> Heeler {
    let (port, metrics) = (free_port(), free_port());
    let mut heeler = builder.env("port", &port.to_string()).env("metrics_port", &metrics.to_string()).spawn();
    (heeler.port, heeler.metrics_port) = (port, Some(metrics));
    eventually("the metrics port is open", || Conn::try_open(heeler.metrics_address()).is_ok());
    heeler
}

/// The nth start that listened, 1 being the first.
#[track_caller]
pub fn server(heeler: &Heeler, nth: usize) -> Server {
    let all =
        || -> Vec<Server> { heeler.stdout.json().iter().filter_map(|line| parse(line["msg"].as_str()?)).collect() };
    eventually(&format!("server {nth} listens"), || all().len() >= nth);
    all().swap_remove(nth - 1)
}

fn parse(line: &str) -> Option<Server> {
    let (pid, address) = line.strip_prefix("serving ")?.split_once(" at ")?;
    Some(Server { pid: pid.parse().ok()?, address: address.to_owned() })
}

/// Waits for heeler's end, and for all that was said until then.
pub fn end_within(heeler: &mut Heeler, time: Duration) -> Option<i32> {
    let code = heeler.exit_code_within(time);
    if code.is_some() {
        heeler.stdout.rest();
        heeler.stderr.rest();
    }
    code
}

/// How many processes heeler has started, by its log: what it says on one stream may be read here before what it has
/// said on the other.
pub fn starts(heeler: &Heeler) -> usize {
    heeler.stderr.json().iter().filter(|line| line["msg"] == "handler started").count()
}

/// What the metrics listener says, which is open from the very start: status and first word.
pub fn probe(heeler: &Heeler, path: &str) -> (u16, String) {
    let answer = heeler.ask_metrics(&Request::get(path));
    let word = answer.text().split([':', ' ', '\n']).next().unwrap_or_default().to_owned();
    (answer.status, word)
}

#[track_caller]
pub fn wait_probe(heeler: &Heeler, path: &str, status: u16, word: &str) {
    eventually(&format!("{path} says {status} {word}"), || probe(heeler, path) == (status, word.to_owned()));
}

/// Whether a signal was heard and told.
pub fn has_heard(heeler: &Heeler, signal: i32) -> bool {
    let line = format!("signal {signal}");
    heeler.stdout.json().iter().any(|said| said["msg"] == line.as_str())
}
