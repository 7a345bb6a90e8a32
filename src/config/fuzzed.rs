//! What has to hold for any text behind a setting: what is taken is shown as one would set it, and read back as the same;
//! and any environment gives settings, or says what is wrong with each of them.
#![allow(clippy::unwrap_used, reason = "a panic is how a check fails")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;

use super::vars::VARS;
use super::{Host, Instance, Kind, Settings, Value, Vars, value};
use crate::front::Address;
use crate::input;
use crate::invoke::upstream::Address as Upstream;

const KINDS: [Kind; 20] = [
    Kind::Flag,
    Kind::Duration,
    Kind::DurationAboveZero,
    Kind::Size,
    Kind::SizeOrUnlimited,
    Kind::Count,
    Kind::CountAboveZero,
    Kind::CountOrAuto,
    Kind::Limit,
    Kind::Port,
    Kind::Choice(&["late", "early"]),
    Kind::Mode,
    Kind::Text,
    Kind::Header,
    Kind::Path,
    Kind::UrlPath,
    Kind::Upstream,
    Kind::Addresses,
    Kind::ExitCodes,
    Kind::Command,
];

/// Any text behind a setting of each kind.
pub fn settings(bytes: &[u8]) {
    let ([choice], bytes) = input::choices(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let choice = usize::from(choice) % (KINDS.len() + 3);
    let Some(kind) = KINDS.get(choice) else {
        return match choice - KINDS.len() {
            0 => sink(text),
            1 => overrides(text),
            _ => joined(text),
        };
    };
    match kind.parse(text) {
        Err(wrong) => assert!(!wrong.0.is_empty()),
        Ok(value) => {
            assert_eq!(kind.parse(&value.to_string()), Ok(value.clone()), "{kind:?} {text:?} is shown as {value}");
            fits(&value, text);
            if *kind == Kind::UrlPath {
                url_path(text);
            }
            if *kind == Kind::Header {
                assert!(HeaderValue::from_str(text).is_ok());
            }
        }
    }
}

fn fits(value: &Value, text: &str) {
    match value {
        // 292 years, as in Go.
        Value::Duration(time) => assert!(time.as_nanos() <= i64::MAX as u128),
        Value::Limit(limit) => assert_ne!(*limit, Some(0)),
        Value::Command(words) => assert!(!words[0].is_empty()),
        Value::ExitCodes(codes, _) => {
            assert_eq!(codes.status(0), None, "0 is always a success");
            let shown: Vec<_> =
                codes.0.iter().map(|(codes, status)| format!("{}-{}:{status}", codes.start(), codes.end())).collect();
            assert_eq!(value::exit_codes(&shown.join(",")).unwrap(), *codes, "{text:?}");
        }
        Value::Addresses(addresses, _) => {
            let shown: Vec<_> = addresses.iter().map(address).collect();
            assert_eq!(value::addresses(&shown.join(" , ")).unwrap(), *addresses, "{text:?}");
        }
        Value::Upstream(upstream, _) => {
            let shown = match upstream {
                Upstream::Tcp { host, port, base } if host.contains(':') => format!("http://[{host}]:{port}{base}"),
                Upstream::Tcp { host, port, base } => format!("HTTP://{host}:{port}{base}///"),
                Upstream::Unix(path) => format!("unix://{}", path.display()),
                Upstream::Free => panic!("{text:?} names no upstream"),
            };
            assert_eq!(value::upstream(&shown).unwrap(), *upstream, "{text:?}");
        }
        _ => {}
    }
}

fn address(address: &Address) -> String {
    match address {
        Address::Tcp { host: None, port } => format!(":{port}"),
        Address::Tcp { host: Some(host), port } => std::net::SocketAddr::new(*host, *port).to_string(),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}

/// It is asked for as it was set, or a start would wait for an answer that never comes.
fn url_path(text: &str) {
    let target = text.parse::<Uri>().unwrap_or_else(|error| panic!("{text:?} is taken and cannot be asked: {error}"));
    let asked = target.path_and_query().map(|target| target.as_str());
    assert_eq!(asked, Some(text), "another path is asked than was set");
}

fn sink(text: &str) {
    let Ok(sink) = value::sink(text) else { return };
    assert_eq!(value::sink(&sink.url).unwrap(), sink);
    assert!(sink.path.path().starts_with('/') && sink.path.authority().is_none(), "{text:?}");
    assert!(!sink.authority.is_empty() && sink.extensions.is_empty());
}

fn overrides(text: &str) {
    let Ok(extensions) = value::overrides(text) else { return };
    let members: Vec<_> = extensions
        .iter()
        .map(|(name, value)| format!("\"{name}\": {}", serde_json::to_string(value).unwrap()))
        .collect();
    let shown = format!(" {{\"other\":[1], \"extensions\" : {{{}}}}}", members.join(","));
    assert_eq!(value::overrides(&shown).unwrap(), extensions, "{text:?}");
    assert!(extensions.iter().all(|(name, _)| crate::event::is_extension(name)));
}

/// Two durations in a row are their sum, and a size without its unit is that many units.
fn joined(text: &str) {
    let (one, other) = text.split_once(' ').unwrap_or((text, ""));
    let has_unit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit()) && text.ends_with(char::is_alphabetic);
    if has_unit(one)
        && has_unit(other)
        && let (Ok(first), Ok(second)) = (value::duration(one), value::duration(other))
    {
        let sum = value::duration(&format!("{one}{other}"));
        assert_eq!(sum.ok(), Some(first + second).filter(|sum| *sum <= Duration::from_nanos(i64::MAX as u64)));
    }
    let digits = one.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if let (Ok(number), Ok(bytes)) = (digits.parse::<u64>(), value::size(one)) {
        assert_eq!(value::size(&one.to_ascii_lowercase()), Ok(bytes));
        assert!(number == 0 && bytes == 0 || number > 0 && bytes.is_multiple_of(number), "{one:?}");
    }
}

/// Any lines of `name=value` as the environment.
pub fn environment(bytes: &[u8]) {
    let pairs = bytes.split(|byte| *byte == b'\n').filter_map(|line| {
        let at = line.iter().position(|byte| *byte == b'=')?;
        // A number stands for a name of the table.
        let name = match &line[..at] {
            [number] => VARS[usize::from(*number) % VARS.len()].name.as_bytes(),
            name => name,
        };
        Some((OsStr::from_bytes(name), OsStr::from_bytes(&line[at + 1..])))
    });
    let vars: Vars = pairs.filter(|(_, value)| !value.as_bytes().contains(&b'/')).collect();
    let host = Host { memory_limit: Some(64 << 20), folder: "/nowhere".into(), ..Host::default() };
    match Settings::from_vars(&[], &vars, &host) {
        Err(rejected) => {
            assert!(!rejected.mistakes.is_empty());
            assert!(rejected.mistakes.iter().all(|mistake| !mistake.name.is_empty() && !mistake.text.is_empty()));
        }
        Ok((settings, origins)) => {
            assert!(!settings.front.listen.is_empty() && !settings.mode_reason.is_empty());
            assert!(origins.iter().all(|origin| !origin.from.is_empty()), "{origins:?}");
            let instance = Instance::from_vars(&vars).unwrap();
            assert_eq!((instance.listen, instance.lock_file), (settings.front.listen, settings.app.lock_file));
        }
    }
}
