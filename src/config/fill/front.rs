//! For the front.

use std::time::Duration;

use super::events::{events, sink};
use super::{DEFAULT, body_limit, quarter_of};
use crate::config::read::{Reader, off_at_zero};
use crate::config::{Host, listen, memory, seconds, upstream};
use crate::front::{Bind, Config};
use crate::invoke::Mode;

/// What warm modes let wait if nothing else is said.
const QUEUE_OF_WORKERS: usize = 1000;

/// The settings of the front.
pub(in crate::config) fn front(reader: &mut Reader<'_>, mode: Mode, host: &Host) -> Config {
    let addresses = listen::listen(reader);
    if let Some(upstream) = upstream::address(reader) {
        upstream::check_own(reader, &upstream, &addresses);
    }
    let metrics = listen::metrics(reader, &addresses);
    listen::check_reserved(reader, &addresses, metrics);
    let max_body = body_limit(reader, "max_body", mode, host);
    let exec_timeout = exec_timeout(reader, mode);
    Config {
        listen: addresses,
        bind: if reader.word("bind") == "early" { Bind::Early } else { Bind::Late },
        metrics,
        read_timeout: reader.timeout("read_timeout"),
        write_timeout: reader.timeout("write_timeout"),
        idle_timeout: reader.timeout("idle_timeout"),
        exec_timeout,
        stream_timeout: reader.timeout("stream_timeout"),
        max_inflight: reader.limit("max_inflight"),
        queue_depth: queue_depth(reader, mode),
        queue_timeout: reader.timeout("queue_timeout"),
        max_connections: max_connections(reader, host),
        max_body,
        health_paths: health_paths(reader, mode),
        ready_path: ready_path(reader, mode),
        events: events(reader, mode, max_body.unwrap_or(memory::body(host.memory_limit)), exec_timeout),
        sink: sink(reader),
        access_log: reader.flag("access_log"),
        log_callid: reader.flag("log_callid"),
        debug_headers: reader.flag("debug_headers"),
        timeout_is_408: mode == Mode::Classic,
    }
}

/// A file has no deadline, as in of-watchdog: how long it takes is the client's doing, and `write_timeout` is for
/// clients that take nothing at all.
fn exec_timeout(reader: &mut Reader<'_>, mode: Mode) -> Option<Duration> {
    let (default, why) = match mode {
        Mode::Static => {
            reader.resolve("exec_timeout", "0s".to_owned(), "static mode has no deadline".to_owned());
            return None;
        }
        Mode::Classic => (Duration::ZERO, "default in classic mode"),
        _ => (seconds(30), DEFAULT),
    };
    off_at_zero(reader.duration_or("exec_timeout", default, why))
}

fn queue_depth(reader: &mut Reader<'_>, mode: Mode) -> usize {
    let has_workers = matches!(mode, Mode::Warm | Mode::Lambda);
    let (default, why) = match reader.limit("max_inflight") {
        None if has_workers => (QUEUE_OF_WORKERS, "default in modes with workers"),
        Some(_) if has_workers => (0, "default beside max_inflight"),
        _ => (0, DEFAULT),
    };
    reader.count_or("queue_depth", default, why)
}

fn max_connections(reader: &mut Reader<'_>, host: &Host) -> usize {
    let default = memory::connections(host.memory_limit);
    let why = if default == memory::connections(None) { DEFAULT.to_owned() } else { quarter_of(host.memory_limit) };
    reader.count_or("max_connections", default, &why)
}

/// There is nobody to ask in static mode.
fn ready_path(reader: &mut Reader<'_>, mode: Mode) -> Option<String> {
    if mode == Mode::Static {
        reader.resolve("ready_path", "-".to_owned(), "static mode has no handler".to_owned());
        return None;
    }
    reader.text("ready_path")
}

fn health_paths(reader: &mut Reader<'_>, mode: Mode) -> bool {
    let default = !matches!(mode, Mode::Http | Mode::Static);
    reader.flag_or("health_paths", default, DEFAULT)
}
