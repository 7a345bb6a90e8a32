//! What may stand behind a name, and the value that it becomes.

use std::time::Duration;

use super::{mode, value};
use crate::front::Address;
use crate::invoke::ExitCodes;
use crate::invoke::upstream::Address as UpstreamAddress;
use value::Wrong;

/// What may stand behind a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Flag,
    /// A length of time.
    Duration,
    /// A length of time that is not 0.
    DurationAboveZero,
    /// A size in bytes.
    Size,
    /// A size in bytes, or -1.
    SizeOrUnlimited,
    /// A whole number.
    Count,
    /// A whole number that is not 0.
    CountAboveZero,
    /// A whole number that is not 0, or `auto`.
    CountOrAuto,
    /// A whole number; 0 and below is off.
    Limit,
    /// A TCP port.
    Port,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A mode.
    Mode,
    /// Any text.
    Text,
    /// Text that is sent as an HTTP header.
    Header,
    /// A file or folder.
    Path,
    /// The path of a URL.
    UrlPath,
    /// The address of an upstream.
    Upstream,
    /// Addresses to listen on.
    Addresses,
    /// Exit codes and statuses.
    ExitCodes,
    /// A command line.
    Command,
}

/// A value that was read, or a default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// True or false.
    Flag(bool),
    /// A length of time.
    Duration(Duration),
    /// A size in bytes.
    Size(u64),
    /// A size, or none.
    SizeLimit(Option<u64>),
    /// A whole number.
    Count(u64),
    /// A number, or none.
    Limit(Option<u64>),
    /// A TCP port.
    Port(u16),
    /// One of a fixed set of words.
    Word(&'static str),
    /// Any text.
    Text(String),
    /// Addresses to listen on, with the text that they were read from.
    Addresses(Vec<Address>, String),
    /// Where an upstream listens, with the text that it was read from.
    Upstream(UpstreamAddress, String),
    /// Exit codes and statuses, with the text that they were read from.
    ExitCodes(ExitCodes, String),
    /// A command line, split.
    Command(Vec<String>),
}

impl Kind {
    /// Reads a value of this kind.
    pub fn parse(self, text: &str) -> Result<Value, Wrong> {
        Ok(match self {
            Kind::Flag => Value::Flag(value::flag(text)?),
            Kind::Duration => Value::Duration(value::duration(text)?),
            Kind::DurationAboveZero => Value::Duration(above_zero(value::duration(text)?, "10s")?),
            Kind::Size => Value::Size(value::size(text)?),
            Kind::SizeOrUnlimited => size_or_unlimited(text)?,
            Kind::Count => Value::Count(value::count(text)?),
            Kind::CountAboveZero => Value::Count(above_zero(value::count(text)?, "1")?),
            Kind::CountOrAuto if text.eq_ignore_ascii_case("auto") => Value::Word("auto"),
            Kind::CountOrAuto => Value::Count(above_zero(value::count(text)?, "1 or auto")?),
            Kind::Limit => Value::Limit(value::limit(text)?),
            Kind::Port => Value::Port(value::port(text)?),
            Kind::Choice(words) => Value::Word(value::choice(text, words)?),
            Kind::Mode => Value::Word(mode::named(text)?.name()),
            Kind::Text | Kind::Path => Value::Text(text.to_owned()),
            Kind::Header => Value::Text(value::header_value(text)?),
            Kind::UrlPath => Value::Text(value::url_path(text)?),
            Kind::Upstream => Value::Upstream(value::upstream(text)?, text.to_owned()),
            Kind::Addresses => Value::Addresses(value::addresses(text)?, text.to_owned()),
            Kind::ExitCodes => Value::ExitCodes(value::exit_codes(text)?, text.to_owned()),
            Kind::Command => Value::Command(value::command_line(text)?),
        })
    }

