//! One HTTP/1 call on one connection, up to the head of its answer.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::StatusCode;

use super::connection::Connection;
use super::head::{self, Framing, Head};
use super::pass::Sent;
use super::upload::{Upload, UploadError};
use crate::invoke::call::Interim;
use crate::invoke::error::CallError;
use crate::invoke::hop::remove_hop_by_hop;
use crate::reason::Reason;

/// Enough for the head and the whole of a small answer.
const ROOM: usize = 8 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Not one byte came back: the upstream may have closed the connection before it saw the request.
    Silent(String),
    /// Anything else: the call cannot be tried again.
    Final(CallError),
}

/// A call that is on a connection.
pub(super) struct Exchange {
    pub(super) connection: Connection,
    /// `None` once all of the request is sent, or nobody reads it.
    pub(super) upload: Option<Upload>,
    /// Where 1xx heads go.
    pub(super) interim: Option<Interim>,
    /// The request was a HEAD: no body follows.
    pub(super) to_head: bool,
    /// The request asked to change the protocol.
    pub(super) may_upgrade: bool,
    /// Who is told when all of the request is sent.
    pub(super) sent: Arc<Sent>,
    /// Something came back: the upstream has seen the request, or is none.
    pub(super) heard: bool,
    /// What came of the attempt to send it all.
    pub(super) write_error: Option<io::Error>,
}

impl Exchange {
    /// A plain request, about to be sent.
    pub(super) fn new(connection: Connection, upload: Upload) -> Exchange {
        Exchange {
            connection,
            upload: Some(upload),
            interim: None,
            to_head: false,
            may_upgrade: false,
            sent: Arc::default(),
            heard: false,
            write_error: None,
        }
    }

    /// The head of the answer, and what stands behind it.
    pub(super) async fn head(&mut self) -> Result<(Head, Framing), Failure> {
        let mut head = poll_fn(|cx| self.poll_head(cx)).await?;
        let framing = head.framing(self.to_head).map_err(bad)?;
        if self.write_error.is_some() {
            head.keep_alive = false;
        }
        Ok((head, framing))
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Head, Failure>> {
        self.poll_upload(cx)?;
        loop {
            while !self.connection.buffer.is_empty() {
                match head::take(&mut self.connection.buffer).map_err(bad)? {
                    None => break,
                    Some(head) if head.status == StatusCode::SWITCHING_PROTOCOLS && self.may_upgrade => {
                        return Poll::Ready(self.switch(head));
                    }
                    Some(head) if head.status.is_informational() => self.pass_interim(head, cx)?,
                    Some(head) => return Poll::Ready(Ok(head)),
                }
            }
            match ready!(self.connection.poll_fill(cx, ROOM)) {
                Ok(0) => return Poll::Ready(Err(self.ended(None))),
                Err(error) => return Poll::Ready(Err(self.ended(Some(error)))),
                Ok(_) => self.heard = true,
            }
        }
    }

    /// RFC 9110 §7.8: not before the request is whole. The rest of its body would be the tunnel's first bytes, or none.
    fn switch(&self, head: Head) -> Result<Head, Failure> {
        match self.upload {
            None => Ok(head),
            Some(_) => Err(bad_head("the upstream changes the protocol before it has the whole request")),
        }
    }

    /// Sends on. An upstream that does not read may still answer.
    fn poll_upload(&mut self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let Some(upload) = &mut self.upload else { return Ok(()) };
        match upload.poll(cx) {
            Poll::Pending => {}
            Poll::Ready(Ok(())) => {
                self.upload = None;
                self.sent.note();
            }
            Poll::Ready(Err(UploadError::Body(error))) => return Err(Failure::Final(error)),
            Poll::Ready(Err(UploadError::Write(error))) => {
                self.upload = None;
                self.write_error = Some(error);
            }
        }
        Ok(())
    }

    fn pass_interim(&mut self, mut head: Head, cx: &mut Context<'_>) -> Result<(), Failure> {
        match head.status {
            StatusCode::SWITCHING_PROTOCOLS => {
                return Err(bad_head("the upstream changes to a protocol that nobody asked for"));
            }
            StatusCode::CONTINUE => {
                if let Some(upload) = &mut self.upload {
                    upload.go_on();
                }
                self.poll_upload(cx)?;
            }
            _ => {
                remove_hop_by_hop(&mut head.headers);
                if let Some(interim) = &self.interim {
                    interim.push(head.status, &head.headers);
                }
            }
        }
        Ok(())
    }

    fn ended(&self, error: Option<io::Error>) -> Failure {
        let how = match error.as_ref().or(self.write_error.as_ref()) {
            Some(error) => format!("the connection to the upstream broke: {error}"),
            None => "the upstream closed the connection".to_owned(),
        };
        if self.heard {
            Failure::Final(CallError::new(Reason::Upstream, format!("{how}, before the head of its answer was whole")))
        } else {
            Failure::Silent(format!("{how}, without an answer"))
        }
    }
}

fn bad(error: head::BadHead) -> Failure {
    bad_head(&format!("the upstream's answer {error}"))
}

fn bad_head(text: &str) -> Failure {
    Failure::Final(CallError::new(Reason::BadHead, text))
}
