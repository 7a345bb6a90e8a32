//! For the log and for the instance as a whole.

use std::path::PathBuf;
use std::time::Duration;

use super::DEFAULT;
use crate::config::read::{Reader, off_at_zero};
use crate::config::seconds;
use crate::invoke::Mode;
use crate::log::{self, Format};
use crate::{app, front};

/// The settings of the log.
pub(in crate::config) fn log(reader: &Reader<'_>) -> log::Config {
    log::Config {
        format: if reader.word("log_format") == "json" { Format::Json } else { Format::Text },
        level: level(reader.word("log_level")),
        prefix: reader.flag("prefix_logs"),
        line_limit: reader.limit("log_buffer_size"),
    }
}

/// The settings of the instance as a whole.
pub(in crate::config) fn app(reader: &mut Reader<'_>, mode: Mode, front: &front::Config) -> app::Config {
    app::Config {
        threads: reader.count("threads"),
        shutdown_delay: shutdown_delay(reader),
        drain_timeout: drain_timeout(reader, mode, front),
        lock_file: lock_file(reader),
        start_timeout: reader.duration("start_timeout"),
        function_name: function_name(reader),
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

fn drain_timeout(reader: &mut Reader<'_>, mode: Mode, front: &front::Config) -> Option<Duration> {
    let write = front.write_timeout.unwrap_or_default();
    let (default, why) = match front.exec_timeout {
        None if mode == Mode::Static => (write.max(seconds(30)), "the longer of write_timeout and 30s"),
        None => (Duration::ZERO, "no limit, since exec_timeout is 0"),
        Some(exec) => (exec.max(write).max(seconds(30)), "the longest of exec_timeout, write_timeout and 30s"),
    };
    off_at_zero(reader.duration_or("drain_timeout", default, why))
}

/// Where pid and address are written; `None` is off.
pub(in crate::config) fn lock_file(reader: &mut Reader<'_>) -> Option<PathBuf> {
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
