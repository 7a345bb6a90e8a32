//! heeler's own lines and the handler's lines, as text or JSON, through one bounded writer.

use std::sync::Arc;

/// Text or JSON lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// of-watchdog's look.
    Text,
    /// One object a line: time, level, msg, stream, call_id.
    Json,
}

/// Settings of the log.
#[derive(Clone, Debug)]
pub struct Config {
    /// Text or JSON.
    pub format: Format,
    /// Own lines above this are dropped.
    pub level: tracing::Level,
    /// Whether the handler's lines carry date, time and stream (text format).
    pub prefix: bool,
    /// Longest line of a handler in bytes; `None` is no limit.
    pub line_limit: Option<usize>,
}

/// Which stream of the handler a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The handler's standard output.
    Stdout,
    /// The handler's standard error.
    Stderr,
}

/// Where the handler's lines go; cheap to clone.
#[derive(Clone, Debug)]
pub struct HandlerLog {
    _inner: Arc<()>,
}

impl HandlerLog {
    /// Writes one line (without its line feed). `cut` marks a line that was longer than the limit.
    /// Waits while the writer is behind: that is what pushes back on the handler's pipe.
    pub async fn line(&self, _stream: Stream, _call_id: Option<&str>, _line: &[u8], _cut: bool) {}

    /// Longest line in bytes before it is cut.
    pub fn line_limit(&self) -> Option<usize> {
        None
    }
}
