//! What may stand behind a name: pure parsers, text in and value out.
//!
//! A parser does not know which setting it reads. It says what is wrong with the text and what
//! would work; the reader puts the name and the value in front.

mod address;
mod exit_codes;
mod sink;
mod size;
mod upstream;

use hyper::http::uri::PathAndQuery;

pub use crate::duration::{parse as duration, show as show_duration};
pub use address::{addresses, host};
pub use exit_codes::exit_codes;
pub use sink::{overrides, sink};
pub use size::{show_size, size};
pub use upstream::upstream;

/// The end of a message: what is wrong with the text, and what works.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

impl From<&str> for Wrong {
    fn from(text: &str) -> Wrong {
        Wrong(text.to_owned())
    }
}

impl From<crate::duration::Wrong> for Wrong {
    fn from(wrong: crate::duration::Wrong) -> Wrong {
        Wrong(wrong.0.to_owned())
    }
}

/// `true`, `1`, `yes`, `on`, `t`, `y` and their opposites, in any case.
pub fn flag(text: &str) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Ok(true),
        "false" | "0" | "no" | "off" | "f" | "n" => Ok(false),
        _ => Err("is neither true nor false (try true or false)".into()),
    }
}

/// A whole number from 0 up.
pub fn count(text: &str) -> Result<u64, Wrong> {
    text.parse().map_err(|_| "is not a whole number (try 0, 1, 100)".into())
}

/// A whole number of which zero and everything below mean "off".
pub fn limit(text: &str) -> Result<Option<u64>, Wrong> {
    let number: i64 = text.parse().map_err(|_| Wrong::from("is not a whole number (try 100; 0 is off)"))?;
    Ok(u64::try_from(number).ok().filter(|limit| *limit > 0))
}

/// A TCP port.
pub fn port(text: &str) -> Result<u16, Wrong> {
    text.parse().map_err(|_| "is not a port (try 8080, at most 65535)".into())
}

/// One of a fixed set of words, in any case.
pub fn choice(text: &str, words: &[&'static str]) -> Result<&'static str, Wrong> {
    let word = words.iter().find(|word| word.eq_ignore_ascii_case(text));
    word.copied().ok_or_else(|| Wrong(format!("is not one of its values (try {})", words.join(", "))))
}

/// A command line: words with shell-like quoting, but no shell behind it.
pub fn command_line(text: &str) -> Result<Vec<String>, Wrong> {
    match shell_words::split(text) {
        Ok(words) if words.first().is_some_and(|program| !program.is_empty()) => Ok(words),
        Ok(_) => Err("names no program (try cat, or \"/app/run --fast\")".into()),
        Err(_) => Err("has a quote that is never closed (write \\\" or \\' for a quote itself)".into()),
    }
}

/// A path of a URL that heeler asks by itself. One that could not be asked just so would never be answered well.
pub fn url_path(text: &str) -> Result<String, Wrong> {
    let is_asked_so = || text.parse::<PathAndQuery>().is_ok_and(|path| path.as_str() == text);
    if is_path(text) && is_asked_so() {
        Ok(text.to_owned())
    } else {
        Err("is not a path (it starts with /, and has no blanks and no fragment, try /ready)".into())
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic())
}

const NO_PATH: &str = "has bytes in its path that no path has (percent-escape them)";

/// What is asked of a server, from where its name ends in a URL: path and query. A fragment stays with the client (RFC
/// 9110 §7.1).
pub fn url_target(text: &str) -> Result<String, Wrong> {
    let text = text.split('#').next().unwrap_or_default();
    let path = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
    if is_path(&path) { Ok(path) } else { Err(NO_PATH.into()) }
}

/// A value that is sent as an HTTP header.
pub fn header_value(text: &str) -> Result<String, Wrong> {
    let fits = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err("cannot be sent as a header (try application/json)".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_generous_and_closed() {
        for (text, expect) in [("true", true), ("T", true), ("YES", true), ("1", true), ("On", true), ("y", true)] {
            assert_eq!(flag(text), Ok(expect), "{text}");
        }
        for text in ["false", "F", "No", "0", "OFF", "n"] {
            assert_eq!(flag(text), Ok(false), "{text}");
        }
        for text in ["", "2", "maybe", "truee"] {
            assert!(flag(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_whole() {
        assert_eq!(count("0"), Ok(0));
        assert_eq!(count("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "-1", "1.5", "1e3", "18446744073709551616", "0x10"] {
            assert!(count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_below_one_is_off() {
        for (text, expect) in [("5", Some(5)), ("0", None), ("-1", None), ("-7", None)] {
            assert_eq!(limit(text), Ok(expect), "{text}");
        }
        assert!(limit("many").is_err());
    }

    #[test]
    fn ports_fit_in_sixteen_bits() {
        assert_eq!(port("65535"), Ok(65535));
        for text in ["65536", "-1", "abc", "80 "] {
            assert!(port(text).is_err(), "{text}");
        }
    }

    #[test]
    fn choices_list_what_works() {
        assert_eq!(choice("LATE", &["late", "early"]), Ok("late"));
        assert_eq!(choice("soon", &["late", "early"]).unwrap_err().0, "is not one of its values (try late, early)");
    }

    #[test]
    fn command_lines_split_by_quotes_not_by_a_shell() {
        fn check(text: &str, expect: &[&str]) {
            assert_eq!(command_line(text).unwrap(), expect, "{text}");
        }
        check("cat", &["cat"]);
        check("sh  -c true", &["sh", "-c", "true"]);
        check("sh -c 'echo \"$HOME\"'", &["sh", "-c", "echo \"$HOME\""]);
        check("env a=b=c run ''", &["env", "a=b=c", "run", ""]);
        for text in ["", "  ", "''", "sh -c 'oops", "cat \""] {
            assert!(command_line(text).is_err(), "{text}");
        }
    }

    #[test]
    fn url_paths_start_with_a_slash() {
        assert!(url_path("/ready?x=1").is_ok());
        for text in ["ready", "", "/a b", "/ä"] {
            assert!(url_path(text).is_err(), "{text}");
        }
    }

    /// `ready_path=/a<b` was taken, and a function that was well was never ready; `/a#b` asked for `/a`.
    #[test]
    fn a_path_that_cannot_be_asked_as_it_is_set_is_refused() {
        for text in ["/a<b", "/a>b", "/a`b", "/a#b", "/a?b#", "/a?b<"] {
            assert!(url_path(text).is_err(), "{text}");
        }
        assert_eq!(url_target("/a?b#c").unwrap(), "/a?b", "a fragment stays with the client");
    }

    #[test]
    fn header_values_have_no_control_bytes() {
        assert!(header_value("text/plain; charset=utf-8").is_ok());
        assert!(header_value("text/plain\r\nX: y").is_err());
    }
}
