//! heeler's own lines and the handler's lines, as text or JSON, through one bounded writer per stream.
//!
//! Own lines and the access line go to stderr, the handler's lines to the stream they came from. A handler's line
//! waits for room, which pushes back on the handler's pipe and on nothing else; an own line never waits,
//! it is dropped and counted. Nothing here is rotated, stored or sent: that is the container runtime's part.

mod access;
mod direct;
mod line;
mod own;
mod queue;
#[cfg(test)]
mod tests;
mod time;

use std::fmt;
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tracing::Level;

use self::line::{HandlerLine, OwnLine};
use self::queue::Queue;
use self::time::Utc;
use crate::metrics::Metrics;

pub use access::Access;
pub use direct::stderr_line;
pub use own::DETAIL;

/// An own line at debug level. For `tracing` it is an info with a target of its own: below info nothing is compiled in
/// (`release_max_level_info`), as what h2 says there of each frame is 70 kB of code.
macro_rules! debug {
    ($($line:tt)+) => { tracing::info!(target: $crate::log::DETAIL, $($line)+) };
}
pub(crate) use debug;

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
    /// Own lines above this are dropped, access lines (`info`) among them.
    pub level: Level,
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

impl Stream {
    fn word(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }
}

/// Where the handler's lines go; cheap to clone.
#[derive(Clone, Debug)]
pub struct HandlerLog {
    inner: Arc<Inner>,
}

/// Empties the log at exit.
#[derive(Clone, Debug)]
pub struct Flush {
    inner: Arc<Inner>,
}

/// What all parts of the log share.
struct Inner {
    format: Format,
    level: Level,
    prefix: bool,
    line_limit: Option<usize>,
    metrics: Metrics,
    stdout: Arc<Queue>,
    stderr: Arc<Queue>,
}

/// The process's log: [`access()`] has no handle to pass about, as the `tracing` macros have none.
static LOG: OnceLock<Arc<Inner>> = OnceLock::new();

/// Takes over the lines of the `tracing` macros and of [`access()`], for the rest of the process.
/// A second start changes nothing for those.
pub fn start(config: Config, metrics: Metrics) -> (HandlerLog, Flush) {
    let log = HandlerLog::new(config, metrics, std::io::stdout(), std::io::stderr());
    let inner = Arc::clone(&log.inner);
    if LOG.set(Arc::clone(&inner)).is_ok() {
        // Fails only if a test has put its own subscriber there first.
        let _ = tracing::subscriber::set_global_default(own::Own(Arc::clone(&inner)));
    }
    (log, Flush { inner })
}

/// Writes the line of a call that has ended, if the log is started and takes `info`.
pub fn access(call: &Access<'_>) {
    if let Some(log) = LOG.get() {
        log.access(call);
    }
}

impl HandlerLog {
    /// A log to other descriptors than ours, with writers of its own.
    pub fn new(
        config: Config,
        metrics: Metrics,
        stdout: impl AsFd + Send + Sync + 'static,
        stderr: impl AsFd + Send + Sync + 'static,
    ) -> HandlerLog {
        let Config { format, level, prefix, line_limit } = config;
        let (stdout, stderr) = (Queue::new(stdout), Queue::new(stderr));
        HandlerLog { inner: Arc::new(Inner { format, level, prefix, line_limit, metrics, stdout, stderr }) }
    }

    /// Writes one line (without its line feed). `cut` marks a line that was longer than the limit.
    /// Waits while the writer is behind: that is what pushes back on the handler's pipe.
    ///
    /// Its level is `info` on both streams: what a program says on stderr is not always an error.
    pub async fn line(&self, stream: Stream, call_id: Option<&str>, line: &[u8], cut: bool) {
        self.leveled_line(Level::INFO, stream, call_id, line, cut).await;
    }

    /// The same for a line whose level is known. JSON shows it.
    pub async fn leveled_line(&self, level: Level, stream: Stream, call_id: Option<&str>, line: &[u8], cut: bool) {
        if cut {
            self.inner.metrics.log_line_cut();
        }
        let line = HandlerLine { time: Utc::now(), level, stream, call_id, bytes: line, cut };
        let line = match self.inner.format {
            Format::Text => line.text(self.inner.prefix),
            Format::Json => line.json(),
        };
        self.inner.queue(stream).write(&line).await;
    }

    /// Longest line in bytes before it is cut.
    pub fn line_limit(&self) -> Option<usize> {
        self.inner.line_limit
    }
}

impl Flush {
    /// Waits until both streams are written, or for `patience` at most; blocks the thread.
    /// Says whether all was written.
    pub fn flush(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let stdout = self.inner.stdout.flush(deadline);
        self.inner.stderr.flush(deadline) && stdout
    }

    /// Flushes, then writes an error line in the log's format straight to standard error:
    /// Kubernetes shows the last lines of a container that failed.
    pub fn last_words(&self, patience: Duration, message: &str) {
        self.flush(patience);
        let mut line = OwnLine::new(self.inner.format, Utc::now(), Level::ERROR);
        line.message(message);
        direct::give(std::io::stderr().as_fd(), &line.finish());
    }
}

impl Inner {
    fn queue(&self, stream: Stream) -> &Arc<Queue> {
        match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        }
    }

    fn own_line(&self, line: &[u8]) {
        if !self.stderr.try_write(line) {
            self.metrics.log_line_dropped();
        }
    }

    fn access(&self, call: &Access<'_>) {
        if self.level >= Level::INFO {
            self.own_line(&call.line(self.format, Utc::now()));
        }
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("format", &self.format).field("level", &self.level).finish_non_exhaustive()
    }
}
