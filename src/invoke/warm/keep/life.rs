//! One life of a worker: from its process's start over its hello to the end of the last process of its tree.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::slot::{News, Teller};
use super::{Shared, over, recycle};
use crate::duration;
use crate::invoke::state::Over;
use crate::invoke::warm::lost::Lost;
use crate::invoke::warm::message::Hello;
use crate::invoke::warm::worker::{Greeting, Worker};
use crate::metrics::{Restarted, WorkerCount, WorkerState};
use crate::process::{Exit, Inherits, Life as Lived, Pauses, Service, SpawnError, Status};

/// The end of a process and the end of its socket are heard one after the other; what was sent before is read first.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What a life is told by its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Nothing yet.
    Serve,
    /// Another one has taken its place.
    Retire,
    /// heeler ends: this long from TERM to KILL.
    End(Duration),
}

/// A life that ended without an order.
#[derive(Debug)]
pub(super) struct Death {
    pub(super) lived: Lived,
    pub(super) cause: Restarted,
    /// What is to be said before that, in lines.
    pub(super) stack: String,
    /// heeler's end, if there is to be no other life.
    pub(super) over: Over,
}

/// A started worker.
pub(super) struct Life {
    shared: Arc<Shared>,
    service: Service,
    orders: watch::Receiver<Order>,
    teller: Teller,
    count: WorkerCount,
}

/// Why there is no hello.
enum Unborn {
    Ordered(Duration),
    Ended(Status),
    Lost(Lost),
    TooLate,
}

/// Why it takes no more calls.
enum Fate {
    Ordered(Duration),
    Retired,
    Exited(Exit),
    Lost(Lost),
    Condemned,
}

impl Life {
    /// Starts a process and gives its socket.
    pub(super) fn start(
        shared: &Arc<Shared>,
        orders: watch::Receiver<Order>,
        teller: Teller,
    ) -> Result<(Life, UnixStream), SpawnError> {
        let (ours, theirs) = sockets().map_err(SpawnError::NoDescriptor)?;
        let inherits =
            if shared.takes_stdin { Inherits::Stdin(theirs.as_fd()) } else { Inherits::Socket(theirs.as_fd()) };
        let service = Service::start(&shared.processes, &shared.program, &[], inherits, &shared.log)?;
        tracing::info!(pid = service.tree().leader(), "worker started");
        shared.leaders.add(service.tree());
        let count = shared.metrics.worker();
        Ok((Life { shared: shared.clone(), service, orders, teller, count }, ours))
    }

    pub(super) async fn run(mut self, socket: UnixStream) {
        let pid = self.service.tree().leader();
        let (shared, began) = (self.shared.clone(), Instant::now());
        match self.rise(socket).await {
            Ok((worker, hello)) => {
                let up = Instant::now();
                tracing::info!(pid, about = about(&hello), after = duration::rounded(up - began), "worker is up");
                shared.pool.join(worker.clone());
                shared.standing.joined();
                self.count.enter(WorkerState::Up);
                self.teller.tell(News::Up);
                let fate = self.stay(&worker).await;
                shared.pool.leave(&worker);
                self.count.enter(WorkerState::Leaving);
                shared.standing.left(Pauses::KEPT.is_good(Lived::Up { lived: up.elapsed(), served: worker.served() }));
                self.leave(&worker, fate, up).await;
            }
            Err(unborn) => self.give_up(unborn).await,
        }
        shared.leaders.remove(pid);
    }

    fn greeting(&self) -> Greeting {
        let shared = &self.shared;
        Greeting {
            concurrency: shared.config.concurrency,
            settings: shared.config.settings.clone(),
            max_requests: shared.config.max_requests.map(recycle::requests),
            kill_grace: shared.grace,
            pid: Some(self.service.tree().leader()),
            log: shared.log.clone(),
            freed: shared.pool.freed(),
        }
    }

    /// Until it has said hello, or it is clear that it will not.
    async fn rise(&mut self, socket: UnixStream) -> Result<(Arc<Worker>, Hello), Unborn> {
        let meeting = Worker::meet(socket, self.greeting());
        let mut meeting = std::pin::pin!(meeting);
        let met = tokio::select! {
            biased;
            grace = ordered_to_end(&mut self.orders) => return Err(Unborn::Ordered(grace)),
            met = timeout(self.shared.config.start_timeout, &mut meeting) => met.map_err(|_| Unborn::TooLate)?,
            exit = self.service.exited() => match timeout(LAST_WORDS, meeting).await {
                Ok(Err(lost @ Lost::NotLoaded { .. })) => Err(lost),
                _ => return Err(Unborn::Ended(exit.status)),
            },
        };
        match met {
            Ok(met) => Ok(met),
            Err(lost @ (Lost::Closed | Lost::Broke(_))) => match timeout(LAST_WORDS, self.service.exited()).await {
                Ok(exit) => Err(Unborn::Ended(exit.status)),
                Err(_) => Err(Unborn::Lost(lost)),
            },
            Err(lost) => Err(Unborn::Lost(lost)),
        }
    }

    /// Ends what never came up; its own last lines come before what is said of it.
    async fn give_up(mut self, unborn: Unborn) {
        let (grace, mut stack) = (self.shared.grace, String::new());
        let over = match unborn {
            Unborn::Ordered(grace) => return self.service.end(std::future::ready(()), grace).await,
            Unborn::Ended(status) => over::before_hello(status),
            Unborn::Lost(lost) => {
                let over = over::no_hello(&lost);
                if let Lost::NotLoaded { stack: told, .. } = lost {
                    stack = told;
                    // It ends by itself.
                    let _ = timeout(grace, self.service.exited()).await;
                }
                over
            }
            Unborn::TooLate => over::too_late(self.shared.config.start_timeout),
        };
        end(self.service, grace).await;
        self.teller.tell(News::Dead(Death { lived: Lived::Failed, cause: Restarted::Start, stack, over }));
    }

