//! A fixture for tests of signals: blocks them all, says `PID ready`, then `PID N` for every signal N that it gets.
//! Only KILL ends it.

use std::io::Write;

fn main() -> std::io::Result<()> {
    // The kernel's own set, a bit for each of 1 to 64: the C libraries' sets leave some out.
    let all = u64::MAX;
    let size = size_of_val(&all);
    let nothing = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: the set is ours and of the given size; null means that the old one is not asked for.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, nothing, size) };
    let pid = std::process::id();
    let mut out = std::io::stdout();
    writeln!(out, "{pid} ready")?;
    loop {
        // SAFETY: as above; null means no details and no time limit.
        let signal = unsafe { libc::syscall(libc::SYS_rt_sigtimedwait, &raw const all, nothing, nothing, size) };
        if signal > 0 {
            writeln!(out, "{pid} {signal}")?;
        }
    }
}
