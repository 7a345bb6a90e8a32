//! Fills the modules' structs, and the defaults that hang on other settings or on the place.

mod app;
mod events;
mod front;
mod invoke;
#[cfg(test)]
mod tests;
mod warm;

pub(super) use app::{app, lock_file, log};
pub(super) use front::front;
pub(super) use invoke::{Handler, invoke};

use super::read::Reader;
use super::{Host, memory, value};
use crate::invoke::Mode;

/// The origin of a default that is the same everywhere.
const DEFAULT: &str = "default";

/// Settings of the peers that heeler must not pass over in silence.
pub(super) fn check_peers(reader: &mut Reader<'_>) {
    if reader.flag("jwt_auth") {
        let text = "\"true\" asks for a check of callers that heeler does not make (put one in front of the function, \
                    then set jwt_auth=false)";
        reader.mistake("jwt_auth", text.to_owned());
    }
}

/// `max_body` or `max_output`: 0 is no limit.
fn body_limit(reader: &mut Reader<'_>, name: &'static str, mode: Mode, host: &Host) -> Option<u64> {
    let held = memory::body(host.memory_limit);
    let (default, why) = match why_held(reader, name, mode) {
        None => (0, "default where bodies stream".to_owned()),
        Some(why) if held == memory::body(None) => (held, why.to_owned()),
        Some(_) => (held, quarter_of(host.memory_limit)),
    };
    Some(reader.size_or(name, default, &why)).filter(|bytes| *bytes > 0)
}

/// Why whole bodies are held in memory, if they are.
fn why_held(reader: &Reader<'_>, name: &str, mode: Mode) -> Option<&'static str> {
    let is_request = name == "max_body";
    match mode {
        Mode::Serializing | Mode::Classic | Mode::Cgi => Some("default in modes that hold bodies in memory"),
        // One JSON object needs the whole body.
        Mode::Streaming if is_request && reader.flag("marshal_request") => Some("default beside marshal_request"),
        Mode::Http if is_request && reader.flag("http_buffer_req_body") => Some("default beside http_buffer_req_body"),
        _ => None,
    }
}

fn quarter_of(limit: Option<u64>) -> String {
    format!("a quarter of the memory limit of {}", value::show_size(limit.unwrap_or(0)))
}
