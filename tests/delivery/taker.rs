//! A stand-in for a sink: it keeps what it is sent, and answers as the test says.

use std::sync::{Arc, Mutex};

use crate::support::{Asked, Builder, Request, Response, Then, Upstream, eventually};

pub const TAKEN: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
pub const REPLY: &str = r#"{"specversion":"1.0","id":"r1","source":"/r","type":"r.t","n":5,"data":{"z":1.10,"a":2}}"#;
pub const WRAP: [(&str, &str); 2] = [("reply_type", "r.t"), ("reply_source", "/r")];

/// An answer without a body.
pub fn status(status: u16) -> String {
    format!("HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n")
}

/// A line of shell for cgi mode that answers with a binary event, with these lines more in its head.
pub fn scripted(more: &[&str]) -> String {
    let head = ["Content-Type: text/plain", "Ce-Specversion: 1.0", "Ce-Id: r1", "Ce-Source: /r", "Ce-Type: r.t"];
    head.iter().chain(more).map(|line| format!("echo '{line}'; ")).collect::<String>() + "echo; printf data"
}

pub struct Taker {
    pub server: Upstream,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Taker {
    /// That takes all it gets.
    pub fn new() -> Taker {
        Taker::saying(|_, _| TAKEN.to_owned())
    }

    /// With an answer to each request, the first being 0; none closes the connection.
    pub fn saying(answer: impl Fn(usize, &Asked) -> String + Send + Sync + 'static) -> Taker {
        Taker::on(0, answer)
    }

    pub fn on(port: u16, answer: impl Fn(usize, &Asked) -> String + Send + Sync + 'static) -> Taker {
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let kept = asked.clone();
        let server = Upstream::serve_on(port, move |link, asked| {
            let number = {
                let mut kept = kept.lock().unwrap();
                kept.push(asked.clone());
                kept.len() - 1
            };
            let answer = answer(number, &asked);
            link.send(answer.as_bytes());
            if answer.is_empty() || answer.contains("Connection: close") { Then::Close } else { Then::Keep }
        });
        Taker { server, asked }
    }

    /// heeler with this sink.
    pub fn behind(&self, builder: Builder) -> Builder {
        builder.env("reply", "sink").env("K_SINK", &format!("{}/default/x?y=1", self.server.url()))
    }

    /// All that has come so far.
    pub fn all(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The only one that has come, and forgets it.
    #[track_caller]
    pub fn only(&self) -> Asked {
        let mut all = std::mem::take(&mut *self.asked.lock().unwrap());
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[track_caller]
    pub fn wait_for(&self, count: usize) {
        eventually(&format!("the sink is asked {count} times"), || self.all().len() >= count);
    }
}

/// Whoever called is told that it is done, and nothing else.
#[track_caller]
pub fn is_accepted(answer: &Response) {
    assert_eq!((answer.status, answer.text().as_str()), (202, ""), "{:?}", answer.headers);
    for name in ["ce-id", "ce-type", "content-type", "x-heeler-reason"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
}

/// With a time that it may take.
pub fn within(request: Request, time: &str) -> Request {
    request.header("X-Timeout", time)
}

/// What a binary event is made of.
pub fn attributes(asked: &Asked) -> [String; 4] {
    ["ce-specversion", "ce-id", "ce-source", "ce-type"].map(|name| asked.header(name).unwrap_or_default())
}
