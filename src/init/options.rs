//! The options of `heeler init`.

use std::ffi::OsString;

use lexopt::{Arg, ValueExt};

use super::signal::{self, Rewrite, RewriteError, UnknownSignal};

pub(super) const HELP: &str = "\
heeler init [options] [--] CMD ARG…

Starts CMD, forwards signals to it, collects every process that ends, and exits with its code.

  -g, --group              signals go to the command's process group, not to it alone
  -s, --subreaper          collect orphans without being PID 1
  -e, --exit-zero N        exit code N (0 to 255) becomes 0; may be given again
  -p, --parent-death SIG   get (and forward) SIG when the process that started the init ends
  -r, --rewrite A:B        forward signal A as B; A:0 drops it; may be given again
  -w, --warn               a line for every orphan that is collected
  -v, --verbose            a line for everything that is done
  -h, --help               this text

Signals are names (TERM, SIGTERM, RTMIN+3) or numbers.
Exit codes: the command's; 128 + n after a death by signal n; 127 not found; 126 not executable;
64 wrong options; 1 no process to be had.
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Run(Box<Options>),
    Help,
}

/// How to run which command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// Program and arguments; never empty.
    pub(super) command: Vec<OsString>,
    pub(super) group: bool,
    pub(super) subreaper: bool,
    /// By exit code.
    pub(super) exit_zero: [bool; 256],
    pub(super) parent_death: Option<i32>,
    pub(super) rewrite: Rewrite,
    pub(super) warn: bool,
    pub(super) verbose: bool,
}

/// A line that is not understood.
#[derive(Debug, thiserror::Error)]
pub(super) enum OptionsError {
    #[error("{0} (try heeler init --help)")]
    Lexopt(#[from] lexopt::Error),
    #[error("no command to run (heeler init [options] -- CMD ARG…)")]
    NoCommand,
    #[error("-e {0:?} is not an exit code (0 to 255)")]
    ExitCode(String),
    #[error("-p {0}")]
    ParentDeath(UnknownSignal),
    #[error("-r {0}")]
    Rewrite(#[from] RewriteError),
}

/// Reads what stands behind `heeler init`.
pub(super) fn parse(args: Vec<OsString>) -> Result<Request, OptionsError> {
    let mut options = Options {
        command: Vec::new(),
        group: false,
        subreaper: false,
        exit_zero: [false; 256],
        parent_death: None,
        rewrite: Rewrite::none(),
        warn: false,
        verbose: false,
    };
    let mut parser = lexopt::Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('g') | Arg::Long("group") => options.group = true,
            Arg::Short('s') | Arg::Long("subreaper") => options.subreaper = true,
            Arg::Short('e') | Arg::Long("exit-zero") => options.exit_zero[exit_code(&text(&mut parser)?)?] = true,
            Arg::Short('p') | Arg::Long("parent-death") => {
                options.parent_death = Some(parent_death(text(&mut parser)?)?);
            }
            Arg::Short('r') | Arg::Long("rewrite") => options.rewrite.add(&text(&mut parser)?)?,
            Arg::Short('w') | Arg::Long("warn") => options.warn = true,
            Arg::Short('v') | Arg::Long("verbose") => options.verbose = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
            // What follows is the command's own, dashes included.
            Arg::Value(program) => {
                options.command = [program].into_iter().chain(parser.raw_args()?).collect();
            }
            unknown => return Err(unknown.unexpected().into()),
        }
    }
    if options.command.is_empty() { Err(OptionsError::NoCommand) } else { Ok(Request::Run(Box::new(options))) }
}

fn text(parser: &mut lexopt::Parser) -> Result<String, lexopt::Error> {
    parser.value()?.string()
}

fn exit_code(text: &str) -> Result<usize, OptionsError> {
    text.parse::<u8>().map(usize::from).map_err(|_| OptionsError::ExitCode(text.to_owned()))
}

fn parent_death(text: String) -> Result<i32, OptionsError> {
    signal::parse(&text).ok_or(OptionsError::ParentDeath(UnknownSignal(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        match parse(line.split(' ').map(OsString::from).collect()) {
            Ok(Request::Run(options)) => *options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_keeps_its_own_dashes() {
        for (line, command) in [
            ("a", "a"),
            ("-- a -g -- b", "a -g -- b"),
            ("-g a -s -- b", "a -s -- b"),
            ("-- -a", "-a"),
            ("-- -- a", "-- a"),
        ] {
            assert_eq!(options(line).command.join(" ".as_ref()), command, "{line}");
        }
    }

    #[test]
    fn short_and_long_mean_the_same() {
        let short = options("-gswv -e143 -e 7 -p TERM -r TERM:INT -- a");
        let long = options(
            "--group --subreaper --warn --verbose --exit-zero=143 --exit-zero 7 --parent-death 15 --rewrite 15:2 a",
        );
        assert_eq!(short, long);
        assert!(short.group && short.subreaper && short.warn && short.verbose);
        assert_eq!(short.exit_zero.iter().filter(|zero| **zero).count(), 2);
        assert_eq!(short.rewrite.of(15), Some(2));
    }

    #[test]
    fn a_mistake_is_named() {
        for (line, expect) in [
            ("-g", "no command to run (heeler init [options] -- CMD ARG…)"),
            ("-e 256 a", "-e \"256\" is not an exit code (0 to 255)"),
            ("-e x a", "-e \"x\" is not an exit code (0 to 255)"),
            ("-p NOPE a", "-p \"NOPE\" is not a signal (names like TERM, SIGTERM or RTMIN+3, or 1 to 64)"),
            ("-r TERM a", "-r \"TERM\" is not of the form A:B (TERM:QUIT, or HUP:0 to drop it)"),
            ("-x a", "invalid option '-x' (try heeler init --help)"),
            ("--grup a", "invalid option '--grup' (try heeler init --help)"),
            ("-r", "missing argument for option '-r' (try heeler init --help)"),
        ] {
            let error = parse(line.split(' ').map(OsString::from).collect()).unwrap_err();
            assert_eq!(error.to_string(), expect, "{line}");
        }
    }
}
