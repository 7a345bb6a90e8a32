//! What the tests' own runner ignores is not what they test.

/// Those that shells ignore in a job in the background, and nohup: what ignores a signal hands that on.
pub const IGNORED_OUTSIDE: [i32; 3] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT];

/// A child's step between fork and exec, nothing but system calls.
pub fn restore() -> std::io::Result<()> {
    for signal in IGNORED_OUTSIDE {
        // SAFETY: no handler is set, only the default.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    Ok(())
}
