//! What the environment becomes: defaults of every mode, and settings on their way to their fields.

use std::path::Path;
use std::time::Duration;

use crate::config::{Host, Rejected, Settings, Vars, seconds};
use crate::front::{Address, Bind, MetricsPort};
use crate::invoke::upstream::{Address as UpstreamAddress, Protocol};
use crate::invoke::warm::{Language, Source};
use crate::invoke::{Leftovers, Mode, Restart};
use crate::log::Format;

const MI: u64 = 1 << 20;

fn read(vars: &[(&str, &str)], memory_limit: Option<u64>) -> Result<Settings, Rejected> {
    let host = Host { memory_limit, ..Host::default() };
    Settings::from_vars(&[], &vars.iter().copied().collect(), &host).map(|(settings, _)| settings)
}

fn settings_at(vars: &[(&str, &str)], memory_limit: Option<u64>) -> Settings {
    let all: Vec<_> = [("fprocess", "cat")].iter().chain(vars).copied().collect();
    read(&all, memory_limit).unwrap()
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

#[test]
fn defaults_of_http() {
    let Settings { front, invoke, warnings, .. } = settings(&[("mode", "http")]);
    assert_eq!((front.health_paths, front.max_body, front.exec_timeout), (false, None, Some(seconds(30))));
    assert_eq!((front.stream_timeout, invoke.max_output, invoke.content_type), (None, None, None));
    let upstream = invoke.upstream;
    assert_eq!((upstream.address, upstream.protocol), (UpstreamAddress::Free, Protocol::Auto));
    assert_eq!((upstream.buffer_body, upstream.kill_on_timeout), (false, false));
    assert_eq!((upstream.outer_port, upstream.queue_timeout), (Some(8080), None));
    assert_eq!(upstream.taken_ports, [8080, 8081, 8008, 8012, 8013, 8022, 8112, 9090, 9091]);
    assert_eq!((upstream.start_timeout, upstream.restart), (seconds(60), Restart::Always));
    assert_eq!((upstream.ready_path, warnings), (None, vec![]));
}

#[test]
fn every_setting_of_http_arrives() {
    let Settings { front, invoke, warnings, .. } = settings(&[
        ("mode", "http"),
        ("upstream_url", "http://localhost:3000/base/"),
        ("upstream_protocol", "h2c"),
        ("buffer_http", "true"),
        ("kill_on_timeout", "true"),
        ("listen", "unix:/tmp/a,:0,:7000,:7001"),
        ("metrics_port", "0"),
        ("stream_timeout", "1h"),
        ("queue_timeout", "3"),
        ("start_timeout", "5"),
        ("restart", "never"),
        ("ready_path", "/up"),
    ]);
    let upstream = invoke.upstream;
    let address = UpstreamAddress::Tcp { host: "localhost".to_owned(), port: 3000, base: "/base".to_owned() };
    assert_eq!((upstream.address, upstream.protocol), (address, Protocol::H2c));
    assert_eq!((upstream.buffer_body, upstream.kill_on_timeout), (true, true));
    assert_eq!((upstream.outer_port, upstream.queue_timeout), (Some(7000), Some(seconds(3))));
    assert_eq!(upstream.taken_ports[..3], [7000, 7001, 8008]);
    assert_eq!((upstream.start_timeout, upstream.restart), (seconds(5), Restart::Never));
    assert_eq!((upstream.ready_path.as_deref(), front.stream_timeout), (Some("/up"), Some(seconds(3600))));
    assert_eq!(warnings, []);
}

#[test]
fn http_holds_bodies_only_when_it_is_told_to() {
    let limits = |vars: &[(&str, &str)], memory| {
        let all: Vec<_> = [("mode", "http")].iter().chain(vars).copied().collect();
        let Settings { front, invoke, .. } = settings_at(&all, memory);
        (front.max_body, invoke.max_output)
    };
    let buffered = ("http_buffer_req_body", "true");
    assert_eq!(limits(&[], Some(64 * MI)), (None, None));
    assert_eq!(limits(&[("marshal_request", "true")], None), (None, None));
    assert_eq!(limits(&[buffered], None), (Some(128 * MI), None));
    assert_eq!(limits(&[buffered], Some(64 * MI)), (Some(16 * MI), None));
    assert_eq!(limits(&[buffered, ("max_body", "0")], None), (None, None));
    assert_eq!(limits(&[("max_body", "1Mi")], None), (Some(MI), None));
}

#[test]
fn every_name_of_of_watchdog_is_fine_in_http_mode() {
    let names = [
        ("mode", "http"),
        ("fprocess", "python3 app.py"),
        ("function_process", "python3 app.py"),
        ("port", "8080"),
        ("read_timeout", "5m"),
        ("write_timeout", "300"),
        ("exec_timeout", "5m"),
        ("healthcheck_interval", "5s"),
        ("content_type", "application/json"),
        ("suppress_lock", "false"),
        ("http_upstream_url", "http://127.0.0.1:8082"),
        ("upstream_url", "http://127.0.0.1:8082"),
        ("http_buffer_req_body", "true"),
        ("buffer_http", "true"),
        ("static_path", "/home/app/public"),
        ("max_inflight", "-1"),
        ("ready_path", "/ready"),
        ("prefix_logs", "F"),
        ("log_buffer_size", "-1"),
        ("log_callid", "true"),
        ("log_call_id", "true"),
        ("jwt_auth", "0"),
        ("jwt_auth_debug", "0"),
        ("jwt_auth_local", "0"),
        ("OPENFAAS_NAME", "fn"),
        ("OPENFAAS_NAMESPACE", "ns"),
        ("TMPDIR", "/tmp"),
        ("HTTP_PROXY", "http://proxy:3128"),
    ];
    let settings = read(&names, None).unwrap();
    let warnings: Vec<_> = settings.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "content_type: has no effect in http mode (only in streaming, serializing, classic, cgi)",
            "static_path: has no effect in http mode (only in static)",
        ]
    );
}

