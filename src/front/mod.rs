//! Accepts: sockets, routes, admission, statuses. Everything before the handler and after it.
//!
//! A connection lives in `connection`, under a `clock`; a request goes through `serve`: `route`, `strict`, `admit`, the
//! invoker, `respond`. What this folder does not do: it knows nothing of how a handler is run.

mod accept;
mod admit;
mod answer;
mod aside;
mod batch;
mod clock;
mod collect;
mod config;
mod connection;
mod deadline;
mod deliver;
mod event;
mod frames;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod grpc;
mod hangup;
mod listen;
mod probe;
mod pulse;
mod reply;
mod respond;
mod route;
mod serve;
mod sink;
mod socket;
mod stall;
mod strict;
mod tunnel;
mod webhook;
mod whole;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use config::{
    Address, Bind, Collecting, Config, EventForm, Events, MetricsPort, Origins, Replies, ReplyRule, Sink,
};
pub use listen::ListenError;

use admit::Admission;
use collect::Collector;
use connection::Order;
use hangup::Hangups;
use listen::Bound;
use probe::Asked;
use pulse::Pulse;
use route::Door;

use crate::health::Health;
use crate::invoke::Invoker;
use crate::metrics::Metrics;
use crate::task;

/// All doors and what stands behind them.
pub struct Front {
    shared: Arc<Shared>,
    listeners: JoinSet<()>,
}

/// What all connections share.
struct Shared {
    config: Config,
    invoker: Invoker,
    admission: Admission,
    /// Where single events become calls of many.
    collector: Option<Collector>,
    metrics: Metrics,
    health: Health,
    orders: watch::Sender<Order>,
    hangups: Arc<Hangups>,
    asked: Asked,
    pulse: Arc<Pulse>,
    /// Where results go.
    sink: Option<sink::Sending>,
    /// Places for connections.
    connections: Arc<Semaphore>,
    /// Those that are open.
    open: watch::Sender<Open>,
}

/// Open connections of the function's doors.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    /// All of them.
    connections: usize,
    /// Those of them that have become something else than HTTP.
    tunnels: usize,
}

impl Shared {
    /// Whether what is open is being cut.
    fn cutting(&self) -> bool {
        *self.orders.borrow() == Order::Cut
    }

    /// Whether the listener is closed, or about to be.
    fn closing(&self) -> bool {
        *self.orders.borrow() != Order::Serve
    }
}

/// Addresses that are taken and do not accept yet.
pub struct Doors(Vec<Bound>);

impl Doors {
    /// Takes every address of the settings: conflicts show at once.
    pub fn bind(config: &Config) -> Result<Doors, ListenError> {
        config.listen.iter().map(listen::bind).collect::<Result<_, _>>().map(Doors)
    }

    /// As people and `heeler health` see them, with the ports that the kernel chose.
    pub fn addresses(&self) -> Vec<String> {
        self.0.iter().map(|bound| bound.address.clone()).collect()
    }
}

impl Front {
    /// Nothing listens yet. Inside a runtime.
    pub fn new(config: Config, invoker: Invoker, health: Health, metrics: Metrics) -> io::Result<Front> {
        let shared = Shared {
            admission: Admission::new(&config, metrics.clone()),
            collector: config.events.collecting.map(Collector::new),
            connections: Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS))),
            open: watch::Sender::default(),
            sink: config.sink.clone().map(|sink| sink::Sending::new(sink, config.events.replies.most_bytes)),
            config,
            invoker,
            metrics,
            health,
            orders: watch::Sender::new(Order::Serve),
            hangups: Hangups::start()?,
            asked: Asked::default(),
            pulse: Arc::default(),
        };
        Ok(Front { shared: Arc::new(shared), listeners: JoinSet::new() })
    }

    /// Opens the operators' door: metrics, health and ready. Gives its address.
    pub fn open_admin(&self, port: u16) -> Result<String, ListenError> {
        let bound = listen::bind(&Address::Tcp { host: None, port }).map_err(ListenError::of_metrics)?;
        let address = bound.address.clone();
        let listener = bound.listen().map_err(|error| ListenError::new(&address, error))?;
        // Open to the very end: nobody waits for this task.
        task::spawn(accept::run(self.shared.clone(), listener, Door::Admin));
        Ok(address)
    }

    /// Opens the function's doors.
    pub fn open(&mut self, doors: Doors) -> Result<(), ListenError> {
        for bound in doors.0 {
            let address = bound.address.clone();
            let listener = bound.listen().map_err(|error| ListenError::new(&address, error))?;
            let accepting: task::Boxed<()> = Box::pin(accept::run(self.shared.clone(), listener, Door::Main));
            self.listeners.spawn(accepting);
        }
        Ok(())
    }

    /// Closes the doors. Who stood in them is served, and connections end as they finish.
    pub async fn close(&mut self) {
        self.shared.orders.send_replace(Order::Finish);
        while self.listeners.join_next().await.is_some() {}
    }

    /// Resolves when nothing of any call runs, and all connections are gone but those that have become something else
    /// than HTTP.
    pub async fn finished(&self) {
        self.until(|open| open.connections == open.tunnels).await;
        self.shared.invoker.idle().await;
    }

    /// Waits for the connections that have become something else; those that are open after `limit` are told that
    /// heeler goes away.
    pub async fn tunnels_over(&self, limit: Duration) {
        let over = || self.until(|open| open.tunnels == 0);
        if timeout(limit, over()).await.is_err() {
            self.shared.orders.send_replace(Order::Farewell);
            let _ = timeout(tunnel::FAREWELL, over()).await;
        }
    }

    async fn until(&self, is_so: impl Fn(&Open) -> bool) {
        // An error would mean that the sender is gone, and it is in `self`.
        let _ = self.shared.open.subscribe().wait_for(|open| is_so(open)).await;
    }

    /// Drops what is still open; calls end with their connections. Gives how many calls that cut.
    pub fn cut(&self) -> u64 {
        let cut = self.shared.metrics.in_flight();
        self.shared.orders.send_replace(Order::Cut);
        cut
    }
}
