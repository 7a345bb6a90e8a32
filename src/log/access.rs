//! One line per call, in the look of of-watchdog.

use std::fmt::{self, Display};
use std::time::Duration;

use hyper::StatusCode;
use tracing::Level;

use super::Format;
use super::line::{Object, Visible, level_word, put};
use super::time::Utc;
use crate::reason::Reason;

/// What the line of a call tells.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// As it came.
    pub method: &'a str,
    /// Path and query as they came.
    pub path: &'a str,
    /// What the caller got; 499 when it went away first.
    pub status: u16,
    /// Bytes of the answer's body that were sent.
    pub bytes: u64,
    /// From the request's head to the end of the answer.
    pub took: Duration,
    /// Shown if given.
    pub call_id: Option<&'a str>,
    /// Why heeler answered itself, if it did.
    pub reason: Option<Reason>,
}

impl Access<'_> {
    pub(super) fn line(&self, format: Format, time: Utc) -> Vec<u8> {
        match format {
            Format::Text => self.text(time),
            Format::Json => self.json(time),
        }
    }

    /// `… POST /path - 200 OK - ContentLength: 5B (0.0012s) [id]`.
    fn text(&self, time: Utc) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.path.len() + 128);
        let (method, path) = (Visible(self.method), Visible(self.path));
        put(&mut line, format_args!("{time} {} {method} {path} - {}", level_word(Level::INFO), self.status));
        if let Some(phrase) = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason()) {
            put(&mut line, format_args!(" {phrase}"));
        }
        let (size, seconds) = (HumanSize(self.bytes), self.took.as_secs_f64());
        put(&mut line, format_args!(" - ContentLength: {size} ({seconds:.4}s)"));
        if let Some(id) = self.call_id {
            put(&mut line, format_args!(" [{}]", Visible(id)));
        }
        if let Some(reason) = self.reason {
            put(&mut line, format_args!(" reason={}", reason.word()));
        }
        line.push(b'\n');
        line
    }

    fn json(&self, time: Utc) -> Vec<u8> {
        let mut object = Object::open(time, Level::INFO, self.path.len() + 128);
        object.string("msg", "call");
        object.string("method", self.method);
        object.string("path", self.path);
        object.literal("status", self.status);
        object.literal("bytes", self.bytes);
        object.literal("duration_seconds", format_args!("{:.6}", self.took.as_secs_f64()));
        if let Some(id) = self.call_id {
            object.string("call_id", id);
        }
        if let Some(reason) = self.reason {
            object.string("reason", reason.word());
        }
        object.close()
    }
}

/// Four significant digits and a decimal unit, as of-watchdog prints sizes: `5B`, `1.049MB`.
struct HumanSize(u64);

impl Display for HumanSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
        let mut size = self.0 as f64;
        let mut unit = 0;
        while size >= 1000.0 {
            size /= 1000.0;
            unit += 1;
        }
        let decimals = match size {
            0.0..10.0 => 3,
            10.0..100.0 => 2,
            _ => 1,
        };
        let digits = format!("{size:.decimals$}");
        write!(f, "{}{}", digits.trim_end_matches('0').trim_end_matches('.'), UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, text) in [
            (0, "0B"),
            (5, "5B"),
            (100, "100B"),
            (999, "999B"),
            (1000, "1kB"),
            (12_345, "12.35kB"),
            (123_456, "123.5kB"),
            (1_048_576, "1.049MB"),
            (1_073_741_824, "1.074GB"),
            (u64::MAX, "18.45EB"),
        ] {
            assert_eq!(HumanSize(bytes).to_string(), text);
        }
    }
}
