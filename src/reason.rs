//! Why heeler itself answered a call: one word each, shared by `X-Heeler-Reason`, the answer's
//! line, the log and the metric label.

/// A word for every answer that heeler makes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The request breaks RFC 9112, or a rule of ours that protects the handler.
    BadRequest,
    /// A method that no handler can serve (CONNECT, or a name beyond 32 bytes), or that static mode does not.
    Method,
    /// There is no such file.
    NotFound,
    /// A file that heeler's user may not read.
    Forbidden,
    /// The client was too slow with its request.
    SlowRequest,
    /// The body is larger than `max_body`.
    BodyTooLarge,
    /// An expectation other than `100-continue`.
    Expectation,
    /// It is no valid CloudEvent, or none of a kind that is taken.
    Event,
    /// Some events of a batch have failed.
    Batch,
    /// The head is too large to become an environment.
    HeadTooLarge,
    /// `max_inflight` is reached and nothing may wait.
    Full,
    /// All waiting places are taken.
    QueueFull,
    /// The call waited too long and never ran.
    QueueTimeout,
    /// More open connections than `max_connections`.
    Connections,
    /// The handler ended with a non-zero exit code.
    Exit,
    /// The function raised an error.
    Raised,
    /// The worker died, or broke the protocol.
    Worker,
    /// The handler was killed by a signal that was not ours.
    Signal,
    /// The handler's header block is nonsense.
    BadHead,
    /// The handler's event is none that could be passed on.
    Reply,
    /// The sink has refused the handler's event, or did not take it in time.
    Sink,
    /// The output is larger than `max_output`.
    OutputTooLarge,
    /// A file could not be read to its end.
    File,
    /// The handler could not be executed.
    Exec,
    /// No process to be had (EAGAIN, ENOMEM).
    NoProcess,
    /// No file descriptor to be had (EMFILE, ENFILE).
    NoDescriptor,
    /// The deadline passed while the handler ran.
    Timeout,
    /// The client went away before the answer.
    ClientGone,
    /// The upstream could not be reached, or broke off.
    Upstream,
    /// The handler is not up yet.
    Starting,
    /// The handler is down.
    Handler,
    /// heeler is on its way out.
    Draining,
    /// A fault of heeler's own.
    Internal,
}

impl Reason {
    /// Every reason, for the metrics that show all of them at zero from the start.
    pub const ALL: [Reason; 33] = [
        Reason::BadRequest,
        Reason::Method,
        Reason::NotFound,
        Reason::Forbidden,
        Reason::SlowRequest,
        Reason::BodyTooLarge,
        Reason::Expectation,
        Reason::Event,
        Reason::Batch,
        Reason::HeadTooLarge,
        Reason::Full,
        Reason::QueueFull,
        Reason::QueueTimeout,
        Reason::Connections,
        Reason::Exit,
        Reason::Raised,
        Reason::Worker,
        Reason::Signal,
        Reason::BadHead,
        Reason::Reply,
        Reason::Sink,
        Reason::OutputTooLarge,
        Reason::File,
        Reason::Exec,
        Reason::NoProcess,
        Reason::NoDescriptor,
        Reason::Timeout,
        Reason::ClientGone,
        Reason::Upstream,
        Reason::Starting,
        Reason::Handler,
        Reason::Draining,
        Reason::Internal,
    ];

    /// Whether an operator wants to read why: the function's trouble or the machine's, not the caller's.
    pub const fn is_trouble(self) -> bool {
        matches!(
            self,
            Reason::Forbidden
                | Reason::Exit
                | Reason::Raised
                | Reason::Worker
                | Reason::Signal
                | Reason::BadHead
                | Reason::Reply
                | Reason::Sink
                | Reason::OutputTooLarge
                | Reason::File
                | Reason::Exec
                | Reason::NoProcess
                | Reason::NoDescriptor
                | Reason::Timeout
                | Reason::Upstream
                | Reason::Internal
        )
    }

    /// The word as callers, logs and metrics see it.
    pub const fn word(self) -> &'static str {
        match self {
            Reason::BadRequest => "bad_request",
            Reason::Method => "method",
            Reason::NotFound => "not_found",
            Reason::Forbidden => "forbidden",
            Reason::SlowRequest => "slow_request",
            Reason::BodyTooLarge => "body_too_large",
            Reason::Expectation => "expectation",
            Reason::Event => "event",
            Reason::Batch => "batch",
            Reason::HeadTooLarge => "head_too_large",
            Reason::Full => "full",
            Reason::QueueFull => "queue_full",
            Reason::QueueTimeout => "queue_timeout",
            Reason::Connections => "connections",
            Reason::Exit => "exit",
            Reason::Raised => "raised",
            Reason::Worker => "worker",
            Reason::Signal => "signal",
            Reason::BadHead => "bad_head",
            Reason::Reply => "reply",
            Reason::Sink => "sink",
            Reason::OutputTooLarge => "output_too_large",
            Reason::File => "file",
            Reason::Exec => "exec",
            Reason::NoProcess => "no_process",
            Reason::NoDescriptor => "no_descriptor",
            Reason::Timeout => "timeout",
            Reason::ClientGone => "client_gone",
            Reason::Upstream => "upstream",
            Reason::Starting => "starting",
            Reason::Handler => "handler",
            Reason::Draining => "draining",
            Reason::Internal => "internal",
        }
    }
}
