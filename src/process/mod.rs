//! Lives and dies: spawn, reap, end a tree. The only folder that starts processes.

mod program;

pub use program::{DEFAULT_PATH, ProgramError, find_program};
