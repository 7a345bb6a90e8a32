//! One life of the handler after the other: from a start to the end of the last process of its tree.

use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::rise::Missing;
use super::{End, over};
use crate::duration;
use crate::invoke::chance::chance;
use crate::invoke::state::{Over, Trouble};
use crate::invoke::upstream::State;
use crate::invoke::upstream::config::Config;
use crate::invoke::upstream::endpoint::Endpoint;
use crate::log::HandlerLog;
use crate::metrics::{Metrics, Restarted};
use crate::process::{Backoff, Exit, GOOD_LIFE, Leaders, Life, Processes, Program, Restart, Service, Status};

/// The keeper's task: everything that a start needs, and what is remembered from one to the next.
pub(super) struct Task {
    pub(super) config: Config,
    pub(super) program: Program,
    pub(super) grace: Duration,
    pub(super) processes: Processes,
    pub(super) log: HandlerLog,
    pub(super) metrics: Metrics,
    pub(super) states: watch::Sender<State>,
    pub(super) ordered: oneshot::Receiver<End>,
    pub(super) leaders: Leaders,
    pub(super) backoff: Backoff,
    /// Whether it ever was: only then a death is worth another start.
    pub(super) was_up: bool,
    /// Since when it has been dying without having served.
    pub(super) trouble: Trouble,
    /// Somebody else listened at the handler's address right before this start: what is answered there is no sign of
    /// the handler's.
    pub(super) stranger: bool,
    /// That was said.
    pub(super) warned: bool,
}

/// Why a life is over.
enum Fate {
    /// Its first process ended.
    Ended(Exit),
    /// It did not come up in time; in words.
    TooLate(String),
    /// A call ran out of time.
    Condemned,
    /// It is to be ended, and started no more.
    Ordered(End),
}

/// A life after which there is another one.
struct Lost {
    cause: Restarted,
    pause: Duration,
}

impl Task {
    /// Keeps the handler until it is over.
    pub(super) async fn run(mut self) {
        let over = self.keep().await;
        self.states.send_replace(State::Over(over));
    }

    async fn keep(&mut self) -> Over {
        loop {
            let lost = match self.live().await {
                Ok(lost) => lost,
                Err(over) => return over,
            };
            self.metrics.handler_restarts(lost.cause);
            tracing::warn!(pause = duration::rounded(lost.pause), "handler is started again");
            tokio::select! {
                biased;
                _ = order(&mut self.ordered) => return Over::asked(),
                () = sleep(lost.pause) => {}
            }
        }
    }

    /// One life.
    async fn live(&mut self) -> Result<Lost, Over> {
        let (mut service, endpoint) = match self.start().await {
            Ok(started) => started,
            Err(error) if self.was_up => {
                tracing::error!("the handler cannot be started again: {error}");
                return Ok(self.lost(Restarted::Start, Life::Failed));
            }
            Err(error) => return Err(over::not_started(&error)),
        };
        let began = Instant::now();
        let mut life = Life::Failed;
        let fate = match self.rise(&mut service, &endpoint).await {
            Err(fate) => fate,
            Ok(()) => {
                let up = Instant::now();
                let pid = service.tree().leader();
                tracing::info!(pid, address = %endpoint.target(), after = duration::rounded(up - began), "handler is up");
                self.was_up |= !self.stranger;
                self.states.send_replace(State::Up(endpoint.clone()));
                let fate = self.stay(&mut service, &endpoint).await;
                life = self.life(up.elapsed(), &fate, &endpoint);
                let since = self.trouble.after(self.backoff.is_good(life));
                self.states.send_replace(State::Down(since));
                fate
            }
        };
        self.bury(service, &endpoint, fate, life).await
    }

    /// Until it is up, or it is clear that it will not be.
    async fn rise(&mut self, service: &mut Service, endpoint: &Endpoint) -> Result<(), Fate> {
        let mut missing = Missing::Accept(None);
        let nothing = missing.nothing(endpoint, &self.config);
        tokio::select! {
            biased;
            end = order(&mut self.ordered) => return Err(Fate::Ordered(end)),
            exit = service.exited() => return Err(Fate::Ended(exit)),
            up = timeout(self.config.start_timeout, nothing) => if up.is_ok() { return Ok(()) },
        }
        Err(Fate::TooLate(missing.too_late(endpoint, &self.config)))
    }

    /// As long as it is up.
    async fn stay(&mut self, service: &mut Service, endpoint: &Endpoint) -> Fate {
        tokio::select! {
            biased;
            end = order(&mut self.ordered) => Fate::Ordered(end),
            exit = service.exited() => Fate::Ended(exit),
            () = endpoint.condemned() => Fate::Condemned,
        }
    }

    /// Ends what is left of it, so that nothing holds its port, and decides what comes then.
    async fn bury(&mut self, service: Service, endpoint: &Endpoint, fate: Fate, life: Life) -> Result<Lost, Over> {
        let pid = service.tree().leader();
        self.leaders.remove(pid);
        let no_more = self.config.restart == Restart::Never;
        match fate {
            Fate::Ordered(end) => {
                service.end(async { drop(end.hold.await) }, end.grace).await;
                Err(Over::asked())
            }
            Fate::Ended(exit) => {
                if self.was_up {
                    tracing::warn!(pid, how = %exit.status, "handler ended");
                }
                service.settle(self.grace).await;
                match exit.status {
                    status if !self.was_up => Err(over::before_up(status, endpoint.target())),
                    status if no_more => Err(over::after_up(status)),
                    _ if life == Life::Failed => Ok(self.lost(Restarted::Start, life)),
                    Status::Code(_) => Ok(self.lost(Restarted::Exit, life)),
                    Status::Signal(_) => Ok(self.lost(Restarted::Signal, life)),
                }
            }
            Fate::TooLate(message) => {
                service.end(std::future::ready(()), self.grace).await;
                if !self.was_up {
                    return Err(over::too_late(message));
                }
                tracing::error!(pid, "{message}");
                Ok(self.lost(Restarted::Start, life))
            }
            Fate::Condemned => {
                tracing::warn!(pid, "a call ran out of time: the handler is ended (kill_on_timeout)");
                service.end(std::future::ready(()), self.grace).await;
                if no_more {
                    return Err(over::condemned());
                }
                // No start has failed: there is nothing to pause for.
                Ok(Lost { cause: Restarted::Timeout, pause: Duration::ZERO })
            }
        }
    }

    /// How a handler lived that seemed to be up. Beside a stranger it may never have been: one that cannot bind gives
    /// up soon.
    fn life(&mut self, lived: Duration, fate: &Fate, endpoint: &Endpoint) -> Life {
        let gave_up = matches!(fate, Fate::Ended(Exit { status: Status::Code(_), .. })) && lived < GOOD_LIFE;
        if self.stranger && gave_up {
            return Life::Failed;
        }
        self.was_up = true;
        Life::Up { lived, served: endpoint.has_answered() }
    }

    fn lost(&mut self, cause: Restarted, life: Life) -> Lost {
        Lost { cause, pause: self.backoff.after(life, chance()) }
    }
}

/// Resolves with the order to end. A keeper that was dropped gives none, its task is at its end.
async fn order(ordered: &mut oneshot::Receiver<End>) -> End {
    match ordered.await {
        Ok(end) => end,
        Err(_) => std::future::pending().await,
    }
}
