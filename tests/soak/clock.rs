//! How long the soak goes on: time and calls, whichever is over first. And how fast.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::{SECOND, within};

pub struct Clock {
    began: Instant,
    time: Duration,
    calls: u64,
    /// Of all instances.
    made: AtomicU64,
    /// Where this part ends.
    end: Mutex<Instant>,
    most: AtomicU64,
}

impl Clock {
    pub fn new(time: Duration, calls: u64) -> Clock {
        let now = Instant::now();
        Clock { began: now, time, calls, made: AtomicU64::new(0), end: Mutex::new(now), most: AtomicU64::new(calls) }
    }

    /// Begins a part that may take one of so many shares of what is left.
    pub fn begin(&self, shares: u32) {
        let left = (self.began + self.time).saturating_duration_since(Instant::now());
        *self.end.lock().unwrap() = Instant::now() + left / shares;
        let made = self.made();
        self.most.store(made + self.calls.saturating_sub(made) / u64::from(shares), Ordering::Relaxed);
    }

    pub fn add(&self, calls: u64) {
        self.made.fetch_add(calls, Ordering::Relaxed);
    }

    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    pub fn took(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn goes_on(&self) -> bool {
        self.made() < self.most.load(Ordering::Relaxed) && Instant::now() < *self.end.lock().unwrap()
    }

    /// Says once a minute how far it is.
    pub fn tell_until_over(&self) {
        while !within(SECOND * 60, || !self.goes_on()) {
            eprintln!("soak: {} calls in {:.0?}", self.made(), self.took());
        }
    }
}

/// So many turns a second at the most, whoever takes them.
pub struct Pace {
    turn: Duration,
    next: Instant,
}

impl Pace {
    pub fn new(turns_per_second: u32) -> Pace {
        Pace { turn: SECOND / turns_per_second, next: Instant::now() }
    }

    /// Turns that were missed are not made up for.
    pub fn wait(&mut self) {
        let now = Instant::now();
        std::thread::sleep(self.next.saturating_duration_since(now));
        self.next = self.next.max(now) + self.turn;
    }
}
