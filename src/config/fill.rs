//! Fills the modules' structs, and the defaults that hang on other settings or on the place.

use std::path::PathBuf;
use std::time::Duration;

use super::kind::Value;
use super::read::{Reader, off_at_zero};
use super::{Host, listen, memory, seconds, value};
use crate::front::{self, Bind};
use crate::invoke::{self, ExitCodes, Leftovers, Mode};
use crate::log::{self, Format};
use crate::app::{self, Restart};

/// The origin of a default that is the same everywhere.
const DEFAULT: &str = "default";

/// What warm modes let wait if nothing else is said.
const QUEUE_OF_WORKERS: usize = 1000;

/// For the front.
pub(super) fn front(reader: &mut Reader<'_>, mode: Mode, host: &Host) -> front::Config {
    let addresses = listen::listen(reader);
    let metrics = listen::metrics(reader, &addresses);
    listen::check_reserved(reader, &addresses, metrics);
    front::Config {
        listen: addresses,
        bind: if reader.word("bind") == "early" { Bind::Early } else { Bind::Late },
        metrics,
        read_timeout: reader.timeout("read_timeout"),
        write_timeout: reader.timeout("write_timeout"),
        idle_timeout: reader.timeout("idle_timeout"),
        exec_timeout: exec_timeout(reader, mode),
        max_inflight: reader.limit("max_inflight"),
        queue_depth: queue_depth(reader, mode),
        queue_timeout: reader.timeout("queue_timeout"),
        max_connections: max_connections(reader, host),
        max_body: body_limit(reader, "max_body", mode, host),
        health_paths: health_paths(reader, mode),
        ready_path: reader.text("ready_path"),
        access_log: reader.flag("access_log"),
        log_callid: reader.flag("log_callid"),
        debug_headers: reader.flag("debug_headers"),
        timeout_is_408: mode == Mode::Classic,
    }
}

/// For the invoker.
pub(super) fn invoke(reader: &mut Reader<'_>, mode: Mode, command: Vec<String>, host: &Host) -> invoke::Config {
    invoke::Config {
        mode,
        command,
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
    }
}

/// For the log.
pub(super) fn log(reader: &Reader<'_>) -> log::Config {
    log::Config {
        format: if reader.word("log_format") == "json" { Format::Json } else { Format::Text },
        level: level(reader.word("log_level")),
        prefix: reader.flag("prefix_logs"),
        line_limit: reader.limit("log_buffer_size"),
    }
}

/// For the instance as a whole.
pub(super) fn app(reader: &mut Reader<'_>, front: &front::Config) -> app::Config {
    app::Config {
        threads: reader.count("threads"),
        shutdown_delay: shutdown_delay(reader),
        drain_timeout: drain_timeout(reader, front),
        lock_file: lock_file(reader),
        start_timeout: reader.duration("start_timeout"),
        restart: if reader.word("restart") == "never" { Restart::Never } else { Restart::Always },
        function_name: function_name(reader),
    }
}

/// Settings of the peers that heeler must not pass over in silence.
pub(super) fn check_peers(reader: &mut Reader<'_>) {
    if reader.flag("jwt_auth") {
        let text = "\"true\" asks for a check of callers that heeler does not make (put one in front of the function, \
                    then set jwt_auth=false)";
        reader.mistake("jwt_auth", text.to_owned());
    }
}

fn exec_timeout(reader: &mut Reader<'_>, mode: Mode) -> Option<Duration> {
    let (default, why) = match mode {
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

/// `max_body` or `max_output`: 0 is no limit.
fn body_limit(reader: &mut Reader<'_>, name: &'static str, mode: Mode, host: &Host) -> Option<u64> {
    let held = memory::body(host.memory_limit);
    let (default, why) = match mode.holds_bodies() {
        false => (0, "default in modes that stream".to_owned()),
        true if held == memory::body(None) => (held, "default in modes that hold bodies in memory".to_owned()),
        true => (held, quarter_of(host.memory_limit)),
    };
    Some(reader.size_or(name, default, &why)).filter(|bytes| *bytes > 0)
}

fn quarter_of(limit: Option<u64>) -> String {
    format!("a quarter of the memory limit of {}", value::show_size(limit.unwrap_or(0)))
}

fn health_paths(reader: &mut Reader<'_>, mode: Mode) -> bool {
    let default = !matches!(mode, Mode::Http | Mode::Static);
    reader.flag_or("health_paths", default, DEFAULT)
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

fn level(word: &str) -> tracing::Level {
    match word {
        "error" => tracing::Level::ERROR,
        "warn" => tracing::Level::WARN,
        "debug" => tracing::Level::DEBUG,
        "trace" => tracing::Level::TRACE,
        _ => tracing::Level::INFO,
    }
}

/// Under Knative TERM comes after queue-proxy's own drain; in plain Kubernetes it comes while
/// calls are still being sent here.
fn shutdown_delay(reader: &mut Reader<'_>) -> Duration {
    let (default, why) = if reader.platform("K_SERVICE").is_some() {
        (Duration::ZERO, "default under Knative")
    } else if reader.platform("KUBERNETES_SERVICE_HOST").is_some() {
        (seconds(5), "default under Kubernetes")
    } else {
        (Duration::ZERO, DEFAULT)
    };
    reader.duration_or("shutdown_delay", default, why)
}

fn drain_timeout(reader: &mut Reader<'_>, front: &front::Config) -> Option<Duration> {
    let (default, why) = match front.exec_timeout {
        None => (Duration::ZERO, "no limit, since exec_timeout is 0"),
        Some(exec) => {
            let write = front.write_timeout.unwrap_or_default();
            (exec.max(write).max(seconds(30)), "the longest of exec_timeout, write_timeout and 30s")
        }
    };
    off_at_zero(reader.duration_or("drain_timeout", default, why))
}

/// Where pid and address are written; `None` is off.
pub(super) fn lock_file(reader: &mut Reader<'_>) -> Option<PathBuf> {
    let folder = reader.platform("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
    let default = PathBuf::from(folder).join(".lock");
    let path = reader.text_or("lock_file", &default.to_string_lossy(), DEFAULT);
    if reader.flag("suppress_lock") {
        reader.resolve("lock_file", "-".to_owned(), "suppress_lock is set".to_owned());
        return None;
    }
    Some(path.into())
}

fn function_name(reader: &mut Reader<'_>) -> String {
    let names = ["K_SERVICE", "OPENFAAS_NAME", "FUNCTION_NAME"];
    names.into_iter().find_map(|name| reader.platform(name)).unwrap_or_else(|| "function".to_owned())
}
