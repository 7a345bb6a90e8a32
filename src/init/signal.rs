//! Signals by name and number, and what they become on their way to the command.

use std::str::FromStr;

use nix::sys::signal::Signal;

use crate::process::plain::FAULTS;

/// The last one (`_NSIG` of the kernel).
const LAST: i32 = 64;
/// SIGRTMIN as programs count: their C library keeps the two below for itself.
const RTMIN: i32 = 34;

/// `TERM`, `SIGTERM`, `sigterm`, `15`, `RTMIN+3`, `RTMAX-1`.
pub(super) fn parse(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse() {
        return (1..=LAST).contains(&number).then_some(number);
    }
    let upper = text.to_ascii_uppercase();
    let short = upper.strip_prefix("SIG").unwrap_or(&upper);
    real_time(short).or_else(|| Signal::from_str(&format!("SIG{short}")).ok().map(|signal| signal as i32))
}

fn real_time(name: &str) -> Option<i32> {
    let offset = |text: &str, sign| match text.strip_prefix(sign) {
        Some(number) => number.parse::<u8>().ok().map(i32::from),
        None => text.is_empty().then_some(0),
    };
    let number = match (name.strip_prefix("RTMIN"), name.strip_prefix("RTMAX")) {
        (Some(rest), _) => RTMIN + offset(rest, '+')?,
        (_, Some(rest)) => LAST - offset(rest, '-')?,
        _ => return None,
    };
    (RTMIN..=LAST).contains(&number).then_some(number)
}

/// `SIGTERM`, `SIGRTMIN+3`; a plain number for the two that have no name.
pub(super) fn name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(named) => named.as_str().to_owned(),
        Err(_) if signal >= RTMIN => format!("SIGRTMIN+{}", signal - RTMIN),
        Err(_) => format!("signal {signal}"),
    }
}

/// Whether it ever gets into our hands to be passed on.
fn forwarded(signal: i32) -> bool {
    let never = [libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD];
    !never.contains(&signal) && !FAULTS.contains(&signal)
}

/// What every signal is passed on as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rewrite([Option<i32>; LAST as usize + 1]);

/// Why `A:B` is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RewriteError {
    #[error("{0:?} is not of the form A:B (TERM:QUIT, or HUP:0 to drop it)")]
    Form(String),
    #[error("{0}")]
    Unknown(#[from] UnknownSignal),
    #[error("{0} is never passed on, so it cannot be rewritten")]
    NotForwarded(String),
}

/// Not a signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a signal (names like TERM, SIGTERM or RTMIN+3, or 1 to 64)")]
pub(super) struct UnknownSignal(pub(super) String);

impl Rewrite {
    /// Everything as it is.
    pub(super) fn none() -> Rewrite {
        let mut table = [None; LAST as usize + 1];
        for (entry, signal) in table.iter_mut().zip(0..) {
            *entry = Some(signal);
        }
        Rewrite(table)
    }

    /// Adds `A:B`. The last word on a signal counts.
    pub(super) fn add(&mut self, text: &str) -> Result<(), RewriteError> {
        let (from, to) = text.split_once(':').ok_or_else(|| RewriteError::Form(text.to_owned()))?;
        let known = |text: &str| parse(text).ok_or_else(|| UnknownSignal(text.to_owned()));
        let from = known(from)?;
        if !forwarded(from) {
            return Err(RewriteError::NotForwarded(name(from)));
        }
        let to = if to == "0" { None } else { Some(known(to)?) };
        self.0[usize::try_from(from).unwrap_or(0)] = to;
        Ok(())
    }

    /// What to send; `None` drops it.
    pub(super) fn of(&self, signal: i32) -> Option<i32> {
        usize::try_from(signal).ok().and_then(|signal| *self.0.get(signal)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        for (text, expect) in [
            ("TERM", Some(15)),
            ("SIGTERM", Some(15)),
            ("sigusr1", Some(10)),
            ("15", Some(15)),
            ("64", Some(64)),
            ("RTMIN", Some(34)),
            ("SIGRTMIN+3", Some(37)),
            ("RTMAX", Some(64)),
            ("RTMAX-30", Some(34)),
            ("RTMAX-31", None),
            ("RTMIN+31", None),
            ("RTMIN+", None),
            ("RTMIN3", None),
            ("0", None),
            ("65", None),
            ("-1", None),
            ("", None),
            ("SIGSIGTERM", None),
            ("NOPE", None),
        ] {
            assert_eq!(parse(text), expect, "{text}");
        }
    }

    #[test]
    fn every_name_is_read_back() {
        for signal in (1..=31).chain(RTMIN..=LAST) {
            assert_eq!(parse(&name(signal)), Some(signal));
        }
        assert_eq!(name(32), "signal 32");
    }

    #[test]
    fn a_rewrite_is_one_step() {
        let mut rewrite = Rewrite::none();
        for text in ["TERM:QUIT", "QUIT:INT", "HUP:0", "40:SIGTERM", "USR1:USR2", "USR1:KILL"] {
            rewrite.add(text).unwrap();
        }
        for (from, to) in
            [(15, Some(3)), (3, Some(2)), (1, None), (40, Some(15)), (10, Some(9)), (12, Some(12)), (64, Some(64))]
        {
            assert_eq!(rewrite.of(from), to, "{from}");
        }
    }

    #[test]
    fn a_wrong_rewrite_is_named() {
        for (text, expect) in [
            ("TERM", "\"TERM\" is not of the form A:B (TERM:QUIT, or HUP:0 to drop it)"),
            ("FOO:TERM", "\"FOO\" is not a signal (names like TERM, SIGTERM or RTMIN+3, or 1 to 64)"),
            ("TERM:65", "\"65\" is not a signal (names like TERM, SIGTERM or RTMIN+3, or 1 to 64)"),
            ("KILL:TERM", "SIGKILL is never passed on, so it cannot be rewritten"),
            ("17:0", "SIGCHLD is never passed on, so it cannot be rewritten"),
            ("SEGV:TERM", "SIGSEGV is never passed on, so it cannot be rewritten"),
        ] {
            assert_eq!(Rewrite::none().add(text).unwrap_err().to_string(), expect);
        }
    }
}
