//! Tasks beside the current one. Each is a boxed future: a type of task of its own would be some two kilobytes of the
//! runtime's machinery in the binary, once for each of its schedulers.

use std::future::Future;
use std::pin::Pin;

use tokio::task::JoinHandle;

/// What every task is to the runtime.
pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Starts a task. Inside a runtime.
pub(crate) fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    let future: Boxed<T> = Box::pin(future);
    tokio::spawn(future)
}

/// Starts hyper's tasks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Executor;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Executor {
    fn execute(&self, future: F) {
        spawn(future);
    }
}
