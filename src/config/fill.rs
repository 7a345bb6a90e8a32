//! Fills the modules' structs, and the defaults that hang on other settings or on the place.

use std::path::PathBuf;
use std::time::Duration;

use super::kind::Value;
use super::read::{Reader, off_at_zero};
use super::{Host, listen, memory, seconds, value};
use crate::app;
use crate::front::{self, Address, Bind};
use crate::invoke::{self, ExitCodes, Leftovers, Mode, Restart, files, upstream};
use crate::log::{self, Format};

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
        stream_timeout: reader.timeout("stream_timeout"),
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
pub(super) fn invoke(
    reader: &mut Reader<'_>,
    mode: Mode,
    command: Vec<String>,
    front: &front::Config,
    host: &Host,
) -> invoke::Config {
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
        upstream: upstream(reader, front),
        files: files::Config {
            root: reader.text_or("static_path", "/home/app/public", DEFAULT).into(),
            listing: reader.flag("static_listing"),
        },
    }
}

/// For http mode.
fn upstream(reader: &Reader<'_>, front: &front::Config) -> upstream::Config {
    upstream::Config {
        address: upstream::Address::Free,
        protocol: match reader.word("upstream_protocol") {
            "http1" => upstream::Protocol::Http1,
            "h2c" => upstream::Protocol::H2c,
            _ => upstream::Protocol::Auto,
        },
        buffer_body: reader.flag("http_buffer_req_body"),
        kill_on_timeout: reader.flag("kill_on_timeout"),
        outer_port: front.listen.iter().find_map(tcp_port),
        taken_ports: Vec::new(),
        start_timeout: reader.duration("start_timeout"),
        restart: if reader.word("restart") == "never" { Restart::Never } else { Restart::Always },
        ready_path: front.ready_path.clone(),
        queue_timeout: front.queue_timeout,
    }
}

