//! Work that may wait for a disk, on a thread of its own: the runtime's thread never does.

use tokio::sync::oneshot;

/// Has another thread do it. The receiver gets an error if the work ends without a result.
///
/// The runtime's code for a task is made anew for every kind of work; boxed, all work is of one kind.
pub(super) fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> oneshot::Receiver<T> {
    let (sender, receiver) = oneshot::channel();
    let work: Box<dyn FnOnce() + Send> = Box::new(move || {
        // Nobody waits any more if the call was given up.
        let _ = sender.send(work());
    });
    drop(tokio::task::spawn_blocking(work));
    receiver
}
