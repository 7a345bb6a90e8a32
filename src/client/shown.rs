//! The answer as people and pipes see it: its head on stderr, its body on stdout; an event's attributes are part of
//! the head, its data is the body.

use std::io::{self, IsTerminal, Write};

use bytes::Bytes;
use hyper::body::Frame;
use hyper::{HeaderMap, StatusCode};

use super::returned::{self, Returned};

/// The status line and the headers, as they came.
pub(super) fn head(status: StatusCode, headers: &HeaderMap) {
    let mut text = format!("HTTP/1.1 {} {}", status.as_u16(), status.canonical_reason().unwrap_or_default());
    text.truncate(text.trim_end().len());
    text.push('\n');
    tell(text.into_bytes(), headers);
}

fn tell(mut text: Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\n"] {
            text.extend_from_slice(part);
        }
    }
    say(&text);
}

fn say(text: &[u8]) {
    // Nobody reads it: then nothing is lost.
    let _ = io::stderr().write_all(text);
}

/// An answer's body on its way out.
pub(super) struct Shown {
    /// What the body is to be taken for, once it is whole.
    form: Option<returned::Form>,
    held: Vec<u8>,
    /// The last byte that went out.
    last: u8,
}

impl Shown {
    pub(super) fn new(headers: &HeaderMap) -> Shown {
        let form = returned::form(headers);
        if form.is_none()
            && let Some(event) = returned::binary(headers)
        {
            attributes(&event);
        }
        Shown { form, held: Vec::new(), last: b'\n' }
    }

    pub(super) fn frame(&mut self, frame: Frame<Bytes>) -> Result<(), String> {
        match (frame.into_data(), self.form) {
            (Ok(data), None) => self.write(&data),
            (Ok(data), Some(_)) => {
                self.held.extend_from_slice(&data);
                Ok(())
            }
            (Err(frame), _) => {
                tell(Vec::new(), frame.trailers_ref().unwrap_or(&HeaderMap::new()));
                Ok(())
            }
        }
    }

    /// All of the answer is there.
    pub(super) fn end(mut self) -> Result<(), String> {
        if let Some(form) = self.form {
            let held = std::mem::take(&mut self.held);
            match returned::events(form, &held) {
                Ok(events) => self.events(&events, form)?,
                Err(error) => {
                    super::say(&format!("the answer is no {form}: {error}"));
                    self.write(&held)?;
                }
            }
        }
        // A prompt should not stand behind the answer.
        if self.last != b'\n' && io::stdout().is_terminal() { self.write(b"\n") } else { Ok(()) }
    }

    fn events(&mut self, events: &[Returned], form: returned::Form) -> Result<(), String> {
        for event in events {
            attributes(event);
            self.write(&event.data)?;
            // One line each, so that they can be told apart.
            if form == returned::Form::Batch && !event.data.ends_with(b"\n") {
                self.write(b"\n")?;
            }
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let Some(last) = bytes.last() else { return Ok(()) };
        self.last = *last;
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            // `heeler invoke | head` has seen enough; the status still counts.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write the answer: {error}")),
            _ => Ok(()),
        }
    }
}

fn attributes(event: &Returned) {
    let lines: String = event.attributes.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    say(format!("\n{lines}").as_bytes());
}