    /// What works, in a few words.
    pub fn describe(self) -> String {
        match self {
            Kind::Flag => "true, false".to_owned(),
            Kind::Duration | Kind::DurationAboveZero => "duration".to_owned(),
            Kind::Size => "size".to_owned(),
            Kind::SizeOrUnlimited => "size or -1".to_owned(),
            Kind::Count | Kind::CountAboveZero | Kind::Limit => "number".to_owned(),
            Kind::CountOrAuto => "number or auto".to_owned(),
            Kind::Port => "port".to_owned(),
            Kind::Choice(words) => words.join(", "),
            Kind::Mode => mode::names(),
            Kind::Text | Kind::Header => "text".to_owned(),
            Kind::Path | Kind::UrlPath => "path".to_owned(),
            Kind::Upstream => "URL".to_owned(),
            Kind::Addresses => "addresses".to_owned(),
            Kind::ExitCodes => "codes".to_owned(),
            Kind::Command => "command line".to_owned(),
        }
    }
}

fn above_zero<T: PartialEq + std::default::Default>(value: T, try_this: &str) -> Result<T, Wrong> {
    if value == T::default() { Err(Wrong(format!("is 0, which cannot work (try {try_this})"))) } else { Ok(value) }
}

/// of-watchdog's odd value: -1 lifts the limit.
fn size_or_unlimited(text: &str) -> Result<Value, Wrong> {
    if text == "-1" {
        return Ok(Value::SizeLimit(None));
    }
    let bytes = value::size(text).map_err(|Wrong(wrong)| Wrong(wrong.replace("(try ", "(try -1 for the most, ")))?;
    Ok(Value::SizeLimit(Some(above_zero(bytes, "64Ki, or -1 for the most")?)))
}

impl std::fmt::Display for Value {
    /// As one would set it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Duration(duration) => f.write_str(&value::show_duration(*duration)),
            Value::Size(bytes) | Value::SizeLimit(Some(bytes)) => f.write_str(&value::show_size(*bytes)),
            Value::SizeLimit(None) => f.write_str("-1"),
            Value::Count(number) => write!(f, "{number}"),
            Value::Limit(limit) => write!(f, "{}", limit.unwrap_or(0)),
            Value::Port(port) => write!(f, "{port}"),
            Value::Word(word) => f.write_str(word),
            Value::Text(text) | Value::Addresses(_, text) | Value::Upstream(_, text) | Value::ExitCodes(_, text) => {
                f.write_str(text)
            }
            Value::Command(words) => f.write_str(&shell_words::join(words)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_one_would_set_them() {
        for (kind, text, shown) in [
            (Kind::Flag, "YES", "true"),
            (Kind::Duration, "90", "1m30s"),
            (Kind::SizeOrUnlimited, "65536", "64Ki"),
            (Kind::SizeOrUnlimited, "-1", "-1"),
            (Kind::Limit, "-3", "0"),
            (Kind::CountOrAuto, "AUTO", "auto"),
            (Kind::Choice(&["late", "early"]), "Early", "early"),
            (Kind::Mode, "HTTP", "http"),
            (Kind::Command, "sh  -c 'a b'", "sh -c 'a b'"),
            (Kind::ExitCodes, "3:422", "3:422"),
            (Kind::Upstream, "http://a:80/", "http://a:80/"),
        ] {
            assert_eq!(kind.parse(text).unwrap().to_string(), shown, "{text}");
        }
    }

    #[test]
    fn zero_is_refused_where_it_cannot_work() {
        for kind in [Kind::DurationAboveZero, Kind::CountAboveZero, Kind::CountOrAuto, Kind::SizeOrUnlimited] {
            let wrong = kind.parse("0").unwrap_err();
            assert!(wrong.0.starts_with("is 0, which cannot work (try "), "{wrong}");
        }
    }

    #[test]
    fn only_minus_one_lifts_the_line_limit() {
        let wrong = Kind::SizeOrUnlimited.parse("-2").unwrap_err();
        assert_eq!(wrong.0, "is not a size (try -1 for the most, 65536, 64k, 10Mi, 256MB)");
    }
}
