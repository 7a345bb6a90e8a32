//! Why a call has no reply of the handler's own.

use bytes::Bytes;
use hyper::StatusCode;

use crate::process::SpawnError;
use crate::reason::Reason;

/// A call that failed before the first byte of an answer was out.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {message}", reason.word())]
pub struct CallError {
    /// What kind; the front's one table makes a status of it.
    pub reason: Reason,
    /// One sentence for the caller and the log.
    pub message: String,
    /// The whole body instead of that sentence, where a mode keeps the peers' form.
    pub body: Option<Bytes>,
    /// Instead of the table's, where the function's own system has another.
    pub status: Option<StatusCode>,
}

impl CallError {
    /// The ordinary kind.
    pub fn new(reason: Reason, message: impl Into<String>) -> CallError {
        CallError { reason, message: message.into(), body: None, status: None }
    }

    /// At the deadline.
    pub fn timeout() -> CallError {
        CallError::new(Reason::Timeout, "the deadline of the call has passed")
    }

    /// The client left.
    pub fn client_gone() -> CallError {
        CallError::new(Reason::ClientGone, "the client went away")
    }
}

impl From<SpawnError> for CallError {
    fn from(error: SpawnError) -> CallError {
        let reason = match &error {
            SpawnError::NoDescriptor(_) => Reason::NoDescriptor,
            SpawnError::NoProcess(_) => Reason::NoProcess,
            SpawnError::TooLarge(_) => Reason::HeadTooLarge,
            SpawnError::NotFound { .. } | SpawnError::NotExecutable { .. } => Reason::Exec,
        };
        CallError::new(reason, error.to_string())
    }
}

/// Pipes are made just before a process: their lack is the same want.
impl From<std::io::Error> for CallError {
    fn from(error: std::io::Error) -> CallError {
        let reason = match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => Reason::NoDescriptor,
            _ => Reason::Internal,
        };
        CallError::new(reason, error.to_string())
    }
}
