//! Lines of a stream, collected by a thread so that the writer never waits for the test.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::PATIENCE;

#[derive(Clone, Default)]
pub struct Lines(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    over: bool,
    paused: bool,
    /// How many lines are kept, where not all are.
    most: Option<usize>,
}

impl State {
    fn push(&mut self, line: String) {
        self.lines.push(line);
        if self.most.is_some_and(|most| self.lines.len() > most * 2) {
            self.lines.drain(..self.lines.len() / 2);
        }
    }
}

impl Lines {
    pub fn follow(stream: impl Read + Send + 'static) -> Lines {
        let lines = Lines::default();
        let writer = lines.clone();
        std::thread::spawn(move || writer.read(stream));
        lines
    }

    fn read(&self, stream: impl Read) {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            self.wait_while_paused();
            line.clear();
            if !matches!(stream.read_until(b'\n', &mut line), Ok(1..)) {
                break;
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            self.0.state.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            self.0.changed.notify_all();
        }
        self.0.state.lock().unwrap().over = true;
        self.0.changed.notify_all();
    }

    fn wait_while_paused(&self) {
        let state = self.0.state.lock().unwrap();
        drop(self.0.changed.wait_while(state, |state| state.paused).unwrap());
    }

    /// Stops reading (but for one line on its way): the writer's pipe fills.
    pub fn pause(&self) {
        self.0.state.lock().unwrap().paused = true;
    }

    pub fn resume(&self) {
        self.0.state.lock().unwrap().paused = false;
        self.0.changed.notify_all();
    }

    /// From here on at least the last so many lines are kept, and no more than twice as many.
    pub fn keep_last(&self, lines: usize) {
        self.0.state.lock().unwrap().most = Some(lines);
    }

    /// All lines so far.
    pub fn all(&self) -> Vec<String> {
        self.0.state.lock().unwrap().lines.clone()
    }

    /// How many lines so far are wanted.
    pub fn count(&self, wanted: impl Fn(&str) -> bool) -> usize {
        self.0.state.lock().unwrap().lines.iter().filter(|line| wanted(line)).count()
    }

    /// All lines so far that are JSON objects.
    pub fn json(&self) -> Vec<Value> {
        self.all().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub fn text(&self) -> String {
        self.all().join("\n")
    }

    /// The first line, old or new, for which `wanted` gives something; `None` when the stream or the time is over.
    pub fn find<T>(&self, time: Duration, wanted: impl Fn(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + time;
        let mut seen = 0;
        let mut state = self.0.state.lock().unwrap();
        loop {
            // Lines that are not kept may be gone meanwhile.
            if let Some(found) = state.lines[seen.min(state.lines.len())..].iter().find_map(|line| wanted(line)) {
                return Some(found);
            }
            seen = state.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if state.over || left.is_zero() {
                return None;
            }
            state = self.0.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits for a line with this in it.
    #[track_caller]
    pub fn wait_for(&self, part: &str) -> String {
        let found = self.find(PATIENCE, |line| line.contains(part).then(|| line.to_owned()));
        found.unwrap_or_else(|| panic!("no line with {part:?} in:\n{}", self.text()))
    }

    /// Waits for a JSON line that is wanted.
    #[track_caller]
    pub fn wait_for_json(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = self.find(PATIENCE, |line| serde_json::from_str(line).ok().filter(|value| wanted(value)));
        found.unwrap_or_else(|| panic!("no line for {what} in:\n{}", self.text()))
    }

    /// Waits for the end of the stream, and gives all of it.
    pub fn rest(&self) -> String {
        self.find(PATIENCE, |_| None::<()>);
        self.text()
    }
}