fn tcp_port(address: &Address) -> Option<u16> {
    match address {
        Address::Tcp { port, .. } => Some(*port),
        Address::Unix(_) => None,
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
    // One JSON object needs the whole body in any mode.
    let marshalled = name == "max_body" && reader.flag("marshal_request");
    let (default, why) = match mode.holds_bodies() || marshalled {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, Vars};
    use crate::front::MetricsPort;

    const MI: u64 = 1 << 20;

    fn settings_at(vars: &[(&str, &str)], memory_limit: Option<u64>) -> Settings {
        let vars: Vars = [("fprocess", "cat")].iter().chain(vars).copied().collect();
        let host = Host { memory_limit, own_program: None };
        Settings::from_vars(&[], &vars, &host).unwrap().0
    }

    fn settings(vars: &[(&str, &str)]) -> Settings {
        settings_at(vars, None)
    }

    #[test]
    fn defaults_of_streaming() {
        let Settings { front, invoke, log, app, mode_reason, warnings } = settings(&[]);
        assert_eq!(front.listen, [Address::Tcp { host: None, port: 8080 }]);
        assert_eq!(front.bind, Bind::Late);
        assert_eq!(front.metrics, Some(MetricsPort { port: 8081, by_hand: false }));
        assert_eq!((front.read_timeout, front.write_timeout), (Some(seconds(30)), Some(seconds(30))));
        assert_eq!((front.idle_timeout, front.exec_timeout), (Some(seconds(120)), Some(seconds(30))));
        assert_eq!((front.max_inflight, front.queue_depth, front.queue_timeout), (None, 0, None));
        assert_eq!((front.max_connections, front.max_body), (10_000, None));
        assert_eq!((front.health_paths, front.ready_path, front.timeout_is_408), (true, None, false));
        assert_eq!((front.access_log, front.log_callid, front.debug_headers), (true, true, false));
        assert_eq!((invoke.mode, invoke.command), (Mode::Streaming, vec!["cat".to_owned()]));
        assert_eq!(invoke.content_type.as_deref(), Some("application/octet-stream"));
        assert_eq!((invoke.cgi_headers, invoke.combine_output, invoke.marshal_request), (true, false, false));
        assert_eq!((invoke.stream_hold, invoke.max_output), (Duration::from_millis(20), None));
        assert_eq!((invoke.leftovers, invoke.kill_grace), (Leftovers::Kill, seconds(2)));
        assert_eq!((log.format, log.level), (Format::Text, tracing::Level::INFO));
        assert_eq!((log.prefix, log.line_limit), (true, Some(65536)));
        assert_eq!((app.threads, app.shutdown_delay, app.drain_timeout), (1, Duration::ZERO, Some(seconds(30))));
        assert_eq!(app.start_timeout, seconds(60));
        assert_eq!((app.lock_file, app.function_name.as_str()), (Some("/tmp/.lock".into()), "function"));
        assert_eq!((mode_reason.as_str(), warnings), ("default", vec![]));
    }

    #[test]
    fn classic_mode_has_defaults_of_its_own() {
        let Settings { front, invoke, app, .. } = settings(&[("mode", "classic")]);
        assert_eq!((front.exec_timeout, front.timeout_is_408), (None, true));
        assert_eq!((invoke.combine_output, invoke.content_type), (true, None));
        assert_eq!((front.max_body, invoke.max_output), (Some(128 * MI), Some(128 * MI)));
        assert_eq!(app.drain_timeout, None);
        let by_hand = settings(&[("mode", "classic"), ("combine_output", "false"), ("exec_timeout", "5")]);
        assert_eq!((by_hand.front.exec_timeout, by_hand.invoke.combine_output), (Some(seconds(5)), false));
    }

    #[test]
    fn every_fork_setting_arrives() {
        let Settings { front, invoke, log, .. } = settings(&[
            ("bind", "early"),
            ("content_type", "text/plain"),
            ("cgi_headers", "no"),
            ("marshal_request", "yes"),
            ("write_debug", "1"),
            ("debug_headers", "1"),
            ("stream_hold", "0"),
            ("exit_codes", "3:422"),
            ("leftovers", "keep"),
            ("ready_path", "/up"),
            ("health_paths", "off"),
            ("log_format", "json"),
            ("log_level", "debug"),
            ("log_buffer_size", "-1"),
            ("max_inflight", "-1"),
            ("queue_depth", "7"),
            ("max_output", "10Mi"),
        ]);
        assert_eq!((front.bind, front.ready_path.as_deref(), front.health_paths), (Bind::Early, Some("/up"), false));
        assert_eq!((front.max_inflight, front.queue_depth, front.debug_headers), (None, 7, true));
        assert_eq!(invoke.content_type.as_deref(), Some("text/plain"));
        assert_eq!((invoke.cgi_headers, invoke.marshal_request, invoke.write_debug), (false, true, true));
        assert_eq!((invoke.stream_hold, invoke.exit_codes.status(3)), (Duration::ZERO, Some(422)));
        assert_eq!((invoke.leftovers, invoke.max_output), (Leftovers::Keep, Some(10 * MI)));
        assert_eq!((log.format, log.level, log.line_limit), (Format::Json, tracing::Level::DEBUG, None));
    }

    #[test]
    fn limits_follow_the_memory() {
        let at = |mode, limit| {
            let Settings { front, invoke, .. } = settings_at(&[("mode", mode)], limit);
            (front.max_connections, front.max_body, invoke.max_output)
        };
        assert_eq!(at("cgi", Some(64 * MI)), (819, Some(16 * MI), Some(16 * MI)));
        assert_eq!(at("serializing", None), (10_000, Some(128 * MI), Some(128 * MI)));
        assert_eq!(at("streaming", Some(64 * MI)), (819, None, None));
        assert_eq!(settings(&[("mode", "cgi"), ("max_body", "0")]).front.max_body, None);
    }

    #[test]
    fn the_place_decides_how_long_to_wait_after_term() {
        let delay = |vars: &[(&str, &str)]| settings(vars).app.shutdown_delay.as_secs();
        assert_eq!(delay(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]), 5);
        assert_eq!(delay(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("K_SERVICE", "f")]), 0);
        assert_eq!(delay(&[("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("healthcheck_interval", "7")]), 7);
        assert_eq!(delay(&[("K_SERVICE", "f"), ("shutdown_delay", "3")]), 3);
    }

    #[test]
    fn the_drain_outlasts_the_longest_call() {
        let drain = |vars: &[(&str, &str)]| settings(vars).app.drain_timeout;
        assert_eq!(drain(&[("exec_timeout", "5m")]), Some(seconds(300)));
        assert_eq!(drain(&[("exec_timeout", "1"), ("write_timeout", "40s")]), Some(seconds(40)));
        assert_eq!(drain(&[("exec_timeout", "0")]), None);
        assert_eq!(drain(&[("exec_timeout", "0"), ("drain_timeout", "9")]), Some(seconds(9)));
    }

    #[test]
    fn names_of_the_platform() {
        let name = |vars: &[(&str, &str)]| settings(vars).app.function_name;
        assert_eq!(name(&[("FUNCTION_NAME", "c"), ("OPENFAAS_NAME", "b"), ("K_SERVICE", "a")]), "a");
        assert_eq!(name(&[("FUNCTION_NAME", "c"), ("OPENFAAS_NAME", "b")]), "b");
        assert_eq!(name(&[("FUNCTION_NAME", "c")]), "c");
        let lock = |vars: &[(&str, &str)]| settings(vars).app.lock_file;
        assert_eq!(lock(&[("TMPDIR", "/var/tmp")]), Some("/var/tmp/.lock".into()));
        assert_eq!(lock(&[("lock_file", "/run/l"), ("TMPDIR", "/t")]), Some("/run/l".into()));
        assert_eq!(lock(&[("suppress_lock", "true")]), None);
    }
}
