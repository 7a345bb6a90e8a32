//! A file on its way out: piece by piece, read off the runtime's thread, at constant memory.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::aside::aside;
use super::lost;
use crate::invoke::body::Aborted;
use crate::invoke::call::Place;
use crate::invoke::error::CallError;
use crate::reason::Reason;

/// One read. Each is a way to another thread and back, so smaller ones cost more time for every byte; and every client
/// that does not read holds so much memory.
const CHUNK: u64 = 128 * 1024;

/// What an answer is made of.
#[derive(Debug)]
pub(super) enum Piece {
    /// These bytes.
    Text(Bytes),
    /// These of the file.
    Part(Range<u64>),
}

/// A file that is being sent.
#[derive(Debug)]
pub struct Sending {
    opened: Arc<Opened>,
    pieces: VecDeque<Piece>,
    /// Bytes that are still to come, those of the piece that is being read among them.
    left: u64,
    reading: Option<oneshot::Receiver<Result<Bytes, CallError>>>,
}

/// What lasts as long as anybody reads.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    /// For messages.
    pub(super) path: PathBuf,
    /// Given back when nobody reads any more.
    pub(super) _place: Place,
}

impl Sending {
    /// Reads the first piece at once: whoever opened the file may wait for the disk.
    pub(super) fn new(opened: Opened, pieces: impl IntoIterator<Item = Piece>) -> Result<Sending, CallError> {
        let mut pieces: VecDeque<Piece> = pieces.into_iter().filter(|piece| piece.length() > 0).collect();
        let left = pieces.iter().map(Piece::length).sum();
        if let Some(Piece::Part(part)) = pieces.front_mut() {
            let first = next_chunk(part);
            if part.is_empty() {
                pieces.pop_front();
            }
            let bytes = opened.read(first)?;
            pieces.push_front(Piece::Text(bytes));
        }
        Ok(Sending { opened: Arc::new(opened), pieces, left, reading: None })
    }

    /// Bytes that are still to come.
    pub(in crate::invoke) fn left(&self) -> u64 {
        self.left
    }

    /// The next bytes; `None` when all are out. A file that has become shorter is an error.
    pub(in crate::invoke) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Aborted>>> {
        let bytes = match (&mut self.reading, self.pieces.front_mut()) {
            (Some(reading), _) => {
                let read = ready!(Pin::new(reading).poll(cx));
                self.reading = None;
                read.unwrap_or_else(|_| Err(lost()))
            }
            (None, None) => return Poll::Ready(None),
            (None, Some(Piece::Text(text))) => {
                let text = std::mem::take(text);
                self.pieces.pop_front();
                Ok(text)
            }
            (None, Some(Piece::Part(part))) => {
                let chunk = next_chunk(part);
                if part.is_empty() {
                    self.pieces.pop_front();
                }
                let opened = self.opened.clone();
                self.reading = Some(aside(move || opened.read(chunk)));
                return self.poll_chunk(cx);
            }
        };
        Poll::Ready(Some(bytes.map(|bytes| self.count(bytes)).map_err(Aborted)))
    }

    fn count(&mut self, bytes: Bytes) -> Bytes {
        self.left = self.left.saturating_sub(bytes.len() as u64);
        bytes
    }
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Piece::Text(text) => text.len() as u64,
            Piece::Part(part) => part.end.saturating_sub(part.start),
        }
    }
}

/// Takes the next read off a part.
fn next_chunk(part: &mut Range<u64>) -> Range<u64> {
    let end = part.end.min(part.start.saturating_add(CHUNK));
    let chunk = part.start..end;
    part.start = end;
    chunk
}

impl Opened {
    fn read(&self, chunk: Range<u64>) -> Result<Bytes, CallError> {
        let mut bytes = vec![0; usize::try_from(chunk.end - chunk.start).unwrap_or(0)];
        match self.file.read_exact_at(&mut bytes, chunk.start) {
            Ok(()) => Ok(bytes.into()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn failed(&self, error: &io::Error) -> CallError {
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("{:?} became shorter while it was sent", self.path),
            _ => format!("{:?} cannot be read: {error}", self.path),
        };
        CallError::new(Reason::File, message)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write;

    use super::*;

    fn file(length: usize) -> (File, Vec<u8>) {
        let bytes: Vec<u8> = (0..length).map(|at| (at / 251 + at).to_le_bytes()[0]).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    fn opened(file: &File) -> Opened {
        Opened { file: file.try_clone().unwrap(), path: "x".into(), _place: Place::default() }
    }

    async fn next(sending: &mut Sending) -> Option<Result<Bytes, Aborted>> {
        poll_fn(|cx| sending.poll_chunk(cx)).await
    }

    #[tokio::test]
    async fn pieces_come_in_order_and_are_counted() {
        let (file, bytes) = file(200_000);
        for pieces in [[0..200_000, 5..5], [5..5, 0..65_536], [1..70_000, 100..101], [131_072..200_000, 0..65_536]] {
            let text = || Piece::Text(Bytes::from_static(b"text"));
            let parts = pieces.iter().flat_map(|part| [text(), Piece::Part(part.start as u64..part.end as u64)]);
            let mut sending = Sending::new(opened(&file), parts.skip(1)).unwrap();
            let mut expected: Vec<u8> = Vec::new();
            for (index, part) in pieces.iter().enumerate() {
                expected.extend(if index == 0 { b"" } else { &b"text"[..] });
                expected.extend(&bytes[part.clone()]);
            }
            let mut seen = Vec::new();
            assert_eq!(sending.left(), expected.len() as u64);
            while let Some(chunk) = next(&mut sending).await {
                let chunk = chunk.unwrap();
                assert!(!chunk.is_empty() && chunk.len() as u64 <= CHUNK);
                seen.extend(chunk);
                assert_eq!(sending.left(), (expected.len() - seen.len()) as u64);
            }
            assert!(seen == expected, "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn a_file_that_shrinks_is_an_error() {
        let (file, _) = file(200_000);
        let mut sending = Sending::new(opened(&file), [Piece::Part(0..200_000)]).unwrap();
        file.set_len(100_000).unwrap();
        assert_eq!(next(&mut sending).await.unwrap().unwrap().len() as u64, CHUNK);
        let Aborted(error) = next(&mut sending).await.unwrap().unwrap_err();
        assert_eq!((error.reason, &*error.message), (Reason::File, "\"x\" became shorter while it was sent"));
        let error = Sending::new(opened(&file), [Piece::Part(90_000..150_000)]).unwrap_err();
        assert_eq!(error.reason, Reason::File);
    }
}
