//! One heeler under load: what is asked of it, what came of that, and what it held when.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::caller::Ask;
use super::faults::Fault;
use super::figures::Figures;
use super::function::Function;
use super::support::{Gate, Heeler, PATIENCE, within};

/// What an allocator's own pieces may be, whatever the size of the process.
const CONSTANT: u64 = 1 << 20;
/// Complaints about calls that are kept word for word.
const WORDS: usize = 5;

#[derive(Default)]
pub struct Tally {
    good: AtomicU64,
    expected: AtomicU64,
    unexpected: AtomicU64,
    words: Mutex<Vec<String>>,
}

impl Tally {
    pub fn good(&self) {
        self.good.fetch_add(1, Ordering::Relaxed);
    }

    /// An error that had to come, or that may.
    pub fn expected(&self) {
        self.expected.fetch_add(1, Ordering::Relaxed);
    }

    /// Good calls, errors that were expected, and others.
    pub fn all(&self) -> [u64; 3] {
        [&self.good, &self.expected, &self.unexpected].map(|of| of.load(Ordering::Relaxed))
    }
}

pub struct Instance {
    pub name: &'static str,
    pub heeler: Heeler,
    /// Connections that are kept.
    pub width: usize,
    /// A second, at the most, each with a call on every connection and with a fault: together they leave a part of two
    /// processors free. Where all wait for one, times say nothing.
    pub rounds: u32,
    pub good: Vec<Ask>,
    /// Statuses of good calls that may come instead, by the faults of others.
    pub tolerated: &'static [u16],
    pub faults: Vec<Fault>,
    pub tally: Tally,
    /// At the start, after the warm-up, at the end.
    pub figures: [Figures; 3],
    /// They go with the value.
    pub gate: Gate,
    pub function: Option<Function>,
}

impl Instance {
    pub fn unexpected(&self, what: &str) {
        self.tally.unexpected.fetch_add(1, Ordering::Relaxed);
        let mut words = self.tally.words.lock().unwrap();
        if words.len() < WORDS {
            words.push(format!("{}: {what}", self.name));
        }
    }

    /// The value, or a count more of what was not expected.
    pub fn judged<T>(&self, result: std::io::Result<T>) -> Option<T> {
        result.map_err(|error| self.unexpected(&error.to_string())).ok()
    }

    pub fn note_start(&mut self) {
        // What came up with the start may still be closing what it was started with.
        let now = || Figures::of(self.heeler.pid);
        let mut before = now();
        within(PATIENCE, || {
            let again = now();
            let still = again.counts_as(&before);
            before = again;
            still
        });
        self.figures[0] = before;
        // From here on its lines are many.
        self.heeler.stdout.keep_last(2000);
        self.heeler.stderr.keep_last(2000);
    }

    pub fn note_warm(&mut self) {
        self.figures[1] = self.at_rest();
    }

    pub fn note_end(&mut self) {
        self.figures[2] = self.at_rest();
    }

    /// As soon as it holds what it held at its start, or when there was time enough for that.
    fn at_rest(&self) -> Figures {
        let mut now = Figures::default();
        // Workers that leave have as long as their calls.
        within(PATIENCE * 2, || {
            now = Figures::of(self.heeler.pid);
            now.counts_as(&self.figures[0])
        });
        now
    }

    /// What is not as it should be.
    pub fn complaints(&self) -> Vec<String> {
        let [start, warm, end] = &self.figures;
        let mut wrong = self.tally.words.lock().unwrap().clone();
        let mut say = |what: String| wrong.push(format!("{}: {what}", self.name));
        if !end.counts_as(start) {
            say(format!("{end:?} at the end, {start:?} at the start; {:?}", self.heeler.descendants()));
        }
        let most = warm.resident + warm.resident / 10 + CONSTANT;
        if end.resident > most {
            say(format!("{} bytes resident at the end, {} after the warm-up", end.resident, warm.resident));
        }
        let [good, ..] = self.tally.all();
        if good == 0 {
            say("no call was answered well".to_owned());
        }
        let page = self.heeler.scrape();
        for gauge in ["heeler_survivors_total", "heeler_queue_depth", "http_requests_in_flight", "heeler_connections"] {
            let value = page.value(gauge, &[]);
            if value > 0.0 {
                say(format!("{gauge} is {value} at the end"));
            }
        }
        wrong
    }
}
