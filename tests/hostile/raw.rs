//! Each raw request of the tables in every mode where it could fare differently.

use crate::cases::{self, Case};
use crate::support::{Failure, Request, Response};
use crate::witness::Place;

/// Sent behind every case. Wherever the case ends for heeler, this must be a request of its own or nothing at all.
const BEHIND: &[u8] = b"GET /behind HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/// Sends a case, and says what is not as it should be.
fn play(place: &Place, case: &Case) -> Result<(), String> {
    place.rests("the case before")?;
    let mut conn = place.heeler.conn();
    let method = if case.send.starts_with(b"HEAD ") { "HEAD" } else { "GET" };
    let behind = if case.half { &[][..] } else { BEHIND };
    conn.send(&[&case.send[..], behind].concat());
    if case.half {
        conn.half_close();
    }
    let (status, reason) = match conn.read_response(method) {
        Ok(answer) => {
            speaks_plainly(&answer)?;
            (answer.status, answer.reason().to_owned())
        }
        Err(Failure::Nothing) => (0, String::new()),
        Err(other) => return Err(format!("{other:?}")),
    };
    // A client that has left may or may not be told what it did.
    if !(case.half && status == 0) {
        check("status and reason", &(status, reason), &(case.want, case.reason.clone().unwrap_or_default()))?;
    }
    let next = match conn.read_response("GET") {
        Ok(answer) => answer.status,
        Err(Failure::Nothing) => 0,
        Err(other) => return Err(format!("behind it: {other:?}")),
    };
    check("status of the next request", &next, &case.next)?;
    let rest = conn.read_to_end().map_err(|failure| format!("the connection stays: {failure:?}"))?;
    check("rest", &String::from_utf8_lossy(&rest).into_owned(), &String::new())?;
    beside(place)?;
    let mut expected: Vec<String> = case.saw.iter().cloned().collect();
    expected.extend((case.next == 200).then(|| "GET /behind ".to_owned()));
    expected.push("POST /beside still here".to_owned());
    place.take().map_or(Ok(()), |calls| check("calls", &calls, &expected))
}

/// An answer of heeler's own is a line of text that begins with its word.
fn speaks_plainly(answer: &Response) -> Result<(), String> {
    let kind = answer.header("content-type").unwrap_or_default();
    let plain = kind.starts_with("text/plain") && answer.text().starts_with(&format!("{}: ", answer.reason()));
    check("plain", &(plain || answer.reason().is_empty()), &true)
}

/// Somebody else's call.
fn beside(place: &Place) -> Result<(), String> {
    let answer = place.heeler.call(&Request::post("/beside", "still here"));
    check("a call beside it", &(answer.status, answer.text()), &(200, "still here".to_owned()))
}

fn check<T: PartialEq + std::fmt::Debug>(what: &str, seen: &T, wanted: &T) -> Result<(), String> {
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:?} and not {wanted:?}")) }
}

#[track_caller]
fn run(place: &Place, wanted: impl Fn(&Case) -> bool) {
    let mode = place.mode;
    let cases = cases::TABLES.iter().flat_map(|table| cases::read(table, mode)).filter(wanted);
    let mut wrong: Vec<String> = cases
        .filter_map(|case| {
            let what = play(place, &case).err()?;
            let sent = case.send[..case.send.len().min(120)].escape_ascii().to_string();
            Some(format!("{mode}: {}: {what}\n    {sent}", case.name))
        })
        .collect();
    wrong.extend(place.rests("the last case").err());
    assert!(wrong.is_empty(), "{} cases went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_process_per_call_sees_what_was_sent_and_nothing_else() {
    run(&Place::new("streaming", &[]), |_| true);
}

#[test]
fn an_upstream_sees_what_was_sent_and_nothing_else() {
    run(&Place::new("http", &[]), |_| true);
}

#[test]
fn a_worker_sees_what_was_sent_and_nothing_else() {
    run(&Place::new("warm", &[]), |_| true);
}

/// The same checks stand before every mode.
#[test]
fn what_is_refused_is_refused_in_every_mode() {
    for mode in ["serializing", "classic", "cgi"] {
        run(&Place::of_an_echo(mode), |case| case.want != 200);
    }
}