    /// As long as it serves.
    async fn stay(&mut self, worker: &Worker) -> Fate {
        let due = recycle::due(worker, self.service.tree().leader(), &self.shared.config);
        let mut due = std::pin::pin!(due);
        let mut is_due = false;
        loop {
            tokio::select! {
                biased;
                order = order(&mut self.orders) => match order {
                    Order::End(grace) => return Fate::Ordered(grace),
                    _ => return Fate::Retired,
                },
                exit = self.service.exited() => return Fate::Exited(exit),
                lost = worker.over() => return Fate::Lost(lost),
                () = worker.condemned() => return Fate::Condemned,
                why = &mut due, if !is_due => {
                    is_due = true;
                    tracing::info!(pid = self.service.tree().leader(), why, "worker is to be replaced");
                    self.teller.tell(News::Due);
                }
            }
        }
    }

    /// From its last call to its end.
    async fn leave(mut self, worker: &Worker, fate: Fate, up: Instant) {
        let (pid, grace) = (self.service.tree().leader(), self.shared.grace);
        let dead = |cause, over| {
            let lived = Lived::Up { lived: up.elapsed(), served: worker.served() };
            News::Dead(Death { lived, cause, stack: String::new(), over })
        };
        let fate = match fate {
            // Its end is a moment behind the end of its socket, mostly.
            Fate::Lost(lost @ (Lost::Closed | Lost::Broke(_))) => {
                match timeout(LAST_WORDS, self.service.exited()).await {
                    Ok(exit) => Fate::Exited(exit),
                    Err(_) => Fate::Lost(lost),
                }
            }
            fate => fate,
        };
        match fate {
            Fate::Ordered(grace) => self.part(worker, grace).await,
            Fate::Retired => self.retire(worker).await,
            Fate::Exited(exit) => {
                tracing::warn!(pid, how = %exit.status, "worker ended");
                self.teller.tell(dead(cause_of(exit.status), over::after_hello(exit.status)));
                let _ = timeout(LAST_WORDS, worker.over()).await;
                worker.fail(&exit.status.to_string());
                self.service.settle(grace).await;
            }
            Fate::Lost(lost) => {
                tracing::error!(pid, "{lost}: it is ended");
                self.teller.tell(dead(Restarted::Exit, over::ended(&lost.to_string())));
                end(self.service, grace).await;
            }
            Fate::Condemned => {
                let why = "a call that nobody waits for is not let go of";
                tracing::warn!(pid, "{why}: the worker is ended");
                self.teller.tell(dead(Restarted::Timeout, over::ended(why)));
                worker.fail("was ended, as it did not let go of a call");
                end(self.service, grace).await;
            }
        }
    }

    /// Another one has its place: its calls may end as long as a drain would let them.
    async fn retire(mut self, worker: &Worker) {
        worker.bye();
        let calls = async {
            match self.shared.patience {
                Some(limit) => drop(timeout(limit, worker.idle()).await),
                None => worker.idle().await,
            }
        };
        let grace = tokio::select! {
            biased;
            grace = ordered_to_end(&mut self.orders) => grace,
            _ = self.service.exited() => self.shared.grace,
            _ = worker.over() => self.shared.grace,
            () = worker.condemned() => self.shared.grace,
            () = calls => self.shared.grace,
        };
        self.part(worker, grace).await;
    }

    /// It was told that no more calls come, and ends by itself; or it is ended.
    async fn part(mut self, worker: &Worker, grace: Duration) {
        worker.bye();
        if timeout(grace, self.service.exited()).await.is_ok() {
            // Its last answers may lie in the socket still.
            let _ = timeout(LAST_WORDS, worker.over()).await;
        }
        worker.fail("was ended");
        end(self.service, grace).await;
    }
}

/// Ends what is left of it: nothing but what its first process left behind, if that has ended by itself.
async fn end(mut service: Service, grace: Duration) {
    if timeout(Duration::ZERO, service.exited()).await.is_ok() {
        service.settle(grace).await;
    } else {
        service.end(std::future::ready(()), grace).await;
    }
}

/// heeler's end, which may be another process's start: closed on exec.
fn sockets() -> io::Result<(UnixStream, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((ours, theirs))
}

/// Resolves with an order. A slot that was dropped gives none.
async fn order(orders: &mut watch::Receiver<Order>) -> Order {
    let given = orders.wait_for(|order| *order != Order::Serve).await.map(|order| *order);
    match given {
        Ok(order) => order,
        Err(_) => std::future::pending().await,
    }
}

/// Resolves with the order to end, and with no other.
async fn ordered_to_end(orders: &mut watch::Receiver<Order>) -> Duration {
    loop {
        if let Order::End(grace) = *orders.borrow_and_update() {
            return grace;
        }
        if orders.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn cause_of(status: Status) -> Restarted {
    match status {
        Status::Code(_) => Restarted::Exit,
        Status::Signal(_) => Restarted::Signal,
    }
}

/// What a worker says of itself, for the log.
fn about(hello: &Hello) -> String {
    let pairs: Vec<_> = hello.about.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}
