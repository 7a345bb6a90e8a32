//! The log over pipes: how lines look, and what happens when nobody reads them.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Read, pipe};
use std::time::Duration;

use serde_json::Value;
use tracing::Level;
use tracing::subscriber::with_default;

use super::own::Own;
use super::queue::{RESERVE, ROOM};
use super::*;
use crate::reason::Reason;

/// What a pipe holds by default, pipe(7).
const PIPE: usize = 64 * 1024;

/// Bytes that break a careless formatter: controls, quotes, a terminal escape, no UTF-8.
const HOSTILE: &[u8] = b"\x00\x01\t\"\\ \x1b[31m \xff\xfe \xe2\x82 }{\r\x7f";

fn config(format: Format, prefix: bool) -> Config {
    Config { format, level: Level::INFO, prefix, line_limit: Some(64) }
}

fn log_to(config: Config, stdout: PipeWriter, stderr: PipeWriter) -> (HandlerLog, Metrics) {
    let metrics = Metrics::new("f");
    (HandlerLog::new(config, metrics.clone(), stdout, stderr), metrics)
}

/// Runs `write` on a log and gives what arrived on both streams.
fn written(config: Config, write: impl FnOnce(&HandlerLog)) -> (Vec<u8>, Vec<u8>) {
    let ((mut stdout, to_stdout), (mut stderr, to_stderr)) = (pipe().unwrap(), pipe().unwrap());
    let (log, _) = log_to(config, to_stdout.try_clone().unwrap(), to_stderr.try_clone().unwrap());
    write(&log);
    assert!(Flush { inner: log.inner }.flush(Duration::from_secs(10)));
    (drain(&mut stdout, to_stdout), drain(&mut stderr, to_stderr))
}

/// The log's threads keep their end open for good, so the end is a mark.
fn drain(reader: &mut PipeReader, mut writer: PipeWriter) -> Vec<u8> {
    std::io::Write::write_all(&mut writer, b"END").unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"END") {
        let mut piece = [0; 4096];
        let length = reader.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..length]);
    }
    bytes.truncate(bytes.len() - 3);
    bytes
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn one_line(format: Format, prefix: bool, call_id: Option<&str>, bytes: &[u8], cut: bool) -> Vec<u8> {
    written(config(format, prefix), |log| block_on(log.line(Stream::Stderr, call_id, bytes, cut))).1
}

/// The line without its time, which must look like `pattern` (0 for any digit).
#[track_caller]
fn after_time(line: &str, pattern: &str) -> String {
    let (time, rest) = line.split_at(pattern.len());
    let digits: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(digits, pattern);
    rest.to_owned()
}

const RFC3339: &str = "0000-00-00T00:00:00.000Z ";
const GO: &str = "0000/00/00 00:00:00 ";

#[track_caller]
fn json(line: &[u8]) -> Value {
    let text = std::str::from_utf8(line).unwrap().strip_suffix('\n').unwrap();
    assert!(!text.contains('\n'));
    let value: Value = serde_json::from_str(text).unwrap();
    after_time(value["time"].as_str().unwrap(), RFC3339.trim_end());
    value
}

#[test]
fn handler_lines_as_text() {
    let line =
        |prefix, id, bytes: &[u8], cut| String::from_utf8(one_line(Format::Text, prefix, id, bytes, cut)).unwrap();
    assert_eq!(after_time(&line(true, None, b"hi", false), GO), "stderr: hi\n");
    assert_eq!(after_time(&line(true, Some("a-1"), b"hi", false), GO), "stderr: [a-1] hi\n");
    assert_eq!(after_time(&line(true, Some("a\n1"), b"", true), GO), "stderr: [a\\n1]  …[cut]\n");
    assert_eq!(line(false, Some("a-1"), b"hi", false), "hi\n");
    assert_eq!(line(false, None, b"hi", true), "hi …[cut]\n");
    assert_eq!(one_line(Format::Text, false, None, HOSTILE, false), [HOSTILE, b"\n"].concat());
}

