//! One place for a worker: it holds one that serves, and for a while the one that is to take its place.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::life::{Death, Life, Order};
use super::{Shared, over};
use crate::duration;
use crate::invoke::chance::chance;
use crate::metrics::Restarted;
use crate::process::{Backoff, Life as Lived, Pauses, Restart};

/// What a life tells.
#[derive(Debug)]
pub(super) enum News {
    /// It takes calls.
    Up,
    /// Another one should take its place.
    Due,
    /// It takes no more calls, and nobody told it to.
    Dead(Death),
}

/// One life's way to tell.
pub(super) struct Teller {
    number: u64,
    news: mpsc::UnboundedSender<(u64, News)>,
}

impl Teller {
    /// A slot that is gone needs no news.
    pub(super) fn tell(&self, news: News) {
        let _ = self.news.send((self.number, news));
    }
}

/// Where a life is, as far as its slot cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Rising,
    Up,
    Leaving,
}

struct Living {
    number: u64,
    stage: Stage,
    orders: watch::Sender<Order>,
    task: JoinHandle<()>,
}

/// The slot's task.
pub(super) struct Slot {
    shared: Arc<Shared>,
    ordered: watch::Receiver<Option<Duration>>,
    teller: mpsc::UnboundedSender<(u64, News)>,
    news: mpsc::UnboundedReceiver<(u64, News)>,
    lives: Vec<Living>,
    count: u64,
    backoff: Backoff,
    /// When the next life begins, if it has to wait.
    again: Option<Instant>,
}

impl Slot {
    /// `ordered`: the end, and how long it is from TERM to KILL.
    pub(super) fn new(shared: Arc<Shared>, ordered: watch::Receiver<Option<Duration>>) -> Slot {
        let (teller, news) = mpsc::unbounded_channel();
        let backoff = Backoff::new(Pauses::KEPT);
        Slot { shared, ordered, teller, news, lives: Vec::new(), count: 0, backoff, again: None }
    }

    /// Keeps it filled until it is told to end.
    pub(super) async fn run(mut self) {
        self.begin();
        let grace = loop {
            let again = self.again;
            let pause = async {
                match again {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                grace = order(&mut self.ordered) => break grace,
                // Never `None`: the slot holds a sender too.
                Some((number, news)) = self.news.recv() => self.hear(number, news),
                () = pause => self.begin(),
            }
        };
        for living in &self.lives {
            living.orders.send_replace(Order::End(grace));
        }
        for living in self.lives {
            let _ = living.task.await;
        }
    }

    /// Begins another life.
    fn begin(&mut self) {
        self.again = None;
        self.lives.retain(|living| !living.task.is_finished());
        self.count += 1;
        let number = self.count;
        let (orders, hears) = watch::channel(Order::Serve);
        match Life::start(&self.shared, hears, Teller { number, news: self.teller.clone() }) {
            Ok((life, socket)) => {
                let task = crate::task::spawn(life.run(socket));
                self.lives.push(Living { number, stage: Stage::Rising, orders, task });
            }
            Err(error) => {
                let over = over::not_started(&error);
                self.lost(Death { lived: Lived::Failed, cause: Restarted::Start, stack: String::new(), over });
            }
        }
    }

    fn hear(&mut self, number: u64, news: News) {
        match news {
            News::Up => {
                // The one that it replaces: it has joined already.
                for living in self.lives.iter_mut().filter(|living| living.stage == Stage::Up) {
                    living.stage = Stage::Leaving;
                    living.orders.send_replace(Order::Retire);
                }
                self.enter(number, Stage::Up);
            }
            News::Due if self.is_filling() => {}
            News::Due => self.begin(),
            News::Dead(death) => {
                self.enter(number, Stage::Leaving);
                // Its place may be as good as taken.
                if !self.is_filling() {
                    self.lost(death);
                }
            }
        }
    }

    /// There is none, or the one there is has still to be replaced.
    fn lost(&mut self, death: Death) {
        let Death { lived, cause, stack, over } = death;
        if !self.shared.standing.is_over() {
            // Of several that cannot load the same function the first says why.
            stack.lines().for_each(|line| tracing::error!("{line}"));
        }
        let serves = self.lives.iter().any(|living| living.stage == Stage::Up);
        let no_more = self.shared.config.restart == Restart::Never && !serves;
        if !self.shared.standing.was_up() || no_more {
            self.shared.standing.over(over);
            self.shared.pool.close();
            return;
        }
        if lived == Lived::Failed {
            tracing::error!("{}", over.message);
        }
        let pause = self.backoff.after(lived, chance());
        self.shared.metrics.handler_restarts(cause);
        tracing::warn!(pause = duration::rounded(pause), "worker is started again");
        self.again = Some(Instant::now() + pause);
    }

    /// Whether another one is on its way.
    fn is_filling(&self) -> bool {
        self.again.is_some() || self.lives.iter().any(|living| living.stage == Stage::Rising)
    }

    fn enter(&mut self, number: u64, stage: Stage) {
        for living in self.lives.iter_mut().filter(|living| living.number == number) {
            living.stage = stage;
        }
    }
}

/// Resolves with the order to end. A keeper that was dropped gives none, its slots are at their end.
async fn order(ordered: &mut watch::Receiver<Option<Duration>>) -> Duration {
    let given = ordered.wait_for(Option::is_some).await.map(|grace| *grace);
    match given {
        Ok(Some(grace)) => grace,
        _ => std::future::pending().await,
    }
}
