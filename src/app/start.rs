//! From the settings to a function that serves, and from there to its end.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::drain::{self, Serving};
use super::signals::Ends;
use crate::config::{self, Settings};
use crate::front::{Doors, Front};
use crate::health::{Health, LockFile, Phase};
use crate::invoke::{Files, Fork, Invoker, Mode};
use crate::log::{self, HandlerLog};
use crate::metrics::Metrics;
use crate::process::{Processes, inherited};
use crate::program::{DEFAULT_PATH, find_program};

/// Log lines that are still on their way get so long at the end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Threads that may wait for a disk at once. More of them make no disk faster, and each costs memory.
const WAITING_THREADS: usize = 16;

/// Why serving could not begin: heeler's last line, and its exit code.
struct Failure {
    message: String,
    code: u8,
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure { message: error.to_string(), code: 1 }
    }
}

/// Runs the function until a signal ends it. Gives heeler's exit code.
pub fn serve(settings: Settings) -> ExitCode {
    let started = Instant::now();
    let metrics = Metrics::new(&settings.app.function_name);
    let (handler_log, flush) = log::start(settings.log.clone(), metrics.clone());
    let ended = runtime(settings.app.threads).map_err(Failure::from).and_then(|runtime| {
        let ended = runtime.block_on(run(settings, started, handler_log, metrics));
        // Tasks that wait for the log or a client must not hold the end up.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(code) => {
            flush.flush(LAST_LINES);
            code
        }
        Err(failure) => {
            flush.last_words(LAST_LINES, &failure.message);
            failure.code.into()
        }
    }
}

/// One thread serves as well as more on the small machines of functions, in less memory. Children die with the
/// thread that started them, so none may be started on a thread that ends: the runtime's own threads live to the end.
fn runtime(threads: usize) -> std::io::Result<Runtime> {
    let mut builder = match threads {
        0 | 1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    builder.worker_threads(threads.max(1)).max_blocking_threads(WAITING_THREADS).enable_all().build()
}

async fn run(settings: Settings, started: Instant, log: HandlerLog, metrics: Metrics) -> Result<ExitCode, Failure> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let environment = config::environment();
    let path = match settings.invoke.mode {
        Mode::Static => PathBuf::new(),
        _ => find_handler(&settings.invoke.command, &environment)?,
    };
    let processes = Processes::new(inherited::take(), metrics.clone())?;
    let mut ends = Ends::start(processes.clone())?;
    let invoke = settings.invoke.clone();
    let invoker = match settings.invoke.mode {
        Mode::Static => Invoker::Files(Files::new(&settings.invoke.files)),
        _ => Invoker::Fork(Fork::new(invoke, &path, &environment, processes.clone(), log, metrics.clone())?),
    };
    let health = Health::default();
    let doors = Doors::bind(&settings.front)?;
    let addresses = doors.addresses();
    let mut front = Front::new(settings.front.clone(), invoker, health.clone(), metrics.clone())?;
    let metrics_address = open_admin(&front, &settings)?;
    // A process per call needs nothing but its executable, and that was found: early and late are one moment here.
    front.open(doors)?;
    health.enter(Phase::Ready);
    metrics.ready(started.elapsed());
    let lock = write_lock(&settings, &addresses);
    tracing::info!(
        address = addresses.join(","),
        metrics_address = metrics_address.unwrap_or_default(),
        mode = settings.invoke.mode.name(),
        why = settings.mode_reason,
        command = ?settings.invoke.command,
        version = env!("CARGO_PKG_VERSION"),
        "ready"
    );
    let signal = ends.next().await;
    let grace = settings.invoke.kill_grace;
    Ok(drain::run(Serving { front, health, lock, processes, app: settings.app, grace }, signal, &mut ends).await)
}

fn find_handler(command: &[String], environment: &[(OsString, OsString)]) -> Result<PathBuf, Failure> {
    let program = command.first().map(String::as_str).unwrap_or_default();
    let path = environment.iter().find(|(name, _)| name == "PATH").map_or(OsStr::new(DEFAULT_PATH), |(_, path)| path);
    find_program(program, path)
        .map_err(|error| Failure { message: format!("cannot run the handler: {error}"), code: error.exit_code() })
}

/// The port is heeler's own idea unless somebody set it: then its loss is no reason not to serve.
fn open_admin(front: &Front, settings: &Settings) -> Result<Option<String>, Failure> {
    let Some(metrics) = settings.front.metrics else { return Ok(None) };
    match front.open_admin(metrics.port) {
        Ok(address) => Ok(Some(address)),
        Err(error) if metrics.by_hand => Err(error.into()),
        Err(error) => {
            tracing::warn!("no metrics: {error}");
            Ok(None)
        }
    }
}

/// On a read-only disk there is none, and that harms nobody.
fn write_lock(settings: &Settings, addresses: &[String]) -> Option<LockFile> {
    let path = settings.app.lock_file.as_ref()?;
    let address = addresses.first()?;
    LockFile::write(path, address)
        .inspect_err(|error| tracing::warn!("no lock file at {}: {error}", path.display()))
        .ok()
}
