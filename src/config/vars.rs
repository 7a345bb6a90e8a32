//! The one table of settings. `--help`, `heeler check` and `docs/config.md` are made from it, and
//! no setting is read that has no row here.

use super::kind::Kind;
use super::var::{Group, Preset, Var, var};
use crate::invoke::Mode;

/// The modes that start a process for every call.
pub const FORK: &[Mode] = &[Mode::Streaming, Mode::Serializing, Mode::Classic, Mode::Cgi];
/// The modes whose handlers get a request as HTTP or CGI has it.
const AS_REQUESTS: &[Mode] = &[Mode::Streaming, Mode::Serializing, Mode::Classic, Mode::Cgi, Mode::Http];
/// The modes that keep a handler alive.
const LONG_LIVED: &[Mode] = &[Mode::Http, Mode::Warm, Mode::Lambda];
/// The modes in which a program handles the calls.
const WITH_HANDLER: &[Mode] =
    &[Mode::Streaming, Mode::Serializing, Mode::Classic, Mode::Cgi, Mode::Http, Mode::Warm, Mode::Lambda];
/// The modes with workers.
const WORKERS: &[Mode] = &[Mode::Warm, Mode::Lambda];

/// The calling conventions of a handler.
const STYLES: &[&str] = &["http", "hks", "request", "event", "lambda", "kubeless", "openfaas", "func", "asgi", "wsgi"];

use Group::{Bodies, Events, Handler, Health, Life, Limits, Listening, Logs, Peers, Time, Upstream, Workers};
use Preset::{Depends, Is, Unset};

