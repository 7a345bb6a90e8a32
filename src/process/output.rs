//! A child's stdout and stderr as lines in the log.

use std::pin::pin;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use super::pipe::{ReadNow, read_now};
use crate::log::{HandlerLog, Stream};

/// "No limit" still is one: a line is held whole, and a handler may never write a line feed.
const LONGEST: usize = 16 * 1024 * 1024;
/// Room that is read at once.
const CHUNK: usize = 8 * 1024;

/// Whose lines they are.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where they go.
    pub log: HandlerLog,
    /// Which of the child's streams it is.
    pub stream: Stream,
    /// The call that the child serves, if it serves one.
    pub call_id: Option<String>,
}

/// Copies lines until the pipe has an end, or `over` and what was written by then. While the log's reader is behind,
/// the pipe fills and the child waits; a line over the limit is cut with a mark, its rest is dropped, and logging goes on.
pub async fn log_lines(pipe: &mut Receiver, source: &Source, over: impl Future<Output = ()>) {
    let mut lines = Lines { limit: source.log.line_limit(), buffer: BytesMut::new(), seen: 0, skipping: false };
    let mut chunk = BytesMut::new();
    let mut over = pin!(over);
    loop {
        chunk.clear();
        let more = tokio::select! {
            biased;
            read = read_some(pipe, &mut chunk) => read > 0,
            () = &mut over => break,
        };
        lines.buffer.extend_from_slice(&chunk);
        lines.write(source).await;
        if !more {
            break;
        }
    }
    while let Ok(ReadNow::Bytes(_)) = read_now(pipe, &mut lines.buffer) {
        lines.write(source).await;
    }
    if let Some((line, cut)) = lines.rest() {
        source.write(&line, cut).await;
    }
}

/// Reads and drops until nobody writes any more.
pub async fn discard(mut pipe: Receiver) {
    let mut chunk = BytesMut::new();
    while read_some(&mut pipe, &mut chunk).await > 0 {
        chunk.clear();
    }
}

/// Room is made only when there is something to read: most calls write no line at all. An error means the same as the
/// end here: nobody will write again.
async fn read_some(pipe: &mut Receiver, chunk: &mut BytesMut) -> usize {
    if pipe.readable().await.is_err() {
        return 0;
    }
    chunk.reserve(CHUNK);
    pipe.read_buf(chunk).await.unwrap_or(0)
}

impl Source {
    async fn write(&self, line: &[u8], cut: bool) {
        self.log.line(self.stream, self.call_id.as_deref(), line, cut).await;
    }
}

struct Lines {
    limit: Option<usize>,
    buffer: BytesMut,
    /// No line feed stands before this.
    seen: usize,
    /// The head of an over-long line is out already; drop up to its line feed.
    skipping: bool,
}

impl Lines {
    async fn write(&mut self, source: &Source) {
        while let Some((line, cut)) = self.next() {
            source.write(&line, cut).await;
        }
    }

    /// The next whole or cut line, without its line feed.
    fn next(&mut self) -> Option<(BytesMut, bool)> {
        loop {
            let found = self.buffer[self.seen..].iter().position(|byte| *byte == b'\n');
            match found.map(|end| self.seen + end) {
                Some(end) => {
                    self.seen = 0;
                    let mut line = self.buffer.split_to(end + 1);
                    line.truncate(end);
                    if std::mem::take(&mut self.skipping) {
                        continue;
                    }
                    return Some(self.cut(line));
                }
                None if self.skipping => {
                    self.buffer.clear();
                    self.seen = 0;
                    return None;
                }
                None => {
                    self.seen = self.buffer.len();
                    let limit = self.limit.unwrap_or(LONGEST).min(self.buffer.len());
                    if self.buffer.len() == limit {
                        return None;
                    }
                    self.seen = 0;
                    self.skipping = true;
                    let line = self.buffer.split_to(limit);
                    self.buffer.clear();
                    return Some((line, true));
                }
            }
        }
    }

    /// What stands behind the last line feed.
    fn rest(mut self) -> Option<(BytesMut, bool)> {
        if self.buffer.is_empty() || self.skipping {
            return None;
        }
        let line = self.buffer.split();
        Some(self.cut(line))
    }

    fn cut(&self, mut line: BytesMut) -> (BytesMut, bool) {
        let limit = self.limit.unwrap_or(LONGEST);
        let cut = line.len() > limit;
        line.truncate(limit);
        (line, cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limit: Option<usize>, chunks: &[&str], expected: &[(&str, bool)]) {
        let mut lines = Lines { limit, buffer: BytesMut::new(), seen: 0, skipping: false };
        let mut seen = Vec::new();
        for chunk in chunks {
            lines.buffer.extend_from_slice(chunk.as_bytes());
            while let Some((line, cut)) = lines.next() {
                seen.push((String::from_utf8(line.to_vec()).unwrap(), cut));
            }
        }
        seen.extend(lines.rest().map(|(line, cut)| (String::from_utf8(line.to_vec()).unwrap(), cut)));
        let seen: Vec<_> = seen.iter().map(|(line, cut)| (line.as_str(), *cut)).collect();
        assert_eq!(seen, expected, "{chunks:?}");
    }

    #[test]
    fn lines_are_cut_and_logging_goes_on() {
        check(None, &["a\nb", "c\n", "\nd"], &[("a", false), ("bc", false), ("", false), ("d", false)]);
        check(Some(3), &["abc\nabcd\ne\n"], &[("abc", false), ("abc", true), ("e", false)]);
        check(Some(3), &["abcd", "efg", "h\nnext\n"], &[("abc", true), ("nex", true)]);
        check(Some(3), &["abcdef"], &[("abc", true)]);
        check(Some(3), &["ab", "c", "\n"], &[("abc", false)]);
    }
}