#[test]
fn static_mode_needs_a_folder_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let with = |vars: &[(&str, &str)]| {
        let all: Vec<_> = [("mode", "static"), ("static_path", path)].iter().chain(vars).copied().collect();
        read(&all, None).unwrap()
    };
    let Settings { front, invoke, app, warnings, .. } = with(&[]);
    assert_eq!((invoke.mode, invoke.command), (Mode::Static, vec![]));
    assert_eq!((invoke.files.root.as_path(), invoke.files.listing), (folder.path(), false));
    assert_eq!((front.exec_timeout, front.health_paths, front.max_body), (None, false, None));
    assert_eq!((app.drain_timeout, warnings), (Some(seconds(30)), vec![]));
    let Settings { front, invoke, app, warnings, .. } =
        with(&[("static_listing", "on"), ("fprocess", "cat"), ("exec_timeout", "5s"), ("write_timeout", "40s")]);
    assert_eq!((invoke.command, invoke.files.listing, front.exec_timeout), (vec![], true, None));
    assert_eq!(app.drain_timeout, Some(seconds(40)));
    let names: Vec<_> = warnings.iter().map(|warning| warning.name.as_str()).collect();
    assert_eq!(names, ["fprocess", "exec_timeout"]);
}

#[test]
fn a_folder_that_cannot_be_served_stops_the_start() {
    let mistakes = |path| read(&[("mode", "static"), ("static_path", path)], None).unwrap_err().mistakes;
    let shown = |path| mistakes(path).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown(""), ["static_path: is empty (set it to the folder that is served, or leave it unset)"]);
    assert_eq!(
        shown("/no/such/folder"),
        ["static_path: \"/no/such/folder\" is not there (set static_path to the folder that is served)"]
    );
    assert!(shown("/dev/null")[0].starts_with("static_path: \"/dev/null\" is not a folder"));
}

