//! For warm mode.

use super::invoke::restart;
use crate::config::Host;
use crate::config::kind::Value;
use crate::config::read::{Reader, off_at_zero};
use crate::front;
use crate::invoke::warm::{Config, Source};

/// The settings of warm mode.
pub(super) fn warm(reader: &mut Reader<'_>, source: Option<Source>, front: &front::Config, host: &Host) -> Config {
    Config {
        queue_depth: front.queue_depth,
        queue_timeout: front.queue_timeout,
        workers: workers(reader, host),
        concurrency: u32::try_from(count_if_set(reader, "worker_concurrency")).unwrap_or(u32::MAX),
        max_requests: Some(reader.count("worker_max_requests") as u64).filter(|count| *count > 0),
        max_age: off_at_zero(reader.duration("worker_max_age")),
        max_rss: Some(reader.size("worker_max_rss")).filter(|bytes| *bytes > 0),
        start_timeout: reader.duration("start_timeout"),
        restart: restart(reader),
        settings: told(reader, host),
        source,
        runtimes: reader.text("runtimes").map(Into::into),
        temp: reader.platform("TMPDIR").unwrap_or_else(|| "/tmp".to_owned()).into(),
    }
}

/// At least one: half a processor runs a worker, if slowly.
fn workers(reader: &mut Reader<'_>, host: &Host) -> usize {
    if reader.word_if_set("workers").is_none() {
        return reader.count("workers");
    }
    let count = host.processors.max(1);
    reader.resolve("workers", count.to_string(), "workers=auto, by the processors that may be used".to_owned());
    count
}

/// 0 where it is not set.
fn count_if_set(reader: &Reader<'_>, name: &'static str) -> u64 {
    match reader.given(name) {
        Some(Value::Count(count)) => *count,
        _ => 0,
    }
}

/// What a language's runtime is told. What is not set it decides by the environment and by the file.
fn told(reader: &Reader<'_>, host: &Host) -> Vec<(String, String)> {
    let handler = reader.text("handler");
    let word = |name| reader.word_if_set(name).map(str::to_owned);
    let set = [
        ("handler", handler),
        ("handler_style", word("handler_style")),
        ("event_data", word("event_data")),
        ("processors", Some(host.processors.max(1).to_string())),
    ];
    set.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