#[test]
fn each_handler_stream_goes_to_its_own() {
    let (stdout, stderr) = written(config(Format::Text, false), |log| {
        block_on(log.line(Stream::Stdout, None, b"out", false));
        block_on(log.line(Stream::Stderr, None, b"err", false));
    });
    assert_eq!((stdout.as_slice(), stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
}

#[test]
fn handler_lines_as_json() {
    let value = json(&one_line(Format::Json, true, Some("a-1"), b"hi \"x\"", false));
    assert_eq!(value["level"], "info");
    assert_eq!(value["msg"], "hi \"x\"");
    assert_eq!(value["stream"], "stderr");
    assert_eq!(value["call_id"], "a-1");
    assert_eq!(value.get("cut"), None);

    let value = json(&one_line(Format::Json, true, None, HOSTILE, true));
    assert_eq!(value["msg"], *String::from_utf8_lossy(HOSTILE));
    assert_eq!(value["cut"], true);
    assert_eq!(value.get("call_id"), None);
}

#[test]
fn cut_lines_are_counted() {
    let ((_stdout, to_stdout), (_stderr, to_stderr)) = (pipe().unwrap(), pipe().unwrap());
    let (log, metrics) = log_to(config(Format::Text, true), to_stdout, to_stderr);
    block_on(log.line(Stream::Stdout, None, b"x", true));
    block_on(log.line(Stream::Stdout, None, b"x", false));
    assert!(metrics.render(None).1.contains("\nheeler_log_lines_cut_total 1\n"));
    assert_eq!(log.line_limit(), Some(64));
}

/// What `events` wrote to stderr through the `tracing` macros.
fn own_lines(config: Config, events: impl FnOnce()) -> Vec<u8> {
    let (stdout, stderr) = written(config, |log| with_default(Own(Arc::clone(&log.inner)), events));
    assert!(stdout.is_empty());
    stderr
}

#[test]
fn own_lines_as_text() {
    let lines = own_lines(config(Format::Text, true), || {
        tracing::info!(port = 8080, path = "/a b", mode = "http", "listening");
        tracing::warn!(late = true, took = 1.5, error = %"a\nb", empty = "", "odd\n\u{1b}[31mline {}", 1);
        crate::log::debug!("not shown");
        tracing::error!(target: "h2::codec", "shown");
        tracing::info!(target: "h2::codec", "not shown");
        let _span = tracing::info_span!("unused").entered();
    });
    let lines: Vec<String> = String::from_utf8(lines).unwrap().lines().map(|line| after_time(line, RFC3339)).collect();
    assert_eq!(
        lines,
        [
            "info listening port=8080 path=\"/a b\" mode=http",
            "warn odd\\n\\u{1b}[31mline 1 late=true took=1.5 error=\"a\\nb\" empty=\"\"",
            "error shown",
        ]
    );
}

#[test]
fn own_lines_below_info() {
    let lines = own_lines(Config { level: Level::DEBUG, ..config(Format::Text, true) }, || {
        crate::log::debug!(left = 1, "told")
    });
    assert_eq!(after_time(std::str::from_utf8(&lines).unwrap(), RFC3339), "debug told left=1\n");
}

#[test]
fn own_lines_as_json() {
    let hostile = String::from_utf8_lossy(HOSTILE);
    let line = own_lines(config(Format::Json, true), || {
        tracing::error!(call_id = "a-1", count = -3, nan = f64::NAN, wide = ?u128::MAX, text = &*hostile, "no {hostile}");
    });
    let value = json(&line);
    assert_eq!(value["level"], "error");
    assert_eq!(value["msg"], *format!("no {hostile}"));
    assert_eq!(value["call_id"], "a-1");
    assert_eq!(value["count"], -3);
    assert_eq!(value["nan"], "NaN");
    assert_eq!(value["wide"], *u128::MAX.to_string());
    assert_eq!(value["text"], *hostile);
}

fn call() -> Access<'static> {
    let took = Duration::from_micros(1234);
    Access { method: "POST", path: "/p?q=1", status: 200, bytes: 5, took, call_id: None, reason: None }
}

#[test]
fn access_lines_as_text() {
    let lines = written(config(Format::Text, true), |log| {
        log.inner.access(&call());
        log.inner.access(&Access { bytes: 1_048_576, call_id: Some("a-1"), ..call() });
        let reason = Some(Reason::QueueFull);
        log.inner.access(&Access { path: "/a\n\x1b\u{85}b", status: 503, bytes: 0, reason, ..call() });
        log.inner.access(&Access { method: "BREW", status: 499, took: Duration::ZERO, ..call() });
    });
    let lines: Vec<String> =
        String::from_utf8(lines.1).unwrap().lines().map(|line| after_time(line, RFC3339)).collect();
    assert_eq!(
        lines,
        [
            "info POST /p?q=1 - 200 OK - ContentLength: 5B (0.0012s)",
            "info POST /p?q=1 - 200 OK - ContentLength: 1.049MB (0.0012s) [a-1]",
            "info POST /a\\n\\u{1b}\\u{85}b - 503 Service Unavailable - ContentLength: 0B (0.0012s) reason=queue_full",
            "info BREW /p?q=1 - 499 - ContentLength: 5B (0.0000s)",
        ]
    );
}

#[test]
fn access_lines_as_json() {
    let line = written(config(Format::Json, true), |log| {
        let reason = Some(Reason::Timeout);
        log.inner.access(&Access { path: "/a\n\"b", status: 504, call_id: Some("a-1"), reason, ..call() });
    });
    let value = json(&line.1);
    assert_eq!(value["method"], "POST");
    assert_eq!(value["path"], "/a\n\"b");
    assert_eq!(value["status"], 504);
    assert_eq!(value["bytes"], 5);
    assert_eq!(value["duration_seconds"], 0.001_234);
    assert_eq!(value["call_id"], "a-1");
    assert_eq!(value["reason"], "timeout");
}

#[test]
fn access_lines_obey_the_level() {
    let quiet = Config { level: Level::WARN, ..config(Format::Text, true) };
    assert!(written(quiet, |log| log.inner.access(&call())).1.is_empty());
}

/// Fills stdout of `log` until a line has to wait, and gives the number of lines that did not.
async fn fill(log: &HandlerLog, line: &[u8]) -> usize {
    let mut accepted = 0;
    let patience = Duration::from_millis(300);
    while tokio::time::timeout(patience, log.line(Stream::Stdout, None, line, false)).await.is_ok() {
        accepted += 1;
        assert!(accepted * line.len() <= PIPE + ROOM + line.len(), "nothing holds the handler back");
    }
    accepted
}

#[test]
fn a_reader_that_stops_holds_its_own_stream_only() {
    let ((mut stdout, to_stdout), (stderr, to_stderr)) = (pipe().unwrap(), pipe().unwrap());
    let (log, _) = log_to(config(Format::Text, false), to_stdout, to_stderr);
    let line = [b'x'; 1023];
    block_on(async {
        let accepted = fill(&log, &line).await;
        assert!(accepted >= ROOM / 1024, "{accepted}");

        log.line(Stream::Stderr, None, b"still here", false).await;
        let mut other = String::new();
        BufReader::new(stderr).read_line(&mut other).unwrap();
        assert_eq!(other, "still here\n");
        assert!(!log.inner.stdout.flush(Instant::now() + Duration::from_millis(10)));

        // The reader comes back: all that was accepted arrives, and lines pass again.
        let reader = std::thread::spawn(move || {
            let mut all = vec![0; accepted * 1024 + 4];
            stdout.read_exact(&mut all).unwrap();
            all
        });
        log.line(Stream::Stdout, None, b"end", false).await;
        let all = reader.join().unwrap();
        assert!(all.ends_with(b"x\nend\n"));
        assert_eq!(all.split(|byte| *byte == b'\n').filter(|l| *l == line).count(), accepted);
    });
}

#[test]
fn own_lines_never_wait_and_drops_are_counted() {
    let ((_stdout, to_stdout), (_stderr, to_stderr)) = (pipe().unwrap(), pipe().unwrap());
    let (log, metrics) = log_to(config(Format::Text, true), to_stdout, to_stderr);
    let path = "p".repeat(1000);
    // More than pipe, room and reserve hold together.
    let lines = (PIPE + ROOM + RESERVE) / 1000 + 10;
    for _ in 0..lines {
        log.inner.access(&Access { path: &path, ..call() });
    }
    let page = metrics.render(None).1;
    let dropped = page.lines().find_map(|line| line.strip_prefix("heeler_log_lines_dropped_total ")).unwrap();
    assert!(dropped.parse::<usize>().unwrap() >= 10, "{dropped} of {lines}");
}

#[test]
fn a_flooding_handler_does_not_silence_heeler() {
    let ((_stdout, to_stdout), (_stderr, to_stderr)) = (pipe().unwrap(), pipe().unwrap());
    let (log, _) = log_to(config(Format::Text, false), to_stdout, to_stderr);
    block_on(fill(&log, &[b'x'; 1023]));
    assert!(log.inner.stdout.try_write(b"own\n"));
}

#[test]
fn a_gone_reader_hangs_nobody() {
    let ((stdout, to_stdout), (_stderr, to_stderr)) = (pipe().unwrap(), pipe().unwrap());
    let (log, _) = log_to(config(Format::Text, false), to_stdout, to_stderr);
    drop(stdout);
    block_on(async {
        for _ in 0..2000 {
            log.line(Stream::Stdout, None, &[b'x'; 1023], false).await;
        }
    });
    assert!(Flush { inner: log.inner }.flush(Duration::from_secs(10)));
}

#[test]
fn a_line_larger_than_the_queue_passes() {
    let ((mut stdout, to_stdout), (_stderr, to_stderr)) = (pipe().unwrap(), pipe().unwrap());
    let (log, _) = log_to(Config { line_limit: None, ..config(Format::Text, false) }, to_stdout, to_stderr);
    let line = vec![b'x'; 3 * ROOM];
    let expected = line.len() + 1;
    let reader = std::thread::spawn(move || {
        let mut all = vec![0; expected];
        stdout.read_exact(&mut all).unwrap();
        all
    });
    block_on(log.line(Stream::Stdout, None, &line, false));
    assert!(reader.join().unwrap().ends_with(b"x\n"));
}