/// Every setting, in the order of the page.
pub const VARS: &[Var] = &[
    Var {
        alias_wins: true,
        ..var(
            Handler,
            "fprocess",
            Kind::Command,
            Unset,
            "The command that handles calls, split into words as a shell quotes but run without a shell; words on \
             heeler's own command line win over both names.",
        )
    }
    .aka(&["function_process"])
    .only(WITH_HANDLER),
    var(
        Handler,
        "mode",
        Kind::Mode,
        Depends(
            "warm without a command but with a handler; classic if a name of classic-watchdog is set; else streaming",
        ),
        "How a call reaches the handler.",
    ),
    var(
        Handler,
        "handler",
        Kind::Text,
        Unset,
        "Which function of which file: module.function or path/file.ext:function.",
    )
    .only(&[Mode::Warm]),
    var(
        Handler,
        "handler_style",
        Kind::Choice(STYLES),
        Depends("by the environment, then by the file"),
        "The calling convention of the function.",
    )
    .only(&[Mode::Warm]),
    var(
        Handler,
        "event_data",
        Kind::Choice(&["parsed", "raw"]),
        Depends("parsed for Python, raw for Node"),
        "What a function finds in the data of its event: the value where it is JSON, or its text.",
    )
    .only(&[Mode::Warm]),
    var(Handler, "runtimes", Kind::Path, Depends("the copy inside the binary"), "A folder with the language runtimes.")
        .only(WORKERS),
    //
    var(
        Listening,
        "port",
        Kind::Port,
        Depends("LISTEN_ADDRESS, else ADDRESS with PORT, else PORT, else 8080"),
        "The port of calls on all addresses, v4 and v6; 0 picks a free one and logs it.",
    ),
    var(
        Listening,
        "listen",
        Kind::Addresses,
        Unset,
        "Instead of port: addresses as host:port or unix:/path, comma-separated.",
    ),
    var(
        Listening,
        "bind",
        Kind::Choice(&["late", "early"]),
        Is("late"),
        "late: the port opens once the function can serve; early: at once, and readiness says 503 until then.",
    ),
    var(
        Listening,
        "metrics_port",
        Kind::Port,
        Is("8081"),
        "The port of metrics, and of health and readiness from the very start; 0 is off.",
    ),
    //
    var(
        Time,
        "read_timeout",
        Kind::Duration,
        Is("30s"),
        "From the first byte of a request to the end of its head, and of its body where bodies are held in \
         memory; 0 is off.",
    ),
    var(Time, "write_timeout", Kind::Duration, Is("30s"), "How long the client may stall an answer; 0 is off."),
    var(
        Time,
        "idle_timeout",
        Kind::Duration,
        Is("120s"),
        "How long a connection may stay open without a request; 0 is off.",
    ),
    var(
        Time,
        "exec_timeout",
        Kind::Duration,
        Depends("30s; in classic mode 0"),
        "The deadline of a call, waiting included; 0 is off.",
    )
    .only(WITH_HANDLER),
    var(
        Time,
        "stream_timeout",
        Kind::Duration,
        Is("0"),
        "Instead of exec_timeout once the answer is a stream without an end: an upgrade, server-sent events, ndjson or \
         gRPC; 0 is off.",
    )
    .only(LONG_LIVED),
    var(Time, "kill_grace", Kind::Duration, Is("2s"), "From TERM to KILL when a handler has to end.")
        .only(WITH_HANDLER),
    var(
        Time,
        "leftovers",
        Kind::Choice(&["kill", "keep"]),
        Is("kill"),
        "What becomes of processes that a call leaves running.",
    )
    .only(FORK),
    var(Time, "kill_on_timeout", Kind::Flag, Is("false"), "Restart an upstream whose call ran out of time.")
        .only(&[Mode::Http]),
    //
    var(Limits, "max_inflight", Kind::Limit, Is("0"), "Calls at the handler at once; 0 or less is no limit."),
    var(
        Limits,
        "queue_depth",
        Kind::Count,
        Depends("0; in warm and lambda mode without max_inflight 1000"),
        "How many calls may wait for a place.",
    ),
    var(
        Limits,
        "queue_timeout",
        Kind::Duration,
        Is("0"),
        "How long a call may wait for a place, or for a handler that is being started again; 0 is as long as its \
         deadline allows.",
    ),
    var(
        Limits,
        "max_connections",
        Kind::CountAboveZero,
        Depends("10000, or a quarter of the memory limit at 20Ki each if that is less"),
        "Open client connections at once.",
    ),
    var(
        Limits,
        "max_body",
        Kind::Size,
        Depends("128Mi or a quarter of the memory limit if that is less where bodies are held in memory, else 0"),
        "The largest request body; 0 is no limit.",
    ),
    var(Limits, "max_output", Kind::Size, Depends("as max_body"), "The largest response body; 0 is no limit.").only(&[
        Mode::Streaming,
        Mode::Serializing,
        Mode::Classic,
        Mode::Cgi,
        Mode::Warm,
        Mode::Lambda,
    ]),
    var(Limits, "threads", Kind::CountAboveZero, Is("1"), "Threads of heeler itself."),
    //
    var(
        Bodies,
        "content_type",
        Kind::Header,
        Depends("application/octet-stream in streaming and serializing mode"),
        "The Content-Type of every answer; unset in classic mode: that of the request.",
    )
    .only(FORK),
    var(
        Bodies,
        "cgi_headers",
        Kind::Flag,
        Is("true"),
        "Put the request's headers, method, path and query into the handler's environment.",
    )
    .only(FORK),
    var(
        Bodies,
        "combine_output",
        Kind::Flag,
        Depends("true in classic mode, else false"),
        "Mix stderr into the answer instead of logging it.",
    )
    .only(FORK),
    var(
        Bodies,
        "marshal_request",
        Kind::Flag,
        Is("false"),
        "Give the handler one JSON object with headers and base64 body on stdin.",
    )
    .only(FORK),
    var(
        Bodies,
        "write_debug",
        Kind::Flag,
        Is("false"),
        "Log what the handler prints, and the query and path of each call.",
    )
    .only(FORK),
    var(Bodies, "debug_headers", Kind::Flag, Is("false"), "Log all request and response headers."),
    var(
        Bodies,
        "stream_hold",
        Kind::Duration,
        Is("20ms"),
        "How long after its first byte a short answer is held back, so that it has a true status and a length.",
    )
    .only(&[Mode::Streaming]),
    var(
        Bodies,
        "exit_codes",
        Kind::ExitCodes,
        Unset,
        "Statuses for exit codes, such as 3:422,100-109:503; other codes than 0 are 500.",
    )
    .only(FORK),
    //
    var(
        Health,
        "health_paths",
        Kind::Flag,
        Depends("true; false in http and static mode"),
        "Answer /healthz, /health/liveness and /health/readiness besides /_/health and /_/ready.",
    ),
    var(
        Health,
        "ready_path",
        Kind::UrlPath,
        Unset,
        "A path that is asked of the handler for readiness, which has 80 ms for its answer; in http mode it also has to answer before the handler counts as up.",
    )
    .only(WITH_HANDLER),
    var(Health, "suppress_lock", Kind::Flag, Is("false"), "Write no lock file; health does not depend on it."),
    var(
        Health,
        "lock_file",
        Kind::Path,
        Depends(".lock in TMPDIR, else in /tmp"),
        "Written when ready, with the pid and the address; removed at the end.",
    ),
    //
    var(Life, "start_timeout", Kind::DurationAboveZero, Is("60s"), "How long a handler may take to come up.")
        .only(LONG_LIVED),
    var(
        Life,
        "restart",
        Kind::Choice(&["always", "never"]),
        Is("always"),
        "What happens when a handler dies: start it again, or end with its exit code.",
    )
    .only(LONG_LIVED),
    var(
        Life,
        "shutdown_delay",
        Kind::Duration,
        Depends("0 under Knative, 5s under Kubernetes, else 0"),
        "From TERM, when readiness turns 503, to the end of accepting calls.",
    )
    .aka(&["healthcheck_interval"]),
    var(
        Life,
        "drain_timeout",
        Kind::Duration,
        Depends(
            "the longest of exec_timeout, write_timeout and 30s; 0 if exec_timeout is 0; in static mode the longer of \
             write_timeout and 30s",
        ),
        "How long calls may take after that; 0 is no limit.",
    ),
    //
    var(
        Upstream,
        "http_upstream_url",
        Kind::Upstream,
        Depends("a free port of the loopback, given to the handler as PORT"),
        "Where the handler listens: http://host:port/base or unix:/path; the base is put before every path.",
    )
    .aka(&["upstream_url"])
    .only(&[Mode::Http]),
    var(
        Upstream,
        "upstream_protocol",
        Kind::Choice(&["auto", "http1", "h2c"]),
        Is("auto"),
        "What the upstream speaks; auto finds out at the first HTTP/2 call.",
    )
    .only(&[Mode::Http]),
    var(
        Upstream,
        "http_buffer_req_body",
        Kind::Flag,
        Is("false"),
        "Hold a body until its end, so that the upstream gets a Content-Length.",
    )
    .aka(&["buffer_http"])
    .only(&[Mode::Http]),
    var(
        Upstream,
        "static_path",
        Kind::Path,
        Is("/home/app/public"),
        "The folder that static mode serves; it has to be there, and an empty value is a mistake.",
    )
    .only(&[Mode::Static]),
    var(
        Upstream,
        "static_listing",
        Kind::Flag,
        Is("false"),
        "Answer a folder without index.html with a list of what is in it, instead of 404.",
    )
    .only(&[Mode::Static]),
    //
    var(Workers, "workers", Kind::CountOrAuto, Is("1"), "Worker processes; auto follows the CPU quota.").only(WORKERS),
    var(
        Workers,
        "worker_concurrency",
        Kind::CountAboveZero,
        Depends("what the worker says of itself"),
        "Calls at once in one worker.",
    )
    .only(WORKERS),
    var(Workers, "worker_max_requests", Kind::Count, Is("0"), "Replace a worker after so many calls; 0 is never.")
        .only(WORKERS),
    var(Workers, "worker_max_age", Kind::Duration, Is("0"), "Replace a worker after so long; 0 is never.")
        .only(WORKERS),
    var(Workers, "worker_max_rss", Kind::Size, Is("0"), "Replace a worker that holds more memory; 0 is never.")
        .only(WORKERS),
    var(Workers, "prefork", Kind::Count, Is("0"), "Handler processes started ahead of their calls.")
        .only(FORK)
        .not_built(),
    var(
        Workers,
        "isolation",
        Kind::Choice(&["none", "call"]),
        Is("none"),
        "call: every call in a process of its own, forked from a loaded parent.",
    )
    .not_built(),
    //
    var(
        Events,
        "events",
        Kind::Choice(&["auto", "off", "required"]),
        Is("auto"),
        "Whether calls that are CloudEvents are treated as such: auto where the handler does not do it by \
         itself; required refuses all others.",
    ),
    var(
        Events,
        "event_mode",
        Kind::Choice(&["asis", "binary", "structured"]),
        Is("asis"),
        "The form in which the handler gets an event.",
    )
    .only(AS_REQUESTS),
    var(
        Events,
        "reply",
        Kind::Choice(&["auto", "event", "raw", "sink"]),
        Is("auto"),
        "When an answer has to be an event or empty; auto: when the delivery asks for a reply; sink: always, and it is \
         sent to K_SINK.",
    ),
    var(Events, "reply_type", Kind::Header, Unset, "The type of the event that plain output is wrapped into."),
    var(Events, "reply_source", Kind::Header, Unset, "The source of the event that plain output is wrapped into."),
    var(
        Events,
        "batch",
        Kind::Choice(&["split", "whole"]),
        Is("split"),
        "split: each event of a batch is a call; whole: the handler gets the array.",
    ),
    var(Events, "batch_max_events", Kind::Count, Is("1000"), "The most events that a batch may have."),
    var(
        Events,
        "batch_size",
        Kind::Count,
        Is("0"),
        "Gather single events into calls of so many, which bring them as one batch; 0 and 1 are off.",
    ),
    var(
        Events,
        "batch_max_wait",
        Kind::Duration,
        Is("100ms"),
        "How long the first event of such a call waits for others (batch_size).",
    ),
    var(
        Events,
        "webhook_origins",
        Kind::Text,
        Unset,
        "Origins whose webhook handshake is granted, comma-separated, or * alone.",
    ),
    //
    var(
        Logs,
        "log_format",
        Kind::Choice(&["text", "json"]),
        Is("text"),
        "text as of-watchdog has it, or one JSON object a line.",
    ),
    var(
        Logs,
        "log_level",
        Kind::Choice(&["error", "warn", "info", "debug", "trace"]),
        Is("info"),
        "The least important lines of heeler's own that are written.",
    ),
    var(
        Logs,
        "prefix_logs",
        Kind::Flag,
        Is("true"),
        "Put date, time and stream in front of the handler's lines (text).",
    ),
    var(
        Logs,
        "log_buffer_size",
        Kind::SizeOrUnlimited,
        Is("64Ki"),
        "The longest line of a handler; a longer one is cut with a mark; -1 is 16Mi, the most.",
    ),
    var(Logs, "log_callid", Kind::Flag, Is("true"), "Put the call's id into its access line.").aka(&["log_call_id"]),
    var(Logs, "access_log", Kind::Flag, Is("true"), "Write one line for each call, probes left out."),
    //
    var(Peers, "jwt_auth", Kind::Flag, Is("false"), "Callers are not checked here: true refuses to start."),
    var(Peers, "jwt_auth_debug", Kind::Flag, Is("false"), "Belongs to jwt_auth; does nothing."),
    var(Peers, "jwt_auth_local", Kind::Flag, Is("false"), "Belongs to jwt_auth; does nothing."),
];

