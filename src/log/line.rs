//! How lines look: pure functions from values to bytes. Each gives one line with its line feed.

use std::fmt::{self, Display};
use std::io::Write as _;

use tracing::Level;
use tracing::field::{Field, Visit};

use super::time::Utc;
use super::{Format, Stream};

/// Marks a line of which the end is missing.
const CUT: &[u8] = " …[cut]".as_bytes();

/// A line of the handler, in the look of of-watchdog or as it came, or as an object.
#[derive(Debug)]
pub(super) struct HandlerLine<'a> {
    pub(super) time: Utc,
    pub(super) level: Level,
    pub(super) stream: Stream,
    pub(super) call_id: Option<&'a str>,
    pub(super) bytes: &'a [u8],
    pub(super) cut: bool,
}

impl HandlerLine<'_> {
    /// `2026/11/21 10:00:00 stderr: [id] text`, or the bytes alone.
    pub(super) fn text(&self, prefix: bool) -> Vec<u8> {
        let mut line = Vec::with_capacity(self.bytes.len() + 80);
        if prefix {
            put(&mut line, format_args!("{} {}: ", self.time.go(), self.stream.word()));
            if let Some(id) = self.call_id {
                put(&mut line, format_args!("[{}] ", Visible(id)));
            }
        }
        line.extend_from_slice(self.bytes);
        if self.cut {
            line.extend_from_slice(CUT);
        }
        line.push(b'\n');
        line
    }

    pub(super) fn json(&self) -> Vec<u8> {
        let mut object = Object::open(self.time, self.level, self.bytes.len());
        object.string("msg", &String::from_utf8_lossy(self.bytes));
        object.string("stream", self.stream.word());
        if let Some(id) = self.call_id {
            object.string("call_id", id);
        }
        if self.cut {
            object.literal("cut", true);
        }
        object.close()
    }
}

/// A line of heeler's own: filled by an event's fields, in the order they come.
pub(super) struct OwnLine(Fields);

enum Fields {
    /// The message stands before the fields, whichever comes first.
    Text {
        head: Vec<u8>,
        fields: Vec<u8>,
    },
    Json(Object),
}

impl OwnLine {
    pub(super) fn new(format: Format, time: Utc, level: Level) -> OwnLine {
        OwnLine(match format {
            Format::Text => {
                let mut head = Vec::with_capacity(128);
                put(&mut head, format_args!("{time} {}", level_word(level)));
                Fields::Text { head, fields: Vec::new() }
            }
            Format::Json => Fields::Json(Object::open(time, level, 128)),
        })
    }

    pub(super) fn message(&mut self, message: &str) {
        match &mut self.0 {
            Fields::Text { head, .. } => put(head, format_args!(" {}", Visible(message))),
            Fields::Json(object) => object.string("msg", message),
        }
    }

    pub(super) fn string(&mut self, key: &str, value: &str) {
        match &mut self.0 {
            Fields::Text { fields, .. } if is_plain(value) => put(fields, format_args!(" {key}={value}")),
            Fields::Text { fields, .. } => put(fields, format_args!(" {key}={value:?}")),
            Fields::Json(object) => object.string(key, value),
        }
    }

    /// A number or a truth value, which look the same in JSON and in text.
    pub(super) fn literal(&mut self, key: &str, value: impl Display) {
        match &mut self.0 {
            Fields::Text { fields, .. } => put(fields, format_args!(" {key}={value}")),
            Fields::Json(object) => object.literal(key, value),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self.0 {
            Fields::Text { mut head, fields } => {
                head.extend_from_slice(&fields);
                head.push(b'\n');
                head
            }
            Fields::Json(object) => object.close(),
        }
    }
}

impl Visit for OwnLine {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.message(&value),
            key => self.string(key, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message(value),
            key => self.string(key, value),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.literal(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.literal(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.literal(field.name(), value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no number for the others.
        match value.is_finite() {
            true => self.literal(field.name(), value),
            false => self.string(field.name(), &value.to_string()),
        }
    }
}

/// A flat JSON object on one line.
pub(super) struct Object(Vec<u8>);

impl Object {
    /// Begins with the keys that every line has.
    pub(super) fn open(time: Utc, level: Level, room: usize) -> Object {
        let mut object = Vec::with_capacity(room + 160);
        put(&mut object, format_args!("{{\"time\":\"{time}\",\"level\":\"{}\"", level_word(level)));
        Object(object)
    }

    pub(super) fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        self.escaped(value);
    }

    pub(super) fn literal(&mut self, key: &str, value: impl Display) {
        self.key(key);
        put(&mut self.0, format_args!("{value}"));
    }

    pub(super) fn close(mut self) -> Vec<u8> {
        self.0.extend_from_slice(b"}\n");
        self.0
    }

    fn key(&mut self, key: &str) {
        self.0.push(b',');
        self.escaped(key);
        self.0.push(b':');
    }

    fn escaped(&mut self, text: &str) {
        serde_json::to_writer(&mut self.0, text).expect("a str into a Vec cannot fail");
    }
}

/// Text that cannot break or recolour a line: control characters are shown escaped.
pub(super) struct Visible<'a>(pub(super) &'a str);

impl Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, control)) = rest.char_indices().find(|(_, c)| c.is_control()) {
            write!(f, "{}{}", &rest[..at], control.escape_default())?;
            rest = &rest[at + control.len_utf8()..];
        }
        f.write_str(rest)
    }
}

pub(super) fn put(line: &mut Vec<u8>, what: fmt::Arguments<'_>) {
    // A Vec takes all; what can fail is a value's own Display, and then the line is short.
    let _ = line.write_fmt(what);
}

pub(super) fn level_word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// Whether `key=value` can be read back without quotes.
fn is_plain(value: &str) -> bool {
    !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '\\'))
}
