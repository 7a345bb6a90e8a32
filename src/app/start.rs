//! From the settings to a function that serves, and from there to its end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::doors::{open_admin, write_lock};
use super::drain::{self, Serving, Why};
use super::handler::{self, Given, Handler};
use super::kept::{Keeper, Prepared, States};
use super::phase::{first_up, follow};
use super::signals::{self, Ends};
use crate::config::{self, Settings};
use crate::front::{Bind, Doors, Front};
use crate::health::{Health, LockFile, Phase};
use crate::invoke::Over;
use crate::log::{self, HandlerLog};
use crate::metrics::Metrics;
use crate::process::{Processes, inherited};

/// Log lines that are still on their way get so long at the end.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Threads that may wait for a disk at once. More of them make no disk faster, and each costs memory.
const WAITING_THREADS: usize = 16;

/// Why serving could not begin: heeler's last line, and its exit code.
pub(super) struct Failure {
    pub(super) message: String,
    pub(super) code: u8,
}

impl From<Over> for Failure {
    fn from(over: Over) -> Failure {
        Failure { message: over.message, code: over.code }
    }
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

/// The parts that serving is made of, before the function can serve.
struct Begun {
    serving: Serving,
    doors: Doors,
    addresses: Vec<String>,
    /// What runs the calls; empty where nothing does.
    command: Vec<String>,
    metrics_address: Option<String>,
    ends: Ends,
}

async fn run(settings: Settings, started: Instant, log: HandlerLog, metrics: Metrics) -> Result<ExitCode, Failure> {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let Begun { mut serving, doors, addresses, command, metrics_address, mut ends } = begin(&settings, log, &metrics)?;
    let mut states = serving.keeper.as_ref().map(Keeper::states);
    match come_up(&mut serving, doors, settings.front.bind, states.as_mut(), &mut ends).await {
        Ok(None) => {}
        Ok(Some(signal)) => return drain::run(serving, Why::Signal(signal), &mut ends).await,
        Err(failure) => {
            // Nobody else ends what a handler that never came up has started.
            drop(serving.keeper.take());
            serving.processes.end_all(serving.grace).await;
            return Err(failure);
        }
    }
    serving.health.enter(Phase::Ready);
    metrics.ready(started.elapsed());
    serving.lock = write_lock(&settings, &addresses);
    tracing::info!(
        address = addresses.join(","),
        metrics_address = metrics_address.unwrap_or_default(),
        mode = settings.invoke.mode.name(),
        why = settings.mode_reason,
        command = ?command,
        version = env!("CARGO_PKG_VERSION"),
        "ready"
    );
    let over = async {
        match states {
            Some(states) => follow(states, &serving.health, settings.app.start_timeout).await,
            None => std::future::pending().await,
        }
    };
    let why = tokio::select! {
        biased;
        signal = ends.next() => Why::Signal(signal),
        over = over => Why::Over(over),
    };
    drain::run(serving, why, &mut ends).await
}

/// Takes everything that can be taken before the handler is started, so that conflicts show at once; then starts it.
/// A process per call needs nothing but its executable, which is found first of all.
fn begin(settings: &Settings, log: HandlerLog, metrics: &Metrics) -> Result<Begun, Failure> {
    let environment = config::environment();
    let found = handler::find(settings, &environment)?;
    let processes = Processes::new(inherited::take(), metrics.clone())?;
    let (ends, others) = signals::start(processes.clone())?;
    let doors = Doors::bind(&settings.front)?;
    let addresses = doors.addresses();
    let given = Given {
        settings,
        found: &found,
        environment: &environment,
        doors: &addresses,
        processes: processes.clone(),
        log,
        metrics: metrics.clone(),
    };
    let Handler { invoker, keep } = given.prepare()?;
    let health = Health::default();
    let front = Front::new(settings.front.clone(), invoker, health.clone(), metrics.clone())?;
    let metrics_address = open_admin(&front, settings)?;
    settings.app.lock_file.as_deref().inspect(|path| LockFile::remove_stale(path));
    let keeper = keep.map(Prepared::start);
    if let Some(keeper) = &keeper {
        others.go_to(keeper.leaders());
    }
    let (app, grace) = (settings.app.clone(), settings.invoke.kill_grace);
    let serving = Serving { front, health, lock: None, keeper, processes, app, grace };
    Ok(Begun { serving, doors, addresses, command: found.command, metrics_address, ends })
}

/// Opens the doors at their time, and waits until the function can serve; or gives the signal that came before.
async fn come_up(
    serving: &mut Serving,
    doors: Doors,
    bind: Bind,
    states: Option<&mut States>,
    ends: &mut Ends,
) -> Result<Option<i32>, Failure> {
    let late = match bind {
        Bind::Late => Some(doors),
        Bind::Early => {
            serving.front.open(doors)?;
            None
        }
    };
    if let Some(states) = states {
        tokio::select! {
            biased;
            signal = ends.next() => return Ok(Some(signal)),
            up = first_up(states) => up?,
        }
    }
    if let Some(doors) = late {
        serving.front.open(doors)?;
    }
    Ok(None)
}
