//! What the invokers need to know; filled by `config`.

use std::time::Duration;

use super::{files, upstream, warm};
use crate::process::Leftovers;

/// How a call reaches the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A process per call, bodies both ways as they come.
    Streaming,
    /// A process per call, whole bodies in memory.
    Serializing,
    /// As serializing, with classic-watchdog's statuses and merged output.
    Classic,
    /// RFC 3875: meta-variables in, a header block and a body out.
    Cgi,
    /// A warm server behind HTTP.
    Http,
    /// Worker processes on heeler's own socket protocol.
    Warm,
    /// Workers that pull by the Lambda runtime API.
    Lambda,
    /// A folder of files.
    Static,
}

impl Mode {
    /// Every mode, the ones with a process per call first.
    pub const ALL: [Mode; 8] = [
        Mode::Streaming,
        Mode::Serializing,
        Mode::Classic,
        Mode::Cgi,
        Mode::Http,
        Mode::Warm,
        Mode::Lambda,
        Mode::Static,
    ];

    /// The name, as it is set and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Streaming => "streaming",
            Mode::Serializing => "serializing",
            Mode::Classic => "classic",
            Mode::Cgi => "cgi",
            Mode::Http => "http",
            Mode::Warm => "warm",
            Mode::Lambda => "lambda",
            Mode::Static => "static",
        }
    }

    /// Whether whole bodies are held in memory.
    pub const fn holds_bodies(self) -> bool {
        matches!(self, Mode::Serializing | Mode::Classic | Mode::Cgi)
    }
}

/// `exit_codes`: ranges of exit codes and the status that each becomes, first match wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExitCodes(pub Vec<(std::ops::RangeInclusive<u8>, u16)>);

impl ExitCodes {
    /// The status chosen for an exit code, if any range holds it.
    pub fn status(&self, code: u8) -> Option<u16> {
        self.0.iter().find(|(codes, _)| codes.contains(&code)).map(|(_, status)| *status)
    }
}

/// Settings of the modes that start a process per call.
#[derive(Clone, Debug)]
pub struct Config {
    /// How a call reaches the handler.
    pub mode: Mode,
    /// The command line, already split; never empty in a fork mode.
    pub command: Vec<String>,
    /// Fixed response type; `None` follows the mode's own rule.
    pub content_type: Option<String>,
    /// Whether request data goes into the child's environment.
    pub cgi_headers: bool,
    /// Whether stderr is mixed into the response body.
    pub combine_output: bool,
    /// Whether stdin becomes one JSON object with headers and base64 body.
    pub marshal_request: bool,
    /// Log the child's output and the request's query and path.
    pub write_debug: bool,
    /// Log all request and response headers.
    pub debug_headers: bool,
    /// How long a streaming head waits for the end of a short answer, from its first byte.
    pub stream_hold: Duration,
    /// Exit code → status.
    pub exit_codes: ExitCodes,
    /// Greatest response body in bytes; `None` is no limit.
    pub max_output: Option<u64>,
    /// Fate of processes a call leaves behind.
    pub leftovers: Leftovers,
    /// From TERM to KILL.
    pub kill_grace: Duration,
    /// For warm mode.
    pub warm: warm::Config,
    /// For http mode.
    pub upstream: upstream::Config,
    /// For static mode.
    pub files: files::Config,
}