/// Names of the platform that are read too. They are not heeler's, so they are never an alias in
/// the sense of the table.
pub const PLATFORM: &[(&str, &str)] = &[
    ("PORT", "the port, where `port` is not set (Knative, most platforms)"),
    ("LISTEN_ADDRESS", "the address, where `port` and `listen` are not set (Knative func)"),
    ("ADDRESS", "the host for PORT (Knative func); alone it is not read"),
    ("K_SERVICE", "says that this is Knative, and names the function"),
    ("K_SINK", "where `reply=sink` sends results: an http URL (Knative's SinkBinding)"),
    ("K_CE_OVERRIDES", "extensions of all events that `reply=sink` sends (Knative's SinkBinding)"),
    ("KUBERNETES_SERVICE_HOST", "says that this is Kubernetes"),
    ("OPENFAAS_NAME", "names the function where K_SERVICE is not set"),
    ("FUNCTION_NAME", "names the function where neither is set"),
    ("TMPDIR", "where the lock file is"),
    ("PATH", "where programs are looked for"),
    ("FUNCTION_TARGET", "names a handler (functions-framework)"),
    ("_HANDLER", "names a handler (Lambda)"),
    ("MOD_NAME", "names a handler together with FUNC_HANDLER (Kubeless)"),
    ("FUNC_HANDLER", "names a handler together with MOD_NAME (Kubeless)"),
];

