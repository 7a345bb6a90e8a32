//! Why there is no talking to a worker any more.

/// The end of a worker's connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It closed its socket, or its process is gone.
    #[error("the worker closed its socket")]
    Closed,
    /// Reading or writing failed.
    #[error("the worker's socket broke: {0}")]
    Broke(String),
    /// It sent what it may not send.
    #[error("the worker broke the protocol: {0}")]
    Protocol(String),
    /// It said that it cannot load the user's function.
    #[error("the function could not be loaded: {kind}: {message}")]
    NotLoaded {
        /// The error's type.
        kind: String,
        /// What was looked for, and what was found.
        message: String,
        /// Where it happened; may be empty.
        stack: String,
    },
    /// Its keeper says so.
    #[error("the worker {0}")]
    Ended(String),
}

impl Lost {
    pub(super) fn protocol(text: impl ToString) -> Lost {
        Lost::Protocol(text.to_string())
    }
}
