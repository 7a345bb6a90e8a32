//! What a worker says, frame by frame. It is treated as hostile: what it may not say ends its connection.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tracing::Level;

use super::frame::{self, Frame, Kind};
use super::lost::Lost;
use super::message::{self, Failed, Fault, Hello, Reply};
use super::stream::{Cancel, End, Stream};
use super::worker::{Worker, broke};
use crate::invoke::error::CallError;
use crate::log::{self, HandlerLog};
use crate::reason::Reason;

/// Room that is read into at once: many small answers, or a good part of a large one.
const ROOM: usize = 64 * 1024;

/// Waits for the worker's first frame. What came behind it stays in the buffer.
pub(super) async fn hello(socket: &mut Receiver, buffer: &mut BytesMut) -> Result<Hello, Lost> {
    loop {
        if let Some(frame) = frame::take(buffer).map_err(Lost::protocol)? {
            return match frame.kind {
                Kind::Hello if frame.stream == 0 => Hello::read(frame.payload).map_err(Lost::protocol),
                Kind::Error if frame.stream == 0 => Err(not_loaded(frame.payload)),
                kind => Err(Lost::protocol(format!("its first frame is {kind:?} and not HELLO"))),
            };
        }
        fill(socket, buffer).await?;
    }
}

/// Whoever listens to a worker.
pub(super) struct Hearing {
    pub(super) worker: Arc<Worker>,
    pub(super) log: HandlerLog,
}

impl Hearing {
    /// Hears it out.
    pub(super) async fn run(&self, mut socket: Receiver, mut buffer: BytesMut) -> Lost {
        loop {
            match frame::take(&mut buffer) {
                Err(error) => return Lost::protocol(error),
                Ok(Some(frame)) => {
                    if let Err(lost) = self.hear(frame).await {
                        return lost;
                    }
                }
                Ok(None) => {
                    if buffer.is_empty() {
                        buffer = BytesMut::new(); // Idle workers hold no memory.
                    }
                    if let Err(lost) = fill(&mut socket, &mut buffer).await {
                        return lost;
                    }
                }
            }
        }
    }

    async fn hear(&self, frame: Frame) -> Result<(), Lost> {
        match (frame.kind, frame.stream) {
            (Kind::Reply | Kind::Data | Kind::End | Kind::Cancelled | Kind::Window, _) | (Kind::Error, 1..) => {
                match self.worker.stream(frame.stream)? {
                    Some(stream) => self.hear_call(&stream, frame),
                    None => Ok(()),
                }
            }
            (Kind::Error, 0) => Err(not_loaded(frame.payload)),
            (Kind::Log, number) => self.hear_line(number, frame.payload).await,
            (Kind::Pong, 0) => self.worker.pongs().hear(frame.payload),
            (Kind::Bye, 0) => {
                self.worker.said_bye();
                Ok(())
            }
            (kind, number) => Err(Lost::protocol(format!("{kind:?} on stream {number}"))),
        }
    }

    fn hear_call(&self, stream: &Stream, frame: Frame) -> Result<(), Lost> {
        let Frame { kind, last, stream: number, payload } = frame;
        let given_up = stream.cancel() != Cancel::No;
        match kind {
            Kind::Reply if given_up => {}
            Kind::Reply => {
                let reply = Reply::read(payload).map_err(Lost::protocol)?;
                let took = reply.took;
                stream.reply(reply)?;
                if last {
                    stream.end(End { took, ..End::default() })?;
                }
            }
            Kind::Data if given_up => {}
            Kind::Data => {
                stream.data(payload)?;
                if last {
                    stream.end(End::default())?;
                }
            }
            Kind::End if !last => return Err(Lost::protocol("END without LAST")),
            Kind::End => {
                let (took, trailers) = message::read_end(payload).map_err(Lost::protocol)?;
                match trailers {
                    Ok(trailers) => stream.end(End { took, trailers })?,
                    Err(bad) => stream.fail(super::broken(&bad)),
                }
            }
            Kind::Error if !last => return Err(Lost::protocol("ERROR without LAST")),
            Kind::Error => stream.fail(failure(Failed::read(payload).map_err(Lost::protocol)?, stream)),
            Kind::Window => {
                let more = payload.first_chunk::<4>().filter(|_| payload.len() == 4);
                let more = more.ok_or_else(|| Lost::protocol("WINDOW that is not one number"))?;
                return stream.window(u32::from_be_bytes(*more));
            }
            // CANCELLED is all that is left.
            _ if !given_up => return Err(Lost::protocol("CANCELLED of a call that was not cancelled")),
            _ if !last => self.worker.abandoned(stream),
            _ => {}
        }
        if last {
            self.worker.ended(number);
        }
        Ok(())
    }

    async fn hear_line(&self, number: u32, mut payload: Bytes) -> Result<(), Lost> {
        let short = || Lost::protocol("LOG without a line");
        let level = level_of(payload.try_get_u8().map_err(|_| short())?);
        let source = payload.try_get_u8().map_err(|_| short())?;
        let stream = if number == 0 { None } else { self.worker.stream(number)? };
        let call_id = stream.as_ref().and_then(|stream| stream.call_id());
        // A logger's lines go where the languages' own loggers write.
        let to = if source == 1 { log::Stream::Stdout } else { log::Stream::Stderr };
        let limit = self.log.line_limit().unwrap_or(usize::MAX);
        let cut = payload.len() > limit;
        payload.truncate(limit);
        self.log.leveled_line(level, to, call_id, &payload, cut).await;
        Ok(())
    }
}

/// The caller learns the error's type alone: message and stack may hold what it sent.
fn failure(failed: Failed, stream: &Stream) -> CallError {
    let Failed { fault, retry, status, kind, message, stack, .. } = failed;
    tracing::error!(call_id = stream.call_id().unwrap_or_default(), error = kind, stack, "{message}");
    let (reason, text) = match fault {
        Fault::Raised if retry => (Reason::Handler, format!("the function raised {kind}, and may be called again")),
        Fault::Raised => (Reason::Raised, format!("the function raised {kind}")),
        Fault::Crashed | Fault::NotLoaded => (Reason::Worker, format!("the function crashed: {kind}")),
        Fault::Late => (Reason::Timeout, "the function took too long".to_owned()),
    };
    CallError { status, ..CallError::new(reason, text) }
}

fn not_loaded(payload: Bytes) -> Lost {
    match Failed::read(payload) {
        Ok(Failed { kind, message, stack, .. }) => Lost::NotLoaded { kind, message, stack },
        Err(error) => Lost::protocol(error),
    }
}

/// A level that is not in the table is as good as none.
fn level_of(number: u8) -> Level {
    match number {
        0 => Level::DEBUG,
        2 => Level::WARN,
        3 => Level::ERROR,
        _ => Level::INFO,
    }
}

async fn fill(socket: &mut Receiver, buffer: &mut BytesMut) -> Result<(), Lost> {
    // There is no room for what may not come for long.
    socket.readable().await.map_err(broke)?;
    buffer.reserve(ROOM);
    match socket.read_buf(buffer).await.map_err(broke)? {
        0 => Err(Lost::Closed),
        _ => Ok(()),
    }
}
