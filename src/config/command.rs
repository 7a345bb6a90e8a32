//! Which command handles the calls.

use super::kind::Value;
use super::read::Reader;
use super::{Host, Vars, own};
use crate::invoke::Mode;

/// The command: heeler's own arguments, else `function_process`, else `fprocess`.
pub(super) fn command(reader: &mut Reader<'_>, args: &[String], vars: &Vars, host: &Host) -> Option<Vec<String>> {
    let set = match reader.given("fprocess") {
        Some(Value::Command(words)) => Some(words.clone()),
        _ => None,
    };
    let is_heeler = |words: &[String]| {
        let program = words.first().map_or("", String::as_str);
        own::is_heeler(program, vars.path(), host.own_program.as_deref())
    };
    // Static mode is never inferred. As in of-watchdog, a command that was left in the image is no mistake there.
    if reader.word_if_set("mode") == Some(Mode::Static.name()) {
        if !args.is_empty() && !is_heeler(args) {
            reader.warn("fprocess", format!("{:?} in the arguments has no effect in static mode", args[0]));
        }
        return None;
    }
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
            let text =
                format!("{:?} in the arguments is heeler itself (set fprocess to what handles the calls)", args[0]);
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
        let text = match mode {
            Mode::Http => "is not set (set fprocess to the server that calls are passed on to, such as node server.js)",
            _ => "is not set (set it to a command such as cat, or run heeler cat)",
        };
        reader.mistake("fprocess", text.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str], vars: &[(&str, &str)], expect: Result<&[&str], &str>) {
        let all: Vars = vars.iter().copied().collect();
        let mut reader = Reader::new(&all);
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        let words = command(&mut reader, &args, &all, &Host::default());
        super::check(&mut reader, words.as_deref(), Mode::Streaming);
        let mistakes: Vec<_> = reader.mistakes.iter().map(ToString::to_string).collect();
        match expect {
            Ok(expect) => {
                assert_eq!(mistakes, [""; 0], "{args:?} {vars:?}");
                assert_eq!(words.unwrap_or_default(), expect, "{args:?} {vars:?}");
            }
            Err(expect) => {
                assert_eq!(mistakes.len(), 1, "{mistakes:?}");
                assert!(mistakes[0].starts_with(expect), "{mistakes:?}");
            }
        }
    }

    #[test]
    fn the_nearest_command_wins() {
        let (short, long) = (("fprocess", "cat -n"), ("function_process", "sh -c 'a b'"));
        check(&["wc", "-l"], &[short, long], Ok(&["wc", "-l"]));
        check(&[], &[short, long], Ok(&["sh", "-c", "a b"]));
        check(&[], &[short], Ok(&["cat", "-n"]));
        check(&[], &[("fprocess", "")], Err("fprocess: is not set"));
    }

    #[test]
    fn a_server_is_a_command_and_a_folder_needs_none() {
        for (mode, mistakes) in [(Mode::Http, 1), (Mode::Static, 0)] {
            let all = Vars::default();
            let mut reader = Reader::new(&all);
            super::check(&mut reader, None, mode);
            assert_eq!(reader.mistakes.len(), mistakes, "{mode:?}");
        }
        for (args, fprocess, warnings) in [(&["fwatchdog"][..], "of-watchdog", 0), (&["nginx"], "cat", 1)] {
            let all: Vars = [("mode", "static"), ("fprocess", fprocess)].into_iter().collect();
            let mut reader = Reader::new(&all);
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            assert_eq!(command(&mut reader, &args, &all, &Host::default()), None);
            assert_eq!((reader.mistakes.len(), reader.warnings.len()), (0, warnings), "{args:?}");
        }
    }

    #[test]
    fn heeler_itself_is_no_command() {
        check(&["fwatchdog"], &[("fprocess", "cat")], Ok(&["cat"]));
        check(&["heeler"], &[("function_process", "cat")], Ok(&["cat"]));
        check(&["fwatchdog"], &[], Err("fprocess: \"fwatchdog\" in the arguments is heeler itself"));
        check(&[], &[("fprocess", "of-watchdog")], Err("fprocess: \"of-watchdog\" is heeler itself"));
        check(&["fwatchdog"], &[("fprocess", "cat '")], Err("fprocess: \"cat '\" has a quote"));
    }
}
