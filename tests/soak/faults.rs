//! Faults, one after the other beside the good calls: handlers that fail, crash, run out of time or answer badly, and clients
//! that go away at every point.

use super::clock::{Clock, Pace};
use super::instance::Instance;
use super::support::{Conn, Failure, PATIENCE, Request, within};

pub enum Fault {
    /// A call whose answer has one of these statuses.
    Answers(Request, &'static [u16]),
    /// One that is cut, or in time for a status is a failure of the handler's.
    Fails(Request),
    /// What ends the handler that others use, too; the next fault comes when it is ready again.
    Crash(Request, &'static [u16]),
    /// The client sends so many bytes of its request, and resets the connection.
    Reset(Request, usize),
    /// The client reads so many bytes of the answer, and resets the connection.
    HalfRead(Request, usize),
    /// The client closes its side behind a whole request, and reads what comes.
    HalfClose(Request),
}

/// One fault after the other until the part is over.
pub fn go_on(instance: &Instance, clock: &Clock) {
    let mut pace = Pace::new(instance.rounds);
    for fault in instance.faults.iter().cycle() {
        if !clock.goes_on() {
            return;
        }
        pace.wait();
        let Some(mut conn) = instance.judged(Conn::try_open(instance.heeler.address())) else { continue };
        clock.add(1);
        match happen(instance, fault, &mut conn) {
            Ok(()) => instance.tally.expected(),
            Err(why) => instance.unexpected(&why),
        }
        if let Fault::Reset(..) | Fault::HalfRead(..) = fault {
            conn.reset();
        }
    }
}

fn happen(instance: &Instance, fault: &Fault, conn: &mut Conn) -> Result<(), String> {
    match fault {
        Fault::Answers(request, statuses) => answers(conn, request, statuses),
        Fault::Fails(request) => match conn.try_call(request) {
            Err(Failure::Cut(_)) => Ok(()),
            Ok(answer) if answer.status >= 500 => Ok(()),
            other => Err(format!("not failed: {other:?} to {request:?}")),
        },
        Fault::Crash(request, statuses) => {
            answers(conn, request, statuses)?;
            let ready = || Conn::open(instance.heeler.address()).call(&Request::get("/_/ready")).status == 200;
            within(PATIENCE, ready).then_some(()).ok_or_else(|| format!("not ready again after {request:?}"))
        }
        Fault::Reset(request, sent) => {
            let bytes = request.bytes();
            conn.send(&bytes[..bytes.len().min(*sent)]);
            Ok(())
        }
        Fault::HalfRead(request, most) => {
            conn.send(&request.bytes());
            let mut read = 0;
            while read < *most {
                match conn.read_some(*most - read) {
                    Ok(bytes) if bytes.is_empty() => return Err(format!("ended after {read} bytes: {request:?}")),
                    Ok(bytes) => read += bytes.len(),
                    Err(failure) => return Err(format!("{failure:?} after {read} bytes: {request:?}")),
                }
            }
            Ok(())
        }
        Fault::HalfClose(request) => {
            conn.send(&request.bytes());
            conn.half_close();
            // The call is given up: an answer may or may not be there.
            match conn.read_to_end() {
                Ok(_) => Ok(()),
                Err(failure) => Err(format!("{failure:?} after a half-close: {request:?}")),
            }
        }
    }
}

fn answers(conn: &mut Conn, request: &Request, statuses: &[u16]) -> Result<(), String> {
    match conn.try_call(request) {
        Ok(answer) if statuses.contains(&answer.status) => Ok(()),
        Ok(answer) => Err(format!("{} {:?} to {request:?}", answer.status, answer.text())),
        Err(failure) => Err(format!("{failure:?} to {request:?}")),
    }
}
