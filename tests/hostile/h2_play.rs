//! A case of HTTP/2: frames behind the preface, and what comes of them.

use std::collections::BTreeSet;

use crate::frames::{self, GOAWAY, HEADERS, PING, PREFACE, Peer, RST_STREAM, WHOLE, frame, head};
use crate::support::Request;
use crate::witness::Place;

/// RFC 9113 §7.
pub const PROTOCOL: u32 = 1;
pub const FLOW: u32 = 3;
pub const CLOSED: u32 = 5;
pub const SIZE: u32 = 6;
pub const REFUSED: u32 = 7;
pub const COMPRESSION: u32 = 9;
pub const CALM: u32 = 11;

/// What can come of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    /// The connection is closed with this code.
    GoAway(u32),
    /// A stream is, with this code.
    Reset(u32, u32),
    Status(u32, u16),
    /// The connection served another request.
    Next,
}

/// One case. Each of `wanted` is a way that the rule leaves; all of it has to come, and nothing else.
pub struct Case {
    pub name: &'static str,
    pub rule: &'static str,
    pub send: Vec<u8>,
    pub wanted: Vec<Vec<Seen>>,
}

/// The connection ends with this code or that.
pub fn away(name: &'static str, rule: &'static str, send: Vec<u8>, codes: &[u32]) -> Case {
    Case { name, rule, send, wanted: codes.iter().map(|code| vec![Seen::GoAway(*code)]).collect() }
}

/// Stream 1 is reset with this code, and the connection goes on.
pub fn cut(name: &'static str, rule: &'static str, send: Vec<u8>, code: u32) -> Case {
    Case { name, rule, send, wanted: vec![vec![Seen::Reset(1, code), Seen::Next]] }
}

/// Stream 1 is answered with this status, and the connection goes on.
pub fn answered(name: &'static str, rule: &'static str, send: Vec<u8>, status: u16) -> Case {
    Case { name, rule, send, wanted: vec![vec![Seen::Status(1, status), Seen::Next]] }
}

/// Nothing comes of it.
pub fn ignored(name: &'static str, rule: &'static str, send: Vec<u8>) -> Case {
    Case { name, rule, send, wanted: vec![vec![Seen::Next]] }
}

/// An ordinary request on this stream is sent behind every case.
const NEXT: u32 = 0x4000_0001;
/// And then a question, behind whose answer nothing of the case can come.
const MARK: &[u8] = b"the mark";

/// The modes whose calls are many at once. What heeler asks of an upstream to know its protocol is left out.
pub fn places() -> [Place; 2] {
    [Place::new("warm", &[]), Place::new("http", &[("upstream_protocol", "http1")])]
}

/// Plays all cases, and says all that went wrong.
#[track_caller]
pub fn play(place: &Place, cases: &[Case]) {
    let mut wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let what = play_one(place, case).err()?;
            Some(format!("{}: {} ({}): {what}", place.mode, case.name, case.rule))
        })
        .collect();
    wrong.extend(place.rests("the last case").err());
    assert!(wrong.is_empty(), "{} of {} cases went wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn play_one(place: &Place, case: &Case) -> Result<(), String> {
    place.rests("the case before")?;
    let mut peer = Peer::new(place.heeler.conn());
    let next = frame(HEADERS, WHOLE, NEXT, &head("GET", "/next"));
    let start = if case.send.starts_with(PREFACE) { Vec::new() } else { [PREFACE, &frames::settings(&[])].concat() };
    peer.conn.send(&[start, case.send.clone(), next].concat());
    let seen = watch(&mut peer, &case.wanted)?;
    let fits = |wanted: &Vec<Seen>| seen == wanted.iter().copied().collect();
    if !case.wanted.iter().any(fits) {
        return Err(format!("{seen:?} and not {:?}", case.wanted));
    }
    let answer = place.heeler.call(&Request::post("/beside", "still here"));
    if (answer.status, answer.text().as_str()) != (200, "still here") {
        return Err(format!("a call beside it: {}", answer.status));
    }
    let calls = place.take().unwrap_or_default();
    let of_the_case = calls.iter().filter(|call| !call.contains("/next") && !call.contains("/beside")).count();
    let good = seen.iter().filter(|seen| matches!(seen, Seen::Status(_, 200))).count();
    if of_the_case > good { Err(format!("the handler saw {calls:?}")) } else { Ok(()) }
}

/// Reads until one of the ways has been gone to its end.
fn watch(peer: &mut Peer, wanted: &[Vec<Seen>]) -> Result<BTreeSet<Seen>, String> {
    let mut seen = BTreeSet::new();
    let mut asked = false;
    loop {
        if !asked && wanted.iter().any(|wanted| wanted.iter().all(|wanted| seen.contains(wanted))) {
            asked = true;
            peer.conn.send(&frame(PING, 0, 0, MARK));
        }
        let Some(frame) = peer.read().map_err(|failure| format!("{failure:?} after {seen:?}"))? else {
            return Ok(seen);
        };
        match frame.kind {
            GOAWAY if frame.number(4) != 0 => drop(seen.insert(Seen::GoAway(frame.number(4)))),
            RST_STREAM => drop(seen.insert(Seen::Reset(frame.stream, frame.number(0)))),
            HEADERS if frame.stream == NEXT => drop(seen.insert(Seen::Next)),
            HEADERS => drop(seen.insert(Seen::Status(frame.stream, frame.status()))),
            PING if frame.payload == MARK => return Ok(seen),
            _ => {}
        }
    }
}
