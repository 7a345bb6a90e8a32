//! Arguments → which command.

use std::ffi::OsString;
use std::fmt::Write;

use lexopt::Arg;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Serve calls, with the command if one was given.
    Serve {
        /// The command and its arguments; empty: what the settings say.
        args: Vec<String>,
    },
    /// The plain init; its options are its own business.
    Init(Vec<OsString>),
    /// Print the settings.
    Check {
        /// As for serve.
        args: Vec<String>,
    },
    /// Probe the instance in this container.
    Health,
    /// Send a call to a running function; its options are its own business.
    Invoke(Vec<OsString>),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// A command line that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// An option that there is not.
    #[error("{0:?} is not an option (try --help; a command that begins with a dash goes behind --)")]
    Option(String),
    /// A word where none belongs.
    #[error("{word:?} is one word too many (heeler {command} takes none)")]
    Surplus {
        /// The subcommand.
        command: &'static str,
        /// The first word behind it.
        word: String,
    },
    /// An argument that is not UTF-8.
    #[error("{0:?} is not UTF-8 (arguments of a command have to be)")]
    NotText(OsString),
}

/// Reads the arguments behind the program's own name, which does not matter: a link called
/// `fwatchdog` is heeler too.
pub fn parse<I>(args: I) -> Result<Command, UsageError>
where
    I: IntoIterator<Item = OsString>,
{
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(command) = go_flag(&args) {
        return Ok(command);
    }
    // Behind `--` all is the command, be its name that of a subcommand.
    if args.first().is_some_and(|first| first == "--") {
        return Ok(Command::Serve { args: texts(&args[1..])? });
    }
    match lexopt::Parser::from_args(args.clone()).next() {
        Ok(None) => Ok(Command::Serve { args: Vec::new() }),
        Ok(Some(Arg::Short('h') | Arg::Long("help"))) => Ok(Command::Help),
        Ok(Some(Arg::Short('V') | Arg::Long("version"))) => Ok(Command::Version),
        Ok(Some(Arg::Long("run-healthcheck"))) => alone("--run-healthcheck", Command::Health, &args[1..]),
        Ok(Some(Arg::Value(_))) => subcommand(&args),
        Ok(Some(_)) | Err(_) => Err(UsageError::Option(args[0].to_string_lossy().into_owned())),
    }
}

/// The peers' flags come from Go, where one dash is as good as two.
fn go_flag(args: &[OsString]) -> Option<Command> {
    match args.first()?.to_str()? {
        "-version" => Some(Command::Version),
        "-help" => Some(Command::Help),
        "-run-healthcheck" => Some(Command::Health),
        _ => None,
    }
}

fn subcommand(args: &[OsString]) -> Result<Command, UsageError> {
    let rest = &args[1..];
    match args[0].to_str() {
        Some("init") => Ok(Command::Init(rest.to_vec())),
        Some("check") => Ok(Command::Check { args: texts(behind_dashes(rest)?)? }),
        Some("health") => alone("health", Command::Health, rest),
        Some("invoke") => Ok(Command::Invoke(rest.to_vec())),
        _ => Ok(Command::Serve { args: texts(args)? }),
    }
}

/// The command behind `check`, with or without `--`.
fn behind_dashes(args: &[OsString]) -> Result<&[OsString], UsageError> {
    match args.first().map(|first| first.to_string_lossy()) {
        Some(first) if first == "--" => Ok(&args[1..]),
        Some(first) if first.starts_with('-') => Err(UsageError::Option(first.into_owned())),
        _ => Ok(args),
    }
}

fn alone(name: &'static str, command: Command, rest: &[OsString]) -> Result<Command, UsageError> {
    match rest.first() {
        None => Ok(command),
        Some(word) => Err(UsageError::Surplus { command: name, word: word.to_string_lossy().into_owned() }),
    }
}

fn texts(args: &[OsString]) -> Result<Vec<String>, UsageError> {
    args.iter().map(|arg| arg.clone().into_string().map_err(UsageError::NotText)).collect()
}

/// What `--help` prints, with the settings at its end.
pub fn help(settings: &str) -> String {
    let mut text = USAGE.to_owned();
    let _ = write!(text, "\nSettings (environment variables; docs/config.md has more):\n{settings}");
    text
}

/// What `--version` prints.
pub const VERSION: &str = concat!("heeler ", env!("CARGO_PKG_VERSION"), "\n");

const USAGE: &str = "\
heeler turns a program into an HTTP function.

  heeler                       run what the environment says
  heeler [--] CMD ARG...       the same with the command given
  heeler init [options] -- CMD a plain init: forward signals, reap, exit with CMD's code
  heeler check [--] [CMD ...]  print the settings and where each came from
  heeler health                probe the instance in this container (also --run-healthcheck)
  heeler invoke [URL] [...]    send one call or event to a running function (invoke --help)
  heeler --help | --version

Exit codes: 0 ended well, 64 bad settings, 126 the handler is not executable,
127 the handler is not found, 1 anything else.
";

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn parsed(line: &str) -> Result<Command, UsageError> {
        parse(line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    fn serve(words: &[&str]) -> Command {
        Command::Serve { args: words.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn command_lines() {
        for (line, expect) in [
            ("", serve(&[])),
            ("--", serve(&[])),
            ("cat -n", serve(&["cat", "-n"])),
            ("-- check", serve(&["check"])),
            ("-- -x --help", serve(&["-x", "--help"])),
            ("sh -- --version", serve(&["sh", "--", "--version"])),
            ("init -g -- cat", Command::Init(vec!["-g".into(), "--".into(), "cat".into()])),
            ("check", Command::Check { args: vec![] }),
            ("check cat -n", Command::Check { args: vec!["cat".into(), "-n".into()] }),
            ("check -- -x", Command::Check { args: vec!["-x".into()] }),
            ("health", Command::Health),
            ("--run-healthcheck", Command::Health),
            ("-run-healthcheck", Command::Health),
            ("invoke --event -h", Command::Invoke(vec!["--event".into(), "-h".into()])),
            ("-h", Command::Help),
            ("--help", Command::Help),
            ("-V", Command::Version),
            ("--version", Command::Version),
            ("-version", Command::Version),
        ] {
            assert_eq!(parsed(line), Ok(expect), "{line}");
        }
    }

    #[test]
    fn slips_are_named() {
        for (line, expect) in [
            ("--port=80", "\"--port=80\" is not an option"),
            ("-x", "\"-x\" is not an option"),
            ("check --json", "\"--json\" is not an option"),
            ("health now", "\"now\" is one word too many (heeler health takes none)"),
        ] {
            let error = parsed(line).unwrap_err().to_string();
            assert!(error.starts_with(expect), "{line}: {error}");
        }
        let bytes = OsString::from_vec(vec![0xff]);
        assert!(matches!(parse(vec!["cat".into(), bytes]), Err(UsageError::NotText(_))));
    }
}
