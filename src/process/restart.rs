//! When to start a process again: a pure state machine.

/// What happens when a long-lived handler dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It is started again.
    Always,
    /// The container ends with the handler's code.
    Never,
}
