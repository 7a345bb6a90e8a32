//! For the invoker.

use super::{DEFAULT, body_limit, warm};
use crate::config::kind::Value;
use crate::config::read::Reader;
use crate::config::{Host, listen, place, upstream as address};
use crate::front;
use crate::invoke::files::Config as Files;
use crate::invoke::upstream::{Address, Config as Upstream, Protocol};
use crate::invoke::warm::Source;
use crate::invoke::{Config, ExitCodes, Leftovers, Mode, Restart};

/// What handles the calls.
pub(in crate::config) struct Handler {
    pub(in crate::config) command: Vec<String>,
    /// The function's file, where there is no command.
    pub(in crate::config) source: Option<Source>,
}

/// The settings of the invoker.
pub(in crate::config) fn invoke(
    reader: &mut Reader<'_>,
    mode: Mode,
    handler: Handler,
    front: &front::Config,
    host: &Host,
) -> Config {
    Config {
        mode,
        command: handler.command,
        content_type: content_type(reader, mode),
        cgi_headers: reader.flag("cgi_headers"),
        combine_output: combine_output(reader, mode),
        marshal_request: reader.flag("marshal_request"),
        write_debug: reader.flag("write_debug"),
        debug_headers: reader.flag("debug_headers"),
        stream_hold: reader.duration("stream_hold"),
        exit_codes: exit_codes(reader),
        max_output: body_limit(reader, "max_output", mode, host),
        leftovers: if reader.word("leftovers") == "keep" { Leftovers::Keep } else { Leftovers::Kill },
        kill_grace: reader.duration("kill_grace"),
        upstream: upstream(reader, front),
        warm: warm::warm(reader, handler.source, front, host),
        files: files(reader, mode),
    }
}

/// For http mode.
fn upstream(reader: &Reader<'_>, front: &front::Config) -> Upstream {
    Upstream {
        address: address::address(reader).unwrap_or(Address::Free),
        protocol: match reader.word("upstream_protocol") {
            "http1" => Protocol::Http1,
            "h2c" => Protocol::H2c,
            _ => Protocol::Auto,
        },
        buffer_body: reader.flag("http_buffer_req_body"),
        kill_on_timeout: reader.flag("kill_on_timeout"),
        outer_port: own_ports(front).next(),
        taken_ports: taken_ports(front),
        start_timeout: reader.duration("start_timeout"),
        restart: restart(reader),
        ready_path: front.ready_path.clone(),
        queue_timeout: front.queue_timeout,
    }
}

pub(super) fn restart(reader: &Reader<'_>) -> Restart {
    if reader.word("restart") == "never" { Restart::Never } else { Restart::Always }
}

/// The ports of calls. Those that the kernel is still to choose are bound before the upstream starts.
fn own_ports(front: &front::Config) -> impl Iterator<Item = u16> {
    front.listen.iter().filter_map(listen::tcp_port).filter(|port| *port != 0)
}

/// What a free port must not be. Knative's are left out everywhere: an image is tried elsewhere first.
fn taken_ports(front: &front::Config) -> Vec<u16> {
    own_ports(front).chain(front.metrics.map(|metrics| metrics.port)).chain(listen::RESERVED).collect()
}

/// For static mode.
fn files(reader: &mut Reader<'_>, mode: Mode) -> Files {
    let root = reader.text_or("static_path", "/home/app/public", DEFAULT);
    if mode == Mode::Static {
        check_root(reader, &root);
    }
    Files { root: root.into(), listing: reader.flag("static_listing") }
}

/// A folder that is not there would be 404 for ever. of-watchdog refuses the empty path only.
fn check_root(reader: &mut Reader<'_>, root: &str) {
    let text = if reader.is_blank("static_path") {
        "is empty (set it to the folder that is served, or leave it unset)".to_owned()
    } else if let Err(trouble) = place::folder(root.as_ref()) {
        format!("{root:?} {trouble}")
    } else {
        return;
    };
    reader.mistake("static_path", text);
}

fn content_type(reader: &mut Reader<'_>, mode: Mode) -> Option<String> {
    let default = "application/octet-stream";
    match mode {
        Mode::Streaming | Mode::Serializing => Some(reader.text_or("content_type", default, DEFAULT)),
        _ => {
            reader.resolve_default("content_type", "-".to_owned(), format!("default in {} mode", mode.name()));
            reader.text("content_type")
        }
    }
}

fn combine_output(reader: &mut Reader<'_>, mode: Mode) -> bool {
    match mode {
        Mode::Classic => reader.flag_or("combine_output", true, "default in classic mode"),
        _ => reader.flag_or("combine_output", false, DEFAULT),
    }
}

fn exit_codes(reader: &Reader<'_>) -> ExitCodes {
    match reader.given("exit_codes") {
        Some(Value::ExitCodes(codes, _)) => codes.clone(),
        _ => ExitCodes::default(),
    }
}