#[test]
fn defaults_of_warm() {
    let Settings { front, invoke, app, warnings, .. } = settings(&[("mode", "warm")]);
    let warm = invoke.warm;
    assert_eq!((front.queue_depth, warm.queue_depth, warm.queue_timeout), (1000, 1000, None));
    assert_eq!((warm.workers, warm.concurrency), (1, 0));
    assert_eq!((warm.max_requests, warm.max_age, warm.max_rss), (None, None, None));
    assert_eq!((warm.start_timeout, warm.restart), (seconds(60), Restart::Always));
    // What data is to its functions is for each language to say.
    assert_eq!(warm.settings, [("processors".to_owned(), "1".to_owned())]);
    assert_eq!((warm.source, warm.runtimes, warm.temp.as_path()), (None, None, Path::new("/tmp")));
    assert_eq!((front.health_paths, app.drain_timeout, warnings), (true, Some(seconds(30)), vec![]));
}

#[test]
fn every_setting_of_warm_arrives() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f.py"), "").unwrap();
    let vars = [
        ("handler", "f.handle"),
        ("handler_style", "lambda"),
        ("event_data", "raw"),
        ("runtimes", "/opt/runtimes"),
        ("TMPDIR", "/var/tmp"),
        ("workers", "auto"),
        ("worker_concurrency", "8"),
        ("worker_max_requests", "1000"),
        ("worker_max_age", "1h"),
        ("worker_max_rss", "200Mi"),
        ("queue_depth", "5"),
        ("queue_timeout", "3s"),
        ("start_timeout", "9s"),
        ("restart", "never"),
    ];
    let host = Host { folder: folder.path().to_owned(), processors: 3, ..Host::default() };
    let (settings, origins) = Settings::from_vars(&[], &vars.into_iter().collect(), &host).unwrap();
    assert_eq!((settings.invoke.mode, settings.invoke.command), (Mode::Warm, vec![]));
    let warm = settings.invoke.warm;
    assert_eq!(warm.source, Some(Source { file: folder.path().join("f.py"), language: Language::Python }));
    assert_eq!((warm.workers, warm.concurrency, warm.max_requests), (3, 8, Some(1000)));
    assert_eq!((warm.max_age, warm.max_rss), (Some(seconds(3600)), Some(200 * MI)));
    assert_eq!((warm.queue_depth, warm.queue_timeout), (5, Some(seconds(3))));
    assert_eq!((warm.start_timeout, warm.restart), (seconds(9), Restart::Never));
    assert_eq!((warm.runtimes, warm.temp), (Some("/opt/runtimes".into()), "/var/tmp".into()));
    let told: Vec<_> = warm.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(told, ["handler=f.handle", "handler_style=lambda", "event_data=raw", "processors=3"]);
    let workers = origins.iter().find(|origin| origin.name == "workers").unwrap();
    assert_eq!(workers.value, "3");
    assert_eq!(settings.warnings, vec![]);
}

#[test]
fn a_file_of_a_usual_name_is_a_handler_where_there_is_no_command() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("function.py"), "").unwrap();
    let host = Host { folder: folder.path().to_owned(), ..Host::default() };
    let (settings, _) = Settings::from_vars(&[], &Vars::default(), &host).unwrap();
    assert_eq!(settings.invoke.mode, Mode::Warm);
    assert!(settings.mode_reason.starts_with("there is no command, and "), "{}", settings.mode_reason);
    let with_command = Settings::from_vars(&["cat".to_owned()], &Vars::default(), &host).unwrap().0;
    assert_eq!((with_command.invoke.mode, with_command.invoke.warm.source), (Mode::Streaming, None));
    std::fs::write(folder.path().join("index.js"), "").unwrap();
    let mistakes = Settings::from_vars(&[], &Vars::default(), &host).unwrap_err().mistakes;
    assert!(mistakes.len() == 1 && mistakes[0].text.starts_with("both "), "{mistakes:?}");
}
