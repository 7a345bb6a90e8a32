//! A place at a worker that a call was given and has not used yet. Dropped, it is given back.

use std::sync::Arc;

use bytes::BytesMut;
use hyper::header::HeaderValue;

use super::stream::Stream;
use super::worker::Worker;

/// A place at a worker, not used yet.
#[derive(Debug)]
pub struct Seat(Option<Arc<Worker>>);

impl Seat {
    /// The worker has counted it.
    pub(super) fn at(worker: Arc<Worker>) -> Seat {
        Seat(Some(worker))
    }

    /// Opens a call on it with the frame that `begin` makes; `None` if the worker is lost.
    pub(super) fn open(
        mut self,
        call_id: HeaderValue,
        begin: impl FnOnce(u32, &Stream) -> BytesMut,
    ) -> Option<(Arc<Worker>, u32, Arc<Stream>)> {
        let worker = self.0.take()?;
        let (number, stream) = worker.open(call_id, begin)?;
        Some((worker, number, stream))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(worker) = self.0.take() {
            worker.give_back();
        }
    }
}
