//! Picks the command, runs it, and turns its end into one line and an exit code.

use std::io::{self, Write};
use std::process::ExitCode;

use heeler::cli::{self, Command};
use heeler::config::{self, Host, Instance, Rejected, Settings, Vars, Warning};
use heeler::{app, client, init};

#[global_allocator]
static ALLOCATOR: heeler::allocator::Allocator = heeler::allocator::Allocator::new();

/// Bad settings, as sysexits.h has it for bad usage.
const BAD_SETTINGS: u8 = 64;

fn main() -> ExitCode {
    // First of all: every thread that is started from here on has all signals blocked.
    heeler::process::inherited::take();
    let command = match cli::parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => return fail(&error.to_string(), ExitCode::from(BAD_SETTINGS)),
    };
    match command {
        Command::Serve { args } => serve(&args),
        Command::Init(args) => init::run(args, &config::environment()),
        Command::Check { args } => check(&args),
        Command::Health => health(),
        Command::Invoke(args) => {
            // It waits for nobody's end: Ctrl-C ends it.
            heeler::process::inherited::unblock_signals();
            client::invoke(args, &vars())
        }
        Command::Help => print(&cli::help(&config::help())),
        Command::Version => print(cli::VERSION),
    }
}

fn serve(args: &[String]) -> ExitCode {
    match Settings::from_vars(args, &vars(), &Host::here()) {
        Ok((settings, _)) => app::serve(settings),
        Err(rejected) => reject(&rejected),
    }
}

fn check(args: &[String]) -> ExitCode {
    match app::check(args, &vars(), &Host::here()) {
        Ok((report, settings)) => {
            warn(&settings.warnings);
            print(&report)
        }
        Err(rejected) => reject(&rejected),
    }
}

fn health() -> ExitCode {
    let instance = match Instance::from_vars(&vars()) {
        Ok(instance) => instance,
        Err(rejected) => return fail(&format!("health: {}", rejected.mistakes[0]), ExitCode::FAILURE),
    };
    match client::probe(&instance) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("health: {error}"), ExitCode::FAILURE),
    }
}

fn vars() -> Vars {
    config::environment().into_iter().collect()
}

/// The mistakes come last: Kubernetes shows the end of what a container wrote.
fn reject(rejected: &Rejected) -> ExitCode {
    warn(&rejected.warnings);
    for mistake in &rejected.mistakes {
        complain(&mistake.to_string());
    }
    ExitCode::from(BAD_SETTINGS)
}

fn warn(warnings: &[Warning]) {
    for warning in warnings {
        complain(&format!("warning: {warning}"));
    }
}

fn fail(line: &str, code: ExitCode) -> ExitCode {
    complain(line);
    code
}

/// One line on stderr. A closed stderr must not turn a message into a panic.
fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "heeler: {line}");
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // `heeler --help | head` is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => fail(&format!("cannot write: {error}"), ExitCode::FAILURE),
    }
}
