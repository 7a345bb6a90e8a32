//! A stand-in for those who deliver events in Knative: their retry table, and what they take for a reply.

use super::client::{Conn, Failure};
use super::eventually;
use super::heeler::Heeler;
use super::message::{Request, Response};

/// How often a delivery is made at most: far more often than any test lets a handler fail.
const MOST_TRIES: usize = 20;

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Taken, and there is nothing to go on with.
    Taken,
    /// Taken, with a reply of this type.
    Replied(String),
    /// Given up: the status that it ended with, 0 for none.
    Dead(u16),
}

/// What one delivery means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is over.
    Over(Fate),
    /// It is made again.
    Again(u16),
}

/// The rules, for one delivery.
pub fn judge(outcome: &Result<Response, Failure>) -> Verdict {
    let Ok(answer) = outcome else { return Verdict::Again(0) };
    match answer.status {
        200..=299 => reply(answer),
        status @ (404 | 408 | 409 | 429 | 500..) => Verdict::Again(status),
        status => Verdict::Over(Fate::Dead(status)),
    }
}

/// A body is an event, or there is none: all else counts as a 502 of the subscriber's, and is made again.
fn reply(answer: &Response) -> Verdict {
    let kind = answer.header("content-type").unwrap_or_default();
    let kind_of = |value: Option<&str>| value.filter(|kind| !kind.is_empty()).map(str::to_owned);
    let found = if kind.starts_with("application/cloudevents+json") {
        let event = serde_json::from_slice::<serde_json::Value>(&answer.body).unwrap_or_default();
        let required =
            ["specversion", "id", "source"].iter().all(|name| event[name].as_str().is_some_and(|s| !s.is_empty()));
        kind_of(event["type"].as_str()).filter(|_| required)
    } else if answer.header("ce-specversion").is_some() {
        let required = answer.header("ce-specversion") == Some("1.0")
            && ["ce-id", "ce-source"].iter().all(|name| answer.header(name).is_some_and(|value| !value.is_empty()));
        kind_of(answer.header("ce-type")).filter(|_| required)
    } else if answer.body.is_empty() {
        return Verdict::Over(Fate::Taken);
    } else {
        None
    };
    match found {
        // Says that there is none.
        Some(_) if answer.status == 202 => Verdict::Over(Fate::Taken),
        Some(kind) => Verdict::Over(Fate::Replied(kind)),
        None => Verdict::Again(502),
    }
}

/// How a delivery is made.
pub enum Manner<'a> {
    /// Until there is an answer.
    Patient,
    /// The handler has so much time.
    Within(&'static str),
    /// Until this holds, and then the client leaves.
    Until(Box<dyn Fn() -> bool + 'a>),
}

/// Delivers an event until it is over, each time as `manner` says; the connection is kept while it lasts. Gives its
/// fate, and how often it was sent.
pub fn deliver<'a>(
    heeler: &Heeler,
    conn: &mut Option<Conn>,
    event: &Request,
    mut manner: impl FnMut() -> Manner<'a>,
) -> (Fate, usize) {
    let delivery = event.clone().header("Prefer", "reply");
    let mut last = 0;
    for tries in 1..=MOST_TRIES {
        let mut open = conn.take().unwrap_or_else(|| heeler.conn());
        let outcome = match manner() {
            Manner::Patient => open.try_call(&delivery),
            Manner::Within(time) => open.try_call(&delivery.clone().header("X-Timeout", time)),
            Manner::Until(enough) => {
                open.send(&delivery.bytes());
                eventually("the delivery has come so far", enough);
                // Both ways in which a connection ends.
                if tries % 2 == 0 {
                    open.reset()
                } else {
                    drop(open)
                }
                continue;
            }
        };
        if outcome.as_ref().is_ok_and(|answer| !answer.closes()) {
            *conn = Some(open);
        }
        match judge(&outcome) {
            Verdict::Over(fate) => return (fate, tries),
            Verdict::Again(status) => last = status,
        }
    }
    (Fate::Dead(last), MOST_TRIES)
}
