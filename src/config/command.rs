//! Which command handles the calls.

use super::kind::Value;
use super::read::Reader;
use super::{Host, own};
use crate::invoke::Mode;

/// The command: heeler's own arguments, else `function_process`, else `fprocess`.
pub(super) fn command(reader: &mut Reader<'_>, args: &[String], host: &Host) -> Option<Vec<String>> {
    let set = match reader.given("fprocess") {
        Some(Value::Command(words)) => Some(words.clone()),
        _ => None,
    };
    let path = reader.platform("PATH").unwrap_or_default();
    let is_heeler = |words: &[String]| {
        let program = words.first().map_or("", String::as_str);
        own::is_heeler(program, &path, host.own_program.as_deref())
    };
    if !args.is_empty() && !is_heeler(args) {
        reader.resolve("fprocess", shell_words::join(args), "arguments".to_owned());
        return Some(args.to_vec());
    }
    match set {
        Some(words) if is_heeler(&words) => {
            let by = reader.set_by("fprocess").unwrap_or("fprocess");
            reader.mistake(by, format!("{:?} is heeler itself (name the program that handles the calls)", words[0]));
            Some(words)
        }
        Some(words) => Some(words),
        None if !args.is_empty() && !reader.is_set("fprocess") => {
            let text = format!("{:?} in the arguments is heeler itself (set fprocess to what handles the calls)", args[0]);
            reader.mistake("fprocess", text);
            Some(args.to_vec())
        }
        None => None,
    }
}

/// Notes a command that is missing.
pub(super) fn check(reader: &mut Reader<'_>, command: Option<&[String]>, mode: Mode) {
    let may_lack = matches!(mode, Mode::Static | Mode::Warm | Mode::Lambda);
    if command.is_none() && !may_lack && !reader.is_set("fprocess") {
        reader.mistake("fprocess", "is not set (set it to a command such as cat, or run heeler cat)".to_owned());
    }
}
