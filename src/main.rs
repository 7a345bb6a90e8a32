//! Picks the command, runs it, and turns its end into one line and an exit code.

fn main() {}