/// The row of a name. Only for names of the table.
pub(super) fn row(name: &str) -> &'static Var {
    VARS.iter().find(|var| var.name == name).expect("every setting that is read has a row")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_lower_case() {
        let mut seen = BTreeSet::new();
        for name in VARS.iter().flat_map(Var::names) {
            assert!(seen.insert(name), "{name} stands twice");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        }
    }

    #[test]
    fn fixed_defaults_are_values_of_their_kind() {
        for var in VARS {
            if let Is(text) = var.default {
                assert!(var.kind.parse(text).is_ok(), "{}: {text}", var.name);
            }
        }
    }

    #[test]
    fn every_group_has_rows_in_one_piece() {
        let mut order: Vec<Group> = VARS.iter().map(|var| var.group).collect();
        order.dedup();
        assert_eq!(order, Group::ALL);
    }

    #[test]
    fn help_is_one_sentence() {
        for var in VARS {
            assert!(var.help.ends_with('.') && !var.help.contains('|'), "{}: {}", var.name, var.help);
        }
    }

    #[test]
    fn every_name_of_the_peers_is_understood() {
        const PEERS: &str = "fprocess function_process mode port read_timeout write_timeout exec_timeout \
                             healthcheck_interval content_type suppress_lock http_upstream_url upstream_url http_buffer_req_body \
                             buffer_http static_path max_inflight ready_path prefix_logs log_buffer_size log_callid log_call_id \
                             jwt_auth jwt_auth_debug jwt_auth_local cgi_headers marshal_request combine_output write_debug \
                             debug_headers";
        let ours: BTreeSet<&str> = VARS.iter().flat_map(Var::names).collect();
        for name in PEERS.split_whitespace() {
            assert!(ours.contains(name), "{name}");
        }
    }
}
